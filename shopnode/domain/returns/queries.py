"""Reading returns and claims: what came back of a sale, and the lists for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.queries import find_row
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine, WarrantyClaim
from shopnode.domain.sales.models import Payment, PaymentKind, SaleLine, SaleSummary, Tender

WITHIN = timedelta(minutes=1)  # all rows of one act are written in it


def returned_by_line(session: Session, sale_id: str) -> dict[str, int]:
    """Pieces of each line of a sale that came back so far."""
    query = (
        select(SaleReturnLine.sale_line_id, func.sum(SaleReturnLine.quantity))
        .join(SaleReturn, SaleReturn.id == SaleReturnLine.return_id)
        .where(SaleReturn.sale_id == sale_id)
        .group_by(SaleReturnLine.sale_line_id)
    )
    return {row[0]: int(row[1]) for row in session.execute(query)}


def find_return(session: Session, return_id: str) -> SaleReturn:
    """The return with this id. Raises NotFound."""
    return find_row(session, SaleReturn, return_id, "This return")


def chain_of(session: Session, sale_id: str) -> tuple[str, ...]:
    """This sale, and those whose goods were exchanged for its goods, the latest first."""
    chain: dict[str, None] = {}
    now: str | None = sale_id
    while now is not None and now not in chain:
        chain[now] = None
        now = session.scalar(select(SaleReturn.sale_id).where(SaleReturn.exchange_sale_id == now).limit(1))
    return tuple(chain)


def first_sold_on(session: Session, sale_id: str, sold_on: date) -> date:
    """The day from which goods may come back: what replaced another piece under warranty is as old as that one."""
    given = aliased(SaleLine)
    seen = {sale_id}
    while True:
        query = (
            select(SaleSummary.sale_id, SaleSummary.business_on)
            .join(SaleLine, SaleLine.sale_id == SaleSummary.sale_id)
            .join(WarrantyClaim, WarrantyClaim.sale_line_id == SaleLine.id)
            .join(given, given.id == WarrantyClaim.new_line_id)
            .where(given.sale_id == sale_id)
        )
        before = session.execute(query.limit(1)).first()
        if before is None or before[0] in seen:
            return sold_on
        sale_id, sold_on = before
        seen.add(sale_id)


def money_of_return(session: Session, row: SaleReturn) -> list[tuple[Tender, int]]:
    """By which tenders money left with a return: the refunds of its sale, and of those behind it, from then until the
    next return. Goods that pay for goods cancel out but for those of this return."""
    later = select(func.min(SaleReturn.at)).where(SaleReturn.at > row.at, SaleReturn.shop_id == row.shop_id)
    until = session.scalar(later) or row.at + WITHIN
    query = (
        select(Payment.method, -func.sum(Payment.amount_minor))
        .where(
            Payment.sale_id.in_(chain_of(session, row.sale_id)), Payment.kind == PaymentKind.REFUND.value,
            Payment.at >= row.at, Payment.at < min(until, row.at + WITHIN),
        )
        .group_by(Payment.method)
        .order_by(func.min(Payment.id))
    )  # fmt: skip
    return [(Tender(method), int(amount)) for method, amount in session.execute(query) if amount]


BackLineView = tuple[SaleReturnLine, str, str | None]


def return_lines(session: Session, return_ids: Collection[str]) -> dict[str, list[BackLineView]]:
    """The lines of some returns, each with the name and the IMEI it was sold under."""
    query = (
        select(SaleReturnLine, SaleLine.item_name, SaleLine.imei)
        .join(SaleLine, SaleLine.id == SaleReturnLine.sale_line_id)
        .where(SaleReturnLine.return_id.in_(return_ids))
        .order_by(SaleReturnLine.id)
    )
    found: dict[str, list[BackLineView]] = defaultdict(list)
    for row in session.execute(query):
        found[row[0].return_id].append((row[0], row[1], row[2]))
    return found


@dataclass(frozen=True)
class ReturnFilter:
    """Which returns: each field narrows the list."""

    sale_id: str | None = None
    customer_id: str | None = None
    shop_id: str | None = None
    number: str = ""
    since: datetime | None = None
    until: datetime | None = None


def list_returns(
    ctx: Context, wanted: ReturnFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[SaleReturn]:
    """Returns, the latest first. Raises Invalid for a cursor of another list."""
    query = select(SaleReturn)
    exact = {
        SaleReturn.sale_id: wanted.sale_id,
        SaleReturn.customer_id: wanted.customer_id,
        SaleReturn.shop_id: wanted.shop_id or ctx.shop_id,
    }
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.number:
        query = query.where(SaleReturn.number.icontains(wanted.number, autoescape=True))
    if wanted.since is not None:
        query = query.where(SaleReturn.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(SaleReturn.at < wanted.until)
    return latest(ctx.session, query, SaleReturn.at, SaleReturn.id, limit, cursor)


def claims_of_line(session: Session, sale_line_id: str) -> list[WarrantyClaim]:
    """Every claim under one line's warranty, oldest first."""
    query = select(WarrantyClaim).where(WarrantyClaim.sale_line_id == sale_line_id)
    return list(session.scalars(query.order_by(WarrantyClaim.at, WarrantyClaim.id)))


def list_claims(
    ctx: Context, *, claim_id: str | None = None, sale_line_id: str | None = None, outcome: str | None = None,
    limit: int = PAGE_DEFAULT, cursor: str | None = None,
) -> Page[WarrantyClaim]:  # fmt: skip
    """Claims, the latest first. Raises Invalid for a cursor of another list."""
    query = select(WarrantyClaim)
    exact = {
        WarrantyClaim.id: claim_id,
        WarrantyClaim.sale_line_id: sale_line_id,
        WarrantyClaim.outcome: outcome,
        WarrantyClaim.shop_id: ctx.shop_id,
    }
    for column, value in exact.items():
        if value is not None:
            query = query.where(column == value)
    return latest(ctx.session, query, WarrantyClaim.at, WarrantyClaim.id, limit, cursor)
