"""A disk that is full or fails: refused before money is taken, and nothing is written on what is unknown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from shopnode.config import Settings
from shopnode.domain.actions import perform
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.printing.models import Printer
from shopnode.machine.runtime import Node
from shopnode.machine.storage import SPENT_BYTES, DiskFull, Space, StorageFailed

MIB = 2**20
A_SALE = {
    "items": [{"item_name": "Repair", "unit_price": 5_000, "category": "Services", "unit_cost": 0}],
    "payments": [{"method": "cash", "amount": 5_000}],
}


class Disk:
    """A disk whose free room a test decides; files written to it take room for real."""

    def __init__(self, free: int):
        self.free = free

    def __call__(self, folder: Path) -> int:
        used = sum(path.stat().st_size for path in folder.iterdir() if path.name == "ballast")
        return self.free - used


def space_on(tmp_path: Path, free: int) -> tuple[Space, Disk]:
    disk = Disk(free)
    return Space(tmp_path / "ballast", 4 * MIB, 4 * MIB, disk), disk


def test_the_ballast_is_real_bytes_and_is_let_go_when_room_runs_short(tmp_path: Path) -> None:
    space, disk = space_on(tmp_path, 100 * MIB)
    space.keep_ballast()
    assert (tmp_path / "ballast").stat().st_blocks * 512 >= 4 * MIB
    assert not space.is_short()
    disk.free = 7 * MIB
    assert space.is_short()
    assert not (tmp_path / "ballast").exists()
    assert space.is_short(), "what the ballast gave is for finishing, not for new sales"
    assert not space.is_spent()


def test_the_ballast_comes_back_with_ample_room_only(tmp_path: Path) -> None:
    space, disk = space_on(tmp_path, 11 * MIB)
    space.keep_ballast()
    assert not (tmp_path / "ballast").exists()
    disk.free = 13 * MIB
    space.keep_ballast()
    assert (tmp_path / "ballast").exists()


def sell(node: Node) -> dict[str, Any]:
    ctx = Context(node.home, CONSOLE, node.home.shop_id)
    return perform(ctx, "sales.sell", A_SALE).result


def counted(node: Node) -> tuple[int, ...]:
    with node.home.reading() as session:
        tables = ("sale", "sale_line", "payment", "journal_entry", "stock_movement", "sale_summary")
        return tuple(session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables)


def test_a_sale_on_a_full_disk_is_refused_whole_and_the_drawer_can_still_be_closed(node: Node) -> None:
    sell(node)
    before = counted(node)
    node.space._free = lambda folder: 20 * MIB  # less than ballast and reserve together
    with pytest.raises(DiskFull, match="take no money"):
        sell(node)
    assert counted(node) == before
    assert "disk is full" in " ".join(node.troubles())
    closed = perform(Context(node.home, CONSOLE, node.home.shop_id), "cash.close_drawer", {"counted": 1}).result
    assert closed["counted"] == 1
    node.space._free = lambda folder: 10_000 * MIB
    perform(Context(node.home, CONSOLE, node.home.shop_id), "cash.open_drawer", {"opening_float": 0})
    number = sell(node)["number"]
    with node.home.reading() as session:
        assert session.scalar(text("SELECT max(number) FROM sale")) == number  # the refused one took no number


def test_with_nothing_left_not_even_small_writes_are_tried(node: Node) -> None:
    node.space._free = lambda folder: SPENT_BYTES - 1
    with pytest.raises(DiskFull), node.home.writing():
        raise AssertionError("must not get here")
    with node.home.reading() as session:
        assert session.scalars(text("SELECT count(*) FROM sale")).one() > 0  # reading goes on


def test_a_disk_that_fills_up_in_the_middle_loses_nothing(node: Node) -> None:
    """The engine's own "database or disk is full", from a page limit."""
    node.space.keep_ballast()
    before = counted(node)
    with node.database.raw_writer().connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        for _ in range(200):
            sell(node)
    assert not node.folder.ballast.exists()
    done = counted(node)[0] - before[0]
    with node.database.raw_writer().connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 4294967294")
    sell(node)
    assert counted(node)[0] == before[0] + done + 1


def test_after_an_input_output_error_nothing_is_written_any_more(node: Node) -> None:
    failure = OperationalError("INSERT", {}, Exception("disk I/O error"))
    with pytest.raises(StorageFailed), node.home.writing():
        raise failure
    assert node.has_failed
    with pytest.raises(StorageFailed, match="take no money"):
        sell(node)
    with node.home.reading() as session:
        assert session.query(Printer).count() == 0
    assert "Restart it" in " ".join(node.troubles())


def test_other_database_errors_stay_what_they_are(node: Node) -> None:
    with pytest.raises(OperationalError), node.home.writing() as session:
        session.execute(text("SELECT * FROM nowhere"))
    assert not node.has_failed
    sell(node)


def test_settings_can_do_without_ballast(shop: Any) -> None:
    with Node.open(shop.path, Settings(ballast_bytes=0, disk_reserve_bytes=0)) as node:
        node.space._free = lambda folder: 0
        sell(node)


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """A small disk in a mount of its own, filled by somebody else's file: reading, refusing and recovering for real."""
    script = f"mount -t tmpfs -o size=64m tmpfs {tmp_path} && exec {sys.executable} -m tests.node.full_disk {tmp_path}"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("needs root, to mount a small disk")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        ["TST1-000001", "done"],
        ["disk-full", "done"],  # no new sale is begun; what the ballast gave is for finishing
        ["disk-full", "disk-full"],
        ["TST1-000002", "done"],  # the refused ones took no number
    ]
