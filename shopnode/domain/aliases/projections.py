"""What the fold over aliases comes to, written beside each duplicate: `merged_into`, the record that is kept.

Runs before the projections that read it, because this module is imported before theirs (everything.py).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from shopnode.domain.aliases.models import Alias, Merged
from shopnode.domain.aliases.rules import fold_aliases
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.projections import Changed, projection

MODELS: dict[Merged, type[Customer] | type[Product]] = {Merged.CUSTOMER: Customer, Merged.PRODUCT: Product}


@projection("alias", "customer", "product")
def project_merged(session: Session, changed: Changed) -> None:
    """Fold again what an alias was said of. A record that came after its alias is no different.

    Other projections are told of every record that is read differently now.
    """
    for entity, model in MODELS.items():
        if "alias" not in changed.names() and not changed.rows(entity.value):
            continue
        kept = fold_aliases(_pairs(session, entity))
        touched = _write(session, model, kept) if kept or "alias" in changed.names() else set()
        if touched:
            changed.updates.setdefault(entity.value, set()).update(touched)


def _pairs(session: Session, entity: Merged) -> list[tuple[str, str]]:
    order = (Alias.feed_no.is_(None), Alias.feed_no, Alias.nth, Alias.at, Alias.id)
    query = select(Alias.duplicate_id, Alias.into_id).where(Alias.entity == entity.value).order_by(*order)
    return [(row.duplicate_id, row.into_id) for row in session.execute(query)]


def _write(session: Session, model: Any, kept: dict[str, str]) -> set[str]:
    """Write what differs. Returns the records that are read differently now."""
    query = select(model.id, model.merged_into).where(model.merged_into.is_not(None) | model.id.in_(list(kept)))
    stands = {row.id: row.merged_into for row in session.execute(query)}
    changes = [row_id for row_id in sorted(stands) if stands[row_id] != kept.get(row_id)]
    rows = [{"row": row_id, "kept": kept.get(row_id)} for row_id in changes]
    if rows:
        table = model.__table__
        statement = update(table).where(table.c.id == bindparam("row")).values(merged_into=bindparam("kept"))
        session.execute(statement, rows)
    return {known for row_id in changes for known in (row_id, kept.get(row_id), stands[row_id]) if known}
