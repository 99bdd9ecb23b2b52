"""What vouches for these books beside themselves: the lines the hub sent, what is computed from the rows, the fence.

Each function lists what does not fit, in words. Read-only: what is computed anew goes into temporary tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Table, select, text
from sqlalchemy.orm import Session

from shopnode.domain.db import synced_models
from shopnode.domain.deriving import computed_columns, computed_tables, derive_all, derived_tables
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation
from shopnode.machine.fence import Fence, is_put_back
from shopnode.sync.models import EntryVerdictRow, FeedLine, FeedPage, StreamMark
from sync_protocol.chain import link, stream_genesis
from sync_protocol.entries import sealed_bytes
from sync_protocol.lines import make_line, outcome_blocks

PAGE = 500
LISTED_MAX = 20


class _End(NamedTuple):
    """The last line of a stream that was looked at."""

    no: int
    hash: str


def broken_streams(session: Session) -> tuple[int, list[str]]:
    """How many lines of the hub's are kept here, and where they do not follow each other or their mark.

    A snapshot puts everything up to its number in one place, so a line may follow nothing that is here: but only where
    no page that was applied covers what is missing.
    """
    pages = _Pages(session)
    lines, wrong = 0, []
    for mark in session.scalars(select(StreamMark).order_by(StreamMark.stream)):
        end: _End | None = None
        for line in _lines(session, mark.stream):
            lines += 1
            wrong += _misfit(session, pages, end, line)
            end = _End(line.no, line.hash)
            if len(wrong) >= LISTED_MAX:
                return lines, wrong
        by_snapshot = (end is None or end.no < mark.no) and not pages.cover(mark.no)
        if end != (mark.no, mark.hash) and not by_snapshot:
            wrong.append(f"the last line of {mark.stream} is not the one that was noted")
    seen = session.scalars(select(Installation.seen)).one()
    if any(no > seen for no in session.scalars(select(StreamMark.no))):
        wrong.append("a stream was followed further than the books say")
    return lines, wrong


def _lines(session: Session, stream: str) -> Iterator[FeedLine]:
    last = -1
    while True:
        query = select(FeedLine).where(FeedLine.stream == stream, FeedLine.no > last)
        page = session.scalars(query.order_by(FeedLine.no).limit(PAGE)).all()
        if not page:
            return
        yield from page
        last = page[-1].no
        session.expunge_all()


class _Pages:
    """Which numbers of the feed came in pages that are kept."""

    def __init__(self, session: Session):
        found = session.execute(select(FeedPage.from_no, FeedPage.to_no).order_by(FeedPage.to_no))
        self._pages = [(row.from_no, row.to_no) for row in found]

    def cover(self, no: int) -> bool:
        return any(first < no <= last for first, last in self._pages)

    def reach(self, after: int, no: int) -> bool:
        """Whether pages came without a gap from one number to another, so that nothing lies between in one piece."""
        for first, last in self._pages:
            if first <= after < last:
                after = last
        return after >= no


def _misfit(session: Session, pages: _Pages, end: _End | None, line: FeedLine) -> list[str]:
    """What is wrong with a line, after the one before it."""
    if line.body is None:
        return _misfit_of_ours(session, pages, end, line)
    told: dict[str, Any] = orjson.loads(line.body)
    before = end.no if end else 0
    if told["prev"] != before:
        if pages.cover(told["prev"]) or told["prev"] < before:
            return [f"line {line.no} follows line {told['prev']}, and {before} is the last before it"]
        return []  # a snapshot stands between the two
    digest = told.get("hash") or link(_hash_before(end, line), line.body.encode())
    return [] if digest == line.hash else [f"line {line.no} is not what the hub sent"]


def _misfit_of_ours(session: Session, pages: _Pages, end: _End | None, line: FeedLine) -> list[str]:
    """A line of our own is made again from the journal, unless the hub decided something else than we wrote."""
    if session.scalars(select(EntryVerdictRow.n).where(EntryVerdictRow.n == line.n)).first() is not None:
        return []
    own = session.scalars(select(Installation.origin_id)).one()
    query = select(JournalEntry.body).where(JournalEntry.origin_id == line.origin_id, JournalEntry.n == line.n)
    body = session.scalars(query).one_or_none()
    if line.origin_id != own or body is None or not pages.reach(end.no if end else 0, line.no):
        return []
    entry = orjson.loads(body)
    letters = {name: model.__sync__.stream.value for name, model in synced_models().items()}
    blocks = outcome_blocks(block for block in entry["rows"] if letters[block[0]] == line.stream[:1])
    made = make_line(entry, line.origin_id, line.no, end.no if end else 0, line.stream, blocks)
    if link(_hash_before(end, line), sealed_bytes(made)) == line.hash:
        return []
    return [f"line {line.no} does not say what entry {line.n} does"]


def _hash_before(end: _End | None, line: FeedLine) -> str:
    return end.hash if end else stream_genesis(line.stream)


def wrong_derived(database: NodeDatabase) -> list[str]:
    """Derived rows and columns that are not what the rows they hang on make of them."""
    computed, derived = computed_tables(), derived_tables()
    wrong: list[str] = []
    with database.shadowed([*computed, *derived]) as session:
        for table in computed:
            names = ", ".join(column.name for column in table.columns if column.name not in computed_columns(table))
            session.execute(text(f"INSERT INTO temp.{table.name} ({names}) SELECT {names} FROM main.{table.name}"))
        derive_all(session)
        for table in [*computed, *derived]:
            wrong += _unlike(session, table)
    return wrong


def _unlike(session: Session, table: Table) -> list[str]:
    """Keys of the rows that only one of the two tables has as they are."""
    names = ", ".join(column.name for column in table.columns)
    keys = [column.name for column in table.primary_key.columns if column.name != "tenant_id"]
    key = " || ' ' || ".join(keys)
    one = "SELECT {names} FROM {mine} EXCEPT SELECT {names} FROM {other}"
    here = one.format(names=names, mine=f"main.{table.name}", other=f"temp.{table.name}")
    there = one.format(names=names, mine=f"temp.{table.name}", other=f"main.{table.name}")
    query = f"SELECT DISTINCT {key} FROM (SELECT * FROM ({here}) UNION ALL SELECT * FROM ({there})) LIMIT {LISTED_MAX}"
    return [f"{table.name} {row_key} is not what its rows come to" for row_key in session.scalars(text(query))]


def misplaced_fence(session: Session, fence: Fence) -> list[str]:
    """Why the fence does not stand where the books do, if so."""
    if fence.read() is None:
        return ["the fence beside the keys is missing or cannot be read"]
    return ["the books are older than their fence"] if is_put_back(session, fence) else []
