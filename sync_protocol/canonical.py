"""One way to write a value as bytes (RFC 8785), and strict ways to read it back.

Hashes and signatures cover these bytes, so two programs that mean the same must write the same.

Invariants:
  * A value is None, bool, int, str, list (a tuple is written as one) or dict with ASCII text keys; never a float.
    For such values sorted orjson output *is* RFC 8785: keys in code point order, the shortest escapes, no spaces.
  * Integers lie strictly between -2**53 and 2**53, so that every JSON reader keeps them exact.
  * What `parse` returns, `canonical` accepts; `parse_canonical(canonical(v)) == v`.
  * Texts are written as they are. Normalising them (NFC) is the business of whoever takes them from a person.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import orjson

from sync_protocol.problems import Malformed, TooLarge

INT_MAX = 2**53 - 1
DEPTH_MAX = 32
VALUES_MAX = 1_000_000  # a full exchange has some 400,000; bounds the memory that 8 MiB of "[[],[],…" would take

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_CONTAINERS = frozenset({list, tuple, dict})
_KINDS = frozenset({str, int, bool, type(None)}) | _CONTAINERS


def canonical(value: Any) -> bytes:
    """The canonical bytes of a value.

    Raises ValueError for anything outside the value space: floats, integers from 2**53 on, lone surrogates,
    keys that are not ASCII text, objects, more than 32 levels.
    """
    _check(value)
    return serialise(value)


def serialise(value: Any) -> bytes:
    """`canonical` for values that are already known to be in the value space, such as parts of a parsed message."""
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except TypeError as error:
        raise ValueError(str(error)) from None


def parse(data: bytes) -> Any:
    """Read any JSON text in our value space; for control messages, where the sender may format as it likes.

    Raises Malformed, and TooLarge for absurd numbers of values.
    """
    value = _load(data)
    if _reserialise(value) != data:
        _refuse_repeated_keys(data)
    return value


def parse_canonical(data: bytes) -> Any:
    """Read canonical bytes and nothing else: strict and quick, because writing the value again must give the same.

    Raises Malformed (naming the first byte that differs), and TooLarge for absurd numbers of values.
    """
    value = _load(data)
    again = _reserialise(value)
    if again != data:
        raise Malformed("not in canonical form", _first_difference(data, again))
    return value


def array_of(items: Iterable[bytes]) -> bytes:
    """A canonical array of items that are canonical already; nothing is parsed or written anew."""
    return b"[" + b",".join(items) + b"]"


def object_of(parts: Mapping[str, bytes]) -> bytes:
    """A canonical object of named values that are canonical already."""
    if not "".join(parts).isascii():
        raise ValueError("keys must be ASCII")
    return b"{" + b",".join(orjson.dumps(key) + b":" + parts[key] for key in sorted(parts)) + b"}"


def _check(value: Any) -> None:
    """Look at all values level by level, so that the work per value is done inside the interpreter's own loops."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        kinds = set(map(type, level))
        if not kinds <= _KINDS:
            names = ", ".join(sorted(kind.__name__ for kind in kinds - _KINDS))
            raise ValueError(f"values of type {names} cannot be written")
        if dict in kinds:
            _check_keys(item for item in level if type(item) is dict)
        if not kinds & _CONTAINERS:
            return
        containers = (item for item in level if type(item) in _CONTAINERS)
        level = list(chain.from_iterable(c.values() if type(c) is dict else c for c in containers))
    raise ValueError(f"more than {DEPTH_MAX} levels")


def _check_keys(objects: Iterable[dict[Any, Any]]) -> None:
    keys = set(chain.from_iterable(objects))
    if not all(type(key) is str and key.isascii() for key in keys):
        raise ValueError("keys must be ASCII text")


def _load(data: bytes) -> Any:
    if data.count(b",") + data.count(b"[") + data.count(b"{") > VALUES_MAX:
        raise TooLarge(f"more than {VALUES_MAX} values")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed(error.msg, _byte_offset(data, error.pos)) from None


def _byte_offset(data: bytes, characters: int) -> int:
    """orjson counts characters and gives up at 0 when the bytes are not UTF-8; people with a hex dump count bytes."""
    try:
        return len(data.decode()[:characters].encode())
    except UnicodeDecodeError as error:
        return error.start


def _reserialise(value: Any) -> bytes:
    try:
        return canonical(value)
    except ValueError as error:
        raise Malformed(str(error)) from None


def _first_difference(one: bytes, other: bytes) -> int:
    return bisect_left(range(max(len(one), len(other))), True, key=lambda i: one[: i + 1] != other[: i + 1])


def _refuse_repeated_keys(data: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in items}) < len(items):
            raise Malformed("an object names a key twice")

    json.loads(data, object_pairs_hook=pairs)
