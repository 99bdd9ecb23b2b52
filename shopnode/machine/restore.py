"""Putting books back from a backup.

Invariants:
  * The backup is proved whole, sound and of this shop before anything here is touched.
  * The books that are replaced are kept aside, whatever their state.
  * What was put back counts as a restore at the next start: the fence is taken away first, so that no interruption can
    leave old books that nobody takes for old.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from shopnode.config import Folder, Settings
from shopnode.domain import failpoints
from shopnode.domain.clock import Clock
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import Invalid
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import Installation
from shopnode.machine.backup import Backup, BackupUnusable, check_key, copy_out, examine, read_backup
from shopnode.machine.fence import Fence
from shopnode.machine.keys import KeyProblem, Keyring, key_from_recovery, key_mark, sync_folder, write_private
from shopnode.machine.lock import FolderLock

FILES = ("shop.db", "shop.db-wal", "shop.db-shm")


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    note: dict[str, Any]
    kept_aside: Path | None


def needs_recovery_key(folder: Folder, settings: Settings) -> bool:
    """Whether this computer has no key of these books yet."""
    return not Keyring(folder.keys(settings)).path.exists()


def restore(folder: Folder, settings: Settings, file: Path, clock: Clock, typed_key: str | None = None) -> Restored:
    """Put the books of a backup in their place. Nothing is changed if it raises BackupUnusable, Invalid, KeyProblem,
    FolderInUse."""
    import shopnode.domain.everything  # noqa: F401 — the tables that are counted

    backup = read_backup(file)
    keyring = Keyring(folder.keys(settings))
    key = _key(keyring, typed_key)
    check_key(backup, key)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FolderLock(folder.lock)
    lock.acquire()
    try:
        fresh = _prove(folder, backup, key)
        failpoints.hit("restore.proved")
        aside = _put_in_place(folder, settings, keyring, key, fresh, clock)
    finally:
        for leftover in folder.path.glob("shop.restoring*"):
            leftover.unlink(missing_ok=True)
        lock.release()
    return Restored(backup.note, aside)


def _key(keyring: Keyring, typed: str | None) -> bytes:
    if keyring.path.exists():
        return keyring.read()
    if typed is None:
        raise KeyProblem("This computer has no key of these books yet: the recovery key is needed.")
    try:
        return key_from_recovery(typed)
    except ValueError as fault:
        raise Invalid({"recovery key": str(fault)}, str(fault)) from None


def _prove(folder: Folder, backup: Backup, key: bytes) -> Path:
    """The backup's database, opened and counted, beside the books. Raises BackupUnusable."""
    fresh = folder.path / "shop.restoring"
    copy_out(backup, fresh)
    database = NodeDatabase(fresh, key)
    try:
        upgrade_node(database)
        found = examine(database)
        database.checkpoint()
    except DBAPIError as fault:
        raise BackupUnusable(f"{backup.path.name} cannot be opened by this program.") from fault
    finally:
        database.close()
    counts = {name: count for name, count in backup.note["counts"].items() if name in found["counts"]}
    if any(found["counts"][name] != count for name, count in counts.items()) or found["n"] != backup.note["n"]:
        raise BackupUnusable(f"{backup.path.name} does not hold what was counted when it was made. Use another backup.")
    _refuse_other_shop(folder, key, str(found["shop"]), backup)
    return fresh


def _refuse_other_shop(folder: Folder, key: bytes, shop_id: str, backup: Backup) -> None:
    """Books that still open say whose they are; damaged ones are why somebody restores."""
    if not folder.exists:
        return
    database = NodeDatabase(folder.database, key)
    try:
        with database.reading() as session:
            here = session.scalars(select(Installation.shop_id)).one_or_none()
    except DBAPIError:
        return
    finally:
        database.close()
    if here is not None and here != shop_id:
        raise BackupUnusable(f"{backup.path.name} is of another shop. Restore it into a folder of its own.")


def _put_in_place(
    folder: Folder, settings: Settings, keyring: Keyring, key: bytes, fresh: Path, clock: Clock
) -> Path | None:
    Fence(folder.fence(settings)).remove()
    failpoints.hit("restore.unfenced")
    aside = _keep_aside(folder, clock) if folder.exists else None
    failpoints.hit("restore.aside")
    for name in FILES[1:]:  # a log of other books beside these would be read into them
        (folder.path / name).unlink(missing_ok=True)
    write_private(folder.key_check, key_mark(key).encode() + b"\n")
    if not keyring.path.exists():
        keyring.put(key)
    fresh.replace(folder.database)
    sync_folder(folder.path)
    return aside


def _second_name(path: Path, other: Path) -> None:
    try:
        other.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, other)


def _keep_aside(folder: Folder, clock: Clock) -> Path:
    """The books as they are, under a second name: until the last step they are still in their place, too."""
    moment = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    aside = folder.path / f"replaced-{moment:%Y%m%d-%H%M%S}"
    number = 1
    while aside.exists():
        number += 1
        aside = folder.path / f"replaced-{moment:%Y%m%d-%H%M%S}-{number}"
    aside.mkdir(mode=0o700)
    for name in FILES:
        if (folder.path / name).exists():
            _second_name(folder.path / name, aside / name)
    sync_folder(aside)
    return aside
