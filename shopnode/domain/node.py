"""The node's home: its own journal, numbers and clock, in its own file.

`Installation` holds what makes this copy of the program itself: its ids, the head of its chain and its counters'
series. A restored or cloned installation becomes a new origin (protocol.md 5), so nothing of this is synced.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import orjson
from sqlalchemy import BigInteger, Boolean, LargeBinary, String, Text, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shopnode.domain import failpoints
from shopnode.domain.capture import Capture, driver_cursor, insert_wire
from shopnode.domain.clock import Clock, RandomBytes, new_id, to_datetime
from shopnode.domain.db import Id, Kind, LocalRow, synced_models
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.errors import ShopError
from shopnode.domain.guard import verify_guard
from shopnode.domain.homes import Appended, ChainHead
from shopnode.domain.journal import EntryDraft, JournalEntry, entry_document
from shopnode.domain.origins import PastOrigin, past_mark, renewed_series
from sync_protocol import chain
from sync_protocol.canonical import canonical
from sync_protocol.shape import ENTRY_BYTES_MAX

EDITED = (Kind.REGISTER, Kind.HOLDING)  # kinds whose rows change, so that an edit may wait for its verdict
T = TypeVar("T")
WHOLE_ROW = ""  # the field name that stands for every field of a row not named on its own


class Installation(LocalRow):
    """This copy of the program: one row."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenant_id: Mapped[Id]
    node_id: Mapped[Id]
    origin_id: Mapped[Id]
    shop_id: Mapped[Id]
    series: Mapped[str] = mapped_column(String(32))  # shop code + installation number: KLA1; KLA1-K7Q2M once restored
    head_n: Mapped[int]
    head_hash: Mapped[str] = mapped_column(String(64))
    seen: Mapped[int]  # the greatest feed number applied here
    clock_offset_ms: Mapped[int | None]  # hub time less ours, when last heard
    latest_ms: Mapped[int]  # the latest wall time ever recorded: a clock behind it is wrong
    fingerprint_key: Mapped[bytes] = mapped_column(LargeBinary)
    awaits_books: Mapped[bool] = mapped_column(Boolean, default=False)  # those of this shop are still on their way here


class Counter(LocalRow):
    """The last number given in a series; gapless, because it is taken in the commit that uses it."""

    __tablename__ = "counter"

    series: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int]


class FieldState(LocalRow):
    """What the hub is known to hold for one field of a register row (or the whole row).

    seen_no    feed number of the hub's value
    pending_n  our own entry that changed the field and has no verdict yet
    shadow     the hub's newer value, kept aside while our edit waits
    """

    __tablename__ = "field_state"

    entity: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_id: Mapped[Id] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    seen_no: Mapped[int]
    pending_n: Mapped[int | None] = mapped_column(BigInteger, index=True)
    shadow: Mapped[str | None] = mapped_column(Text)
    shadow_no: Mapped[int | None]


class EntryTooLarge(ShopError):
    code, status = "too-large", 413

    def __init__(self) -> None:
        super().__init__("This is too much for one step. Split it into smaller ones; nothing was changed.")


class BooksArriving(ShopError):
    """This computer is new in its shop and does not have all of the shop's books yet."""

    code, status = "books-arriving", 503

    def __init__(self, progress: str):
        super().__init__(
            f"This computer is still fetching the shop's books ({progress}). Selling begins when they are complete."
        )


class Head(NamedTuple):
    """Where this installation's chain and clock stand."""

    origin_id: str
    head_n: int
    head_hash: str
    seen: int
    clock_offset_ms: int | None
    latest_ms: int


