"""A node changes its key: asked by the owner, drawn by the node, kept here, alive with the first request it signs.

Both keys count from the moment the new one is kept until it is used, so that no lost answer and no crash on either side
leaves a node without a key that we know. After that the old one is dead: whoever still signs with it has a copy.

Invariants:
  * A key is kept only with its own signature of the node's name, so nobody can bind somebody else's here.
  * A new key kept while another waits replaces it: the node that drew both remembers the later one.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudhub.database import HubDatabase
from cloudhub.merge.models import Origin
from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import NodeKey
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import NotFound
from sync_protocol.chain import rotation_message
from sync_protocol.keys import read_public, verifies
from sync_protocol.messages import NewKey
from sync_protocol.problems import InvalidEnvelope


def ask_for_new_key(database: HubDatabase, tenant_id: str, node_id: str, now_ms: int) -> None:
    """Tell the node to take a new key when it next speaks. Raises NotFound."""
    with database.session(tenant_id) as session:
        asked = update(Node).where(Node.id == node_id, Node.revoked_at.is_(None))
        values = {
            "rotate_asked_at": to_datetime(now_ms),
            "next_public_key": None,
        }  # one that was never used is forgotten
        if not session.execute(asked.values(**values).returning(Node.id)).all():
            raise NotFound("This computer")


def keep_new_key(session: Session, key: NodeKey, offered: NewKey) -> None:
    """Keep the key that a node offers. Raises InvalidEnvelope unless the key itself signed that it is this node's."""
    try:
        public = read_public(offered.key)
    except ValueError:
        raise InvalidEnvelope("the new key is not an Ed25519 key") from None
    if not verifies(public, rotation_message(key.node_id, offered.key), offered.sig):
        raise InvalidEnvelope("the new key has not signed that it is this node's")
    if offered.key == key.past_public_key:
        raise InvalidEnvelope("a key that was given up is not taken again")
    if offered.key not in (key.public_key, key.next_public_key):
        session.execute(update(Node).where(Node.id == key.node_id).values(next_public_key=offered.key))


def commands_for(session: Session, key: NodeKey) -> list[dict[str, str]]:
    """What a node is told to do: to offer a new key, until one is kept."""
    asked = select(Node.rotate_asked_at.is_not(None) & Node.next_public_key.is_(None)).where(Node.id == key.node_id)
    return [{"command": "rotate_key"}] if session.scalars(asked).one() else []


def use_new_key(database: HubDatabase, key: NodeKey, used: str, run_id: str | None) -> None:
    """The kept key has signed a request: from now on it is the node's only one, and no copy of the node has it."""
    with database.session(key.tenant_id) as session:
        mine = update(Node).where(Node.id == key.node_id, Node.next_public_key == used)
        values = {
            "public_key": used, "past_public_key": Node.public_key, "next_public_key": None, "rotate_asked_at": None,
            "clone_suspected_at": None, "living_run_id": None, "run_id": run_id or Node.run_id, "earlier_run_id": None,
        }  # fmt: skip
        if session.execute(mine.values(**values).returning(Node.id)).all():
            session.execute(update(Origin).where(Origin.id == key.origin_id).values(public_key=used))
