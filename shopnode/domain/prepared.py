"""Reads that every sale makes, prepared once: a select is compiled for its engine, then run by the driver itself.

The rows are those that the select would give, with the same names and types. What is saved is SQLAlchemy's part of
running a statement, which takes ten times as long as the database's for a row that is found by its key.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor

Convert = Callable[[Any], Any]


class Prepared:
    """A select with named parameters, none of which is a list."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]):
        self._statement = statement
        self._by_engine: dict[str, _Compiled] = {}

    def rows(self, session: Session, **values: Any) -> list[Any]:
        """All rows, with the columns as attributes."""
        dialect = session.get_bind().dialect
        compiled = self._by_engine.get(dialect.name)
        if compiled is None:
            compiled = self._by_engine[dialect.name] = _compile(self._statement, dialect)
        cursor = driver_cursor(session)
        cursor.execute(compiled.sql, compiled.arguments(values))
        return [compiled.row(found) for found in cursor.fetchall()]

    def first(self, session: Session, **values: Any) -> Any | None:
        """The first row, if there is one."""
        found = self.rows(session, **values)
        return found[0] if found else None


@dataclass(frozen=True)
class _Compiled:
    """What the driver is given, and how values pass in and out."""

    sql: str
    fixed: dict[str, Any]
    order: tuple[str, ...] | None  # of parameters without names in the SQL
    binds: Mapping[str, Convert]
    results: tuple[tuple[int, Convert], ...]
    make: Callable[..., Any]

    def arguments(self, values: dict[str, Any]) -> Any:
        given = {**self.fixed, **values}
        for name, convert in self.binds.items():
            given[name] = convert(given[name])
        return given if self.order is None else tuple(given[name] for name in self.order)

    def row(self, found: tuple[Any, ...]) -> Any:
        values = list(found)
        for place, convert in self.results:
            values[place] = convert(values[place])
        return self.make(*values)


def _compile(statement: sa.Select[*tuple[Any, ...]], dialect: sa.Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
    binds = {
        name: convert
        for name, bind in compiled.binds.items()
        if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    columns = list(statement.selected_columns)
    results = tuple(
        (place, convert)
        for place, column in enumerate(columns)
        if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
    )
    order = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup is not None else None
    make = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
    return _Compiled(str(compiled), dict(compiled.params), order, binds, results, make)
