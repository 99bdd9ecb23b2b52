"""The raw inbox: every entry as it came, chained by origin, with the verdict it got.

Invariants:
  * An origin's entries are there from 1 to its head without a gap, each hash linked to the one before.
  * Same number and hash: a resend, answered as accepted. Same number, other hash: a fork, never "already seen".
  * What was received is kept whole, whatever became of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cloudhub.merge.books import Books
from cloudhub.merge.tables import INSTANT_MS_MAX, entity_tables
from cloudhub.merge.work import Missing, Sender, Work
from cloudhub.version import HUB_VERSION
from sync_protocol.canonical import serialise
from sync_protocol.chain import genesis
from sync_protocol.merge import Clock
from sync_protocol.problems import Fork, Gap
from sync_protocol.pushes import Arrived

NAME_MAX = 40  # of a table's name in the list people read


@dataclass(frozen=True)
class Head:
    """The end of an origin's chain."""

    n: int
    hash: str


def lock_head(books: Books, origin_id: str, shop_id: str | None = None) -> Head:
    """The origin's head; its chain is ours until the transaction ends, and so is its shop's turn to send.

    What a copied or restored computer sends again under another origin is recognised by what is committed: two
    origins of one shop never send at the same moment. shop_id is None for the portal.
    """
    if shop_id is None:
        ((n, hash_hex),) = books.rows(_LOCK, [books.tenant_id, origin_id])
    else:
        ((_, n, hash_hex),) = books.rows(_TURN_AND_LOCK, [shop_id, books.tenant_id, origin_id])
    return Head(n, hash_hex)


def read_head(books: Books, origin_id: str, n: int) -> Head:
    """The hash of one entry of the chain; of none for 0."""
    found = books.rows(f"{_HASHES} AND n = %s", [books.tenant_id, origin_id, n]) if n else []
    return Head(n, found[0][1]) if found else Head(0, genesis(origin_id))


def new_entries(books: Books, origin_id: str, head: Head, prev: str, arrived: Sequence[Arrived]) -> list[Arrived]:
    """What follows the head, once the rest has been recognised as a resend.

    Raises Gap when something is missing before it, or when the common past lies further back than this push
    reaches; Fork, with the last common entry, where the histories part.
    """
    first = arrived[0].n
    if first > head.n + 1:
        raise Gap(head.n + 1)
    stored = {0: genesis(origin_id), head.n: head.hash}
    if first <= head.n:
        last = min(arrived[-1].n, head.n)
        wanted = [books.tenant_id, origin_id, first - 1, last]
        stored.update(books.rows(f"{_HASHES} AND n BETWEEN %s AND %s", wanted))
    if stored[first - 1] != prev:
        # The histories parted earlier. Asked to begin at half the way back, the node gets to the place in few steps.
        raise Gap(max(1, first // 2))
    for entry in arrived:
        if entry.n <= head.n and stored[entry.n] != entry.hash:
            raise Fork(entry.n - 1, stored[entry.n - 1])
    return [entry for entry in arrived if entry.n > head.n]


def keep_entries(books: Books, works: Sequence[Work], signature: str | None) -> None:
    """Write the entries into the inbox and move their origin's head to the last of them."""
    columns: list[list[Any]] = [[] for _ in range(14)]
    for work in works:
        for column, value in zip(columns, (*inbox_row(work), work.verdict), strict=True):
            column.append(value)
    books.run(_KEEP, [books.tenant_id, *columns])
    _keep_waiting(books, [work for work in works if not work.applies])
    last = works[-1]
    books.run(_MOVE, [last.n, last.hash, signature, books.tenant_id, last.origin_id])


def inbox_row(work: Work) -> tuple[Any, ...]:
    """The entry's row of the inbox, but for the verdict; made once."""
    if not work.inbox:
        entry = work.entry
        subject = entry.get("subject") or (None, None)
        listed = subject[0] is not None and len(subject[0]) <= NAME_MAX
        work.inbox = (
            work.origin_id, work.n, entry["id"], entry["action"], entry["actor"], entry.get("shop"),
            subject[0] if listed else None, subject[1] if listed else None,
            min(max(entry["at"], 0), INSTANT_MS_MAX), work.hash, work.sealed.decode(),
            serialise(entry["personal"]).decode() if "personal" in entry else None, work.sender.received_ms,
        )  # fmt: skip
    return work.inbox


def _keep_waiting(books: Books, works: Sequence[Work], version: str = HUB_VERSION) -> None:
    for work in works:
        missing = work.missing
        books.run(
            _WAIT,
            [
                books.tenant_id, work.origin_id, work.n, work.verdict, work.reason,
                missing.entity if missing else None, missing.row_id if missing else None,
                work.sender.received_ms, clock_text(work.sender.clock), version,
            ],
        )  # fmt: skip


def clock_text(clock: Clock) -> str:
    return orjson.dumps([clock.wall_ms, clock.mono_ms, clock.boot, clock.offset_ms]).decode()


def waiting_works(books: Books, condition: str, values: Sequence[Any], received_ms: int) -> list[Work]:
    """Entries that were set aside, as they came, to be tried again."""
    works = []
    for row in books.rows(f"{_WAITING} AND {condition} ORDER BY w.origin_id, w.n", [books.tenant_id, *values]):
        origin_id, n, body, personal, digest, received_at, clock, shop_id, node_id, entity, missing_id = row
        entry = orjson.loads(body)
        if personal:
            entry["personal"] = orjson.loads(personal)
        sender = Sender(origin_id, shop_id, node_id, Clock(*orjson.loads(clock)), received_at or received_ms)
        missing = Missing(entity, missing_id) if missing_id else None
        works.append(Work(n, entry, body.encode(), digest, sender, missing=missing, waited=True))
    return works


def waiting_for_what_is_here(books: Books, received_ms: int) -> list[Work]:
    """Entries that wait for a row which is in its table."""
    works = []
    for (entity,) in books.rows(_AWAITED, [books.tenant_id]):
        if entity in entity_tables():
            here = f"EXISTS (SELECT FROM {entity} t WHERE t.tenant_id = w.tenant_id AND t.id = w.missing_id)"
            condition = f"w.verdict = 'held' AND w.missing_entity = %s AND {here}"
            works += waiting_works(books, condition, [entity], received_ms)
    return works


def changed_since(books: Books, work: Work, entity: str, row_id: str) -> dict[str, Any]:
    """The columns of a row that later entries of the same shop, taken while this one waited, have changed.

    Each with the value that stood there for whoever changed it first. Later are those behind it in its chain; and of
    the shop's other origins, as a restored or copied computer has them, those that were received since.
    """
    found: dict[str, Any] = {}
    sender = work.sender
    names = {"tenant": books.tenant_id, "origin": work.origin_id, "n": work.n, "row": f"%{row_id}%"}
    names |= {"shop": sender.shop_id, "since": sender.received_ms}
    for body, _, _ in books.rows(_LATER, names):
        for name, op, columns, rows in orjson.loads(body)["rows"]:
            if name != entity or op != "u":
                continue
            for changed in (row[1:] for row in rows if row[0] == row_id):
                for column, change in zip(columns[1:], changed, strict=True):
                    found.setdefault(column, change[0])
    return found


def note_verdict(books: Books, work: Work, version: str) -> None:
    """Write down what became of an entry that had waited."""
    books.run(_VERDICT, [work.verdict, books.tenant_id, work.origin_id, work.n])
    if work.applies:
        books.run(_RELEASE, [books.tenant_id, work.origin_id, work.n])
    else:
        _keep_waiting(books, [work], version)


# The shop's turn comes before the row's lock, which reads the row anew: what is known is what the turn before left.
_TURN_AND_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))::text, head_n, head_hash FROM origin
WHERE tenant_id = %s AND id = %s FOR UPDATE
"""
_LOCK = "SELECT head_n, head_hash FROM origin WHERE tenant_id = %s AND id = %s FOR UPDATE"
_HASHES = "SELECT n, hash FROM journal_entry WHERE tenant_id = %s AND origin_id = %s"
_KEEP = """
INSERT INTO journal_entry (tenant_id, origin_id, n, entry_id, action, actor_id, shop_id, subject_entity, subject_id,
  at, hash, body, personal, received_at, verdict)
