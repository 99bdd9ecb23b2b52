"""Snapshots for nodes: one shop's share of the tables, read at one moment, cut into chunks that are kept for a day.

Invariants:
  * Number, witnesses and rows are read in one transaction that sees one moment, through a session that reaches no
    other shop. A number that is seen there stands for all rows it brought.
  * Rows pass by one after the other: however large a business is, a chunk at a time is in memory.
  * Chunks are given to the node they were made for, to nobody else; of each node the newest few are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import FeedLine, FeedStream, Origin, TenantFeed, WaitingEntry
from cloudhub.merge.schemas import known_columns, news_since
from cloudhub.merge.snapshot_models import Snapshot, SnapshotChunk
from cloudhub.merge.tables import EntityTable, entity_tables
from cloudhub.tenancy.nodes import NodeKey
from shopnode.domain.clock import to_datetime
from sync_protocol.canonical import array_of, canonical, serialise
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import encode
from sync_protocol.problems import Rewind, SnapshotGone, Unavailable
from sync_protocol.snapshots import CHUNK_BYTES, KEPT_MS, Manifest, SnapshotRequest, fingerprint, pack

ROWS_AT_ONCE = 1_000
GIVEN_AGAIN_MS = 3_600_000  # one that was just made is given again to a node whose line was cut while it waited
KEPT_OF_A_NODE = 2  # one that is being fetched, and one that took its place
BUSY_MS = 5_000


@dataclass(frozen=True)
class Part:
    """What is read of one table."""

    table: EntityTable
    op: str  # "i": whole rows; "u": what rows that are known lacked
    columns: tuple[str, ...]


def give_snapshot(hub: Hub, key: NodeKey, asked: SnapshotRequest) -> bytes:
    """The manifest of a snapshot for this node: of one made a moment ago, or of a new one.

    Raises Unavailable; Rewind for a cursor that this hub has not come to.
    """
    now_ms = hub.clock.wall_ms()
    with hub.database.session(key.tenant_id) as session:
        _check_cursor(session, hub, key, asked.cursor)
        _prune(session, now_ms)
        known = _made_before(session, hub, key, asked, now_ms)
        if known is not None:
            return known.encode()
        if asked.unless_lines is not None and _feed_lines(session, key, asked.unless_lines) <= asked.unless_lines:
            return encode(_moment(session, hub, key, asked, now_ms))
    with hub.database.session(key.tenant_id, shops=[key.shop_id], one_moment=True) as session:
        return _make(session, hub, key, asked, now_ms)


def give_chunk(hub: Hub, key: NodeKey, snapshot_id: str, n: int) -> bytes:
    """One chunk, for the node it was made for. Raises SnapshotGone."""
    now_ms = hub.clock.wall_ms()
    with hub.database.session(key.tenant_id, read_only=True) as session:
        body = session.scalar(
            select(SnapshotChunk.body)
            .join(Snapshot, Snapshot.id == SnapshotChunk.snapshot_id)
            .where(
                SnapshotChunk.snapshot_id == snapshot_id,
                SnapshotChunk.n == n,
                Snapshot.node_id == key.node_id,
                Snapshot.epoch == hub.identity.epoch,
                Snapshot.expires_at > to_datetime(now_ms),
            )
        )
    if body is None:
        raise SnapshotGone
    return bytes(body)


def _check_cursor(session: Session, hub: Hub, key: NodeKey, cursor: int) -> None:
    """Raises Rewind for a number that this hub has not come to: no snapshot it can make would be of use."""
    if cursor > session.scalars(select(TenantFeed.seq)).one():
        head = session.execute(select(Origin.head_n, Origin.head_hash).where(Origin.id == key.origin_id)).one()
        raise Rewind(hub.identity.epoch, head.head_n, head.head_hash, 0)


def _prune(session: Session, now_ms: int) -> None:
    """Whoever asks next clears away what nobody may fetch any more."""
    old = select(Snapshot.id).where(Snapshot.expires_at <= to_datetime(now_ms))
    session.execute(delete(SnapshotChunk).where(SnapshotChunk.snapshot_id.in_(old)))
    session.execute(delete(Snapshot).where(Snapshot.expires_at <= to_datetime(now_ms)))


def _made_before(session: Session, hub: Hub, key: NodeKey, asked: SnapshotRequest, now_ms: int) -> str | None:
    """The manifest of one that this node was made a moment ago and that reaches far enough still."""
    floor = session.scalars(select(TenantFeed.floor)).one()
    query = (
        select(Snapshot.manifest)
        .where(
            Snapshot.node_id == key.node_id,
            Snapshot.epoch == hub.identity.epoch,
            Snapshot.schema == asked.schema_,
            Snapshot.since_schema == (asked.since_schema or 0),
            Snapshot.no >= max(asked.cursor, floor),
            Snapshot.made_at > to_datetime(now_ms - GIVEN_AGAIN_MS),
        )
        .order_by(Snapshot.made_at.desc())
    )
    return session.scalars(query).first()


def _feed_lines(session: Session, key: NodeKey, enough: int) -> int:
    """How many lines the node would be sent, counted no further than needed; all of them where some are gone."""
    if session.scalars(select(TenantFeed.floor)).one():
        return enough + 1
    lines = select(FeedLine.no).where(FeedLine.stream.in_(_streams(key))).limit(enough + 1).subquery()
    return session.scalar(select(func.count()).select_from(lines)) or 0


def _streams(key: NodeKey) -> list[str]:
    return [TENANT_STREAM, shop_stream(key.shop_id)]


def _moment(session: Session, hub: Hub, key: NodeKey, asked: SnapshotRequest, now_ms: int) -> Manifest:
    """The feed as this transaction sees it, before any chunk."""
    heads = session.execute(select(FeedStream).where(FeedStream.stream.in_(_streams(key)))).scalars()
    waiting = select(WaitingEntry.n).where(WaitingEntry.origin_id == key.origin_id).order_by(WaitingEntry.n)
    return Manifest(
        epoch=hub.identity.epoch,
        no=session.scalars(select(TenantFeed.seq)).one(),
        streams={head.stream: (head.no, head.hash) for head in heads},
        accepted=session.scalars(select(Origin.head_n).where(Origin.id == key.origin_id)).one(),
        undecided=list(session.scalars(waiting)),
        rows=0,
        chunks=[],
        until=now_ms + KEPT_MS,
        since_schema=asked.since_schema,
    )


def _make(session: Session, hub: Hub, key: NodeKey, asked: SnapshotRequest, now_ms: int) -> bytes:
    """Read, pack and keep everything. Raises Unavailable while another request of this node is doing just that."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(key.node_id)))):
        raise Unavailable(BUSY_MS)
    _make_room(session, key)
    moment = _moment(session, hub, key, asked, now_ms)
    snapshot_id = hub.new_id()
    chunks: list[tuple[str, int, int]] = []
    for blocks, rows in _cut(_rows(session, key, _parts(asked))):
        body = pack(blocks)
        values = {"tenant_id": key.tenant_id, "snapshot_id": snapshot_id, "n": len(chunks), "body": body}
        session.execute(insert(SnapshotChunk).values(values))
        chunks.append((fingerprint(body), len(body), rows))
    parts = {"id": snapshot_id, "chunks": chunks, "rows": sum(rows for _, _, rows in chunks)}
    manifest = encode(Manifest(**{**moment.model_dump(exclude_unset=True), **parts}))
    values = {
        "tenant_id": key.tenant_id, "id": snapshot_id, "node_id": key.node_id, "epoch": hub.identity.epoch,
        "schema": asked.schema_, "since_schema": asked.since_schema or 0, "no": moment.no,
        "made_at": to_datetime(now_ms), "expires_at": to_datetime(moment.until), "manifest": manifest.decode(),
    }  # fmt: skip
    session.execute(insert(Snapshot).values(values))
    return manifest


