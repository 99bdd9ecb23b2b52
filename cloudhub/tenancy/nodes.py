"""Nodes: who a key belongs to, whether it may still speak, and how it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.orm import Session

from cloudhub.database import HubDatabase
from cloudhub.tenancy.models import Node
from shopnode.domain.clock import to_datetime, to_ms
from shopnode.domain.db import UtcTimeType
from shopnode.domain.errors import NotFound
from sync_protocol.messages import ExchangeRequest


@dataclass(frozen=True)
class NodeKey:
    """What is known of a node before anything it says is believed."""

    tenant_id: str
    node_id: str
    shop_id: str
    origin_id: str
    public_key: str  # the one that counts for the request at hand
    revoked: bool
    next_public_key: str | None = None  # kept, and not used yet
    past_public_key: str | None = None  # given up: whoever signs with it has a copy of the node
    run_id: str | None = None
    clone_suspected: bool = False


@dataclass(frozen=True)
class NodeView:
    """A node in the owner's list of devices."""

    id: str
    shop_id: str
    series: str
    device: str
    software: str
    enrolled_at: datetime
    seen_at: datetime | None
    outbox: int | None
    oldest_unsent_at: datetime | None
    quarantined: int | None
    clock_error_ms: int | None
    revoked_at: datetime | None
    clone_suspected_at: datetime | None
    cursor: int | None
    origin_id: str
    chosen_run_id: str | None
    rotating: bool


def find_key(database: HubDatabase, node_id: str) -> NodeKey | None:
    """The node with this id, in whichever tenant it is."""
    columns: tuple[Any, ...] = (
        Node.tenant_id, Node.id, Node.shop_id, Node.origin_id, Node.public_key, Node.revoked_at.is_not(None),
        Node.next_public_key, Node.past_public_key, Node.run_id, Node.clone_suspected_at.is_not(None),
    )  # fmt: skip
    with database.gate() as session:
        row = session.execute(select(*columns).where(Node.id == node_id)).one_or_none()
    return None if row is None else NodeKey(*row)


def note_health(
    session: Session, key: NodeKey, message: ExchangeRequest, received_ms: int, *, moved: bool, signed_s: int = 0
) -> int:
    """Record how the node is. Returns how long it has been quiet, in milliseconds."""
    health = message.health
    oldest = health.oldest_unsent_at
    received_at = to_datetime(received_ms)
    values = {
        "seen_at": received_at,
        "sent_at": received_at if moved else func.coalesce(Node.sent_at, literal(received_at, UtcTimeType())),
        "outbox": health.outbox,
        "oldest_unsent_at": None if oldest is None else to_datetime(min(max(oldest, 0), received_ms)),
        "quarantined": health.quarantined,
        "software": health.software or Node.software,
        "free_disk_bytes": health.free_disk_bytes,
        "clock_error_ms": message.clock.wall - received_ms,
        "protocol": message.protocol,
        "schema": message.schema_,
        "cursor": message.have.cursor,
        # Only of the run that counts: a late request of an earlier one must not make it look recent.
        "run_signed_s": case(
            (Node.run_id == message.run, func.greatest(Node.run_signed_s, signed_s)), else_=Node.run_signed_s
        ),
    }
    statement = update(Node).where(Node.id == key.node_id).values(**values).returning(Node.sent_at)
    sent_at = session.execute(statement.execution_options(synchronize_session=False)).scalar_one() or received_at
    return received_ms - to_ms(sent_at)


def nodes_of(session: Session) -> list[NodeView]:
    """Every node the session can reach, by shop and series."""
    found: Sequence[Node] = session.scalars(select(Node).order_by(Node.series)).all()
    return [
        NodeView(
            node.id, node.shop_id, node.series, node.device, node.software, node.enrolled_at, node.seen_at,
            node.outbox, node.oldest_unsent_at, node.quarantined, node.clock_error_ms, node.revoked_at,
            node.clone_suspected_at, node.cursor, node.origin_id, node.living_run_id,
            node.rotate_asked_at is not None,
        )
        for node in found
    ]  # fmt: skip


def revoke_node(database: HubDatabase, tenant_id: str, node_id: str, now_ms: int) -> None:
    """Withdraw a node's permission to speak, from its next request on. Raises NotFound."""
    with database.session(tenant_id) as session:
        statement = update(Node).where(Node.id == node_id, Node.revoked_at.is_(None))
        found = session.scalar(select(Node.id).where(Node.id == node_id))
        if found is None:
            raise NotFound("This computer")
        session.execute(statement.values(revoked_at=to_datetime(now_ms)))
