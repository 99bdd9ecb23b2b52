"""Devices that somebody else mends for us (rule 69): who has them, until when, what it cost, how they came back.

Invariants:
  * A device that is away is Outsourced, and has exactly one outwork without `back_at`.
  * What it cost is a cost of the ticket, never a line of the customer's bill; with a supplier it is a bill of theirs.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.buying.accounts import write_entry
from shopnode.domain.buying.models import SupplierEntryKind
from shopnode.domain.buying.queries import find_supplier
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.params import Amount, IdText, Name, Optionally, Params, Reason, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.events import change_status, need_open, tell
from shopnode.domain.repairs.models import RepairEventKind, RepairOutwork, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket
from shopnode.domain.stock.days import Day

# Where work goes on when a device is back: what others mended is tried here before the customer hears of it.
BACK_TO = {"repaired": RepairStatus.QUALITY_CHECK, "not_repaired": RepairStatus.DIAGNOSED}


class Outsourcing(Params):
    """Who mends it, and until when. A workshop that sends bills is a supplier."""

    sent_to: Annotated[Name | None, Optionally] = Field(default=None, description="A supplier's name when left out.")
    supplier_id: IdText | None = None
    due_on: Day | None = None
    cost: Amount | None = Field(default=None, description="As agreed, where it is known already.")
    notes: Annotated[ShortText | None, Optionally] = None


class SendOut(Outsourcing):
    ticket_id: IdText


class ComingBack(Params):
    """It is here again."""

    outcome: Literal["repaired", "not_repaired"]
    cost: Amount | None = Field(default=None, description="What it cost us; as agreed when left out.")
    notes: Annotated[ShortText | None, Optionally] = None


class TakeBackIn(ComingBack):
    ticket_id: IdText


class Correcting(Params):
    """What is put right about a device that is away, or what it cost."""

    due_on: Day | None = None
    cost: Amount | None = None
    reason: Reason


class CorrectOutwork(Correcting):
    outwork_id: IdText


class NotAway(Conflict):
    code = "repair-not-away"

    def __init__(self, number: str, status: str):
        super().__init__(f"The device of repair {number} is with nobody else: the repair is {status}.")


@action("repairs.send_out", needs=Permission.REPAIRS_UPDATE)
def send_out(ctx: Context, form: SendOut) -> dict[str, Any]:
    """Give a device to somebody who mends it for us. Raises TicketLocked, StatusJump, Invalid, NotFound."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    name = form.sent_to
    if form.supplier_id is not None:
        name = name or find_supplier(ctx.session, form.supplier_id).name
    if name is None:
        raise Invalid({"sent_to": "is needed: say who has the device now"})
    if form.due_on is not None and form.due_on < today_of(ctx):
        raise Invalid({"due_on": "has passed"})
    until = f", back by {form.due_on:%d %b %Y}" if form.due_on else ""
    change_status(ctx, ticket, RepairStatus.OUTSOURCED, _said(f"With {name}{until}", form.notes))
    outwork = RepairOutwork(
        id=ctx.new_id(), ticket_id=ticket.id, shop_id=ticket.shop_id, sent_to=name, supplier_id=form.supplier_id,
        sent_at=ctx.now, sent_by=ctx.actor.id, due_on=form.due_on, cost_minor=form.cost,
    )  # fmt: skip
    add_rows(ctx.session, outwork)
    return {"ticket_id": ticket.id, "outwork_id": outwork.id, "sent_to": name}


@action("repairs.take_back_in", needs=Permission.REPAIRS_UPDATE)
def take_back_in(ctx: Context, form: TakeBackIn) -> dict[str, Any]:
    """Take a device back that somebody mended, or could not. Raises NotAway, TicketLocked, NotFound."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    outwork = _away(ctx, ticket)
    outwork.back_at, outwork.back_by, outwork.outcome = ctx.now, ctx.actor.id, form.outcome
    if form.cost is not None:
        outwork.cost_minor = form.cost
    if outwork.supplier_id is not None and outwork.cost_minor:
        write_entry(
            ctx, outwork.supplier_id, SupplierEntryKind.BILL, outwork.cost_minor, note=f"Repair {ticket.number}"
        )  # fmt: skip
    words = "Mended" if form.outcome == "repaired" else "Not mended"
    change_status(ctx, ticket, BACK_TO[form.outcome], _said(f"{words} by {outwork.sent_to}", form.notes))
    return {"ticket_id": ticket.id, "outwork_id": outwork.id, "status": ticket.status, "cost": outwork.cost_minor}


@action("repairs.correct_outwork", needs=Permission.REPAIRS_UPDATE)
def correct_outwork(ctx: Context, form: CorrectOutwork) -> dict[str, Any]:
    """Put right when a device comes back, or what its mending cost; a supplier's bill follows. Raises TicketLocked."""
    outwork = find_outwork(ctx, form.outwork_id)
    ticket = find_ticket(ctx, outwork.ticket_id)
    need_open(ticket)
    if form.cost is None and form.due_on is None:
        raise Invalid({"cost": "or due_on is needed: say what is to be put right"})
    if form.cost is not None:
        more = form.cost - (outwork.cost_minor or 0)
        if more and outwork.supplier_id is not None and outwork.back_at is not None:
            note = f"Repair {ticket.number}: {form.reason}"
            write_entry(ctx, outwork.supplier_id, SupplierEntryKind.CORRECTION, more, note=note)
        outwork.cost_minor = form.cost
    outwork.due_on = form.due_on or outwork.due_on
    tell(ctx, ticket, RepairEventKind.CHANGED, amount_minor=form.cost, note=f"With {outwork.sent_to}: {form.reason}")
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "outwork_id": outwork.id}


def find_outwork(ctx: Context, outwork_id: str) -> RepairOutwork:
    """One time a device was with somebody else: in a shop its own ones alone. Raises NotFound."""
    row = find_row(ctx.session, RepairOutwork, outwork_id, "This outside work")
    if ctx.shop_id is not None and row.shop_id != ctx.shop_id:
        raise NotFound("This outside work")
    return row


def outwork_of(session: Session, ticket_id: str) -> list[RepairOutwork]:
    """Every time it was with somebody else, the first one first."""
    query = select(RepairOutwork).where(RepairOutwork.ticket_id == ticket_id)
    return list(session.scalars(query.order_by(RepairOutwork.sent_at, RepairOutwork.id)))


def is_late(outwork: RepairOutwork, today: date) -> bool:
    """Whether it should be back and is not."""
    return outwork.back_at is None and outwork.due_on is not None and outwork.due_on < today


def _away(ctx: Context, ticket: RepairTicket) -> RepairOutwork:
    query = select(RepairOutwork).where(RepairOutwork.ticket_id == ticket.id, RepairOutwork.back_at.is_(None))
    found = ctx.session.scalars(query.order_by(RepairOutwork.sent_at.desc()).limit(1)).first()
    if found is None or ticket.status != RepairStatus.OUTSOURCED:
        raise NotAway(ticket.number, ticket.status)
    return found


def _said(*words: str | None) -> str:
    return ". ".join(part for part in words if part)
