"""Admission: entries of an origin become rows, lines of the feed and verdicts. The portal's actions pass here too.

The order of one transaction (protocol.md 4): check the chain → write rows, locking what is changed in (entity, id)
order → take the tenant's turn and its numbers last → lines, derived rows, what the owner is told → commit.

Invariants:
  * Every entry is admitted, held or quarantined, exactly once, and kept in the inbox whichever it was.
  * A whole batch is written at once; where something is odd it is halved until the odd entry stands alone.
  * Nothing is refused for a business reason. Only what cannot be written at all is set aside, and later entries flow;
    so is an entry from whose rows what follows (totals, levels, balances) cannot be worked out.
  * An entry waits only as long as the row it waits for is not here: whoever leaves one waiting looks again once the
    tenant's turn is theirs, because the row may have come meanwhile.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import psycopg
from sqlalchemy.exc import StatementError

from cloudhub.merge.apply import apply
from cloudhub.merge.books import Books
from cloudhub.merge.feed import take_turn
from cloudhub.merge.inbox import (
    Head,
    keep_entries,
    lock_head,
    new_entries,
    note_verdict,
    waiting_for_what_is_here,
    waiting_works,
)
from cloudhub.merge.returned import note_returned
from cloudhub.merge.settle import settle
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import CONFLICT, MERGED, Missing, NeedsCare, Sender, Unfit, Work, examine_all
from cloudhub.version import HUB_VERSION
from shopnode.domain import failpoints
from shopnode.domain.clock import Clock
from sync_protocol.canonical import serialise
from sync_protocol.pushes import Arrived
from sync_protocol.shape import Block

OUTCOME_BYTES_MAX = 512 * 1024  # in one answer; a node reads no answer of more than some megabytes

log = logging.getLogger("cloudhub.merge")


@dataclass(frozen=True)
class Verdict:
    """What became of an entry that was not plainly accepted.

    outcome  what stands instead; nothing where the answer would become too long: the entry's lines tell it anyway
    """

    n: int
    verdict: str
    reason: str | None = None
    outcome: list[Block] | None = None


@dataclass
class Admitted:
    """The answer to a push."""

    head: Head
    verdicts: list[Verdict] = field(default_factory=list)
    count: int = 0  # entries that were new


def admit_push(
    books: Books, sender: Sender, prev: str, arrived: Sequence[Arrived], signature: str, clock: Clock
) -> Admitted:
    """Take a push of consecutive entries into the tenant's books. Raises Gap or Fork; nothing is kept then."""
    head = lock_head(books, sender.origin_id, sender.shop_id)
    failpoints.hit("hub.head_locked")
    fresh = new_entries(books, sender.origin_id, head, prev, arrived)
    standing = _Standing(books, sender.shop_id)
    again = _verdicts_again(books, sender, standing, arrived[0].n, min(head.n, arrived[-1].n))
    if not fresh:
        return Admitted(head, again)
    works = [Work(entry.n, entry.entry, entry.sealed, entry.hash, sender) for entry in fresh]
    works = _take(books, works, partial(keep_entries, books, signature=signature), clock)
    freed = {(work.origin_id, work.n): work for work in release_held(books, sender.received_ms, clock)}
    works = [freed.get((work.origin_id, work.n), work) for work in works]
    last = fresh[-1]
    return Admitted(Head(last.n, last.hash), again + [standing.verdict_of(w) for w in works if w.verdict], len(works))


def _take(books: Books, works: list[Work], keep: Callable[[list[Work]], None], clock: Clock) -> list[Work]:
    """Write, keep and publish these entries, as one; halved where what follows from their rows cannot be worked out,
    until the entry stands alone that has to be set aside."""
    books.writer = (works[-1].origin_id, works[-1].n)
    examine_all(works)
    note_returned(books, works)
    try:
        with books.whole():
            apply_all(books, [work for work in works if work.applies])
            failpoints.hit("hub.rows_written")
            keep(works)
            failpoints.hit("hub.entries_kept")
            settle(books, works, clock)
    except Exception as fault:
        if not books.careful or not is_of_an_entry(fault):
            raise
        works = [work.anew() for work in works]
        if len(works) == 1:
            _set_aside(works[0], fault)
            with books.whole():
                keep(works)
            return works
        middle = len(works) // 2
        return [*_take(books, works[:middle], keep, clock), *_take(books, works[middle:], keep, clock)]
    return works


def is_of_an_entry(fault: Exception) -> bool:
    """Whether it would happen again with the same rows: nothing of the line to the database, and no race."""
    cause = fault.orig if isinstance(fault, StatementError) else fault
    if isinstance(cause, psycopg.Error):
        return isinstance(cause, psycopg.DataError | psycopg.IntegrityError)
    return isinstance(cause, ValueError | TypeError | ArithmeticError | LookupError)


def _set_aside(work: Work, fault: Exception) -> None:
    cause = fault.orig if isinstance(fault, StatementError) and fault.orig is not None else fault
    kind = f"{type(cause).__name__} {getattr(cause, 'sqlstate', '') or ''}".strip()
    work.set_aside(f"what follows from it cannot be worked out: {kind}")
    place = traceback.extract_tb(fault.__traceback__)[-1]  # the words of a fault may repeat values
    more = {"origin": work.origin_id, "n": work.n, "fault": kind, "place": f"{place.name}:{place.lineno}"}
    log.error("an entry was set aside", extra=more)


