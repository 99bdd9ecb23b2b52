"""A running node: one process, one data folder, everything that works in it.

Opening takes the folder's lock, reads the key, checks the file, brings its tables up to date and installs the capture
guard, in this order, so that nothing is written into books that cannot be trusted. Starting adds the workers: the
spool, the exchange with the hub, the control socket and the housekeeping.

Invariants:
  * Nobody waits for a worker: a commit wakes them and returns.
  * `stop` leaves a file without a log beside it and gives the lock back last; whoever still wants to write by then
    is refused.
"""

from __future__ import annotations

import logging
import secrets
import socket
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from shopnode.config import Folder, Settings, data_folder
from shopnode.domain.clock import Clock, RandomBytes, SystemClock
from shopnode.domain.engine import DatabaseUnusable, NodeDatabase
from shopnode.domain.errors import ShopError
from shopnode.domain.node import Installation, NodeHome
from shopnode.machine.fence import Fence, is_put_back, place_of
from shopnode.machine.keys import Keyring, key_mark
from shopnode.machine.lock import FolderLock
from shopnode.machine.storage import ShopHome, Space

if TYPE_CHECKING:
    from shopnode.devices.spool import Spooler
    from shopnode.domain.jobs.running import JobRunner
    from shopnode.machine.backup import Backup
    from shopnode.machine.control import ControlServer
    from shopnode.sync.bell import BellListener
    from shopnode.sync.worker import SyncWorker

log = logging.getLogger("shopnode.node")

WAL_BYTES_MAX = 8 * 1024 * 1024  # a log that grew beyond this is folded in by the housekeeping
CLOCK_BEHIND_MS = 2 * 60_000
JOBS_TICK_S = 10  # how often it is looked whether a job is due
NO_SHOP = "There is no shop in {}. Begin one with: shopnode init --data DIR, or shopnode enrol --data DIR"
WRONG_KEY = (
    "The key in {} does not open this shop's books: it belongs to another shop or an earlier one. Put the right key "
    "back, or restore it from the recovery key: shopnode recover --data DIR"
)
DAMAGED = (
    "The shop's books are damaged ({}). Nothing was changed. Stop selling on this computer, copy the folder {} to "
    "another disk as it is, and start from a backup; what the hub has is safe there."
)


