"""Anti-entropy: whether a node's books are what they should be, table by table and bucket by bucket.

Invariants:
  * All that is compared is read at one moment, at which the node had nothing to tell us nor we the node; else the
    answer is "moved" and nobody concludes anything.
  * A node learns of rows that it is sent anyway: its business's and its own shop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.merge.models import FeedStream, Origin
from cloudhub.merge.schemas import known_columns
from cloudhub.merge.tables import EntityTable, entity_tables
from cloudhub.tenancy.nodes import NodeKey
from sync_protocol.digests import ROWS_AT_ONCE, DigestAnswer, DigestRequest, Fold, Wanted, compared_columns
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.problems import InvalidEnvelope

READ_AT_ONCE = 1_000


def compare(hub: Hub, key: NodeKey, asked: DigestRequest) -> DigestAnswer:
    """Where the node's books differ from what it should have. Raises InvalidEnvelope."""
    with hub.database.session(key.tenant_id, shops=[key.shop_id], read_only=True, one_moment=True) as session:
        if asked.epoch != hub.identity.epoch or not _is_in_step(session, key, asked):
            return DigestAnswer(moved=True)
        if asked.wanted is not None:
            return _rows_of(session, key, asked, asked.wanted)
        if asked.buckets is not None:
            folds = ((name, _fold(session, key, asked, name).differing(sums)) for name, sums in asked.buckets.items())
            return DigestAnswer(moved=False, buckets={name: differing for name, differing in folds if differing})
        told = asked.totals or {}
        mine = {name: _fold(session, key, asked, name).total for name in told}
        return DigestAnswer(moved=False, tables=[name for name in told if mine[name] != told[name]])


def _is_in_step(session: Session, key: NodeKey, asked: DigestRequest) -> bool:
    """Whether the node has read all lines of its streams, and we have all of its entries."""
    streams = select(FeedStream).where(FeedStream.stream.in_((TENANT_STREAM, shop_stream(key.shop_id))))
    heads = {head.stream: (head.no, head.hash) for head in session.scalars(streams)}
    head_n = session.scalars(select(Origin.head_n).where(Origin.id == key.origin_id)).one()
    return asked.head == head_n and dict(asked.streams) == heads


def _fold(session: Session, key: NodeKey, asked: DigestRequest, name: str) -> Fold:
    fold = Fold()
    for row in _read(session, key, asked, name, "", []):
        fold.add(row)
    return fold


def _rows_of(session: Session, key: NodeKey, asked: DigestRequest, wanted: Wanted) -> DigestAnswer:
    """Some rows of a bucket, by id, as a block that inserts them."""
    condition = "AND right(id::text, 2) = %s AND id > %s::uuid ORDER BY id LIMIT %s"
    after = wanted.after or "00000000-0000-0000-0000-000000000000"
    values = [f"{wanted.bucket:02x}", after, ROWS_AT_ONCE + 1]
    rows = [list(row) for row in _read(session, key, asked, wanted.table, condition, values)]
    columns = [str(column) for column in _columns(asked, wanted.table)]
    blocks = [[wanted.table, "i", columns, rows[:ROWS_AT_ONCE]]] if rows else []
    return DigestAnswer(moved=False, rows=blocks, more=len(rows) > ROWS_AT_ONCE)


def _columns(asked: DigestRequest, name: str) -> list[str]:
    """What is compared of a table: all that the node's version knows of it, and its rows' place in the feed."""
    columns = known_columns(name, asked.schema_)
    if not columns:
        raise InvalidEnvelope("a table that this version does not know")
    fed = ("feed_no",) if "feed_no" in entity_tables()[name].sync.derived else ()
    return compared_columns((*columns, *fed))


def _read(
    session: Session, key: NodeKey, asked: DigestRequest, name: str, condition: str, values: list[Any]
) -> Iterator[tuple[Any, ...]]:
    """The node's rows of one table, one after the other. Names come from the models, never from data."""
    columns = _columns(asked, name)
    table: EntityTable = entity_tables()[name]
    texts = [f"{c}::text" if c in table.columns and table.columns[c].cast == "uuid" else c for c in columns]
    mine = "AND shop_id = %s" if table.in_shop_stream else ""
    scope = [key.tenant_id, key.shop_id] if table.in_shop_stream else [key.tenant_id]
    rows = f"FROM {table.name} WHERE tenant_id = %s {mine} AND id <> ALL (%s::uuid[])"
    statement = f"SELECT {', '.join(texts)} {rows} {condition}"
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor(name="digest") as cursor:
        cursor.itersize = READ_AT_ONCE
        cursor.execute(statement, [*scope, asked.apart.get(name, []), *values])  # type: ignore[arg-type]
        yield from cursor
