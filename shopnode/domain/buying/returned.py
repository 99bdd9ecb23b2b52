"""Reading phones that went back to their supplier, and how that ended. What was credited is for those who see cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from shopnode.domain.buying.models import ReturnToSupplierOutcome, Supplier, SupplierReturn
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class ReturnView:
    """A phone that went back, as the books have it."""

    id: str
    shop_id: str
    number: str
    supplier_id: str
    supplier_name: str
    unit_id: str
    product_id: str
    product_name: str
    phone_number: str  # the phone's own
    reason: str
    sent_at: datetime
    sent_by: str | None
    outcome: ReturnToSupplierOutcome | None  # None while it is with the supplier
    replaced_by_unit_id: str | None
    credited_minor: int | None  # None for those who may not see cost, too
    ended_at: datetime | None
    ended_by: str | None


@dataclass(frozen=True)
class ReturnFilter:
    """Which returns: each field narrows the list."""

    supplier_id: str | None = None
    has_ended: bool | None = None


def list_returns(
    ctx: Context, wanted: ReturnFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[ReturnView]:
    """Phones that went back, the latest first. Raises Invalid for a cursor of another list."""
    query = select(SupplierReturn)
    if wanted.supplier_id is not None:
        query = query.where(SupplierReturn.supplier_id == wanted.supplier_id)
    if wanted.has_ended is not None:
        ended = SupplierReturn.outcome.is_not(None)
        query = query.where(ended if wanted.has_ended else ~ended)
    if ctx.shop_id is not None:
        query = query.where(SupplierReturn.shop_id == ctx.shop_id)
    page = latest(ctx.session, query, SupplierReturn.sent_at, SupplierReturn.id, limit, cursor)
    return Page(_views(ctx, page.rows), page.next_cursor)


def return_view(ctx: Context, return_id: str) -> ReturnView:
    """One return. Raises NotFound."""
    return _views(ctx, [find_row(ctx.session, SupplierReturn, return_id, "This return")])[0]


class _Phone(NamedTuple):
    product_id: str
    product_name: str
    number: str


def _views(ctx: Context, rows: Sequence[SupplierReturn]) -> list[ReturnView]:
    query = (
        select(StockUnit.id, Product.id, Product.name, Handset)
        .join(Product, Product.id == StockUnit.product_id)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .where(StockUnit.id.in_([row.unit_id for row in rows]))
    )
    phones = {row[0]: _Phone(row[1], row[2], row[3].number) for row in ctx.session.execute(query)}
    suppliers = select(Supplier.id, Supplier.name).where(Supplier.id.in_([row.supplier_id for row in rows]))
    names = {row.id: row.name for row in ctx.session.execute(suppliers)}
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    return [
        ReturnView(
            row.id, row.shop_id, row.number, row.supplier_id, names.get(row.supplier_id, ""), row.unit_id,
            phone.product_id, phone.product_name, phone.number, row.reason, row.sent_at, row.sent_by,
            ReturnToSupplierOutcome(row.outcome) if row.outcome else None, row.replaced_by_unit_id,
            row.credited_minor if sees_cost else None, row.ended_at, row.ended_by,
        )
        for row in rows
        if (phone := phones[row.unit_id])
    ]  # fmt: skip
