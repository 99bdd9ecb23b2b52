"""Plans: opened with a deposit, paid bit by bit, and ended once: as a sale, called off, or given up.

Each end is one action. A plan that becomes a sale is paid by `Tender.PLAN` for what was paid before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.forms import MoneyIn
from shopnode.domain.accounts.ledger import About, account_holder, owe_customer
from shopnode.domain.accounts.models import EntryKind
from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.handsets.states import release_unit, reserve_unit
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.plans.forms import CancelPlan, CompletePlan, ForfeitPlan, OpenPlan, PayPlan
from shopnode.domain.plans.keeping import ask_for_kept
from shopnode.domain.plans.models import Plan, PlanDue, PlanKind, PlanLine, PlanStatus
from shopnode.domain.plans.queries import lines_of, paid_so_far, units_kept_for
from shopnode.domain.plans.rules import forfeited, instalments, least_deposit
from shopnode.domain.queries import find_row
from shopnode.domain.sales.actions import book_ticket
from shopnode.domain.sales.forms import Item, NewSale, Tendered
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Handed
from shopnode.domain.sales.ticket import Line, add_up, check_prices, price_lines
from shopnode.domain.settings.queries import all_numbers


class PlanEnded(Conflict):
    code = "plan-ended"

    def __init__(self, number: str, status: str):
        super().__init__(f"Plan {number} is {status} already; nothing more can be done with it.")


@action("plans.open", needs=Permission.ACCOUNTS_COLLECT)
def open_plan(ctx: Context, form: OpenPlan) -> dict[str, Any]:
    """Agree on goods at a price, take the deposit, and keep the goods; instalments leave at once, as a sale.

    Raises Invalid, UnitNotForSale, ApprovalNeeded, DrawerClosed, ReferenceUsed.
    """
    customer = account_holder(ctx.session, form.customer_id)
    kind = PlanKind(form.kind)
    items = [Item(**item.model_dump()) for item in form.items]
    lines = price_lines(ctx, items, list_id=customer.price_list_id)
    totals = add_up(lines, 0)
    check_prices(ctx, lines, 0)
    ask_for_kept(ctx, lines)
    deposit = sum(part.amount for part in form.payments)
    numbers, today = all_numbers(ctx.session), today_of(ctx)
    _check_deposit(ctx, kind, totals.total_minor, deposit, numbers["plan_deposit_bp"])
    keep_until = _kept_until(form, today, numbers)
    dues = _dues(form, totals.total_minor - deposit, today, keep_until)
    plan = Plan(
        id=ctx.new_id(), shop_id=ctx.shop_id, number=next_document_number(ctx, Document.PLAN), kind=kind.value,
        customer_id=customer.id, status=PlanStatus.OPEN.value, total_minor=totals.total_minor, deposit_minor=deposit,
        forfeit_bp=numbers["plan_forfeit_bp"], keep_until=keep_until, notes=form.notes, opened_at=ctx.now,
        opened_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, plan)
    _write_terms(ctx, plan, lines, dues)
    slips = [_take(ctx, plan, part) for part in form.payments]
    ctx.about("plan", plan.id)
    made: dict[str, Any] = {"plan_id": plan.id, "number": plan.number, "total": plan.total_minor, "slips": slips}
    if kind is PlanKind.INSTALMENT:
        rest = [Handed(Tender.ON_ACCOUNT, plan.total_minor - deposit, None, plan.id)]
        return {**made, **_become_sale(ctx, plan, customer, deposit, rest)}
    for line in lines:
        if line.unit is not None:
            reserve_unit(ctx, line.unit, plan.id, f"plan {plan.number}")
    return {**made, "paid": deposit, "open": plan.total_minor - deposit}


@action("plans.pay", needs=Permission.ACCOUNTS_COLLECT)
def pay_plan(ctx: Context, form: PayPlan) -> dict[str, Any]:
    """Take money towards a plan. Raises PlanEnded, Invalid, DrawerClosed, ReferenceUsed."""
    plan = _find_open(ctx, form.plan_id)
    left = plan.total_minor - paid_so_far(ctx.session, plan.id)
    if form.amount > left:
        raise Invalid({"amount": f"is more than the {left:,} that are left of plan {plan.number}"})
    slip = _take(ctx, plan, form)
    ctx.about("plan", plan.id)
    return {"plan_id": plan.id, "slip": slip, "paid": plan.total_minor - left + form.amount, "open": left - form.amount}


@action("plans.complete", needs=Permission.ACCOUNTS_COLLECT)
def complete_plan(ctx: Context, form: CompletePlan) -> dict[str, Any]:
    """Hand the goods over: the plan becomes a sale at the agreed prices, paid by what was paid before and the rest now.

    Raises what `sell` raises, and PlanEnded.
    """
    plan = _find_open(ctx, form.plan_id)
    customer = account_holder(ctx.session, plan.customer_id)
    paid = paid_so_far(ctx.session, plan.id)
    ctx.about("plan", plan.id)
    return _become_sale(ctx, plan, customer, paid, [], form.payments, form.print_receipt)


@action("plans.cancel", needs=Permission.ACCOUNTS_COLLECT)
def cancel_plan(ctx: Context, form: CancelPlan) -> dict[str, Any]:
    """Call a plan off: all that was paid goes back, with a second person. Raises PlanEnded, ApprovalNeeded."""
    plan = _find_open(ctx, form.plan_id)
    paid = paid_so_far(ctx.session, plan.id)
    if paid and ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"Calling plan {plan.number} off gives {paid:,} back.")
    if paid and form.method:
        move_money(
            ctx, MoneyKind.PLAN_PAYMENT, form.method, -paid, reference=form.reference, about_id=plan.id,
            customer_id=plan.customer_id, note=form.reason,
        )  # fmt: skip
    elif paid:
        about = About(number=plan.number, note=form.reason)
        owe_customer(ctx, plan.customer_id, paid, EntryKind.REFUND, about)
    _end(ctx, plan, PlanStatus.CANCELLED, form.reason)
    in_money = paid if form.method else 0
    return {"plan_id": plan.id, "given_back": in_money, "to_store_credit": paid - in_money}


@action("plans.forfeit", needs=Permission.ACCOUNTS_COLLECT)
def forfeit_plan(ctx: Context, form: ForfeitPlan) -> dict[str, Any]:
    """End a plan the customer gave up: the agreed part is kept, the rest becomes store credit, with a second person.

    Raises PlanEnded, ApprovalNeeded.
    """
    plan = _find_open(ctx, form.plan_id)
    paid = paid_so_far(ctx.session, plan.id)
    kept = forfeited(paid, plan.forfeit_bp)
    if paid and ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"Of plan {plan.number} {kept:,} is kept: the customer loses it, and the goods.")
    if paid > kept:
        about = About(number=plan.number, note=form.reason)
        owe_customer(ctx, plan.customer_id, paid - kept, EntryKind.REFUND, about)
    _end(ctx, plan, PlanStatus.FORFEITED, form.reason)
    return {"plan_id": plan.id, "kept": kept, "to_store_credit": paid - kept}


def _check_deposit(ctx: Context, kind: PlanKind, total: int, deposit: int, deposit_bp: int) -> None:
    if deposit > total or (deposit == total and kind is PlanKind.INSTALMENT):
        raise Invalid({"payments": f"the goods come to {total:,}: a deposit is less than that"})
    least = 0 if kind is PlanKind.RESERVATION else least_deposit(total, deposit_bp)
    if deposit < least:
        ctx.require_approval(f"The deposit is {deposit:,}; {least:,} is asked for.")


def _kept_until(form: OpenPlan, today: date, numbers: dict[str, int]) -> date | None:
    """Until when the goods are kept; instalments leave at once."""
    if form.kind == "instalment":
        return None
    days = numbers["plan_days" if form.kind == "layaway" else "reservation_days"]
    if form.keep_until is not None and form.keep_until < today:
        raise Invalid({"keep_until": "has passed"})
    return form.keep_until or today + timedelta(days=days)


def _dues(form: OpenPlan, rest: int, today: date, keep_until: date | None) -> list[tuple[date, int]]:
    """The parts of the rest and their days: as listed, in equal parts, or all when the goods go. Raises Invalid."""
    if rest <= 0:
        return []
    if form.dues:
        if sum(due.amount for due in form.dues) != rest:
            raise Invalid({"dues": f"must come to the {rest:,} that are left to pay"})
        if any(due.due_on < today for due in form.dues):
            raise Invalid({"dues": "name a day that has passed"})
        return [(due.due_on, due.amount) for due in form.dues]
    if form.instalments:
        try:
            return instalments(rest, form.instalments, today + timedelta(days=form.every_days), form.every_days)
        except ValueError as wrong:
            raise Invalid({"instalments": str(wrong)}) from None
    if keep_until is None:
        raise Invalid({"dues": "are needed: say how much is due on which day"})
    return [(keep_until, rest)]


def _write_terms(ctx: Context, plan: Plan, lines: Sequence[Line], dues: Sequence[tuple[date, int]]) -> None:
    rows = [
        {
            "id": ctx.new_id(), "plan_id": plan.id, "shop_id": plan.shop_id, "line_no": line_no,
            "product_id": line.product_id, "unit_id": line.unit.id if line.unit else None, "quantity": line.quantity,
            "unit_price_minor": line.unit_price_minor,
        }
        for line_no, line in enumerate(lines, start=1)
    ]  # fmt: skip
    insert_rows(ctx.session, PlanLine, rows)
    parts = [
        {"id": ctx.new_id(), "plan_id": plan.id, "shop_id": plan.shop_id, "due_on": due_on, "amount_minor": amount}
        for due_on, amount in dues
    ]
    insert_rows(ctx.session, PlanDue, parts)


def _take(ctx: Context, plan: Plan, part: MoneyIn | Tendered) -> str:
    """Money towards the plan; the number of its slip. Raises what `move_money` raises."""
    if isinstance(part, Tendered) and part.state is not None:
        raise Invalid({"payments": "of a plan are booked when they have come"})
    moved = move_money(
        ctx, MoneyKind.PLAN_PAYMENT, part.method, part.amount, reference=part.reference, about_id=plan.id,
        customer_id=plan.customer_id, fee_minor=part.fee, fee_borne_by=part.fee_borne_by,
    )  # fmt: skip
    return moved.number


def _become_sale(
    ctx: Context, plan: Plan, customer: Customer, paid: int, rest: list[Handed], payments: Sequence[Tendered] = (),
    print_receipt: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Book the sale of a plan's goods at the agreed prices, and end the plan."""
    goods = lines_of(ctx.session, plan.id)
    bundles = _bundles_among(ctx.session, goods)
    # A phone alone is sold as what it stands here as, with its bundle as the bundle.
    items = [
        Item(
            product_id=line.product_id if line.unit_id is None or line.product_id in bundles else None,
            device_id=line.unit_id, quantity=line.quantity, unit_price=line.unit_price_minor,
        )
        for line in goods
    ]  # fmt: skip
    before = [Handed(Tender.PLAN, paid, plan.number)] if paid else []
    new = NewSale(items=items, payments=list(payments), customer_id=customer.id, print_receipt=print_receipt)
    sold = book_ticket(ctx, new, [*before, *rest], held_for=plan.id, agreed=_as_agreed)
    plan.sale_id = sold["sale_id"]
    _end(ctx, plan, PlanStatus.COMPLETED, None)
    return {
        "plan_id": plan.id, "sale_id": sold["sale_id"], "sale_number": sold["number"], "paid_before": paid,
        "change": sold["change"],
    }  # fmt: skip


