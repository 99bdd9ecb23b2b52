"""One exchange with the hub: push what waits, pull a page, keep both outcomes.

Invariants:
  * Nothing is concluded from an answer that the pinned hub key has not signed, except to try again later.
  * Our entries count as sent only when the hub names the hash of the last one and it is ours.
  * The writer is held only while the answer is stored, never while the line is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.apply import Applier
from shopnode.domain.clock import to_datetime
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.models import EntryVerdictRow, HubLink, StreamMark
from shopnode.sync.outbox import Parcel, hash_of_entry, next_parcel, waiting
from shopnode.sync.pages import PageReader
from shopnode.sync.transport import Answer, LinkDown, Transport
from sync_protocol.compression import compress, decompress
from sync_protocol.keys import read_private, read_public
from sync_protocol.limits import BATCH_BYTES_MAX, ROWS_MAX, Batch
from sync_protocol.messages import (
    ClockReading,
    ExchangeRequest,
    ExchangeResponse,
    Have,
    Health,
    PullLimits,
    decode,
    encode_with,
)
from sync_protocol.problems import PROBLEMS, BadSignature, Malformed, Problem
from sync_protocol.pushes import make_push
from sync_protocol.signing import Request, Response, sign_request, verify_response
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

EXCHANGE = "/sync/v1/exchange"
OFFSET_STEP_MS = 1_000  # a smaller change of the clock's offset is not worth a write


class Refused(Exception):
    """The hub said no, in one of the protocol's words. `facts` are what it added."""

    def __init__(self, problem: Problem, facts: dict[str, Any]):
        super().__init__(problem.sentence)
        self.problem = problem
        self.facts = facts


@dataclass(frozen=True)
class Exchanged:
    """What one exchange did."""

    pushed: int  # entries the hub took
    pulled: int  # lines applied
    more: bool  # there is more to send or to fetch
    next_poll_ms: int


@dataclass(frozen=True)
class Link:
    """The enrolment as plain values, read once per exchange."""

    audience: str
    hub_key: str
    key: Ed25519PrivateKey
    epoch: str
    accepted_n: int
    durable_n: int


