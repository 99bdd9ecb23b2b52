"""Versions: who is answered, and how older entries are read at the hub's door."""

import pytest

from sync_protocol.problems import HubBehind, UpgradeNeeded
from sync_protocol.versions import (
    PROTOCOL_VERSION,
    PROTOCOLS,
    SCHEMA_VERSION,
    SCHEMAS,
    UPCASTERS,
    Upcasters,
    check_versions,
    known_commands,
)


def test_this_version_is_spoken():
    check_versions(PROTOCOL_VERSION, SCHEMA_VERSION)
    assert PROTOCOL_VERSION in PROTOCOLS
    assert SCHEMA_VERSION in SCHEMAS


@pytest.mark.parametrize("pair", [(1, 4), (3, 4), (2, 3), (3, 6)])
def test_what_lies_in_the_range_is_spoken(pair):
    check_versions(*pair, protocols=range(1, 4), schemas=range(3, 7))


@pytest.mark.parametrize("pair", [(1, 5), (2, 2), (1, 7)])
def test_who_is_too_old_is_told_what_is_spoken(pair):
    with pytest.raises(UpgradeNeeded) as refusal:
        check_versions(*pair, protocols=range(2, 4), schemas=range(3, 7))
    assert refusal.value.facts == {"protocols": [2, 3], "schemas": [3, 6]}


@pytest.mark.parametrize("pair", [(4, 5), (2, 7)])
def test_who_is_too_new_waits_for_the_hub(pair):
    with pytest.raises(HubBehind):
        check_versions(*pair, protocols=range(2, 4), schemas=range(3, 7))


def test_an_old_entry_is_read_step_by_step_and_stays_as_it_was():
    steps = Upcasters()

    @steps.step(1)
    def name_the_network(entry):
        return {**entry, "network": "mtn"}

    @steps.step(3)
    def shorten(entry):
        return {**entry, "network": entry["network"][:1]}

    old = {"schema": 1, "id": "x"}
    assert steps.upcast(old, 4) == {"schema": 4, "id": "x", "network": "m"}
    assert steps.upcast({"schema": 4}, 4) == {"schema": 4}
    assert old == {"schema": 1, "id": "x"}


def test_a_step_is_registered_once():
    steps = Upcasters()
    steps.step(1)(lambda entry: entry)
    with pytest.raises(ValueError):
        steps.step(1)(lambda entry: entry)


def test_this_version_has_nothing_to_translate():
    entry = {"schema": SCHEMA_VERSION, "rows": []}
    assert UPCASTERS.upcast(entry) is entry


def test_the_version_before_is_still_spoken():
    check_versions(1, 1)
    assert (PROTOCOL_VERSION, SCHEMA_VERSION) == (2, 3)
    assert list(PROTOCOLS) == [1, 2]
    assert list(SCHEMAS) == [1, 2, 3]


def test_a_node_is_sent_no_command_it_does_not_know():
    orders = [{"command": "rotate_key"}, {"command": "say_hello"}]
    assert known_commands(orders, 1) == [{"command": "say_hello"}]
    assert known_commands(orders, 2) == orders
