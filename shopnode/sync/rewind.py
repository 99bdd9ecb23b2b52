"""The hub was put back to an earlier state: this node winds its memory of the hub back to what both still have.

What was written and what is shown stays as it is. Entries that the hub lost are sent again, lines of others that it
lost are given back (`returned.py`), and what the hub makes of both comes as new lines under new numbers.

Invariants:
  * How far back is found by hashes alone: the highest line of each stream that both have. Numbers prove nothing.
  * All of it is one transaction; cut off anywhere, the next exchange is refused again and it is done again.
  * Fields of entries that are sent again keep the local value until the hub's new verdict, as they did the first time.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.capture import driver_cursor
from shopnode.domain.db import synced_models
from shopnode.domain.node import Installation
from shopnode.domain.settling import compare_again, waiting_fields
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import EntryVerdictRow, HubLink, StreamMark
from shopnode.sync.outbox import hash_of_entry
from shopnode.sync.remedies import REMEDIES
from shopnode.sync.renew import ask_fork, begin_of, find_common
from shopnode.sync.returned import set_apart
from sync_protocol.forks import ForkAnswer
from sync_protocol.messages import Witness
from sync_protocol.problems import Action, Malformed

MARKED_MAX = 500  # entries in one read


@dataclass(frozen=True)
class Common:
    """The last line of each stream that both sides have, and the cursor that follows from them."""

    marks: dict[str, Witness]
    cursor: int


def rewind(line: SignedLine, refused: Refused) -> None:
    """The remedy for a hub that was restored. Raises LinkDown, Refused, Malformed."""
    with line.home.reading() as session:
        link = read_link(session)
        streams = list(session.scalars(select(StreamMark.stream)))
    if link is None:
        raise refused
    # Also for a hub that knows our origin no more: naming it begins it again.
    answer = ask_fork(line, link, line.home.origin_id, [], begin=begin_of(line.home))
    found = {stream: _common_line(line, link, stream) for stream in streams}
    failpoints.hit("rewind.compared")
    with line.home.writing() as session:
        common = _common(session, found)
        _forget_lines(session, common, line.home.clock.wall_ms())
        _send_again(session, line, link, answer)
        compare_again(session)
        failpoints.hit("rewind.before_commit")
    failpoints.hit("rewind.after_commit")


def _common_line(line: SignedLine, link: Link, stream: str) -> int:
    """The highest number of the stream whose line both sides have; 0 for none."""
    with line.home.reading() as session:
        numbers = _numbers(session, stream)

    def witnesses_of(places: list[int]) -> list[Witness]:
        with line.home.reading() as session:
            hashes = _hashes(session, stream, [numbers[place - 1] for place in places])
        return [(place, hashes[numbers[place - 1]]) for place in places]

    def ask(witnesses: list[Witness]) -> Witness:
        lines = [(numbers[place - 1], digest) for place, digest in witnesses]
        common = ask_fork(line, link, line.home.origin_id, [], {stream: lines}).lines.get(stream)
        if common is None:
            return (0, "")
        if common not in lines:
            raise Malformed("the hub named a line that it was not asked about")
        return witnesses[lines.index(common)]

    place = find_common(ask, witnesses_of, len(numbers)) if numbers else 0
    return numbers[place - 1] if place else 0


def _numbers(session: Session, stream: str) -> array[int]:
    """The numbers of every line of a stream that can be shown, in order; a snapshot's last line is one of them."""
    rows = driver_cursor(session).execute(_NUMBERS, (stream, stream, stream))
    return array("q", [row[0] for row in rows])


def _hashes(session: Session, stream: str, numbers: list[int]) -> dict[int, str]:
    rows = driver_cursor(session).execute(_HASHES, (stream, orjson.dumps(numbers).decode(), stream, stream))
    return dict(rows.fetchall())


