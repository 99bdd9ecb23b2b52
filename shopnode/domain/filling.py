"""Filling the books from a snapshot: the hub's rows as of one feed number, whether these books are blank or full.

Invariants:
  * All of a snapshot is applied in the caller's one transaction, together with the cursor, or nothing of it is.
  * Rows that are here already are not inserted again and move no derived figure again.
  * An edit of ours that the hub had not decided keeps showing; the hub's value waits in its shadow. What it had
    decided shows as decided. A fact that is here stays as it is.
  * No row is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy.orm import Session

from shopnode.domain.apply import Applier, Block, Model
from shopnode.domain.capture import driver_cursor, wire_columns
from shopnode.domain.clock import is_act_id
from shopnode.domain.db import Kind, synced_models
from shopnode.domain.node import EDITED, WHOLE_ROW
from shopnode.domain.projections import Changed

ROWS_AT_ONCE = 20_000  # are held in memory until the figures that follow from them are computed


class Filler:
    """Applies the blocks of one snapshot; `finish()` brings derived rows up to date.

    no  the feed number the snapshot is of
    """

    def __init__(self, session: Session, no: int):
        self.session = session
        self.no = no
        self.added = 0  # rows that were new here
        self.mended = 0  # rows of which something was set
        self.differing: list[str] = []  # facts that say something else here, and stay as they are
        self._applier = Applier(session)
        self._cursor = driver_cursor(session)
        self._models = synced_models()
        self._waiting = 0
        self._is_whole = False

    def begin_whole(self, accepted: int, undecided: Sequence[int]) -> None:
        """Everything the hub knows is about to come: forget what was known of fields, but for edits it has not decided.

        accepted, undecided  our entries up to `accepted` are decided, except these
        """
        self._is_whole = True
        held = orjson.dumps(list(undecided)).decode()
        self._cursor.execute(_FORGET, (accepted, held))

    def add(self, blocks: Iterable[Block]) -> None:
        """Rows of whole tables ("i"), or what known rows lacked ("u")."""
        for entity, op, columns, rows in blocks:
            model = self._models.get(entity)
            if model is None:
                continue
            known = (*wire_columns(model), *(("feed_no",) if "feed_no" in model.__sync__.derived else ()))
            places = [place for place, name in enumerate(columns) if name in known]
            names = tuple(columns[place] for place in places)
            if len(places) < len(columns):
                rows = [[row[place] for place in places] for row in rows]
            if op == "i":
                self._insert(model, names, rows)
            else:
                self._complete(model, names, rows)
            self._waiting += len(rows)
            if self._waiting >= ROWS_AT_ONCE:
                self._project()

    def finish(self) -> None:
        self._project()

    def _project(self) -> None:
        self._applier.finish()
        self._applier.changed = Changed()
        self._waiting = 0

    def _insert(self, model: Model, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
        here = self._here(model, columns, rows)
        fresh = [row for row in rows if row[0] not in here]
        if fresh:
            self.added += len(fresh)
            self._applier.write_fresh(model, columns, [(self.no, row) for row in fresh])
        again = [row for row in rows if row[0] in here]
        if model.__sync__.kind in EDITED:
            self._see_whole(model, fresh)
            self._merge(model, columns, again, here)
        else:
            self._keep_facts(model, columns, again, here)

    def _merge(self, model: Model, columns: tuple[str, ...], rows: list[list[Any]], here: dict[str, Any]) -> None:
        """Registers and holdings that are here: the hub's values, unless an edit of ours waits for its verdict."""
        pending = self._pending(model)
        plain = [row for row in rows if row[0] not in pending]
        self._see_whole(model, plain)
        for row in plain:
            self._set(model, row[0], _differing(columns, row, here[row[0]]))
        for row in rows:
            if row[0] in pending:
                self._applier.set_fields(self.no, model, row[0], dict(zip(columns[1:], row[1:], strict=True)))

    def _keep_facts(self, model: Model, columns: tuple[str, ...], rows: list[list[Any]], here: dict[str, Any]) -> None:
        """Facts stay; an act done at two homes shows as the hub admitted it, and decisions get their place."""
        for row in rows:
            changed = _differing(columns, row, here[row[0]])
            if not is_act_id(row[0]):
                if changed.keys() - {"feed_no"}:
                    self.differing.append(row[0])
                changed = {name: value for name, value in changed.items() if name == "feed_no"}
            self._set(model, row[0], changed)

    def _complete(self, model: Model, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
        """Columns that this version had not been sent before; a row that is not here comes with its own line."""
        here = self._here(model, columns, rows)
        for row in rows:
            if row[0] not in here:
                continue
            values = dict(zip(columns[1:], row[1:], strict=True))
            if model.__sync__.kind in EDITED:
                self._applier.set_fields(self.no, model, row[0], values)
            else:
                self._set(model, row[0], _differing(columns, row, here[row[0]]))

    def _set(self, model: Model, row_id: str, changed: dict[str, Any]) -> None:
        if changed:
            self.mended += 1
            self._applier.write(model, row_id, changed)

    def _here(self, model: Model, columns: tuple[str, ...], rows: list[list[Any]]) -> dict[str, Any]:
        ids = orjson.dumps([row[0] for row in rows]).decode()
        query = f"SELECT {', '.join(columns)} FROM {model.__tablename__} WHERE id IN (SELECT value FROM json_each(?))"
        return {row[0]: row for row in self._cursor.execute(query, (ids,))}

    def _pending(self, model: Model) -> set[str]:
        """The rows of a table with an edit of ours that waits for its verdict."""
        return {row[0] for row in self._cursor.execute(_PENDING_ROWS, (model.__tablename__,))}

    def _see_whole(self, model: Model, rows: list[list[Any]]) -> None:
        """What the hub holds for all fields of these rows has been seen as of this number.

        Of a holding nobody asks that, unless lines from before the number are still to come.
        """
        if rows and (model.__sync__.kind is Kind.REGISTER or not self._is_whole):
            self._cursor.executemany(_SEEN, [(model.__tablename__, row[0], WHOLE_ROW, self.no) for row in rows])


def _differing(columns: tuple[str, ...], row: list[Any], here: Sequence[Any]) -> dict[str, Any]:
    """The columns whose value here is another one."""
    return {name: value for name, value, mine in zip(columns, row, here, strict=True) if value != mine}


_FORGET = """
DELETE FROM field_state
WHERE pending_n IS NULL OR (pending_n <= ? AND pending_n NOT IN (SELECT value FROM json_each(?)))
"""
_PENDING_ROWS = "SELECT DISTINCT row_id FROM field_state WHERE entity = ? AND pending_n IS NOT NULL"
_SEEN = """
INSERT INTO field_state (entity, row_id, field, seen_no) VALUES (?, ?, ?, ?)
ON CONFLICT (entity, row_id, field) DO UPDATE SET seen_no = max(seen_no, excluded.seen_no)
"""
