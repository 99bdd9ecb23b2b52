"""Erasing a value leaves its chain whole, and what is left tells nothing."""

import os

import pytest

from sync_protocol.canonical import canonical
from sync_protocol.entries import rows_of, sealed, sealed_bytes, travelling_bytes
from sync_protocol.personal import SALT_BYTES, Sealer, check, check_reveals, is_marker, reveal, seal
from sync_protocol.problems import Malformed
from tests.protocol.samples import customer_entry

SALT = bytes(range(SALT_BYTES))


def test_a_marker_is_fixed_by_salt_and_value():
    assert seal("Nakato", SALT) == "~nvNJwtA4Ja2LvfMzs86zqgRrJvwxZh1B8X8GB3t_0_w"
    assert seal("Nakato", SALT) != seal("Nakato", SALT[::-1]) != seal("nakato", SALT)
    assert seal(1, SALT) != seal("1", SALT)
    assert is_marker(seal("x", SALT))


@pytest.mark.parametrize("value", ["~", "~short", "x" * 44, "~" + "=" * 43, "~" + "a" * 44, None, 1, ["~" + "a" * 43]])
def test_other_texts_are_not_markers(value):
    assert not is_marker(value)


def test_only_the_true_value_fits():
    marker = seal("Nakato", SALT)
    assert check(marker, SALT, "Nakato")
    assert not check(marker, SALT, "Nakata")
    assert not check(marker, SALT[::-1], "Nakato")


def test_no_byte_can_move_between_salt_and_value():
    marker = seal(12345, SALT)
    assert not check(marker, SALT + b"12", 345)


def test_a_salt_is_used_once():
    sealer = Sealer(os.urandom)
    assert sealer.seal("same") != sealer.seal("same")
    assert len(sealer.reveals) == 2
    check_reveals(sealer.reveals)


def test_nothing_is_sealed_for_nothing():
    sealer = Sealer(os.urandom)
    assert sealer.seal(None) is None
    assert sealer.reveals == {}


def test_a_reveal_looks_into_changes():
    sealer = Sealer(os.urandom)
    before, after = sealer.seal("Asha"), sealer.seal("Asha K.")
    assert reveal(["id", [before, after, 3], 5], sealer.reveals) == ["id", ["Asha", "Asha K.", 3], 5]


@pytest.mark.parametrize(
    "reveals",
    [
        [],
        {"~x": "salt"},
        {"~x": ["salt"]},
        {"~x": ["salt", 1, 2]},
        {"~x": [1, "value"]},
        {"~x": ["###", "value"]},
        {"~x": ["AAECAwQFBgcICQoLDA0ODw==", "Nakato"]},
        {"~x": ["AAECAwQFBgcICQoLDA0ODw" * 100, "Nakato"]},
        {seal("Nakato", SALT): ["AAECAwQFBgcICQoLDA0ODw", "Nakata"]},
        {seal("Nakato", SALT): ["AAECAwQFBgcICQoLDA0OD", "Nakato"]},
    ],
)
def test_reveals_that_do_not_fit_are_refused(reveals):
    with pytest.raises(Malformed):
        check_reveals(reveals)


def test_the_true_reveal_is_taken():
    check_reveals({seal("Nakato", SALT): ["AAECAwQFBgcICQoLDA0ODw", "Nakato"]})


def test_erasing_leaves_the_bytes_that_were_hashed():
    entry, stored = customer_entry(2)
    assert b"Nakato" in canonical(entry)

    erased = sealed(entry)

    assert sealed_bytes(entry) == sealed_bytes(erased) == stored
    assert b"Nakato" not in canonical(erased)
    name = next(row for row in rows_of(erased) if row.entity == "customer").values["name"]
    assert is_marker(name)


def test_stored_bytes_and_reveals_travel_as_one_entry():
    entry, stored = customer_entry(2)
    assert travelling_bytes(stored, canonical(entry["personal"])) == canonical(entry)
    assert travelling_bytes(stored, None) == travelling_bytes(stored, b"{}") == stored
