"""Expenses: asked for, decided, paid; budgets of a month and what comes again."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, url_for
from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.accounts.queries import today_of
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.expenses.forms import (
    AddReceipt,
    AddRecurring,
    Approving,
    ExpenseChange,
    Paying,
    RecurringChange,
    Rejecting,
    RequestExpense,
    SetBudget,
)
from shopnode.domain.expenses.models import ExpenseStatus, RecurringExpense
from shopnode.domain.expenses.queries import (
    ExpenseView,
    budgets,
    expense_view,
    list_expenses,
    month_sums,
    recurring,
    recurring_view,
)
from shopnode.domain.params import Code, IdText
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.rules import MIME
from shopnode.domain.photos.store import photo_or_none


class ExpenseQuery(Paged):
    status: ExpenseStatus | None = None
    category: Code | None = None
    date_from: QueryDay | None = None
    date_to: QueryDay | None = None
    created_by: IdText | None = None


class MonthQuery(BaseModel):
    """Which month: any day of it; this one where none is named."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    date: QueryDay | None = None
    shop_id: IdText | None = None


class RecurringQuery(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    shop_id: IdText | None = None


class ExpenseOut(BaseModel):
    """An expense."""

    id: str
    shop_id: str
    expense_number: str
    category: str
    description: str
    amount: int
    payment_method: str
    receipt_url: str | None
    expense_date: date
    status: ExpenseStatus
    supplier_id: str | None
    recurring_id: str | None
    created_by: str | None
    created_at: Instant
    approved_by: str | None = Field(description="Who said yes; nobody where a limit or an agreement did.")
    approved_at: Instant | None
    rejected_by: str | None
    rejected_at: Instant | None
    reason: str | None = Field(description="Of the decision that holds.")
    paid_by: str | None
    paid_at: Instant | None
    withdrawn_at: Instant | None


class ExpenseDone(ExpenseOut):
    """An expense, and what there is to say about its budgets."""

    warnings: list[str]
    slip: str | None = Field(default=None, description="The number of the money that was paid.")


class ExpensePage(BaseModel):
    items: list[ExpenseOut]
    next_cursor: str | None


class CategorySumOut(BaseModel):
    """What a category came to in a month."""

    category: str
    pending: int
    approved: int
    paid: int
    budget: int | None
    left: int | None


class MonthOut(BaseModel):
    items: list[CategorySumOut]


class BudgetOut(BaseModel):
    id: str
    category: str
    shop_id: str | None = Field(description="All shops together where none.")
    month_amount: int | None


class BudgetList(BaseModel):
    items: list[BudgetOut]


class RecurringOut(BaseModel):
    """An expense that comes again every month."""

    id: str
    shop_id: str
    category: str
    description: str
    amount: int
    payment_method: str
    day_of_month: int
    starts_on: date
    ended_at: Instant | None


class RecurringList(BaseModel):
    items: list[RecurringOut]


@route("POST", "/expenses", action="expenses.request", status=201)
def create_expense(call: Call, body: RequestExpense) -> ExpenseDone:
    """Ask to spend money. What is within one's limit may be paid at once."""
    return _done(call, call.perform(body).result)


@route("GET", "/expenses", needs=Permission.EXPENSES_READ)
def list_all_expenses(call: Call, query: ExpenseQuery) -> ExpensePage:
    """List expenses, the latest first; staff see what they asked for themselves."""
    if query.date_from and query.date_to and query.date_from > query.date_to:
        raise Invalid({"date_from": "is after date_to"})
    page = list_expenses(
        call.ctx, status=query.status, category=query.category or "", from_on=query.date_from, to_on=query.date_to,
        created_by=query.created_by, limit=query.limit, cursor=query.cursor or None,
    )  # fmt: skip
    return ExpensePage(items=[ExpenseOut(**_fields(view)) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/expenses/summary", needs=Permission.EXPENSES_READ_ALL)
def get_expense_summary(call: Call, query: MonthQuery) -> MonthOut:
    """What each category came to in a month, beside its budget."""
    day = query.date or today_of(call.ctx)
    items = [
        CategorySumOut(
            category=one.category, pending=one.pending_minor, approved=one.approved_minor, paid=one.paid_minor,
            budget=one.budget_minor, left=None if one.budget_minor is None else one.budget_minor - one.used_minor,
        )
        for one in month_sums(call.ctx, day, shop_id=query.shop_id)
    ]  # fmt: skip
    return MonthOut(items=items)


@route("GET", "/expenses/budgets", needs=Permission.EXPENSES_READ_ALL)
def list_budgets(call: Call) -> BudgetList:
    """What may be spent on each category in a month."""
    items = [
        BudgetOut(id=row.id, category=row.category, shop_id=row.only_shop_id, month_amount=row.month_minor)
        for row in budgets(call.ctx.session)
    ]
    return BudgetList(items=items)


@route("PUT", "/expenses/budgets", action="expenses.set_budget")
def put_budget(call: Call, body: SetBudget) -> BudgetOut:
    """Say what may be spent on a category in a month, or that nothing is said any more."""
    done = call.perform(body).result
    return BudgetOut(id=done["id"], category=done["category"], shop_id=body.shop_id, month_amount=done["month_amount"])


@route("POST", "/expenses/recurring", action="expenses.add_recurring", status=201)
def create_recurring(call: Call, body: AddRecurring) -> RecurringOut:
    """Agree on an expense that comes again every month."""
    return _recurring(recurring_view(call.ctx, call.perform(body).result["recurring_id"]))


@route("GET", "/expenses/recurring", needs=Permission.EXPENSES_READ_ALL)
def list_recurring(call: Call, query: RecurringQuery) -> RecurringList:
    """What comes again every month."""
    return RecurringList(items=[_recurring(row) for row in recurring(call.ctx, shop_id=query.shop_id)])


@route("PUT", "/expenses/recurring/<recurring_id>", action="expenses.change_recurring")
def put_recurring(call: Call, recurring_id: str, body: RecurringChange) -> RecurringOut:
    """Change what comes from the next time on."""
    call.perform({"recurring_id": recurring_id, **body.model_dump(exclude_unset=True)})
    return _recurring(recurring_view(call.ctx, recurring_id))


@route("DELETE", "/expenses/recurring/<recurring_id>", action="expenses.end_recurring")
def end_recurring(call: Call, recurring_id: str) -> RecurringOut:
    """Let an expense come no more. What it made stays."""
    call.perform({"recurring_id": recurring_id})
    return _recurring(recurring_view(call.ctx, recurring_id))


@route("GET", "/expenses/<expense_id>", needs=Permission.EXPENSES_READ)
def get_expense(call: Call, expense_id: str) -> ExpenseOut:
    """One expense."""
    return ExpenseOut(**_fields(expense_view(call.ctx, expense_id)))


@route("PUT", "/expenses/<expense_id>", action="expenses.change")
def put_expense(call: Call, expense_id: str, body: ExpenseChange) -> ExpenseDone:
    """Change what waits for its decision. More than was asked for is another expense."""
    return _act(call, expense_id, body)


@route("DELETE", "/expenses/<expense_id>", action="expenses.remove")
def delete_expense(call: Call, expense_id: str) -> ExpenseOut:
    """Take an expense off the list, until it is paid. It is withdrawn, not deleted."""
    call.perform({"expense_id": expense_id})
    return ExpenseOut(**_fields(expense_view(call.ctx, expense_id)))


@route("POST", "/expenses/<expense_id>/withdraw", action="expenses.withdraw")
def withdraw_expense(call: Call, expense_id: str) -> ExpenseOut:
    """Take back what one asked for oneself, until it is paid."""
    call.perform({"expense_id": expense_id})
    return ExpenseOut(**_fields(expense_view(call.ctx, expense_id)))


@route("POST", "/expenses/<expense_id>/approve", action="expenses.approve")
def approve_expense(call: Call, expense_id: str, body: Approving | None = None) -> ExpenseDone:
    """Say that it may be paid. Nobody decides their own."""
    return _act(call, expense_id, body)


@route("POST", "/expenses/<expense_id>/reject", action="expenses.reject")
def reject_expense(call: Call, expense_id: str, body: Rejecting) -> ExpenseDone:
    """Say that it is not to be paid, and why. Nobody decides their own."""
    return _act(call, expense_id, body)


@route("POST", "/expenses/<expense_id>/pay", action="expenses.pay")
def pay_expense(call: Call, expense_id: str, body: Paying | None = None) -> ExpenseDone:
    """Pay what was approved, out of the drawer, a wallet or the bank."""
    return _act(call, expense_id, body)


@route("POST", "/expenses/<expense_id>/receipt", action="expenses.add_receipt")
def add_expense_receipt(call: Call, expense_id: str, body: AddReceipt) -> ExpenseOut:
    """Add the receipt's photo to an expense that has none."""
    call.perform({"expense_id": expense_id, "receipt": body.receipt})
    return ExpenseOut(**_fields(expense_view(call.ctx, expense_id)))


@route("GET", "/expenses/<expense_id>/receipt", needs=Permission.EXPENSES_READ, media_type=MIME)
def get_expense_receipt(call: Call, expense_id: str) -> Response:
    """The receipt's photo, where it has arrived."""
    name = expense_view(call.ctx, expense_id).row.photo
    blob = photo_or_none(call.ctx.session, name) if name else None
    if blob is None:
        raise NotFound("This receipt")
    return Response(blob.content, content_type=blob.mime or MIME)


def _act(call: Call, expense_id: str, body: BaseModel | None) -> ExpenseDone:
    given = body.model_dump(mode="json", exclude_unset=True) if body is not None else {}
    return _done(call, call.perform({"expense_id": expense_id, **given}).result)


def _done(call: Call, told: dict[str, Any]) -> ExpenseDone:
    fields = _fields(expense_view(call.ctx, told["expense_id"]))
    return ExpenseDone(**fields, warnings=told["warnings"], slip=told.get("slip"))


def _fields(view: ExpenseView) -> dict[str, Any]:
    row = view.row
    return {
        "id": row.id, "shop_id": row.shop_id, "expense_number": row.number, "category": row.category,
        "description": row.description, "amount": row.amount_minor, "payment_method": row.method,
        "receipt_url": url_for("api.get_expense_receipt", expense_id=row.id) if row.photo else None,
        "expense_date": row.expense_on, "status": view.status, "supplier_id": row.supplier_id,
        "recurring_id": row.recurring_id, "created_by": row.created_by, "created_at": row.created_at,
        "approved_by": view.by_id if view.is_approved else None, "approved_at": view.at if view.is_approved else None,
        "rejected_by": view.by_id if view.is_rejected else None, "rejected_at": view.at if view.is_rejected else None,
        "reason": view.reason, "paid_by": row.paid_by, "paid_at": row.paid_at, "withdrawn_at": row.withdrawn_at,
    }  # fmt: skip


def _recurring(row: RecurringExpense) -> RecurringOut:
    return RecurringOut(
        id=row.id, shop_id=row.only_shop_id, category=row.category, description=row.description,
        amount=row.amount_minor, payment_method=row.method, day_of_month=row.day_of_month, starts_on=row.starts_on,
        ended_at=row.archived_at,
    )  # fmt: skip
