"""The door for nodes: who is calling is proved before anything is believed, and every answer is signed.

Invariants:
  * Bodies are read up to their cap and no further; the digest is checked over the bytes on the line, before anything
    is decompressed; the tenant comes from the key alone.
  * Every answer to a signed request is signed, refusals too. What goes wrong inside is "unavailable", never a trace.
  * Nothing is read from the database while the line is waited for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Response as HttpResponse
from flask import request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ClientDisconnected

from cloudhub.calls.turns import Turns
from cloudhub.hub import Hub
from cloudhub.merge.models import Origin
from cloudhub.tenancy.clones import Words, meet
from cloudhub.tenancy.nodes import NodeKey, find_key
from cloudhub.tenancy.rates import Rates
from cloudhub.tenancy.rotation import use_new_key
from shopnode.domain.errors import Busy
from sync_protocol.canonical import canonical
from sync_protocol.chain import genesis
from sync_protocol.compression import ENCODINGS, WORDS, compress, decompress, read_encoded
from sync_protocol.keys import read_public
from sync_protocol.messages import Message, decode
from sync_protocol.problems import (
    OLD_KEY,
    BadSignature,
    CloneSuspected,
    Fork,
    Malformed,
    ProtocolError,
    Revoked,
    Rewind,
    SlowDown,
    Unavailable,
)
from sync_protocol.signing import Request, Response, Signed, sign_response, verify_request

JSON = "application/json"
BYTES = "application/octet-stream"
PROBLEM = "application/problem+json"
BUSY_MS = 2_000

M = TypeVar("M", bound=Message)
FindKey = Callable[[str], Ed25519PublicKey | None]

log = logging.getLogger("cloudhub.sync")


@dataclass(frozen=True)
class Sealed:
    """An answer ready for the line; `body` is encoded."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Caller:
    """The node that signed a request, and when it did (seconds, in the hub's time)."""

    key: NodeKey
    origin: str  # the origin it signed for; its own current one unless a call takes others too
    signed_s: int
    new_key: bool = False  # it signed with the key that was kept for it, and that counts from now on


def prove_caller(hub: Hub, verify: Callable[[FindKey], Signed], *, any_origin: bool = False) -> Caller:
    """The node whose key signed, if it may speak. Raises what `verify` raises, Revoked, BadSignature, Fork, Rewind."""
    signed, key, is_new = _signer(hub, verify)
    if key.revoked:
        raise Revoked
    caller = Caller(key, signed.origin, signed.created_s, is_new)
    if not any_origin:
        check_origin(hub, caller)
    return caller


def _signer(hub: Hub, verify: Callable[[FindKey], Signed]) -> tuple[Signed, NodeKey, bool]:
    """Who signed, and whether with a new key for the first time. A key that was given up is recognised, and refused."""
    found: list[NodeKey] = []

    def candidate(place: int) -> FindKey:
        def find(keyid: str) -> Ed25519PublicKey | None:
            if not found:
                known = find_key(hub.database, keyid)
                if known is None:
                    return None
                found.append(known)
            text = (found[0].public_key, found[0].next_public_key, found[0].past_public_key)[place]
            return read_public(text) if text else None

        return find

    try:
        return verify(candidate(0)), found[0], False
    except BadSignature:
        if not found or not (found[0].next_public_key or found[0].past_public_key):
            raise
    try:
        signed = verify(candidate(1))
    except BadSignature:
        verify(candidate(2))
        raise Revoked(OLD_KEY) from None
    key = found[0]
    assert key.next_public_key is not None
    return signed, replace(key, public_key=key.next_public_key), True


def meet_caller(hub: Hub, caller: Caller, message: Message, ip: str | None = None, *, by_file: bool = False) -> None:
    """Notice which run of the node speaks, before anything it says counts.

    Raises CloneSuspected, Revoked; Unavailable for one that is not the newest and did not come by a file.
    """
    key, run = caller.key, getattr(message, "run", None)
    if run is not None:
        health = getattr(message, "health", None)
        software = health.software if health is not None else None
        device = getattr(message, "device", None) or getattr(health, "device", None)
        words = Words(run, caller.origin, caller.signed_s, ip, device, software, by_file)
        meet(hub.database, key, words, hub.clock.wall_ms())
    elif key.clone_suspected:
        raise CloneSuspected
    if caller.new_key:
        use_new_key(hub.database, key, key.public_key, run)


def check_origin(hub: Hub, caller: Caller) -> None:
    """Raises Fork for an earlier origin of the node, Rewind for one that this hub has forgotten, or BadSignature."""
    if caller.origin == caller.key.origin_id:
        return
    with hub.database.session(caller.key.tenant_id, read_only=True) as session:
        columns = select(Origin.node_id, Origin.head_n, Origin.head_hash).where(Origin.id == caller.origin)
        known = session.execute(columns).one_or_none()
    if known is None:
        raise Rewind(hub.identity.epoch, 0, genesis(caller.origin), 0)
    if known.node_id != caller.key.node_id:
        raise BadSignature("The key does not belong to this origin.")
    raise Fork(known.head_n, known.head_hash)


