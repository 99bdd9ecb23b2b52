"""Reading stocktakes. Blind: what the books say is in no view before the count was submitted, nor for those who may
not approve it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stocktakes.approving import phones_not_found, uncounted
from shopnode.domain.stocktakes.models import Stocktake, StocktakeLine, StocktakeStatus


@dataclass(frozen=True)
class CountLine:
    """What was found of one product, one phone, or one number nobody knows."""

    product_id: str | None
    product_name: str | None
    unit_id: str | None
    number: str | None
    counted: int
    expected: int | None  # None while the count is blind
    at: datetime
    by_id: str | None


@dataclass(frozen=True)
class CountView:
    """A stocktake."""

    id: str
    shop_id: str
    number: str
    category: str | None
    status: StocktakeStatus
    notes: str | None
    started_at: datetime
    started_by: str | None
    submitted_at: datetime | None
    submitted_by: str | None
    approved_at: datetime | None
    approved_by: str | None
    difference_minor: int | None  # None for those who may not see cost


@dataclass(frozen=True)
class NotFoundPhone:
    """A phone that should be here and was not scanned."""

    unit_id: str
    product_name: str
    number: str


@dataclass(frozen=True)
class CountReview:
    """A stocktake with its lines; once it is submitted and for those who may approve, with what is not there."""

    head: CountView
    lines: tuple[CountLine, ...]
    not_found: tuple[NotFoundPhone, ...]
    uncounted: tuple[tuple[str, str, int], ...]  # product, name, what the books say


def list_counts(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[CountView]:
    """Stocktakes, the latest first. Raises Invalid for a cursor of another list."""
    query = select(Stocktake)
    if ctx.shop_id is not None:
        query = query.where(Stocktake.shop_id == ctx.shop_id)
    page = latest(ctx.session, query, Stocktake.started_at, Stocktake.id, limit, cursor)
    return Page([_view(ctx, row) for row in page.rows], page.next_cursor)


def count_review(ctx: Context, stocktake_id: str) -> CountReview:
    """One stocktake with all that was found. Raises NotFound."""
    count = find_row(ctx.session, Stocktake, stocktake_id, "This stocktake")
    submitted = count.status in (StocktakeStatus.SUBMITTED.value, StocktakeStatus.APPROVED.value)
    is_open = submitted and ctx.may(Permission.STOCK_APPROVE_COUNT)
    query = (
        select(StocktakeLine, Product.name)
        .outerjoin(Product, Product.id == StocktakeLine.product_id)
        .where(StocktakeLine.stocktake_id == count.id)
        .order_by(StocktakeLine.at, StocktakeLine.id)
    )
    lines = [
        CountLine(
            line.product_id, name, line.unit_id, line.number, line.counted, line.expected if is_open else None, line.at,
            line.by_id,
        )
        for line, name in ctx.session.execute(query)
    ]  # fmt: skip
    waits = is_open and count.status == StocktakeStatus.SUBMITTED.value
    return CountReview(
        _view(ctx, count), tuple(lines), tuple(_not_found(ctx, count)) if waits else (),
        tuple(_uncounted(ctx, count)) if waits else (),
    )  # fmt: skip


def _view(ctx: Context, row: Stocktake) -> CountView:
    difference = row.difference_minor if ctx.may(Permission.PRODUCTS_SEE_COST) else None
    return CountView(
        row.id, row.shop_id, row.number, row.category, StocktakeStatus(row.status), row.notes, row.started_at,
        row.started_by, row.submitted_at, row.submitted_by, row.approved_at, row.approved_by, difference,
    )  # fmt: skip


def _not_found(ctx: Context, count: Stocktake) -> list[NotFoundPhone]:
    ids = [unit.id for unit in phones_not_found(ctx, count)]
    query = (
        select(StockUnit.id, Product.name, Handset)
        .join(Product, Product.id == StockUnit.product_id)
        .join(Handset, Handset.id == StockUnit.handset_id)
        .where(StockUnit.id.in_(ids))
        .order_by(Product.name, StockUnit.id)
    )
    return [NotFoundPhone(unit_id, name, handset.number) for unit_id, name, handset in ctx.session.execute(query)]


def _uncounted(ctx: Context, count: Stocktake) -> list[tuple[str, str, int]]:
    levels = uncounted(ctx, count)
    query = select(Product.id, Product.name).where(Product.id.in_(levels)).order_by(Product.name, Product.id)
    return [(row.id, row.name, levels[row.id]) for row in ctx.session.execute(query)]
