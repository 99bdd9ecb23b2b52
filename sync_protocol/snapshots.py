"""Snapshots: a shop's share of the hub's tables as of one number of the feed, in chunks that can be fetched one by one.

A node that is new, or was away for longer than the feed is kept, takes one in place of the lines up to that number. A
node that was just upgraded takes one of what was withheld from it before (`since_schema`).

Invariants:
  * All of a snapshot is of one moment: number, witnesses and rows are read together.
  * A chunk is told by the hash of its bytes as they travel; it is the same whenever and however often it is fetched.
  * Rows are in wire form with personal values in plain, parents before children. Whole rows are inserts; of rows that
    the node had already, what it lacked are updates with plain values, as in a feed line.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated

import zstandard
from pydantic import Field

from sync_protocol.canonical import array_of, parse_canonical
from sync_protocol.compression import decompress
from sync_protocol.messages import STREAMS_MAX, Count, Hash, Id, Message, Millis, Positive, Short, Stream, Witness
from sync_protocol.problems import Malformed
from sync_protocol.shape import ENTRY_BYTES_MAX, Block, check_rows

CHUNK_BYTES = 256 * 1024  # before compression; the row that fills a chunk may pass it
KEPT_MS = 24 * 3_600_000
SHORT_FEED_LINES = 2_000  # so few lines are sent as they are: a snapshot would not be quicker

_OPENED_BYTES_MAX = CHUNK_BYTES + 2 * ENTRY_BYTES_MAX
_LEVEL = 6  # made once and sent over slow lines

Chunk = Annotated[tuple[Hash, Positive, Positive], Field(strict=False)]  # SHA-256, bytes on the line, rows


class SnapshotRequest(Message):
    """`POST /sync/v1/snapshot`: the rows of the node's shop and business, as of now.

    cursor        how far the node has read: a snapshot of a smaller number is of no use to it
    since_schema  only what a node of that schema was not sent
    unless_lines  a feed of no more lines than this needs no snapshot
    """

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    origin: Id
    run: Id
    cursor: Count
    since_schema: Positive | None = None
    unless_lines: Count | None = None


class Manifest(Message):
    """What a snapshot consists of. Without `id` none was made, because the feed is short.

    no         the feed number it is of: the node's cursor once it is applied
    streams    witness of each of the node's streams at that number
    accepted   entries of the node's origin that had arrived by then; what they wrote is decided, but for `undecided`
    undecided  those of them that are held or quarantined
    """

    id: Id | None = None
    epoch: Short
    no: Count
    streams: Annotated[dict[Stream, Witness], Field(max_length=STREAMS_MAX)]
    accepted: Count
    undecided: list[Positive]
    rows: Count
    chunks: list[Chunk]
    until: Millis  # how long the chunks are kept
    since_schema: Positive | None = None


def pack(blocks: Iterable[bytes]) -> bytes:
    """A chunk of blocks that are canonical bytes already."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(array_of(blocks))


def fingerprint(chunk: bytes) -> str:
    """What the manifest calls a chunk by."""
    return sha256(chunk).hexdigest()


def open_chunk(chunk: bytes) -> list[Block]:
    """The blocks of a chunk whose hash was checked. Raises Malformed, InvalidEnvelope."""
    blocks = parse_canonical(decompress(chunk, "zstd", _OPENED_BYTES_MAX))
    if type(blocks) is not list:
        raise Malformed("a chunk must be a list of blocks")
    check_rows(blocks, outcome=True)
    return blocks
