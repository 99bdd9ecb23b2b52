"""Shops whose computers are restored from copies, and the question whether both sides hold the same afterwards."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import select

from shopnode.domain.db import Stream, synced_columns, synced_models
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import NodeHome
from shopnode.domain.origins import PastOrigin
from shopnode.sync.renew import renew
from shopnode.sync.worker import SyncWorker
from tests.shop import KEY, Shop
from tests.sync.chain_of_shops import Branch, Company

LOCAL = ("feed_no",)


def copy_books(branch: Branch) -> Path:
    """The books as they are now, as a backup would keep them."""
    branch.database.checkpoint()
    copy = branch.database.path.with_name(f"copy-{random.randrange(10**9)}.db")
    shutil.copy(branch.database.path, copy)
    return copy


def put_back(branch: Branch, copy: Path, *, noticed: bool = True) -> None:
    """Begin again from a copy; `noticed` as the fence does, before anything is sold."""
    branch.worker.stop()
    branch.database.close()
    for name in ("shop.db-wal", "shop.db-shm"):
        branch.database.path.with_name(name).unlink(missing_ok=True)
    shutil.copy(copy, branch.database.path)
    reopen(branch)
    if noticed:
        renew(branch.shop.home, "restored")


def reopen(branch: Branch) -> None:
    """The same books in a new process."""
    database = NodeDatabase(branch.database.path, KEY)
    database.guard()
    clock = branch.shop.clock
    clock.advance(1_500)  # a start takes a moment, and runs are told apart by the second
    home = NodeHome(database, clock, random.SystemRandom().randbytes)
    branch.database, branch.shop = database, Shop(home, clock, branch.shop.people)
    branch.worker = SyncWorker(home, software="tests", transport=branch.line, chance=lambda: 0.5)


def copy_of(branch: Branch, folder: Path) -> Branch:
    """A second PC with the same books and the same identity."""
    folder.mkdir()
    branch.database.checkpoint()
    shutil.copy(branch.database.path, folder / "shop.db")
    made = Branch(
        branch.shop, type(branch.line)(branch.line._app), branch.worker, NodeDatabase(folder / "shop.db", KEY)
    )
    reopen(made)
    return made


def settle(*branches: Branch) -> None:
    """Exchange until nothing moves; clocks go on, as they do."""
    for _ in range(4):
        for branch in branches:
            branch.shop.clock.advance(1_000)
            branch.worker.run_once()


def differences(company: Company, branch: Branch) -> list[str]:
    """Rows that are not the same at the hub and in this shop, of all that the shop is sent."""
    found = []
    with company.hub.home(company.tenant_id).reading() as hub, branch.shop.home.reading() as node:
        for name, model in synced_models().items():
            here, there = (_rows(session, model, branch) for session in (node, hub))
            for row_id in here.keys() | there.keys():
                if here.get(row_id) != there.get(row_id):
                    found.append(f"{name} {row_id}: here {here.get(row_id)}, hub {there.get(row_id)}")
    return found


def _rows(session: Any, model: Any, branch: Branch) -> dict[str, tuple[Any, ...]]:
    names = synced_columns(model.__table__, model.__sync__)
    query = select(model)
    if model.__sync__.stream is Stream.SHOP:
        query = query.where(model.shop_id == branch.shop.home.shop_id)
    return {row.id: tuple(getattr(row, name) for name in names) for row in session.scalars(query)}


def journal(branch: Branch) -> list[JournalEntry]:
    return branch.shop.rows(JournalEntry)


def past(branch: Branch) -> list[PastOrigin]:
    return sorted(branch.shop.rows(PastOrigin), key=lambda row: row.id)
