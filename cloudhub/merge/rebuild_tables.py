"""Tables made again beside the live ones: derived from what stands, and compared row by row.

Everything here works in a session of `HubDatabase.shadowed`: a table's name means the empty temporary one, `public.`
and its name the live one, which cannot be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from cloudhub.merge.tables import entity_tables
from shopnode.domain.db import Base, DerivedRow, synced_models
from shopnode.domain.journal import JournalEntry
from shopnode.domain.projections import Changed, project

PAGE = 2_000
LISTED_MAX = 20  # of one table
FEED_NUMBER = "feed_no"  # derived of the feed and not of rows


@dataclass(frozen=True)
class Difference:
    """A row that is not what it should be."""

    table: str
    row: str  # its key
    what: str


def synced_tables() -> list[Table]:
    """Every table of the books, parents before children."""
    return [model.__table__ for model in synced_models().values()]  # type: ignore[misc]


def derived_tables() -> list[Table]:
    """Every table that is computed from them."""
    found = (mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, DerivedRow))
    return [mapper.local_table for mapper in found if mapper.class_ is not JournalEntry]  # type: ignore[misc]


def computed_columns(table: Table) -> frozenset[str]:
    """The columns of a synced table that projections fill."""
    model = synced_models().get(table.name)
    return (model.__sync__.derived - {FEED_NUMBER}) if model else frozenset()


def derive_all(session: Session) -> None:
    """Compute every derived row from the synced rows as they stand, a table at a time, parents first.

    A projection must bear that rows come apart, because those of one entry may reach it in several calls. What it
    computes of a register may hang on rows that came later, so registers are told a second time, as changed.
    """
    for entity in entity_tables():
        for rows in _pages(session, entity):
            project(session, Changed({entity: rows}, {}))
            session.flush()
    for entity, table in entity_tables().items():
        for rows in _pages(session, entity) if table.is_register else ():
            project(session, Changed({}, {entity: {str(row["id"]) for row in rows}}))
            session.flush()
    session.expire_all()


def _pages(session: Session, entity: str) -> Iterator[list[Mapping[str, Any]]]:
    names = list(entity_tables()[entity].columns)
    wanted = ", ".join(f"{name}::text AS {name}" if name == "id" or _is_id(entity, name) else name for name in names)
    query = text(f"SELECT {wanted} FROM {entity} WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT {PAGE}")
    after = "00000000-0000-0000-0000-000000000000"
    while rows := session.execute(query, {"after": after}).mappings().all():
        yield [dict(row) for row in rows]
        after = rows[-1]["id"]


def _is_id(entity: str, name: str) -> bool:
    return entity_tables()[entity].columns[name].cast == "uuid"


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
