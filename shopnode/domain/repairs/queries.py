"""Reading repairs: one ticket, lists of them, what is due, how long it took."""

from __future__ import annotations

from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.events import need_open
from shopnode.domain.repairs.models import RepairTicket


def find_ticket(ctx: Context, ticket_id: str) -> RepairTicket:
    """The ticket of that id: in a shop its own ones alone. Raises NotFound."""
    ticket = find_row(ctx.session, RepairTicket, ticket_id, "This repair")
    if ctx.shop_id is not None and ticket.shop_id != ctx.shop_id:
        raise NotFound("This repair")
    return ticket


def find_open_ticket(ctx: Context, ticket_id: str) -> RepairTicket:
    """Like find_ticket, for somebody who changes it. Raises NotFound, TicketLocked."""
    ticket = find_ticket(ctx, ticket_id)
    need_open(ticket)
    return ticket
