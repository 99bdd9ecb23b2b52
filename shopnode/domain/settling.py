"""Settling a past origin (`origins.py`), once it is known how far the hub has it (`common_n`).

What the hub has needs nothing more from here: it comes back as anybody's entries do. What it does not have is
journalled again under the current origin, the same entries with the same ids, `was` naming their first place.

Invariants:
  * An entry is in the journal once, under one origin; it moves in one transaction with the head of the chain.
  * Every step holds a bounded part in memory. The caller commits all of them at once, with what was written since in
    its place: an older entry never follows a newer one (`shopnode/sync/renew.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import update
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.capture import driver_cursor
from shopnode.domain.db import Kind, synced_models
from shopnode.domain.node import EDITED, WHOLE_ROW
from shopnode.domain.origins import PastOrigin, past_mark
from sync_protocol.canonical import serialise
from sync_protocol.chain import link

ENTRIES_AT_ONCE = 200  # held in memory
MARKS_AT_ONCE = 200


def note_common(session: Session, past_id: int, common_n: int, counters: Iterable[tuple[str, int]] = ()) -> None:
    """Somebody has compared: the first `common_n` entries are with the hub. Numbers seen there are not given again."""
    session.execute(update(PastOrigin).where(PastOrigin.id == past_id).values(common_n=common_n))
    driver_cursor(session).executemany(_LIFT, list(counters))


def compare_again(session: Session) -> None:
    """The hub may have lost what it had of the origins that were left: nothing counts as common until it is asked."""
    driver_cursor(session).execute(_REOPEN)


def has_unsent(session: Session, past: PastOrigin) -> bool:
    """Whether the origin has entries that the hub does not have."""
    return driver_cursor(session).execute(_ANY_UNSENT, (past.origin_id, past.common_n)).fetchone() is not None


def release_common(session: Session, past: PastOrigin) -> bool:
    """Edits that are with the hub wait for a verdict no more; what it showed meanwhile shows here. False when done."""
    assert past.common_n is not None
    bounds = (past_mark(past.id, past.common_n), past_mark(past.id, 1), MARKS_AT_ONCE)
    marks = [row[0] for row in driver_cursor(session).execute(_MARKS, bounds)]
    if marks:
        applier = Applier(session)
        for mark in marks:
            applier.give_up(mark)
        applier.finish()
    failpoints.hit("renew.marks_released")
    return len(marks) == MARKS_AT_ONCE


def journal_again(session: Session, past: PastOrigin) -> bool:
    """Move the next entries that the hub does not have under the current origin. False when none is left."""
    assert past.common_n is not None
    cursor = driver_cursor(session)
    origin_id, n, prev = cursor.execute(_HEAD).fetchone()
    moved = cursor.execute(_UNSENT, (past.origin_id, past.common_n, ENTRIES_AT_ONCE)).fetchall()
    for old_n, body, old_hash in moved:
        n += 1
        entry = orjson.loads(body)
        entry["n"] = n
        entry.setdefault("was", [past.origin_id, old_n, old_hash])
        sealed = serialise(entry)
        prev = link(prev, sealed)
        cursor.execute(_MOVE, (origin_id, n, prev, sealed.decode(), past.origin_id, old_n))
        cursor.execute(_REMARK, (n, past_mark(past.id, old_n)))
        cursor.executemany(_MARK, [(*key, n) for key in waiting_fields(entry["rows"])])
        failpoints.hit("renew.entry_moved")
    if moved:
        cursor.execute(_MOVE_HEAD, (n, prev))
    failpoints.hit("renew.before_commit")
    return len(moved) == ENTRIES_AT_ONCE


def waiting_fields(blocks: Iterable[list[Any]]) -> Iterable[tuple[str, str, str]]:
    """The fields (entity, row id, name) of which an entry waits for a verdict; as `node.mark_pending` has it."""
    models = synced_models()
    for entity, op, columns, rows in blocks:
        kind = models[entity].__sync__.kind
        if op == "i" and kind is Kind.REGISTER:
            yield from ((entity, row[0], WHOLE_ROW) for row in rows)
        elif op == "u" and kind in EDITED:
            yield from ((entity, row[0], name) for row in rows for name in columns[1:])


_HEAD = "SELECT origin_id, head_n, head_hash FROM installation"
_MOVE_HEAD = "UPDATE installation SET head_n = ?, head_hash = ?"
_UNSENT = "SELECT n, body, hash FROM journal_entry WHERE origin_id = ? AND n > ? ORDER BY n LIMIT ?"
_MOVE = "UPDATE journal_entry SET origin_id = ?, n = ?, hash = ?, body = ? WHERE origin_id = ? AND n = ?"
_REMARK = "UPDATE field_state SET pending_n = ? WHERE pending_n = ?"
_MARKS = "SELECT DISTINCT pending_n FROM field_state WHERE pending_n BETWEEN ? AND ? LIMIT ?"
# An edit that had its verdict, from a hub that lost it, waits again; a newer one that is still to be moved goes before.
_MARK = """
INSERT INTO field_state (entity, row_id, field, seen_no, pending_n) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (entity, row_id, field) DO UPDATE SET pending_n = excluded.pending_n WHERE coalesce(pending_n, 0) >= 0
"""
_ANY_UNSENT = "SELECT 1 FROM journal_entry WHERE origin_id = ? AND n > ? LIMIT 1"
_REOPEN = """
UPDATE past_origin SET head_n = common_n, sent_n = common_n, common_n = NULL, settled_at = NULL,
  head_hash = (SELECT hash FROM journal_entry e WHERE e.origin_id = past_origin.origin_id AND e.n = common_n)
WHERE settled_at IS NOT NULL AND common_n > 0
"""
_LIFT = """
INSERT INTO counter (series, value) VALUES (?, ?)
ON CONFLICT (series) DO UPDATE SET value = max(value, excluded.value)
"""
