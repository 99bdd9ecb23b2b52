"""Finding what comes back: the sale behind a receipt, a phone or a customer, and what of it may still come back.

Whoever takes goods back sees any sale of this shop for it, not only their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, or_, select

from shopnode.domain.catalogue.rules import printable
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import search_customers
from shopnode.domain.errors import NotFound
from shopnode.domain.queries import row_or_none
from shopnode.domain.returns.goods import line_of_number
from shopnode.domain.returns.leaving import net_of_sale
from shopnode.domain.returns.queries import first_sold_on, returned_by_line
from shopnode.domain.returns.rules import days_late, paid_by_line
from shopnode.domain.sales.errors import NotYourSale, SaleUndone
from shopnode.domain.sales.lookup import lines_now
from shopnode.domain.sales.models import Sale, SaleStatus, SaleSummary, Tender
from shopnode.domain.sales.rules import UNDONE
from shopnode.domain.settings.queries import number_setting

Ts = TypeVarTuple("Ts")
SHOWN_MAX = 20
FEW_MAX = 400  # that are named one by one
CUSTOMERS_MAX = 5
TEXT_MAX = 100


@dataclass(frozen=True)
class BackSale:
    """A sale in the list of those that may come back."""

    sale_id: str
    number: str
    sold_at: datetime
    total_minor: int
    customer: str | None
    is_undone: bool


@dataclass(frozen=True)
class BackChoice:
    """One line of a sale: how much of it may still come back, and what all of it was paid."""

    line_id: str
    name: str
    imei_end: str | None  # the phone itself is scanned, so its number is not told
    is_phone: bool
    quantity: int
    left: int
    paid_minor: int


@dataclass(frozen=True)
class BackWhole:
    """A sale of which something may come back."""

    sale_id: str
    number: str
    sold_at: datetime
    customer_id: str | None
    customer: str | None
    days_late: int
    lines: list[BackChoice]
    paid_by: list[tuple[Tender, int]]


def sales_to_take_back(ctx: Context, text: str) -> list[BackSale]:
    """Sales of this shop by a phone's number, by a receipt's number or the end of it, or by their customer."""
    word = " ".join(printable(text[:TEXT_MAX]).split())
    if not word:
        return []
    try:
        found = [line_of_number(ctx, word).sale_id]
    except NotFound:
        found = [*_newest(ctx, _numbered(ctx, word)), *_newest(ctx, _bought_by(ctx, word))]
    rows = list(ctx.session.scalars(_newest_first(ctx, select(SaleSummary)).where(SaleSummary.sale_id.in_(found))))
    ids = {row.customer_id for row in rows if row.customer_id}
    names = {row.id: row.name for row in ctx.session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    return [
        BackSale(
            row.sale_id, row.number, row.sold_at, row.total_minor, names.get(row.customer_id or ""),
            SaleStatus(row.status) in UNDONE,
        )
        for row in rows
    ]  # fmt: skip


def _newest_first(ctx: Context, query: Select[*Ts]) -> Select[*Ts]:
    query = query.where(SaleSummary.shop_id == ctx.shop_id).limit(SHOWN_MAX)
    return query.order_by(SaleSummary.sold_at.desc(), SaleSummary.sale_id.desc())


def _newest(ctx: Context, wanted: ColumnElement[bool]) -> Sequence[str]:
    return ctx.session.scalars(_newest_first(ctx, select(SaleSummary.sale_id)).where(wanted)).all()


def _numbered(ctx: Context, word: str) -> ColumnElement[bool]:
    """Sales whose number ends with this: few are named one by one, many are met on the way."""
    numbers = select(Sale.number).where(Sale.number.endswith(word.upper(), autoescape=True))
    few = ctx.session.scalars(select(Sale.id).where(Sale.number.in_(numbers)).limit(FEW_MAX + 1)).all()
    if len(few) <= FEW_MAX:
        return SaleSummary.sale_id.in_(few)
    return SaleSummary.number.endswith(word.upper(), autoescape=True)


def _bought_by(ctx: Context, word: str) -> ColumnElement[bool]:
    """Sales to the first customers who are called this."""
    people = [row.id for row in search_customers(ctx.session, word, limit=CUSTOMERS_MAX).rows]
    known_as = select(Customer.id).where(or_(Customer.id.in_(people), Customer.merged_into.in_(people)))
    return SaleSummary.customer_id.in_(ctx.session.scalars(known_as).all())


def what_may_come_back(ctx: Context, sale_id: str, today: date) -> BackWhole:
    """A sale with what of it may still come back. Raises NotFound, NotYourSale, SaleUndone."""
    session = ctx.session
    summary = session.scalars(select(SaleSummary).where(SaleSummary.sale_id == sale_id)).one_or_none()
    if summary is None:
        raise NotFound("This sale")
    if summary.shop_id != ctx.shop_id:
        raise NotYourSale
    if SaleStatus(summary.status) in UNDONE:
        raise SaleUndone(summary.number, summary.status)
    lines, before = lines_now(session, sale_id), returned_by_line(session, sale_id)
    nets = [line.quantity * line.unit_price_minor - line.discount_minor for line in lines]
    paid = paid_by_line(nets, summary.discount_minor - sum(line.discount_minor for line in lines))
    customer = row_or_none(session, Customer, summary.customer_id) if summary.customer_id else None
    choices = [
        BackChoice(
            line.id, line.item_name, line.imei[-4:] if line.imei else None, line.unit_id is not None, line.quantity,
            line.quantity - before.get(line.id, 0), worth,
        )
        for line, worth in zip(lines, paid, strict=True)
    ]  # fmt: skip
    by: dict[Tender, int] = {}
    for (method, _), amount in net_of_sale(ctx, sale_id).items():
        by[Tender(method)] = by.get(Tender(method), 0) + amount
    sold_on = first_sold_on(session, sale_id, summary.business_on)
    return BackWhole(
        sale_id, summary.number, summary.sold_at, customer.id if customer else None,
        customer.name if customer else None,
        days_late(sold_on, today, number_setting(session, "return_window_days")), choices,
        [(method, amount) for method, amount in by.items() if amount],
    )  # fmt: skip
