"""What an owner plans: budgets of a month, and expenses that come again. What has come due is asked for by itself.

Invariants:
  * A recurring expense is asked for once in each month, however often it is looked for, and needs no further decision:
    an owner agreed to it when it was planned.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.expenses.actions import check_day, decision, way
from shopnode.domain.expenses.forms import AboutRecurring, AddRecurring, ChangeRecurring, RaiseRecurring, SetBudget
from shopnode.domain.expenses.models import (
    Expense,
    ExpenseBudget,
    ExpenseDecisionKind,
    RecurringExpense,
)
from shopnode.domain.expenses.queries import recurring
from shopnode.domain.expenses.rules import days_due, month_of
from shopnode.domain.homes import Where
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.people.queries import all_shops, find_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none

AGREED = "Agreed as a recurring expense."


def budget_id(shop_id: str | None, category: str) -> str:
    return act_id("expense-budget", shop_id or "", category.casefold())


@action("expenses.set_budget", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def set_budget(ctx: Context, new: SetBudget) -> dict[str, Any]:
    """Say what may be spent on a category in a month, in one shop or in all together. Raises NotFound."""
    if new.shop_id is not None:
        find_shop(ctx.session, new.shop_id)
    row_id = budget_id(new.shop_id, new.category)
    row = row_or_none(ctx.session, ExpenseBudget, row_id)
    if row is None:
        budget = ExpenseBudget(id=row_id, only_shop_id=new.shop_id, category=new.category, month_minor=new.month_amount)
        add_rows(ctx.session, budget)
    else:
        row.month_minor = new.month_amount
    ctx.about("expense_budget", row_id)
    return {"id": row_id, "category": new.category, "month_amount": new.month_amount}


@action("expenses.add_recurring", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def add_recurring(ctx: Context, new: AddRecurring) -> dict[str, Any]:
    """Agree on an expense that comes again every month. Raises Invalid, NotFound."""
    row = RecurringExpense(
        id=ctx.new_id(), only_shop_id=_shop_of(ctx, new.shop_id), category=new.category, description=new.description,
        amount_minor=new.amount, method=way(new.payment_method), day_of_month=new.day_of_month,
        starts_on=check_day(ctx, new.starts_on, "starts_on"),
    )  # fmt: skip
    add_rows(ctx.session, row)
    ctx.about("recurring_expense", row.id)
    return {"recurring_id": row.id}


@action("expenses.change_recurring", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def change_recurring(ctx: Context, new: ChangeRecurring) -> dict[str, Any]:
    """Change what comes from the next time on. Raises Invalid, NotFound."""
    row = find_row(ctx.session, RecurringExpense, new.recurring_id, "This recurring expense")
    if row.archived_at is not None:
        raise Invalid({"recurring_id": "has ended; begin another one"})
    names = {"amount": "amount_minor", "payment_method": "method"}
    for name, value in new.model_dump(exclude_unset=True, exclude={"recurring_id"}).items():
        if value is None:
            raise Invalid({name: "is needed"})
        setattr(row, names.get(name, name), way(value) if name == "payment_method" else value)
    ctx.about("recurring_expense", row.id)
    return {"recurring_id": row.id}


@action("expenses.end_recurring", needs=Permission.EXPENSES_APPROVE, where=Where.ANYWHERE)
def end_recurring(ctx: Context, about: AboutRecurring) -> dict[str, Any]:
    """Let an expense come no more. What it made stays. Raises NotFound."""
    row = find_row(ctx.session, RecurringExpense, about.recurring_id, "This recurring expense")
    row.archived_at = row.archived_at or ctx.now
    ctx.about("recurring_expense", row.id)
    return {"recurring_id": row.id}


@action("expenses.raise_recurring", needs=Permission.EXPENSES_APPROVE)
def raise_recurring(ctx: Context, nothing: RaiseRecurring) -> dict[str, Any]:
    """Ask for what has come due of the recurring expenses, each once in its month."""
    numbers = []
    for plan, day in due_now(ctx):
        expense = Expense(
            id=ctx.new_id(), shop_id=ctx.shop_id, number=next_document_number(ctx, Document.EXPENSE),
            category=plan.category, description=plan.description, amount_minor=plan.amount_minor, method=plan.method,
            expense_on=day, recurring_id=plan.id, created_at=ctx.now, created_by=None,
        )  # fmt: skip
        add_rows(ctx.session, expense)
        add_rows(ctx.session, decision(ctx, expense, ExpenseDecisionKind.APPROVE, AGREED, by_id=None))
        numbers.append(expense.number)
    return {"numbers": numbers}


def due_now(ctx: Context) -> list[tuple[RecurringExpense, date]]:
    """Recurring expenses of this shop that have come due and were not asked for in their month."""
    today = today_of(ctx)
    due = [(plan, day) for plan in recurring(ctx) for day in days_due(plan.day_of_month, plan.starts_on, today)]
    if not due:
        return []
    first = min(month_of(day)[0] for _, day in due)
    query = select(Expense.recurring_id, Expense.expense_on).where(
        Expense.expense_on.between(first, month_of(today)[1]), Expense.recurring_id.is_not(None)
    )
    made = {(row.recurring_id, month_of(row.expense_on)) for row in ctx.session.execute(query)}
    return [(plan, day) for plan, day in due if (plan.id, month_of(day)) not in made]


def _shop_of(ctx: Context, shop_id: str | None) -> str:
    """The shop it is for: this one where none is named; in the portal the only one. Raises Invalid, NotFound."""
    if shop_id is not None:
        return find_shop(ctx.session, shop_id).id
    if ctx.shop_id is not None:
        return ctx.shop_id
    shops = all_shops(ctx.session)
    if len(shops) != 1:
        raise Invalid({"shop_id": "is needed: say which shop"})
    return shops[0].id
