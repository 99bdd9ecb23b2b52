"""The disk under the books: room kept aside, and what happens when it runs out or fails.

Invariants:
  * A sale is refused before anything is written and before money is taken, while there is still room for what must
    go on: closing the drawer, printing, sending. The ballast is what that room is made of.
  * After an input/output error nothing is written any more: what a later write would rest on is unknown.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlcipher3 import dbapi2 as sqlcipher

from shopnode.domain.clock import Clock, RandomBytes
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import ShopError
from shopnode.domain.homes import Appended
from shopnode.domain.journal import EntryDraft
from shopnode.domain.node import NodeHome
from shopnode.domain.numbers import ends_something
from shopnode.machine.fence import Fence, Place

SPENT_BYTES = 2 * 1024 * 1024  # with less than this even a small write may stop half-way
_CHUNK = bytes(1024 * 1024)


class DiskFull(ShopError):
    code, status = "disk-full", 507

    def __init__(self) -> None:
        super().__init__(
            "This computer's disk is full. Nothing was recorded, so take no money. "
            "Delete files nobody needs; selling then goes on by itself."
        )


class StorageFailed(ShopError):
    code, status = "storage-failed", 503

    def __init__(self) -> None:
        super().__init__(
            "This computer's disk does not work properly. Nothing was recorded, so take no money. "
            "Restart the computer; if this comes back, the disk must be replaced."
        )


class Closing(ShopError):
    code, status = "closing", 503

    def __init__(self) -> None:
        super().__init__("The shop's computer is being stopped. Nothing was changed. Try again when it is back.")


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class Space:
    """Free room on the disk of the data folder, and the ballast that is let go when it runs short."""

    def __init__(self, ballast: Path, ballast_bytes: int, reserve_bytes: int, free: Callable[[Path], int] = free_bytes):
        self._path = ballast
        self._ballast_bytes = ballast_bytes
        self._reserve_bytes = reserve_bytes
        self._free = free
        self._lock = threading.Lock()

    def available(self) -> int:
        """Bytes that are free or would be without the ballast."""
        return self._free(self._path.parent) + self._held()

    def is_short(self) -> bool:
        """Whether nothing new may be begun. Lets go of the ballast if so."""
        short = self.available() < self._reserve_bytes + self._ballast_bytes
        if short:
            self.release()
        return short

    def is_spent(self) -> bool:
        """Whether not even small writes may be tried."""
        return self._reserve_bytes > 0 and self.available() < SPENT_BYTES

    def keep_ballast(self) -> None:
        """Put the ballast in place if there is ample room for it."""
        with self._lock:
            ample = self._reserve_bytes + 2 * self._ballast_bytes
            if self._held() >= self._ballast_bytes or self.available() < ample:
                return
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                left = self._ballast_bytes
                while left > 0:  # written, not set by truncate: a sparse file holds no room
                    left -= file.write(_CHUNK[:left])

    def release(self) -> None:
        self._path.unlink(missing_ok=True)

    def _held(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0


class ShopHome(NodeHome):
    """The node's home on a real disk: every write passes here and is refused in words when it cannot be kept."""

    def __init__(
        self, database: NodeDatabase, clock: Clock, random: RandomBytes, space: Space, fence: Fence | None = None
    ):
        super().__init__(database, clock, random)
        self._space = space
        self._fence = fence
        self._reached: Place | None = None  # by the transaction at hand
        self._failed = threading.Event()
        self._closed = threading.Event()

    @property
    def has_failed(self) -> bool:
        """Whether the disk or the file has failed since the start."""
        return self._failed.is_set()

    def fail(self) -> None:
        """Stop writing for good: the file or its disk cannot be trusted."""
        self._failed.set()

    def close(self) -> None:
        """Refuse every further write: soon another process may have the folder."""
        self._closed.set()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if self._closed.is_set():
            raise Closing
        if self.has_failed:
            raise StorageFailed
        if self._space.is_spent():
            raise DiskFull
        try:
            with super().writing() as session:
                self._reached = None
                yield session
                reached = self._reached
        except (DBAPIError, sqlcipher.Error) as fault:  # hot paths talk to the driver itself
            raise self._in_words(fault) from fault
        if reached is not None and self._fence is not None:
            self._fence.move(reached)  # before anything is printed: committed() comes after this

    def append(self, session: Session, draft: EntryDraft, fingerprint: str, result: str) -> Appended:
        appended = super().append(session, draft, fingerprint, result)
        self._reached = Place(self.origin_id, appended.n, appended.hash)
        return appended

    def next_number(self, session: Session, series: str) -> int:
        # A number begins something that people rely on. On a full disk it is not begun: the transaction rolls back.
        if self._space.is_short() and not ends_something(series):
            raise DiskFull
        return super().next_number(session, series)

    def _in_words(self, fault: Exception) -> Exception:
        text = str(fault.orig if isinstance(fault, DBAPIError) else fault).lower()
        if "disk is full" in text:
            self._space.release()
            return DiskFull()
        if any(sign in text for sign in ("disk i/o error", "malformed", "not a database")):
            self.fail()
            return StorageFailed()
        return fault
