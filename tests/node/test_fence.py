"""Books that were put back from a copy are noticed when they are opened, without a hub, before anything is sold."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from shopnode.config import Settings
from shopnode.domain.actions import perform
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.node import Installation
from shopnode.domain.origins import PastOrigin
from shopnode.machine.fence import RECORD_BYTES, Fence, Place
from shopnode.machine.runtime import Node
from shopnode.machine.storage import DiskFull, Space
from tests.node.conftest import ShopOnDisk

ORIGIN, OTHER = "01990000-0000-7000-8000-000000000001", "01990000-0000-7000-8000-000000000002"
DIGEST = "ab" * 32


@pytest.fixture
def shop(new_shop: ShopOnDisk) -> ShopOnDisk:
    return new_shop


def fence_of(shop: ShopOnDisk) -> Fence:
    return Fence(shop.folder.fence(Settings()))


def act(shop: ShopOnDisk, times: int = 1) -> str:
    """Record something, as the counter would; answers the series."""
    with Node.open(shop.path) as node:
        for _ in range(times):
            form = {"name": f"Cable {time.monotonic_ns()}", "category": "Cables", "price_minor": 1_000, "cost_minor": 1}
            perform(Context(node.home, CONSOLE, node.home.shop_id), "products.create", form)
        return node.home.series


def copy_away(shop: ShopOnDisk) -> Path:
    kept = shop.path.with_name("kept.db")
    shutil.copy(shop.folder.database, kept)
    return kept


def restores(shop: ShopOnDisk) -> int:
    return int(shop.read("SELECT count(*) FROM past_origin"))


def test_an_ordinary_start_is_no_restore(shop):
    assert act(shop, 3) == act(shop) == "TST1"
    assert restores(shop) == 0


def test_books_put_back_go_on_under_a_new_series_at_once(shop):
    act(shop)
    kept = copy_away(shop)
    act(shop)
    shutil.copy(kept, shop.folder.database)
    series = act(shop)
    assert series.startswith("TST1-")
    assert restores(shop) == 1
    assert act(shop) == series  # and only once


def test_books_put_back_are_not_opened_on_a_full_disk_and_say_so(shop, monkeypatch):
    """Nothing may be sold under the old series, and the new one cannot be recorded."""
    act(shop)
    kept = copy_away(shop)
    act(shop)
    shutil.copy(kept, shop.folder.database)
    with monkeypatch.context() as full, pytest.raises(DiskFull, match="Delete files nobody needs"):
        full.setattr(Space, "available", lambda space: 0)
        Node.open(shop.path)
    assert restores(shop) == 0
    assert act(shop).startswith("TST1-")
    assert restores(shop) == 1


def test_a_missing_fence_counts_as_a_restore(shop):
    act(shop)
    fence_of(shop).remove()
    assert act(shop) != "TST1"


def test_a_fence_that_cannot_be_read_counts_as_a_restore(shop):
    act(shop)
    path = fence_of(shop).path
    path.write_bytes(path.read_bytes().replace(b"0", b"1"))
    assert act(shop) != "TST1"


def test_a_fence_that_lags_changes_nothing(shop):
    act(shop)
    early = fence_of(shop).path.read_bytes()
    act(shop, 3)
    fence_of(shop).path.write_bytes(early)  # a power cut took its last seconds
    assert act(shop) == "TST1"
    assert restores(shop) == 0


def test_a_fence_of_an_origin_that_was_left_changes_nothing(shop):
    act(shop)
    before = fence_of(shop).path.read_bytes()
    fence_of(shop).remove()
    series = act(shop)
    fence_of(shop).path.write_bytes(before)  # the power went between the renewal and its fence
    assert act(shop) == series
    assert restores(shop) == 1


def test_another_history_of_the_same_length_is_noticed(shop):
    act(shop)
    kept = copy_away(shop)
    act(shop)
    ahead = fence_of(shop).path.read_bytes()
    shutil.copy(kept, shop.folder.database)
    fence_of(shop).remove()
    with Node.open(shop.path) as node, node.home.writing() as session:
        past = session.get_one(PastOrigin, 1)  # as if nobody had noticed the first time
        here = session.get_one(Installation, 1)
        here.origin_id, here.head_n, here.head_hash = past.origin_id, past.head_n, past.head_hash
        session.delete(past)
    act(shop)
    fence_of(shop).path.write_bytes(ahead)
    act(shop)
    assert restores(shop) == 1


def test_the_shop_sells_when_the_fence_cannot_be_written(shop, monkeypatch):
    act(shop)

    def fail(*_: object) -> int:
        raise OSError(28, "no space")

    monkeypatch.setattr("shopnode.machine.fence.os.pwrite", fail)
    assert act(shop, 2) == "TST1"


def test_a_fence_never_moves_back_within_its_origin(tmp_path):
    fence = Fence(tmp_path / "keys" / "fence")
    fence.put(Place(ORIGIN, 5, DIGEST))
    fence.move(Place(ORIGIN, 4, DIGEST))
    assert fence.read() == Place(ORIGIN, 5, DIGEST)
    fence.move(Place(OTHER, 1, DIGEST))
    assert fence.read() == Place(OTHER, 1, DIGEST)
    fence.close()


def test_a_record_is_one_write_whatever_its_number(tmp_path):
    fence = Fence(tmp_path / "fence")
    for n in (0, 10**12, 7):
        fence.put(Place(ORIGIN, n, DIGEST))
        assert fence.read() == Place(ORIGIN, n, DIGEST)
        assert fence.path.stat().st_size == RECORD_BYTES
    fence.close()


def test_a_fence_costs_a_sale_next_to_nothing(tmp_path):
    fence = Fence(tmp_path / "fence")
    begun = time.perf_counter()
    for n in range(2_000):
        fence.move(Place(ORIGIN, n, DIGEST))
    each_us = (time.perf_counter() - begun) / 2_000 * 1e6
    fence.close()
    assert each_us < 500  # measured 9; a sale takes some milliseconds


def test_only_the_owner_of_the_keys_reads_the_fence(shop):
    act(shop)
    assert os.stat(fence_of(shop).path).st_mode & 0o077 == 0
