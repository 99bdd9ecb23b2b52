"""Admission: entries of an origin become rows, lines of the feed and verdicts. The portal's actions pass here too.

The order of one transaction (protocol.md 4): check the chain → write rows, locking what is changed in (entity, id)
order → take the tenant's turn and its numbers last → lines, derived rows, what the owner is told → commit.

Invariants:
  * Every entry is admitted, held or quarantined, exactly once, and kept in the inbox whichever it was.
  * A whole batch is written at once; where something is odd it is halved until the odd entry stands alone.
  * Nothing is refused for a business reason. Only what cannot be written at all is set aside, and later entries flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from cloudhub.merge.apply import apply
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head, keep_entries, lock_head, new_entries, note_verdict, waiting_works
from cloudhub.merge.returned import note_returned
from cloudhub.merge.settle import settle
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import CONFLICT, MERGED, Missing, NeedsCare, Sender, Unfit, Work, examine, examine_all
from cloudhub.version import HUB_VERSION
from shopnode.domain import failpoints
from shopnode.domain.clock import Clock
from sync_protocol.pushes import Arrived
from sync_protocol.shape import Block

RELEASE_ROUNDS_MAX = 20  # of entries that wait for entries that waited


@dataclass(frozen=True)
class Verdict:
    """What became of an entry that was not plainly accepted."""

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
    again = _verdicts_again(books, sender, arrived[0].n, min(head.n, arrived[-1].n))
    if not fresh:
        return Admitted(head, again)
    works = [Work(entry.n, entry.entry, entry.sealed, entry.hash, sender) for entry in fresh]
    books.writer = (sender.origin_id, works[-1].n)
    examine_all(works)
    note_returned(books, works)
    apply_all(books, [work for work in works if work.applies])
    failpoints.hit("hub.rows_written")
    keep_entries(books, works, signature)
    failpoints.hit("hub.entries_kept")
    released = release_held(books, sender.received_ms)
    settle(books, [*works, *released], clock)
    last = fresh[-1]
    return Admitted(Head(last.n, last.hash), again + [verdict_of(books, w) for w in works if w.verdict], len(works))


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


def release_held(books: Books, received_ms: int) -> list[Work]:
    """Apply the entries that waited for a row which has arrived now, and those that waited for these."""
    if not books.rows(_ANY_HELD, [books.tenant_id])[0][0]:
        return []
    released: list[Work] = []
    looked_at: set[str] = set()
    for _ in range(RELEASE_ROUNDS_MAX):
        known = {row["id"]: None for rows in books.notes.changed.inserts.values() for row in rows}
        arrived = [row_id for row_id in known if row_id not in looked_at]
        if not arrived:
            break
        looked_at.update(arrived)
        condition = "w.verdict = 'held' AND w.missing_id = ANY (%s::uuid[])"
        freed = _try_again(books, waiting_works(books, condition, [arrived], received_ms))
        if not freed:
            break
        released += freed
    return released


def retry_quarantined(books: Books, received_ms: int, version: str) -> list[Work]:
    """Try what another version of the hub set aside, and what waited for it. The caller settles."""
    condition = "w.verdict = 'quarantined' AND w.software <> %s"
    freed = _try_again(books, waiting_works(books, condition, [version], received_ms), version)
    return freed + release_held(books, received_ms)


def _try_again(books: Books, works: list[Work], version: str = HUB_VERSION) -> list[Work]:
    note_returned(books, works)
    for work in works:
        examine(work)
        if work.applies:
            apply_all(books, [work])
        note_verdict(books, work, version)
    return [work for work in works if work.applies]


def verdict_of(books: Books, work: Work) -> Verdict:
    """What the node is told of an entry; with the values that stand, where its own did not all take effect."""
    shop_id = work.sender.shop_id
    outcome = standing_values(books, work.entry, shop_id) if work.verdict in (MERGED, CONFLICT) else None
    return Verdict(work.n, work.verdict or "", work.reason, outcome)


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


def _verdicts_again(books: Books, sender: Sender, first: int, last: int) -> list[Verdict]:
    """The verdicts of entries that are sent again because the answer to them was lost."""
    rows = books.rows(_VERDICTS, [books.tenant_id, sender.origin_id, first, last]) if first <= last else []
    found = []
    for n, verdict, reason, body in rows:
        outcome = standing_values(books, orjson.loads(body), sender.shop_id) if verdict in (MERGED, CONFLICT) else None
        found.append(Verdict(n, verdict, reason, outcome))
    return found


_ANY_HELD = "SELECT EXISTS (SELECT FROM waiting_entry WHERE tenant_id = %s AND verdict = 'held')"
_VERDICTS = """
SELECT e.n, e.verdict, w.reason, e.body FROM journal_entry e
LEFT JOIN waiting_entry w ON w.tenant_id = e.tenant_id AND w.origin_id = e.origin_id AND w.n = e.n
WHERE e.tenant_id = %s AND e.origin_id = %s AND e.n BETWEEN %s AND %s AND e.verdict IS NOT NULL ORDER BY e.n
"""
