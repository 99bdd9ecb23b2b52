"""Two PCs with one identity: how they are noticed, and how the owner says which one lives.

Each start of a node draws a run id. A restart is a new run after an old one; when a run speaks again that another had
followed, both are alive. From then on neither is heard, so that a clone never quietly becomes a second origin, until
the owner chooses. The chosen one takes a new key with its next words; the other's key is dead with the first use of it.

Invariants:
  * A lost or delayed request and any number of restarts raise no alarm: a request that was signed before the newest
    run was first heard proves nothing.
  * Whoever is not the newest start gets no data either: nobody listens to the answer to a late request, and a copy that
    signs with an earlier time must not be heard for it. A file is late by nature, and heard.
  * While two are suspected, nothing either of them says changes any data.
  * What was noticed is kept also when the request is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from cloudhub.database import HubDatabase
from cloudhub.merge.models import Origin
from cloudhub.tenancy.models import Node, NodeRun
from cloudhub.tenancy.nodes import NodeKey
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import NotFound
from sync_protocol.problems import NOT_CHOSEN, CloneSuspected, ProtocolError, Revoked, Unavailable

RUNS_KEPT = 8
SIGNED_APART_S = 10  # so far apart may two starts of one computer think our time is
STALE_MS = 1_000  # a start whose clock was put back is heard once its time has come


@dataclass(frozen=True)
class Words:
    """Who says something: a run of a node, signed for an origin at a time (seconds of the hub's clock)."""

    run_id: str
    origin_id: str
    signed_s: int
    ip: str | None = None
    device: str | None = None
    software: str | None = None
    by_file: bool = False


@dataclass(frozen=True)
class RunView:
    """A start of a node, for the owner who must choose."""

    run_id: str
    series: str
    device: str | None
    software: str | None
    ip: str | None
    first_at: datetime
    last_at: datetime
    refused: bool


def meet(database: HubDatabase, key: NodeKey, words: Words, now_ms: int) -> None:
    """Notice who speaks, before anything else of the request counts. Raises CloneSuspected, Revoked, Unavailable."""
    if not key.clone_suspected and key.run_id == words.run_id:
        return
    refusal: ProtocolError | None = None
    with database.session(key.tenant_id) as session:
        try:
            notice(session, key, words, now_ms)
        except (CloneSuspected, Revoked) as refused:
            refusal = refused  # the transaction is kept: what was noticed must not be forgotten
    if refusal is not None:
        raise refusal


def notice(session: Session, key: NodeKey, words: Words, now_ms: int) -> None:
    """`meet` inside a transaction, which the caller keeps also when this raises."""
    columns = select(
        Node.run_id, Node.earlier_run_id, Node.run_signed_s, Node.clone_suspected_at, Node.living_run_id, Node.seen_at
    ).where(Node.id == key.node_id)
    known = session.execute(columns).one()
    if known.clone_suspected_at is None and known.run_id == words.run_id:
        return
    known = session.execute(columns.with_for_update()).one()
    if known.clone_suspected_at is not None:
        _among_suspects(session, key, words, known.living_run_id, now_ms)
        return
    newest_s = known.run_signed_s or 0
    change = update(Node).where(Node.id == key.node_id)
    if words.run_id == known.earlier_run_id and words.signed_s > newest_s:
        session.execute(change.values(clone_suspected_at=to_datetime(now_ms), living_run_id=None))
        _remember(session, key, words, now_ms)
        raise CloneSuspected
    if words.run_id not in (known.run_id, known.earlier_run_id) and words.signed_s >= newest_s:
        values = {"earlier_run_id": known.run_id, "run_id": words.run_id, "run_signed_s": words.signed_s}
        session.execute(change.values(values))
        if known.run_id is not None and known.seen_at is not None:
            before = update(NodeRun).where(NodeRun.node_id == key.node_id, NodeRun.run_id == known.run_id)
            session.execute(before.values(last_at=known.seen_at))
        _remember(session, key, words, now_ms)
        return
    # A signature from ahead of our time must not keep out the starts that come after it.
    stale_s = min(newest_s, now_ms // 1000) - SIGNED_APART_S
    if words.run_id != known.run_id and not words.by_file and words.signed_s < stale_s:
        raise Unavailable(STALE_MS)


def check_clone(
    session: Session, key: NodeKey, run_id: str, signed_s: int, now_ms: int, *, by_file: bool = False
) -> None:
    """`notice` where only the run is at hand."""
    notice(session, key, Words(run_id, key.origin_id, signed_s, by_file=by_file), now_ms)


def _among_suspects(session: Session, key: NodeKey, words: Words, living: str | None, now_ms: int) -> None:
    """Only the run that the owner chose is heard. Raises CloneSuspected, Revoked for the others."""
    if living is not None and words.run_id == living:
        return
    _remember(session, key, words, now_ms)
    mine = select(NodeRun.refused_at).where(NodeRun.node_id == key.node_id, NodeRun.run_id == words.run_id)
    if session.scalars(mine).one_or_none() is not None:
        raise Revoked(NOT_CHOSEN)
    raise CloneSuspected


def _remember(session: Session, key: NodeKey, words: Words, now_ms: int) -> None:
    at = to_datetime(now_ms)
    series = select(Node.series).where(Node.id == key.node_id).scalar_subquery()
    statement = upsert(NodeRun).values(
        tenant_id=key.tenant_id, node_id=key.node_id, run_id=words.run_id, origin_id=words.origin_id, series=series,
        device=words.device, software=words.software, ip=words.ip, first_at=at, last_at=at,
    )  # fmt: skip
    said = statement.excluded
    later = {
        "last_at": at, "ip": said.ip, "origin_id": said.origin_id,
        "device": func.coalesce(said.device, NodeRun.device),
        "software": func.coalesce(said.software, NodeRun.software),
    }  # fmt: skip
    keys = ["tenant_id", "node_id", "run_id"]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=later))
    newest = select(NodeRun.run_id).where(NodeRun.node_id == key.node_id)
    newest = newest.order_by(NodeRun.first_at.desc(), NodeRun.run_id.desc()).limit(RUNS_KEPT)
    old = delete(NodeRun).where(NodeRun.node_id == key.node_id, NodeRun.run_id.not_in(newest))
    session.execute(old.execution_options(synchronize_session=False))


