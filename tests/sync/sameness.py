"""Whether a shop and the hub hold the same rows: every table both have, row by row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from shopnode.domain.db import Base, DerivedRow, SyncedRow
from shopnode.domain.journal import JournalEntry
from tests.sync.chain_of_shops import Branch, Company

SHOWN_MAX = 3


def shared_tables() -> dict[str, list[str]]:
    """Every table both homes have, with its columns beside the tenant."""
    found = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, SyncedRow | DerivedRow) and mapper.class_ is not JournalEntry:
            found[mapper.local_table.name] = [c.name for c in mapper.local_table.columns if c.name != "tenant_id"]
    return found


def differences(company: Company, branch: Branch) -> dict[str, Any]:
    """Rows that only one side has (here, there), by table; rows of other shops left out."""
    found: dict[str, Any] = {}
    shop_id = branch.shop.home.shop_id
    for table, columns in shared_tables().items():
        scope = f" WHERE shop_id = '{shop_id}'" if "shop_id" in columns else ""
        query = text(f"SELECT {', '.join(columns)} FROM {table}{scope}")
        with branch.shop.home.reading() as session:
            here = {_plain(row) for row in session.execute(query)}
        with company.hub.database.session(company.tenant_id, read_only=True) as session:
            there = {_plain(row) for row in session.execute(query)}
        if here != there:
            shown = [sorted(rows, key=str)[:SHOWN_MAX] for rows in (here - there, there - here)]
            found[table] = (columns, *shown)
    return found


def _plain(row: Any) -> tuple[Any, ...]:
    """Values as text, because SQLite has neither UUIDs nor booleans."""
    return tuple(None if value is None else str(int(value)) if isinstance(value, bool) else str(value) for value in row)
