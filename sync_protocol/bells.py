"""The bell: a call that is answered when there is news for a node, or when a deadline passes. It carries no data.

Optional for both sides. Without it, polling paces itself; with it, an owner's change is in the shop within seconds
although the shop asks for news by itself only once an hour.
"""

from typing import Annotated

from pydantic import Field

from sync_protocol.messages import Count, Id, Message, Positive, Short

BELL = "/sync/v1/bell"
# An idle day, open round the clock, costs 72 of these and 24 exchanges, which is within its 200 KB.
BELL_WAIT_MS = 20 * 60_000
BELL_FULL_MS = 10 * 60_000  # when all places are taken, ask again after so long


class BellRequest(Message):
    """`POST /sync/v1/bell`: tell me when there is something after `cursor` that others wrote for me."""

    protocol: Positive
    schema_: Positive = Field(validation_alias="schema", serialization_alias="schema")
    node: Id
    origin: Id
    epoch: Short
    cursor: Count
    wait_ms: Annotated[int, Field(ge=1, le=BELL_WAIT_MS)]


class BellAnswer(Message):
    """`rang`: there is news, ask for it. Otherwise the deadline has passed."""

    rang: bool
