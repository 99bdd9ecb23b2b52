"""Comparing the books here with the hub's, once a day and whenever somebody asks, and mending what differs.

Invariants:
  * Compared is only what both sides have finished telling each other; otherwise nothing is concluded.
  * What is missing is added and what differs is set, never against an edit that waits for its verdict. A fact that
    differs, and a row that the hub does not know, are told to people and left as they are.
  * No row is removed, and nothing is journalled: what is mended came from the hub.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor, wire_columns
from shopnode.domain.clock import to_datetime, to_ms
from shopnode.domain.db import SyncedRow, synced_models
from shopnode.domain.filling import Filler
from shopnode.domain.node import Installation
from shopnode.sync.faults import is_of_the_rows
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.manifests import early_rows
from shopnode.sync.models import HubLink, StreamMark
from shopnode.sync.transport import LinkDown
from sync_protocol.digests import DigestAnswer, DigestRequest, Fold, Wanted, compared_columns
from sync_protocol.messages import decode, encode
from sync_protocol.shape import Block
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

DIGEST = "/sync/v1/digest"
DAY_MS = 86_400_000
LISTED_MAX = 20  # rows that are named to people

log = logging.getLogger("shopnode.sync")

Model = type[SyncedRow]


@dataclass
class Agreement:
    """What a comparison came to. `compared` is false while there was something to exchange first."""

    compared: bool = False
    at_ms: int = 0
    rows: int = 0
    added: int = 0
    mended: int = 0
    unknown: list[str] = field(default_factory=list)  # rows here that the hub does not have
    differing: list[str] = field(default_factory=list)  # facts that say something else there

    @property
    def is_whole(self) -> bool:
        return self.compared and not (self.unknown or self.differing)

    def words(self) -> str:
        """For people."""
        if not self.compared:
            return "There was something to exchange first; nothing was compared."
        if self.unknown or self.differing:
            return (
                f"{len(self.unknown)} rows here are unknown to the hub and {len(self.differing)} say something else "
                "there. Please report this."
            )
        if self.added or self.mended:
            return f"{self.added} missing rows were fetched and {self.mended} set right; all agrees with the hub now."
        return "The books here and at the hub agree."


@dataclass(frozen=True)
class Standing:
    """Where this node stood when its sums were made."""

    request: DigestRequest
    folds: dict[str, Fold]


def compare_daily(line: SignedLine) -> None:
    """After an exchange: compare once a day. The first day begins with the first call."""
    now_ms = line.home.clock.wall_ms()
    with line.home.reading() as session:
        checked_at = session.scalars(select(HubLink.checked_at)).one_or_none()
    if checked_at is None:
        _note(line, None)
        return
    if abs(now_ms - to_ms(checked_at)) < DAY_MS:
        return
    try:
        compare(line)
    except (LinkDown, Refused) as away:
        log.info("not compared: %s", type(away).__name__)  # it was only an extra; the next exchange tells what is wrong


def compare(line: SignedLine) -> Agreement:
    """Compare everything, mend what can be, and remember what came of it. Raises LinkDown, Refused."""
    found = Agreement(at_ms=line.home.clock.wall_ms())
    with line.home.reading() as session:
        link = read_link(session)
        standing = _stand(session, line, link) if link is not None else None
    if link is None or standing is None:
        return found
    totals = {name: fold.total for name, fold in standing.folds.items()}
    answer = _ask(line, link, standing, totals=totals)
    if answer.moved:
        return found
    found.rows = sum(fold.rows for fold in standing.folds.values())
    found.compared = _mend_tables(line, link, standing, answer.tables or [], found)
    if found.compared:
        _note(line, found)
        if found.added or found.mended or not found.is_whole:
            log.warning("digest: %s", found.words())
    return found


def last_agreement(session: Session) -> Agreement | None:
    """What the last comparison came to."""
    report = session.scalars(select(HubLink.check_report)).one_or_none()
    return None if report is None else Agreement(**orjson.loads(report))


def _mend_tables(line: SignedLine, link: Link, standing: Standing, tables: list[str], found: Agreement) -> bool:
    """Fetch and mend the buckets of these tables that differ. False when something moved meanwhile."""
    if not tables:
        return True
    sums = {name: fold.buckets for name, fold in standing.folds.items() if name in tables}
    answer = _ask(line, link, standing, buckets=sums)
    if answer.moved:
        return False
    for name in sums:  # parents first
        for bucket in (answer.buckets or {}).get(name, []):
            blocks = _fetch(line, link, standing, name, bucket)
            if blocks is None or not _mend(line, standing, name, bucket, blocks, found):
                return False
    return True


def _fetch(line: SignedLine, link: Link, standing: Standing, name: str, bucket: int) -> list[Block] | None:
    """The hub's rows of a bucket; None when something moved."""
    blocks: list[Block] = []
    after = None
    while True:
        answer = _ask(line, link, standing, wanted=Wanted(table=name, bucket=bucket, after=after))
        if answer.moved:
            return None
        blocks += answer.rows or []
        if not answer.more:
            return blocks
        after = blocks[-1][3][-1][0]


