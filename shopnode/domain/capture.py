"""Capture: what one action wrote, row by row, with before and after.

A session is watched from its first flush. New rows and changed columns are noted as they are flushed, and
`insert_rows()` notes what it writes with `executemany` on hot paths. Other bulk statements on synced tables are
refused.

Invariants:
  * A row inserted and then changed in the same action is one insert.
  * A row changed twice keeps the first "before" and the last "after".
  * Derived columns and `tenant_id` are never captured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState, Session

from shopnode.domain.db import DerivedRow, SyncedRow, synced_columns, synced_models, to_wire
from shopnode.domain.guard import CaptureBypassed, Touched

ROWS_AT_ONCE = 30  # in one statement

Row = dict[str, Any]
Block = list[Any]  # [entity, op, [column, ...], [[value, ...], ...]], see sync_protocol


@dataclass
class Capture:
    """The rows one action has written so far, in wire form."""

    inserts: dict[str, dict[str, Row]] = field(default_factory=dict)
    updates: dict[str, dict[str, dict[str, tuple[Any, Any]]]] = field(default_factory=dict)

    def inserted(self, entity: str, row: Row) -> None:
        self.inserts.setdefault(entity, {})[row["id"]] = row

    def updated(self, entity: str, row_id: str, changes: dict[str, tuple[Any, Any]]) -> None:
        fresh = self.inserts.get(entity, {}).get(row_id)
        if fresh is not None:
            fresh.update({name: after for name, (_, after) in changes.items()})
            return
        known = self.updates.setdefault(entity, {}).setdefault(row_id, {})
        for name, (before, after) in changes.items():
            known[name] = (known[name][0] if name in known else before, after)

    def touched(self) -> Iterable[Touched]:
        """What the guard must have seen."""
        for entity, rows in self.inserts.items():
            yield from ((entity, row_id, "i") for row_id in rows)
        for entity, rows_changed in self.updates.items():
            yield from ((entity, row_id, "u") for row_id in rows_changed)

    def __bool__(self) -> bool:
        return bool(self.inserts or self.updates)


def begin_capture(session: Session) -> Capture:
    """Start a fresh capture for one action in this session's transaction."""
    capture = Capture()
    session.info["capture"] = capture
    return capture


def add_rows(session: Session, *rows: SyncedRow) -> None:
    """Add new rows through the session and flush, so that later rows may point at them."""
    session.add_all(rows)
    session.flush()


def insert_rows(session: Session, model: type[SyncedRow], rows: Sequence[Row]) -> None:
    """Write many new rows of one table at once, captured. Values are Python values by column name; `id` is required."""
    if not rows:
        return
    capture: Capture = session.info["capture"]
    names = wire_columns(model)
    wire = [{name: to_wire(row.get(name)) for name in names} for row in rows]
    insert_wire(session, model.__tablename__, names, [tuple(row.values()) for row in wire])
    for row in wire:
        capture.inserted(model.__tablename__, row)


def insert_wire(session: Session, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Write rows that are in wire form already: the form they are stored in, so nothing converts them.

    Bulk work only. What it writes is not captured; inside an action that is `insert_rows()`'s business.
    """
    tenant_id = session.info["tenant_id"]
    write_values(session, table, ("tenant_id", *columns), [(tenant_id, *row) for row in rows])


def write_values(
    session: Session, table: str, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], then: str = ""
) -> None:
    """Hand rows to the driver, many in one statement: beginning one costs a third of what a row does.

    then  what follows the values, such as ON CONFLICT; like the names it comes from the models, never from data
    """
    cursor = driver_cursor(session)
    mark = "?" if session.get_bind().dialect.name == "sqlite" else "%s"
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    if whole:
        parts = (rows[start : start + ROWS_AT_ONCE] for start in range(0, whole, ROWS_AT_ONCE))
        statement = _insert_statement(table, columns, mark, ROWS_AT_ONCE, then)
        cursor.executemany(statement, [tuple(chain.from_iterable(part)) for part in parts])
    if len(rows) > whole:
        cursor.executemany(_insert_statement(table, columns, mark, 1, then), rows[whole:])


def driver_cursor(session: Session) -> Any:
    """The database driver's own cursor inside this session's transaction, for statements counted in microseconds."""
    return session.connection().connection.cursor()


@cache
def _insert_statement(table: str, columns: tuple[str, ...], mark: str, rows: int, then: str) -> str:
    marks = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * rows)} {then}"


@cache
def wire_columns(model: type[SyncedRow]) -> tuple[str, ...]:
    """The columns of a synced class that travel, `id` first."""
    return tuple(synced_columns(model.__table__, model.__sync__))  # type: ignore[arg-type]


@cache
def entity_order() -> dict[str, int]:
    """Parents before children: the order in which blocks are written and applied."""
    return {name: position for position, name in enumerate(synced_models())}


@event.listens_for(Session, "before_flush")
def _fill_tenant(session: Session, context: object, instances: object) -> None:
    for row in session.new:
        if isinstance(row, SyncedRow | DerivedRow) and row.tenant_id is None:
            row.tenant_id = session.info["tenant_id"]
    if any(isinstance(row, SyncedRow) for row in session.deleted):
        raise CaptureBypassed("rows of the books are never deleted; archive or void them")


@event.listens_for(Session, "after_flush")
def _note_flushed(session: Session, context: object) -> None:
    capture: Capture | None = session.info.get("capture")
    for row in (*session.new, *session.dirty):
        if not isinstance(row, SyncedRow):
            continue
        if capture is None:
            raise CaptureBypassed(f"{row.__tablename__} was written outside an action")
        if row in session.new:
            capture.inserted(row.__tablename__, {n: to_wire(getattr(row, n)) for n in wire_columns(type(row))})
        else:
            _note_changes(capture, row)


def _note_changes(capture: Capture, row: SyncedRow) -> None:
    changes: dict[str, tuple[Any, Any]] = {}
    state = inspect(row)
    for name in wire_columns(type(row)):
        added, _, deleted = state.attrs[name].history
        if added:
            changes[name] = (to_wire(deleted[0] if deleted else None), to_wire(added[0]))
    if changes:
        capture.updated(row.__tablename__, row.id, changes)


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete) or state.execution_options.get("captured"):
        return
    mapper = state.bind_mapper
    if mapper is not None and issubclass(mapper.class_, SyncedRow):
        raise CaptureBypassed(f"bulk statement on {mapper.class_.__tablename__}: use the session or insert_rows()")
