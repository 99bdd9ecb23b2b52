"""The hub as a home of actions: what an owner does in the portal, through the same door as a shop.

A portal action is an entry of the tenant's portal origin, chained and published like any shop's. Its rows are written
by the action itself; admission's own steps then number it and keep it.

Invariants:
  * The portal's actions of one tenant run one after another, from the lock on the head of its chain until commit.
  * Whatever is written belongs to the portal's origin of the hub's present life, also where the request began before.
  * What an action changed was not changed by anybody else since the action began; otherwise it is refused, in words,
    and nothing has happened.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import psycopg
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudhub.database import HubDatabase
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head, lock_head
from cloudhub.merge.models import WHOLE_ROW
from cloudhub.merge.settle import settle
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import Sender, Work
from shopnode.domain.capture import Capture, wire_columns
from shopnode.domain.clock import Clock, RandomBytes, new_id, to_datetime
from shopnode.domain.db import synced_models
from shopnode.domain.errors import Busy, Conflict, WrongPlace
from shopnode.domain.guard import verify_guard
from shopnode.domain.homes import Appended, ChainHead
from shopnode.domain.journal import EntryDraft, JournalEntry, entry_document
from sync_protocol import chain
from sync_protocol.canonical import canonical
from sync_protocol.merge import Clock as ClockReading
from sync_protocol.merge import FieldState

TRIES_MAX = 4
# What passes by itself: two transactions in each other's way, or a lock that was not to be had in time.
_RACED = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
_MOMENTARY = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)

T = TypeVar("T")


class Raced(Busy):
    """Two transactions stood in each other's way and this one was given up; it may be done again at once."""


class ChangedMeanwhile(Conflict):
    code = "changed-meanwhile"

    def __init__(self) -> None:
        super().__init__(
            "A shop changed the same thing at this very moment. Look at it again, then repeat your change."
        )


class HubHome:
    """One tenant's side of the hub, as the door sees it."""

    is_shop = False
    shop_id: str | None = None
    series = ""  # receipts are numbered in shops

    def __init__(
        self,
        database: HubDatabase,
        tenant_id: str,
        origin_id: str,
        clock: Clock,
        secret: bytes,
        *,
        random: RandomBytes = secrets.token_bytes,
        session: Session | None = None,
    ):
        self.database = database
        self.tenant_id = tenant_id
        self.origin_id = origin_id
        self.clock = clock
        self.random = random
        self.listeners: list[Callable[[], None]] = []
        self._secret = secret
        self._session = session  # of a transaction that spans more than one action

    def reading(self) -> AbstractContextManager[Session]:
        if self._session is not None:
            return nullcontext(self._session)
        return self.database.session(self.tenant_id, read_only=True)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        if self._session is not None:
            self._begin(self._session)
            yield self._session
            return
        try:
            with self.database.session(self.tenant_id) as session:
                self._begin(session)
                yield session
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, _RACED):
                raise Raced from error
            if isinstance(cause, _MOMENTARY):
                raise Busy from error
            raise

    def again(self, work: Callable[[], T]) -> T:
        """Do a whole transaction; when a shop's push was in its way, do it again, as the push itself is."""
        if self._session is not None:
            return work()  # part of a greater whole, which only its beginner can repeat
        for _ in range(TRIES_MAX - 1):
            try:
                return work()
            except Raced:
                continue
        return work()

    def _begin(self, session: Session) -> None:
        # Another life of the hub may have begun since this home was made; its acts are another origin's.
        self.origin_id = self._origin_now(session) or self.origin_id
        books = Books(session, self.tenant_id)
        session.info["head"] = lock_head(books, self.origin_id)
        session.info["seen"] = session.execute(_SEQ, {"tenant": self.tenant_id}).scalar_one()

    def _origin_now(self, session: Session) -> str | None:
        """The origin of the portal's acts; None while the business is being made."""
        return session.execute(_PORTAL, {"tenant": self.tenant_id}).scalar_one_or_none()

    def new_id(self) -> str:
        return new_id(self.clock.wall_ms(), self.random)

    def fingerprint(self, content: bytes) -> str:
        return hmac.new(self._secret, content, hashlib.sha256).hexdigest()

    def next_number(self, session: Session, series: str) -> int:
        """Receipts and tickets are numbered in shops. Raises WrongPlace."""
        raise WrongPlace(series)

    def committed(self) -> None:
        for listener in self.listeners:
            listener()

    def check_ready(self, session: Session) -> None:
        """The hub's books are always complete."""

    def take_turn(self, session: Session) -> None:
        session.execute(_TURN, {"tenant": self.tenant_id})

    def append(self, session: Session, draft: EntryDraft, fingerprint: str, result: str) -> Appended:
        head: Head = session.info["head"]
        books = Books(session, self.tenant_id, (self.origin_id, head.n + 1))
        _read_versions(books, draft.capture)
        draft.seen = session.info["seen"]
        draft.clock = {
            "at": self.clock.wall_ms(), "boot": self.clock.boot_id(), "mono": self.clock.mono_ms(), "offset": 0,
        }  # fmt: skip
        work = self._make_work(books, draft, head)
        _note_versions(books, draft, work)
        self._keep(session, draft, work, fingerprint, result)
        verify_guard(session.connection(), draft.capture.touched())
        session.info["seen"] = max(settle(books, [work], self.clock, derive=False), session.info["seen"])
        if self._origin_now(session) not in (None, self.origin_id):
            raise Raced  # it began while this was on its way; whoever holds the turn sees it
        session.info["head"] = Head(work.n, work.hash)
        return Appended(work.n, work.hash)

    def heads(self, session: Session) -> list[ChainHead]:
        return [ChainHead(*row) for row in session.execute(_HEADS, {"tenant": self.tenant_id})]

    def _make_work(self, books: Books, draft: EntryDraft, head: Head) -> Work:
        def seen_numbers(keys: list[tuple[str, str, str]]) -> dict[tuple[str, str, str], int]:
            versions = {key: books.version(*key) for key in keys}
            numbers = {key: version.no if version else 0 for key, version in versions.items()}
            if any(no > draft.seen for no in numbers.values()):
                raise ChangedMeanwhile
            return numbers

        document = entry_document(draft, head.n + 1, seen_numbers, lambda: self.random(16))
        sealed = canonical(document)
        if draft.personal:
            document["personal"] = draft.personal
        reading = ClockReading(int(draft.clock["at"]), int(draft.clock["mono"]), str(draft.clock["boot"]), 0)
        sender = Sender(self.origin_id, None, None, reading, self.clock.wall_ms())
        return Work(head.n + 1, document, sealed, chain.link(head.hash, sealed), sender)

    def _keep(self, session: Session, draft: EntryDraft, work: Work, fingerprint: str, result: str) -> None:
        session.execute(
            insert(JournalEntry.__table__),  # type: ignore[arg-type]
            {
                "tenant_id": self.tenant_id, "origin_id": self.origin_id, "n": work.n, "entry_id": draft.entry_id,
                "action": draft.action, "actor_id": draft.actor_id, "shop_id": draft.shop_id,
                "at": to_datetime(int(draft.clock["at"])), "received_at": to_datetime(work.sender.received_ms),
                "subject_entity": draft.subject[0] if draft.subject else None,
                "subject_id": draft.subject[1] if draft.subject else None,
                "hash": work.hash, "body": work.sealed.decode(),
                "personal": canonical(draft.personal).decode() if draft.personal else None,
                "fingerprint": fingerprint, "result": result,
            },
        )  # fmt: skip
        values = {"n": work.n, "hash": work.hash, "tenant": self.tenant_id, "origin": self.origin_id}
        session.execute(_MOVE_HEAD, values)


