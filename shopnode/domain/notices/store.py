"""Writing rows of a home that may be there already: one statement, whoever else writes at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from shopnode.domain.db import HomeRow


def insert_new(session: Session, model: type[HomeRow], rows: Sequence[dict[str, Any]], key: tuple[str, ...]) -> int:
    """Insert the rows whose key is not there yet; answers how many were new."""
    if not rows:
        return 0
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    tenant_id = session.info["tenant_id"]
    statement = insert(model).on_conflict_do_nothing(index_elements=["tenant_id", *key])
    statement = statement.returning(model.tenant_id)
    return sum(len(session.execute(statement.values(tenant_id=tenant_id, **row)).all()) for row in rows)
