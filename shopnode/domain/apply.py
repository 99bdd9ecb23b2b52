"""Applying what the hub decided: a feed line's rows go into the tables, without running any action again.

Invariants:
  * A field with a pending local edit keeps showing the local value. The hub's value waits in the shadow until the
    edit's own line arrives (protocol.md 3, pull-apply).
  * A row that is here already is not inserted again, and moves no derived figure again.
  * Entities and columns this version does not know are passed over; the line itself is kept by `shopnode/sync`.
  * The caller commits rows, derived figures and cursor in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import Table, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain.capture import wire_columns
from shopnode.domain.db import Kind, SyncedRow, synced_models
from shopnode.domain.guard import forget_touched
from shopnode.domain.node import WHOLE_ROW, FieldState
from shopnode.domain.projections import Changed, project

Block = list[Any]
IDS_AT_ONCE = 500


class Applier:
    """Applies lines in feed order inside one transaction; `finish()` brings derived rows up to date."""

    def __init__(self, session: Session):
        self.session = session
        self.changed = Changed()
        self._models = synced_models()

    def foreign_line(self, no: int, blocks: Iterable[Block]) -> None:
        """The outcome of another origin's entry."""
        for entity, op, columns, rows in blocks:
            model = self._models.get(entity)
            if model is None:
                continue
            if op == "i":
                self._insert(no, model, columns, rows)
            else:
                self._update(no, model, columns, rows)

    def own_line(self, no: int, n: int, written: Iterable[Block], outcome: Iterable[Block] | None) -> None:
        """The verdict on our own entry `n`: as it was written, or with the outcome that stands instead."""
        for entity, op, columns, rows in written:
            model = self._models[entity]
            if model.__sync__.kind is Kind.REGISTER:
                for row in rows:
                    names = [WHOLE_ROW] if op == "i" else columns[1:]
                    self._settle_own(entity, row[0], names, no, n)
            elif "feed_no" in model.__sync__.derived:
                self._number(model, [row[0] for row in rows], no)
        for entity, op, columns, rows in outcome or ():
            if entity in self._models and op == "u":
                self._update(no, self._models[entity], columns, rows)

    def finish(self) -> None:
        """Bring the derived rows up to date. What was written came from the hub and is no business of the guard."""
        project(self.session, self.changed)
        self.session.flush()
        forget_touched(self.session.connection())

    def _insert(self, no: int, model: type[SyncedRow], columns: list[str], rows: list[list[Any]]) -> None:
        known = set(wire_columns(model))
        empty = dict.fromkeys(known)
        here = self._ids_here(model, [row[0] for row in rows])
        is_register = model.__sync__.kind is Kind.REGISTER
        fresh: list[dict[str, Any]] = []
        again: list[dict[str, Any]] = []
        for row in rows:
            values = {name: value for name, value in zip(columns, row, strict=True) if name in known}
            (again if row[0] in here else fresh).append({**empty, **values})
        if fresh:
            fixed: dict[str, Any] = {"tenant_id": self.session.info["tenant_id"]}
            if "feed_no" in model.__sync__.derived:
                fixed["feed_no"] = no
            self.session.execute(insert(_table(model)), [{**fixed, **row} for row in fresh])
            self.changed.inserts.setdefault(model.__tablename__, []).extend(fresh)
        if is_register:
            self._mark_seen(model.__tablename__, [row["id"] for row in fresh], no)
            for known_row in again:
                values = {name: known_row[name] for name in columns[1:] if name in known_row}
                self._set_fields(no, model, known_row["id"], values)
        elif "feed_no" in model.__sync__.derived:
            self._number(model, [known_row["id"] for known_row in again], no)

    def _update(self, no: int, model: type[SyncedRow], columns: list[str], rows: list[list[Any]]) -> None:
        known = set(wire_columns(model))
        for row in rows:
            values = {name: value for name, value in zip(columns[1:], row[1:], strict=True) if name in known}
            if model.__sync__.kind is Kind.REGISTER:
                self._set_fields(no, model, row[0], values)
            else:
                self._write(model, row[0], values)

    def _set_fields(self, no: int, model: type[SyncedRow], row_id: str, values: dict[str, Any]) -> None:
        """Take the hub's values, except where an edit of ours waits for its verdict."""
        states = self._states(model.__tablename__, row_id)
        whole = states.get(WHOLE_ROW)
        free: dict[str, Any] = {}
        marks = []
        for name, value in values.items():
            state = states.get(name)
            waits = (state and state.pending_n) or (whole and whole.pending_n and not state)
            if waits:
                seen = state.seen_no if state else 0
                pending = state.pending_n if state else whole.pending_n if whole else None
                marks.append(_state(model, row_id, name, seen, pending, {"value": value}, no))
            else:
                free[name] = value
                marks.append(_state(model, row_id, name, no))
        if free:
            self._write(model, row_id, free)
        self._save(marks)

    def _settle_own(self, entity: str, row_id: str, names: list[str], no: int, n: int) -> None:
        """Entry `n` has its place: what it wrote is what the hub holds, as of line `no`."""
        states = self._states(entity, row_id)
        model = self._models[entity]
        marks = []
        for name in names:
            state = states.get(name)
            later = state.pending_n if state and state.pending_n and state.pending_n > n else None
            marks.append(_state(model, row_id, name, no, later))
        if WHOLE_ROW in names:
            # Fields that were shadowed while the insert waited: the hub's line for them carries the outcome.
            marks += [
                _state(model, row_id, name, no, state.pending_n if state.pending_n and state.pending_n > n else None)
                for name, state in states.items()
                if name != WHOLE_ROW
            ]
        self._save(marks)

    def _number(self, model: type[SyncedRow], ids: list[str], no: int) -> None:
        """Give decisions and amendments their place in the order that holds everywhere."""
        if ids:
            table = _table(model)
            self.session.execute(update(table).where(table.c.id.in_(ids)).values(feed_no=no))
            self.changed.updates.setdefault(model.__tablename__, set()).update(ids)

    def _write(self, model: type[SyncedRow], row_id: str, values: dict[str, Any]) -> None:
        if values:
            table = _table(model)
            self.session.execute(update(table).where(table.c.id == row_id).values(**values))
            self.changed.updates.setdefault(model.__tablename__, set()).add(row_id)

    def _ids_here(self, model: type[SyncedRow], ids: list[str]) -> set[str]:
        table, found = _table(model), set()
        for start in range(0, len(ids), IDS_AT_ONCE):
            part = ids[start : start + IDS_AT_ONCE]
            found |= set(self.session.scalars(select(table.c.id).where(table.c.id.in_(part))))
        return found

    def _states(self, entity: str, row_id: str) -> dict[str, FieldState]:
        query = select(FieldState).where(FieldState.entity == entity, FieldState.row_id == row_id)
        rows = self.session.scalars(query.execution_options(populate_existing=True))
        return {state.field: state for state in rows}

    def _mark_seen(self, entity: str, ids: list[str], no: int) -> None:
        model = self._models[entity]
        self._save([_state(model, row_id, WHOLE_ROW, no) for row_id in ids])

    def _save(self, marks: list[dict[str, Any]]) -> None:
        if not marks:
            return
        statement = upsert(FieldState.__table__)  # type: ignore[arg-type]
        names = ("seen_no", "pending_n", "shadow", "shadow_no")
        self.session.execute(
            statement.on_conflict_do_update(
                index_elements=["entity", "row_id", "field"], set_={name: statement.excluded[name] for name in names}
            ),
            marks,
        )


def _state(
    model: type[SyncedRow],
    row_id: str,
    name: str,
    seen_no: int,
    pending_n: int | None = None,
    shadow: dict[str, Any] | None = None,
    shadow_no: int | None = None,
) -> dict[str, Any]:
    return {
        "entity": model.__tablename__, "row_id": row_id, "field": name, "seen_no": seen_no, "pending_n": pending_n,
        "shadow": orjson.dumps(shadow).decode() if shadow else None, "shadow_no": shadow_no,
    }  # fmt: skip


def _table(model: type[SyncedRow]) -> Table:
    return model.__table__  # type: ignore[return-value]
