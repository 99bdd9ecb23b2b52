"""A page of the feed, checked and applied: rows, derived figures, cursor and witnesses in one transaction.

Invariants:
  * Lines follow the last one of their stream, or nothing is applied and syncing stops (`BrokenLink`).
  * Hashes of lines are chained, and the hub's signature of the page covers them. Our own lines are made again from
    our journal, so a signature that verifies also proves that the hub means the entries we wrote.
  * A line whose rows cannot be applied here is passed over and kept, and those behind it count: what is missing of it
    is found and told by the comparison with the hub's books, which is asked for at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.capture import driver_cursor, write_values
from shopnode.domain.clock import to_datetime
from shopnode.domain.db import synced_models
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.faults import is_of_the_rows
from shopnode.sync.models import FeedLine, HubLink, StreamMark
from shopnode.sync.returned import keep_page
from shopnode.sync.verdicts import note_taken
from sync_protocol.chain import link, page_message, stream_genesis
from sync_protocol.entries import blocks_of, sealed_bytes
from sync_protocol.keys import read_public, verifies
from sync_protocol.lines import check_links, make_line, outcome_blocks
from sync_protocol.messages import Page
from sync_protocol.problems import BadSignature
from sync_protocol.shape import Block, Entry, Line

log = logging.getLogger("shopnode.sync")


@dataclass(frozen=True)
class Whole:
    """A line with all its bytes; `own` is what our entry wrote of its stream, when the line is of our origin."""

    line: Line
    sealed: bytes
    hash: str
    own: list[Block] | None


class PageReader:
    """Checks and applies pages for one node."""

    def __init__(self, home: NodeHome, hub_key: str):
        self._home = home
        self._hub_key = read_public(hub_key)
        self._stream_letters = {name: model.__sync__.stream.value for name, model in synced_models().items()}

    def apply(
        self, session: Session, page: Page, page_sig: str | None, epoch: str, *, one_by_one: bool = False
    ) -> None:
        """Apply a page and move the cursor. Raises BrokenLink, BadSignature, InvalidEnvelope; nothing is kept then.

        one_by_one  what was tried as one failed (`is_of_the_rows`): each line by itself, without those that cannot be
        """
        marks = {mark.stream: mark for mark in session.scalars(select(StreamMark))}
        cursor = session.scalars(select(Installation.seen)).one()
        known = _hashes_of_known(session, page.lines, cursor)
        fresh = page.lines[len(known) :]
        numbers = check_links({stream: mark.no for stream, mark in marks.items()}, fresh, cursor)
        own = self._own_entries(session, fresh)
        ends = {stream: mark.hash for stream, mark in marks.items()}
        lines = self._chained(fresh, own, ends, bool(page.withheld))
        hashes = [*known, *(line.hash for line in lines)]
        message = page_message(epoch, self._home.node_id, page.from_no, page.to_no, hashes)
        if page_sig is None or not verifies(self._hub_key, message, page_sig):
            raise BadSignature("The page is not signed by the hub.")
        if one_by_one:
            _apply_each(session, lines)
        else:
            _apply_together(session, lines)
        keep_page(session, page, page_sig, epoch, self._home.clock.wall_ms())
        note_taken(session, own)
        self._stop_asking(session, own)
        moved = {whole.line["stream"]: whole.hash for whole in lines}
        self._save_marks(session, {stream: (numbers[stream], moved[stream]) for stream in moved})
        failpoints.hit("pull.before_cursor")
        session.execute(update(Installation).values(seen=max(cursor, page.to_no)))
        if not page.more:
            session.execute(update(Installation).where(Installation.awaits_books).values(awaits_books=False))

    def _stop_asking(self, session: Session, own: dict[int, Entry]) -> None:
        """After a rewind our own lines come whole, until the last of them is here."""
        if own:
            done = update(HubLink).where(HubLink.whole_until <= max(own))
            session.execute(done.values(whole_until=None))

    def _own_entries(self, session: Session, lines: Iterable[Line]) -> dict[int, Entry]:
        """Our journal's entries that these lines are about, by number."""
        wanted = sorted({line["n"] for line in lines if line["origin"] == self._home.origin_id})
        if not wanted:
            return {}
        values = (self._home.origin_id, wanted[0], wanted[-1], orjson.dumps(wanted).decode())
        return {n: orjson.loads(body) for n, body in driver_cursor(session).execute(_OWN, values)}

    def _chained(
        self, lines: Iterable[Line], own: dict[int, Entry], ends: dict[str, str], withheld: bool
    ) -> list[Whole]:
        """The lines whole, each with its hash; `ends` are the hashes of the last lines here and move along.

        Of a line that lacks what this version does not know the hub names the hash; its signature vouches for that.
        """
        found = []
        for line in lines:
            stream = line["stream"]
            written = None
            if line["origin"] == self._home.origin_id:
                written = _of_stream(own[line["n"]], stream, self._stream_letters)
            sealed = sealed_bytes(line if "rows" in line else _made_again(line, own[line["n"]], written or []))
            named = line.get("hash") if withheld else None
            ends[stream] = named or link(ends.get(stream) or stream_genesis(stream), sealed)
            found.append(Whole(line, sealed, ends[stream], written))
        return found

    def _save_marks(self, session: Session, marks: dict[str, tuple[int, str]]) -> None:
        rows = [{"stream": stream, "no": no, "hash": hash_} for stream, (no, hash_) in marks.items()]
        if rows:
            statement = upsert(StreamMark)
            keep = {"no": statement.excluded.no, "hash": statement.excluded.hash}
            session.execute(statement.on_conflict_do_update(index_elements=["stream"], set_=keep), rows)


