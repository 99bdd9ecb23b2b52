"""The door for nodes: hello, enrol and exchange (protocol.md 3), over plain HTTP bodies.

Invariants:
  * Bodies are read up to their cap and no further; the digest is checked over the bytes on the line, before anything
    is decompressed; the tenant comes from the key alone.
  * Every answer to a signed request is signed, refusals too. What goes wrong inside is "unavailable", never a trace.
  * Nothing is read from the database while the line is waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Blueprint, request
from flask import Response as HttpResponse
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ClientDisconnected

from cloudhub.hub import Hub
from cloudhub.merge.exchange import exchange
from cloudhub.tenancy.adoption import CannotAdopt
from cloudhub.tenancy.enrolment import enrol
from cloudhub.tenancy.nodes import NodeKey, find_key
from cloudhub.tenancy.rates import Rates
from shopnode.domain.errors import Busy
from sync_protocol.canonical import canonical
from sync_protocol.compression import ENCODINGS, compress, decompress, read_encoded
from sync_protocol.keys import read_public
from sync_protocol.limits import BATCH_BYTES_MAX, ROWS_MAX
from sync_protocol.messages import EnrolRequest, ExchangeRequest, Hello, Limits, decode, encode
from sync_protocol.problems import BadCode, BadSignature, Malformed, ProtocolError, Revoked, SlowDown, Unavailable
from sync_protocol.signing import NEW_ORIGIN, Request, Response, Signed, sign_response, verify_request
from sync_protocol.versions import PROTOCOLS, SCHEMAS, check_versions

JSON = "application/json"
PROBLEM = "application/problem+json"
BUSY_MS = 2_000

log = logging.getLogger("cloudhub.sync")


def sync_blueprint(hub: Hub) -> Blueprint:
    """The three calls of this hub."""
    bp = Blueprint("sync", __name__)
    rates = Rates(hub.clock)

    @bp.get("/sync/hello")
    def hello() -> HttpResponse:
        return _send(200, encode(_hello(hub)), JSON)

    @bp.post("/sync/v1/enrol")
    def enrol_node() -> HttpResponse:
        return _answer(hub, lambda: _enrol(hub))

    @bp.post("/sync/v1/exchange")
    def exchange_with_node() -> HttpResponse:
        return _answer(hub, lambda: _exchange(hub, rates))

    return bp


def _hello(hub: Hub) -> Hello:
    return Hello(
        time=hub.clock.wall_ms(),
        epoch=hub.identity.epoch,
        protocols=(PROTOCOLS[0], PROTOCOLS[-1]),
        schemas=(SCHEMAS[0], SCHEMAS[-1]),
        hub_key=hub.identity.public_key,
        audience=hub.identity.audience,
        limits=Limits(rows=ROWS_MAX, bytes=BATCH_BYTES_MAX),
    )


def _enrol(hub: Hub) -> bytes:
    def own_key(keyid: str) -> Ed25519PublicKey | None:
        try:
            return read_public(keyid)
        except ValueError:
            return None

    body = _read_body()
    signed = _verify(hub, body, own_key)
    message = decode(EnrolRequest, decompress(body, _encoding()))
    check_versions(message.protocol, message.schema_)
    if signed.origin != NEW_ORIGIN or message.public_key != signed.keyid:
        raise BadSignature("A new node signs with the key it brings.")
    try:
        return encode(enrol(hub, message, request.remote_addr or ""))
    except CannotAdopt as words:
        refusal = BadCode()
        refusal.detail = str(words)
        raise refusal from None


def _exchange(hub: Hub, rates: Rates) -> bytes:
    found: list[NodeKey] = []

    def node_key(keyid: str) -> Ed25519PublicKey | None:
        known = find_key(hub.database, keyid)
        if known is None:
            return None
        found.append(known)
        return read_public(known.public_key)

    body = _read_body()
    signed = _verify(hub, body, node_key)
    (key,) = found
    if key.revoked:
        raise Revoked
    if signed.origin != key.origin_id:
        raise BadSignature("The key does not belong to this origin.")
    rates.count(key.node_id)
    message = decode(ExchangeRequest, decompress(body, _encoding()))
    check_versions(message.protocol, message.schema_)
    return exchange(hub, key, signed.created_s, message)


def _read_body() -> bytes:
    if request.mimetype != JSON:
        raise Malformed(f"the content type must be {JSON}")
    try:
        return read_encoded(request.stream.read, request.content_length)
    except ClientDisconnected:
        raise Malformed("the body ended early") from None


def _encoding() -> str:
    """The header was covered by the signature, so it is there once."""
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding not in ENCODINGS:
        raise Malformed("the content encoding must be zstd, gzip or identity")
    return encoding


def _verify(hub: Hub, body: bytes, find: Callable[[str], Ed25519PublicKey | None]) -> Signed:
    target = request.environ["PATH_INFO"]
    query = request.environ.get("QUERY_STRING", "")
    sent = Request(request.method, f"{target}?{query}" if query else target, body, list(request.headers.items()))
    return verify_request(sent, find, hub.identity.audience, hub.clock.wall_ms() // 1000)


def _answer(hub: Hub, work: Callable[[], bytes]) -> HttpResponse:
    """What `work` answers, or its refusal as a problem; signed either way."""
    try:
        return _signed(hub, 200, work(), JSON)
    except ProtocolError as refusal:
        log.info("refused", extra={"code": refusal.code, "path": request.path})
        return _refuse(hub, refusal)
    except Busy:
        return _refuse(hub, Unavailable(BUSY_MS))
    except SQLAlchemyError as error:
        log.exception("database", extra={"kind": type(error).__name__, "path": request.path})
        return _refuse(hub, Unavailable(BUSY_MS))
    except Exception as error:  # a node must get an answer it knows, and its data is safe at home
        log.exception("failed", extra={"kind": type(error).__name__, "path": request.path})
        return _refuse(hub, Unavailable(BUSY_MS))


def _refuse(hub: Hub, refusal: ProtocolError) -> HttpResponse:
    response = _signed(hub, refusal.status, canonical(refusal.document()), PROBLEM)
    if isinstance(refusal, SlowDown | Unavailable):
        wait_ms = refusal.facts["retry_after_ms"]
        assert isinstance(wait_ms, int)
        response.headers["Retry-After"] = str(max(1, wait_ms // 1000))
    return response


def _signed(hub: Hub, status: int, message: bytes, kind: str) -> HttpResponse:
    encoding, body = compress(message, "zstd" if "zstd" in request.headers.get("Accept-Encoding", "zstd") else "gzip")
    signatures = request.headers.getlist("Signature")
    response = HttpResponse(body, status, content_type=kind)
    response.headers["Content-Encoding"] = encoding
    if len(signatures) == 1:
        created_s = hub.clock.wall_ms() // 1000
        headers = sign_response(hub.key, Response(status, body), encoding, signatures[0].strip(" \t"), created_s)
        response.headers.update(headers)
    return response


def _send(status: int, body: bytes, kind: str) -> HttpResponse:
    return HttpResponse(body, status, content_type=kind)
