"""Opening a shop: one process, the right key, sound pages; everything else is refused in words that help."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from shopnode.config import Settings
from shopnode.domain.clock import ManualClock
from shopnode.domain.engine import DatabaseUnusable
from shopnode.machine.founding import recover_key
from shopnode.machine.keys import KeyProblem
from shopnode.machine.lock import FolderInUse, FolderLock
from shopnode.machine.runtime import DAMAGED, Node, in_words
from shopnode.machine.storage import Closing
from tests.node.conftest import ShopOnDisk

PAGE_BYTES = 4096


def flip(path: Path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def test_a_folder_without_a_shop_says_how_to_begin_one(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"no shop.*shopnode init"):
        Node.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_another_shop_is_told_from_damage(new_shop: ShopOnDisk) -> None:
    new_shop.keyring.put(bytes(32))
    with pytest.raises(DatabaseUnusable, match=r"does not open this shop's books.*shopnode recover"):
        Node.open(new_shop.path)
    recover_key(new_shop.folder, Settings(), new_shop.recovery_key)
    with Node.open(new_shop.path):
        pass


def test_a_missing_key_is_refused(new_shop: ShopOnDisk) -> None:
    new_shop.keyring.path.unlink()
    with pytest.raises(KeyProblem):
        Node.open(new_shop.path)


def test_every_flipped_bit_is_found(shop: ShopOnDisk) -> None:
    """40 of them, anywhere in the file; the first page among them."""
    path = shop.folder.database
    size = path.stat().st_size
    chance = random.Random(7)
    positions = [0, 20, PAGE_BYTES - 1, size - 1, *(chance.randrange(size) for _ in range(36))]
    for position in positions:
        flip(path, position)
        with pytest.raises(DatabaseUnusable, match="are damaged"):
            Node.open(shop.path)
        flip(path, position)
    with Node.open(shop.path):
        pass


def test_damaged_books_say_what_to_do(shop: ShopOnDisk) -> None:
    flip(shop.folder.database, 5 * PAGE_BYTES)
    with pytest.raises(DatabaseUnusable) as refusal:
        Node.open(shop.path)
    assert "page 6" in str(refusal.value)
    assert "Stop selling on this computer" in str(refusal.value)
    assert DAMAGED.partition("(")[0] in str(refusal.value)


def test_large_books_are_checked_right_after_the_start_and_damage_stops_writing(shop: ShopOnDisk) -> None:
    size = shop.folder.database.stat().st_size
    flip(shop.folder.database, size - PAGE_BYTES // 2)
    node = Node.open(shop.path, Settings(verify_bytes_max=1024))
    node._verify_late()
    assert node.has_failed
    assert "nothing more is recorded" in " ".join(node.troubles())
    node.stop()


def test_two_processes_on_one_folder_are_refused_in_words(shop: ShopOnDisk) -> None:
    with Node.open(shop.path):
        program = (
            f"from shopnode.machine.runtime import Node; from pathlib import Path; Node.open(Path({str(shop.path)!r}))"
        )
        other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert other.returncode == 1
    assert "This shop is already open by process" in other.stderr
    with Node.open(shop.path):
        pass  # the lock went with its holder


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path / "lock"), FolderLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(FolderInUse) as refusal:
        second.acquire()
    assert refusal.value.pid
    first.release()
    second.acquire()
    second.release()


def test_a_refused_opening_lets_the_folder_go(shop: ShopOnDisk) -> None:
    flip(shop.folder.database, 5 * PAGE_BYTES)
    with pytest.raises(DatabaseUnusable):
        Node.open(shop.path)
    flip(shop.folder.database, 5 * PAGE_BYTES)
    with Node.open(shop.path):
        pass


def test_a_stopped_node_leaves_one_file_of_books(shop: ShopOnDisk) -> None:
    node = Node.open(shop.path)
    node.start()
    node.stop()
    node.stop()
    assert sorted(path.name for path in shop.path.glob("shop.db*")) == ["shop.db"]


def test_after_the_stop_nobody_writes_any_more(shop: ShopOnDisk) -> None:
    """A worker that was slow to end must not be a second writer beside the next process."""
    node = Node.open(shop.path)
    node.stop()
    with Node.open(shop.path), pytest.raises(Closing), node.home.writing():
        raise AssertionError("must not get here")


def test_a_clock_behind_the_last_entry_says_so(shop: ShopOnDisk) -> None:
    latest_ms = int(shop.read("SELECT latest_ms FROM installation"))
    with Node.open(shop.path, clock=ManualClock(latest_ms - 3 * 3_600_000)) as node:
        assert "3 hours behind" in " ".join(node.troubles())
    with Node.open(shop.path, clock=ManualClock(latest_ms + 1)) as node:
        assert node.troubles() == []


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "0 seconds"), (59_999, "59 seconds"), (60_000, "1 minute"), (7_200_000, "2 hours"), (90_000_000, "1 day")],
)
def test_spans_in_words(ms: int, words: str) -> None:
    assert in_words(ms) == words
