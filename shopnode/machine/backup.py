"""Backups of a shop's books: one encrypted file each, believed only after it was opened and counted.

The file is the database as SQLite's own backup copies it, under the same key as the books (why:
docs/decisions/0018-backups-have-the-key-of-the-books.md), followed by a note of what is in it, sealed with that key.

Invariants:
  * A backup gets its name only after every page, every link, the journal's chains and the counts were read from it.
  * The copy is one state of the books; the counter goes on selling while it is made.
  * Whatever is wrong with a file is told apart without touching the books: cut short, changed, another shop's.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlcipher3 import dbapi2 as sqlcipher

from shopnode.domain import failpoints
from shopnode.domain.db import synced_models
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import ShopError
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation
from shopnode.machine.examinations import chain_breaks
from shopnode.machine.keys import key_mark, sync_folder
from sync_protocol.canonical import canonical

log = logging.getLogger("shopnode.backup")

SUFFIX = ".shopbackup"
FORMAT = 1
MAGIC = b"PHONESHOP-BACKUP"
MAC_BYTES, LENGTH_BYTES = 32, 4
TAIL_BYTES = MAC_BYTES + LENGTH_BYTES + len(MAGIC)
NOTE_BYTES_MAX = 64 * 1024
CHUNK_BYTES = 1024 * 1024


class BackupUnusable(ShopError):
    """A file that is no whole backup of this shop; the words say what it is. Nothing was changed."""

    code, status = "backup-unusable", 422


class BackupFailed(ShopError):
    """No backup was made; the words say why."""

    code, status = "backup-failed", 500


@dataclass(frozen=True)
class Backup:
    """A file and the note at its end."""

    path: Path
    note: dict[str, Any]
    sealed: bytes  # the note as it is sealed
    mac: bytes


def make_backup(books: NodeDatabase, key: bytes, to: Path, *, now_ms: int, keep: int) -> Backup:
    """Copy the books into a folder, check the copy, and keep the newest ones. Raises BackupFailed."""
    try:
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = to / f".unfinished-{os.getpid()}{SUFFIX}"
        try:
            made = _make(books, key, unfinished, now_ms)
        finally:
            for leftover in to.glob(f"{unfinished.name}*"):
                leftover.unlink(missing_ok=True)
    except (OSError, sqlcipher.Error) as fault:
        raise BackupFailed(f"No backup was made in {to}: {_why(fault)}. The shop is not affected.") from fault
    _forget_old(to, made, keep)
    return made


def newest_backup(folder: Path) -> Path | None:
    """The backup that was made last in a folder, by its name."""
    return max(folder.glob(f"*{SUFFIX}"), key=lambda path: path.name[-len("20261122-160135" + SUFFIX) :], default=None)


def read_backup(path: Path) -> Backup:
    """The note at the end of a file, not believed yet. Raises BackupUnusable."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES)
            length = int.from_bytes(tail[MAC_BYTES : MAC_BYTES + LENGTH_BYTES], "big")
            if len(tail) < TAIL_BYTES or not tail.endswith(MAGIC) or not 0 < length <= NOTE_BYTES_MAX:
                raise BackupUnusable(
                    f"{path.name} is not a whole backup: it was cut short, or is another kind of file."
                )
            file.seek(size - TAIL_BYTES - length)
            sealed = file.read(length)
        note = orjson.loads(sealed)
        if note["format"] != FORMAT:
            raise BackupUnusable(f"{path.name} was made by a newer program. Update this one first.")
        if note["bytes"] != size - TAIL_BYTES - length:
            raise BackupUnusable(f"{path.name} is not a whole backup: a part of it is missing.")
    except OSError as fault:
        raise BackupUnusable(f"{path} cannot be read: {_why(fault)}.") from fault
    except (ValueError, KeyError, TypeError):
        raise BackupUnusable(f"{path.name} is damaged. Use another backup.") from None
    return Backup(path, note, sealed, tail[:MAC_BYTES])


def check_key(backup: Backup, key: bytes) -> None:
    """Raise BackupUnusable unless this key made the file."""
    if backup.note.get("key_mark") != key_mark(key):
        raise BackupUnusable(
            f"{backup.path.name} is not of this shop: its books have another key. Restore it into a folder of its own, "
            "with the recovery key of the shop that made it."
        )
    if not hmac.compare_digest(_mac(key, backup.sealed), backup.mac):
        raise BackupUnusable(f"{backup.path.name} is damaged, or somebody has changed it. Use another backup.")


