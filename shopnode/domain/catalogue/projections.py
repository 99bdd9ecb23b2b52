"""The words of each product, kept beside it for searching, on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shopnode.domain.catalogue.models import Product, ProductSearch
from shopnode.domain.catalogue.rules import searched_text
from shopnode.domain.projections import Changed, projection

DECIDING = ("archived_at", "merged_into", "only_shop_id")  # what decides whether it is offered, and where
SEARCHED = ("name", "brand", "category", "sku", "barcode")


@projection("product")
def project_product_search(session: Session, changed: Changed) -> None:
    """Write the searched words of the products that changed, in a fixed order of ids."""
    updated = changed.updates.get("product", set())
    rows: dict[str, Mapping[str, Any]] = {row["id"]: row for row in changed.rows("product") if row["id"] not in updated}
    if updated:
        columns = [getattr(Product, name) for name in ("id", *DECIDING, *SEARCHED)]
        found = session.execute(select(*columns).where(Product.id.in_(updated)))
        rows.update({row.id: row._mapping for row in found})
    also = _words_of_duplicates(session, updated)
    tenant_id = session.info["tenant_id"]
    words = [
        {
            "tenant_id": tenant_id,
            "product_id": product_id,
            "only_shop_id": rows[product_id].get("only_shop_id"),
            "text": searched_text([*(rows[product_id].get(name) for name in SEARCHED), *also.get(product_id, ())]),
            "on_sale": not (rows[product_id].get("archived_at") or rows[product_id].get("merged_into")),
        }
        for product_id in sorted(rows)
    ]
    if words:
        session.execute(_put_words(session.get_bind().dialect.name), words)


def _words_of_duplicates(session: Session, product_ids: set[str]) -> dict[str, list[str | None]]:
    """Name and codes of what was merged into these products: whoever looks for a duplicate finds what is kept."""
    if not product_ids:
        return {}
    query = select(Product.merged_into, Product.name, Product.sku, Product.barcode)
    found: dict[str, list[str | None]] = {}
    for kept_id, *words in session.execute(query.where(Product.merged_into.in_(product_ids)).order_by(Product.id)):
        found.setdefault(kept_id or "", []).extend(words)
    return found


def _put_words(dialect: str) -> Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(ProductSearch.__table__)  # type: ignore[arg-type]
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "product_id"],
        set_={name: statement.excluded[name] for name in ("only_shop_id", "text", "on_sale")},
    )
