"""A new data folder: its key, its empty books, and what makes them this shop's.

Invariants:
  * A folder is complete or it is not there: the books are made under another name and put in place last, so a start
    that was cut off can simply be repeated.
  * The recovery key is returned once, to be shown, and kept nowhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from shopnode.config import Folder, Settings
from shopnode.domain import failpoints
from shopnode.domain.clock import Clock, RandomBytes
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.setup import create_installation, found_business
from shopnode.machine.fence import Fence, place_of
from shopnode.machine.keys import (
    KEY_BYTES,
    KeyProblem,
    Keyring,
    key_from_recovery,
    key_mark,
    recovery_text,
    write_private,
)
from shopnode.machine.lock import FolderLock


class FolderTaken(Conflict):
    code = "folder-taken"

    def __init__(self, folder: Folder):
        super().__init__(f"{folder.path} holds a shop already. Name another folder with --data.")


@dataclass(frozen=True)
class NewShop:
    """What a person types to start a shop of their own, without a hub."""

    business_name: str
    shop_name: str
    shop_code: str
    owner_name: str
    owner_phone: str
    owner_password: str
    currency: str = "UGX"
    timezone: str = "Africa/Kampala"
    vat_rate_bp: int = 0


def found_standalone(folder: Folder, settings: Settings, new: NewShop, clock: Clock, random: RandomBytes) -> str:
    """A shop that begins alone, first of its series. Returns the recovery key."""

    def fill(database: NodeDatabase) -> None:
        create_installation(database, clock, random, series=new.shop_code.upper() + "1")
        database.guard()
        found_business(NodeHome(database, clock, random), **vars(new))

    return new_books(folder, settings, random, fill)


def new_books(folder: Folder, settings: Settings, random: RandomBytes, fill: Callable[[NodeDatabase], None]) -> str:
    """Make a data folder whose books `fill` has begun; nothing is left behind if it raises. Returns the recovery key.

    Raises FolderTaken, KeyProblem, FolderInUse, and what `fill` raises.
    """
    import shopnode.domain.everything  # noqa: F401 — the guard watches the tables it knows

    keyring = Keyring(folder.keys(settings))
    was_there = folder.path.exists()
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FolderLock(folder.lock)
    lock.acquire()
    try:
        if folder.exists:
            raise FolderTaken(folder)
        _clear_unfinished(folder, keyring)
        keyring.refuse_existing()
        key = random(KEY_BYTES)
        with _aside(folder, key) as database:
            upgrade_node(database)
            fill(database)
            with database.reading() as session:
                begun = place_of(session)
            database.checkpoint()
        write_private(folder.key_check, key_mark(key).encode() + b"\n")
        failpoints.hit("founding.before_key")
        keyring.put(key)
        fence = Fence(folder.fence(settings))
        fence.put(begun)
        fence.close()
        failpoints.hit("founding.before_place")
        _unfinished(folder).replace(folder.database)
        return recovery_text(key)
    except BaseException:
        if not folder.exists:
            _clear_unfinished(folder, keyring)
        raise
    finally:
        lock.release()
        if not was_there and not folder.exists:
            shutil.rmtree(folder.path, ignore_errors=True)


def recover_key(folder: Folder, settings: Settings, typed: str) -> None:
    """Put the database key back from what is on paper, if it opens these books.

    Raises Invalid for a mistyped key, KeyProblem when it belongs to other books or the right key is in place.
    """
    try:
        key = key_from_recovery(typed)
    except ValueError as fault:
        raise Invalid({"recovery key": str(fault)}, str(fault)) from None
    if not folder.exists:
        raise KeyProblem(f"There are no books in {folder.path} that a key could open.")
    keyring = Keyring(folder.keys(settings))
    lock = FolderLock(folder.lock)
    lock.acquire()
    try:
        if not _opens(folder, key):
            raise KeyProblem("This recovery key belongs to other books. Nothing was changed.")
        keyring.put(key)
        write_private(folder.key_check, key_mark(key).encode() + b"\n")
    finally:
        lock.release()


def _opens(folder: Folder, key: bytes) -> bool:
    database = NodeDatabase(folder.database, key)
    try:
        with database.reading() as session:
            session.execute(select(Installation.id)).one()
    except DBAPIError:
        return False
    else:
        return True
    finally:
        database.close()


def _unfinished(folder: Folder) -> Path:
    return folder.database.with_name("shop.unfinished")


@contextmanager
def _aside(folder: Folder, key: bytes) -> Iterator[NodeDatabase]:
    database = NodeDatabase(_unfinished(folder), key)
    try:
        yield database
    finally:
        database.close()


def _clear_unfinished(folder: Folder, keyring: Keyring) -> None:
    """Remove what a start that was cut off left behind. A key goes only if it is the one of these unfinished books."""
    began = _unfinished(folder)
    is_half_done = began.exists() and folder.key_check.exists() and keyring.path.exists()
    if is_half_done and key_mark(keyring.read()) == folder.key_check.read_text().strip():
        keyring.path.unlink()
    for path in (began, began.with_name(began.name + "-wal"), began.with_name(began.name + "-shm"), folder.key_check):
        path.unlink(missing_ok=True)
