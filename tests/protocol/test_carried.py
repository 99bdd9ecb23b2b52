"""The container of carried exchanges: what goes in comes out, and what is not whole is refused before it is read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.carried import (
    BODY_BYTES_MAX,
    MAGIC,
    CarriedAnswer,
    CarriedReader,
    CarriedRequest,
    CarriedWriter,
    UnusableFile,
)
from sync_protocol.problems import BadSignature
from sync_protocol.signing import Request, sign_request, verify_carried, verify_head, verify_request
from tests.protocol.bearer_examples import carried_answer, carried_head, carried_request
from tests.protocol.samples import AUDIENCE, NODE, NODE_KEY, NOON_S, ORIGIN, STRANGER_KEY


def file_of(*bodies: bytes) -> bytes:
    file = io.BytesIO()
    writer = CarriedWriter(file, carried_head())
    for body in bodies:
        writer.add(carried_request(), body)
    assert writer.finish() == len(file.getvalue())
    return file.getvalue()


def read(content: bytes) -> list[tuple[CarriedRequest, bytes]]:
    return list(CarriedReader(io.BytesIO(content)).requests())


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_goes_in_comes_out(bodies):
    assert read(file_of(*bodies)) == [(carried_request(), body) for body in bodies]
    assert CarriedReader(io.BytesIO(file_of(*bodies))).head == carried_head()


def test_answers_carry_the_request_they_answer():
    file = io.BytesIO()
    writer = CarriedWriter(file, carried_head())
    writer.add(carried_answer(), b"body")
    writer.finish()
    assert list(CarriedReader(file).answers()) == [(carried_answer(), b"body")]


CONTENT = file_of(b"first body", b"", b"third")


def test_no_cut_and_no_flipped_bit_goes_unnoticed():
    for place in range(len(CONTENT)):
        flipped = bytearray(CONTENT)
        flipped[place] ^= 1
        for damaged in (CONTENT[:place], bytes(flipped), CONTENT + CONTENT[: place + 1]):
            with pytest.raises(UnusableFile):
                read(damaged)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a file that a shop or a hub saved"),
        (b"PK\x03\x04 a zip", "not a file that a shop or a hub saved"),
        (b"x" * 10_000, "not a file that a shop or a hub saved"),
        (CONTENT[:-10], "cut off"),
        (MAGIC, "cut off"),
        (MAGIC + bytes([9]) + CONTENT[len(MAGIC) + 1 :], "newer version"),
    ],
)
def test_each_kind_of_wrong_file_is_told_apart(content, words):
    with pytest.raises(UnusableFile, match=words):
        read(content)


def test_a_frame_that_claims_too_much_is_not_read():
    file = io.BytesIO()
    writer = CarriedWriter(file, carried_head())
    with pytest.raises(ValueError, match="at most"):
        writer.add(carried_request(), bytes(BODY_BYTES_MAX + 1))


def test_a_file_of_answers_is_not_read_as_requests():
    file = io.BytesIO()
    writer = CarriedWriter(file, carried_head())
    writer.add(carried_answer(), b"body")
    writer.finish()
    with pytest.raises(UnusableFile):
        list(CarriedReader(file).requests())
    assert isinstance(next(CarriedReader(file).answers())[0], CarriedAnswer)


def test_a_carried_request_is_proved_without_the_window_and_by_its_key_alone():
    body = b'{"a":1}'
    headers = sign_request(NODE_KEY, NODE, Request("POST", "/x", body), "identity", AUDIENCE, ORIGIN, NOON_S - 10**7)
    request = Request("POST", "/x", body, headers.items())

    def ours(keyid):
        return NODE_KEY.public_key()

    assert verify_carried(request, ours, AUDIENCE).created_s == NOON_S - 10**7
    assert verify_head(Request("POST", "/x", b"", headers.items()), ours, AUDIENCE).origin == ORIGIN
    with pytest.raises(Exception, match="signed too long ago"):
        verify_request(request, ours, AUDIENCE, NOON_S)
    for odd in (
        lambda: verify_carried(Request("POST", "/x", b"{}", headers.items()), ours, AUDIENCE),
        lambda: verify_carried(request, lambda keyid: STRANGER_KEY.public_key(), AUDIENCE),
        lambda: verify_carried(request, ours, "hub.elsewhere"),
        lambda: verify_head(Request("GET", "/x", b"", headers.items()), ours, AUDIENCE),
    ):
        with pytest.raises(BadSignature):
            odd()