SELECT %b::uuid, e.origin::uuid, e.n, e.id::uuid, e.action, e.actor::uuid, e.shop::uuid, e.entity, e.subject::uuid,
  e.at, e.hash, e.body, e.personal, e.received, e.verdict
FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
  %b::bigint[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[])
  AS e (origin, n, id, action, actor, shop, entity, subject, at, hash, body, personal, received, verdict)
"""
_MOVE = """
UPDATE origin SET head_n = %s, head_hash = %s, head_sig = %s WHERE tenant_id = %s AND id = %s
"""
_WAIT = """
INSERT INTO waiting_entry (tenant_id, origin_id, n, verdict, reason, missing_entity, missing_id, since_at, clock,
  software)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, origin_id, n) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason,
  missing_entity = excluded.missing_entity, missing_id = excluded.missing_id, software = excluded.software
"""
_WAITING = """
SELECT w.origin_id::text, w.n, e.body, e.personal, e.hash, e.received_at, w.clock, o.shop_id::text, o.node_id::text,
  w.missing_entity, w.missing_id::text
FROM waiting_entry w
JOIN journal_entry e ON e.tenant_id = w.tenant_id AND e.origin_id = w.origin_id AND e.n = w.n
JOIN origin o ON o.tenant_id = w.tenant_id AND o.id = w.origin_id
WHERE w.tenant_id = %s
"""
_AWAITED = "SELECT DISTINCT missing_entity FROM waiting_entry WHERE tenant_id = %s AND verdict = 'held'"
# Two questions, each along the key of an origin's entries: one with OR would read the whole journal.
_LATER = """
SELECT body, received_at, n FROM journal_entry WHERE tenant_id = %(tenant)s AND origin_id = %(origin)s AND n > %(n)s
  AND body LIKE %(row)s AND (verdict IS NULL OR verdict NOT IN ('held', 'quarantined'))
UNION ALL
SELECT e.body, e.received_at, e.n FROM origin o JOIN journal_entry e ON e.tenant_id = o.tenant_id AND e.origin_id = o.id
WHERE o.tenant_id = %(tenant)s AND o.shop_id = %(shop)s AND o.id <> %(origin)s AND e.received_at >= %(since)s
  AND e.body LIKE %(row)s AND (e.verdict IS NULL OR e.verdict NOT IN ('held', 'quarantined'))
ORDER BY received_at, n
"""
_VERDICT = "UPDATE journal_entry SET verdict = %s WHERE tenant_id = %s AND origin_id = %s AND n = %s"
_RELEASE = "DELETE FROM waiting_entry WHERE tenant_id = %s AND origin_id = %s AND n = %s"
