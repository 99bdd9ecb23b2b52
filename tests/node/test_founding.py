"""A new shop is there whole or not at all, and what was cut off can be repeated."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shopnode.config import Settings, data_folder
from shopnode.domain.clock import SystemClock
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import Invalid
from shopnode.machine.founding import FolderTaken, NewShop, found_standalone, new_books, recover_key
from shopnode.machine.keys import KeyProblem, key_from_recovery
from shopnode.machine.runtime import Node
from tests.node.conftest import NEW_SHOP, PASSWORD, ShopOnDisk


def found(path: Path, **other: str) -> str:
    new = NewShop(**{**vars(NEW_SHOP), **other})
    return found_standalone(data_folder(path), Settings(), new, SystemClock(), secrets.token_bytes)


def test_the_recovery_key_is_the_key_of_the_books_and_stands_nowhere(founded: ShopOnDisk) -> None:
    key = key_from_recovery(founded.recovery_key)
    assert key == founded.keyring.read()
    for path in founded.path.parent.rglob("*"):
        if path.is_file() and path != founded.keyring.path:
            content = path.read_bytes()
            assert key not in content
            assert founded.recovery_key.encode() not in content
            assert key.hex().encode() not in content


def test_a_folder_with_a_shop_is_never_overwritten(new_shop: ShopOnDisk) -> None:
    before = new_shop.folder.database.read_bytes()
    with pytest.raises(FolderTaken):
        found(new_shop.path)
    assert new_shop.folder.database.read_bytes() == before
    assert new_shop.document("status")["series"] == "TST1"


def test_a_key_without_books_is_never_overwritten(new_shop: ShopOnDisk) -> None:
    """The books may be on a backup: their key is all that opens them."""
    new_shop.folder.database.unlink()
    with pytest.raises(KeyProblem, match="already a key"):
        found(new_shop.path)
    assert new_shop.keyring.read() == key_from_recovery(new_shop.recovery_key)


def test_a_refused_start_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        found(tmp_path / "shop", owner_phone="not a number")
    assert list(tmp_path.iterdir()) == []
    found(tmp_path / "shop")


@pytest.mark.parametrize("place", ["founding.before_key", "founding.before_place"])
def test_a_start_that_was_cut_off_is_repeated(tmp_path: Path, place: str) -> None:
    """A real process, killed: no clean-up ran."""
    (tmp_path / "password").write_text(PASSWORD)
    words = ["init", "--standalone", "--business", "B", "--shop-code", "TST", "--owner-name", "S"]
    words += ["--owner-phone", "0798100200", "--data", str(tmp_path / "shop")]
    killed = subprocess.run(
        [sys.executable, "-m", "shopnode", *words, "--password-file", str(tmp_path / "password")],
        env={**os.environ, "SHOPNODE_FAILPOINTS": f"{place}=kill"}, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "shop" / "shop.unfinished").exists()
    found(tmp_path / "shop")
    with Node.open(tmp_path / "shop") as node:
        assert node.home.series == "TST1"
    assert not list((tmp_path / "shop").glob("shop.unfinished*"))


def test_books_are_begun_by_whoever_fills_them(tmp_path: Path) -> None:
    def fail(database: NodeDatabase) -> None:
        raise RuntimeError("the hub said no")

    with pytest.raises(RuntimeError):
        new_books(data_folder(tmp_path / "shop"), Settings(), secrets.token_bytes, fail)
    assert list(tmp_path.iterdir()) == []


def test_a_lost_key_comes_back_from_paper(new_shop: ShopOnDisk) -> None:
    new_shop.keyring.path.unlink()
    recover_key(new_shop.folder, Settings(), new_shop.recovery_key)
    assert new_shop.document("status")["series"] == "TST1"


def test_the_recovery_key_of_another_shop_changes_nothing(new_shop: ShopOnDisk, tmp_path: Path) -> None:
    other = found(tmp_path / "other")
    with pytest.raises(KeyProblem, match="other books"):
        recover_key(new_shop.folder, Settings(), other)
    assert new_shop.keyring.read() == key_from_recovery(new_shop.recovery_key)
