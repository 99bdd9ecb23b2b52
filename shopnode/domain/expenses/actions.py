"""Expenses: asked for, changed or withdrawn while they wait, and paid once somebody else said yes.

Invariants:
  * Nobody decides their own. What is within one's limit (an owner has none) is approved by that rule, not by a person:
    the decision names nobody.
  * What was asked for becomes less, never more: an approval given elsewhere, unseen, cannot be stretched.
  * It is paid once, by one `MoneyMove` that names it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.buying.models import Supplier
from shopnode.domain.capture import add_rows
from shopnode.domain.cash.models import MoneyKind
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.expenses.forms import (
    AboutExpense,
    AddExpenseReceipt,
    ApproveExpense,
    ChangeExpense,
    PayExpense,
    RejectExpense,
    RequestExpense,
)
from shopnode.domain.expenses.models import Expense, ExpenseDecision, ExpenseDecisionKind, ExpenseStatus
from shopnode.domain.expenses.queries import ExpenseView, budget_warnings, expense_view
from shopnode.domain.expenses.rules import DAYS_AWAY, OPEN, within_limit
from shopnode.domain.homes import Where
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.reading import read_photo
from shopnode.domain.photos.store import keep_photo
from shopnode.domain.queries import find_row
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, tender_named
from shopnode.domain.settings.queries import all_numbers

OWN = "Nobody decides their own expense. Ask another owner."
WITHIN_LIMIT = "Within the limit of whoever asked."


class ExpenseNot(Conflict):
    """It stands where this cannot be done with it."""

    code = "expense-not-open"

    def __init__(self, number: str, status: ExpenseStatus, needed: str):
        super().__init__(f"Expense {number} is {status.value.lower()}; {needed}.")


@action("expenses.request", needs=Permission.EXPENSES_CREATE)
def request_expense(ctx: Context, new: RequestExpense) -> dict[str, Any]:
    """Ask to spend money. What is within one's limit may be paid at once. Raises Invalid, NotFound."""
    if new.supplier_id is not None:
        find_row(ctx.session, Supplier, new.supplier_id, "This supplier")
    expense = Expense(
        id=ctx.new_id(), shop_id=ctx.shop_id, number=next_document_number(ctx, Document.EXPENSE),
        category=new.category, description=new.description, amount_minor=new.amount, method=way(new.payment_method),
        expense_on=check_day(ctx, new.expense_date), supplier_id=new.supplier_id, photo=_keep(ctx, new.receipt),
        created_at=ctx.now, created_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, expense)
    is_within = within_limit(ctx.actor.role, expense.amount_minor, all_numbers(ctx.session))
    if is_within:
        add_rows(ctx.session, decision(ctx, expense, ExpenseDecisionKind.APPROVE, WITHIN_LIMIT, by_id=None))
    ctx.about("expense", expense.id)
    status = ExpenseStatus.APPROVED if is_within else ExpenseStatus.PENDING
    return {**_told(ctx, expense), "status": status.value}


@action("expenses.change", needs=Permission.EXPENSES_UPDATE)
def change_expense(ctx: Context, new: ChangeExpense) -> dict[str, Any]:
    """Change what waits for its decision. More than was asked for is another expense. Raises ExpenseNot, Invalid."""
    found = expense_view(ctx, new.expense_id)
    expense = found.row
    _need(found, {ExpenseStatus.PENDING}, "it is changed only until it is decided")
    given = {name for name in new.model_fields_set if getattr(new, name) is not None or name == "supplier_id"}
    if "amount" in given:
        if (new.amount or 0) > expense.amount_minor:
            raise Invalid({"amount": f"is more than the {expense.amount_minor:,} asked for: withdraw it and ask anew"})
        expense.amount_minor = new.amount or 0
    if "category" in given and new.category is not None:
        expense.category = new.category
    if "description" in given and new.description is not None:
        expense.description = new.description
    if "payment_method" in given:
        expense.method = way(new.payment_method or "")
    if "expense_date" in given:
        expense.expense_on = check_day(ctx, new.expense_date)
    if "supplier_id" in given:
        if new.supplier_id is not None:
            find_row(ctx.session, Supplier, new.supplier_id, "This supplier")
        expense.supplier_id = new.supplier_id
    if "receipt" in given:
        expense.photo = _keep(ctx, new.receipt)
    ctx.about("expense", expense.id)
    return _told(ctx, expense)


@action("expenses.add_receipt", needs=Permission.EXPENSES_CREATE)
def add_receipt(ctx: Context, new: AddExpenseReceipt) -> dict[str, Any]:
    """Add the receipt's photo to an expense that has none, also after it was paid. Raises ExpenseNot, Invalid."""
    found = expense_view(ctx, new.expense_id)
    if found.row.photo is not None:
        raise Invalid({"receipt": "is there already"})
    _need(found, {*OPEN, ExpenseStatus.PAID}, "no receipt is added to it")
    found.row.photo = _keep(ctx, new.receipt)
    ctx.about("expense", found.row.id)
    return {"expense_id": found.row.id, "number": found.row.number}


