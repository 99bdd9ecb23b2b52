"""A page of the feed, checked and applied: rows, derived figures, cursor and witnesses in one transaction.

Invariants:
  * Lines follow the last one of their stream, or nothing is applied and syncing stops (`BrokenLink`).
  * The hub's signature of the page covers the hash of every whole line; our own lines are made again from our
    journal, so a signature that verifies also proves that the hub means the entries we wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.clock import to_datetime
from shopnode.domain.db import Stream, synced_models
from shopnode.domain.journal import JournalEntry
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.models import FeedLine, StreamMark
from sync_protocol.chain import page_message
from sync_protocol.entries import blocks_of, sealed_bytes
from sync_protocol.keys import read_public, verifies
from sync_protocol.lines import TENANT_STREAM, check_links, hash_of, make_line, outcome_blocks, shop_stream
from sync_protocol.messages import Page
from sync_protocol.problems import BadSignature
from sync_protocol.shape import Entry, Line


@dataclass(frozen=True)
class Whole:
    """A line with all its bytes; `own` is our entry when the line is of our origin."""

    line: Line
    sealed: bytes
    hash: str
    own: Entry | None


class PageReader:
    """Checks and applies pages for one node."""

    def __init__(self, home: NodeHome, hub_key: str):
        self._home = home
        self._hub_key = read_public(hub_key)
        self._streams = {TENANT_STREAM, shop_stream(home.shop_id or "")}

    def apply(self, session: Session, page: Page, page_sig: str | None, epoch: str) -> None:
        """Apply a page and move the cursor. Raises BrokenLink, BadSignature, InvalidEnvelope; nothing is kept then."""
        marks = {mark.stream: mark for mark in session.scalars(select(StreamMark))}
        cursor = session.scalars(select(Installation.seen)).one()
        numbers = check_links({stream: mark.no for stream, mark in marks.items()}, page.lines, cursor)
        lines = [self._whole(session, line) for line in page.lines]
        message = page_message(epoch, self._home.node_id, page.from_no, page.to_no, [line.hash for line in lines])
        if page_sig is None or not verifies(self._hub_key, message, page_sig):
            raise BadSignature("The page is not signed by the hub.")
        applier = Applier(session)
        for whole in lines:
            self._apply_line(session, applier, whole)
            failpoints.hit("pull.line_applied")
        applier.finish()
        hashes = {whole.line["stream"]: whole.hash for whole in lines}
        self._save_marks(session, {stream: (numbers[stream], hashes[stream]) for stream in hashes})
        failpoints.hit("pull.before_cursor")
        session.execute(update(Installation).values(seen=max(cursor, page.to_no)))

    def _whole(self, session: Session, line: Line) -> Whole:
        if line["origin"] != self._home.origin_id:
            sealed = sealed_bytes(line)
            return Whole(line, sealed, hash_of(sealed), None)
        entry = self._own_entry(session, line["n"])
        if "rows" in line:
            sealed = sealed_bytes(line)
        else:
            blocks = outcome_blocks(entry["rows"], lambda entity, _: _stream_of(entity) == line["stream"][:1])
            made = make_line(entry, line["origin"], line["no"], line["prev"], line["stream"], blocks)
            sealed = sealed_bytes(made)
        return Whole(line, sealed, hash_of(sealed), entry)

    def _own_entry(self, session: Session, n: int) -> Entry:
        query = select(JournalEntry.body).where(JournalEntry.origin_id == self._home.origin_id, JournalEntry.n == n)
        body: Entry = orjson.loads(session.scalars(query).one())
        return body

    def _apply_line(self, session: Session, applier: Applier, whole: Whole) -> None:
        line = whole.line
        if whole.own is not None:
            kind = line["stream"][:1]
            written = [block for block in whole.own["rows"] if _stream_of(block[0]) == kind]
            outcome = blocks_of(line) if "rows" in line else None
            applier.own_line(line["no"], line["n"], written, outcome)
            return
        applier.foreign_line(line["no"], blocks_of(line))
        session.execute(insert(FeedLine), _kept(whole))

    def _save_marks(self, session: Session, marks: dict[str, tuple[int, str]]) -> None:
        rows = [{"stream": stream, "no": no, "hash": hash_} for stream, (no, hash_) in marks.items()]
        if rows:
            statement = upsert(StreamMark)
            keep = {"no": statement.excluded.no, "hash": statement.excluded.hash}
            session.execute(statement.on_conflict_do_update(index_elements=["stream"], set_=keep), rows)


def _stream_of(entity: str) -> str:
    model = synced_models().get(entity)
    return (model.__sync__.stream if model else Stream.TENANT).value


def _kept(whole: Whole) -> dict[str, Any]:
    line = whole.line
    return {
        "no": line["no"], "stream": line["stream"], "origin_id": line["origin"], "n": line["n"],
        "action": line["action"], "actor_id": line["actor"], "at": to_datetime(line["at"]),
        "body": whole.sealed.decode(), "hash": whole.hash,
        "personal": orjson.dumps(line["personal"]).decode() if "personal" in line else None,
    }  # fmt: skip
