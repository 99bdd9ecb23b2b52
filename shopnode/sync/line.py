"""The signed line to the hub: what is sent carries this node's signature, what comes back is believed by the hub's.

Invariants:
  * Nothing is concluded from an answer that the pinned hub key has not signed, except to try again later.
  * A clock that the hub finds wrong is corrected and the request tried once more, so a PC without a battery can sync.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopnode.domain import failpoints
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.models import HubLink
from shopnode.sync.transport import Answer, LinkDown, Transport
from sync_protocol.compression import WORDS, compress, decompress
from sync_protocol.keys import read_private, read_public
from sync_protocol.messages import ClockReading
from sync_protocol.problems import PROBLEMS, BadSignature, Malformed, Problem, sentence_of
from sync_protocol.signing import Request, Response, sign_request, verify_response

OFFSET_STEP_MS = 1_000  # a smaller change of the clock's offset is not worth a write


class Refused(Exception):
    """The hub said no, in one of the protocol's words. `facts` are what it added."""

    def __init__(self, problem: Problem, facts: dict[str, Any]):
        super().__init__(problem.sentence)
        self.problem = problem
        self.facts = facts

    @property
    def sentence(self) -> str:
        """What to tell people."""
        return sentence_of(self.problem, self.facts)


@dataclass(frozen=True)
class Link:
    """The enrolment as plain values, read once per call."""

    audience: str
    hub_key: str
    key: Ed25519PrivateKey
    epoch: str
    accepted_n: int
    durable_n: int


def read_link(session: Session) -> Link | None:
    """The enrolment of this node, if it has one."""
    row = session.scalars(select(HubLink)).one_or_none()
    if row is None:
        return None
    key = read_private(row.private_key)
    return Link(row.audience, row.hub_key, key, row.epoch, row.accepted_n, row.durable_n)


class SignedLine:
    """Calls one hub for one node. Holds nothing that a restart would miss.

    run     drawn anew at each start of the process; two that alternate betray a clone
    device  what this PC calls itself, while the hub has not heard this run yet
    """

    def __init__(self, home: NodeHome, transport: Transport, *, run: str, device: str | None = None):
        self.home = home
        self.run = run
        self.device = device
        self._transport = transport

    def call(self, link: Link, method: str, target: str, plain: bytes = b"", *, origin: str | None = None) -> bytes:
        """The plain body of the hub's answer. Raises LinkDown, Refused, Malformed.

        origin  whom the request is signed for, where it is not the current origin of this node
        """
        for attempt in (1, 2):
            answer, signature = self._send(link, method, target, plain, origin or self.home.origin_id)
            problem = _problem_in(link, answer, signature)
            if problem is None:
                _verify(link, answer, signature)
                return decompress(answer.body, answer.header("content-encoding") or "identity")
            kind, facts = problem
            if attempt == 1 and kind.code == "clock_skew" and isinstance(facts.get("time"), int):
                self._set_offset(int(facts["time"]))
                continue
            raise Refused(kind, facts)
        raise AssertionError("two attempts are enough")

    def signed(
        self, link: Link, method: str, target: str, plain: bytes, origin: str | None = None
    ) -> tuple[dict[str, str], bytes]:
        """A request as it goes on the line: the headers that sign it, and the encoded body."""
        encoding, body = compress(plain, WORDS)
        request = Request(method, target, body)
        signer = origin or self.home.origin_id
        now_s = self._now_s()
        return sign_request(link.key, self.home.node_id, request, encoding, link.audience, signer, now_s), body

    def clock(self, offset_ms: int | None) -> ClockReading:
        """This node's clock at the moment of sending."""
        clock = self.home.clock
        return ClockReading(wall=clock.wall_ms(), mono=clock.mono_ms(), boot=clock.boot_id(), offset=offset_ms)

    def store_offset(self, session: Session, hub_ms: int) -> None:
        """Remember how far the hub's clock is from ours."""
        offset = hub_ms - self.home.clock.wall_ms()
        known = session.scalars(select(Installation.clock_offset_ms)).one()
        if known is None or abs(known - offset) > OFFSET_STEP_MS:
            session.execute(update(Installation).values(clock_offset_ms=offset))

    def _send(self, link: Link, method: str, target: str, plain: bytes, origin: str) -> tuple[Answer, str]:
        headers, body = self.signed(link, method, target, plain, origin)
        failpoints.hit("push.signed")
        kind = {"Content-Type": "application/octet-stream"} if method == "PUT" else {}
        return self._transport.send(method, target, headers | kind, body), headers["Signature"]

    def _now_s(self) -> int:
        """The hub's time, as far as it is known here."""
        with self.home.reading() as session:
            offset = session.scalars(select(Installation.clock_offset_ms)).one() or 0
        return (self.home.clock.wall_ms() + offset) // 1000

    def _set_offset(self, hub_ms: int) -> None:
        with self.home.writing() as session:
            self.store_offset(session, hub_ms)


def _problem_in(link: Link, answer: Answer, signature: str) -> tuple[Problem, dict[str, Any]] | None:
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
        _verify(link, answer, signature)
    return kind, document


def _verify(link: Link, answer: Answer, signature: str) -> None:
    """Raises LinkDown when the hub did not sign this answer to this request: a portal's page, a stranger."""
    try:
        verify_response(Response(answer.status, answer.body, answer.headers), read_public(link.hub_key), signature)
    except BadSignature as unsigned:
        raise LinkDown("the answer is not signed by the hub") from unsigned
