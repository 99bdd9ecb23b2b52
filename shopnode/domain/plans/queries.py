"""Reading plans: what was paid, what is left, which have passed, and what the shop owes for deposits (rule 46)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import with_duplicates
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.plans.models import Plan, PlanDue, PlanKind, PlanLine, PlanStatus
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class PlanGoods:
    """One line of a plan."""

    product_id: str
    name: str
    unit_id: str | None
    imei: str | None
    quantity: int
    unit_price_minor: int


@dataclass(frozen=True)
class PlanPart:
    """A part of the price, its day, and how much of it is not paid."""

    due_on: date
    amount_minor: int
    open_minor: int


@dataclass(frozen=True)
class PlanRow:
    """A plan in a list."""

    id: str
    shop_id: str
    number: str
    kind: PlanKind
    status: PlanStatus
    customer_id: str
    customer: str
    total_minor: int
    deposit_minor: int
    paid_minor: int
    keep_until: date | None
    opened_at: datetime
    sale_id: str | None
    has_passed: bool

    @property
    def open_minor(self) -> int:
        """What is left to pay of a plan that stands open."""
        return self.total_minor - self.paid_minor if self.status is PlanStatus.OPEN else 0


@dataclass(frozen=True)
class PlanView:
    """A plan whole."""

    row: PlanRow
    forfeit_bp: int
    notes: str | None
    ended_at: datetime | None
    end_reason: str | None
    goods: list[PlanGoods]
    parts: list[PlanPart]


@dataclass(frozen=True)
class Deposits:
    """Money that was paid for goods which have not left: owed to customers."""

    plans: int
    owed_minor: int


def paid_so_far(session: Session, plan_id: str) -> int:
    """What was paid towards a plan, less what was given back."""
    return _paid(session, [plan_id]).get(plan_id, 0)


def lines_of(session: Session, plan_id: str) -> list[PlanLine]:
    """Its goods, in their order."""
    return list(session.scalars(select(PlanLine).where(PlanLine.plan_id == plan_id).order_by(PlanLine.line_no)))


def units_kept_for(session: Session, plan_id: str) -> list[StockUnit]:
    """The phones that are kept for it still."""
    kept = select(PlanLine.unit_id).where(PlanLine.plan_id == plan_id, PlanLine.unit_id.is_not(None))
    query = select(StockUnit).where(StockUnit.id.in_(kept), StockUnit.held_for == plan_id)
    return list(session.scalars(query.order_by(StockUnit.id)))


def list_plans(
    ctx: Context, *, status: PlanStatus | None = None, customer_id: str | None = None, passed: bool = False,
    limit: int = PAGE_DEFAULT, cursor: str | None = None,
) -> Page[PlanRow]:  # fmt: skip
    """Plans, the newest first; with `passed` the open ones whose day has gone by. Raises Invalid for a wrong cursor."""
    query = select(Plan)
    today = today_of(ctx)
    if ctx.shop_id is not None:
        query = query.where(Plan.shop_id == ctx.shop_id)
    if status is not None:
        query = query.where(Plan.status == status.value)
    if customer_id is not None:
        query = query.where(Plan.customer_id.in_(with_duplicates(customer_id)))
    if passed:
        query = query.where(Plan.status == PlanStatus.OPEN.value, Plan.keep_until < today)
    page = latest(ctx.session, query, Plan.opened_at, Plan.id, limit, cursor)
    return Page(_rows(ctx.session, page.rows, today), page.next_cursor)


def plan_view(ctx: Context, plan_id: str) -> PlanView:
    """One plan with its goods and its days. Raises NotFound."""
    plan = find_row(ctx.session, Plan, plan_id, "This plan")
    (row,) = _rows(ctx.session, [plan], today_of(ctx))
    goods_query = (
        select(PlanLine, Product.name, Handset)
        .join(Product, Product.id == PlanLine.product_id)
        .outerjoin(StockUnit, StockUnit.id == PlanLine.unit_id)
        .outerjoin(Handset, Handset.id == StockUnit.handset_id)
        .where(PlanLine.plan_id == plan_id)
        .order_by(PlanLine.line_no)
    )
    goods = [
        PlanGoods(line.product_id, name, line.unit_id, handset.number if handset else None, line.quantity,
                  line.unit_price_minor)
        for line, name, handset in ctx.session.execute(goods_query)
    ]  # fmt: skip
    dues = ctx.session.scalars(select(PlanDue).where(PlanDue.plan_id == plan_id).order_by(PlanDue.due_on, PlanDue.id))
    ahead = max(0, row.paid_minor - plan.deposit_minor)
    parts = []
    for due in dues:
        covered = min(ahead, due.amount_minor)
        ahead -= covered
        parts.append(PlanPart(due.due_on, due.amount_minor, due.amount_minor - covered))
    return PlanView(row, plan.forfeit_bp, plan.notes, plan.ended_at, plan.end_reason, goods, parts)


def deposits_owed(session: Session, shop_id: str | None = None) -> Deposits:
    """What customers have paid for goods they do not have yet: a liability until delivered (rule 46)."""
    query = (
        select(func.count(Plan.id.distinct()), func.coalesce(func.sum(MoneyMove.amount_minor), 0))
        .join(MoneyMove, MoneyMove.about_id == Plan.id)
        .where(Plan.status == PlanStatus.OPEN.value, MoneyMove.kind == MoneyKind.PLAN_PAYMENT.value)
    )
    if shop_id is not None:
        query = query.where(Plan.shop_id == shop_id)
    plans, owed = session.execute(query).one()
    return Deposits(int(plans), int(owed))


def _rows(session: Session, plans: Collection[Plan], today: date) -> list[PlanRow]:
    paid = _paid(session, [plan.id for plan in plans])
    names: dict[str, str] = defaultdict(lambda: "a customer")
    if plans:
        query = select(Customer.id, Customer.name).where(Customer.id.in_({plan.customer_id for plan in plans}))
        names.update((row.id, row.name) for row in session.execute(query))
    return [
        PlanRow(
            plan.id, plan.shop_id, plan.number, PlanKind(plan.kind), PlanStatus(plan.status), plan.customer_id,
            names[plan.customer_id], plan.total_minor, plan.deposit_minor, paid.get(plan.id, 0), plan.keep_until,
            plan.opened_at, plan.sale_id,
            plan.status == PlanStatus.OPEN and plan.keep_until is not None and plan.keep_until < today,
        )
        for plan in plans
    ]  # fmt: skip


def _paid(session: Session, plan_ids: Collection[str]) -> dict[str, int]:
    if not plan_ids:
        return {}
    query = (
        select(MoneyMove.about_id, func.sum(MoneyMove.amount_minor))
        .where(MoneyMove.about_id.in_(plan_ids), MoneyMove.kind == MoneyKind.PLAN_PAYMENT.value)
        .group_by(MoneyMove.about_id)
    )
    return {str(plan_id): int(amount) for plan_id, amount in session.execute(query)}
