"""What merging knows of each synced table: its columns' types, its parents, and the statements that write many rows.

Rows travel to PostgreSQL as one JSON array for each statement and are taken apart there. Values are checked here
first, a column at a time, so that what a sender may have got wrong is found before the database is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

import shopnode.domain.models
from shopnode.domain.db import ID_TYPE, Kind, LocalDateType, Stream, Sync, UtcTimeType, synced_columns, synced_models
from shopnode.domain.deriving import FEED_NUMBER
from sync_protocol.ids import is_id

assert shopnode.domain.models  # imported so that every table is known

INSTANT_MS_MAX = 253_402_300_799_999  # the last millisecond of the year 9999, which people's calendars can show
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

Values = Sequence[Any]


@dataclass(frozen=True)
class Column:
    """One column as it travels."""

    name: str
    cast: str  # the type PostgreSQL reads its text as
    required: bool
    fits: Callable[[Values], bool]  # judges all values of a block at once


@dataclass(frozen=True)
class Parent:
    """A column that must point at a row of another table."""

    column: str
    entity: str


@dataclass(frozen=True)
class EntityTable:
    """A synced table as merging sees it."""

    name: str
    sync: Sync
    order: int  # parents before children
    columns: dict[str, Column]
    parents: tuple[Parent, ...]
    required: frozenset[str]

    @property
    def kind(self) -> Kind:
        return self.sync.kind

    @property
    def is_register(self) -> bool:
        return self.sync.kind is Kind.REGISTER

    @property
    def in_shop_stream(self) -> bool:
        return self.sync.stream is Stream.SHOP

    @property
    def holds_shop(self) -> bool:
        """Whether only the shop named in the row may write it, whoever is sent it."""
        return "shop_id" in self.columns and not self.is_register


@cache
def entity_tables() -> dict[str, EntityTable]:
    """Entity name → what merging knows of it."""
    return {name: _describe(name, order) for order, name in enumerate(synced_models())}


@cache
def fed_tables() -> tuple[str, ...]:
    """The tables whose `feed_no` orders their rows among each other: decisions, and what is corrected beside them."""
    return tuple(name for name, table in entity_tables().items() if FEED_NUMBER in table.sync.derived)


def _describe(name: str, order: int) -> EntityTable:
    model = synced_models()[name]
    table = model.__table__
    assert isinstance(table, sa.Table)
    names = synced_columns(table, model.__sync__)
    parents = [
        Parent(key.column_keys[1], key.referred_table.name)
        for key in table.foreign_key_constraints
        if len(key.column_keys) == 2
    ]
    columns = {column: _column(table.columns[column]) for column in names}
    required = frozenset(column.name for column in columns.values() if column.required)
    in_order = tuple(sorted(parents, key=lambda parent: parent.column))
    return EntityTable(name, model.__sync__, order, columns, in_order, required)


def _column(column: sa.Column[Any]) -> Column:
    cast, fits = _kind(column.type)
    return Column(column.name, cast, not column.nullable, fits)


def _kind(kind: sa.types.TypeEngine[Any]) -> tuple[str, Callable[[Values], bool]]:
    if isinstance(kind, UtcTimeType):
        return "bigint", _are_instants
    if isinstance(kind, LocalDateType):
        return "text", _are_dates
    if kind is ID_TYPE:
        return "uuid", _are_ids
    if isinstance(kind, sa.Boolean):
        return "boolean", _of_type(bool)
    if isinstance(kind, sa.Integer):
        return "bigint", _of_type(int)
    if isinstance(kind, sa.Text):
        return "text", _of_type(str)
    if isinstance(kind, sa.String):
        length = kind.length or 0
        return "text", lambda values: _of_type(str)(values) and max(map(_length, values), default=0) <= length
    raise TypeError(f"no way to check {kind!r}")


def _of_type(kind: type) -> Callable[[Values], bool]:
    allowed = {kind, type(None)}
    return lambda values: set(map(type, values)) <= allowed


def _length(value: str | None) -> int:
    return 0 if value is None else len(value)


def _are_ids(values: Values) -> bool:
    return _of_type(str)(values) and all(is_id(value) for value in set(values) - {None})


def _are_instants(values: Values) -> bool:
    if not _of_type(int)(values):
        return False
    known = [value for value in values if value is not None]
    return not known or (min(known) >= 0 and max(known) <= INSTANT_MS_MAX)


def _are_dates(values: Values) -> bool:
    return _of_type(str)(values) and all(_is_date(value) for value in set(values) - {None})


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


@cache
def insert_statement(entity: str, columns: tuple[str, ...]) -> str:
    """Insert the rows of a JSON array of arrays; rows whose id is known already are left alone."""
    known = entity_tables()[entity].columns
    names = ", ".join(columns)
    values = ", ".join(f"(r->>{place})::{known[name].cast}" for place, name in enumerate(columns))
    return (
        f"INSERT INTO {entity} (tenant_id, {names}) SELECT %s::uuid, {values} "
        f"FROM jsonb_array_elements(%s::jsonb) AS r ON CONFLICT (tenant_id, id) DO NOTHING"
    )


@cache
def update_statement(entity: str, columns: tuple[str, ...]) -> str:
    """Set the columns after the id in the rows of a JSON array of arrays."""
    known = entity_tables()[entity].columns
    values = ", ".join(f"{name} = (r->>{place})::{known[name].cast}" for place, name in enumerate(columns) if place)
    return (
        f"UPDATE {entity} AS t SET {values} FROM jsonb_array_elements(%s::jsonb) AS r "
        f"WHERE t.tenant_id = %s::uuid AND t.id = (r->>0)::uuid"
    )


@cache
def read_statement(entity: str, columns: tuple[str, ...], lock: bool) -> str:
    """Read columns of the rows with these ids, in wire form; locked in the order of their ids where asked."""
    casts = {"uuid": "::text"}
    known = entity_tables()[entity].columns
    values = ", ".join(f"{name}{casts.get(known[name].cast, '')}" for name in columns)
    tail = " ORDER BY id FOR NO KEY UPDATE" if lock else ""
    return f"SELECT {values} FROM {entity} WHERE tenant_id = %s::uuid AND id = ANY (%s::uuid[]){tail}"
