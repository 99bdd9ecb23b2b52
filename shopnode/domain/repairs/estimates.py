"""What it will cost, and what the customer said to that (rule 65).

The agreed amount is the price of the whole job. Parts are inside it, and labour is what is left of it; whatever would
bring the job above it needs another estimate and another answer.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.events import change_status, tell
from shopnode.domain.repairs.forms import AnswerEstimate, GiveEstimate
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.pictures import keep_signature
from shopnode.domain.repairs.queries import find_open_ticket, parts_of, price_of_parts, told_of
from shopnode.domain.repairs.rules import AT_WORK, STEPS, labour_within
from shopnode.domain.repairs.status import refuse_less

S = RepairStatus
ESTIMATED_IN = (*AT_WORK, S.OUTSOURCED, S.DECLINED, S.TRANSFERRED)


class AnotherEstimate(Conflict):
    """The answer is to another amount than the one that stands."""

    code = "another-estimate"

    def __init__(self, number: str, estimate: int | None):
        stands = "no estimate was given" if estimate is None else f"the estimate is {estimate:,}"
        super().__init__(f"Of repair {number} {stands}. Tell the customer that amount, and write their answer to it.")


@action("repairs.estimate", needs=Permission.REPAIRS_UPDATE)
def give_estimate(ctx: Context, form: GiveEstimate) -> dict[str, Any]:
    """Say what it will cost, and wait for the customer's answer. Raises TicketLocked, Invalid, NotPermitted."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    if ticket.status not in ESTIMATED_IN:
        raise Invalid({"amount": f"is not asked of a repair that is {ticket.status.lower()}"})
    refuse_less(ctx, ticket.agreed_minor, form.amount)
    parts = price_of_parts(parts_of(ctx.session, ticket.id))
    if form.amount < parts:
        raise Invalid({"amount": f"is less than the {parts:,} of its parts alone"})
    ticket.estimate_minor = form.amount
    tell(ctx, ticket, RepairEventKind.ESTIMATE, amount_minor=form.amount, note=form.notes)
    old = RepairStatus(ticket.status)
    if form.ask and old is not S.WAITING_FOR_APPROVAL and (old, S.WAITING_FOR_APPROVAL) in STEPS:
        change_status(ctx, ticket, S.WAITING_FOR_APPROVAL, f"Estimate of {form.amount:,}")
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "status": ticket.status}


@action("repairs.answer", needs=Permission.REPAIRS_UPDATE)
def answer_estimate(ctx: Context, form: AnswerEstimate) -> dict[str, Any]:
    """Write down what the customer said to the estimate: who, how, when. Raises AnotherEstimate, TicketLocked.

    Yes: that is the price, and work goes on where it was. No to the first one: declined. No to a higher one: what was
    agreed before still holds.
    """
    ticket = find_open_ticket(ctx, form.ticket_id)
    if ticket.estimate_minor is None or ticket.estimate_minor != form.amount:
        raise AnotherEstimate(ticket.number, ticket.estimate_minor)
    if form.via == "signature" and not form.signature:
        raise Invalid({"signature": "is needed where the customer agreed by it"})
    who = told_of(ctx, ticket, form.answered_by)
    said = f"{who}: {form.notes}" if form.notes else who
    tell(ctx, ticket, RepairEventKind.ANSWER, amount_minor=form.amount, accepted=form.accepted, via=form.via, note=said)
    if form.signature:
        keep_signature(ctx, ticket, form.signature, f"The estimate of {form.amount:,}")
    if form.accepted:
        agree(ctx, ticket, form.amount)
    else:
        ticket.estimate_minor = ticket.agreed_minor
    if ticket.agreed_minor is None and (RepairStatus(ticket.status), S.DECLINED) in STEPS:
        change_status(ctx, ticket, S.DECLINED, f"{who} said no to {form.amount:,}")
    elif ticket.status == S.WAITING_FOR_APPROVAL:
        change_status(ctx, ticket, _before_waiting(ctx, ticket), "Answered")
    elif form.accepted and ticket.status == S.DECLINED:
        change_status(ctx, ticket, S.DIAGNOSED, "Thought again")
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "status": ticket.status, "agreed": ticket.agreed_minor}


def agree(ctx: Context, ticket: RepairTicket, amount_minor: int) -> None:
    """The customer said yes to so much for all of it."""
    parts = price_of_parts(parts_of(ctx.session, ticket.id))
    ticket.agreed_minor = ticket.estimate_minor = amount_minor
    ticket.labour_minor = labour_within(amount_minor, amount_minor, parts)


def _before_waiting(ctx: Context, ticket: RepairTicket) -> RepairStatus:
    """Where it was when it began to wait."""
    query = select(RepairEvent.old_status).where(
        RepairEvent.ticket_id == ticket.id, RepairEvent.kind == RepairEventKind.STATUS.value,
        RepairEvent.new_status == S.WAITING_FOR_APPROVAL.value,
    )  # fmt: skip
    was = ctx.session.scalars(query.order_by(RepairEvent.at.desc(), RepairEvent.id.desc()).limit(1)).first()
    back = RepairStatus(was) if was else S.DIAGNOSED
    return back if (S.WAITING_FOR_APPROVAL, back) in STEPS else S.DIAGNOSED
