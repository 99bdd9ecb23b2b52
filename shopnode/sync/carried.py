"""Exchanging by hand: what waits goes into a file, and what the hub answered comes back in one.

Invariants:
  * The rules are those of the line: the same requests, the same proofs, and answers are stored by the same code.
  * A file may come twice, late, out of order, or between exchanges over the line. What is known already is passed
    over, what cannot be used yet is left for later; neither the ack nor the cursor ever goes back.
  * Nothing is learned of the clock from a file: nobody knows how long it was on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.errors import Conflict
from shopnode.domain.node import Installation
from shopnode.domain.origins import unsettled
from shopnode.sync.exchange import EXCHANGE, Exchanger
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.outbox import hash_of_entry, next_parcel, waiting
from shopnode.sync.remedies import resend
from shopnode.sync.rotate import offered_key
from shopnode.sync.transport import Answer, LinkDown
from sync_protocol.carried import (
    CarriedAnswer,
    CarriedHead,
    CarriedReader,
    CarriedRequest,
    CarriedWriter,
    UnusableFile,
)
from sync_protocol.compression import decompress
from sync_protocol.keys import read_public
from sync_protocol.limits import ROWS_MAX, Batch
from sync_protocol.lines import BrokenLink
from sync_protocol.messages import ExchangeResponse, decode, encode_with
from sync_protocol.problems import PROBLEMS, Action, BadSignature, ProtocolError, sentence_of
from sync_protocol.pushes import make_push
from sync_protocol.signing import Request, Response, verify_head, verify_response

PART_BYTES_MAX = 1024 * 1024  # of one request before compression, so that none is too large for the hub as it travels
FILE_BYTES_DEFAULT = 10 * 1024 * 1024
NO_ANSWER = "This file holds no answer of this shop's hub to this computer. Nothing was changed."
NEEDS_LINE = "This needs the internet once: connect this computer, and it mends itself."


class FileRefused(Conflict):
    """A file that cannot be used here; the words say why and what to do."""

    code = "file-refused"


class NotEnrolledHere(Conflict):
    code = "not-enrolled"

    def __init__(self) -> None:
        super().__init__("This shop is not connected to a hub; it must be connected over the internet once.")


class MustMeetFirst(Conflict):
    code = "must-meet-first"

    def __init__(self) -> None:
        super().__init__(
            "This shop's books were put back from a copy. Before its files are taken again it must reach the hub over "
            "the internet once; a telephone's connection is enough. Nothing is lost, and selling goes on."
        )


@dataclass(frozen=True)
class Exported:
    """What went into a file. `left`: entries that did not fit; they go into a later one."""

    entries: int
    left: int
    bytes: int


@dataclass
class Loaded:
    """What an answer did."""

    accepted: int = 0  # entries that the hub has now
    lines: int = 0  # of the hub's news, applied
    known: int = 0  # answers that told nothing new
    waiting: int = 0
    problem: str | None = None  # what the hub refused, or why the rest could not be used

    @property
    def words(self) -> str:
        told = [f"The hub has {self.accepted} more entries.", f"{self.lines} changes came from it."]
        if not self.accepted and not self.lines and self.problem is None:
            told = ["All of this was known already."] if self.known else ["There was nothing new in it."]
        if self.problem:
            told.append(self.problem)
        told.append(f"{self.waiting} entries wait to be sent." if self.waiting else "Nothing waits to be sent.")
        return " ".join(told)


class NoLine:
    """In the place of a way to the hub, where there is none."""

    def send(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        raise LinkDown("carried by hand")


class ByHand(SignedLine):
    """Signs what is carried. Of when it is answered nothing is known."""

    def store_offset(self, session: Session, hub_ms: int) -> None:
        """Not from a file."""


class CarriedExchanger(Exchanger):
    """Writes and reads the files of one node."""

    def export(self, file: IO[bytes], bytes_max: int) -> Exported:
        """Write what the hub has not acknowledged, as far as this node knows and as far as it fits."""
        link = self._link()
        with self.home.reading() as session:
            if unsettled(session):
                raise MustMeetFirst
            request = self._request(session, link, Batch(rows=ROWS_MAX))
            new_key = offered_key(session, self.home)
        if new_key is not None:
            request = request.model_copy(update={"new_key": new_key})
        home = self.home
        head = CarriedHead(
            what="requests", audience=link.audience, node=home.node_id, origin=home.origin_id,
            made_at=home.clock.wall_ms(),
        )  # fmt: skip
        writer = CarriedWriter(file, head)
        sent = link.accepted_n
        while True:
            with home.reading() as session:
                batch = Batch(rows=ROWS_MAX, bytes_max=PART_BYTES_MAX)
                parcel = next_parcel(session, home.origin_id, sent, batch)
                left = waiting(session, home.origin_id, sent).entries
            push = b"null"
            if parcel is not None:
                push = make_push(parcel.first, parcel.prev, parcel.entries, parcel.head, home.origin_id, link.key)
            elif sent > link.accepted_n:
                break
            headers, body = self.line.signed(link, "POST", EXCHANGE, encode_with(request, push=push))
            if sent > link.accepted_n and writer.size + len(body) > bytes_max:
                break
            writer.add(CarriedRequest(method="POST", target=EXCHANGE, headers=list(headers.items())), body)
            if parcel is None:
                break
            sent, left = parcel.last, left - len(parcel.entries)
        return Exported(sent - link.accepted_n, left, writer.finish())

    def load(self, file: IO[bytes]) -> Loaded:
        """Take the hub's answers. Raises FileRefused for a file that is not for this node as it is now."""
        link, told = self._link(), Loaded()
        try:
            reader = CarriedReader(file)
            self._check_head(link, reader.head)
            for answer, body in reader.answers():
                if not self._take(self._link(), answer, body, told):
                    break
        except UnusableFile as unusable:
            raise FileRefused(str(unusable)) from None
        link = self._link()
        with self.home.reading() as session:
            told.waiting = waiting(session, self.home.origin_id, link.accepted_n).entries
        return told

    def _link(self) -> Link:
        with self.home.reading() as session:
            link = read_link(session)
        if link is None:
            raise NotEnrolledHere
        return link

    def _check_head(self, link: Link, head: CarriedHead) -> None:
        """Words for the usual mix-ups; what the file's head says proves nothing."""
        if head.what != "answers":
            raise FileRefused("A shop saved this file for the hub. Load it there; it gives an answer to load here.")
        if head.audience != link.audience:
            raise FileRefused("This is the answer of another hub. Nothing was changed.")
        if head.node != self.home.node_id:
            raise FileRefused("This answer is for another shop's computer. Nothing was changed.")
        if head.origin != self.home.origin_id:
            raise FileRefused("This answer is older than this computer's restore; it is not needed any more.")

    def _take(self, link: Link, answer: CarriedAnswer, body: bytes, told: Loaded) -> bool:
        """Take one answer; whether those after it may be taken. Raises FileRefused."""
        headers = _proved(link, self.home.node_id, self.home.origin_id, answer, body)
        encoding = next((value for name, value in headers if name.lower() == "content-encoding"), "identity")
        try:
            plain = decompress(body, encoding)
            if answer.status != 200:
                return self._take_refusal(orjson.loads(plain), told)
            return self._take_response(link, decode(ExchangeResponse, plain), told)
        except (BrokenLink, BadSignature):
            told.problem = "Part of the hub's news does not follow what is known here: an earlier answer is missing."
        except Refused as refused:
            told.problem = f"{refused.problem.sentence} {NEEDS_LINE}"
        except (ProtocolError, ValueError, KeyError):
            told.problem = "Part of this answer cannot be read by this version of the software."
        return False

    def _take_refusal(self, document: dict[str, Any], told: Loaded) -> bool:
        problem = PROBLEMS[document["code"]]
        if problem.action is Action.RESEND:
            resend(self.line, Refused(problem, document))
            told.problem = "The hub missed entries before these. Save a new file for it."
        elif problem.action in (Action.RENEW_ORIGIN, Action.RESEND_DURABLE, Action.BOOTSTRAP):
            told.problem = f"{problem.sentence} {NEEDS_LINE}"
        else:
            told.problem = sentence_of(problem, document)
        return False

    def _take_response(self, link: Link, response: ExchangeResponse, told: Loaded) -> bool:
        if response.epoch < link.epoch:  # ids of lives sort by when they began
            told.known += 1  # of a life of the hub that has ended since
            return True
        with self.home.reading() as session:
            cursor = session.scalars(select(Installation.seen)).one()
            ours = hash_of_entry(session, self.home.origin_id, response.ack.accepted)
            latest = hash_of_entry(session, self.home.origin_id, link.accepted_n)
        ack, page = response.ack, response.pull
        if ours != ack.hash:
            raise Refused(PROBLEMS["fork"], {"n": ack.accepted})
        if ack.accepted < link.accepted_n and response.epoch == link.epoch:
            assert latest is not None
            ack = ack.model_copy(update={"accepted": link.accepted_n, "hash": latest})
        if page is not None and page.from_no > cursor:
            told.problem = "An earlier answer of the hub has not been loaded yet. Load it first, then this one again."
            page = None
        elif page is not None and page.to_no <= cursor:
            page = None
        fresh = [line for line in page.lines if line["no"] > cursor] if page else []
        done = self._store(link, None, response.model_copy(update={"ack": ack, "pull": page}))
        told.accepted, told.lines = told.accepted + done.pushed, told.lines + len(fresh)
        told.known += not done.pushed and not fresh
        return told.problem is None


def _proved(link: Link, node: str, origin: str, answer: CarriedAnswer, body: bytes) -> list[tuple[str, str]]:
    """The headers of an answer that this hub gave to a request of ours. Raises FileRefused."""
    asked = answer.request

    def own_key(keyid: str) -> Ed25519PublicKey | None:
        return link.key.public_key() if keyid == node else None

    try:
        request = Request(asked.method, asked.target, b"", asked.headers)
        signed = verify_head(request, own_key, link.audience)
        response = Response(answer.status, body, answer.headers)
        verify_response(response, read_public(link.hub_key), signed.signature)
    except BadSignature:
        raise FileRefused(NO_ANSWER) from None
    if (asked.method, asked.target, signed.origin) != ("POST", EXCHANGE, origin):
        raise FileRefused("This file answers something else than this computer asked. Nothing was changed.")
    return answer.headers
