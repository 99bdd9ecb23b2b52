"""Reading sales: lists for people and programs, one sale whole, and the day's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar, TypeVarTuple

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session

from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import with_duplicates
from shopnode.domain.db import SyncedRow
from shopnode.domain.journal import JournalEntry, history_of
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.people.models import Staff
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.lookup import amendments_of, find_summary, lines_now, payments_of
from shopnode.domain.sales.models import (
    Payment,
    PaymentKind,
    Sale,
    SaleAmendment,
    SaleDecision,
    SaleLine,
    SaleStatus,
    SaleSummary,
)
from shopnode.domain.sales.rules import UNDONE
from shopnode.domain.sales.searching import between, paid_by, sales_found

R = TypeVar("R", bound=SyncedRow)
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class SaleFilter:
    """Which sales: each field narrows the list."""

    q: str = ""  # receipt number, IMEI, item, payment reference, customer or exact amount
    status: str | None = None
    on: date | None = None  # business day
    since: date | None = None
    until: date | None = None
    shop_id: str | None = None
    seller_id: str | None = None
    method: str | None = None
    customer_id: str | None = None  # with what was sold to their duplicates
    total_from: int | None = None  # minor units
    total_to: int | None = None


def list_sales(
    ctx: Context, wanted: SaleFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[SaleSummary]:
    """Sales this person may see, newest first. Raises Invalid for a cursor of another list."""
    query = _filtered(ctx, select(SaleSummary), wanted)
    return latest(ctx.session, query, SaleSummary.sold_at, SaleSummary.sale_id, limit, cursor)


@dataclass(frozen=True)
class SalesSum:
    """Count and sums of a list, in minor units; undone sales are counted apart."""

    count: int
    total_minor: int
    undone: int
    cost_minor: int


def sum_sales(ctx: Context, wanted: SaleFilter) -> SalesSum:
    """What the whole list adds up to, not only the page shown."""
    undone = SaleSummary.status.in_([SaleStatus.VOIDED.value, SaleStatus.REVERSED.value])
    query = _filtered(
        ctx,
        select(
            func.count().filter(~undone),
            func.coalesce(func.sum(SaleSummary.total_minor).filter(~undone), 0),
            func.count().filter(undone),
            func.coalesce(func.sum(SaleSummary.cost_minor).filter(~undone), 0),
        ),
        wanted,
    )
    count, total, gone, cost = ctx.session.execute(query).one()
    return SalesSum(count, int(total), gone, int(cost))


def sum_of_page(rows: Sequence[SaleSummary]) -> SalesSum:
    """The same, of a list that is shown whole: its sales need not be found again."""
    stand = [row for row in rows if SaleStatus(row.status) not in UNDONE]
    total, cost = sum(row.total_minor for row in stand), sum(row.cost_minor for row in stand)
    return SalesSum(len(stand), total, len(rows) - len(stand), cost)


@dataclass(frozen=True)
class MoneyOfSales:
    """How the sales of a list were paid, net of what went back, by tender; and what went back, in minor units."""

    by_method: dict[str, int]
    returned_minor: int


def money_of_sales(ctx: Context, wanted: SaleFilter) -> MoneyOfSales:
    """The money of the whole list, not only of the page shown."""
    return _money(ctx.session, _filtered(ctx, select(SaleSummary.sale_id), wanted))


def money_of_page(session: Session, rows: Sequence[SaleSummary]) -> MoneyOfSales:
    """The same, of a list that is shown whole."""
    return _money(session, [row.sale_id for row in rows])


def _money(session: Session, sale_ids: Select[str] | list[str]) -> MoneyOfSales:
    back = Payment.kind.in_([PaymentKind.REFUND.value, PaymentKind.REFUND_DUE.value])
    query = select(
        Payment.method,
        func.sum(Payment.amount_minor),
        func.coalesce(func.sum(Payment.amount_minor).filter(back), 0),
    ).where(Payment.sale_id.in_(sale_ids))
    rows = session.execute(query.group_by(Payment.method).order_by(Payment.method)).all()
    return MoneyOfSales({row[0]: int(row[1]) for row in rows if row[1]}, -sum(int(row[2]) for row in rows))


def _filtered(ctx: Context, query: Select[*Ts], wanted: SaleFilter) -> Select[*Ts]:
    if not ctx.may(Permission.SALES_READ_ALL):
        query = query.where(or_(SaleSummary.cashier_id == ctx.actor.id, SaleSummary.seller_id == ctx.actor.id))
    exact = {
        SaleSummary.status: wanted.status,
        SaleSummary.business_on: wanted.on,
        SaleSummary.shop_id: wanted.shop_id,
        SaleSummary.seller_id: wanted.seller_id,
    }
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.status not in (None, SaleStatus.SUBMITTED.value):
        query = query.where(text("sale_summary.status <> 'Submitted'"))  # lets the index of those alone be read
    if wanted.customer_id is not None:
        query = query.where(SaleSummary.customer_id.in_(with_duplicates(wanted.customer_id)))
    if wanted.since is not None:
        query = query.where(SaleSummary.business_on >= wanted.since)
    if wanted.until is not None:
        query = query.where(SaleSummary.business_on <= wanted.until)
    if wanted.total_from is not None or wanted.total_to is not None:
        query = query.where(between(ctx.session, wanted.total_from, wanted.total_to))
    if wanted.method is not None:
        query = query.where(paid_by(ctx.session, wanted.method))
    return query.where(sales_found(ctx.session, wanted.q)) if wanted.q.strip() else query


@dataclass(frozen=True)
class SaleDetail:
    """One sale, whole: what holds now and everything that led there."""

    summary: SaleSummary
    sale: Sale
    lines: list[SaleLine]
    payments: list[Payment]
    decisions: list[SaleDecision]
    amendments: list[SaleAmendment]
    customer: Customer | None
    seller: Staff | None
    cashier: Staff | None
    notes: str | None
    refund_due_minor: int

    @property
    def ticket_discount_minor(self) -> int:
        return self.summary.discount_minor - sum(line.discount_minor for line in self.lines)

    @property
    def change_minor(self) -> int:
        return sum(payment.change_minor or 0 for payment in self.payments)


def sale_detail(ctx: Context, sale_id: str) -> SaleDetail:
    """One sale this person may see. Raises NotFound."""
    session, summary = ctx.session, find_summary(ctx, sale_id)
    sale = find_row(session, Sale, sale_id, "This sale")
    amendments, payments = amendments_of(session, sale_id), payments_of(session, sale_id)
    decisions = session.scalars(select(SaleDecision).where(SaleDecision.sale_id == sale_id).order_by(SaleDecision.at))
    noted = [change.notes for change in amendments if change.notes is not None]
    return SaleDetail(
        summary, sale, lines_now(session, sale_id), payments, list(decisions), amendments,
        customer=_get(session, Customer, summary.customer_id),
        seller=_get(session, Staff, sale.seller_id),
        cashier=_get(session, Staff, sale.cashier_id),
        notes=noted[-1] if noted else sale.notes,
        refund_due_minor=-sum(row.amount_minor for row in payments if row.kind == PaymentKind.REFUND_DUE),
    )  # fmt: skip


def sale_history(session: Session, sale_id: str) -> Sequence[JournalEntry]:
    """The journal's entries about one sale, oldest first."""
    return session.scalars(history_of(sale_id)).all()


def last_sale_or_none(ctx: Context) -> SaleSummary | None:
    """The newest sale this person may see."""
    return next(iter(list_sales(ctx, SaleFilter(), limit=1).rows), None)


def _get(session: Session, model: type[R], row_id: str | None) -> R | None:
    return row_or_none(session, model, row_id) if row_id else None
