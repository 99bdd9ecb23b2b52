"""The idempotency key: what a program names its call by is the id of the action.

A call that is sent again with its key, after a lost reply or by a second click, answers what the first one did.
"""

from __future__ import annotations

import hashlib
import re
import uuid

from shopnode.domain.clock import act_id, is_act_id
from shopnode.domain.errors import Invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY_MAX = 200

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TEXT_KEYS = "phoneshop/v1/idempotency-key"


def action_id_of(key: str | None, home: str, actor_id: str | None, fresh: str) -> str:
    """The action's id: a UUID as it was sent; from any other text one that follows from text, home and person.

    home  the installation whose journal will hold the entry: one owner's two shops may both count their calls 1, 2, 3

    Ids that `act_id` makes mean one act at two homes, so a program may not name its call by one; it is taken as text.
    Raises Invalid for an unusable key.
    """
    if key is None:
        return fresh
    if _UUID.fullmatch(key) and not is_act_id(key):
        return key.lower()
    if not key or len(key) > KEY_MAX:
        raise Invalid({HEADER: f"must be a UUID or 1 to {KEY_MAX} characters of text"})
    digest = hashlib.sha256("\0".join((_TEXT_KEYS, home, actor_id or "", key)).encode()).hexdigest()[:32]
    value = f"{digest[:12]}8{digest[13:16]}8{digest[17:]}"  # UUIDv8 (RFC 9562): made by our own rule
    return str(uuid.UUID(value))


def step_id(key: str, step: str) -> str:
    """The id of a further action that belongs to the same call."""
    return act_id(step, key)
