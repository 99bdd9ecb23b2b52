"""Backups are believed once they were opened and counted; a restore touches nothing before it knows what it has."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shopnode.config import Settings, data_folder
from shopnode.domain.actions import perform
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import CONSOLE, Context
from shopnode.machine.backup import SUFFIX, BackupFailed, make_backup, read_backup
from shopnode.machine.founding import found_standalone
from shopnode.machine.restore import restore
from shopnode.machine.runtime import Node
from tests.node.conftest import NEW_SHOP, ShopOnDisk, run_cli


@pytest.fixture
def small(new_shop: ShopOnDisk) -> ShopOnDisk:
    return new_shop


def act(shop: ShopOnDisk, name: str) -> None:
    with Node.open(shop.path) as node:
        form = {"name": name, "category": "Cables", "price_minor": 1_000, "cost_minor": 1}
        perform(Context(node.home, CONSOLE, node.home.shop_id), "products.create", form)


def products(shop: ShopOnDisk) -> int:
    return int(shop.read("SELECT count(*) FROM product"))


def back_up(shop: ShopOnDisk, to: Path) -> Path:
    return Path(shop.document("backup", "--to", str(to))["file"])


def series(shop: ShopOnDisk) -> str:
    with Node.open(shop.path) as node:
        return node.home.series


def refused(shop: ShopOnDisk, file: Path) -> str:
    before = shop.folder.database.read_bytes()
    fence = shop.folder.fence(Settings()).read_bytes()
    result = shop.run("restore", str(file))
    assert result.exit_code == 1, result.output
    assert shop.folder.database.read_bytes() == before
    assert shop.folder.fence(Settings()).read_bytes() == fence
    assert not list(shop.path.glob("shop.restoring*"))
    assert not list(shop.path.glob("replaced-*"))
    return result.output


def test_books_come_back_as_they_were_and_go_on_under_a_new_series(small, tmp_path):
    act(small, "Cable")
    file = back_up(small, tmp_path / "stick")
    act(small, "Charger")
    answer = small.document("restore", str(file))
    assert products(small) == 1
    assert answer["n"] == read_backup(file).note["n"]
    assert series(small).startswith("TST1-")
    kept = Path(answer["kept_aside"])
    assert kept.is_dir()
    assert (kept / "shop.db").stat().st_size > 0
    assert small.document("doctor")["ok"]


def test_the_books_that_are_replaced_can_be_opened_where_they_are_kept(small, tmp_path):
    file = back_up(small, tmp_path)
    act(small, "Charger")
    kept = Path(small.document("restore", str(file))["kept_aside"])
    small.document("doctor")
    for name in ("shop.db", "shop.db-wal", "shop.db-shm"):
        (small.path / name).unlink(missing_ok=True)
    shutil.copy(kept / "shop.db", small.folder.database)
    assert products(small) == 1


def test_a_new_computer_needs_the_file_and_the_recovery_key_and_nothing_else(small, tmp_path):
    act(small, "Cable")
    file = back_up(small, tmp_path / "stick")
    other = ShopOnDisk(tmp_path / "new" / "shop", small.recovery_key)
    other.path.parent.mkdir()
    paper = tmp_path / "paper"
    paper.write_text(small.recovery_key)
    answer = other.document("restore", str(file), "--recovery-key-file", str(paper))
    assert answer["kept_aside"] is None
    assert products(other) == 1
    assert series(other).startswith("TST1-")


def test_a_wrong_recovery_key_opens_nothing(small, tmp_path):
    file = back_up(small, tmp_path)
    other = tmp_path / "new"
    words = run_cli("restore", str(file), "--data", str(other), stdin="AAAA-BBBB\n")
    assert words.exit_code == 1
    assert "recovery key has" in words.output
    assert not (other / "shop.db").exists()


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_said_to_be(small, tmp_path, part):
    file = back_up(small, tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    assert "not a whole backup" in refused(small, file)


@pytest.mark.parametrize("seed", range(12))
def test_a_single_flipped_bit_is_found_wherever_it_is(small, tmp_path, seed):
    file = back_up(small, tmp_path)
    content = bytearray(file.read_bytes())
    chance = random.Random(seed)
    place = chance.randrange(len(content)) if seed % 2 else len(content) - 1 - chance.randrange(2_000)
    content[place] ^= 1 << chance.randrange(8)
    file.write_bytes(content)
    said = refused(small, file)
    assert any(word in said for word in ("damaged", "not a whole backup", "newer program", "another key")), said


def test_another_shops_file_is_said_to_be(small, tmp_path):
    path = tmp_path / "other" / "shop"
    found_standalone(data_folder(path), Settings(), NEW_SHOP, SystemClock(), secrets.token_bytes)
    file = back_up(ShopOnDisk(path, ""), tmp_path)
    assert "not of this shop" in refused(small, file)


def test_any_other_file_is_said_to_be(small, tmp_path):
    file = tmp_path / "letter.txt"
    file.write_bytes(b"Dear Sarah" * 100)
    assert "another kind of file" in refused(small, file)
    assert "not a whole backup" in refused(small, small.folder.key_check)


def test_a_backup_shows_nothing_to_who_finds_it(small, tmp_path):
    act(small, "Tempered glass of Sarah")
    file = back_up(small, tmp_path)
    content = file.read_bytes()
    for word in (b"Tempered", b"Sarah", b"SQLite format"):
        assert word not in content
    assert os.stat(file).st_mode & 0o077 == 0


def test_a_backup_is_refused_its_name_when_the_books_are_not_sound(small, tmp_path):
    small.tamper("UPDATE journal_entry SET body = body || ' ' WHERE n = 3")
    with Node.open(small.path) as node, pytest.raises(BackupFailed, match="not what was recorded"):
        node.back_up(tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_and_the_shop_goes_on(small, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with Node.open(small.path) as node, pytest.raises(BackupFailed, match="The shop is not affected"):
        node.back_up(blocked / "stick")
    act(small, "Cable")


def test_the_newest_are_kept_and_only_those_of_this_installation_go(small, tmp_path):
    foreign = tmp_path / f"KLA1-20200101-000000{SUFFIX}"
    foreign.write_text("another shop's")
    key = small.keyring.read()
    with Node.open(small.path) as node:
        made = [
            make_backup(node.database, key, tmp_path, now_ms=1_790_000_000_000 + day * 86_400_000, keep=3).path
            for day in range(5)
        ]
    assert sorted(tmp_path.glob(f"TST1-*{SUFFIX}")) == made[2:]
    assert foreign.exists()


def test_selling_goes_on_while_a_backup_is_made(small, tmp_path):
    with Node.open(small.path) as node:
        ctx = Context(node.home, CONSOLE, node.home.shop_id)
        stop, failed = threading.Event(), []

        def sell() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                form = {"name": f"Cable {number}", "category": "Cables", "price_minor": 1_000, "cost_minor": 1}
                try:
                    perform(ctx, "products.create", form)
                except Exception as fault:
                    failed.append(fault)

        seller = threading.Thread(target=sell)
        seller.start()
        made = [node.back_up(tmp_path / str(turn)) for turn in range(3)]
        stop.set()
        seller.join()
    assert failed == []
    counts = [backup.note["counts"]["product"] for backup in made]
    assert counts == sorted(counts)
    assert all(backup.note["counts"]["journal_entry"] == backup.note["n"] for backup in made)


def test_a_running_shop_backs_up_when_it_is_due_and_says_when_it_cannot(small, tmp_path):
    with Node.open(small.path, Settings(backup_dir=tmp_path / "stick")) as node:
        node._back_up_when_due()
        node._back_up_when_due()
        assert len(list((tmp_path / "stick").iterdir())) == 1
        assert node.troubles() == []
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with Node.open(small.path, Settings(backup_dir=blocked / "stick")) as node:
        node._back_up_when_due()
        assert any("No backup was made" in words for words in node.troubles())


def test_backup_works_and_restore_is_refused_while_the_shop_is_open(small, tmp_path, serve):
    served = serve(small)
    file = back_up(small, tmp_path)
    said = small.run("restore", str(file))
    assert said.exit_code == 1
    assert "already open" in said.output
    served.stop()


@pytest.mark.parametrize("place", ["backup.copied", "backup.sealed"])
def test_a_backup_that_was_killed_leaves_no_file_of_that_name(small, tmp_path, place):
    killed(small, place, "backup", "--to", str(tmp_path / "stick"))
    assert list((tmp_path / "stick").glob("TST1-*")) == []
    back_up(small, tmp_path / "stick")
    assert len(list((tmp_path / "stick").glob("TST1-*"))) == 1


@pytest.mark.parametrize("place", ["restore.proved", "restore.unfenced", "restore.aside"])
def test_a_restore_that_was_killed_leaves_books_that_open_and_can_be_repeated(small, tmp_path, place):
    act(small, "Cable")
    file = back_up(small, tmp_path)
    act(small, "Charger")
    killed(small, place, "restore", str(file))
    assert products(small) == 2
    assert small.document("doctor")["ok"]
    small.document("restore", str(file))
    assert products(small) == 1
    assert series(small).startswith("TST1-")


def killed(shop: ShopOnDisk, place: str, *words: str) -> None:
    command = [str(Path(sys.executable).with_name("shopnode")), *words, "--data", str(shop.path)]
    done = subprocess.run(command, env={**os.environ, "SHOPNODE_FAILPOINTS": f"{place}=kill"}, check=False)
    assert done.returncode == -9


def test_an_older_backup_of_the_same_shop_may_be_restored_over_a_restored_one(small, tmp_path):
    first = back_up(small, tmp_path / "a")
    act(small, "Cable")
    second = back_up(small, tmp_path / "b")
    restore(small.folder, Settings(), second, SystemClock())
    one = series(small)
    restore(small.folder, Settings(), first, SystemClock())
    two = series(small)
    assert len({one, two, "TST1"}) == 3
