"""A push, from stored bytes at the node to numbered and hashed bytes at the hub."""

import pytest

from sync_protocol import chain
from sync_protocol.canonical import canonical
from sync_protocol.entries import travelling_bytes
from sync_protocol.messages import Push, decode
from sync_protocol.problems import BadSignature, InvalidEnvelope
from sync_protocol.pushes import make_push, open_push
from tests.protocol.samples import NODE_KEY, ORIGIN, OTHER_ORIGIN, STRANGER_KEY, entries, heads


def pushed(first=1, last=3, key=NODE_KEY, origin=ORIGIN, edit=lambda travelling: travelling):
    """What the hub reads when the node sends entries first … last."""
    hashes = [chain.genesis(ORIGIN), *heads(last)]
    chosen = entries(last)[first - 1 :]
    travelling = [
        travelling_bytes(stored, canonical(entry["personal"]) if "personal" in entry else None)
        for entry, stored in chosen
    ]
    body = make_push(first, hashes[first - 1], edit(travelling), hashes[last], origin, key)
    return decode(Push, body)


def test_stored_bytes_arrive_as_they_are():
    arrived = open_push(pushed(), ORIGIN, NODE_KEY.public_key())
    assert [one.sealed for one in arrived] == [stored for _, stored in entries(3)]
    assert [one.entry for one in arrived] == [entry for entry, _ in entries(3)]
    assert [one.hash for one in arrived] == heads(3)
    assert [one.n for one in arrived] == [1, 2, 3]


def test_a_push_may_begin_anywhere():
    arrived = open_push(pushed(first=3), ORIGIN, NODE_KEY.public_key())
    assert [(one.n, one.hash) for one in arrived] == [(3, heads(3)[2])]


@pytest.mark.parametrize(
    "edit",
    [
        lambda travelling: travelling[1:],
        lambda travelling: travelling[::-1],
        lambda travelling: [travelling[0], travelling[2], travelling[1]],
        lambda travelling: [travelling[0], travelling[0], travelling[2]],
    ],
)
def test_entries_are_consecutive(edit):
    with pytest.raises(InvalidEnvelope):
        open_push(pushed(edit=edit), ORIGIN, NODE_KEY.public_key())


def test_a_changed_entry_is_not_what_was_signed():
    push = pushed(edit=lambda travelling: [travelling[0].replace(b"35000", b"34000"), *travelling[1:]])
    with pytest.raises(BadSignature):
        open_push(push, ORIGIN, NODE_KEY.public_key())


def test_a_cut_tail_is_not_what_was_signed():
    push = pushed(edit=lambda travelling: travelling[:-1])
    with pytest.raises(BadSignature):
        open_push(push, ORIGIN, NODE_KEY.public_key())


def test_a_head_belongs_to_its_origin_and_key():
    with pytest.raises(BadSignature):
        open_push(pushed(key=STRANGER_KEY), ORIGIN, NODE_KEY.public_key())
    with pytest.raises(BadSignature):
        open_push(pushed(), OTHER_ORIGIN, NODE_KEY.public_key())


def test_an_erased_value_breaks_no_push():
    def erase(travelling):
        return [stored for (_, stored), _ in zip(entries(3), travelling, strict=True)]

    assert [one.hash for one in open_push(pushed(edit=erase), ORIGIN, NODE_KEY.public_key())] == heads(3)