class Node:
    """One shop's node. Open it, start it, stop it."""

    def __init__(
        self, folder: Folder, settings: Settings, lock: FolderLock, database: NodeDatabase, home: ShopHome,
        space: Space, fence: Fence,
    ):  # fmt: skip
        from shopnode.devices.jobs import render_job
        from shopnode.devices.spool import Spooler
        from shopnode.domain.jobs import daily  # noqa: F401 — they register themselves
        from shopnode.domain.jobs.running import JobRunner
        from shopnode.domain.printing.store import JobStore
        from shopnode.sync.bell import BellListener
        from shopnode.sync.worker import SyncWorker

        self.folder = folder
        self.settings = settings
        self.database = database
        self.home: NodeHome = home
        self._disk_home = home
        self.space = space
        self.address: str | None = None  # where the counter answers, while it does
        self.spool: Spooler = Spooler(JobStore(home, home.clock), render_job(home))
        software = f"phoneshop {version('phoneshop')}"
        self.sync: SyncWorker = SyncWorker(home, software=software, device=socket.gethostname())
        self.bell: BellListener | None = None
        if settings.bell:
            self.bell = BellListener(home, self.sync.wake)
            self.sync.is_listening = self.bell.is_steady
        self.control: ControlServer | None = None
        self.jobs: JobRunner = JobRunner(home)
        self._worker: threading.Thread | None = None
        self.backup_trouble: str | None = None  # why the last backup that was due is missing
        self._lock = lock
        self._fence = fence
        self._stop = threading.Event()
        self._upkeep: threading.Thread | None = None
        self._is_open = True

    @classmethod
    def open(
        cls,
        data_dir: Path,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        random: RandomBytes = secrets.token_bytes,
    ) -> Node:
        """Open a shop's folder. Raises FolderInUse, KeyProblem, DatabaseUnusable, each saying what to do."""
        folder, settings = data_folder(data_dir), settings or Settings()
        if not folder.exists:
            raise DatabaseUnusable(NO_SHOP.format(folder.path))
        lock = FolderLock(folder.lock)
        lock.acquire()
        try:
            database = open_books(folder, settings)
            try:
                space = Space(folder.ballast, settings.ballast_bytes, settings.disk_reserve_bytes)
                fence = Fence(folder.fence(settings))
                home = ShopHome(database, clock or SystemClock(), random, space, fence)
                notice_restore(home, fence)
                return cls(folder, settings, lock, database, home, space, fence)
            except BaseException:
                database.close()
                raise
        except BaseException:
            lock.release()
            raise

    def start(self) -> None:
        """Begin printing, sending, answering commands and keeping house."""
        from shopnode.machine.control import ControlServer

        self.home.listeners += [self.spool.wake, self.sync.wake]
        self.space.keep_ballast()
        self.spool.start()
        self.sync.start()
        if self.bell is not None:
            self.bell.start()
        self.control = ControlServer(self)
        self.control.start()
        self._upkeep = threading.Thread(target=self._keep_house, name="upkeep", daemon=True)
        self._upkeep.start()
        self._worker = threading.Thread(target=self._do_jobs, name="jobs", daemon=True)
        self._worker.start()
        if self.clock_behind_ms() > CLOCK_BEHIND_MS:
            log.warning("clock behind", extra={"figures": {"behind_ms": self.clock_behind_ms()}})
        log.info("started", extra={"figures": {"origin": self.home.origin_id}})

    def stop(self) -> None:
        """End every worker, fold the log into the file, let the folder go. Harmless when repeated."""
        if not self._is_open:
            return
        self._is_open = False
        self._stop.set()
        if self._upkeep is not None:
            assert self.control is not None
            self.control.stop()
            self.sync.stop()
            if self.bell is not None:
                self.bell.stop()
            self.spool.stop()
            self._upkeep.join(5)
            if self._worker is not None:
                self._worker.join(5)
            log.info("stopped")
        self._disk_home.close()
        try:
            if not self.has_failed:
                self.database.checkpoint()
        except Exception:
            log.exception("the last checkpoint failed; the log stays beside the file, and nothing is lost")
        self._keep_fence()
        self._fence.close()
        self.database.close()
        self._lock.release()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    @property
    def has_failed(self) -> bool:
        """Whether the disk or the books failed since the start; nothing is written then."""
        return self._disk_home.has_failed

    def clock_behind_ms(self) -> int:
        """How far the clock is behind the latest time ever recorded here; 0 or less when it is not."""
        with self.home.reading() as session:
            latest_ms = session.scalars(select(Installation.latest_ms)).one()
        return latest_ms - self.home.clock.wall_ms()

    def troubles(self) -> list[str]:
        """What a person must know now, in words; empty when all is well."""
        found = []
        if self.has_failed:
            found.append("This computer's disk does not work properly: nothing more is recorded. Restart it.")
        if self.space.is_short():
            found.append("The disk is full: new sales are refused until there is room.")
        if self.backup_trouble is not None:
            found.append(self.backup_trouble)
        behind_ms = self.clock_behind_ms()
        if behind_ms > CLOCK_BEHIND_MS:
            found.append(f"This computer's clock is {in_words(behind_ms)} behind. Set it to the right time.")
        return found

    def _keep_house(self) -> None:
        if self._unverified():
            self._verify_late()
        while not self._stop.wait(self.settings.upkeep_s):
            try:
                self.space.keep_ballast()
                self._keep_fence()
                self._back_up_when_due()
                if _size(self.folder.database.with_name("shop.db-wal")) > WAL_BYTES_MAX:
                    self.database.checkpoint()
            except Exception:
                log.exception("housekeeping failed; it is tried again")

    def _do_jobs(self) -> None:
        """The one runner of this shop. Messages go out from here only where no hub has the books, too."""
        while not self._stop.wait(JOBS_TICK_S):
            try:
                sends = self.sync.status().state == "not-enrolled"
                self.jobs.run_due(sends=sends, troubles=self.troubles())
            except Exception:
                log.exception("the jobs could not be looked at; it is tried again")

    def back_up(self, to: Path | None = None) -> Backup:
        """Copy the books into a folder, checked. Raises BackupFailed; the shop goes on either way."""
        from shopnode.machine.backup import make_backup

        key = Keyring(self.folder.keys(self.settings)).read()
        folder = to or self.settings.backup_dir or self.folder.backups
        return make_backup(
            self.database, key, folder.expanduser().absolute(), now_ms=self.home.clock.wall_ms(),
            keep=self.settings.backup_keep,
        )  # fmt: skip

    def _back_up_when_due(self) -> None:
        from shopnode.machine.backup import newest_backup

        folder = self.settings.backup_dir
        if folder is None:
            return
        newest = newest_backup(folder)
        age_s = self.home.clock.wall_ms() // 1000 - newest.stat().st_mtime if newest else None
        # A time in the future says nothing: the clock was wrong when it was made, or is now.
        if age_s is not None and 0 <= age_s < self.settings.backup_hours * 3600:
            return
        try:
            made = self.back_up()
        except Exception as fault:
            if self.backup_trouble is None:
                log.exception("no backup")
            self.backup_trouble = str(fault) if isinstance(fault, ShopError) else "The last backup failed; see the log."
        else:
            self.backup_trouble = None
            log.info("backed up", extra={"figures": {"entries": made.note["n"]}})

    def _keep_fence(self) -> None:
        """Sync it, and let it stand where the books do: settling a restore moves them without an act of the counter."""
        with suppress(Exception):
            with self.home.reading() as session:
                self._fence.move(place_of(session))
            self._fence.keep()

    def _unverified(self) -> bool:
        return _size(self.folder.database) > self.settings.verify_bytes_max

    def _verify_late(self) -> None:
        """Check large books while the shop is open already; damage stops all writing."""
        try:
            wrong = self.database.verify()
        except Exception:
            log.exception("the books could not be read whole")
            wrong = ["unreadable"]
        if wrong:
            log.error("books damaged", extra={"figures": {"found": wrong[:3]}})
            self._disk_home.fail()


