"""Changing the key this node signs with, as the hub asked.

The next key is drawn and kept here before it is offered; the hub keeps it beside the old one; from its answer on the
new one signs, and with the first request it signs the old one is dead at the hub. The old one stays here for a hub
that was restored to a time before the change: it can only be recognised by the key it knew.

Invariants:
  * Wherever it is cut off, at least one key that the hub knows is here, and it is the one that is used.
  * An offer is repeated with the same key until it is answered.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.node import NodeHome
from shopnode.sync.line import Refused, SignedLine
from shopnode.sync.models import HubLink
from shopnode.sync.remedies import REMEDIES
from sync_protocol.chain import rotation_message
from sync_protocol.keys import public_text, read_private, sign
from sync_protocol.messages import ExchangeResponse, NewKey
from sync_protocol.problems import Action

COMMAND = {"command": "rotate_key"}
KEY_BYTES = 32


def offered_key(session: Session, home: NodeHome) -> NewKey | None:
    """The key that waits to be kept by the hub, signed by itself."""
    secret = session.scalars(select(HubLink.next_private_key)).one_or_none()
    if secret is None:
        return None
    key = read_private(secret)
    text = public_text(key)
    return NewKey(key=text, sig=sign(key, rotation_message(home.node_id, text)))


def heed(session: Session, home: NodeHome, response: ExchangeResponse) -> None:
    """What an answer says about keys: ours was kept, or a new one is wanted."""
    if response.new_key is None and COMMAND not in response.commands:
        return
    link = session.get_one(HubLink, 1)
    if link.next_private_key is not None:
        if response.new_key == public_text(read_private(link.next_private_key)):
            link.past_private_key, link.private_key, link.next_private_key = (
                link.private_key, link.next_private_key, None,
            )  # fmt: skip
            failpoints.hit("rotate.changed")
    elif COMMAND in response.commands:
        link.next_private_key = home.random(KEY_BYTES)
        failpoints.hit("rotate.drawn")
    session.flush()


def step_back(line: SignedLine, refused: Refused) -> None:
    """A hub that does not know our key may be one that was restored: offer it again, under the key from before it."""
    with line.home.writing() as session:
        link = session.get_one(HubLink, 1)
        if refused.problem.code != "bad_signature" or link.past_private_key is None:
            raise refused
        link.next_private_key, link.private_key, link.past_private_key = link.private_key, link.past_private_key, None


REMEDIES[Action.STOP] = step_back
