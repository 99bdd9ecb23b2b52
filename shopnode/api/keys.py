"""The idempotency key: what a program names its call by is the id of the action.

A call that is sent again with its key, after a lost reply or by a second click, answers what the first one did.
"""

from __future__ import annotations

import re
import uuid

from shopnode.domain.clock import act_id
from shopnode.domain.errors import Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_MAX = 200

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TEXT_KEYS = uuid.UUID("0f7c2f43-52bb-5d0a-8a3e-6f5f0b8f9a2d")


def action_id_of(key: str | None, actor_id: str | None, fresh: str) -> str:
    """The action's id: a UUID as it was sent; from any other text one that follows from text and person.

    Two programs of different people may well count their calls 1, 2, 3. Raises Invalid for an unusable key.
    """
    if key is None:
        return fresh
    if _UUID.fullmatch(key):
        return key.lower()
    if not key or len(key) > KEY_MAX:
        raise Invalid({HEADER: f"must be a UUID or 1 to {KEY_MAX} characters of text"})
    return str(uuid.uuid5(_TEXT_KEYS, f"{actor_id}\0{key}"))


def step_id(key: str, step: str) -> str:
    """The id of a further action that belongs to the same call."""
    return act_id(step, key)