def apply_all(books: Books, works: list[Work]) -> None:
    """Write the rows of all of these entries, each whole or not at all; those that cannot be are set aside or held."""
    if not works:
        return
    try:
        with books.attempt():
            apply(books, works)
    except (NeedsCare, psycopg.IntegrityError, psycopg.DataError):
        if len(works) == 1:
            _apply_with_care(books, works[0])
            return
        middle = len(works) // 2
        apply_all(books, works[:middle])
        apply_all(books, works[middle:])


def _apply_with_care(books: Books, work: Work) -> None:
    verdict = work.verdict
    try:
        with books.attempt():
            apply(books, [work], careful=True)
    except Missing as missing:
        work.hold(missing)
    except Unfit as fault:
        work.set_aside(str(fault))
    except NeedsCare:
        work.verdict = verdict
        work.set_aside("a row appears twice")
    except (psycopg.IntegrityError, psycopg.DataError) as fault:
        # Only what kind of fault it was: the database's own words would repeat values.
        work.verdict = verdict
        work.set_aside(f"{type(fault).__name__} {getattr(fault, 'sqlstate', '') or ''}".strip())


def release_held(books: Books, received_ms: int, clock: Clock) -> list[Work]:
    """Take the entries whose awaited row is here, and those that waited for these. The row may have been written by
    somebody who did not see yet that it is waited for, so whoever comes second looks, in the tenant's turn."""
    if not books.rows(_ANY_HELD, [books.tenant_id])[0][0]:
        return []
    take_turn(books)
    tried: dict[tuple[str, int, str], Work] = {}
    while True:
        works = [work for work in waiting_for_what_is_here(books, received_ms) if _turn_of(work) not in tried]
        if not works:
            return list(tried.values())
        for work in works:
            tried[_turn_of(work)] = _take_waiting(books, work, HUB_VERSION, clock)


def _turn_of(work: Work) -> tuple[str, int, str]:
    """An entry is tried once for each row it waits for."""
    return work.origin_id, work.n, work.missing.row_id if work.missing else ""


def retry_quarantined(books: Books, received_ms: int, version: str, clock: Clock) -> list[Work]:
    """Try what another version of the hub set aside, and what waited for it. Returns what could be written now.

    In the tenant's turn: of two hubs that begin at once the second finds what the first has left.
    """
    take_turn(books)
    condition = "w.verdict = 'quarantined' AND w.software <> %s"
    works = waiting_works(books, condition, [version], received_ms)
    works = [_take_waiting(books, work, version, clock) for work in works]
    return [work for work in (*works, *release_held(books, received_ms, clock)) if work.applies]


def _take_waiting(books: Books, work: Work, version: str, clock: Clock) -> Work:
    """Try an entry that waited, and write down what becomes of it."""
    (taken,) = _take(books, [work.anew()], lambda works: note_verdict(books, works[0], version), clock)
    return taken


class _Standing:
    """The values that stand where a node's own did not all take effect, as far as one answer has room for them."""

    def __init__(self, books: Books, shop_id: str | None):
        self._books = books
        self._shop_id = shop_id
        self._left_bytes = OUTCOME_BYTES_MAX

    def verdict_of(self, work: Work) -> Verdict:
        """What the node is told of an entry."""
        return Verdict(work.n, work.verdict or "", work.reason, self.outcome(work.verdict, work.entry))

    def outcome(self, verdict: str | None, entry: dict[str, Any]) -> list[Block] | None:
        """What stands of an entry's fields; nothing once the room is used up."""
        if verdict not in (MERGED, CONFLICT) or self._left_bytes <= 0:
            return None
        blocks = standing_values(self._books, entry, self._shop_id)
        self._left_bytes -= len(serialise(blocks))
        return blocks if self._left_bytes >= 0 else None


def standing_values(books: Books, entry: dict[str, Any], shop_id: str | None) -> list[Block]:
    """The rows an entry wanted to change, as they stand now, without other shops' rows and without personal values."""
    blocks: list[Block] = []
    for entity, _, columns, rows in entry["rows"]:
        table = entity_tables().get(entity)
        if table is None:
            continue
        names = [name for name in columns if name not in table.sync.personal and name in table.columns]
        ids = [row[0] for row in rows]
        if table.in_shop_stream and shop_id is not None:
            shops = books.read(entity, ["id", "shop_id"], ids)
            ids = [row_id for row_id, row in shops.items() if row[1] == shop_id]
        known = books.read(entity, names, ids) if ids else {}
        if known:
            blocks.append([entity, "u", names, list(known.values())])
    return blocks


def _verdicts_again(books: Books, sender: Sender, standing: _Standing, first: int, last: int) -> list[Verdict]:
    """The verdicts of entries that are sent again because the answer to them was lost."""
    rows = books.rows(_VERDICTS, [books.tenant_id, sender.origin_id, first, last]) if first <= last else []
    return [
        Verdict(n, verdict, reason, standing.outcome(verdict, orjson.loads(body))) for n, verdict, reason, body in rows
    ]


_ANY_HELD = "SELECT EXISTS (SELECT FROM waiting_entry WHERE tenant_id = %s AND verdict = 'held')"
_VERDICTS = """
SELECT e.n, e.verdict, w.reason, e.body FROM journal_entry e
LEFT JOIN waiting_entry w ON w.tenant_id = e.tenant_id AND w.origin_id = e.origin_id AND w.n = e.n
WHERE e.tenant_id = %s AND e.origin_id = %s AND e.n BETWEEN %s AND %s AND e.verdict IS NOT NULL ORDER BY e.n
"""
