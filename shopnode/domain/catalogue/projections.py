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

SEARCHED = ("name", "brand", "category", "sku", "barcode")


@projection("product")
def project_product_search(session: Session, changed: Changed) -> None:
    """Write the searched words of the products that changed, in a fixed order of ids."""
    rows: dict[str, Mapping[str, Any]] = {row["id"]: row for row in changed.rows("product")}
    updated = changed.updates.get("product", set()) - rows.keys()
    if updated:
        columns = [Product.id, Product.archived_at, *(getattr(Product, name) for name in SEARCHED)]
        found = session.execute(select(*columns).where(Product.id.in_(updated)))
        rows.update({row.id: row._mapping for row in found})
    tenant_id = session.info["tenant_id"]
    words = [
        {
            "tenant_id": tenant_id,
            "product_id": product_id,
            "text": searched_text(rows[product_id].get(name) for name in SEARCHED),
            "on_sale": rows[product_id].get("archived_at") is None,
        }
        for product_id in sorted(rows)
    ]
    if words:
        session.execute(_put_words(session.get_bind().dialect.name), words)


def _put_words(dialect: str) -> Insert:
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(ProductSearch.__table__)  # type: ignore[arg-type]
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "product_id"],
        set_={"text": statement.excluded.text, "on_sale": statement.excluded.on_sale},
    )
