"""What is looked for in stock, sales and expenses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.catalogue.queries import ProductFilter, list_products
from shopnode.domain.context import Context
from shopnode.domain.expenses.models import Expense, ExpenseDecision, ExpenseDecisionKind, ExpenseStatus
from shopnode.domain.expenses.queries import list_expenses, month_sums
from shopnode.domain.expenses.rules import BudgetUse
from shopnode.domain.notices.watching import Found, watches
from shopnode.domain.people.queries import names_of
from shopnode.domain.sales.models import MoneyState, PaymentOutcome, Sale, SaleStatus, SaleSummary
from shopnode.domain.sales.rules import METHOD_NAMES, tender_named
from shopnode.domain.settings.queries import number_setting

ONE_BY_ONE = 20  # more causes of a kind than this are told together
DAYS_BACK = timedelta(days=7)
EVENTS_MAX = 200


@watches("low_stock")
def low_stock(ctx: Context) -> Iterator[Found]:
    """Products at or below their minimum, one by one while they are few."""
    rows = list_products(ctx, ProductFilter(low_stock=True), limit=ONE_BY_ONE + 1).rows
    if len(rows) > ONE_BY_ONE:
        words = "See what to order."
        yield Found("many", f"More than {ONE_BY_ONE} products are low", words, "low-stock")
        return
    for row in rows:
        least = f"Its minimum is {row.min_stock_level}."
        yield Found(row.id, f"{row.name}: {row.on_hand} left", least, f"product/{row.id}")


@watches("sales_to_approve")
def sales_to_approve(ctx: Context) -> Iterator[Found]:
    """Sales of the last days that nobody approved, told as one."""
    since = today_of(ctx) - DAYS_BACK
    waiting = ctx.session.scalar(
        select(func.count()).where(
            SaleSummary.shop_id == ctx.shop_id, SaleSummary.business_on > since,
            SaleSummary.status == SaleStatus.SUBMITTED.value,
        )
    )  # fmt: skip
    if waiting:
        word = "sale waits" if waiting == 1 else "sales wait"
        yield Found("week", f"{waiting:,} {word} to be approved", f"Of the last {DAYS_BACK.days} days.", "sales")


@watches("payment_failed")
def payments_failed(ctx: Context) -> Iterator[Found]:
    """Mobile money that never came, or was taken back by its network."""
    lost = (MoneyState.FAILED.value, MoneyState.REVERSED.value)
    query = (
        select(PaymentOutcome, Sale.number)
        .join(Sale, Sale.id == PaymentOutcome.sale_id)
        .where(
            PaymentOutcome.shop_id == ctx.shop_id, PaymentOutcome.state.in_(lost),
            PaymentOutcome.at > ctx.now - DAYS_BACK,
        )
        .order_by(PaymentOutcome.at.desc(), PaymentOutcome.id)
        .limit(EVENTS_MAX)
    )  # fmt: skip
    for outcome, number in ctx.session.execute(query):
        way = METHOD_NAMES[tender_named(outcome.method)]
        what = "never came" if outcome.state == MoneyState.FAILED else "was taken back"
        yield Found(outcome.id, f"{way} for {number} {what}", outcome.note or "", f"sale/{outcome.sale_id}")


@watches("expense_to_decide")
def expenses_to_decide(ctx: Context) -> Iterator[Found]:
    """Money somebody asks for."""
    rows = list_expenses(ctx, status=ExpenseStatus.PENDING, limit=ONE_BY_ONE + 1).rows
    if len(rows) > ONE_BY_ONE:
        yield Found("many", f"More than {ONE_BY_ONE} expenses wait for a decision", "", "expenses")
        return
    names = names_of(ctx.session, {view.row.created_by for view in rows if view.row.created_by})
    for view in rows:
        who = names.get(view.row.created_by or "", "Somebody")
        title = f"{who} asks for {view.row.amount_minor:,}: {view.row.category}"
        yield Found(view.row.id, title, view.row.description, f"expense/{view.row.id}")


@watches("expense_decided")
def expenses_decided(ctx: Context) -> Iterator[Found]:
    """What somebody else decided about one's own request."""
    query = (
        select(ExpenseDecision, Expense)
        .join(Expense, Expense.id == ExpenseDecision.expense_id)
        .where(
            ExpenseDecision.shop_id == ctx.shop_id, ExpenseDecision.at > ctx.now - DAYS_BACK,
            ExpenseDecision.by_id.is_not(None), Expense.created_by.is_not(None),
        )
        .order_by(ExpenseDecision.at.desc(), ExpenseDecision.id)
        .limit(EVENTS_MAX)
    )  # fmt: skip
    for decided, expense in ctx.session.execute(query):
        word = "approved" if decided.kind == ExpenseDecisionKind.APPROVE else "rejected"
        title = f"Expense {expense.number} was {word}"
        yield Found(
            decided.id, title, decided.reason or expense.description, f"expense/{expense.id}",
            staff_id=expense.created_by,
        )  # fmt: skip


@watches("budget")
def budgets_used(ctx: Context) -> Iterator[Found]:
    """Budgets of this month that are nearly used up, or passed."""
    today, warn_bp = today_of(ctx), number_setting(ctx.session, "budget_warn_bp")
    for one in month_sums(ctx, today):
        use = BudgetUse(one.category, ctx.shop_id, one.budget_minor or 0, one.used_minor)
        words = use.warning(today, warn_bp) if one.budget_minor is not None else None
        if words:
            yield Found(f"{today:%Y-%m}:{one.category.casefold()}", words, "", "expenses")