class Exchanger:
    """Speaks with one hub for one node. Holds nothing that a restart would miss."""

    def __init__(self, home: NodeHome, transport: Transport, *, run: str, software: str):
        self.home = home
        self.transport = transport
        self.run = run
        self.software = software

    def exchange(self, batch: Batch) -> Exchanged:
        """One round trip. Raises LinkDown, Refused, BrokenLink, BadSignature, Malformed."""
        link, parcel, request = self._prepare(batch)
        failpoints.hit("push.read")
        answer, signature = self._send(link, request)
        failpoints.hit("push.answered")
        response = self._read(link, answer, signature)
        return self._store(link, parcel, response)

    def _prepare(self, batch: Batch) -> tuple[Link, Parcel | None, bytes]:
        with self.home.reading() as session:
            link = read_link(session)
            if link is None:
                raise LinkDown("not enrolled")
            parcel = next_parcel(session, self.home.origin_id, link.accepted_n, batch)
            request = self._request(session, link)
        push = b"null"
        if parcel is not None:
            push = make_push(parcel.first, parcel.prev, parcel.entries, parcel.head, self.home.origin_id, link.key)
        return link, parcel, encode_with(request, push=push)

    def _request(self, session: Session, link: Link) -> ExchangeRequest:
        marks = session.scalars(select(StreamMark)).all()
        cursor, offset = session.execute(select(Installation.seen, Installation.clock_offset_ms)).one()
        held = waiting(session, self.home.origin_id, link.accepted_n)
        stuck = session.scalar(
            select(func.count()).select_from(EntryVerdictRow).where(EntryVerdictRow.verdict == "quarantined")
        )
        clock = self.home.clock
        return ExchangeRequest(
            protocol=PROTOCOL_VERSION,
            schema_=SCHEMA_VERSION,
            node=self.home.node_id,
            origin=self.home.origin_id,
            run=self.run,
            clock=ClockReading(wall=clock.wall_ms(), mono=clock.mono_ms(), boot=clock.boot_id(), offset=offset),
            have=Have(epoch=link.epoch, cursor=cursor, streams={mark.stream: (mark.no, mark.hash) for mark in marks}),
            push=None,
            pull=PullLimits(rows=ROWS_MAX, bytes=BATCH_BYTES_MAX),
            health=Health(
                outbox=held.entries, oldest_unsent_at=held.since_ms, quarantined=stuck or 0, software=self.software
            ),
        )

    def _send(self, link: Link, plain: bytes) -> tuple[Answer, str]:
        """Sign and send; a clock that the hub finds wrong is corrected and tried once more."""
        for attempt in (1, 2):
            answer, signature = self._send_once(link, plain)
            problem = self._problem(link, answer, signature)
            if problem is None:
                return answer, signature
            kind, facts = problem
            if attempt == 1 and kind.code == "clock_skew" and isinstance(facts.get("time"), int):
                self._set_offset(int(facts["time"]))
                continue
            raise Refused(kind, facts)
        raise AssertionError("two attempts are enough")

    def _send_once(self, link: Link, plain: bytes) -> tuple[Answer, str]:
        encoding, body = compress(plain)
        request = Request("POST", EXCHANGE, body)
        headers = sign_request(
            link.key, self.home.node_id, request, encoding, link.audience, self.home.origin_id, self._hub_now_s()
        )
        failpoints.hit("push.signed")
        return self.transport.send("POST", EXCHANGE, headers, body), headers["Signature"]

    def _problem(self, link: Link, answer: Answer, signature: str) -> tuple[Problem, dict[str, Any]] | None:
        """The protocol's problem in an answer, believed only if signed, or harmless enough from anybody.

        Raises LinkDown for anything that is neither an answer nor a problem of ours.
        """
        if answer.status == 200:
            return None
        try:
            document = orjson.loads(decompress(answer.body, answer.header("content-encoding") or "identity"))
            kind = PROBLEMS[document["code"]]
        except (ValueError, KeyError, TypeError, Malformed) as foreign:
            raise LinkDown(f"status {answer.status}") from foreign
        if not kind.unsigned_ok:
            self._verify(link, answer, signature)
        return kind, document

    def _verify(self, link: Link, answer: Answer, signature: str) -> None:
        """Raises LinkDown when the hub did not sign this answer to this request: a portal's page, a stranger."""
        try:
            verify_response(Response(answer.status, answer.body, answer.headers), read_public(link.hub_key), signature)
        except BadSignature as unsigned:
            raise LinkDown("the answer is not signed by the hub") from unsigned

    def _read(self, link: Link, answer: Answer, signature: str) -> ExchangeResponse:
        self._verify(link, answer, signature)
        return decode(ExchangeResponse, decompress(answer.body, answer.header("content-encoding") or "identity"))

    def _store(self, link: Link, parcel: Parcel | None, response: ExchangeResponse) -> Exchanged:
        """Keep the ack and the page; where the page cannot be applied, the ack alone: our entries did arrive."""
        try:
            with self.home.writing() as session:
                accepted, head = self._store_ack(session, link, response)
                if response.pull is not None:
                    reader = PageReader(self.home, link.hub_key)
                    reader.apply(session, response.pull, response.page_sig, response.epoch)
                failpoints.hit("pull.before_commit")
        except Refused:
            raise
        except Exception:
            with self.home.writing() as session:
                self._store_ack(session, link, response)
            raise
        failpoints.hit("pull.after_commit")
        lines = len(response.pull.lines) if response.pull else 0
        more = parcel is not None and head > accepted
        more = more or bool(response.pull and response.pull.more)
        return Exchanged(accepted - link.accepted_n, lines, more, response.next_poll_ms)

    def _store_ack(self, session: Session, link: Link, response: ExchangeResponse) -> tuple[int, int]:
        """What the hub accepted, and how far our journal goes. Raises Refused when their chains part."""
        ack = response.ack
        if ack.hash != hash_of_entry(session, self.home.origin_id, ack.accepted):
            raise Refused(PROBLEMS["fork"], {"n": ack.accepted})
        values = {
            "accepted_n": ack.accepted,
            "durable_n": max(link.durable_n, ack.durable),
            "epoch": response.epoch,
            "last_ok_at": to_datetime(self.home.clock.wall_ms()),
        }
        session.execute(update(HubLink).values(**values))
        rows = [
            {"n": verdict.n, "verdict": verdict.verdict, "reason": verdict.reason, "at": values["last_ok_at"]}
            for verdict in ack.verdicts
        ]
        if rows:
            statement = upsert(EntryVerdictRow)
            keep = {name: statement.excluded[name] for name in ("verdict", "reason", "at")}
            session.execute(statement.on_conflict_do_update(index_elements=["n"], set_=keep), rows)
        aside = [verdict.n for verdict in ack.verdicts if verdict.verdict == "quarantined"]
        if aside:
            applier = Applier(session)
            for n in aside:
                applier.give_up(n)
            applier.finish()
        self._store_offset(session, response.time)
        failpoints.hit("push.ack_stored")
        return ack.accepted, session.scalars(select(Installation.head_n)).one()

    def _hub_now_s(self) -> int:
        with self.home.reading() as session:
            offset = session.scalars(select(Installation.clock_offset_ms)).one() or 0
        return (self.home.clock.wall_ms() + offset) // 1000

    def _set_offset(self, hub_ms: int) -> None:
        with self.home.writing() as session:
            self._store_offset(session, hub_ms)

    def _store_offset(self, session: Session, hub_ms: int) -> None:
        offset = hub_ms - self.home.clock.wall_ms()
        known = session.scalars(select(Installation.clock_offset_ms)).one()
        if known is None or abs(known - offset) > OFFSET_STEP_MS:
            session.execute(update(Installation).values(clock_offset_ms=offset))


def read_link(session: Session) -> Link | None:
    """The enrolment of this node, if it has one."""
    row = session.scalars(select(HubLink)).one_or_none()
    if row is None:
        return None
    key = read_private(row.private_key)
    return Link(row.audience, row.hub_key, key, row.epoch, row.accepted_n, row.durable_n)
