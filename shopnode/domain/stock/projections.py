"""Stock on hand: the sum of movements, kept per shop and product."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shopnode.domain.projections import Changed, projection
from shopnode.domain.stock.models import StockLevel


@projection("stock_movement")
def project_stock_levels(session: Session, changed: Changed) -> None:
    """Add what moved to the levels: one statement for the whole batch, rows in a fixed order so that two
    batches at the hub cannot wait for each other."""
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in changed.rows("stock_movement"):
        moved[row["shop_id"], row["product_id"]] += row["quantity"]
    rows = [
        {"tenant_id": session.info["tenant_id"], "shop_id": shop_id, "product_id": product_id, "on_hand": quantity}
        for (shop_id, product_id), quantity in sorted(moved.items())
        if quantity
    ]
    if rows:
        session.execute(_add_to_levels(session.get_bind().dialect.name), rows)


@cache
def _add_to_levels(dialect: str) -> Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(StockLevel.__table__)  # type: ignore[arg-type]
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "shop_id", "product_id"],
        set_={"on_hand": StockLevel.on_hand + statement.excluded.on_hand},
    )