def _common(session: Session, found: dict[str, int]) -> Common:
    """One cursor for all streams: no line of any of them that was lost may lie before it."""
    cursor = max(found.values(), default=0)
    for stream, last in found.items():
        lost = next((no for no in _numbers(session, stream) if no > last), None)
        if lost is not None:
            cursor = min(cursor, lost - 1)
    marks: dict[str, Witness] = {}
    for stream in found:
        no = max((no for no in _numbers(session, stream) if no <= cursor), default=0)
        if no:
            marks[stream] = (no, _hashes(session, stream, [no])[no])
    return Common(marks, max((no for no, _ in marks.values()), default=0))


def _forget_lines(session: Session, common: Common, now_ms: int) -> None:
    """Cursor and marks go back; lines after them wait to be given back, and numbers from them hold no more."""
    set_apart(session, common.cursor, now_ms)
    session.execute(delete(StreamMark))
    session.add_all([StreamMark(stream=stream, no=no, hash=digest) for stream, (no, digest) in common.marks.items()])
    session.execute(update(Installation).values(seen=common.cursor))
    driver_cursor(session).execute(_CAP, (common.cursor, common.cursor, common.cursor, common.cursor))
    applier = Applier(session)
    for name, model in synced_models().items():
        if "feed_no" in model.__sync__.derived:
            rows = driver_cursor(session).execute(
                f"UPDATE {name} SET feed_no = NULL WHERE feed_no > ? RETURNING id",
                (common.cursor,),
            )
            applier.changed.updates.setdefault(name, set()).update(row[0] for row in rows.fetchall())
    applier.finish()


def _send_again(session: Session, line: SignedLine, link: Link, answer: ForkAnswer) -> None:
    """What the hub has not of our origin counts as unsent. A head that is not ours is found out by the next push."""
    n, digest = answer.head
    if hash_of_entry(session, line.home.origin_id, n) != digest:
        n = min(n, link.accepted_n)
    accepted_n = min(n, link.accepted_n)
    values: dict[str, Any] = {
        "accepted_n": accepted_n, "durable_n": min(link.durable_n, accepted_n), "epoch": answer.epoch,
    }  # fmt: skip
    if accepted_n < link.accepted_n:
        known = session.scalars(select(HubLink.whole_until)).one() or 0
        values["whole_until"] = max(known, link.accepted_n)
    session.execute(update(HubLink).values(**values))
    session.execute(delete(EntryVerdictRow).where(EntryVerdictRow.n > accepted_n))
    _mark_pending(session, line.home.origin_id, accepted_n, link.accepted_n)


def _mark_pending(session: Session, origin: str, after_n: int, until_n: int) -> None:
    """Fields that the hub is to judge again wait for its verdict again."""
    cursor = driver_cursor(session)
    for first in range(after_n + 1, until_n + 1, MARKED_MAX):
        last = min(first + MARKED_MAX - 1, until_n)
        entries = cursor.execute(_ENTRIES, (origin, first, last)).fetchall()
        marks = [(*key, n) for n, body in entries for key in waiting_fields(orjson.loads(body)["rows"])]
        cursor.executemany(_PENDING, marks)


REMEDIES[Action.RESEND_DURABLE] = rewind

_NUMBERS = """
SELECT no FROM feed_line WHERE stream = ? UNION SELECT no FROM stream_mark WHERE stream = ?
UNION SELECT no FROM stream_begin WHERE stream = ? ORDER BY no
"""
_HASHES = """
SELECT no, hash FROM feed_line WHERE stream = ? AND no IN (SELECT value FROM json_each(?))
UNION SELECT no, hash FROM stream_mark WHERE stream = ? UNION SELECT no, hash FROM stream_begin WHERE stream = ?
"""
# Numbers from a feed that is gone may be given to something else.
_CAP = """
UPDATE field_state SET seen_no = min(seen_no, ?), shadow_no = min(shadow_no, ?) WHERE seen_no > ? OR shadow_no > ?
"""
_ENTRIES = "SELECT n, body FROM journal_entry WHERE origin_id = ? AND n BETWEEN ? AND ? ORDER BY n"
_PENDING = """
INSERT INTO field_state (entity, row_id, field, seen_no, pending_n) VALUES (?, ?, ?, 0, ?)
ON CONFLICT (entity, row_id, field) DO UPDATE SET pending_n = max(coalesce(pending_n, 0), excluded.pending_n)
"""