def _mend(line: SignedLine, standing: Standing, name: str, bucket: int, blocks: list[Block], found: Agreement) -> bool:
    """Bring one bucket in line, unless something was written here meanwhile."""
    asked = standing.request
    theirs = {row[0] for block in blocks for row in block[3]}
    try:
        filler, here = _fill(line, standing, name, bucket, blocks)
    except Exception as fault:
        if not is_of_the_rows(fault):
            raise
        log.error("digest: rows cannot be taken", extra={"table": name, "fault": type(fault).__name__})
        _list(found.differing, name, sorted(theirs)[:1])
        return True
    if filler is None:
        return False
    apart = set(asked.apart.get(name, ()))
    found.added += filler.added
    found.mended += filler.mended
    _list(found.unknown, name, sorted(here - theirs - apart))
    _list(found.differing, name, filler.differing)
    return True


def _fill(
    line: SignedLine, standing: Standing, name: str, bucket: int, blocks: list[Block]
) -> tuple[Filler | None, set[str]]:
    """What was set right, and which rows of the bucket are here; nothing where something was written meanwhile."""
    asked = standing.request
    with line.home.writing() as session:
        seen, head_n = session.execute(select(Installation.seen, Installation.head_n)).one()
        if (seen, head_n) != (asked.cursor, asked.head):
            return None, set()
        here = {row[0] for row in driver_cursor(session).execute(_IN_BUCKET.format(table=name), (f"{bucket:02x}",))}
        filler = Filler(session, asked.cursor)
        filler.add(blocks)
        filler.finish()
    return filler, here


def _list(listed: list[str], name: str, ids: list[str]) -> None:
    listed += [f"{name} {row_id}" for row_id in ids][: max(0, LISTED_MAX - len(listed))]


def _stand(session: Session, line: SignedLine, link: Link) -> Standing | None:
    """The sums of everything here; None while entries wait to be sent."""
    seen, head_n = session.execute(select(Installation.seen, Installation.head_n)).one()
    if head_n != link.accepted_n or not seen:
        return None
    home = line.home
    apart = _undecided(session, home.origin_id)
    marks = session.scalars(select(StreamMark)).all()
    request = DigestRequest(
        protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, node=home.node_id, origin=home.origin_id, run=line.run,
        epoch=link.epoch, head=head_n, cursor=seen, streams={mark.stream: (mark.no, mark.hash) for mark in marks},
        apart=apart,
    )  # fmt: skip
    folds = {}
    for name, model in synced_models().items():
        folds[str(name)] = fold = Fold()  # a table's name is a text of its own kind, which does not travel
        left_out = set(apart.get(name, ()))
        for row in _rows(session, model):
            if row[0] not in left_out:
                fold.add(row)
    return Standing(request, folds)


def _rows(session: Session, model: Model) -> Iterator[list[Any]]:
    """Every row of a table in wire form. SQLite keeps truth as a number; the wire does not."""
    fed = ("feed_no",) if "feed_no" in model.__sync__.derived else ()
    columns = compared_columns((*wire_columns(model), *fed))
    table = model.__table__
    truths = [place for place, name in enumerate(columns) if isinstance(table.columns[name].type, sa.Boolean)]
    for found in driver_cursor(session).execute(f"SELECT {', '.join(columns)} FROM {model.__tablename__}"):
        row = list(found)
        for place in truths:
            row[place] = None if row[place] is None else bool(row[place])
        yield row


def _undecided(session: Session, origin_id: str) -> dict[str, list[str]]:
    """The rows that entries of ours touched which the hub holds or set aside, and those that came by a manifest."""
    found = early_rows(session)
    for (body,) in driver_cursor(session).execute(_UNDECIDED, (origin_id,)):
        for entity, _, _, rows in orjson.loads(body)["rows"]:
            found.setdefault(entity, set()).update(row[0] for row in rows)
    return {entity: sorted(ids) for entity, ids in found.items()}


def _ask(line: SignedLine, link: Link, standing: Standing, **part: Any) -> DigestAnswer:
    message = standing.request.model_copy(update=part)
    return decode(DigestAnswer, line.call(link, "POST", DIGEST, encode(message)))


def _note(line: SignedLine, found: Agreement | None) -> None:
    values: dict[str, Any] = {"checked_at": to_datetime(line.home.clock.wall_ms())}
    if found is not None:
        values["check_report"] = orjson.dumps(asdict(found)).decode()
    with line.home.writing() as session:
        session.execute(update(HubLink).values(**values))


_IN_BUCKET = "SELECT id FROM {table} WHERE substr(id, -2) = ?"
_UNDECIDED = """
SELECT e.body FROM entry_verdict v JOIN journal_entry e ON e.origin_id = ? AND e.n = v.n
WHERE v.verdict IN ('held', 'quarantined')
  AND NOT EXISTS (SELECT 1 FROM feed_line f WHERE f.origin_id = e.origin_id AND f.n = e.n)
"""
