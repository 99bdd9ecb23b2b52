"""What the stock is worth, now or on any past day: the sum of all that came and went until then, at cost, of what is on
hand.

The levels hold that sum for now. A late day is what they hold less what moved since; an early one is added up from the
beginning: whichever way fewer movements are read.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, case, func, select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.queries import among
from shopnode.domain.stock.days import day_ends
from shopnode.domain.stock.models import StockLevel, StockMovement


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


class _Sums:
    """What products add up to, by category."""

    def __init__(self) -> None:
        self.by_category: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, category: str, products: int, pieces: int, worth: int) -> None:
        for place, part in enumerate((products, pieces, worth)):
            self.by_category[category][place] += part


def stock_value(ctx: Context, on: date | None = None) -> StockValue:
    """The worth of this shop's stock (at the hub: of all shops), by category, the dearest first.

    A phone counts at its own cost, everything else at the average that stood when it moved: see docs/rules/cost.md.
    """
    if on is None:
        sums = _now(ctx)
    else:
        ends = day_ends(ctx, on)
        sums = _before_since(ctx, ends) if _is_late(ctx, ends) else _until(ctx, ends)
    rows = [CategoryValue(category, *parts) for category, parts in sums.by_category.items()]
    rows = [row for row in rows if row.products or row.value_minor]
    rows.sort(key=lambda row: (-row.value_minor, row.category))
    return StockValue(on, sum(row.pieces for row in rows), sum(row.value_minor for row in rows), tuple(rows))


def _is_late(ctx: Context, ends: datetime) -> bool:
    """Fewer days have passed since then than had passed before."""
    begun = ctx.session.scalar(select(func.min(StockMovement.at)))
    return begun is not None and ends - begun > ctx.now - ends


def _now(ctx: Context) -> _Sums:
    """As the levels stand. They are read as they lie, and of the products an index."""
    category = func.coalesce(Product.category, Product.category)
    level = func.sum(StockLevel.on_hand)
    if _is_alone(ctx):
        held = func.count().filter(StockLevel.on_hand != 0)
        query = select(category, held, level, func.sum(_counted(StockLevel.on_hand, StockLevel.worth_minor)))
        query = query.join(StockLevel, StockLevel.product_id == Product.id).group_by(category)
    else:
        each = _levels(ctx).subquery()
        held = func.count().filter(each.c.pieces != 0)
        query = select(category, held, func.sum(each.c.pieces), func.sum(_counted(each.c.pieces, each.c.worth)))
        query = query.join(each, each.c.product_id == Product.id).group_by(category)
    sums = _Sums()
    for row in ctx.session.execute(query):
        sums.add(row[0], *map(int, row[1:]))
    return sums


def _before_since(ctx: Context, ends: datetime) -> _Sums:
    """As the levels stand, less what moved since."""
    sums = _now(ctx)
    since = {row.product_id: row for row in ctx.session.execute(_moved(ctx, StockMovement.at >= ends))}
    levels = _levels(ctx).where(among(StockLevel.product_id, since)).subquery()
    query = select(Product.category, levels).join(levels, levels.c.product_id == Product.id)
    for row in ctx.session.execute(query):
        moved = since[row.product_id]
        pieces, worth = int(row.pieces - moved.pieces), int(row.worth - moved.worth)  # as it was then
        change = (worth if pieces > 0 else 0) - (int(row.worth) if row.pieces > 0 else 0)
        sums.add(row.category, (pieces != 0) - (row.pieces != 0), -int(moved.pieces), change)
    return sums


def _until(ctx: Context, ends: datetime) -> _Sums:
    """All that moved until then."""
    each = _moved(ctx, StockMovement.at < ends).subquery()
    held = func.count().filter(each.c.pieces != 0)
    query = select(Product.category, held, func.sum(each.c.pieces), func.sum(_counted(each.c.pieces, each.c.worth)))
    query = query.join(each, each.c.product_id == Product.id).group_by(Product.category)
    sums = _Sums()
    for row in ctx.session.execute(query):
        sums.add(row[0], *map(int, row[1:]))
    return sums


def _counted(pieces: SQLColumnExpression[int], worth: SQLColumnExpression[int]) -> ColumnElement[int]:
    """The worth of a product where there is any: an empty shelf is worth nothing, nor is what was sold before it was
    booked in."""
    return case((pieces > 0, worth), else_=0)


def _moved(ctx: Context, when: ColumnElement[bool]) -> Select[str, int, int]:
    """What came and went of each product: read by time, or as it lies, and not product by product."""
    product_id = func.coalesce(StockMovement.product_id, StockMovement.product_id)
    worth = func.sum(StockMovement.quantity * StockMovement.unit_cost_minor)
    query = select(
        product_id.label("product_id"), func.sum(StockMovement.quantity).label("pieces"), worth.label("worth")
    )
    if ctx.shop_id is not None and not _is_alone(ctx):
        query = query.where(StockMovement.shop_id == ctx.shop_id)
    return query.where(StockMovement.quantity != 0, when).group_by(product_id)


def _levels(ctx: Context) -> Select[str, int, int]:
    pieces, worth = func.sum(StockLevel.on_hand), func.sum(StockLevel.worth_minor)
    query = select(StockLevel.product_id, pieces.label("pieces"), worth.label("worth"))
    if ctx.shop_id is not None:
        query = query.where(StockLevel.shop_id == ctx.shop_id)
    return query.group_by(StockLevel.product_id)


def _is_alone(ctx: Context) -> bool:
    """The books hold one shop's stock alone."""
    return ctx.home.is_shop
