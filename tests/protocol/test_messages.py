"""Messages: strict types, unknown fields pass, and joined bytes are the same as written ones."""

import importlib
import pkgutil

import pytest
from pydantic import ValidationError

import sync_protocol
from sync_protocol import messages
from sync_protocol.canonical import canonical, parse_canonical
from sync_protocol.entries import travelling_bytes
from sync_protocol.messages import decode, encode, encode_with, page_bytes, push_bytes
from sync_protocol.problems import InvalidEnvelope, Malformed
from tests.protocol.samples import SHOP, entries, id_of
from tests.protocol.write_examples import examples, exchange_request, exchange_response

REQUEST = parse_canonical(encode(exchange_request()))


def set_in(message, path, value):
    """A copy of the message with the value at a dotted path replaced; `...` removes it."""
    key, _, rest = path.partition(".")
    index = int(key) if isinstance(message, list) else key
    copy = list(message) if isinstance(message, list) else dict(message)
    if rest:
        copy[index] = set_in(message[index], rest, value)
    elif value is ...:
        del copy[index]
    else:
        copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("protocol", "1"),
        ("protocol", True),
        ("protocol", 0),
        ("schema", None),
        ("node", id_of("x").upper()),
        ("node", "\n" + id_of("x")),
        ("node", id_of("x") + "\n"),
        ("run", ...),
        ("clock", ...),
        ("clock.wall", 2**53 - 1 + 0.0),
        ("clock.mono", -1),
        ("clock.boot", "5EED0001"),
        ("have.cursor", -1),
        ("have.streams", []),
        ("have.streams.x", [1, "0" * 64]),
        ("have.streams.t", [1]),
        ("have.streams.t", [1, "0" * 64, 2]),
        ("have.streams.t", ["1", "0" * 64]),
        ("have.streams.t", [1, "0" * 63]),
        ("push", []),
        ("push.first", 0),
        ("push.prev", "F" * 64),
        ("push.entries", []),
        ("push.entries", [1]),
        ("push.sig", "x"),
        ("pull.rows", -1),
        ("health", None),
        ("health.outbox", "3"),
    ],
)
def test_a_wrong_field_is_named(path, value):
    wrong = set_in(REQUEST, path, value)
    with pytest.raises((InvalidEnvelope, ValidationError)) as refusal:
        if path == "clock.wall":
            messages.ExchangeRequest.model_validate(wrong)
        else:
            decode(messages.ExchangeRequest, canonical(wrong))
    assert path.split(".")[0] in str(refusal.value)


def test_all_wrong_fields_are_named_and_no_values():
    wrong = set_in(set_in(REQUEST, "node", "secret-text"), "run", "secret-text")
    with pytest.raises(InvalidEnvelope) as refusal:
        decode(messages.ExchangeRequest, canonical(wrong))
    assert refusal.value.detail == "wrong or missing: node, run"


@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"x"'])
def test_a_message_is_an_object(data):
    with pytest.raises(InvalidEnvelope, match="the message"):
        decode(messages.ExchangeRequest, data)


def test_our_own_names_for_fields_are_not_on_the_wire():
    renamed = set_in(set_in(REQUEST, "schema", ...), "schema_", 1)
    with pytest.raises(InvalidEnvelope, match="schema"):
        decode(messages.ExchangeRequest, canonical(renamed))


def test_a_message_is_canonical():
    with pytest.raises(Malformed):
        decode(messages.ExchangeRequest, encode(exchange_request()) + b"\n")


@pytest.mark.parametrize("path", ["unknown", "clock.unknown", "have.unknown", "push.unknown", "health.unknown"])
def test_unknown_fields_pass(path):
    newer = set_in(REQUEST, path, {"from": "a newer version"})
    assert encode(decode(messages.ExchangeRequest, canonical(newer))) == encode(exchange_request())


def test_unknown_fields_of_entries_and_lines_are_kept():
    newer = set_in(REQUEST, "push.entries.0.unknown", 1)
    read = decode(messages.ExchangeRequest, canonical(newer))
    assert read.push is not None
    assert read.push.entries[0]["unknown"] == 1


def test_messages_do_not_change():
    with pytest.raises(ValidationError):
        exchange_request().node = SHOP


def test_a_request_is_joined_from_stored_entries():
    request = exchange_request()
    assert request.push is not None
    stored = [
        travelling_bytes(sealed, canonical(entry["personal"]) if "personal" in entry else None)
        for entry, sealed in entries(2)
    ]
    push = push_bytes(request.push.first, request.push.prev, stored, request.push.sig)
    assert encode_with(request, push=push) == encode(request)


def test_an_answer_is_joined_from_stored_lines():
    answer = exchange_response()
    page = answer.pull
    assert page is not None
    pull = page_bytes(page.from_no, page.to_no, page.more, map(canonical, page.lines))
    assert encode_with(answer, pull=pull) == encode(answer)


PARTS = {
    "Ack", "Begin", "ClockReading", "EntryVerdict", "Have", "Health", "Limits", "NewKey", "Page", "PullLimits", "Push",
    "ReturnedPage", "Standalone", "Wanted",
}  # fmt: skip


def test_every_message_has_an_example():
    """All models of the package but those that are only ever part of another."""
    for module in pkgutil.iter_modules(sync_protocol.__path__):
        importlib.import_module(f"sync_protocol.{module.name}")
    known = {model.__name__ for model in messages.Message.__subclasses__()}
    shown = {type(example).__name__ for example in examples().values() if isinstance(example, messages.Message)}
    assert shown == known - PARTS
    assert known > PARTS
