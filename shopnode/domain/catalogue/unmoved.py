"""Products that never moved in a shop: nothing of them was ever there, so no level tells what is on hand.

To find them, all products are compared with all levels. A node remembers the answer until there is a product or a level
more: both are only ever added, and a sale adds neither.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, except_, func, literal_column, select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.homes import Home
from shopnode.domain.stock.models import StockLevel

State = tuple[int, ...]

_known: WeakKeyDictionary[Home, tuple[State, int, frozenset[str]]] = WeakKeyDictionary()


def never_moved(ctx: Context, limit: int) -> frozenset[str]:
    """The ids of products that never moved in this shop (at the hub: in any), archived ones too; at most so many."""
    if not ctx.home.is_shop:
        return _look_up(ctx, limit)
    state = _state(ctx)
    known = _known.get(ctx.home)
    if known is None or known[:2] != (state, limit):
        known = (state, limit, _look_up(ctx, limit))
        _known[ctx.home] = known
    return known[2]


def _look_up(ctx: Context, limit: int) -> frozenset[str]:
    moved = select(StockLevel.product_id)
    moved = moved if ctx.shop_id is None else moved.where(StockLevel.shop_id == ctx.shop_id)
    return frozenset(map(str, ctx.session.scalars(except_(select(Product.id), moved).limit(limit))))


def _state(ctx: Context) -> State:
    """What differs when a product or a level was added: how many there are, and which row was the last."""
    rowid: ColumnElement[int] = literal_column("rowid")
    told = [
        select(what).select_from(model).scalar_subquery()
        for model in (Product, StockLevel) for what in (func.count(), func.max(rowid))
    ]  # fmt: skip
    return tuple(int(number or 0) for number in ctx.session.execute(select(*told)).one())
