"""Computing everything derived anew, from synced rows as they stand: for whoever wants to know whether it is right.

The session is one in which the derived tables are empty copies (`shadowed` of either home's database), so nothing that
lives is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, Table, select, type_coerce
from sqlalchemy.orm import Session

from shopnode.domain.db import (
    Base,
    DerivedRow,
    Kind,
    LocalDateType,
    UtcTimeType,
    synced_columns,
    synced_models,
)  # fmt: skip
from shopnode.domain.journal import JournalEntry
from shopnode.domain.projections import COMPARES, Changed, project

PAGE = 2_000
FEED_NUMBER = "feed_no"  # derived of the feed and not of rows


def derived_tables() -> list[Table]:
    """Every table that is computed from synced rows."""
    found = (mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, DerivedRow))
    return [_table(mapper.class_) for mapper in found if mapper.class_ is not JournalEntry]


def computed_columns(table: Table) -> frozenset[str]:
    """The columns of a synced table that projections fill."""
    model = synced_models().get(table.name)
    return (model.__sync__.derived - {FEED_NUMBER}) if model else frozenset()


def computed_tables() -> list[Table]:
    """Every synced table with such columns."""
    return [table for table in map(_table, synced_models().values()) if computed_columns(table)]


def derive_all(session: Session) -> None:
    """Compute every derived row, a table at a time, parents first.

    A projection must bear that rows come apart, because those of one entry may reach it in several calls. What it
    computes of a register may hang on rows that came later, so registers are told a second time, as changed.
    """
    session.info[COMPARES] = True
    for entity, model in synced_models().items():
        for rows in _pages(session, model):
            project(session, Changed({entity: rows}, {}))
            session.flush()
    for entity, model in synced_models().items():
        for rows in _pages(session, model) if model.__sync__.kind is Kind.REGISTER else ():
            project(session, Changed({}, {entity: {str(row["id"]) for row in rows}}))
            session.flush()
    session.expire_all()


def _pages(session: Session, model: Any) -> Iterator[list[Mapping[str, Any]]]:
    """All rows of a table in wire form, in the order of their ids."""
    table = _table(model)
    columns = [_as_sent(table.c[name]) for name in synced_columns(table, model.__sync__)]
    after = ""
    while True:
        query = select(*columns).order_by(table.c.id).limit(PAGE)
        rows = session.execute(query.where(table.c.id > after) if after else query).mappings().all()
        if not rows:
            return
        yield [dict(row) for row in rows]
        after = rows[-1]["id"]


def _as_sent(column: Any) -> ColumnElement[Any]:
    """The column as it is stored and sent: instants as milliseconds, days as text."""
    if isinstance(column.type, UtcTimeType):
        return type_coerce(column, BigInteger()).label(column.name)
    if isinstance(column.type, LocalDateType):
        return type_coerce(column, String()).label(column.name)
    return column  # type: ignore[no-any-return]


def _table(model: Any) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table
