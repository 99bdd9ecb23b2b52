"""What a node of an older schema knows: which tables and columns it is sent, and what is withheld from it.

Tables and columns say since which schema they are there (`shopnode/domain/db.py`); everything here follows from that.

Invariants:
  * A line that lost something carries the hash of the whole line, so that the node's chain and the page's signature
    still fit; a line that lost nothing is sent as it is.
  * What was withheld can be asked for after the upgrade: `News` is exactly what an older schema lacked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudhub.merge.tables import entity_tables
from shopnode.domain.db import synced_models
from sync_protocol.shape import Block, Line


@dataclass(frozen=True)
class News:
    """What a schema knows of one table that an older one did not: the whole table, or some columns."""

    entity: str
    is_whole: bool
    columns: tuple[str, ...]  # `id` first


def known_columns(entity: str, schema: int) -> tuple[str, ...]:
    """The columns of a table that a schema knows, `id` first; none where it does not know the table."""
    return _known(schema).get(entity, ())


def is_withheld(line: Line, schema: int) -> bool:
    """Whether a node of this schema cannot be sent the line as it is."""
    known = _known(schema)
    return any(not set(columns) <= set(known.get(entity, ())) for entity, _, columns, _ in line["rows"])


def without_unknown(line: Line, schema: int, digest: str) -> Line:
    """The line as a node of this schema is sent it; `digest` is the whole line's hash."""
    known = _known(schema)
    blocks = [part for block in line["rows"] if (part := _part(block, known.get(block[0], ())))]
    stripped = {**line, "rows": blocks, "hash": digest}
    if "personal" in line:
        present = {value for block in blocks for row in block[3] for value in row if type(value) is str}
        stripped["personal"] = {marker: pair for marker, pair in line["personal"].items() if marker in present}
        if not stripped["personal"]:
            del stripped["personal"]
    return stripped


def news_since(since_schema: int, schema: int) -> list[News]:
    """What a node that was sent rows for `since_schema`, and knows `schema` now, has not got; parents first."""
    before, now = _known(since_schema), _known(schema)
    found = []
    for entity, columns in now.items():
        if entity not in before:
            found.append(News(entity, True, columns))
        elif new := tuple(name for name in columns if name not in before[entity]):
            found.append(News(entity, False, ("id", *new)))
    return found


@cache
def _known(schema: int) -> dict[str, tuple[str, ...]]:
    """Entity → columns that this schema knows."""
    return {
        name: tuple(column for column in table.columns if column_since(name, column) <= schema)
        for name, table in entity_tables().items()
        if table.sync.since <= schema
    }


def column_since(entity: str, column: str) -> int:
    """The schema that a column came with."""
    since: int = synced_models()[entity].__table__.columns[column].info.get("since", 1)
    return since


def forget_schemas() -> None:
    """Look at the tables anew; for tests that change what they declare."""
    _known.cache_clear()


def _part(block: Block, known: tuple[str, ...]) -> list[Any] | None:
    """What is left of a block; nothing where no column but the id of changed rows is."""
    entity, op, columns, rows = block
    places = [place for place, name in enumerate(columns) if name in known]
    if not places or (op == "u" and len(places) == 1):
        return None
    if len(places) == len(columns):
        return block
    return [entity, op, [columns[place] for place in places], [[row[place] for place in places] for row in rows]]
