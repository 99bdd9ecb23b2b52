"""Photos to and from the hub: when nothing else waits, within the day's budget, a part at a time.

Invariants:
  * Money first: before every part the journal is looked at, and an entry that waits ends the round.
  * Photos never make the link look broken: whatever goes wrong with them is tried again later.
  * A part that was sent or fetched is never sent or fetched again, however often the line is cut.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_datetime
from shopnode.domain.photos.models import Blob
from shopnode.domain.photos.store import WrongContent, begun, forget_part, missing, named, photo_or_none, take_chunk
from shopnode.domain.settings.queries import number_setting
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import PhotoPace, PhotoSent
from shopnode.sync.outbox import waiting
from shopnode.sync.transport import LinkDown
from sync_protocol.blobs import (
    BLOBS,
    CHUNK_BYTES,
    NAMES_MAX,
    BlobProgress,
    BlobsAnswer,
    BlobsRequest,
    get_target,
    put_target,
)
from sync_protocol.messages import decode, encode
from sync_protocol.problems import ProtocolError
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

log = logging.getLogger("shopnode.sync.blobs")

PARTS_MAX = 40  # of one round; then entries and pages have their turn
FRUITLESS_MINUTES, FRUITLESS_MINUTES_MAX = 15, 12 * 60
CALL_BYTES = 1_500  # what a call costs beside its body: signatures, headers
DAY_MS = 86_400_000


@dataclass
class _Purse:
    """What may still be spent today. Written down as it is spent."""

    left: int

    def pay(self, size: int) -> bool:
        """Whether it sufficed."""
        if size > self.left:
            return False
        self.left -= size
        return True


class _Stop(Exception):
    """This round is over: entries wait, the purse is empty, or it had its share."""


def exchange_photos(line: SignedLine) -> bool:
    """Send and fetch photos for a while. Returns whether there is more to do soon."""
    try:
        return _Round(line).run()
    except (LinkDown, Refused, ProtocolError) as odd:
        log.info("photos later: %s", type(odd).__name__)
        return False


class _Round:
    def __init__(self, line: SignedLine):
        self._line, self._home = line, line.home
        self._parts = 0
        self._purse = _Purse(0)

    def run(self) -> bool:
        with self._home.reading() as session:
            link = read_link(session)
            if link is None:
                return False
            have, want = _unsent(session, link.epoch), missing(session, NAMES_MAX)
            pace = session.get(PhotoPace, 1)
            budget = number_setting(session, "photo_kb_per_day") * 1000
        if not have and not want:
            return False
        asked_for = sha256("".join([*have, "/", *want]).encode()).hexdigest()
        now_ms = self._home.clock.wall_ms()
        spent = pace.bytes if pace is not None and pace.day == now_ms // DAY_MS else 0
        self._purse.left = budget - spent
        is_early = pace is not None and pace.asked_for == asked_for and to_datetime(now_ms) < pace.ask_at
        if is_early or not self._purse.pay(CALL_BYTES):
            return False
        before = self._purse.left
        more = False
        try:
            self._work(link, self._ask(link, have, want))
        except _Stop as stopped:
            more = str(stopped) == "more"
        finally:
            # What was cut off half-way goes on after the next exchange; what brought nothing waits longer each time.
            is_fruitless = self._purse.left == before
            fruitless = (pace.fruitless + 1 if pace else 1) if is_fruitless else 0
            self._write_down(budget - self._purse.left, asked_for if is_fruitless else "", fruitless)
        return more

    def _ask(self, link: Link, have: Sequence[str], want: Sequence[str]) -> BlobsAnswer:
        request = BlobsRequest(
            protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, node=self._home.node_id, origin=self._home.origin_id,
            have=list(have), want=list(want),
        )  # fmt: skip
        return decode(BlobsAnswer, self._line.call(link, "POST", BLOBS, encode(request)))

    def _work(self, link: Link, told: BlobsAnswer) -> None:
        for name in told.held:
            self._note_sent(link, name)
        for name, offset in told.lacking:
            self._send(link, name, offset)
        for name, size in told.ready:
            self._fetch(link, name, size)

    def _send(self, link: Link, name: str, offset: int) -> None:
        with self._home.reading() as session:
            blob = photo_or_none(session, name)
            content = blob.content if blob is not None else b""
        while content:
            chunk = content[offset : offset + CHUNK_BYTES]
            self._may_go_on(link, len(chunk))
            answer = self._line.call(link, "PUT", put_target(name, offset, len(content)), chunk)
            progress = decode(BlobProgress, answer)
            if progress.whole:
                self._note_sent(link, name)
                return
            if progress.offset >= len(content) or progress.offset == offset:
                return  # the hub counts otherwise; it is asked again another time
            offset = progress.offset

    def _fetch(self, link: Link, name: str, size: int) -> None:
        with self._home.reading() as session:
            offset = begun(session, [name]).get(name, 0)
        while offset < size:
            self._may_go_on(link, min(CHUNK_BYTES, size - offset))
            chunk = self._line.call(link, "GET", get_target(name, offset))
            now = to_datetime(self._home.clock.wall_ms())
            try:
                with self._home.writing() as session:
                    progress = take_chunk(session, name, offset, chunk, size, now)
            except WrongContent:
                with self._home.writing() as session:
                    forget_part(session, name)
                return
            if not chunk or progress.offset == offset:
                return
            offset = progress.offset

    def _may_go_on(self, link: Link, size: int) -> None:
        """Raises _Stop: "more" when it may go on in a moment."""
        with self._home.reading() as session:
            known = read_link(session)
            entries = waiting(session, self._home.origin_id, known.accepted_n if known else 0).entries
        self._parts += 1
        if entries or self._parts > PARTS_MAX:
            raise _Stop("more")
        if not self._purse.pay(size + CALL_BYTES):
            raise _Stop("no more today")

    def _note_sent(self, link: Link, name: str) -> None:
        values = {"sha256": name, "epoch": link.epoch}
        with self._home.writing() as session:
            statement = upsert(PhotoSent).values(**values)
            session.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_={"epoch": link.epoch}))

    def _write_down(self, spent: int, asked_for: str, fruitless: int) -> None:
        now_ms = self._home.clock.wall_ms()
        minutes = min(FRUITLESS_MINUTES << min(fruitless, 10), FRUITLESS_MINUTES_MAX)
        values = {
            "id": 1, "day": now_ms // DAY_MS, "bytes": spent, "asked_for": asked_for, "fruitless": fruitless,
            "ask_at": to_datetime(now_ms) + timedelta(minutes=minutes),
        }  # fmt: skip
        with self._home.writing() as session:
            statement = upsert(PhotoPace).values(**values)
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


def _unsent(session: Session, epoch: str) -> list[str]:
    """Whole photos that the books show and that this life of the hub has not got from us, a few at a time."""
    sent = select(PhotoSent.sha256).where(PhotoSent.epoch == epoch)
    query = select(Blob.sha256).where(Blob.whole_at.is_not(None), Blob.sha256.not_in(sent), Blob.sha256.in_(named()))
    return list(session.scalars(query.order_by(Blob.sha256).limit(NAMES_MAX)))