def notice_restore(home: NodeHome, fence: Fence) -> None:
    """Books that were put back from a copy go on under a new origin, before anything is sold from them."""
    from shopnode.sync.renew import renew

    with home.reading() as session:
        put_back = is_put_back(session, fence)
    if put_back:
        renew(home, "restored")
        log.warning("restored", extra={"figures": {"origin": home.origin_id}})
    with home.reading() as session:
        fence.move(place_of(session))
    fence.keep()


def open_books(folder: Folder, settings: Settings) -> NodeDatabase:
    """The shop's database, checked, up to date and guarded. Raises KeyProblem, DatabaseUnusable."""
    import shopnode.domain.everything  # noqa: F401 — the guard watches the tables it knows
    from shopnode.domain.migrate import upgrade_node

    keyring = Keyring(folder.keys(settings))
    key = keyring.read()
    _refuse_wrong_key(folder, keyring, key)
    database = NodeDatabase(folder.database, key)
    try:
        if _size(folder.database) <= settings.verify_bytes_max:
            refuse_damage(folder, database)
        upgrade_node(database)
        database.guard()
    except BaseException:
        database.close()
        raise
    return database


def refuse_damage(folder: Folder, database: NodeDatabase) -> None:
    """Read every page. Raises DatabaseUnusable, saying what to do, if one is not what was written."""
    try:
        wrong = database.verify()
    except Exception as unreadable:
        raise DatabaseUnusable(DAMAGED.format(_first_damage(database), folder.path)) from unreadable
    if wrong:
        raise DatabaseUnusable(DAMAGED.format(wrong[0], folder.path))


def _first_damage(database: NodeDatabase) -> str:
    """The first page that is not what was written, where at least that can be told."""
    try:
        with database.reading() as session:
            found = session.connection().exec_driver_sql("PRAGMA cipher_integrity_check").scalars().first()
    except Exception:
        return "they cannot be read at all"
    return str(found or "they cannot be read")


def in_words(ms: int) -> str:
    """A span of time for people: "3 hours"."""
    for name, size in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)):
        if ms >= size:
            return f"{ms // size} {name}{'s' if ms >= 2 * size else ''}"
    return f"{ms // 1000} seconds"


def _refuse_wrong_key(folder: Folder, keyring: Keyring, key: bytes) -> None:
    """SQLCipher cannot tell a wrong key from a damaged first page; the mark can."""
    if folder.key_check.exists() and folder.key_check.read_text(encoding="ascii").strip() != key_mark(key):
        raise DatabaseUnusable(WRONG_KEY.format(keyring.path))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
