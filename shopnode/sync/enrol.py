"""Joining a hub: a one-time code and a new key make this node one of the tenant's shops.

A node that already sold standalone brings its own origin and shop along; the hub's empty shop adopts those ids,
so that everything recorded so far goes up unchanged. The private key is kept in the encrypted database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.origins import PastOrigin
from shopnode.domain.people.models import BUSINESS_ID, Business, Shop
from shopnode.sync.line import Refused
from shopnode.sync.models import EnrolAttempt, EntryVerdictRow, HubLink
from shopnode.sync.transport import Answer, HttpTransport, LinkDown, Transport
from sync_protocol.compression import compress, decompress
from sync_protocol.keys import public_text, read_private, read_public
from sync_protocol.messages import EnrolAnswer, EnrolRequest, Hello, Standalone, decode, encode
from sync_protocol.problems import PROBLEMS, BadSignature, ProtocolError
from sync_protocol.signing import NEW_ORIGIN, Request, Response, sign_request, verify_response
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

HELLO, ENROL = "/sync/hello", "/sync/v1/enrol"
KEY_BYTES = 32


@dataclass(frozen=True)
class Enrolment:
    """What the hub made this node, and the key it proves it with."""

    url: str
    answer: EnrolAnswer
    private_key: bytes


def ask_to_enrol(
    url: str,
    code: str,
    *,
    device: str,
    software: str,
    random: Callable[[int], bytes],
    standalone: Standalone | None = None,
    shop_id: str | None = None,
    secret: bytes | None = None,
    transport: Transport | None = None,
) -> Enrolment:
    """Trade the code for an identity. Raises LinkDown, Refused.

    shop_id  the shop whose books are here already, of a PC that this hub takes nothing from any more
    secret   the key of an attempt before; the hub answers the same code and key again
    """
    transport = transport or HttpTransport(url)
    hello = _hello(transport)
    secret = secret or random(KEY_BYTES)
    key = read_private(secret)
    request = EnrolRequest(
        protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, code=code.strip().upper(), public_key=public_text(key),
        device=device, software=software, standalone=standalone,
    )  # fmt: skip
    if shop_id is not None:
        request = request.model_copy(update={"shop": shop_id})
    answer, signature = _send_signed(transport, hello, key, encode(request))
    _verify(answer, hello, signature)
    plain = _plain(answer)
    if answer.status != 200:
        raise _refusal(plain, answer.status)
    return Enrolment(url, decode(EnrolAnswer, plain), secret)


def standalone_of(home: NodeHome) -> Standalone:
    """What a shop that sold before it was enrolled brings along."""
    with home.reading() as session:
        row = session.get_one(Installation, 1)
        head = (row.head_n, row.head_hash)
        # The hub refuses a code that another shop of the business has: two shops would share receipt numbers.
        code = session.scalars(select(Shop.code).where(Shop.id == row.shop_id)).one_or_none()
        currency = session.scalars(select(Business.currency)).one_or_none()
        return Standalone(
            origin=row.origin_id, shop=row.shop_id, business=BUSINESS_ID, head=head, shop_code=code,
            series=row.series, currency=currency,
        )  # fmt: skip


def key_for_attempt(home: NodeHome) -> bytes:
    """The key to enrol with, kept before anything is sent: when the answer is lost, the next attempt is the same PC."""
    with home.writing() as session:
        attempt = session.get(EnrolAttempt, 1)
        if attempt is None:
            attempt = EnrolAttempt(id=1, private_key=home.random(KEY_BYTES))
            session.add(attempt)
        return attempt.private_key


def adopt(home: NodeHome, enrolment: Enrolment) -> None:
    """Become the node the hub named. Ids of rows, origin and chain stay as they are."""
    with home.writing() as session:
        session.execute(update(Installation).values(node_id=enrolment.answer.node))
        session.add(link_row(enrolment))
        session.execute(delete(EnrolAttempt))
    home.node_id = enrolment.answer.node
    home.committed()


def join_again(home: NodeHome, enrolment: Enrolment) -> None:
    """Become another node of the same shop at the same hub, with the books that are here.

    What was read of the feed stays read. The origin goes on under the name the hub gave; what was written under
    earlier ones is settled at the next contact.
    """
    answer = enrolment.answer

    def link_anew(session: Session, past_id: int) -> None:
        earlier = session.get_one(HubLink, 1)
        session.execute(update(PastOrigin).where(PastOrigin.id == past_id).values(sent_n=earlier.accepted_n))
        earlier.url, earlier.private_key = enrolment.url, enrolment.private_key
        earlier.next_private_key = earlier.past_private_key = None
        earlier.accepted_n = earlier.durable_n = 0
        session.execute(update(Installation).values(node_id=answer.node))
        session.execute(delete(EntryVerdictRow))
        session.execute(delete(EnrolAttempt))

    home.renew_origin("enrolled", link_anew, origin_id=answer.origin, series=answer.series)
    home.node_id = answer.node
    home.committed()


def link_row(enrolment: Enrolment) -> HubLink:
    """The enrolment as the row that the exchange reads."""
    answer = enrolment.answer
    return HubLink(
        id=1, url=enrolment.url, audience=answer.audience, hub_key=answer.hub_key,
        private_key=enrolment.private_key, epoch=answer.epoch, accepted_n=0, durable_n=0,
    )  # fmt: skip


def _hello(transport: Transport) -> Hello:
    answer = transport.send("GET", HELLO, {}, b"")
    try:
        if answer.status != 200:
            raise LinkDown(f"status {answer.status}")
        return decode(Hello, _plain(answer))
    except ProtocolError as foreign:
        raise LinkDown("this address does not answer like a hub") from foreign


def _send_signed(transport: Transport, hello: Hello, key: Ed25519PrivateKey, plain: bytes) -> tuple[Answer, str]:
    encoding, body = compress(plain)
    request = Request("POST", ENROL, body)
    headers = sign_request(key, public_text(key), request, encoding, hello.audience, NEW_ORIGIN, hello.time // 1000)
    return transport.send("POST", ENROL, headers, body), headers["Signature"]


def _verify(answer: Answer, hello: Hello, signature: str) -> None:
    try:
        verify_response(Response(answer.status, answer.body, answer.headers), read_public(hello.hub_key), signature)
    except BadSignature as unsigned:
        raise LinkDown("the answer is not signed by the hub") from unsigned


def _plain(answer: Answer) -> bytes:
    return decompress(answer.body, answer.header("content-encoding") or "identity")


def _refusal(plain: bytes, status: int) -> Exception:
    try:
        document = orjson.loads(plain)
        return Refused(PROBLEMS[document["code"]], document)
    except (ValueError, KeyError, TypeError):
        return LinkDown(f"status {status}")
