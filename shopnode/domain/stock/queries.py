"""Reading stock: levels, and the movements they add up to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.stock.days import day_begins, day_ends
from shopnode.domain.stock.models import MovementKind, StockCost, StockLevel, StockMovement


def on_hand(session: Session, shop_id: str, product_ids: Collection[str]) -> dict[str, int]:
    """Pieces on hand by product, with those of products that were merged into it; 0 where nothing ever moved."""
    duplicates = select(Product.id, Product.merged_into).where(Product.merged_into.in_(product_ids))
    kept = {row.id: row.merged_into for row in session.execute(duplicates)}
    query = select(StockLevel.product_id, StockLevel.on_hand)
    query = query.where(StockLevel.shop_id == shop_id, StockLevel.product_id.in_([*product_ids, *kept]))
    found = dict.fromkeys(product_ids, 0)
    for product_id, level in session.execute(query):
        found[kept.get(product_id, product_id)] += level
    return found


def costs_of(session: Session, shop_id: str | None, product_ids: Collection[str]) -> dict[str, int]:
    """What a piece of each product costs: the shop's average where there is one, else what the catalogue says."""
    cost_here = (StockCost.product_id == Product.id) & (StockCost.shop_id == shop_id)
    query = select(Product.id, func.coalesce(StockCost.average_minor, Product.cost_minor))
    query = query.outerjoin(StockCost, cost_here).where(Product.id.in_(product_ids))
    return {row[0]: row[1] for row in session.execute(query)}


@dataclass(frozen=True)
class MovementFilter:
    """Which movements: each field narrows the list. Days are whole, in the shop's zone."""

    product_id: str | None = None
    kind: str | None = None
    unit_id: str | None = None
    sale_id: str | None = None
    by_id: str | None = None
    from_on: date | None = None
    to_on: date | None = None


def list_movements(
    ctx: Context, wanted: MovementFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[StockMovement]:
    """What came and went, the latest first. Raises Invalid for a cursor of another list."""
    query = select(StockMovement)
    for name in ("product_id", "kind", "unit_id", "sale_id", "by_id"):
        if getattr(wanted, name) is not None:
            query = query.where(getattr(StockMovement, name) == getattr(wanted, name))
    if wanted.from_on is not None:
        query = query.where(StockMovement.at >= day_begins(ctx, wanted.from_on))
    if wanted.to_on is not None:
        query = query.where(StockMovement.at < day_ends(ctx, wanted.to_on))
    if wanted.kind is not None and wanted.kind != MovementKind.SOLD:
        query = query.where(text("stock_movement.kind <> 'sold'"))  # lets the index of those alone be read
    if ctx.shop_id is not None and not ctx.home.is_shop:  # a shop's books hold its own alone
        query = query.where(StockMovement.shop_id == ctx.shop_id)
    return latest(ctx.session, query, StockMovement.at, StockMovement.id, limit, cursor)


@dataclass(frozen=True)
class Difference:
    """A level that is not the sum of its movements; there must never be one."""

    shop_id: str
    product_id: str
    level: int
    moved: int


def stock_differences(session: Session) -> list[Difference]:
    """Every level that its movements do not add up to."""
    sums = (
        select(StockMovement.shop_id, StockMovement.product_id, func.sum(StockMovement.quantity).label("moved"))
        .group_by(StockMovement.shop_id, StockMovement.product_id)
        .subquery()
    )
    level = func.coalesce(StockLevel.on_hand, 0)
    query = (
        select(sums.c.shop_id, sums.c.product_id, level, sums.c.moved)
        .outerjoin(StockLevel, (StockLevel.shop_id == sums.c.shop_id) & (StockLevel.product_id == sums.c.product_id))
        .where(level != sums.c.moved)
    )
    return [Difference(*row) for row in session.execute(query)]
