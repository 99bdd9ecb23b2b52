"""What waits to be sent: the journal's entries after the last one the hub accepted, as stored bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor
from shopnode.domain.clock import to_ms
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation
from shopnode.domain.origins import unsettled
from sync_protocol.canonical import INT_MAX
from sync_protocol.chain import genesis
from sync_protocol.entries import travelling_bytes
from sync_protocol.limits import Batch

ROW_BEGINS = '["0'  # a row leads with its id, and one that was made before the year 2500 with a zero
ROW_BYTES_MAX = 600  # rows whose ids follow from something else are counted by their size


@dataclass(frozen=True)
class Waiting:
    """How much is not yet with the hub, and since when (ms since 1970; None when nothing waits)."""

    entries: int
    since_ms: int | None


@dataclass(frozen=True)
class Parcel:
    """Consecutive entries ready to be sent."""

    first: int
    prev: str  # hash of the entry before the first
    entries: list[bytes]
    head: str  # hash of the last

    @property
    def last(self) -> int:
        return self.first + len(self.entries) - 1


def waiting(session: Session, origin: str, accepted_n: int) -> Waiting:
    """What the hub has not accepted yet. Two rows are read, however much waits, and those of an origin just left."""
    head_n = session.scalars(select(Installation.head_n)).one()
    first = select(JournalEntry.at).where(JournalEntry.origin_id == origin, JournalEntry.n == accepted_n + 1)
    oldest = session.scalars(first).one_or_none()
    entries = max(head_n - accepted_n, 0)
    for past in unsettled(session):
        unsent = select(func.count(), func.min(JournalEntry.at)).where(
            JournalEntry.origin_id == past.origin_id, JournalEntry.n > (past.common_n or past.sent_n)
        )
        count, earliest = session.execute(unsent).one()
        entries += count
        oldest = min(filter(None, (oldest, earliest)), default=None)
    return Waiting(entries, to_ms(oldest) if oldest else None)


def next_parcel(
    session: Session, origin: str, accepted_n: int, batch: Batch, until_n: int | None = None
) -> Parcel | None:
    """The next entries to send, as many as the batch allows and none after `until_n`; None when nothing waits."""
    read: list[tuple[str, str | None, str]] = []

    def sizes() -> Iterator[tuple[int, int]]:
        # Read one by one: after a long time offline far more waits than fits.
        for row in cursor.execute(_WAITING, (origin, accepted_n, INT_MAX if until_n is None else until_n)):
            read.append(row)
            body, personal, _ = row
            yield rows_in(body), len(body) + len(personal or "")

    with closing(driver_cursor(session)) as cursor:
        rows = read[: batch.take(sizes())]
    if not rows:
        return None
    entries = [travelling_bytes(body.encode(), personal.encode() if personal else None) for body, personal, _ in rows]
    return Parcel(accepted_n + 1, hash_of_entry(session, origin, accepted_n) or "", entries, rows[-1][2])


def rows_in(body: str) -> int:
    """About how many rows an entry's stored text holds, at least one; counted without parsing it."""
    return max(1, body.count(ROW_BEGINS), len(body) // ROW_BYTES_MAX)


def hash_of_entry(session: Session, origin: str, n: int) -> str | None:
    """hash(n) of our own chain; the origin's beginning for 0; None when our chain is shorter (a restored file)."""
    if n == 0:
        return genesis(origin)
    query = select(JournalEntry.hash).where(JournalEntry.origin_id == origin, JournalEntry.n == n)
    return session.scalars(query).one_or_none()


_WAITING = "SELECT body, personal, hash FROM journal_entry WHERE origin_id = ? AND n > ? AND n <= ? ORDER BY n"
