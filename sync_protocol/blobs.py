"""Photos: bytes named by their SHA-256, sent apart from entries, in parts that can be taken up again.

Money first, photos last: a node speaks of them only when no entry waits, and within a budget of its own.
"""

import re
from typing import Annotated

from pydantic import Field

from sync_protocol.messages import Count, Hash, Id, Message, Positive
from sync_protocol.problems import Malformed

BLOBS = "/sync/v1/blobs"
BLOB = "/sync/v1/blob/"
CHUNK_BYTES = 16 * 1024  # sixteen seconds at 8 kbit/s, well within the time without progress
BLOB_BYTES_MAX = 200 * 1024
NAMES_MAX = 100

Names = Annotated[list[Hash], Field(max_length=NAMES_MAX)]
Sized = Annotated[tuple[Hash, Count], Field(strict=False)]

_NAME = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BlobsRequest(Message):
    """`POST /sync/v1/blobs`: which of these has the hub, and which of those can it give?"""

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    origin: Id
    have: Names
    want: Names


class BlobsAnswer(Message):
    """What of them may be sent and fetched. A name that is nowhere here is shown by no row that the hub knows yet.

    held     of those the node has, the hub has them too
    lacking  of those the node has, the hub wants them, from this byte on
    ready    of those the node wants, with their sizes
    """

    held: Names
    lacking: list[Sized]
    ready: list[Sized]


class BlobProgress(Message):
    """The answer to `PUT /sync/v1/blob/{sha256}?offset=…&size=…`: the next part begins at `offset`."""

    offset: Count
    whole: bool


def put_target(name: str, offset: int, size: int) -> str:
    return f"{BLOB}{name}?offset={offset}&size={size}"


def get_target(name: str, offset: int) -> str:
    return f"{BLOB}{name}?offset={offset}"


def read_name(text: str) -> str:
    """A name as it must be. Raises Malformed."""
    if _NAME.fullmatch(text) is None:
        raise Malformed("a blob is named by its SHA-256 in lowercase")
    return text


def read_count(text: str | None, most: int) -> int:
    """A number of bytes in a query. Raises Malformed."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or int(text) > most:
        raise Malformed(f"a number from 0 to {most} is needed")
    return int(text)
