"""Entries as data: building them and reading their rows. `lines.py` does the same for the feed.

Rows travel in blocks, [entity, op, [column, …], [[value, …], …]], so that names are written once. The first column is
"id". In an insert ("i") every other value stands for itself; in an update ("u") it is [before, after], or
[before, after, seen_no] for a field of a register. In a feed line an update holds plain values: the outcome.

Invariants:
  * Nothing here knows a table or column. Unknown keys are kept: a newer version wrote them, and the hash covers them.
  * An entry is refused for its shape or size when it is written, not when it is sent.
  * Blocks keep the order in which their kinds first appear, so a parent written before its child arrives before it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from sync_protocol.canonical import canonical, serialise
from sync_protocol.personal import reveal
from sync_protocol.shape import Block, Entry, check_entry


class Row(NamedTuple):
    """One row of an entry or a line. `values` has every column but "id", in wire form."""

    entity: str
    op: str
    id: str
    values: dict[str, Any]


def sealed(message: Entry) -> Entry:
    """An entry or line as it is hashed: without the personal values it carries along."""
    if "personal" not in message:
        return message
    return {key: value for key, value in message.items() if key != "personal"}


def sealed_bytes(message: Entry) -> bytes:
    """The bytes to hash and to store of an entry or line that came out of a parsed message."""
    return serialise(sealed(message))


def travelling_bytes(sealed_entry: bytes, personal: bytes | None) -> bytes:
    """The bytes to send of a stored entry or line, its reveals put back (both are canonical already)."""
    if not personal or personal == b"{}":
        return sealed_entry
    return serialise({**orjson.loads(sealed_entry), "personal": orjson.loads(personal)})


def make_entry(rows: Iterable[Row], reveals: dict[str, list[Any]] | None = None, **fields: Any) -> tuple[Entry, bytes]:
    """An entry ready for the journal, and its sealed bytes. Fields that are None are left out, except `actor`.

    Raises InvalidEnvelope for a wrong shape, TooLarge over 256 KiB, ValueError for values that cannot be written.
    """
    entry: Entry = {key: value for key, value in fields.items() if value is not None or key == "actor"}
    entry["rows"] = make_blocks(rows)
    stored = canonical(entry)
    if reveals:
        entry["personal"] = reveals
    check_entry(entry, stored)
    return entry, stored


def make_blocks(rows: Iterable[Row]) -> list[Block]:
    """Rows gathered into blocks of one entity, op and columns, in the order in which each kind first appears."""
    blocks: dict[tuple[str, str, tuple[str, ...]], list[list[Any]]] = {}
    for entity, op, row_id, values in rows:
        blocks.setdefault((entity, op, tuple(values)), []).append([row_id, *values.values()])
    return [[entity, op, ["id", *columns], rows] for (entity, op, columns), rows in blocks.items()]


def blocks_of(message: Entry) -> list[Block]:
    """The blocks of an entry or line with its personal values revealed; for bulk work, a table at a time."""
    blocks: list[Block] = message.get("rows", [])
    reveals = message.get("personal")
    if not reveals:
        return blocks
    return [[entity, op, columns, [reveal(row, reveals) for row in rows]] for entity, op, columns, rows in blocks]


def rows_of(message: Entry) -> Iterator[Row]:
    """The rows of an entry or line one by one, with its personal values revealed."""
    for entity, op, columns, rows in blocks_of(message):
        names = columns[1:]
        for row in rows:
            yield Row(entity, op, row[0], dict(zip(names, row[1:], strict=True)))


def count_rows(message: Entry) -> int:
    return sum(len(block[3]) for block in message.get("rows", ()))
