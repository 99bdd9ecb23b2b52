"""Applying what the hub decided: a feed line's rows go into the tables, without running any action again.

Invariants:
  * A field with a pending local edit keeps showing the local value. The hub's value waits in the shadow until the
    edit's own line arrives (protocol.md 3, pull-apply).
  * A row that is here already is not inserted again, and moves no derived figure again.
  * Entities and columns this version does not know are passed over; the line itself is kept by `shopnode/sync`.
  * The caller commits rows, derived figures and cursor in one transaction.

A page brings thousands of rows, so new ones are gathered and written together, a table at a time, parents first. Before
anything else is read or changed, what was gathered is written: every step sees the lines before it. Rows are in
wire form, which is the form they are stored in, so statements go straight to the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple

import orjson
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor, entity_order, insert_wire, wire_columns
from shopnode.domain.clock import is_act_id
from shopnode.domain.db import Kind, SyncedRow, synced_models
from shopnode.domain.guard import forget_touched
from shopnode.domain.node import EDITED, WHOLE_ROW
from shopnode.domain.projections import Changed, project
from sync_protocol.personal import is_marker

Block = list[Any]
Row = list[Any]
Model = type[SyncedRow]
Arrived = tuple[int, Row]  # the number of the line that brought a new row, and the row


class State(NamedTuple):
    """What is known of one field of a register row; see `node.FieldState`."""

    field: str
    seen_no: int
    pending_n: int | None
    shadow: str | None
    shadow_no: int | None


class Applier:
    """Applies lines in feed order inside one transaction; `finish()` brings derived rows up to date."""

    def __init__(self, session: Session):
        self.session = session
        self.changed = Changed()
        self._models = synced_models()
        self._cursor = driver_cursor(session)
        self._arrived: dict[tuple[str, tuple[str, ...]], list[Arrived]] = {}
        self._arrived_ids: dict[str, set[str]] = {}

    def foreign_line(self, no: int, blocks: Iterable[Block]) -> None:
        """The outcome of another origin's entry."""
        for entity, op, columns, rows in blocks:
            model = self._models.get(entity)
            if model is None:
                continue
            if op == "i":
                self._gather(no, entity, tuple(columns), rows)
            else:
                self._update(no, model, columns, rows)

    def own_line(self, no: int, n: int, written: Iterable[Block], outcome: Iterable[Block] | None) -> None:
        """The verdict on our own entry `n`: as it was written, or with the outcome that stands instead."""
        for entity, op, columns, rows in written:
            model = self._models[entity]
            if model.__sync__.kind is Kind.REGISTER or (op == "u" and model.__sync__.kind in EDITED):
                self._write_arrived()
                for row in rows:
                    if op == "i":
                        self._settle_insert(model, row[0], set(columns), no, n)
                    else:
                        self._settle_own(model, row[0], _after(columns, row), no, n)
            elif "feed_no" in model.__sync__.derived:
                self._number(model, [row[0] for row in rows], no)
        for entity, op, columns, rows in outcome or ():
            if entity in self._models and (op == "u" or self._models[entity].__sync__.kind is Kind.REGISTER):
                self._update(no, self._models[entity], columns, rows)

    def finish(self) -> None:
        """Bring the derived rows up to date. What was written came from the hub and is no business of the guard."""
        self._write_arrived()
        project(self.session, self.changed)
        self.session.flush()
        forget_touched(self.session.connection())

    # new rows

    def _gather(self, no: int, entity: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        known = self._arrived_ids.setdefault(entity, set())
        ids = [row[0] for row in rows]
        if not known.isdisjoint(ids):
            self._write_arrived()  # the same row twice: the second is a row that is here already
            known = self._arrived_ids.setdefault(entity, set())
        known.update(ids)
        self._arrived.setdefault((entity, columns), []).extend(zip(repeat(no), rows))

    def _write_arrived(self) -> None:
        if not self._arrived:
            return
        order = entity_order()
        groups, self._arrived, self._arrived_ids = self._arrived, {}, {}
        for entity, columns in sorted(groups, key=lambda group: order[group[0]]):
            self._insert(self._models[entity], columns, groups[entity, columns])

    def _insert(self, model: Model, columns: tuple[str, ...], arrived: list[Arrived]) -> None:
        columns, arrived = _known_part(model, columns, arrived)
        here = self._ids_here(model, [row[0] for _, row in arrived])
        fresh = [(no, row) for no, row in arrived if row[0] not in here] if here else arrived
        again = [(no, row) for no, row in arrived if row[0] in here] if here else []
        is_fed = "feed_no" in model.__sync__.derived
        if fresh:
            self.write_fresh(model, columns, fresh, is_fed)
        if model.__sync__.kind is Kind.REGISTER:
            self._save([_state(model, row[0], WHOLE_ROW, no) for no, row in fresh])
            for no, row in again:
                self.set_fields(no, model, row[0], dict(zip(columns[1:], row[1:], strict=True)))
                self._cursor.execute(_WHOLE_SEEN, (no, model.__tablename__, row[0], WHOLE_ROW))
        else:
            self._take_first_acts(model, columns, again, is_fed)

    def _take_first_acts(self, model: Model, columns: tuple[str, ...], again: list[Arrived], is_fed: bool) -> None:
        """An act done at two homes has one id, and the one the hub admitted first stands with its choices."""
        empty = dict.fromkeys(wire_columns(model)[1:])
        for no, row in again:
            values = {**empty, **dict(zip(columns[1:], row[1:], strict=True))}
            if is_act_id(row[0]) and model.__sync__.kind in EDITED:
                self.set_fields(no, model, row[0], values)  # what was changed since waits for its own verdict
            elif is_act_id(row[0]):
                self.write(model, row[0], {**values, "feed_no": no} if is_fed else values)
            elif is_fed:
                self._number(model, [row[0]], no)

    def write_fresh(self, model: Model, columns: tuple[str, ...], fresh: list[Arrived], is_fed: bool = False) -> None:
        """Insert rows that are not here; with `is_fed` they get the number of their line as their place.

        Of a register the caller notes what the hub holds.
        """
        entity = model.__tablename__
        if is_fed:
            insert_wire(self.session, entity, (*columns, "feed_no"), [(*row, no) for no, row in fresh])
        else:
            insert_wire(self.session, entity, columns, [row for _, row in fresh])  # type: ignore[misc]
        left_out = [name for name in wire_columns(model) if name not in columns]
        names, empty = (*columns, *left_out), [None] * len(left_out)
        noted = self.changed.inserts.setdefault(entity, [])
        noted.extend([dict(zip(names, [*row, *empty], strict=True)) for _, row in fresh])

    def _ids_here(self, model: Model, ids: list[str]) -> set[str]:
        query = f"SELECT id FROM {model.__tablename__} WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in self._cursor.execute(query, (orjson.dumps(ids).decode(),))}

    # changes

    def _update(self, no: int, model: Model, columns: list[str], rows: list[Row]) -> None:
        self._write_arrived()
        known = set(wire_columns(model))
        for row in rows:
            values = {name: value for name, value in zip(columns[1:], row[1:], strict=True) if name in known}
            if model.__sync__.kind in EDITED:
                self.set_fields(no, model, row[0], values)
            else:
                self.write(model, row[0], values)

    def set_fields(self, no: int, model: Model, row_id: str, values: dict[str, Any]) -> None:
        """Take the hub's values, except where an edit of ours waits for its verdict, or a newer value is known here.

        What an older version was not sent comes with a snapshot, ahead of the lines that lead up to it.
        """
        states = self._states(model, row_id)
        whole = states.get(WHOLE_ROW)
        free: dict[str, Any] = {}
        marks = []
        for name, value in values.items():
            state = states.get(name)
            if known_no(state or whole) > no:
                continue
            waits = (state and state.pending_n) or (whole and whole.pending_n and not state)
            if waits:
                seen = state.seen_no if state else 0
                pending = state.pending_n if state else whole.pending_n if whole else None
                marks.append(_state(model, row_id, name, seen, pending, {"value": value}, no))
            else:
                free[name] = value
                marks.append(_state(model, row_id, name, no))
        if free:
            self.write(model, row_id, free)
        self._save(marks)

    def _settle_own(self, model: Model, row_id: str, written: dict[str, Any], no: int, n: int) -> None:
        """Entry `n` has its place: what it wrote is what the hub holds, as of line `no`, unless its outcome says else.

        An edit that was given up meanwhile and taken after all is shown again; behind a later one it waits.
        """
        states = self._states(model, row_id)
        marks = []
        for name, value in written.items():
            state = states.get(name)
            if known_no(state) > no:
                continue
            later = _later(state, n)
            is_sealed = is_marker(value)  # the journal's own bytes do not tell a personal value
            if later is not None and not is_sealed:
                marks.append(_state(model, row_id, name, no, later, {"value": value}, no))
                continue
            if not is_sealed and (state is None or state.pending_n != n):
                self.write(model, row_id, {name: value})
            marks.append(_state(model, row_id, name, no, later))
        self._save(marks)

    def _settle_insert(self, model: Model, row_id: str, written: set[str], no: int, n: int) -> None:
        """Our new row has its place. Fields it left empty, and that the hub had, come out of the shadow."""
        states = self._states(model, row_id)
        marks = [_state(model, row_id, WHOLE_ROW, no, _later(states.get(WHOLE_ROW), n))]
        for name, state in states.items():
            if name == WHOLE_ROW:
                continue
            later = _later(state, n)
            if state.shadow is not None and name not in written and later is None:
                self.write(model, row_id, {name: orjson.loads(state.shadow)["value"]})
            marks.append(_state(model, row_id, name, no, later))
        self._save(marks)

    def give_up(self, n: int) -> None:
        """The hub put entry `n` aside (quarantine): its edits wait for no verdict, and the hub's values show again."""
        rows = self._cursor.execute(_PENDING, (n,)).fetchall()
        for entity, row_id, name, seen_no, shadow, shadow_no in rows:
            model = self._models[entity]
            if shadow is not None:
                self.write(model, row_id, {name: orjson.loads(shadow)["value"]})
            self._save([_state(model, row_id, name, shadow_no or seen_no)])

    def _number(self, model: Model, ids: list[str], no: int) -> None:
        """Give decisions and amendments their place in the order that holds everywhere."""
        self._write_arrived()
        statement = f"UPDATE {model.__tablename__} SET feed_no = ? WHERE id = ? AND feed_no IS NULL"
        self._cursor.executemany(statement, [(no, row_id) for row_id in ids])
        self.changed.updates.setdefault(model.__tablename__, set()).update(ids)

    def write(self, model: Model, row_id: str, values: dict[str, Any]) -> None:
        """Set columns of a row that is here."""
        if values:
            self._cursor.execute(_update_statement(model.__tablename__, tuple(values)), (*values.values(), row_id))
            self.changed.updates.setdefault(model.__tablename__, set()).add(row_id)

    def _states(self, model: Model, row_id: str) -> dict[str, State]:
        return {row[0]: State(*row) for row in self._cursor.execute(_STATES, (model.__tablename__, row_id))}

    def _save(self, marks: Sequence[tuple[Any, ...]]) -> None:
        if marks:
            self._cursor.executemany(_SAVE, marks)


def _after(columns: list[str], row: Row) -> dict[str, Any]:
    """What an update of our own entry set, from [before, after, …] of each column."""
    return {name: change[1] for name, change in zip(columns[1:], row[1:], strict=True)}


def known_no(state: State | None) -> int:
    """The feed number of the newest value of a field that was seen or waits in the shadow."""
    return max(state.seen_no, state.shadow_no or 0) if state else 0


def _later(state: State | None, n: int) -> int | None:
    """The entry after `n` that still waits for its verdict on a field."""
    return state.pending_n if state and state.pending_n and state.pending_n > n else None


def _known_part(
    model: Model, columns: tuple[str, ...], arrived: list[Arrived]
) -> tuple[tuple[str, ...], list[Arrived]]:
    """The columns that this version has."""
    known = set(wire_columns(model))
    if known.issuperset(columns):
        return columns, arrived
    places = [place for place, name in enumerate(columns) if name in known]
    part = [(no, [row[place] for place in places]) for no, row in arrived]
    return tuple(columns[place] for place in places), part


def _state(
    model: Model,
    row_id: str,
    name: str,
    seen_no: int,
    pending_n: int | None = None,
    shadow: dict[str, Any] | None = None,
    shadow_no: int | None = None,
) -> tuple[Any, ...]:
    hidden = orjson.dumps(shadow).decode() if shadow else None
    return (model.__tablename__, row_id, name, seen_no, pending_n, hidden, shadow_no)


@cache
def _update_statement(table: str, columns: tuple[str, ...]) -> str:
    """Names come from the models, never from data."""
    return f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?"


# A row of ours that comes back from before a restore: what it left empty is known as of its line, too.
_WHOLE_SEEN = """
UPDATE field_state SET seen_no = ?
WHERE entity = ? AND row_id = ? AND field = ? AND seen_no = 0 AND pending_n IS NULL
"""
_PENDING = "SELECT entity, row_id, field, seen_no, shadow, shadow_no FROM field_state WHERE pending_n = ?"
_STATES = "SELECT field, seen_no, pending_n, shadow, shadow_no FROM field_state WHERE entity = ? AND row_id = ?"
_SAVE = """
INSERT INTO field_state (entity, row_id, field, seen_no, pending_n, shadow, shadow_no) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (entity, row_id, field) DO UPDATE SET seen_no = excluded.seen_no, pending_n = excluded.pending_n,
  shadow = excluded.shadow, shadow_no = excluded.shadow_no
"""
