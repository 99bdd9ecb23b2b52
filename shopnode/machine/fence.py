"""The fence: how far the journal has come, written where a copy of the books does not reach.

It stands beside the keys, outside the data folder. Books that are put back from a copy are older than their fence, and
that is noticed when they are opened, also without a hub, before the next receipt.

Invariants:
  * The fence is written after the commit it tells of, so it is never ahead of books that nobody put back. It may lag:
    it is synced by the housekeeping, not by every sale, so a power cut can cost it its last seconds. A fence that lags,
    or that names an origin the books have left, changes nothing.
  * A missing fence, an unreadable one, or one that is ahead means that the books were put back.
  * The shop sells whether or not the fence can be written.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation
from shopnode.domain.origins import origins_left
from sync_protocol.chain import genesis

log = logging.getLogger("shopnode.fence")

RECORD_BYTES = 160  # one write within one sector of the disk
SUM_SIGNS = 16


class Place(NamedTuple):
    """An entry of an origin."""

    origin: str
    n: int
    hash: str


class Fence:
    """The fence of one node. Writing moves it on only; `put` sets it, for books that were just begun."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        self._stands: Place | None = None
        self._failed = False

    def read(self) -> Place | None:
        """Where it stands; None when there is none that can be read."""
        try:
            return _parse(self.path.read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, place: Place) -> None:
        """Let it stand there, durable. Raises OSError."""
        with self._lock:
            self._open()
            self._write(place)
            assert self._file is not None
            os.fsync(self._file)

    def move(self, place: Place) -> None:
        """Let it stand there unless it is further already. One write without waiting for the disk; never raises."""
        with self._lock:
            stands = self._stands
            if stands is not None and stands.origin == place.origin and stands.n >= place.n:
                return
            try:
                self._open()
                self._write(place)
            except OSError:
                if not self._failed:
                    log.warning("the fence cannot be written", exc_info=True)
                self._failed = True

    def keep(self) -> None:
        """Wait until what was written is on the disk. Never raises."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is not None:
                os.fdatasync(self._file)

    def remove(self) -> None:
        """Let the next start count as one of books that were put back."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = self._stands = None

    def _open(self) -> None:
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def _write(self, place: Place) -> None:
        assert self._file is not None
        os.pwrite(self._file, _record(place), 0)
        self._stands, self._failed = place, False


def is_put_back(session: Session, fence: Fence) -> bool:
    """Whether these books are older than they have been. Books without an entry have nothing to be older than."""
    books = session.get_one(Installation, 1)
    stands = fence.read()
    if stands is None:
        return books.head_n > 0
    if stands.origin != books.origin_id:
        return stands.origin not in origins_left(session)
    if stands.n >= books.head_n:
        return (stands.n, stands.hash) != (books.head_n, books.head_hash)
    written = select(JournalEntry.hash).where(JournalEntry.origin_id == stands.origin, JournalEntry.n == stands.n)
    here = session.scalars(written).one_or_none() if stands.n else genesis(stands.origin)
    return here != stands.hash


def place_of(session: Session) -> Place:
    """Where the books stand."""
    return Place(*session.execute(select(Installation.origin_id, Installation.head_n, Installation.head_hash)).one())


def _record(place: Place) -> bytes:
    text = f"{place.origin} {place.n} {place.hash}"
    return f"{text} {_sum(text)}".encode().ljust(RECORD_BYTES - 1) + b"\n"


def _parse(record: bytes) -> Place:
    text, _, checked = record.decode("ascii").strip().rpartition(" ")
    if _sum(text) != checked:
        raise ValueError("not a whole record")
    origin, n, digest = text.split(" ")
    return Place(origin, int(n), digest)


def _sum(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:SUM_SIGNS]
