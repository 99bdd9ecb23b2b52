"""What happens to a ticket, written in one place: events, and changes of its status.

Invariants:
  * A status changes by `change_status` alone, along `rules.STEPS`, and every change is an event with its instant.
  * Nothing is told of a ticket that has left (rule 66, the seed's `is_editable`), beside what its own end tells.
  * However a ticket ends, its passcode is destroyed with it (rule 62), and nothing stays kept for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, NotPermitted
from shopnode.domain.repairs.models import (
    PartState,
    RepairEvent,
    RepairEventKind,
    RepairPart,
    RepairPasscode,
    RepairStatus,
    RepairTicket,
)
from shopnode.domain.repairs.rules import AT_WORK, ENDED, STEPS, steps_from

# No more work is done, so what was kept for it goes back to the shelf.
GIVEN_UP = (RepairStatus.DECLINED, RepairStatus.CANNOT_REPAIR, RepairStatus.CANCELLED, RepairStatus.BOUGHT)


class TicketLocked(Conflict):
    """A ticket that left, or that nobody may touch."""

    code = "repair-locked"

    def __init__(self, number: str, status: str):
        super().__init__(f"Repair {number} is {status.lower()}: it is locked, and nothing of it changes any more.")


class StatusJump(Conflict):
    """A step that does not follow from where the ticket is."""

    code = "repair-status-jump"

    def __init__(self, number: str, old: RepairStatus, new: RepairStatus):
        after = ", ".join(status.value for status in steps_from(old)) or "nothing"
        super().__init__(f"Repair {number} is {old.value} and cannot become {new.value}. After that comes: {after}.")


class PartsWaiting(Conflict):
    """Parts are kept for a job that is said to be done."""

    code = "parts-waiting"

    def __init__(self, number: str, names: list[str]):
        super().__init__(
            f"Kept for repair {number} and neither fitted nor put back: {', '.join(names)}. Say which of both first."
        )


def need_open(ticket: RepairTicket) -> None:
    """Nobody changes a ticket that has ended, or one that was found to be stolen. Raises TicketLocked."""
    if not ticket.is_editable or ticket.status in (*ENDED, RepairStatus.STOLEN):
        raise TicketLocked(ticket.number, ticket.status)


def tell(ctx: Context, ticket: RepairTicket, kind: RepairEventKind, **what: Any) -> str:
    """Write an event of a ticket; answers its id.

    what  columns of RepairEvent: amount_minor, staff_id, via, accepted, photo, note, old_status, new_status
    """
    event_id = ctx.new_id()
    row = {
        "id": event_id, "ticket_id": ticket.id, "shop_id": ticket.shop_id, "kind": kind.value, "at": ctx.now,
        "by_id": ctx.actor.id, **what,
    }  # fmt: skip
    insert_rows(ctx.session, RepairEvent, [row])
    return event_id


def change_status(ctx: Context, ticket: RepairTicket, new: RepairStatus, note: str | None = None) -> None:
    """Take a ticket one step along, tell it, and keep when it was ready.

    Raises TicketLocked, StatusJump, NotPermitted, PartsWaiting.
    """
    old = RepairStatus(ticket.status)
    if not ticket.is_editable or old in ENDED:
        raise TicketLocked(ticket.number, ticket.status)
    needs = STEPS.get((old, new))
    if needs is None:
        raise StatusJump(ticket.number, old, new)
    if not ctx.may(needs):
        raise NotPermitted(f"Your role may not make a repair {new.value} that is {old.value}. Ask a supervisor.")
    _settle_parts(ctx, ticket, new)
    ticket.status = new.value
    if new is RepairStatus.COMPLETED:
        ticket.completed_at = ticket.completed_at or ctx.now
    elif new in AT_WORK:
        ticket.completed_at = None  # it was not ready after all
    if new in ENDED:
        destroy_passcode(ctx, ticket)
    tell(ctx, ticket, RepairEventKind.STATUS, old_status=old.value, new_status=new.value, note=note)
    ctx.about("repair_ticket", ticket.id)


def destroy_passcode(ctx: Context, ticket: RepairTicket) -> None:
    """Throw a stored passcode away, and tell that it is gone; nothing where there is none."""
    row = ctx.session.scalars(select(RepairPasscode).where(RepairPasscode.ticket_id == ticket.id)).one_or_none()
    if row is not None:
        ctx.session.delete(row)
        tell(ctx, ticket, RepairEventKind.PASSCODE_DESTROYED)


def _settle_parts(ctx: Context, ticket: RepairTicket, new: RepairStatus) -> None:
    """A job that is done has no part waiting; one that is given up lets its parts go. Raises PartsWaiting."""
    if new not in (RepairStatus.COMPLETED, *GIVEN_UP):
        return
    query = select(RepairPart).where(RepairPart.ticket_id == ticket.id, RepairPart.state == PartState.RESERVED.value)
    waiting = ctx.session.scalars(query.order_by(RepairPart.reserved_at, RepairPart.id)).all()
    if waiting and new is RepairStatus.COMPLETED:
        raise PartsWaiting(ticket.number, [part.name for part in waiting])
    for part in waiting:
        part.state, part.returned_at = PartState.RETURNED.value, ctx.now
