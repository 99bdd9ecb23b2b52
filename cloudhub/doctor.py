"""Is everything as it should be: roles and walls, the chains of all origins, the links of the feed, what waits.

Each check recomputes from the stored bytes; it believes no counter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from cloudhub.every_business import for_every_business
from cloudhub.examinations import job_notes, silent_nodes, wrong_derived, wrong_jobs
from cloudhub.hub import Hub
from cloudhub.jobs import last_runs
from cloudhub.merge.feed import split_streams
from sync_protocol.chain import genesis, link, stream_genesis
from sync_protocol.entries import sealed_bytes
from sync_protocol.lines import make_line

PAGE = 2_000
UNSEEN = "could not be looked at to the end; the log says where"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, where, and what it means."""

    check: str
    tenant: str | None
    words: str


@dataclass(frozen=True)
class Checkup:
    """What the doctor saw."""

    ok: bool
    tenants: int
    entries: int
    lines: int
    held: int
    quarantined: int
    open_conflicts: int
    open_exceptions: int
    not_durable: int  # entries that no verified backup covers
    findings: list[Finding]
    notes: list[str]  # worth knowing, and nothing wrong

    def document(self) -> dict[str, Any]:
        return asdict(self)


def check_hub(hub: Hub) -> Checkup:
    """Look at everything, tenant by tenant."""
    findings = [Finding("walls", None, hole) for hole in hub.database.holes()]
    runs = list(last_runs(hub))
    findings += [Finding(job, None, words) for job, words in wrong_jobs(hub, runs)]
    notes = list(job_notes(hub, runs))
    counts = dict.fromkeys(_COUNTS, 0)

    def examine(tenant_id: str) -> None:
        with hub.database.session(tenant_id, read_only=True) as session:
            findings.extend(Finding(check, tenant_id, words) for check, words in _check_tenant(session))
            notes.extend(silent_nodes(hub, session))
            for name, count in _count(session):
                counts[name] += count
        findings.extend(Finding("derived", tenant_id, words) for words in wrong_derived(hub, tenant_id))

    done, failed = for_every_business(hub, examine)
    findings += [Finding("doctor", tenant_id, UNSEEN) for tenant_id in failed]
    return Checkup(ok=not findings, tenants=len(done) + len(failed), findings=findings, notes=notes, **counts)


def _check_tenant(session: Session) -> Iterator[tuple[str, str]]:
    for origin in session.execute(text("SELECT id::text, head_n, head_hash FROM origin ORDER BY id")).all():
        yield from (("chain", words) for words in _broken_chain(session, *origin))
    yield from (("feed", words) for words in _broken_feed(session))
    yield from (("stock", words) for words in _wrong_stock(session))


def _broken_chain(session: Session, origin_id: str, head_n: int, head_hash: str) -> Iterator[str]:
    """The first entry of an origin that does not follow from the one before."""
    query = text("SELECT n, hash, body FROM journal_entry WHERE origin_id = :origin AND n > :n ORDER BY n LIMIT :page")
    n, known = 0, genesis(origin_id)
    while rows := session.execute(query, {"origin": origin_id, "n": n, "page": PAGE}).all():
        for row in rows:
            if row.n != n + 1:
                yield f"origin {origin_id}: entry {n + 1} is missing"
                return
            if link(known, row.body.encode()) != row.hash:
                yield f"origin {origin_id}: entry {row.n} was changed or does not follow entry {n}"
                return
            n, known = row.n, row.hash
    if (n, known) != (head_n, head_hash):
        yield f"origin {origin_id}: the chain ends at {n}, its head says {head_n}"


def _broken_feed(session: Session) -> Iterator[str]:
    """Streams whose lines do not link, or say something else than their hash."""
    query = text(_LINES)
    ends: dict[str, tuple[int, str]] = {}
    nothing = (0, "")
    no = 0
    while rows := session.execute(query, {"no": no, "page": PAGE}).all():
        for row in rows:
            last_no, last_hash = ends.get(row.stream, nothing)
            if row.prev != last_no:
                yield f"line {row.no} of stream {row.stream} does not follow line {last_no}"
            if link(last_hash or stream_genesis(row.stream), _sealed_line(row)) != row.hash:
                yield f"line {row.no} was changed"
            ends[row.stream] = (row.no, row.hash)
            no = row.no
    stored = {
        row.stream: (row.no, row.hash) for row in session.execute(text("SELECT stream, no, hash FROM feed_stream"))
    }
    if stored != ends:
        yield "the ends of the streams are not those of their last lines"
    seq, base_no = session.execute(text("SELECT seq, base_no FROM tenant_feed")).one()
    if seq != max(no, base_no):  # a new life of the hub begins with a gap
        yield f"the feed ends at line {no}, its counter says {seq}"


def _sealed_line(row: Any) -> bytes:
    """The line's bytes; below the log's floor they are made again from the entry, which was taken as written."""
    if row.body is not None:
        return bytes(row.body.encode())
    if row.entry is None:
        return b""  # nothing vouches for it any more
    entry = orjson.loads(row.entry)
    blocks = split_streams(entry["rows"], lambda entity, row_id: row.stream.partition(":")[2])
    line = make_line(entry, row.origin_id, row.no, row.prev, row.stream, blocks.get(row.stream, []))
    return sealed_bytes(line)


def _wrong_stock(session: Session) -> Iterator[str]:
    """Levels that are not the sum of their movements."""
    rows = session.execute(text(_STOCK)).all()
    yield from (f"shop {r.shop}: product {r.product} has {r.level} on hand, its movements say {r.moved}" for r in rows)


def _count(session: Session) -> Iterator[tuple[str, int]]:
    for name, query in _COUNTS.items():
        yield name, int(session.execute(text(query)).scalar_one())


_LINES = """
SELECT f.no, f.stream, f.prev, f.hash, f.body, f.origin_id::text AS origin_id,
  CASE WHEN f.body IS NULL THEN (
    SELECT e.body FROM journal_entry e WHERE e.tenant_id = f.tenant_id AND e.origin_id = f.origin_id AND e.n = f.n
  ) END AS entry
FROM feed_line f WHERE f.no > :no ORDER BY f.no LIMIT :page
"""
_STOCK = """
SELECT coalesce(l.shop_id, m.shop_id)::text AS shop, coalesce(l.product_id, m.product_id)::text AS product,
  coalesce(l.on_hand, 0) AS level, coalesce(m.quantity, 0)::bigint AS moved
FROM stock_level l FULL JOIN (
  SELECT shop_id, product_id, sum(quantity) AS quantity FROM stock_movement GROUP BY 1, 2
) m ON m.shop_id = l.shop_id AND m.product_id = l.product_id
WHERE coalesce(l.on_hand, 0) <> coalesce(m.quantity, 0) LIMIT 20
"""
_COUNTS = {
    "not_durable": "SELECT coalesce(sum(head_n - durable_n), 0) FROM origin",
    "entries": "SELECT count(*) FROM journal_entry",
    "lines": "SELECT count(*) FROM feed_line",
    "held": "SELECT count(*) FROM waiting_entry WHERE verdict = 'held'",
    "quarantined": "SELECT count(*) FROM waiting_entry WHERE verdict = 'quarantined'",
    "open_conflicts": "SELECT count(*) FROM field_conflict WHERE resolved_at IS NULL",
    "open_exceptions": "SELECT count(*) FROM hub_exception WHERE settled_at IS NULL",
}