def runs_of(session: Session, node_id: str) -> list[RunView]:
    """The newest starts of a node, the last heard first."""
    found = session.scalars(select(NodeRun).where(NodeRun.node_id == node_id).order_by(NodeRun.last_at.desc()))
    return [
        RunView(
            run.run_id, run.series, run.device, run.software, run.ip, run.first_at, run.last_at,
            run.refused_at is not None,
        )
        for run in found
    ]  # fmt: skip


def choose_run(database: HubDatabase, tenant_id: str, node_id: str, run_id: str, now_ms: int) -> None:
    """The owner says which of the PCs with one identity lives: it is heard and takes a new key, no other is.

    The origin it speaks for is the node's again, whichever of them came last. Raises NotFound.
    """
    with database.session(tenant_id) as session:
        node = session.scalars(select(Node).where(Node.id == node_id).with_for_update()).one_or_none()
        chosen = session.scalars(select(NodeRun).where(NodeRun.node_id == node_id, NodeRun.run_id == run_id))
        run = chosen.one_or_none()
        if node is None or run is None or node.clone_suspected_at is None or node.revoked_at is not None:
            raise NotFound("This computer")
        now = to_datetime(now_ms)
        others = update(NodeRun).where(NodeRun.node_id == node_id, NodeRun.run_id != run_id)
        session.execute(others.values(refused_at=now))
        run.refused_at = None
        node.living_run_id, node.rotate_asked_at, node.next_public_key = run_id, now, None
        ours = select(Origin.id).where(Origin.id == run.origin_id, Origin.node_id == node_id)
        if session.scalar(ours) is not None:
            node.origin_id, node.series = run.origin_id, run.series


def settle_clone(database: HubDatabase, tenant_id: str, node_id: str) -> None:
    """The owner has put away the second PC: the next start of this identity counts as the only one."""
    with database.session(tenant_id) as session:
        values = {"clone_suspected_at": None, "living_run_id": None, "run_id": None, "earlier_run_id": None}
        session.execute(update(Node).where(Node.id == node_id).values(**values))
        session.execute(delete(NodeRun).where(NodeRun.node_id == node_id))
