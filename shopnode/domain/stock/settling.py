"""What is left of the worth of an empty shelf: settled when goods come in again, or when the last piece is taken off.

Worth is the sum of all that came and went, each at what it cost then. Where more was sold than was booked in, and where
rounded averages went out, something is left that no piece has. Phones leave nothing: each goes at its own cost.

Invariants:
  * What comes onto a shelf with nothing on it counts at its own cost, to the shilling, as the average does (rules.py).
  * Settling is two movements of one moment, one piece out and one in at other costs: no level changes by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import select

from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.stock.models import MovementKind, StockLevel, StockMovement

NOTE = "Left of the worth of an empty shelf"


class Moving(NamedTuple):
    """Pieces that come in (+) at a cost of their own, or are taken off (−)."""

    product_id: str
    quantity: int
    unit_cost_minor: int


def settle_before(ctx: Context, coming: Iterable[Moving]) -> None:
    """Before pieces come in where nothing is on hand: what is left there becomes what the pieces that were sold before
    they were booked in cost now."""
    parts: dict[str, list[Moving]] = defaultdict(list)
    for part in coming:
        parts[part.product_id].append(part)
    query = select(StockLevel.product_id, StockLevel.on_hand, StockLevel.worth_minor)
    query = query.where(StockLevel.shop_id == ctx.shop_id, StockLevel.product_id.in_(parts), StockLevel.on_hand <= 0)
    for product_id, level, worth in ctx.session.execute(query).all():
        _settle(ctx, product_id, worth_before(level, parts[product_id]) - int(worth))


def settle_emptied(ctx: Context, going: Iterable[Moving]) -> None:
    """Before pieces are taken off, one heap for a product: where none is left then, nothing is left of the worth."""
    parts = {part.product_id: part for part in going}
    query = select(StockLevel.product_id, StockLevel.on_hand, StockLevel.worth_minor)
    query = query.where(StockLevel.shop_id == ctx.shop_id, StockLevel.product_id.in_(parts))
    for product_id, level, worth in ctx.session.execute(query).all():
        part = parts[product_id]
        if level + part.quantity == 0:
            _settle(ctx, product_id, -int(worth) - part.quantity * part.unit_cost_minor)


def worth_before(on_hand: int, parts: Iterable[Moving]) -> int:
    """The worth of nothing, or of less than nothing, such that with these pieces the rest counts at their cost."""
    level, worth, total = on_hand, 0, 0
    for part in parts:
        total += part.quantity * part.unit_cost_minor
        is_empty = level <= 0
        level += part.quantity
        worth = level * part.unit_cost_minor if is_empty else worth + part.quantity * part.unit_cost_minor
    return worth - total


def _settle(ctx: Context, product_id: str, change_minor: int) -> None:
    if not 0 < abs(change_minor) <= MONEY_MINOR_MAX:  # more than that is no rounding: somebody looks at it
        return
    costs = (0, change_minor) if change_minor > 0 else (-change_minor, 0)
    at = ctx.now - timedelta(milliseconds=1)  # ids of one moment are in no order, and the average is read in order
    moves: list[dict[str, Any]] = [
        {
            "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": product_id, "kind": MovementKind.ASIDE.value,
            "quantity": quantity, "unit_cost_minor": cost_minor, "note": NOTE, "at": at, "by_id": ctx.actor.id,
        }
        for quantity, cost_minor in zip((-1, 1), costs, strict=True)
    ]  # fmt: skip
    insert_rows(ctx.session, StockMovement, moves)