def _make_room(session: Session, key: NodeKey) -> None:
    """Let the node's older snapshots go, so that with a new one no more than a few are kept."""
    mine = (
        select(Snapshot.id).where(Snapshot.node_id == key.node_id).order_by(Snapshot.made_at.desc(), Snapshot.id.desc())
    )
    old = list(session.scalars(mine.offset(KEPT_OF_A_NODE - 1)))
    if old:
        session.execute(delete(SnapshotChunk).where(SnapshotChunk.snapshot_id.in_(old)))
        session.execute(delete(Snapshot).where(Snapshot.id.in_(old)))


def _parts(asked: SnapshotRequest) -> list[Part]:
    """What is read, parents first."""
    tables = entity_tables()
    if asked.since_schema is not None:
        news = news_since(asked.since_schema, asked.schema_)
        return [Part(tables[new.entity], "i" if new.is_whole else "u", new.columns) for new in news]
    found = []
    for name, table in tables.items():
        columns = known_columns(name, asked.schema_)
        if columns:
            fed = ("feed_no",) if "feed_no" in table.sync.derived else ()
            found.append(Part(table, "i", (*columns, *fed)))
    return found


def _rows(session: Session, key: NodeKey, parts: list[Part]) -> Iterator[tuple[Part, bytes]]:
    """The rows of the parts, one by one, as canonical bytes."""
    session.flush()
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    for part in parts:
        with connection.cursor(name="snapshot") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(_statement(part), _values(part, key))  # type: ignore[arg-type]
            for row in cursor:
                yield part, serialise(list(row))


def _statement(part: Part) -> str:
    """Names come from the models, never from data."""
    known = part.table.columns
    names = [f"{name}::text" if name in known and known[name].cast == "uuid" else name for name in part.columns]
    mine = " AND shop_id = %s" if part.table.in_shop_stream else ""
    filled = " OR ".join(f"{name} IS NOT NULL" for name in part.columns[1:])
    lacked = f" AND ({filled})" if part.op == "u" else ""
    return f"SELECT {', '.join(names)} FROM {part.table.name} WHERE tenant_id = %s{mine}{lacked}"


def _values(part: Part, key: NodeKey) -> list[Any]:
    return [key.tenant_id, key.shop_id] if part.table.in_shop_stream else [key.tenant_id]


def _cut(rows: Iterator[tuple[Part, bytes]]) -> Iterator[tuple[list[bytes], int]]:
    """Rows gathered into blocks, and blocks into chunks of about the same size, with how many rows each has."""
    gathered: list[tuple[Part, list[bytes]]] = []
    size = count = 0
    for part, row in rows:
        if not gathered or gathered[-1][0] is not part:
            gathered.append((part, []))
        gathered[-1][1].append(row)
        size, count = size + len(row) + 1, count + 1
        if size >= CHUNK_BYTES:
            yield [_block(*block) for block in gathered], count
            gathered, size, count = [], 0, 0
    if gathered:
        yield [_block(*block) for block in gathered], count


def _block(part: Part, rows: list[bytes]) -> bytes:
    head = canonical([str(part.table.name), part.op, [str(name) for name in part.columns]])
    return head[:-1] + b"," + array_of(rows) + b"]"
