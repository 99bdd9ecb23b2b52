"""Stock on hand: the sum of movements, kept per shop and product."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy.orm import Session

from shopnode.domain.projections import Changed, projection, write_derived
from shopnode.domain.stock.models import StockLevel


@projection("stock_movement")
def project_stock_levels(session: Session, changed: Changed) -> None:
    """Add what moved to the levels: one statement for the whole batch, rows in a fixed order so that two
    batches at the hub cannot wait for each other.

    What moved there and back in one batch has a level of nothing: whether there is a row says only whether anything
    ever moved, however it was batched.
    """
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in changed.rows("stock_movement"):
        moved[row["shop_id"], row["product_id"]] += row["quantity"]
    rows = [
        {"shop_id": shop_id, "product_id": product_id, "on_hand": quantity}
        for (shop_id, product_id), quantity in sorted(moved.items())
    ]
    if rows:
        write_derived(session, StockLevel, ("shop_id", "product_id"), rows, add=True)