@action("expenses.withdraw", needs=Permission.EXPENSES_CREATE)
def withdraw_expense(ctx: Context, about: AboutExpense) -> dict[str, Any]:
    """Take back what one asked for oneself, until it is paid. Raises ExpenseNot, NotPermitted."""
    found = expense_view(ctx, about.expense_id)
    if found.row.created_by != ctx.actor.id:
        raise NotPermitted("Only who asked for an expense takes it back; an owner may take it off the list.")
    return _withdraw(ctx, found)


@action("expenses.remove", needs=Permission.EXPENSES_DELETE)
def remove_expense(ctx: Context, about: AboutExpense) -> dict[str, Any]:
    """Take an expense off the list, whoever asked for it, until it is paid. Raises ExpenseNot."""
    return _withdraw(ctx, expense_view(ctx, about.expense_id))


@action("expenses.approve", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def approve_expense(ctx: Context, about: ApproveExpense) -> dict[str, Any]:
    """Say that it may be paid. Raises ExpenseNot, NotPermitted for one's own."""
    return _decide(ctx, about.expense_id, ExpenseDecisionKind.APPROVE, about.reason)


@action("expenses.reject", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def reject_expense(ctx: Context, about: RejectExpense) -> dict[str, Any]:
    """Say that it is not to be paid, and why. Raises ExpenseNot, NotPermitted for one's own."""
    return _decide(ctx, about.expense_id, ExpenseDecisionKind.REJECT, about.reason)


@action("expenses.pay", needs=Permission.EXPENSES_CREATE)
def pay_expense(ctx: Context, form: PayExpense) -> dict[str, Any]:
    """Pay what was approved, out of the drawer, a wallet or the bank.

    Raises ExpenseNot, and what `move_money` raises.
    """
    found = expense_view(ctx, form.expense_id)
    expense = found.row
    _need(found, {ExpenseStatus.APPROVED}, "only what was approved is paid, once")
    moved = move_money(
        ctx, MoneyKind.EXPENSE, form.method or expense.method, -expense.amount_minor, reference=form.reference,
        about_id=expense.id, note=f"{expense.number} {expense.category}", fee_minor=form.fee,
        fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    expense.paid_at, expense.paid_by, expense.method = ctx.now, ctx.actor.id, moved.method.value
    ctx.about("expense", expense.id)
    return {**_told(ctx, expense), "slip": moved.number, "money_id": moved.id}


def decision(
    ctx: Context, expense: Expense, kind: ExpenseDecisionKind, reason: str | None, *, by_id: str | None
) -> ExpenseDecision:
    """A decision after all that are known here."""
    made = ctx.session.scalar(select(func.count()).where(ExpenseDecision.expense_id == expense.id)) or 0
    return ExpenseDecision(
        id=ctx.new_id(), expense_id=expense.id, shop_id=expense.shop_id, kind=kind.value, reason=reason, at=ctx.now,
        by_id=by_id, nth=made + 1,
    )  # fmt: skip


def check_day(ctx: Context, day: date | None, field: str = "expense_date") -> date:
    """The expense's day, today where none is given. Raises Invalid for one too far away."""
    today = today_of(ctx)
    if day is None:
        return today
    if abs(day - today) > timedelta(days=DAYS_AWAY):
        raise Invalid({field: "is more than a year away"})
    return day


def _decide(ctx: Context, expense_id: str, kind: ExpenseDecisionKind, reason: str | None) -> dict[str, Any]:
    found = expense_view(ctx, expense_id)
    expense = found.row
    if expense.created_by is not None and expense.created_by == ctx.actor.id:
        raise NotPermitted(OWN)
    _need(found, {*OPEN, ExpenseStatus.REJECTED}, "nothing is decided about it any more")
    add_rows(ctx.session, decision(ctx, expense, kind, reason, by_id=ctx.actor.id))
    ctx.about("expense", expense.id)
    return _told(ctx, expense)


def _withdraw(ctx: Context, found: ExpenseView) -> dict[str, Any]:
    _need(found, {*OPEN, ExpenseStatus.REJECTED}, "it stays in the books as it is")
    found.row.withdrawn_at = ctx.now
    ctx.about("expense", found.row.id)
    return {"expense_id": found.row.id, "number": found.row.number}


def _told(ctx: Context, expense: Expense) -> dict[str, Any]:
    ctx.session.flush()
    warnings = budget_warnings(ctx, expense.category, expense.expense_on, expense.shop_id)
    return {"expense_id": expense.id, "number": expense.number, "warnings": warnings}


def _need(found: ExpenseView, states: set[ExpenseStatus], needed: str) -> None:
    if found.status not in states:
        raise ExpenseNot(found.row.number, found.status, needed)


def way(method: str) -> str:
    """The tender an expense is to be paid by. Raises Invalid."""
    try:
        tender = tender_named(method)
    except ValueError:
        tender = None
    if tender is None or tender not in MONEY:
        known = ", ".join(METHOD_NAMES[one] for one in Tender if one in MONEY)
        raise Invalid({"payment_method": f"must be one of {known}"})
    return tender.value


def _keep(ctx: Context, receipt: str | None) -> str | None:
    if receipt is None:
        return None
    photo = read_photo(receipt, "receipt")
    keep_photo(ctx.session, photo, ctx.now)
    return photo.sha256
