"""Handing over: against a code and what is due, to somebody with a name; it becomes a sale, and the ticket is locked.

The sale is made by the same code as the counter's: a line for the job, which costs what its parts cost and carries its
warranty, and a line for storage where there was any. What was paid before pays it by `Tender.PLAN`; what was paid too
much goes back. Nothing due is no sale (rules 46 and 72).
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.events import change_status, tell
from shopnode.domain.repairs.forms import Deliver
from shopnode.domain.repairs.models import PartState, RepairEventKind, RepairPart, RepairStatus, RepairTicket
from shopnode.domain.repairs.money import pay_back
from shopnode.domain.repairs.pictures import keep_signature
from shopnode.domain.repairs.queries import (
    charges_for,
    cost_of_work,
    find_open_ticket,
    find_ticket,
    paid_so_far,
    parts_of,
    told_of,
)
from shopnode.domain.repairs.rules import Charges, bare_slip_code
from shopnode.domain.sales.actions import book_ticket
from shopnode.domain.sales.forms import Item, NewSale
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Handed
from shopnode.domain.sales.ticket import Line

CATEGORY = "Repairs"
NAME_MAX = 200


class LoanerOut(Conflict):
    """A ticket is not closed while its loaner is with the customer (rule 71)."""

    code = "loaner-out"

    def __init__(self, number: str):
        super().__init__(f"The customer still has our phone on repair {number}. Take it back first, or charge it.")


class WrongCode(Conflict):
    """Neither the slip's code nor the customer's number: nobody is handed the device (rule 72)."""

    code = "wrong-slip-code"

    def __init__(self) -> None:
        super().__init__("That is not the code of this slip, nor the customer's number. Hand nothing over.")


class OfAnotherBranch(Conflict):
    """Its customer, its price and its deposit are known there (rule 77)."""

    code = "of-another-branch"

    def __init__(self, number: str):
        super().__init__(f"Repair {number} is another branch's: send it home, and it is handed over there.")


@action("repairs.deliver", needs=Permission.REPAIRS_CREATE)
def deliver(ctx: Context, form: Deliver) -> dict[str, Any]:
    """Hand a device over against its code and what is due; it becomes a sale, and the ticket is locked.

    Raises OfAnotherBranch, WrongCode, ApprovalNeeded, LoanerOut, StatusJump, TicketLocked, and what `sell` raises.
    """
    ticket = find_open_ticket(ctx, form.ticket_id)
    if ticket.came_by_id is not None:
        raise OfAnotherBranch(ticket.number)
    proof = _proof(ctx, ticket, form)
    if ticket.loaner_unit_id is not None:
        raise LoanerOut(ticket.number)
    parts = parts_of(ctx.session, ticket.id)
    charges, paid = charges_for(ticket, parts), paid_so_far(ctx.session, ticket.id)
    _check_unpaid_parts(ctx, ticket, charges, parts)
    for said in form.disputed:
        tell(ctx, ticket, RepairEventKind.DISPUTED, note=f"{said.item}: {said.notes}")
    who = told_of(ctx, ticket, form.taken_by)
    if form.signature:
        keep_signature(ctx, ticket, form.signature, f"Fetched by {who}")
    change_status(ctx, ticket, RepairStatus.DELIVERED, f"Fetched by {who}, by {proof}")
    sold = _sell(ctx, ticket, form, charges, parts, min(paid, charges.total_minor))
    too_much = paid - charges.total_minor
    slip = None
    if too_much > 0:
        why = f"Repair {ticket.number}: paid too much"
        slip = pay_back(ctx, ticket, too_much, why, form.refund_method, form.refund_reference)
    ticket.delivered_at, ticket.delivered_by = ctx.now, ctx.actor.id
    ctx.about("repair_ticket", ticket.id)
    return {
        "ticket_id": ticket.id, "total": charges.total_minor, "paid_before": paid, "given_back": max(0, too_much),
        "slip": slip, **sold,
    }  # fmt: skip


def _proof(ctx: Context, ticket: RepairTicket, form: Deliver) -> str:
    """By what it is handed over, in a word. Raises WrongCode, ApprovalNeeded."""
    if form.slip_code is not None:
        if not hmac.compare_digest(bare_slip_code(form.slip_code).encode(), ticket.slip_code.encode()):
            raise WrongCode
        return "slip"
    if form.phone is not None:
        if form.phone != find_customer(ctx.session, ticket.customer_id).phone:
            raise WrongCode
        return "telephone"
    ctx.require_approval(f"Repair {ticket.number} is handed over without its slip and without the customer's number.")
    return "approval"


def _check_unpaid_parts(ctx: Context, ticket: RepairTicket, charges: Charges, parts: Sequence[RepairPart]) -> None:
    """Parts that stay in a device which was “not mended” are paid for, or somebody writes them off: otherwise a screen
    leaves the shop for nothing, and the price of it in a pocket. Raises ApprovalNeeded, NotPermitted."""
    if ticket.completed_at is not None:
        return
    fitted = [part for part in parts if part.state == PartState.USED]
    lost_minor = sum(part.quantity * (part.unit_cost_minor or 0) for part in fitted) - charges.diagnosis_minor
    if lost_minor > 0:
        check_write_off(ctx, lost_minor)
        names = ", ".join(part.name for part in fitted)
        tell(ctx, ticket, RepairEventKind.NOTE, amount_minor=lost_minor, note=f"Fitted and not paid for: {names}"[:500])


def _sell(
    ctx: Context, ticket: RepairTicket, form: Deliver, charges: Charges, parts: Sequence[RepairPart], before: int
) -> dict[str, Any]:
    """The sale of what is due; nothing where nothing is. Raises what `sell` raises."""
    if not charges.total_minor:
        if form.payments:
            raise Invalid({"payments": "are not needed: nothing is due"})
        return {"sale_id": None, "sale_number": None, "change": 0}
    if not ctx.may(Permission.SALES_CREATE):
        raise NotPermitted("Your role takes no money. Ask a cashier to hand it over.")
    new = NewSale(
        items=_items(ctx, ticket, charges, parts), payments=form.payments, customer_id=ticket.customer_id,
        print_receipt=form.print_receipt,
    )  # fmt: skip

    def agreed(lines: list[Line]) -> None:
        if ticket.completed_at is not None:
            lines[0].imei = ticket.imei_serial
            lines[0].warranty_days, lines[0].warranty_terms = _warranty(ticket, parts)

    given = [Handed(Tender.PLAN, before, ticket.number)] if before else []
    sold = book_ticket(ctx, new, given, agreed=agreed)
    ticket.sale_id = sold["sale_id"]
    return {"sale_id": sold["sale_id"], "sale_number": sold["number"], "change": sold["change"]}


def _items(ctx: Context, ticket: RepairTicket, charges: Charges, parts: Sequence[RepairPart]) -> list[Item]:
    """The job as one line, storage as another."""
    what = "Repair" if ticket.completed_at is not None else "Diagnosis"
    name = f"{what} {ticket.number}: {ticket.brand} {ticket.model}"[:NAME_MAX]
    cost = cost_of_work(ctx.session, ticket.id, parts)
    job = charges.total_minor - charges.storage_minor
    lines = [(name, job, cost), (f"Storage, repair {ticket.number}", charges.storage_minor, 0)]
    return [
        Item(item_name=words, category=CATEGORY, unit_price=price, unit_cost=cost_minor)
        for words, price, cost_minor in lines
        if price
    ]


def _warranty(ticket: RepairTicket, parts: Sequence[RepairPart]) -> tuple[int, str | None]:
    """Days and terms of the job; the customer's own parts are not in it (rule 68)."""
    own = [part.name for part in parts if part.is_customers and part.state == PartState.USED]
    if not own:
        return ticket.warranty_days, ticket.terms
    except_for = f"No warranty on the customer's own parts: {', '.join(own)}."
    return ticket.warranty_days, f"{ticket.terms}\n{except_for}" if ticket.terms else except_for


def _figures(ctx: Context, form: Deliver) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    ticket = find_ticket(ctx, form.ticket_id)
    return charges_for(ticket, parts_of(ctx.session, ticket.id)).total_minor, ticket.number


register_figures("repairs.deliver", _figures)
