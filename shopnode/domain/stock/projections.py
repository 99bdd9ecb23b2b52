"""Stock on hand and what a piece of it costs: derived from movements, kept per shop and product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor
from shopnode.domain.projections import Changed, Row, projection, write_derived
from shopnode.domain.stock.models import StockCost, StockLevel, StockMovement
from shopnode.domain.stock.rules import WITH_OWN_COST, Moved, brings_cost, moving_average

Place = tuple[str, str]  # shop and product


@projection("stock_movement")
def project_stock_levels(session: Session, changed: Changed) -> None:
    """Add what moved to the levels: one statement for the whole batch, rows in a fixed order so that two
    batches at the hub cannot wait for each other.

    What moved there and back in one batch has a level of nothing: whether there is a row says only whether anything
    ever moved, however it was batched.
    """
    moved: dict[Place, list[int]] = defaultdict(lambda: [0, 0])
    for row in changed.rows("stock_movement"):
        here = moved[row["shop_id"], row["product_id"]]
        here[0] += row["quantity"]
        here[1] += row["quantity"] * row["unit_cost_minor"]
    rows = [
        {"shop_id": shop_id, "product_id": product_id, "on_hand": pieces, "worth_minor": worth}
        for (shop_id, product_id), (pieces, worth) in sorted(moved.items())
    ]
    if rows:
        write_derived(session, StockLevel, ("shop_id", "product_id"), rows, add=True)


@projection("stock_movement")
def project_stock_costs(session: Session, changed: Changed) -> None:
    """Count the moving average again where something came in at a cost, or where an older movement was heard of late.

    Counted from all movements of the product in the order in which they happened, so it does not tell in which order
    they were heard of. Phones have their own cost each and no average.
    """
    rows = [row for row in changed.rows("stock_movement") if row.get("unit_id") is None and row["quantity"]]
    places = {_place(row) for row in rows if brings_cost(row["kind"], row["quantity"])}
    places |= _heard_of_late(session, [row for row in rows if _place(row) not in places])
    averages = _averages(session, places)
    if averages:
        write_derived(session, StockCost, ("shop_id", "product_id"), averages)


def _place(row: Row) -> Place:
    return row["shop_id"], row["product_id"]


def _heard_of_late(session: Session, rows: list[Row]) -> set[Place]:
    """Where something that changes the average happened after the first of these, or in the same moment."""
    if not rows:
        return set()
    cursor = driver_cursor(session)
    products, first = sorted({row["product_id"] for row in rows}), min(row["at"] for row in rows)
    if session.get_bind().dialect.name == "sqlite":
        cursor.execute(_LATER.format("SELECT value FROM json_each(?)", "?"), (orjson.dumps(products).decode(), first))
    else:
        cursor.execute(_LATER.format("SELECT unnest(%s::uuid[])", "%s"), (products, first))
    found = {(str(shop_id), str(product_id)) for shop_id, product_id in cursor.fetchall()}
    return found & {_place(row) for row in rows}


# Asked once in every sale, so by the driver itself.
_LATER = f"""
SELECT DISTINCT shop_id, product_id FROM stock_movement WHERE product_id IN ({{}}) AND at >= {{}}
  AND quantity > 0 AND unit_id IS NULL AND kind IN ({", ".join(f"'{kind}'" for kind in sorted(WITH_OWN_COST))})
"""


def _averages(session: Session, places: Iterable[Place]) -> list[dict[str, Any]]:
    """The rows of `stock_cost` of these places, in a fixed order."""
    wanted = sorted(places)
    if not wanted:
        return []
    columns = (StockMovement.shop_id, StockMovement.product_id, StockMovement.kind, StockMovement.quantity)
    query = (
        select(*columns, StockMovement.unit_cost_minor)
        .where(tuple_(StockMovement.shop_id, StockMovement.product_id).in_(wanted), StockMovement.unit_id.is_(None))
        .order_by(StockMovement.at, StockMovement.id)
    )
    moves: dict[Place, list[Moved]] = defaultdict(list)
    for row in session.execute(query):
        moves[row.shop_id, row.product_id].append(Moved(row.kind, row.quantity, row.unit_cost_minor))
    return [
        {"shop_id": shop_id, "product_id": product_id, "average_minor": average}
        for shop_id, product_id in wanted
        if (average := moving_average(moves[shop_id, product_id])) is not None
    ]
