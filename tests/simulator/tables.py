"""The tables that both homes have, and how two copies of them are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from shopnode.domain.db import Base, DerivedRow, SyncedRow, synced_models
from shopnode.domain.journal import JournalEntry

SHOWN_MAX = 3


class Reader(Protocol):
    def query(self, statement: str, /) -> Sequence[Any]: ...


@cache
def compared_tables() -> dict[str, list[str]]:
    """Every table both homes have, with its columns beside the tenant. The journal is each home's own."""
    found = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, SyncedRow | DerivedRow) and mapper.class_ is not JournalEntry:
            found[mapper.local_table.name] = [c.name for c in mapper.local_table.columns if c.name != "tenant_id"]
    return found


def rows_of(place: Reader, table: str, columns: list[str], shop_id: str | None) -> set[tuple[Any, ...]]:
    """The rows of a table as texts; of a shop's own tables, that shop's where one is named."""
    scope = f" WHERE shop_id = '{shop_id}'" if shop_id and "shop_id" in columns and not _is_for_all(table) else ""
    return {plain(row) for row in place.query(f"SELECT {', '.join(columns)} FROM {table}{scope}")}


def differences(one: Mapping[str, set[Any]], other: Mapping[str, set[Any]]) -> Iterator[str]:
    """What only one of two copies has, by table."""
    for table, rows in one.items():
        if rows != other[table]:
            mine, theirs = sorted(rows - other[table], key=str), sorted(other[table] - rows, key=str)
            yield f"{table} {compared_tables()[table]}: {mine[:SHOWN_MAX]} against {theirs[:SHOWN_MAX]}"


def plain(row: Any) -> tuple[Any, ...]:
    return tuple(text_of(value) for value in row)


def text_of(value: Any) -> str | None:
    """Values as text, because SQLite has neither UUIDs nor booleans."""
    return None if value is None else str(int(value)) if isinstance(value, bool) else str(value)


def _is_for_all(table: str) -> bool:
    """A row of the whole business, although it names a shop."""
    model = synced_models().get(table)
    return model is not None and model.__sync__.stream.value == "t"
