"""A backup of the whole hub: dumped, sealed, and really restored before it counts.

Invariants:
  * A file bears the name of a backup only after it was read back from where it lies, restored into an empty database,
    and every table, head and feed was found as it was when the dump began. Until then it is a hidden part of one.
  * Only then are entries called durable, up to the heads in that backup, and never fewer than before. Nodes may
    forget what is durable, so this is the one place that moves `origin.durable_n`.
  * Nothing lies unencrypted on any disk but the database's own: dump and restore pass through pipes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson
import psycopg
from sqlalchemy import text

from cloudhub.hub import Hub
from cloudhub.upkeep.databases import SCRATCH, CannotKeep, Keeper, keeper_of
from cloudhub.upkeep.envelope import (
    DATA,
    END,
    FRAME_BYTES,
    MANIFEST,
    BackupKey,
    BackupUnusable,
    SealedWriter,
    read_frames,
    read_or_make_key,
)  # fmt: skip
from cloudhub.upkeep.inventory import Inventory, differences, entries_in, in_words, take_inventory
from cloudhub.version import HUB_VERSION
from shopnode.domain import failpoints
from shopnode.domain.clock import to_datetime

SUFFIX = ".hubbackup"
KEY_FILE = "backup.key"

Say = Callable[[str], None]  # told what is being done


def quietly(step: str) -> None:
    """For whoever does not want to be told."""


@dataclass(frozen=True)
class Backup:
    """A backup that counts."""

    path: Path
    size: int
    tenants: int
    entries: int
    made_durable: int  # entries that became durable by it
    new_key: Path | None  # where the key lies, if it was made with this backup

    def document(self) -> dict[str, Any]:
        return {
            "path": str(self.path), "size": self.size, "tenants": self.tenants, "entries": self.entries,
            "made_durable": self.made_durable, "new_key": str(self.new_key) if self.new_key else None,
        }  # fmt: skip


def prefix_of(hub: Hub) -> str:
    """What the names of this hub's backups begin with, so that two hubs may share a folder."""
    return f"phoneshop-{hashlib.sha256(hub.identity.public_key.encode()).hexdigest()[:8]}-"


def key_file(hub: Hub) -> Path:
    """Where this hub's key for backups lies."""
    return hub.settings.backup_key or hub.settings.data / KEY_FILE


def make_backup(hub: Hub, folder: Path, say: Say = quietly) -> Backup:
    """A new backup in a folder, verified; the oldest beyond those that are kept are deleted then.

    Raises CannotKeep or BackupUnusable; then there is no new backup and nothing was called durable.
    """
    keeper = keeper_of(hub)
    keeper.check()
    with keeper.alone(), _in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _clear_parts(folder, prefix_of(hub))
        try:
            made = _make(hub, keeper, folder, say)
        except BaseException:
            _clear_parts(folder, prefix_of(hub))  # what is of no use takes no room
            raise
        for old in backups_in(folder, prefix_of(hub))[: -hub.settings.backup_keep]:
            old.unlink()
    return made


def _make(hub: Hub, keeper: Keeper, folder: Path, say: Say) -> Backup:
    key, is_new = read_or_make_key(key_file(hub), hub.random)
    name = prefix_of(hub) + to_datetime(hub.clock.wall_ms()).strftime("%Y%m%dT%H%M%SZ")
    part, path = folder / f".{name}.part", folder / f"{name}{SUFFIX}"
    say("Writing the backup")
    manifest = _write(hub, keeper, part, key)
    failpoints.hit("backup.written")
    say("Restoring it to see that it is whole")
    _verify(keeper, part, key, manifest)
    failpoints.hit("backup.verified")
    _give_name(part, path)
    failpoints.hit("backup.named")
    inventory = manifest["inventory"]
    return Backup(
        path=path,
        size=path.stat().st_size,
        tenants=len(inventory["feeds"]),
        entries=entries_in(inventory),
        made_durable=move_durable(hub, inventory),
        new_key=key_file(hub) if is_new else None,
    )


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """A disk that is full, read-only or gone, said to a person."""
    try:
        yield
    except OSError as fault:
        raise CannotKeep(f"The backup could not be written to {folder}: {fault.strerror or fault}.") from fault


def _write(hub: Hub, keeper: Keeper, part: Path, key: BackupKey) -> dict[str, Any]:
    """The sealed dump of one snapshot, with its inventory in front."""
    with keeper.connect(keeper.live) as connection, part.open("wb") as file, connection.transaction():
        part.chmod(0o600)
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert snapshot is not None
        manifest = {
            "made_at": hub.clock.wall_ms(), "software": HUB_VERSION, "inventory": take_inventory(connection),
        }  # fmt: skip
        sealed = SealedWriter(file, key, hub.random)
        _write_document(sealed, manifest)
        sealed.finish(_dump(keeper, snapshot[0], sealed))
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _write_document(sealed: SealedWriter, document: dict[str, Any]) -> None:
    words = orjson.dumps(document)
    for start in range(0, len(words), FRAME_BYTES):
        sealed.write(MANIFEST, words[start : start + FRAME_BYTES])


