"""Comparing two copies of the books without sending them: sums of row hashes, by table and by bucket of ids.

Invariants:
  * A row's hash covers its id and every compared value, in canonical bytes, columns by name. So equal rows have equal
    hashes on both engines and in every order of columns.
  * Sums do not depend on the order in which rows are read.
  * Copies are compared only where neither has anything the other has still to be told.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Annotated

from pydantic import Field

from sync_protocol.canonical import serialise
from sync_protocol.messages import STREAMS_MAX, Count, Id, Message, Positive, Short, Stream, Witness
from sync_protocol.shape import Block

BUCKETS = 256
ROWS_AT_ONCE = 500  # of a bucket, in one answer
TABLES_MAX = 500

_SIZE = 1 << 128

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Sum = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Total = Annotated[tuple[Count, Sum], Field(strict=False)]  # how many rows, and the sum of their hashes
Bucket = Annotated[int, Field(ge=0, lt=BUCKETS)]


class Wanted(Message):
    """The rows of one bucket of one table, after an id."""

    table: Name
    bucket: Bucket
    after: Id | None = None


class DigestRequest(Message):
    """`POST /sync/v1/digest`: what this node has, of one thing at a time: `totals`, `buckets` or `wanted` rows.

    head    its last entry; all of them are with the hub
    apart   rows touched by entries of its own that the hub holds or set aside: they are not compared
    """

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    origin: Id
    run: Id
    epoch: Short
    head: Count
    cursor: Count
    streams: Annotated[dict[Stream, Witness], Field(max_length=STREAMS_MAX)]
    apart: Annotated[dict[Name, list[Id]], Field(max_length=TABLES_MAX)]
    totals: Annotated[dict[Name, Total], Field(max_length=TABLES_MAX)] | None = None
    buckets: (
        Annotated[
            dict[Name, Annotated[list[Sum], Field(min_length=BUCKETS, max_length=BUCKETS)]],
            Field(max_length=TABLES_MAX),
        ]
        | None
    ) = None
    wanted: Wanted | None = None


class DigestAnswer(Message):
    """Where the copies differ; with `moved` nothing was compared, because there is something to exchange first."""

    moved: bool
    tables: list[Name] | None = None  # whose totals differ
    buckets: dict[Name, list[Bucket]] | None = None  # whose sums differ
    rows: list[Block] | None = None
    more: bool | None = None  # there are further rows in the bucket


def bucket_of(row_id: str) -> int:
    """Which bucket a row belongs to: the last two digits of its id, which are as good as drawn by lot."""
    return int(row_id[-2:], 16)


def compared_columns(columns: Iterable[str]) -> list[str]:
    """The order in which a row's values are hashed: the id, then by name."""
    return ["id", *sorted(set(columns) - {"id"})]


class Fold:
    """The sums of one table's rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._sums = [0] * BUCKETS

    def add(self, row: Sequence[object]) -> None:
        """A row's values in the order of `compared_columns`, in wire form."""
        digest = sha256(serialise(list(row))).digest()
        self.rows += 1
        self._sums[bucket_of(str(row[0]))] += int.from_bytes(digest[:16])

    @property
    def total(self) -> tuple[int, str]:
        return self.rows, _text(sum(self._sums))

    @property
    def buckets(self) -> list[str]:
        return [_text(value) for value in self._sums]

    def differing(self, other: Sequence[str]) -> list[int]:
        """The buckets that hold something else than the other side's."""
        return [place for place, (mine, theirs) in enumerate(zip(self.buckets, other, strict=True)) if mine != theirs]


def _text(value: int) -> str:
    return f"{value % _SIZE:032x}"
