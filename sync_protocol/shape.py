"""The shape of an entry and of a feed line: sizes, types and keys, whatever their tables mean.

Invariants:
  * What passes can be numbered, hashed, stored and read row by row without looking again.
  * Unknown keys pass.
  * Refusals name the place and never repeat the data.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sync_protocol.canonical import INT_MAX, serialise
from sync_protocol.ids import is_id
from sync_protocol.personal import check_reveals
from sync_protocol.problems import InvalidEnvelope, TooLarge

ENTRY_BYTES_MAX = 256 * 1024
BLOCKS_MAX = 1_000
COLUMNS_MAX = 100

Entry = dict[str, Any]
Line = dict[str, Any]
Block = list[Any]  # [entity, op, columns, rows]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_ACTION = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,30}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BOOT = re.compile(r"[0-9a-f]{8}", re.ASCII)


def check_entry(entry: object, sealed: bytes | None = None) -> None:
    """Judge an entry whole: `check_header`, `check_rows`, its personal values and its size.

    sealed  its sealed bytes, where they are at hand: writing them anew to measure them is what costs most
    """
    header = check_header(entry)
    check_rows(header["rows"])
    if "personal" in header:
        check_reveals(header["personal"])
    size_bytes = _size_bytes(header, sealed)
    if size_bytes > ENTRY_BYTES_MAX:
        raise TooLarge(f"an entry of {size_bytes} bytes; at most {ENTRY_BYTES_MAX} are allowed")


def check_header(entry: object) -> Entry:
    """Raise InvalidEnvelope unless everything beside the rows is there and of its type; unknown keys pass."""
    return _check_keys("an entry", entry, _ENTRY_REQUIRED, _ENTRY_OPTIONAL)


def check_line(line: object) -> None:
    """Judge a feed line: a whole one, or the brief form of an entry of the reader's own."""
    header = _check_keys("a line", line, _LINE_REQUIRED, _LINE_OPTIONAL)
    if "rows" not in header:
        return
    _check_keys("a whole line", line, _LINE_WHOLE, {})
    check_rows(header["rows"], outcome=True)
    if "personal" in header:
        check_reveals(header["personal"])


def check_rows(blocks: list[Any], outcome: bool = False) -> None:
    """Raise InvalidEnvelope unless every block is well-formed and every row has an id and all its columns.

    outcome  whether updates hold plain values, as in a feed line, instead of [before, after]
    """
    if len(blocks) > BLOCKS_MAX:
        raise InvalidEnvelope("there are too many blocks")
    for block in blocks:
        if type(block) is not list or len(block) != 4:
            raise InvalidEnvelope("a block must be [entity, op, columns, rows]")
        _check_block(*block)
        if block[1] == "u" and not outcome and not all(map(_are_changes, block[3])):
            raise InvalidEnvelope(f"a change of {block[0]} must be [before, after] or [before, after, seen]")


def is_stream(value: object) -> bool:
    """Whether this names a stream of the feed: "t", the tenant's, or "s:" and the id of a shop."""
    return value == "t" or (type(value) is str and value[:2] == "s:" and is_id(value[2:]))


def _size_bytes(entry: Entry, sealed: bytes | None) -> int:
    """The sealed bytes, and the personal values beside them: the same sum wherever it is made."""
    personal = serialise(entry["personal"]) if "personal" in entry else b""
    if sealed is None:
        sealed = serialise({key: value for key, value in entry.items() if key != "personal"})
    return len(sealed) + len(personal)


def _check_keys(what: str, message: object, required: "_Tests", optional: "_Tests") -> dict[str, Any]:
    if type(message) is not dict:
        raise InvalidEnvelope(f"{what} must be an object")
    for key, fits in required.items():
        try:
            value = message[key]
        except KeyError:
            raise InvalidEnvelope(f"{what} lacks {key}") from None
        if not fits(value):
            raise InvalidEnvelope(f"{what} has a wrong {key}")
    for key in optional.keys() & message.keys():
        if not optional[key](message[key]):
            raise InvalidEnvelope(f"{what} has a wrong {key}")
    return message


def _check_block(entity: Any, op: Any, columns: Any, rows: Any) -> None:
    if not _is_name(entity) or op not in ("i", "u"):
        raise InvalidEnvelope("a block must name an entity and an op")
    try:
        width = _count_columns(tuple(columns) if type(columns) is list else ())
    except (TypeError, ValueError):  # what cannot be hashed is no name either
        raise InvalidEnvelope(f"the columns of {entity} must be different names, beginning with id") from None
    if type(rows) is not list or not rows:
        raise InvalidEnvelope(f"the rows of {entity} must be lists as long as its columns")
    for row in rows:
        if type(row) is not list or len(row) != width:
            raise InvalidEnvelope(f"the rows of {entity} must be lists as long as its columns")
        if not is_id(row[0]):
            raise InvalidEnvelope(f"a row of {entity} has no id")


@lru_cache(maxsize=1024)
def _count_columns(columns: tuple[Any, ...]) -> int:
    """How many columns these are. Raises ValueError, or TypeError, unless they are different names, `id` first.

    Remembered, because a batch repeats the columns of a few tables hundreds of times; a refusal is not, so nothing
    longer than names is.
    """
    if not 1 <= len(columns) <= COLUMNS_MAX or columns[0] != "id" or len(set(columns)) != len(columns):
        raise ValueError("columns")
    if not all(map(_is_name, columns)):
        raise ValueError("columns")
    return len(columns)


def _are_changes(row: list[Any]) -> bool:
    return all(
        type(change) is list and (len(change) == 2 or (len(change) == 3 and _is_count(change[2]))) for change in row[1:]
    )


def _is_name(value: object) -> bool:
    return type(value) is str and _NAME.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= INT_MAX


def _is_positive(value: object) -> bool:
    return type(value) is int and 0 < value <= INT_MAX


def _is_int(value: object) -> bool:
    return type(value) is int


def _is_actor(value: object) -> bool:
    return value is None or is_id(value)


def _is_text(value: object) -> bool:
    return type(value) is str


def _is_subject(value: object) -> bool:
    return type(value) is list and len(value) == 2 and _is_name(value[0]) and is_id(value[1])


def _is_action(value: object) -> bool:
    return type(value) is str and _ACTION.fullmatch(value) is not None


def _is_boot(value: object) -> bool:
    return type(value) is str and _BOOT.fullmatch(value) is not None


def _is_hash(value: object) -> bool:
    return type(value) is str and _HASH.fullmatch(value) is not None


def _is_list(value: object) -> bool:
    return type(value) is list


_Tests = dict[str, Callable[[object], bool]]

_ENTRY_REQUIRED: _Tests = {
    "n": _is_positive,
    "id": is_id,
    "action": _is_action,
    "actor": _is_actor,
    "at": _is_int,
    "boot": _is_boot,
    "mono": _is_count,
    "schema": _is_positive,
    "seen": _is_count,
    "rows": _is_list,
}
_ENTRY_OPTIONAL: _Tests = {
    "approver": is_id,
    "ip": _is_text,
    "offset": _is_int,
    "shop": is_id,
    "subject": _is_subject,
    "ua": _is_text,
}
_LINE_REQUIRED: _Tests = {
    "no": _is_positive,
    "prev": _is_count,
    "stream": is_stream,
    "origin": is_id,
    "n": _is_positive,
}
_LINE_WHOLE: _Tests = {"id": is_id, "action": _is_action, "actor": _is_actor, "at": _is_int}
_LINE_OPTIONAL: _Tests = {"rows": _is_list, "hash": _is_hash}
