"""A device that turns out to be stolen while it is here (rule 75): locked, handed to nobody, its number blocked.

Invariants:
  * A locked ticket changes no more (`events.need_open`), and its device is given to nobody.
  * The owner alone lets it go on; it goes on from where it was.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import IdText, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.repairs.events import change_status
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket
from shopnode.domain.usedphones.blocking import BlockNumber, LiftBlock, block_number, lift_block
from shopnode.domain.usedphones.blocklist import block_id
from shopnode.domain.usedphones.models import BlockedNumber


class Suspecting(Params):
    """Why it is held: who claims it, the police's reference."""

    reason: Reason


class LockStolen(Suspecting):
    ticket_id: IdText


class Clearing(Params):
    """Why it may go on."""

    reason: Reason


class ClearStolen(Clearing):
    ticket_id: IdText


class NotLocked(Conflict):
    code = "repair-not-locked"

    def __init__(self, number: str):
        super().__init__(f"Repair {number} is not held as stolen.")


@action("repairs.lock_stolen", needs=Permission.REPAIRS_UPDATE)
def lock_stolen(ctx: Context, form: LockStolen) -> dict[str, Any]:
    """Hold a device that was found to be stolen: its ticket is locked, its number blocked in every shop.

    Raises TicketLocked, NotFound.
    """
    ticket = find_open_ticket(ctx, form.ticket_id)
    change_status(ctx, ticket, RepairStatus.STOLEN, form.reason)
    if ticket.imei_serial:
        block_number(ctx, BlockNumber(number=ticket.imei_serial, reason=_why(ticket, form.reason)))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "blocked": ticket.imei_serial}


@action("repairs.clear_stolen", needs=Permission.REPAIRS_DELETE)
def clear_stolen(ctx: Context, form: ClearStolen) -> dict[str, Any]:
    """Let a held device go on from where it was; the owner alone. Raises NotLocked, NotFound."""
    ticket = find_ticket(ctx, form.ticket_id)
    if ticket.status != RepairStatus.STOLEN:
        raise NotLocked(ticket.number)
    change_status(ctx, ticket, _held_from(ctx, ticket), form.reason)
    if ticket.imei_serial and _is_ours(ctx, ticket):
        lift_block(ctx, LiftBlock(number=ticket.imei_serial))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "status": ticket.status}


def _held_from(ctx: Context, ticket: RepairTicket) -> RepairStatus:
    query = select(RepairEvent.old_status).where(
        RepairEvent.ticket_id == ticket.id, RepairEvent.kind == RepairEventKind.STATUS.value,
        RepairEvent.new_status == RepairStatus.STOLEN.value,
    )  # fmt: skip
    was = ctx.session.scalars(query.order_by(RepairEvent.at.desc(), RepairEvent.id.desc()).limit(1)).first()
    return RepairStatus(was or RepairStatus.PENDING)


def _is_ours(ctx: Context, ticket: RepairTicket) -> bool:
    """Whether the block was made by this ticket: another one stands on its own grounds."""
    row = row_or_none(ctx.session, BlockedNumber, block_id(ticket.imei_serial or ""))
    return row is not None and row.lifted_at is None and row.reason.startswith(_why(ticket, ""))


def _why(ticket: RepairTicket, reason: str) -> str:
    return f"Repair {ticket.number}: {reason}"[:200]