def copy_out(backup: Backup, to: Path) -> None:
    """The database of a backup as a file of its own. Raises BackupUnusable if a byte of it differs."""
    digest, left = hashlib.sha256(), int(backup.note["bytes"])
    with backup.path.open("rb") as file, to.open("wb") as copy:
        to.chmod(0o600)
        while left and (chunk := file.read(min(CHUNK_BYTES, left))):
            digest.update(chunk)
            copy.write(chunk)
            left -= len(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if left or digest.hexdigest() != backup.note["sha256"]:
        raise BackupUnusable(f"{backup.path.name} is damaged: its content is not what was written. Use another backup.")


def examine(books: NodeDatabase) -> dict[str, Any]:
    """What is in a copy of books. Raises BackupUnusable unless every page, link and chain of it holds."""
    try:
        wrong = books.verify()
        with books.reading() as session:
            here = session.get_one(Installation, 1)
            wrong += chain_breaks(session)[1]
            tables = {str(name): model.__table__ for name, model in synced_models().items()}
            counts = {name: session.scalar(select(func.count()).select_from(table)) for name, table in tables.items()}
            counts["journal_entry"] = session.scalar(select(func.count()).select_from(JournalEntry))
    except Exception as unreadable:
        raise BackupUnusable("The copy cannot be opened and read whole.") from unreadable
    if wrong:
        raise BackupUnusable(f"The copy is not sound: {wrong[0]}.")
    return {
        "shop": here.shop_id, "series": here.series, "origin": here.origin_id, "n": here.head_n,
        "hash": here.head_hash, "counts": counts,
    }  # fmt: skip


def _make(books: NodeDatabase, key: bytes, unfinished: Path, now_ms: int) -> Backup:
    _copy(books.path, key, unfinished)
    failpoints.hit("backup.copied")
    copy = NodeDatabase(unfinished, key)
    try:
        found = examine(copy)
    except BackupUnusable as wrong:
        raise BackupFailed(f"No backup was made. {wrong} Let the doctor look at the books.") from wrong
    finally:
        copy.close()
    digest = hashlib.sha256()
    with unfinished.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    about = {"format": FORMAT, "made_at": now_ms, "key_mark": key_mark(key), **found}
    about |= {"bytes": unfinished.stat().st_size, "sha256": digest.hexdigest()}
    sealed = canonical(about)
    mac = _mac(key, sealed)
    with unfinished.open("ab") as file:
        file.write(sealed + mac + len(sealed).to_bytes(LENGTH_BYTES, "big") + MAGIC)
        file.flush()
        os.fsync(file.fileno())
    failpoints.hit("backup.sealed")
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    path = unfinished.with_name(f"{found['series']}-{moment:%Y%m%d-%H%M%S}{SUFFIX}")
    unfinished.replace(path)
    sync_folder(path.parent)
    return Backup(path, about, sealed, mac)


def _copy(source: Path, key: bytes, target: Path) -> None:
    """One state of the books; whoever writes goes on writing."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_connect(source, key)) as books, closing(_connect(target, key)) as copy:
        books.execute("PRAGMA query_only = ON")
        books.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode = DELETE")  # nothing of it may stand in a second file


def _connect(path: Path, key: bytes) -> Any:
    connection = sqlcipher.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("PRAGMA cipher_log_level = NONE")
    return connection


def _mac(key: bytes, sealed: bytes) -> bytes:
    derived = hmac.digest(key, b"phoneshop/v1/backup", "sha256")
    return hmac.digest(derived, sealed, "sha256")


def _forget_old(folder: Path, made: Backup, keep: int) -> None:
    """Only backups of the same installation are counted and removed; the newest `keep` stay."""
    base = str(made.note["series"]).partition("-")[0]
    stamp = len("20261122-160135" + SUFFIX)
    ours = [path for path in folder.glob(f"{base}-*{SUFFIX}") if path != made.path]
    for path in sorted(ours, key=lambda path: path.name[-stamp:], reverse=True)[max(0, keep - 1) :]:
        try:
            path.unlink()
        except OSError:
            log.warning("an old backup could not be removed")


def _why(fault: Exception) -> str:
    return fault.strerror or str(fault) if isinstance(fault, OSError) else str(fault)
