"""One value, one text; and nothing else is read."""

import enum
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.canonical import (
    DEPTH_MAX,
    INT_MAX,
    VALUES_MAX,
    array_of,
    canonical,
    object_of,
    parse,
    parse_canonical,
    serialise,
)
from sync_protocol.problems import Malformed, TooLarge

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-INT_MAX, INT_MAX) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 8785, 3.2.2: the example, without its floats
        ("\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'),
        ([None, True, False], "[null,true,false]"),
        # RFC 8785, 3.2.2.2: short escapes where they exist, else lower-case hexadecimal; nothing else is escaped
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\x00\x01\x1f", '"\\u0000\\u0001\\u001f"'),
        ("\x7f\x80\u2028\u2029/", '"\x7f\x80\u2028\u2029/"'),
        ("\U0001f600\ufb33", '"\U0001f600\ufb33"'),
        # RFC 8785, appendix B, the integers
        (0, "0"),
        (-0, "0"),
        (INT_MAX, "9007199254740991"),
        (-INT_MAX, "-9007199254740991"),
        # RFC 8785, 3.2.3: keys in order of their code units, at every level; its keys beyond ASCII we refuse
        ({"1": 1, "\r": 2, "": 0, "10": 3, "</script>": 4}, '{"":0,"\\r":2,"1":1,"10":3,"</script>":4}'),
        ({"b": [{"d": 1, "c": 2}], "B": {}, "a": ()}, '{"B":{},"a":[],"b":[{"c":2,"d":1}]}'),
    ],
)
def test_a_value_has_one_text(value, text):
    assert canonical(value) == text.encode()
    assert canonical(parse_canonical(text.encode())) == text.encode()


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        [[0.5]],
        {"a": {"b": 1e3}},
        2**53,
        -(2**53),
        10**30,
        "\ud800",
        ["\udfff tail"],
        {"\ud83d": 1},
        {1: "int key"},
        {None: 1},
        {"é": 1},
        {"\U0001f600": 1},
        b"bytes",
        {1, 2},
        Decimal(1),
        UUID(int=1),
        datetime.now(UTC),
        Colour.RED,
        {"a": Colour.RED},
        {Colour.RED: 1},
    ],
)
def test_what_has_no_one_text_is_not_written(value):
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"", 0),
        (b"NaN", 0),
        (b"[Infinity]", 1),
        (b"[-Infinity]", None),
        (b"1.0", None),
        (b"[1e3]", None),
        (b"[1E400]", None),
        (b"[-0.0]", None),
        (b"9007199254740992", None),
        (b"-9007199254740992", None),
        (b"[18446744073709551616]", None),
        (b"1" * 5000, None),
        (b"01", None),
        (b"+1", 0),
        (b"'a'", 0),
        (b"[1,]", 2),
        (b'{"a":1,}', None),
        (b'{"a":1,"a":1}', None),
        (b'{"a":1,"b":{"c":1,"c":2}}', None),
        (b'{"a":1,"\\u0061":2}', None),
        (b'{"\xc3\xa9":1}', None),
        (b'["\xc3\xa9\xff"]', 4),
        (b'["\xed\xa0\x80"]', 2),  # a surrogate written in UTF-8
        (b'"\\ud800"', None),
        (b'"\\udc00\\ud800"', None),
        (b'"\x01"', 1),
        (b"\xef\xbb\xbf1", None),
        (b"\xff\xfe1\x00", 0),
        (b"1 2", None),
        (b"[1]]", None),
        (b"// a\n1", None),
        (nested(DEPTH_MAX + 1), None),
        (b"[" * 100_000, None),
        (b'{"a":' * 100_000, None),
    ],
)
@pytest.mark.parametrize("read", [parse, parse_canonical])
def test_what_is_not_a_message_is_malformed(read, data, offset):
    with pytest.raises(Malformed) as refusal:
        read(data)
    if offset is not None:
        assert refusal.value.offset == offset


@pytest.mark.parametrize(
    ("data", "value", "offset"),
    [
        (b" 1", 1, 0),
        (b"1\n", 1, 1),
        (b"[1, 2]", [1, 2], 3),
        (b'{"b":1,"a":2}', {"a": 2, "b": 1}, 2),
        (b'"\\u0041"', "A", 1),
        (b'"\\/"', "/", 1),
        (b'"\\u001F"', "\x1f", 6),
        (b"-0", 0, 0),
    ],
)
def test_another_spelling_is_read_only_by_the_patient_reader(data, value, offset):
    assert parse(data) == value
    with pytest.raises(Malformed) as refusal:
        parse_canonical(data)
    assert refusal.value.offset == offset


def test_offsets_count_bytes():
    with pytest.raises(Malformed) as refusal:
        parse('["ééé",]'.encode())
    assert refusal.value.offset == len('["ééé"'.encode())


def test_nesting_ends_at_the_limit():
    deepest = nested(DEPTH_MAX)
    assert canonical(parse(deepest)) == deepest
    assert canonical(parse_canonical(b'{"a":' * DEPTH_MAX + b"1" + b"}" * DEPTH_MAX))
    too_deep: list = []
    for _ in range(DEPTH_MAX):
        too_deep = [too_deep]
    with pytest.raises(ValueError, match="levels"):
        canonical(too_deep)
    loop: list = []
    loop.append(loop)
    with pytest.raises(ValueError, match="levels"):
        canonical(loop)


@pytest.mark.parametrize("item", [b"[]", b"{}", b"1"])
def test_absurd_numbers_of_values_are_too_large(item):
    with pytest.raises(TooLarge):
        parse(array_of([item] * (VALUES_MAX + 1)))


HOSTILE = """
import resource, sys
from sync_protocol.canonical import parse, parse_canonical
from sync_protocol.compression import DECODED_BYTES_MAX as SIZE
from sync_protocol.problems import ProtocolError

unit = sys.argv[1].encode()
text = (unit * (SIZE // len(unit)))[:SIZE]
resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
for read in (parse, parse_canonical):
    try:
        read(text)
    except ProtocolError as refusal:
        print(refusal.code)
"""


@pytest.mark.parametrize("unit", ["[", "[],", '{"a":', "1", "-", '"\\u0000', '\\"', "1,", " ", "1e9,", '{"":0,'])
def test_eight_hostile_mebibytes_need_little_memory(unit):
    run = [sys.executable, "-c", HOSTILE, unit]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 2


@given(VALUES)
def test_what_is_written_is_read_back(value):
    data = canonical(value)
    assert parse_canonical(data) == parse(data) == value
    assert serialise(value) == data
    assert json.loads(data) == value


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = parse_canonical(data)
    except Malformed:
        return
    assert canonical(value) == data


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_joining_bytes_is_writing_the_whole(parts, items):
    assert object_of({key: canonical(value) for key, value in parts.items()}) == canonical(parts)
    assert array_of(map(canonical, items)) == canonical(items)


def test_joining_refuses_the_keys_that_writing_refuses():
    with pytest.raises(ValueError):
        object_of({"é": b"1"})
