"""Phones that are lent to a customer while theirs is here (rule 71).

Invariants:
  * A ticket has at most one loaner, and is not ended while the customer has it: it comes back, or is paid for.
  * The phone stays ours while it is lent; one that is kept leaves by a sale, as any other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import Handset, UnitStatus
from shopnode.domain.handsets.states import own_unit, turn
from shopnode.domain.params import IdText, Optionally, Params, PositiveAmount, Reason, ShortText
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.delivery import LoanerOut
from shopnode.domain.repairs.events import tell
from shopnode.domain.repairs.models import RepairEventKind, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket
from shopnode.domain.sales.actions import book_ticket
from shopnode.domain.sales.forms import TENDERS_MAX, Item, NewSale, Tendered


class Lending(Params):
    """A phone of this shop for as long as the repair takes, and how it looks."""

    unit_id: IdText
    notes: Annotated[ShortText | None, Optionally] = Field(default=None, description="Scratches, what comes with it.")


class LendPhone(Lending):
    ticket_id: IdText


class TakingBack(Params):
    """The lent phone is here again."""

    outcome: Literal["resell", "inspect"] = "inspect"
    notes: Annotated[ShortText | None, Optionally] = None


class TakeLoanerBack(TakingBack):
    ticket_id: IdText


class Charging(Params):
    """The customer keeps the lent phone, or lost it, and pays for it."""

    amount: PositiveAmount
    payments: Annotated[list[Tendered], Field(min_length=1, max_length=TENDERS_MAX)]
    reason: Reason


class ChargeLoaner(Charging):
    ticket_id: IdText


class NoLoaner(Conflict):
    code = "no-loaner"

    def __init__(self, number: str):
        super().__init__(f"No phone is lent on repair {number}.")


@action("repairs.lend_phone", needs=Permission.REPAIRS_CREATE)
def lend_phone(ctx: Context, form: LendPhone) -> dict[str, Any]:
    """Lend the customer a phone from the shelf. Raises LoanerOut, NotInStock, TicketLocked, NotFound."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    if ticket.loaner_unit_id is not None:
        raise LoanerOut(ticket.number)
    unit = own_unit(ctx, form.unit_id)
    turn(ctx, unit, UnitStatus.LENT, f"Repair {ticket.number}", about_id=ticket.id)
    ticket.loaner_unit_id = unit.id
    number = find_row(ctx.session, Handset, unit.handset_id).number
    tell(ctx, ticket, RepairEventKind.LOANER_OUT, note=_said(number, form.notes))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "unit_id": unit.id, "number": number}


@action("repairs.take_loaner_back", needs=Permission.REPAIRS_CREATE)
def take_loaner_back(ctx: Context, form: TakeLoanerBack) -> dict[str, Any]:
    """Take the lent phone back, on sale or to be looked at. Raises NoLoaner, NotInStock, TicketLocked."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    unit = own_unit(ctx, _lent(ticket))
    to = UnitStatus.IN_STOCK if form.outcome == "resell" else UnitStatus.INSPECT
    turn(ctx, unit, to, f"Back from repair {ticket.number}", about_id=ticket.id)
    ticket.loaner_unit_id = None
    number = find_row(ctx.session, Handset, unit.handset_id).number
    tell(ctx, ticket, RepairEventKind.LOANER_BACK, note=_said(number, form.notes))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "unit_id": unit.id, "status": unit.status}


@action("repairs.charge_loaner", needs=Permission.REPAIRS_CREATE)
def charge_loaner(ctx: Context, form: ChargeLoaner) -> dict[str, Any]:
    """Sell the lent phone to the customer who keeps or lost it. Raises NoLoaner, TicketLocked, and what `sell` does."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    unit = own_unit(ctx, _lent(ticket))
    turn(ctx, unit, UnitStatus.IN_STOCK, f"Kept by the customer of repair {ticket.number}", about_id=ticket.id)
    ctx.session.flush()
    item = Item(device_id=unit.id, unit_price=form.amount)
    new = NewSale(items=[item], payments=form.payments, customer_id=ticket.customer_id)
    sold = book_ticket(ctx, new)
    ticket.loaner_unit_id = None
    note = f"{form.reason} (sale {sold['number']})"
    tell(ctx, ticket, RepairEventKind.LOANER_CHARGED, amount_minor=form.amount, note=note)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "sale_id": sold["sale_id"], "sale_number": sold["number"], "change": sold["change"]}


def _lent(ticket: RepairTicket) -> str:
    if ticket.loaner_unit_id is None:
        raise NoLoaner(ticket.number)
    return ticket.loaner_unit_id


def _said(*words: str | None) -> str:
    return ". ".join(part for part in words if part)


def _figures(ctx: Context, form: ChargeLoaner) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    return form.amount, find_open_ticket(ctx, form.ticket_id).number


register_figures("repairs.charge_loaner", _figures)
