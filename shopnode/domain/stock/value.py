"""What the stock is worth, now or on any past day: the sum of all that came and went until then, at cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.stock.days import day_ends
from shopnode.domain.stock.models import StockMovement


@dataclass(frozen=True)
class CategoryValue:
    """One category's part of the stock."""

    category: str
    products: int  # that had pieces on hand
    pieces: int
    value_minor: int


@dataclass(frozen=True)
class StockValue:
    """The worth of the stock at the end of a day; `on` is None for now."""

    on: date | None
    pieces: int
    value_minor: int
    categories: tuple[CategoryValue, ...]


def stock_value(ctx: Context, on: date | None = None) -> StockValue:
    """The worth of this shop's stock (at the hub: of all shops), by category, the dearest first.

    A phone counts at its own cost, everything else at the average that stood when it moved: see docs/rules/cost.md.
    """
    # Nearly every movement is read, so they are read as they lie and not product by product.
    product_id = func.coalesce(StockMovement.product_id, StockMovement.product_id)
    moved = (
        select(
            product_id.label("product_id"),
            func.sum(StockMovement.quantity).label("pieces"),
            func.sum(StockMovement.quantity * StockMovement.unit_cost_minor).label("value"),
        )
        .where(StockMovement.quantity != 0)
        .group_by(product_id)
    )
    if ctx.shop_id is not None and not ctx.home.is_shop:  # a shop's books hold its own alone
        moved = moved.where(StockMovement.shop_id == ctx.shop_id)
    if on is not None:
        moved = moved.where(StockMovement.at < day_ends(ctx, on))
    each = moved.subquery()
    held = func.sum(case((each.c.pieces != 0, 1), else_=0))
    query = (
        select(Product.category, held, func.sum(each.c.pieces), func.sum(each.c.value))
        .join(each, each.c.product_id == Product.id)
        .group_by(Product.category)
    )
    rows = [CategoryValue(row[0], *(int(part) for part in row[1:])) for row in ctx.session.execute(query)]
    rows = [row for row in rows if row.products or row.value_minor]
    rows.sort(key=lambda row: (-row.value_minor, row.category))
    return StockValue(on, sum(row.pieces for row in rows), sum(row.value_minor for row in rows), tuple(rows))
