"""What this hub and a node have in common, when one of them was restored; and the origin a restored node goes on under.

Invariants:
  * A node may ask about any origin of its own shop: one of a PC that it replaced, from a copy of whose books it began.
    Only a hash that the asker knows is ever confirmed.
  * An origin is begun once, by its node; begun again, because the answer was lost, it changes nothing.
  * A request that is older than what was heard of the node since never moves it back.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head
from cloudhub.merge.models import Origin
from cloudhub.tenancy.models import Node, NodeRun
from cloudhub.tenancy.nodes import NodeKey
from cloudhub.tenancy.tenants import new_origin
from sync_protocol.chain import genesis
from sync_protocol.forks import Begin, newest_common
from sync_protocol.messages import Witness
from sync_protocol.problems import InvalidEnvelope, Unavailable

STALE_MS = 1_000  # nobody listens any more; whoever does asks again with a newer request


def begin_origin(session: Session, key: NodeKey, begin: Begin, run_id: str, signed_s: int, now_ms: int) -> None:
    """Let the node go on under a new origin. Raises InvalidEnvelope, Unavailable."""
    node = session.scalars(select(Node).where(Node.id == key.node_id).with_for_update()).one()
    known = session.scalars(select(Origin).where(Origin.id == begin.origin)).one_or_none()
    if known is not None:
        if known.node_id != key.node_id:
            raise InvalidEnvelope("the new origin belongs to another node")
        return
    if signed_s < (node.run_signed_s or 0):
        raise Unavailable(STALE_MS)
    if begin.series.partition("-")[0] != node.series.partition("-")[0]:
        raise InvalidEnvelope("receipt numbers of a new origin begin like those before")
    if session.scalar(select(exists().where(Node.series == begin.series, Node.id != key.node_id))):
        raise InvalidEnvelope("another computer's receipts are numbered so")
    session.add(
        new_origin(
            key.tenant_id, begin.origin, now_ms=now_ms, node_id=key.node_id, shop_id=key.shop_id,
            public_key=key.public_key,
        )
    )  # fmt: skip
    node.origin_id, node.series, node.run_signed_s = begin.origin, begin.series, signed_s
    heard = update(NodeRun).where(NodeRun.node_id == key.node_id, NodeRun.run_id == run_id)
    session.execute(heard.values(origin_id=begin.origin, series=begin.series))
    session.flush()


def head_of(session: Session, key: NodeKey, origin_id: str) -> tuple[Head, int]:
    """How far this hub has an origin of the node's shop, and how far durably. Raises InvalidEnvelope for others."""
    row = session.execute(
        select(Origin.shop_id, Origin.head_n, Origin.head_hash, Origin.durable_n).where(Origin.id == origin_id)
    ).one_or_none()
    if row is None:
        return Head(0, genesis(origin_id)), 0
    if row.shop_id != key.shop_id:
        raise InvalidEnvelope("the origin is not one of this shop's")
    return Head(row.head_n, row.head_hash), row.durable_n


def common_entry(books: Books, origin_id: str, witnesses: Sequence[Witness]) -> Witness:
    """The highest of these entries that this hub has as well."""
    rows = books.rows(_ENTRIES, [books.tenant_id, origin_id, [n for n, _ in witnesses]]) if witnesses else []
    return newest_common(witnesses, dict(rows)) or (0, genesis(origin_id))


def common_line(books: Books, stream: str, witnesses: Sequence[Witness]) -> Witness | None:
    """The highest of these lines of a stream that this hub has as well."""
    rows = books.rows(_LINES, [books.tenant_id, stream, [no for no, _ in witnesses]]) if witnesses else []
    return newest_common(witnesses, dict(rows))


def highest_numbers(books: Books, shop_id: str) -> dict[str, int]:
    """The highest number of each series that papers of the shop carry, as the nodes' counters name them."""
    return dict(books.rows(_NUMBERS, [books.tenant_id, shop_id, books.tenant_id, shop_id]))


_ENTRIES = "SELECT n, hash FROM journal_entry WHERE tenant_id = %s AND origin_id = %s AND n = ANY (%s)"
_LINES = "SELECT no, hash FROM feed_line WHERE tenant_id = %s AND stream = %s AND no = ANY (%s)"
_NUMBERS = r"""
SELECT series, max(value) FROM (
  SELECT substring(number FROM '^(.+)-[0-9]{6,12}$') AS series,
    substring(number FROM '-([0-9]{6,12})$')::bigint AS value
  FROM sale WHERE tenant_id = %s AND shop_id = %s
  UNION ALL
  SELECT substring(number FROM '^(.+-T)[0-9]{6,12}$'), substring(number FROM '-T([0-9]{6,12})$')::bigint
  FROM transfer WHERE tenant_id = %s AND shop_id = %s
) AS numbered
WHERE series IS NOT NULL AND length(series) <= 40 GROUP BY series ORDER BY series LIMIT 1000
"""
