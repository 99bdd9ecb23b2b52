"""What happens to a ticket, written in one place: events, and changes of its status.

Invariants:
  * A status changes by `change_status` alone, along `rules.STEPS`, and every change is an event with its instant.
  * Nothing is told of a ticket that has left (rule 66, the seed's `is_editable`), beside what its own end tells.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, NotPermitted
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.rules import ENDED, STEPS, steps_from


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

    Raises TicketLocked, StatusJump, NotPermitted.
    """
    old = RepairStatus(ticket.status)
    if not ticket.is_editable or old in ENDED:
        raise TicketLocked(ticket.number, ticket.status)
    needs = STEPS.get((old, new))
    if needs is None:
        raise StatusJump(ticket.number, old, new)
    if not ctx.may(needs):
        raise NotPermitted(f"Your role may not make a repair {new.value} that is {old.value}. Ask a supervisor.")
    ticket.status = new.value
    if new is RepairStatus.COMPLETED:
        ticket.completed_at = ticket.completed_at or ctx.now
    elif new is RepairStatus.IN_PROGRESS:
        ticket.completed_at = None  # it was not ready after all
    tell(ctx, ticket, RepairEventKind.STATUS, old_status=old.value, new_status=new.value, note=note)
    ctx.about("repair_ticket", ticket.id)
