"""The key of the books: outside the data folder, private, restorable from paper, never confused with another."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.config import ConfigError, Settings, data_folder
from shopnode.machine.keys import DpapiSealer, KeyProblem, Keyring, key_from_recovery, key_mark, recovery_text

KEY = bytes(range(32))


@given(st.binary(min_size=32, max_size=32))
def test_a_recovery_key_gives_the_key_back(key: bytes) -> None:
    assert key_from_recovery(recovery_text(key)) == key


def test_a_recovery_key_may_be_typed_carelessly() -> None:
    text = recovery_text(KEY)
    assert key_from_recovery(text.lower().replace("-", "  ")) == KEY
    assert key_from_recovery(text.replace("0", "O").replace("1", "l")) == KEY


@pytest.mark.parametrize("position", range(0, 56, 5))
def test_one_wrong_sign_in_a_recovery_key_is_noticed(position: int) -> None:
    signs = recovery_text(KEY).replace("-", "")
    other = "7" if signs[position] != "7" else "8"
    with pytest.raises(ValueError, match="typing mistake"):
        key_from_recovery(signs[:position] + other + signs[position + 1 :])


@pytest.mark.parametrize("typed", ["", "ABCD", "U" * 56, recovery_text(KEY) + "A"])
def test_what_cannot_be_a_recovery_key_is_refused_in_words(typed: str) -> None:
    with pytest.raises(ValueError, match="A recovery key has"):
        key_from_recovery(typed)


def test_the_key_file_is_private(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.put(KEY)
    assert keyring.read() == KEY
    assert keyring.path.stat().st_mode & 0o777 == 0o600
    assert keyring.folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in keyring.folder.iterdir()] == ["database.key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.put(KEY)
    keyring.path.chmod(0o644)
    with pytest.raises(KeyProblem, match="chmod 600"):
        keyring.read()


@pytest.mark.parametrize("content", [b"", b"zz", b"00" * 31, b"\xff\xfe"])
def test_a_damaged_key_file_says_how_to_mend_it(tmp_path: Path, content: bytes) -> None:
    keyring = Keyring(tmp_path / "keys")
    keyring.put(KEY)
    keyring.path.write_bytes(content)
    with pytest.raises(KeyProblem, match="shopnode recover"):
        keyring.read()


def test_a_missing_key_says_how_to_get_it_back(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match=r"missing.*shopnode recover"):
        Keyring(tmp_path / "keys").read()


def test_keys_never_stand_in_the_data_folder(tmp_path: Path) -> None:
    folder = data_folder(tmp_path / "shop")
    assert folder.keys(Settings()) == tmp_path / "shop.keys"
    for inside in (folder.path, folder.path / "keys", folder.path / "a" / ".." / "b"):
        with pytest.raises(ConfigError, match="inside the data folder"):
            folder.keys(Settings(key_dir=inside))


def test_the_mark_says_nothing_of_the_key() -> None:
    assert key_mark(KEY) == key_mark(KEY) != key_mark(KEY[::-1])
    assert KEY.hex()[:8] not in key_mark(KEY)


def test_windows_keys_have_a_file_of_their_own(tmp_path: Path) -> None:
    """The sealing itself has never run: there is no Windows here."""
    assert Keyring(tmp_path, DpapiSealer()).path.name == "database.dpapi"
