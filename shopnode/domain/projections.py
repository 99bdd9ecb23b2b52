"""Derived rows: what is computed from synced rows, on both sides, by the same functions.

A projection names the entities it depends on. It runs once per action, once per applied page at a node and once per
admitted batch at the hub, with everything that changed, so its cost is per batch and not per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from shopnode.domain.capture import Capture, driver_cursor
from shopnode.domain.db import DerivedRow, to_wire

Row = Mapping[str, Any]


@dataclass
class Changed:
    """What was written: inserted rows in wire form, and ids of rows that were updated."""

    inserts: dict[str, list[Row]] = field(default_factory=dict)
    updates: dict[str, set[str]] = field(default_factory=dict)

    def rows(self, entity: str) -> list[Row]:
        return self.inserts.get(entity, [])

    def names(self) -> set[str]:
        return self.inserts.keys() | self.updates.keys()


Projection = Callable[[Session, Changed], None]
_PROJECTIONS: list[tuple[frozenset[str], Projection]] = []


def projection(*entities: str) -> Callable[[Projection], Projection]:
    """Register a function that keeps derived rows true when any of these entities changes."""

    def register(function: Projection) -> Projection:
        _PROJECTIONS.append((frozenset(entities), function))
        return function

    return register


def project(session: Session, what: Capture | Changed) -> None:
    """Bring every derived row that depends on these changes up to date."""
    changed = what if isinstance(what, Changed) else _changed(what)
    names = changed.names()
    for entities, function in _PROJECTIONS:
        if entities & names:
            function(session, changed)


def _changed(capture: Capture) -> Changed:
    return Changed(
        {entity: list(rows.values()) for entity, rows in capture.inserts.items()},
        {entity: set(rows) for entity, rows in capture.updates.items()},
    )


def distinct(rows: Iterable[Row], column: str) -> list[str]:
    """The different non-empty values of one column, in first-seen order."""
    return list(dict.fromkeys(row[column] for row in rows if row.get(column)))


def write_derived(
    session: Session, model: type[DerivedRow], key: tuple[str, ...], rows: list[dict[str, Any]], *, add: bool = False
) -> None:
    """Insert derived rows, or replace those of the same key (with `add`: add to their other columns).

    Rows all have the same columns, in wire form or as Python values, sorted by the caller so that two batches at the
    hub cannot wait for each other.
    """
    names = tuple(rows[0])
    dialect = session.get_bind().dialect.name
    tenant_id = session.info["tenant_id"]
    values = [(tenant_id, *(to_wire(row[name]) for name in names)) for row in rows]
    driver_cursor(session).executemany(_upsert(model.__tablename__, key, names, add, dialect), values)


@cache
def _upsert(table: str, key: tuple[str, ...], names: tuple[str, ...], add: bool, dialect: str) -> str:
    """Names come from the models, never from data."""
    mark = "?" if dialect == "sqlite" else "%s"
    marks = ", ".join([mark] * (len(names) + 1))
    old = f"{table}.{{0}} + " if add else ""
    changes = ", ".join(f"{{0}} = {old}excluded.{{0}}".format(name) for name in names if name not in key)
    return (
        f"INSERT INTO {table} (tenant_id, {', '.join(names)}) VALUES ({marks}) "
        f"ON CONFLICT (tenant_id, {', '.join(key)}) DO UPDATE SET {changes}"
    )
