"""Tables made again beside the live ones, compared with them row by row.

Everything here works in a session of `HubDatabase.shadowed`: a table's name means the empty temporary one, `public.`
and its name the live one, which cannot be written.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from shopnode.domain.db import synced_models
from shopnode.domain.deriving import computed_columns

LISTED_MAX = 20  # of one table


@dataclass(frozen=True)
class Difference:
    """A row that is not what it should be."""

    table: str
    row: str  # its key
    what: str


def synced_tables() -> list[Table]:
    """Every table of the books, parents before children."""
    return [model.__table__ for model in synced_models().values()]  # type: ignore[misc]


def copy_live(session: Session, table: Table) -> None:
    """Fill the temporary table with the live rows, less what projections fill."""
    names = [column.name for column in table.columns if column.name not in computed_columns(table)]
    listed = ", ".join(names)
    session.execute(text(f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM public.{table.name}"))


def compare(session: Session, table: Table) -> tuple[int, int, list[Difference]]:
    """Live rows, how many rows differ, and the first of those. The temporary table is what should be."""
    keys = [column.name for column in table.primary_key.columns if column.name != "tenant_id"]
    differing = ", ".join(
        f"CASE WHEN l.{c.name} IS DISTINCT FROM r.{c.name} THEN '{c.name}' END" for c in table.columns
    )
    key = " || ' ' || ".join(f"coalesce(l.{name}, r.{name})::text" for name in keys)
    join = " AND ".join(f"l.{name} = r.{name}" for name in ("tenant_id", *keys))
    unlike = " OR ".join(f"l.{column.name} IS DISTINCT FROM r.{column.name}" for column in table.columns)
    query = text(
        f"SELECT {key}, l.tenant_id IS NULL, r.tenant_id IS NULL, array_to_string(ARRAY[{differing}], ', '), "
        f"count(*) OVER () FROM public.{table.name} l FULL JOIN {table.name} r ON {join} "
        f"WHERE {unlike} ORDER BY 1 LIMIT {LISTED_MAX}"
    )
    found = session.execute(query).all()
    live = session.execute(text(f"SELECT count(*) FROM public.{table.name}")).scalar_one()
    listed = [Difference(table.name, row[0], _what(row[1], row[2], row[3])) for row in found]
    return int(live), int(found[0][4]) if found else 0, listed


def _what(is_missing: bool, is_extra: bool, columns: str) -> str:
    if is_missing:
        return "is missing"
    return "should not be there" if is_extra else f"differs in {columns}"
