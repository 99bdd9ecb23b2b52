"""Nodes: who a key belongs to, whether it may still speak, and whether two PCs use one identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.orm import Session

from cloudhub.database import HubDatabase
from cloudhub.tenancy.models import Node
from shopnode.domain.clock import to_datetime, to_ms
from shopnode.domain.db import UtcTimeType
from shopnode.domain.errors import NotFound
from sync_protocol.messages import ExchangeRequest
from sync_protocol.problems import CloneSuspected


@dataclass(frozen=True)
class NodeKey:
    """What is known of a node before anything it says is believed."""

    tenant_id: str
    node_id: str
    shop_id: str
    origin_id: str
    public_key: str
    revoked: bool


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


def find_key(database: HubDatabase, node_id: str) -> NodeKey | None:
    """The node with this id, in whichever tenant it is."""
    columns = (Node.tenant_id, Node.id, Node.shop_id, Node.origin_id, Node.public_key, Node.revoked_at)
    with database.gate() as session:
        row = session.execute(select(*columns).where(Node.id == node_id)).one_or_none()
    if row is None:
        return None
    return NodeKey(row.tenant_id, row.id, row.shop_id, row.origin_id, row.public_key, row.revoked_at is not None)


def check_clone(session: Session, key: NodeKey, run_id: str, signed_s: int, now_ms: int) -> None:
    """Remember which start of the node this is. Raises CloneSuspected once an earlier start speaks again.

    A restart is a new run, and a request that was delayed is older than what we have heard of the newer run: neither
    raises an alarm. The caller commits also when it raises.
    """
    columns = select(Node.run_id, Node.earlier_run_id, Node.run_signed_s, Node.clone_suspected_at)
    mine = columns.where(Node.id == key.node_id)
    known = session.execute(mine).one()
    if known.clone_suspected_at is None and known.run_id == run_id:
        return
    known = session.execute(mine.with_for_update()).one()
    if known.clone_suspected_at is not None:
        raise CloneSuspected
    newest_s = known.run_signed_s or 0
    change = update(Node).where(Node.id == key.node_id)
    if run_id == known.earlier_run_id and signed_s > newest_s:
        session.execute(change.values(clone_suspected_at=to_datetime(now_ms)))
        raise CloneSuspected
    if run_id not in (known.run_id, known.earlier_run_id) and signed_s >= newest_s:
        session.execute(change.values(earlier_run_id=known.run_id, run_id=run_id, run_signed_s=signed_s))


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
            node.clone_suspected_at, node.cursor,
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


def settle_clone(database: HubDatabase, tenant_id: str, node_id: str) -> None:
    """The owner has put away the second PC: the next start of this identity counts as the only one."""
    with database.session(tenant_id) as session:
        values = {"clone_suspected_at": None, "run_id": None, "earlier_run_id": None}
        session.execute(update(Node).where(Node.id == node_id).values(**values))