def _hashes_of_known(session: Session, lines: Iterable[Line], cursor: int) -> list[str]:
    """The hashes of the lines a page begins with that were applied before: a file may be older than the line."""
    found: list[str] = []
    for line in lines:
        if line["no"] > cursor:
            break
        known = select(FeedLine.hash).where(FeedLine.no == line["no"], FeedLine.stream == line["stream"])
        digest = session.scalars(known).one_or_none()
        if digest is None:
            break
        found.append(digest)
    return found


def _apply_together(session: Session, lines: list[Whole]) -> None:
    applier = Applier(session)
    for whole in lines:
        _apply_line(applier, whole)
        failpoints.hit("pull.line_applied")
    # Before what follows from the rows: who is erased by this page is forgotten in its other lines, too.
    write_values(session, "feed_line", _KEPT, [_kept(whole) for whole in lines])
    applier.finish()


def _apply_each(session: Session, lines: list[Whole]) -> None:
    """Each line in a savepoint of its own: one that cannot be applied stands in no other's way."""
    write_values(session, "feed_line", _KEPT, [_kept(whole) for whole in lines])
    cursor = driver_cursor(session)
    for whole in lines:
        cursor.execute("SAVEPOINT line")
        try:
            applier = Applier(session)
            _apply_line(applier, whole)
            applier.finish()
        except Exception as fault:
            if not is_of_the_rows(fault):
                raise
            session.expunge_all()
            cursor.execute("ROLLBACK TO SAVEPOINT line")
            log.error(
                "a line of the feed was passed over", extra={"no": whole.line["no"], "fault": type(fault).__name__}
            )
            session.execute(update(HubLink).values(checked_at=to_datetime(0)))
        cursor.execute("RELEASE SAVEPOINT line")
        failpoints.hit("pull.line_applied")


def _apply_line(applier: Applier, whole: Whole) -> None:
    line = whole.line
    if whole.own is None:
        applier.foreign_line(line["no"], blocks_of(line))
        return
    outcome = blocks_of(line) if "rows" in line else None
    applier.own_line(line["no"], line["n"], whole.own, outcome)


def _made_again(line: Line, entry: Entry, written: list[Block]) -> Line:
    """A line of ours of which only the place was sent."""
    blocks = outcome_blocks(written)
    return make_line(entry, line["origin"], line["no"], line["prev"], line["stream"], blocks)


def _of_stream(entry: Entry, stream: str, letters: dict[str, str]) -> list[Block]:
    """The blocks of an entry of ours that belong to the tenant's stream, or to our shop's."""
    return [block for block in entry["rows"] if letters[block[0]] == stream[:1]]


def _kept(whole: Whole) -> tuple[Any, ...]:
    line = whole.line
    if whole.own is not None:
        return (line["no"], line["stream"], line["origin"], line["n"], None, None, None, None, None, whole.hash)
    personal = orjson.dumps(line["personal"]).decode() if "personal" in line else None
    return (
        line["no"], line["stream"], line["origin"], line["n"], line["action"], line["actor"], line["at"],
        whole.sealed.decode(), personal, whole.hash,
    )  # fmt: skip


_OWN = """
SELECT n, body FROM journal_entry
WHERE origin_id = ? AND n BETWEEN ? AND ? AND n IN (SELECT value FROM json_each(?))
"""
_KEPT = ("no", "stream", "origin_id", "n", "action", "actor_id", "at", "body", "personal", "hash")
