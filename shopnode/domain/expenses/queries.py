"""Reading expenses: where each stands, what a month came to by category, and what is left of its budgets.

A person without `expenses:read-all` sees what they asked for themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.expenses.models import (
    Expense,
    ExpenseBudget,
    ExpenseDecision,
    ExpenseDecisionKind,
    ExpenseStatus,
    RecurringExpense,
)
from shopnode.domain.expenses.rules import USUAL, BudgetUse, fold_status, month_of
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.rules import in_feed_order
from shopnode.domain.settings.queries import number_setting

CATEGORIES_MAX = 200


@dataclass(frozen=True)
class ExpenseView:
    """An expense, where it stands, and the decision that holds."""

    row: Expense
    status: ExpenseStatus
    decision: ExpenseDecisionKind | None
    by_id: str | None
    at: datetime | None
    reason: str | None

    @property
    def is_approved(self) -> bool:
        return self.decision is ExpenseDecisionKind.APPROVE

    @property
    def is_rejected(self) -> bool:
        return self.decision is ExpenseDecisionKind.REJECT


@dataclass(frozen=True)
class CategorySum:
    """What one category came to in a month; a budget of None is none."""

    category: str
    pending_minor: int
    approved_minor: int
    paid_minor: int
    budget_minor: int | None

    @property
    def used_minor(self) -> int:
        return self.pending_minor + self.approved_minor + self.paid_minor


def decisions_of(session: Session, expense_ids: Collection[str]) -> dict[str, list[ExpenseDecision]]:
    """The decisions on some expenses, in feed order, in one query."""
    found: dict[str, list[ExpenseDecision]] = defaultdict(list)
    for row in session.scalars(select(ExpenseDecision).where(ExpenseDecision.expense_id.in_(expense_ids))):
        found[row.expense_id].append(row)
    return {expense_id: in_feed_order(rows) for expense_id, rows in found.items()}


def views(session: Session, rows: list[Expense]) -> list[ExpenseView]:
    """Expenses with where they stand."""
    decided = decisions_of(session, [row.id for row in rows]) if rows else {}
    return [_view(row, decided.get(row.id, [])) for row in rows]


def expense_view(ctx: Context, expense_id: str) -> ExpenseView:
    """One expense, as far as this person sees it. Raises NotFound."""
    row = row_or_none(ctx.session, Expense, expense_id)
    if row is None or not _sees(ctx, row):
        raise NotFound("This expense")
    return views(ctx.session, [row])[0]


def list_expenses(
    ctx: Context, *, status: ExpenseStatus | None = None, category: str = "", from_on: date | None = None,
    to_on: date | None = None, created_by: str | None = None, limit: int = PAGE_DEFAULT, cursor: str | None = None,
) -> Page[ExpenseView]:  # fmt: skip
    """Expenses, the newest first. Raises Invalid for a wrong cursor."""
    query = _seen_by(ctx)
    if status is not None:
        query = query.where(*_stands(status))
    if category:
        query = query.where(func.lower(Expense.category) == category.lower())
    if from_on is not None:
        query = query.where(Expense.expense_on >= from_on)
    if to_on is not None:
        query = query.where(Expense.expense_on <= to_on)
    if created_by is not None:
        query = query.where(Expense.created_by == created_by)
    page = latest(ctx.session, query, Expense.created_at, Expense.id, limit, cursor)
    return Page(views(ctx.session, page.rows), page.next_cursor)


def month_sums(ctx: Context, day: date, *, shop_id: str | None = None) -> list[CategorySum]:
    """What each category came to in the month of a day, and its budget; the largest first."""
    shop_id = ctx.shop_id or shop_id
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    names: dict[str, str] = {}
    for category, is_paid, decided, amount in ctx.session.execute(_of_month(day, shop_id)):
        if decided == ExpenseDecisionKind.REJECT and not is_paid:
            continue
        names.setdefault(category.casefold(), category)
        place = 2 if is_paid else 1 if decided == ExpenseDecisionKind.APPROVE else 0
        sums[category.casefold()][place] += int(amount)
    limits: dict[str, int] = {}
    for budget in budgets(ctx.session):
        if budget.only_shop_id in {None, shop_id}:
            key = budget.category.casefold()
            names.setdefault(key, budget.category)
            # The shop's own budget is what it is measured by; the one of all shops together where it has none.
            if budget.only_shop_id == shop_id or key not in limits:
                limits[key] = budget.month_minor or 0
    found = [CategorySum(names[key], *_three(sums[key]), limits.get(key)) for key in names]
    return sorted(found, key=lambda one: (-one.used_minor, one.category))


def _three(sums: list[int]) -> tuple[int, int, int]:
    pending, approved, paid = sums
    return pending, approved, paid


def _of_month(day: date, shop_id: str | None) -> Select[Any]:
    """Sums by category, whether they were paid, and the decision that holds."""
    query = select(
        Expense.category, Expense.paid_at.is_not(None).label("is_paid"), _latest_kind().label("kind"),
        Expense.amount_minor.label("amount"),
    ).where(Expense.expense_on.between(*month_of(day)), Expense.withdrawn_at.is_(None))  # fmt: skip
    if shop_id is not None:
        query = query.where(Expense.shop_id == shop_id)
    rows = query.subquery()
    keys = (rows.c.category, rows.c.is_paid, rows.c.kind)
    return select(*keys, func.sum(rows.c.amount)).group_by(*keys)


def budgets(session: Session) -> list[ExpenseBudget]:
    """Every budget that stands."""
    query = select(ExpenseBudget).where(ExpenseBudget.month_minor.is_not(None))
    return list(session.scalars(query.order_by(ExpenseBudget.category, ExpenseBudget.id)))


def budget_uses(ctx: Context, category: str, day: date, shop_id: str | None) -> list[BudgetUse]:
    """The budgets a category of a shop counts towards in the month of a day, and what is used of each."""
    standing = [row for row in budgets(ctx.session) if row.category.casefold() == category.casefold()]
    found = []
    for row in standing:
        if row.only_shop_id in {None, shop_id}:
            used = _used(ctx.session, category, day, row.only_shop_id)
            found.append(BudgetUse(row.category, row.only_shop_id, row.month_minor or 0, used))
    return found


def budget_warnings(ctx: Context, category: str, day: date, shop_id: str | None) -> list[str]:
    """What to say about the budgets of a category; nothing while there is room."""
    uses = budget_uses(ctx, category, day, shop_id)
    if not uses:
        return []
    warn_bp = number_setting(ctx.session, "budget_warn_bp")
    return [words for use in uses if (words := use.warning(day, warn_bp))]


def recurring(ctx: Context, *, shop_id: str | None = None) -> list[RecurringExpense]:
    """What comes again every month and was not ended."""
    query = select(RecurringExpense).where(RecurringExpense.archived_at.is_(None))
    shop_id = ctx.shop_id or shop_id
    if shop_id is not None:
        query = query.where(RecurringExpense.only_shop_id == shop_id)
    return list(ctx.session.scalars(query.order_by(RecurringExpense.day_of_month, RecurringExpense.id)))


def recurring_view(ctx: Context, recurring_id: str) -> RecurringExpense:
    """One of them, also one that was ended. Raises NotFound."""
    return find_row(ctx.session, RecurringExpense, recurring_id, "This recurring expense")


def categories(session: Session) -> list[str]:
    """Categories to choose from: those in use, then the usual ones."""
    query = select(Expense.category).group_by(Expense.category).order_by(func.count().desc(), Expense.category)
    used = list(session.scalars(query.limit(CATEGORIES_MAX)))
    known = {name.casefold() for name in used}
    return used + [name for name in USUAL if name.casefold() not in known]


def _used(session: Session, category: str, day: date, shop_id: str | None) -> int:
    first, last = month_of(day)
    query = select(func.coalesce(func.sum(Expense.amount_minor), 0)).where(
        func.lower(Expense.category) == category.lower(), Expense.expense_on.between(first, last),
        Expense.withdrawn_at.is_(None),
        or_(Expense.paid_at.is_not(None), func.coalesce(_latest_kind(), "") != ExpenseDecisionKind.REJECT.value),
    )  # fmt: skip
    if shop_id is not None:
        query = query.where(Expense.shop_id == shop_id)
    return int(session.scalar(query) or 0)


def _seen_by(ctx: Context) -> Select[Any]:
    query = select(Expense)
    if ctx.shop_id is not None:
        query = query.where(Expense.shop_id == ctx.shop_id)
    if not ctx.may(Permission.EXPENSES_READ_ALL):
        query = query.where(Expense.created_by == ctx.actor.id)
    return query


def _sees(ctx: Context, row: Expense) -> bool:
    return ctx.may(Permission.EXPENSES_READ_ALL) or row.created_by == ctx.actor.id


def _view(row: Expense, decided: list[ExpenseDecision]) -> ExpenseView:
    is_paid, is_withdrawn = row.paid_at is not None, row.withdrawn_at is not None
    status = fold_status((one.kind for one in decided), is_paid=is_paid, is_withdrawn=is_withdrawn)
    if not decided:
        return ExpenseView(row, status, None, None, None, None)
    last = decided[-1]
    return ExpenseView(row, status, ExpenseDecisionKind(last.kind), last.by_id, last.at, last.reason)


def _latest_kind() -> Any:
    """The decision that holds: the last in feed order."""
    made = ExpenseDecision
    order = (made.feed_no.is_(None).desc(), made.feed_no.desc(), made.nth.desc(), made.at.desc(), made.id.desc())
    query = select(made.kind).where(made.expense_id == Expense.id).order_by(*order).limit(1)
    return query.correlate(Expense).scalar_subquery()


def _stands(status: ExpenseStatus) -> list[ColumnElement[bool]]:
    """The conditions of a status, as `fold_status` says it."""
    if status is ExpenseStatus.PAID:
        return [Expense.paid_at.is_not(None)]
    if status is ExpenseStatus.WITHDRAWN:
        return [Expense.paid_at.is_(None), Expense.withdrawn_at.is_not(None)]
    decided = {ExpenseStatus.APPROVED: ExpenseDecisionKind.APPROVE, ExpenseStatus.REJECTED: ExpenseDecisionKind.REJECT}
    kind, wanted = _latest_kind(), decided.get(status)
    said = kind.is_(None) if wanted is None else kind == wanted.value
    return [Expense.paid_at.is_(None), Expense.withdrawn_at.is_(None), said]