class NodeHome:
    """A shop's node as the door sees it."""

    is_shop = True

    def __init__(self, database: NodeDatabase, clock: Clock, random: RandomBytes = secrets.token_bytes):
        self.database = database
        self.clock = clock
        self.random = random
        self.listeners: list[Callable[[], None]] = []
        self.arriving = ""  # what is on its way here, in words, for as long as it is
        self._is_ready = False
        with database.reading() as session:
            installation = session.get_one(Installation, 1)
        database.tenant_id = installation.tenant_id
        self.shop_id: str | None = installation.shop_id
        self.origin_id = installation.origin_id
        self.node_id = installation.node_id
        self.series = installation.series
        self._fingerprint_key = installation.fingerprint_key

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self.database.reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self.database.writing() as session:
            yield session

    def again(self, work: Callable[[], T]) -> T:
        """There is one writer here, so nothing is lost to another."""
        return work()

    def new_id(self) -> str:
        return new_id(self.clock.wall_ms(), self.random)

    def fingerprint(self, content: bytes) -> str:
        return hmac.new(self._fingerprint_key, content, hashlib.sha256).hexdigest()

    def next_number(self, session: Session, series: str) -> int:
        return int(driver_cursor(session).execute(_NEXT_NUMBER, (series,)).fetchone()[0])

    def committed(self) -> None:
        for listener in self.listeners:
            listener()

    def check_ready(self, session: Session) -> None:
        if self._is_ready:
            return
        awaits, seen = driver_cursor(session).execute(_AWAITS).fetchone()
        if awaits:
            raise BooksArriving(self.progress(seen))
        self._is_ready = True

    def progress(self, seen: int) -> str:
        """How far the books of a blank computer have come, in words."""
        return self.arriving or f"{seen:,} changes are here"

    def take_turn(self, session: Session) -> None:
        """One writer: it is always this one's turn."""

    def append(self, session: Session, draft: EntryDraft, fingerprint: str, result: str) -> Appended:
        cursor = driver_cursor(session)
        head = Head(*cursor.execute(_HEAD).fetchone())
        n = head.head_n + 1
        draft.seen = head.seen
        draft.clock = self._clock_marks(head.clock_offset_ms)
        document = entry_document(draft, n, lambda keys: seen_numbers(session, keys), lambda: self.random(16))
        body = canonical(document)
        personal = canonical(draft.personal).decode() if draft.personal else None
        if len(body) + len((personal or "").encode()) > ENTRY_BYTES_MAX:
            raise EntryTooLarge
        hash_n = chain.link(head.head_hash, body)
        entity, subject_id = draft.subject or (None, None)
        row = (
            head.origin_id, n, draft.entry_id, draft.action, draft.actor_id, draft.shop_id, entity, subject_id,
            draft.clock["at"], hash_n, body.decode(), personal, fingerprint, result,
        )  # fmt: skip
        insert_wire(session, "journal_entry", _JOURNAL_COLUMNS, [row])
        latest = max(head.latest_ms, int(draft.clock["at"]))
        cursor.execute(_MOVE_HEAD, (n, hash_n, latest))
        mark_pending(session, draft.capture, n)
        verify_guard(session.connection(), draft.capture.touched())
        return Appended(n, hash_n)

    def heads(self, session: Session) -> list[ChainHead]:
        """Of an origin that was left, what was the same at the hub stayed under its name; the rest moved on."""
        own = session.get_one(Installation, 1)
        left = [
            ChainHead(past.origin_id, past.series, self.shop_id, past.head_n, past.head_hash, is_current=False)
            if past.common_n in (None, past.head_n)
            else ChainHead(past.origin_id, past.series, self.shop_id, past.common_n or 0, None, is_current=False)
            for past in session.scalars(select(PastOrigin).order_by(PastOrigin.id))
        ]
        return [*left, ChainHead(own.origin_id, own.series, self.shop_id, own.head_n, own.head_hash, is_current=True)]

    def renew_origin(
        self,
        reason: str,
        also: Callable[[Session, int], None],
        *,
        origin_id: str | None = None,
        series: str | None = None,
    ) -> None:
        """Go on under a new origin: this copy of the books was restored, or others know another history of it.

        What was recorded stays where it is and becomes a past origin (`origins.py`); selling goes on at once.

        also              what else forgets the old origin in the same transaction; it is given the old one's id there
        origin_id, series where somebody has chosen them already
        """
        before = (self.origin_id, self.series)
        try:
            with self.writing() as session:
                past_id = leave_origin(session, reason, self.clock.wall_ms())
                self.origin_id = origin_id or self.new_id()
                self.series = series or renewed_series(before[1], self.random)
                begun = {"origin_id": self.origin_id, "series": self.series, "head_n": 0}
                begun["head_hash"] = chain.genesis(self.origin_id)
                session.execute(update(Installation).values(**begun))
                also(session, past_id)
                failpoints.hit("renew.origin_begun")
        except BaseException:
            self.origin_id, self.series = before
            raise

    def _clock_marks(self, offset_ms: int | None) -> dict[str, int | str]:
        marks: dict[str, int | str] = {
            "at": self.clock.wall_ms(),
            "boot": self.clock.boot_id(),
            "mono": self.clock.mono_ms(),
        }
        return marks if offset_ms is None else {**marks, "offset": offset_ms}