def _dump(keeper: Keeper, snapshot: str, sealed: SealedWriter) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    arguments = ("--format=custom", "--compress=gzip:3", f"--snapshot={snapshot}", "--lock-wait-timeout=60s")
    with keeper.program("pg_dump", *arguments, keeper.live).running(writes=True) as dump:
        while chunk := dump.read(FRAME_BYTES):
            digest.update(chunk)
            size += len(chunk)
            sealed.write(DATA, chunk)
            failpoints.hit("backup.chunk")
    return {"sha256": digest.hexdigest(), "size": size}


def _verify(keeper: Keeper, part: Path, key: BackupKey, manifest: dict[str, Any]) -> None:
    """Restore what lies on the disk into an empty database and count it."""
    with scratch_database(keeper, "check") as scratch:
        found = restore_into(keeper, scratch, part, key)
        if found != manifest:
            raise BackupUnusable("The backup does not say what was written into it. Use another disk.")


@contextmanager
def scratch_database(keeper: Keeper, name: str) -> Iterator[str]:
    """An empty database, gone at the end."""
    keeper.create(SCRATCH + name)
    try:
        yield SCRATCH + name
    finally:
        keeper.drop(SCRATCH + name)


def restore_into(
    keeper: Keeper, database: str, path: Path, key: BackupKey, look: Callable[[dict[str, Any]], None] = lambda _: None
) -> dict[str, Any]:
    """Restore a backup into an empty database and compare; the manifest. Raises BackupUnusable or CannotKeep.

    look  sees the manifest before anything is restored, and may raise
    """
    with path.open("rb") as file:
        # What lies on the disk is wanted, and not what the system still remembers of having written it.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        manifest, first, frames = _read_manifest(file, key)
        look(manifest)
        arguments = ("--exit-on-error", "--no-owner", f"--role={keeper.owner}", f"--dbname={database}")
        digest, size, end = hashlib.sha256(), 0, b""
        with keeper.program("pg_restore", *arguments).running(writes=False) as restore:
            for kind, plain in _chain(first, frames):
                if kind == END:
                    end = plain
                    continue
                digest.update(plain)
                size += len(plain)
                restore.write(plain)
    if orjson.loads(end) != {"sha256": digest.hexdigest(), "size": size}:
        raise BackupUnusable("This backup does not hold what was dumped. Use another one.")
    _compare(keeper, database, manifest["inventory"])
    return manifest


def read_manifest(path: Path, key: BackupKey) -> dict[str, Any]:
    """What a backup says of itself. Raises BackupUnusable."""
    with path.open("rb") as file:
        return _read_manifest(file, key)[0]


def _read_manifest(
    file: IO[bytes], key: BackupKey
) -> tuple[dict[str, Any], tuple[bytes, bytes], Iterator[tuple[bytes, bytes]]]:
    """The manifest, the frame after it, and the frames after that."""
    frames = read_frames(file, key)
    words = b""
    for kind, plain in frames:
        if kind != MANIFEST:
            return orjson.loads(words), (kind, plain), frames
        words += plain
    raise BackupUnusable("This backup holds nothing.")


def _chain(first: tuple[bytes, bytes], rest: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    yield first
    yield from rest


def _compare(keeper: Keeper, database: str, expected: Inventory) -> None:
    try:
        with keeper.connect(database) as connection:
            wrong = differences(expected, take_inventory(connection))
    except (psycopg.Error, ValueError):
        raise BackupUnusable("What was restored is not a hub's database. Use another backup.") from None
    if wrong:
        raise BackupUnusable(f"What was restored differs from what was dumped: {in_words(wrong)}.")


def move_durable(hub: Hub, inventory: Inventory) -> int:
    """Call the entries in a verified backup durable; how many became so. An entry that is not the one that was backed
    up (its chain has gone another way since) is left alone."""
    moved = 0
    for tenant_id, origins in inventory["origins"].items():
        with hub.database.session(tenant_id) as session:
            for origin_id, (n, digest) in origins.items():
                values = {"origin": origin_id, "n": n, "hash": digest}
                before = session.execute(_STANDS, values).scalar_one_or_none()
                if before is not None:
                    session.execute(_MOVE, values)
                    moved += n - before
    return moved


def _give_name(part: Path, path: Path) -> None:
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def backups_in(folder: Path, prefix: str) -> list[Path]:
    """The backups of one hub in a folder, oldest first: their names are their times."""
    return sorted(folder.glob(f"{prefix}*{SUFFIX}")) if folder.exists() else []


def _clear_parts(folder: Path, prefix: str) -> None:
    for part in folder.glob(f".{prefix}*.part"):
        part.unlink()


_STANDS = text("""
    SELECT o.durable_n FROM origin o JOIN journal_entry e ON e.tenant_id = o.tenant_id AND e.origin_id = o.id
    WHERE o.id = :origin AND e.n = :n AND e.hash = :hash AND o.durable_n < :n FOR UPDATE OF o
""")
_MOVE = text("UPDATE origin SET durable_n = :n WHERE id = :origin")