def _bundles_among(session: Session, goods: Sequence[PlanLine]) -> set[str]:
    """Which of these are bundles still."""
    query = select(Product.id).where(Product.id.in_([line.product_id for line in goods]), Product.is_bundle.is_(True))
    return set(session.scalars(query))


def _as_agreed(lines: list[Line]) -> None:
    """The prices of a plan stand in its own lines; nothing is to be asked about them again."""


def _end(ctx: Context, plan: Plan, status: PlanStatus, reason: str | None) -> None:
    plan.status, plan.ended_at, plan.ended_by, plan.end_reason = status.value, ctx.now, ctx.actor.id, reason
    for unit in units_kept_for(ctx.session, plan.id):
        release_unit(ctx, unit, f"plan {plan.number} {status.value}")
    ctx.about("plan", plan.id)


def _find_open(ctx: Context, plan_id: str) -> Plan:
    plan = find_row(ctx.session, Plan, plan_id, "This plan")
    if plan.shop_id != ctx.shop_id:
        raise NotFound("This plan")
    if plan.status != PlanStatus.OPEN:
        raise PlanEnded(plan.number, plan.status)
    return plan


def _figures(ctx: Context, form: CancelPlan | CompletePlan | ForfeitPlan) -> tuple[int, str]:
    """What the owner is told over the telephone: what was paid for it, and its number."""
    plan = _find_open(ctx, form.plan_id)
    return paid_so_far(ctx.session, plan.id), plan.number


def _figures_of_new(ctx: Context, form: OpenPlan) -> tuple[int, str]:
    """The same of one that begins: what the goods cost on the price tag, less the deposit. That is what is owed and
    what was taken off the price, and what leaves at once of instalments."""
    customer = account_holder(ctx.session, form.customer_id)
    items = [Item(**item.model_dump()) for item in form.items]
    lines = price_lines(ctx, items, list_id=customer.price_list_id)
    worth = sum(line.quantity * line.list_price_minor for line in lines)
    return max(0, worth - sum(part.amount for part in form.payments)), "NEW"


register_figures("plans.open", _figures_of_new)
register_figures("plans.cancel", _figures)
register_figures("plans.forfeit", _figures)
register_figures("plans.complete", _figures)