def leave_origin(session: Session, reason: str, now_ms: int) -> int:
    """Note the current origin as one that was left; its edits that wait for a verdict are marked as of a past one."""
    left = session.get_one(Installation, 1)
    past_id = (session.scalar(select(func.max(PastOrigin.id))) or 0) + 1
    session.add(
        PastOrigin(
            id=past_id, origin_id=left.origin_id, series=left.series, head_n=left.head_n, head_hash=left.head_hash,
            sent_n=0, reason=reason, left_at=to_datetime(now_ms),
        )
    )  # fmt: skip
    session.flush()
    driver_cursor(session).execute(_MARK_PAST, (past_mark(past_id, 0),))
    return past_id


_MARK_PAST = "UPDATE field_state SET pending_n = ? - pending_n WHERE pending_n > 0"
_AWAITS = "SELECT awaits_books, seen FROM installation"
_HEAD = "SELECT origin_id, head_n, head_hash, seen, clock_offset_ms, latest_ms FROM installation"
_NEXT_NUMBER = (
    "INSERT INTO counter (series, value) VALUES (?, 1) ON CONFLICT (series) DO UPDATE SET value = value + 1 "
    "RETURNING value"
)
_MOVE_HEAD = "UPDATE installation SET head_n = ?, head_hash = ?, latest_ms = ?"
_JOURNAL_COLUMNS = (
    "origin_id", "n", "entry_id", "action", "actor_id", "shop_id", "subject_entity", "subject_id",
    "at", "hash", "body", "personal", "fingerprint", "result",
)  # fmt: skip


def seen_numbers(session: Session, keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
    """The feed number of the hub value behind each (entity, row id, field); 0 where the hub has none."""
    found: dict[tuple[str, str, str], int] = {}
    states: dict[tuple[str, str], dict[str, int]] = {}
    for entity, row_id, name in keys:
        if (entity, row_id) not in states:
            query = select(FieldState.field, FieldState.seen_no)
            query = query.where(FieldState.entity == entity, FieldState.row_id == row_id)
            states[entity, row_id] = {row.field: row.seen_no for row in session.execute(query)}
        known = states[entity, row_id]
        found[entity, row_id, name] = known.get(name, known.get(WHOLE_ROW, 0))
    return found


def mark_pending(session: Session, capture: Capture, n: int) -> None:
    """Remember which register fields entry `n` changed, until the hub's verdict on it arrives."""
    models = synced_models()
    marks: list[dict[str, Any]] = []
    for entity, rows in capture.inserts.items():
        if models[entity].__sync__.kind is Kind.REGISTER:
            marks += [_mark(entity, row_id, WHOLE_ROW, n, 0) for row_id in rows]
    keys = [
        (entity, row_id, name)
        for entity, changed in capture.updates.items()
        if models[entity].__sync__.kind in EDITED
        for row_id, columns in changed.items()
        for name in columns
    ]
    seen = seen_numbers(session, keys) if keys else {}
    marks += [_mark(*key, n, seen[key]) for key in keys]
    if marks:
        statement = upsert(FieldState)
        keep = {"pending_n": statement.excluded.pending_n}
        names = ["entity", "row_id", "field"]
        session.execute(statement.on_conflict_do_update(index_elements=names, set_=keep), marks)


def _mark(entity: str, row_id: str, name: str, n: int, seen_no: int) -> dict[str, Any]:
    return {"entity": entity, "row_id": row_id, "field": name, "pending_n": n, "seen_no": seen_no}


def forget_states(session: Session, entity: str, row_id: str) -> None:
    """Drop what is known of a row's fields, for a row that was never synced."""
    session.execute(delete(FieldState).where(FieldState.entity == entity, FieldState.row_id == row_id))


def reveal(entry: JournalEntry) -> dict[str, Any]:
    """The entry as a document with its personal values beside it, as it is sent."""
    document: dict[str, Any] = orjson.loads(entry.body)
    if entry.personal:
        document["personal"] = orjson.loads(entry.personal)
    return document
