"""The fork call: two sides whose histories do not fit find the last thing both of them have, and go on from there.

Whoever was restored asks with witnesses, (number, hash) pairs from its newest entry backwards: of the origin whose
chain parted, and of the streams it has read. Hashes are chained, so the highest pair the other side knows proves
everything before it. Between that pair and the next higher one it asks again, until nothing lies between them.

A node that was itself restored also begins its new origin with this call (`begin`); a node whose hub was restored asks
about the origin it has, and may name the same one under `begin`, for a hub that lost even that.

Invariants:
  * Asking changes nothing. Beginning an origin that was begun already changes nothing either: the answer was lost.
  * Without any common entry, the common witness is (0, genesis of the origin).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from sync_protocol.messages import (
    STREAMS_MAX,
    ClockReading,
    Count,
    Hash,
    Id,
    Message,
    Millis,
    Positive,
    Short,
    Stream,
    Witness,
)

WITNESSES_MAX = 1_000  # of one chain in one request
DENSE = 100  # of the newest numbers, every one is offered: histories part near their ends

WitnessList = Annotated[list[Witness], Field(max_length=WITNESSES_MAX)]


class Begin(Message):
    """The origin that a node continues under, and what its receipt numbers start with."""

    origin: Id
    series: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}(-[0-9A-Z]{5})?$")]


class ForkRequest(Message):
    """`POST /sync/v1/fork`, signed for `origin`, the one whose chain is asked about. Witnesses go from high to low."""

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    run: Id
    clock: ClockReading
    origin: Id
    chain: WitnessList
    lines: Annotated[dict[Stream, WitnessList], Field(max_length=STREAMS_MAX)]
    begin: Begin | None = None
    epoch: Short  # of the hub, as the node remembers it
    device: Short | None = None  # what the PC calls itself: an owner may have to tell two of them apart


class ForkAnswer(Message):
    """What both sides have. `head`: how far the hub has that origin; it may be behind or beyond the node's own end.

    common    the highest of the chain's witnesses that the hub has too
    lines     the same of each stream; a stream without common line is absent
    counters  the highest number the hub has seen in each series of the shop
    seq       the last number of the tenant's feed
    """

    epoch: Short
    time: Millis
    common: Witness
    head: Witness
    durable: Count
    lines: Annotated[dict[Stream, Witness], Field(max_length=STREAMS_MAX)]
    counters: dict[Short, Count]
    seq: Count


def sample(low: int, high: int, most: int = WITNESSES_MAX) -> list[int]:
    """Numbers above `low` up to `high` worth asking about, from high to low: all, or ever wider from the end."""
    if high - low <= most:
        return list(range(high, low, -1))
    return list(_ever_wider(low, high))


def narrow(low: int, high: int, most: int = WITNESSES_MAX) -> list[int]:
    """Numbers strictly between a common one and one that is not, from high to low: all, or evenly spread.

    Each round leaves one part in `most`, so two rounds after the first find the place among a hundred million.
    """
    width = high - low - 1
    if width <= most:
        return list(range(high - 1, low, -1))
    return sorted({low + 1 + place * (width - 1) // (most - 1) for place in range(most)}, reverse=True)


def newest_common(witnesses: Sequence[Witness], known: Mapping[int, Hash]) -> Witness | None:
    """The highest witness whose hash the other side has under the same number."""
    return next(((n, digest) for n, digest in witnesses if known.get(n) == digest), None)


def first_parted(witnesses: Sequence[Witness], common_n: int, high: int) -> int:
    """The lowest number known not to be common: of the witnesses above the common one, or `high`, beyond the end."""
    return min((n for n, _ in witnesses if n > common_n), default=high)


def _ever_wider(low: int, high: int) -> Iterator[int]:
    """Every one of the newest, then each step twice as long, and the lowest at the end."""
    yield from range(high, high - DENSE, -1)
    n, step = high - DENSE, 2
    while n > low + 1:
        yield n
        n, step = n - step, step * 2
    yield low + 1
