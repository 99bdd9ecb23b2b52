"""Derived rows: what is computed from synced rows, on both sides, by the same functions.

A projection names the entities it depends on. It runs once per action, once per applied page at a node and once per
admitted batch at the hub, with everything that changed, so its cost is per batch and not per row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from shopnode.domain.capture import Capture, driver_cursor, write_values
from shopnode.domain.db import DerivedRow

Row = Mapping[str, Any]
COMPARES = "compares"  # a mark of a session in which books are made again only to be compared: nothing else is done


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
    for entities, function in _PROJECTIONS:
        if entities & changed.names():  # asked anew: a projection may tell those after it of more rows
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

    Rows are in wire form, have the same columns in the same order, and are sorted by the caller so that two batches at
    the hub cannot wait for each other.
    """
    names = tuple(rows[0])
    tenant_id = session.info["tenant_id"]
    replace = _on_conflict(model, key, names, add)
    if session.get_bind().dialect.name == "sqlite":
        values = [(tenant_id, *row.values()) for row in rows]
        write_values(session, model.__tablename__, ("tenant_id", *names), values, replace)
    else:
        # All rows as one value: a statement for each would cost more than all else together.
        values_json = orjson.dumps([list(row.values()) for row in rows]).decode()
        driver_cursor(session).execute(f"{_insert_json(model, names)} {replace}", [tenant_id, values_json])


@cache
def _on_conflict(model: type[DerivedRow], key: tuple[str, ...], names: tuple[str, ...], add: bool) -> str:
    """Names come from the models, never from data."""
    old = f"{model.__tablename__}.{{0}} + " if add else ""
    changes = ", ".join(f"{{0}} = {old}excluded.{{0}}".format(name) for name in names if name not in key)
    return f"ON CONFLICT (tenant_id, {', '.join(key)}) DO UPDATE SET {changes}"


@cache
def _insert_json(model: type[DerivedRow], names: tuple[str, ...]) -> str:
    """The rows of a JSON array of arrays, in its order."""
    kinds = [_postgresql_kind(model.__table__.columns[name].type) for name in names]
    values = ", ".join(f"(r->>{place})::{kind}" for place, kind in enumerate(kinds))
    return (
        f"INSERT INTO {model.__tablename__} (tenant_id, {', '.join(names)}) "
        f"SELECT %s::uuid, {values} FROM jsonb_array_elements(%s::jsonb) AS r"
    )


def _postgresql_kind(kind: TypeEngine[Any]) -> str:
    """The type to read a value as; texts without their length, which a cast would cut them to."""
    name = kind.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    return "text" if name.startswith("VARCHAR") else name