def _read_versions(books: Books, capture: Capture) -> None:
    """Versions and shops of the rows that were changed; their locks are held since the action's own update."""
    for entity, rows in capture.updates.items():
        table = entity_tables()[entity]
        if table.is_register:
            books.load_versions({entity: list(rows)})
        if table.in_shop_stream:
            found = books.read(entity, ["id", "shop_id"], list(rows))
            books.remember_shops(entity, {row_id: row[1] for row_id, row in found.items()})


def _note_versions(books: Books, draft: EntryDraft, work: Work) -> None:
    """What was written, for the versions of registers and for the owner's lists."""
    by_owner = books.is_owner(draft.actor_id)
    state = FieldState(None, 0, work.origin_id, work.n, work.sender.received_ms, by_owner)
    for entity, inserted in draft.capture.inserts.items():
        names = wire_columns(synced_models()[entity])
        books.note_inserts(entity, names, [[row[name] for name in names] for row in inserted.values()])
        if entity_tables()[entity].is_register:
            for row_id in inserted:
                books.set_version(entity, row_id, WHOLE_ROW, state, work)
    for entity, updated in draft.capture.updates.items():
        books.note_updates(entity, updated)
        table = entity_tables()[entity]
        for row_id, changes in updated.items() if table.is_register else ():
            for name in changes:
                books.set_version(entity, row_id, name, state, work)


_PORTAL = text("SELECT portal_origin_id::text FROM tenant WHERE tenant_id = :tenant")
_SEQ = text("SELECT seq FROM tenant_feed WHERE tenant_id = :tenant")
_TURN = text("SELECT seq FROM tenant_feed WHERE tenant_id = :tenant FOR UPDATE")
_MOVE_HEAD = text("UPDATE origin SET head_n = :n, head_hash = :hash WHERE tenant_id = :tenant AND id = :origin")
_HEADS = text(
    "SELECT o.id::text, coalesce(n.series, ''), o.shop_id::text, o.head_n, o.head_hash, "
    "(o.node_id IS NULL OR n.origin_id = o.id) FROM origin o LEFT JOIN node n "
    "ON n.tenant_id = o.tenant_id AND n.id = o.node_id WHERE o.tenant_id = :tenant ORDER BY o.opened_at, o.id"
)