def seal_answer(hub: Hub, status: int, message: bytes, encoding: str, signature: str | None) -> Sealed:
    """An answer as it goes on the line, signed for the request with that signature."""
    encoding, body = compress(message, encoding)
    headers = {"Content-Encoding": encoding}
    if signature is not None:
        created_s = hub.clock.wall_ms() // 1000
        headers |= sign_response(hub.key, Response(status, body), encoding, signature, created_s)
    return Sealed(status, headers, body)


class Door:
    """Lets the requests of known nodes in, and signs what goes out."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self.turns = Turns.for_hub(hub.settings.threads, hub.settings.pool)
        self._rates = Rates(hub.clock)

    def caller(self, *, any_origin: bool = False) -> tuple[Caller, bytes]:
        """Who sent the request at hand, and its plain body. Raises a ProtocolError.

        any_origin  whether the node may sign for another origin than its current one; the call checks which
        """
        caller, body = self._proved()
        meet_caller(self.hub, caller, Message())
        if not any_origin:
            check_origin(self.hub, caller)
        return caller, body

    def message(self, model: type[M], *, any_origin: bool = False) -> tuple[Caller, M]:
        """Who sent the request at hand, and its message. Raises a ProtocolError.

        A message that names its run is how clones are recognised, before origins are compared: a clone must never
        quietly become a second origin.
        """
        caller, body = self._proved()
        message = decode(model, body)
        meet_caller(self.hub, caller, message, request.remote_addr)
        if not any_origin:
            check_origin(self.hub, caller)
        return caller, message

    def _proved(self) -> tuple[Caller, bytes]:
        encoded = _read_body()
        body: list[bytes] = []

        def verify(find: FindKey) -> Signed:
            plain, signed = self._verified(encoded, find)
            body[:] = [plain]
            return signed

        caller = prove_caller(self.hub, verify, any_origin=True)
        self._rates.count(caller.key.node_id)
        return caller, body[0]

    def signed(self, find: FindKey) -> tuple[bytes, Signed]:
        """The plain body of the request at hand, and its signature, by one of the keys that `find` knows."""
        return self._verified(_read_body(), find)

    def _verified(self, body: bytes, find: FindKey) -> tuple[bytes, Signed]:
        target = request.environ["PATH_INFO"]
        query = request.environ.get("QUERY_STRING", "")
        sent = Request(request.method, f"{target}?{query}" if query else target, body, list(request.headers.items()))
        signed = verify_request(sent, find, self.hub.identity.audience, self.hub.clock.wall_ms() // 1000)
        return decompress(body, _encoding()), signed

    def answer(self, work: Callable[[], bytes], kind: str = JSON) -> HttpResponse:
        """What `work` answers, or its refusal as a problem; signed either way."""
        try:
            return self._signed_answer(200, work(), kind)
        except ProtocolError as refusal:
            log.info("refused", extra={"code": refusal.code, "path": request.path})
            return self._refuse(refusal)
        except Busy:
            return self._refuse(Unavailable(BUSY_MS))
        except SQLAlchemyError as error:
            log.exception("database", extra={"kind": type(error).__name__, "path": request.path})
            return self._refuse(Unavailable(BUSY_MS))
        except Exception as error:  # a node must get an answer it knows, and its data is safe at home
            log.exception("failed", extra={"kind": type(error).__name__, "path": request.path})
            return self._refuse(Unavailable(BUSY_MS))

    def _refuse(self, refusal: ProtocolError) -> HttpResponse:
        response = self._signed_answer(refusal.status, canonical(refusal.document()), PROBLEM)
        if isinstance(refusal, SlowDown | Unavailable):
            wait_ms = refusal.facts["retry_after_ms"]
            assert isinstance(wait_ms, int)
            response.headers["Retry-After"] = str(max(1, wait_ms // 1000))
        return response

    def _signed_answer(self, status: int, message: bytes, kind: str) -> HttpResponse:
        accepted = request.headers.get("Accept-Encoding", "zstd")
        encoding = next((name for name in (WORDS, "zstd") if name in accepted), "gzip")
        signatures = request.headers.getlist("Signature")
        signature = signatures[0].strip(" \t") if len(signatures) == 1 else None
        sealed = seal_answer(self.hub, status, message, encoding, signature)
        response = HttpResponse(sealed.body, status, content_type=kind)
        response.headers.update(sealed.headers)
        return response


def _read_body() -> bytes:
    """The body of the request at hand as it was on the line; a GET has none, and what is put is bytes."""
    kind = BYTES if request.method == "PUT" else JSON
    if request.method != "GET" and request.mimetype != kind:
        raise Malformed(f"the content type must be {kind}")
    try:
        return read_encoded(request.stream.read, request.content_length)
    except ClientDisconnected:
        raise Malformed("the body ended early") from None


def _encoding() -> str:
    """The header was covered by the signature, so it is there once."""
    encoding = request.headers.get("Content-Encoding", "").strip()
    if encoding not in ENCODINGS:
        raise Malformed(f"the content encoding must be one of {', '.join(ENCODINGS)}")
    return encoding
