"""What a hub that was restored has lost, kept here and given back: lines of others, with the hub's own signature.

Every page leaves a small row here, with its signature; the hashes that it covers stand with the lines. After a rewind
the lines that the hub lost lie apart until they are given back, in the order in which they were known, and this node's
own entries are sent between them at the places they had: so decisions are numbered again in the order they had.

Invariants:
  * What was given back is kept for a while and offered again in the hub's next life: it takes nothing twice.
  * Giving back never holds up what waits for ever: a hub that does not know it is told once and no more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor
from shopnode.domain.clock import to_datetime
from shopnode.sync.line import SignedLine, read_link
from shopnode.sync.models import FeedPage, ReturnedLine, ReturnedPage
from shopnode.sync.remedies import AFTER
from sync_protocol import messages
from sync_protocol.chain import stream_genesis
from sync_protocol.messages import Page
from sync_protocol.returned import BYTES_MAX, LINES_MAX, PAGES_MAX

KEPT_MS = 35 * 86_400_000
PRUNED_MAX = 1_000  # rows in one step


@dataclass(frozen=True)
class Offer:
    """Pages to give back in one exchange, and how far our own entries may be sent along with them."""

    pages: list[messages.ReturnedPage]
    line_ids: list[list[int]]  # by page
    until_n: int


def keep_page(session: Session, page: Page, signature: str, epoch: str, now_ms: int) -> None:
    """Keep the signature of a page that was applied. An empty one proves nothing."""
    if page.lines:
        cursor = driver_cursor(session)
        cursor.execute(_KEEP, (page.from_no, page.to_no, epoch, signature, now_ms))
        cursor.execute(_BEGIN)


def set_apart(session: Session, common_no: int, now_ms: int) -> None:
    """Move the lines after `common_no` to what is to be given back, page by page; the feed forgets them."""
    pages = session.scalars(select(FeedPage).where(FeedPage.to_no > common_no).order_by(FeedPage.to_no)).all()
    cursor = driver_cursor(session)
    placed = set(cursor.execute(_PLACED).fetchall())  # our own that were lost before: the first place counts
    for page in pages:
        rows = cursor.execute(_LINES, (page.from_no, page.to_no)).fetchall()
        hashes = json.loads(page.hashes) if page.hashes else [row[-1] for row in rows]
        places = {digest: place for place, digest in enumerate(hashes)}
        if page.from_no < common_no:
            page.hashes = json.dumps(hashes)  # some of its lines stay
        page_id = _next_id(cursor, "returned_page")
        kept = ReturnedPage(
            id=page_id, from_no=page.from_no, to_no=page.to_no, epoch=page.epoch, sig=page.sig,
            hashes=json.dumps(hashes), lost_at=to_datetime(now_ms),
        )  # fmt: skip
        session.add(kept)
        session.flush()
        lost = [
            (places[digest], no, stream, origin, n, body, personal, _prev_hash(cursor, stream, no))
            for no, stream, origin, n, body, personal, digest in rows
            if no > common_no and digest in places and (body is not None or (origin, n) not in placed)
        ]
        first_id = _next_id(cursor, "returned_line")
        cursor.executemany(_SET_APART, [(first_id + i, page_id, *row) for i, row in enumerate(lost)])
    cursor.execute("DELETE FROM feed_line WHERE no > ?", (common_no,))
    cursor.execute("DELETE FROM stream_begin WHERE no > ?", (common_no,))
    session.execute(delete(FeedPage).where(FeedPage.to_no > common_no, FeedPage.from_no >= common_no))
    give_again(session)


def give_again(session: Session) -> None:
    """The hub began another life: what was given in the one before may be lost again."""
    session.execute(update(ReturnedLine).where(ReturnedLine.given_at.is_not(None)).values(given_at=None))


def next_offer(session: Session, origin: str, accepted_n: int) -> Offer | None:
    """The next lines to give back; None when there are none."""
    foreign = (ReturnedLine.given_at.is_(None), ReturnedLine.body.is_not(None), ReturnedLine.body.not_like(_IN_PART))
    first = session.scalars(select(func.min(ReturnedLine.no)).where(*foreign)).one()
    if first is None:
        return None
    ours = select(func.min(ReturnedLine.n)).where(ReturnedLine.origin_id == origin, ReturnedLine.body.is_(None))
    later = session.scalars(ours.where(ReturnedLine.no > first, ReturnedLine.n > accepted_n)).one()
    until_n = later - 1 if later is not None else max(accepted_n, _last_lost(session, origin))
    next_own = select(func.min(ReturnedLine.no)).where(ReturnedLine.origin_id == origin, ReturnedLine.body.is_(None))
    stop = session.scalars(next_own.where(ReturnedLine.n > until_n)).one()
    query = select(ReturnedLine).where(*foreign).order_by(ReturnedLine.no, ReturnedLine.id).limit(LINES_MAX)
    until_no = first if stop is None or stop <= first else stop - 1
    rows = session.scalars(query if stop is None else query.where(ReturnedLine.no <= until_no))
    return _packed(session, list(rows), until_n)


def mark_given(session: Session, offer: Offer, taken: int | None, now_ms: int) -> None:
    """The hub has dealt with the first pages. One that does not know of it is not asked again."""
    count = len(offer.pages) if taken is None else max(taken, 1)
    ids = [row_id for page in offer.line_ids[:count] for row_id in page]
    given = update(ReturnedLine).where(ReturnedLine.id.in_(ids))
    session.execute(given.values(given_at=to_datetime(now_ms)))


def prune(line: SignedLine) -> None:
    """Forget signatures and given lines that are old enough, a bounded number at a time."""
    with line.home.reading() as session:
        link = read_link(session)
        before_ms = line.home.clock.wall_ms() - KEPT_MS
        durable_n = link.durable_n if link else 0
        pages = driver_cursor(session).execute(_OLD_PAGES, (before_ms, durable_n, PRUNED_MAX)).fetchall()
        apart = driver_cursor(session).execute(_OLD_APART, (before_ms, before_ms, PRUNED_MAX)).fetchall()
    if not pages and not apart:
        return
    with line.home.writing() as session:
        cursor = driver_cursor(session)
        cursor.executemany("DELETE FROM feed_page WHERE to_no = ?", pages)
        cursor.executemany("DELETE FROM returned_line WHERE page_id = ?", apart)
        cursor.executemany("DELETE FROM returned_page WHERE id = ?", apart)


def _last_lost(session: Session, origin: str) -> int:
    """The last entry of ours that the hub had before it was put back. What is newer comes after what is given back."""
    ours = (ReturnedLine.origin_id == origin, ReturnedLine.body.is_(None))
    return session.scalars(select(func.max(ReturnedLine.n)).where(*ours)).one() or 0


def _packed(session: Session, rows: list[ReturnedLine], until_n: int) -> Offer:
    """The lines with their pages, as many as fit; at least one."""
    pages: list[messages.ReturnedPage] = []
    line_ids: list[list[int]] = []
    size = 0
    last_page = None
    for row in rows:
        size += len(row.body or "") + len(row.personal or "")
        if pages and size > BYTES_MAX:
            break
        if row.page_id != last_page:
            if len(pages) == PAGES_MAX:
                break
            page = session.get_one(ReturnedPage, row.page_id)
            size += len(page.hashes)
            last_page = row.page_id
            pages.append(
                messages.ReturnedPage(
                    epoch=page.epoch, from_no=page.from_no, to_no=page.to_no, hashes=json.loads(page.hashes),
                    sig=page.sig, lines=[],
                )
            )  # fmt: skip
            line_ids.append([])
        pages[-1].lines.append((row.place, row.prev_hash, _line_of(row)))
        line_ids[-1].append(row.id)
    return Offer(pages, line_ids, until_n)


def _line_of(row: ReturnedLine) -> dict[str, Any]:
    line: dict[str, Any] = orjson.loads(row.body or "{}")
    if row.personal:
        line["personal"] = orjson.loads(row.personal)
    return line


def _next_id(cursor: Any, table: str) -> int:
    return int(cursor.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])


def _prev_hash(cursor: Any, stream: str, no: int) -> str:
    row = cursor.execute(_BEFORE, (stream, no, stream, no)).fetchone()
    return str(row[0]) if row else stream_genesis(stream)


AFTER.append(prune)

_IN_PART = '%"hash":"%'  # a line that lacks what this version did not know proves nothing; another node has it whole
_KEEP = """
INSERT OR REPLACE INTO feed_page (from_no, to_no, epoch, sig, at, accepted_n)
VALUES (?, ?, ?, ?, ?, coalesce((SELECT accepted_n FROM hub_link), 0))
"""
_LINES = """
SELECT no, stream, origin_id, n, body, personal, hash FROM feed_line WHERE no > ? AND no <= ? ORDER BY no
"""
# What the hub does not hold durably yet may have to be shown to it again.
_OLD_PAGES = "SELECT to_no FROM feed_page WHERE at < ? AND accepted_n <= ? ORDER BY to_no LIMIT ?"
_OLD_APART = """
SELECT id FROM returned_page AS p WHERE lost_at < ? AND NOT EXISTS (
  SELECT 1 FROM returned_line AS l WHERE l.page_id = p.id AND l.body IS NOT NULL
    AND (l.given_at IS NULL OR l.given_at >= ?))
ORDER BY id LIMIT ?
"""
_PLACED = "SELECT origin_id, n FROM returned_line WHERE body IS NULL"
_BEFORE = """
SELECT hash FROM (
  SELECT * FROM (SELECT no, hash FROM feed_line WHERE stream = ? AND no < ? ORDER BY no DESC LIMIT 1)
  UNION ALL SELECT no, hash FROM stream_begin WHERE stream = ? AND no < ?
) ORDER BY no DESC LIMIT 1
"""
# Before the marks move on: a mark without its line is where a snapshot ended.
_BEGIN = """
INSERT OR IGNORE INTO stream_begin (stream, no, hash)
SELECT stream, no, hash FROM stream_mark AS m
WHERE NOT EXISTS (SELECT 1 FROM feed_line AS l WHERE l.stream = m.stream AND l.no = m.no)
"""
_SET_APART = """
INSERT INTO returned_line (id, page_id, place, no, stream, origin_id, n, body, personal, prev_hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
