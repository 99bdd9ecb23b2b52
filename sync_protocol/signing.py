"""Signed requests and answers: RFC 9421 with Ed25519, one fixed profile.

Invariants:
  * The verifier decides what must be covered. It writes down the only Signature-Input it accepts and compares, so
    a smaller list, another order, algorithm, tag or label, and a second signature are all refused alike.
  * Every covered header is there exactly once.
  * The digest is over the bytes on the line, and is verified before anything decompresses or parses them.
  * An answer is bound to the signature of its request: it cannot be replayed against another.
  * The window limits how long a stolen request is of use. What makes replays harmless is that entries have ids.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sync_protocol.problems import BadSignature, ClockSkew

WINDOW_S = 300
NEW_ORIGIN = "new"  # X-Sync-Origin of a node that asks to be enrolled
HUB_KEYID = "hub"

Headers = Iterable[tuple[str, str]]

_REQUEST = (
    '"@method"',
    '"@path"',
    '"@query"',
    '"content-digest"',
    '"content-encoding"',
    '"x-sync-audience"',
    '"x-sync-origin"',
)
_RESPONSE = ('"@status"', '"content-digest"', '"content-encoding"', '"signature";req')
_VARIABLE = r'created=([1-9][0-9]{0,11});keyid="([A-Za-z0-9_-]{1,64})"'
_FIXED = ';alg="ed25519";tag="sync-v1"'
_SIGNATURE = re.compile(r"sync=:([A-Za-z0-9+/]{86}==):", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e]*", re.ASCII)

# Unknown keys cost as much time as known ones.
_NOBODY = Ed25519PrivateKey.from_private_bytes(sha256(b"phoneshop/v1/nobody").digest()).public_key()


@dataclass(frozen=True)
class Request:
    """A request as it is on the line. `target` is the path with its query; `body` is still encoded."""

    method: str
    target: str
    body: bytes
    headers: Headers = ()


@dataclass(frozen=True)
class Response:
    """An answer as it is on the line; `body` is still encoded."""

    status: int
    body: bytes
    headers: Headers = ()


@dataclass(frozen=True)
class Signed:
    """What a verified request proves. Whether the key is revoked, and owns the origin, is for the caller to judge."""

    keyid: str
    origin: str
    created_s: int
    signature: str  # the header, to which the answer must be bound


def content_digest(body: bytes) -> str:
    """The Content-Digest header of an encoded body (RFC 9530)."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def signature_base(components: Sequence[tuple[str, str]], params: str) -> bytes:
    """The bytes that RFC 9421 signs: one line for each covered component, and one for the parameters."""
    lines = [f"{name}: {value}" for name, value in components]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def sign_request(
    key: Ed25519PrivateKey, keyid: str, request: Request, encoding: str, audience: str, origin: str, created_s: int
) -> dict[str, str]:
    """The headers to send with a request. `created_s` is the hub's time, as far as the node knows it."""
    headers = {
        "Content-Digest": content_digest(request.body),
        "Content-Encoding": encoding,
        "X-Sync-Audience": audience,
        "X-Sync-Origin": origin,
    }
    values = _request_values(request, headers.items())
    return headers | _sign(key, keyid, _REQUEST, values, created_s)


def verify_request(
    request: Request, find_key: Callable[[str], Ed25519PublicKey | None], audience: str, now_s: int
) -> Signed:
    """Check a request that reached the hub named `audience` at `now_s`.

    Raises BadSignature, or ClockSkew when everything is right but the time.
    """
    signed = verify_carried(request, find_key, audience)
    if abs(now_s - signed.created_s) > WINDOW_S:
        raise ClockSkew(now_s * 1000)
    return signed


def verify_carried(request: Request, find_key: Callable[[str], Ed25519PublicKey | None], audience: str) -> Signed:
    """`verify_request` for one that came as a file: it may have been made at any time. Raises BadSignature."""
    if _one(list(request.headers), "content-digest") != content_digest(request.body):
        raise BadSignature("The body is not the one that was signed.")
    return verify_head(request, find_key, audience)


def verify_head(request: Request, find_key: Callable[[str], Ed25519PublicKey | None], audience: str) -> Signed:
    """Who signed a request of which the body is not at hand, only its digest. Raises BadSignature."""
    headers = list(request.headers)
    created_s, keyid, params = _read_input(headers, _REQUEST)
    values = _request_values(request, headers)
    _verify(find_key(keyid), headers, _REQUEST, values, params)
    if _one(headers, "x-sync-audience") != audience:
        raise BadSignature("The request was signed for another hub.")
    return Signed(keyid, _one(headers, "x-sync-origin"), created_s, _one(headers, "signature"))


def sign_response(
    key: Ed25519PrivateKey, response: Response, encoding: str, request_signature: str, created_s: int
) -> dict[str, str]:
    """The headers to send with an answer; `request_signature` is the Signature header it answers."""
    headers = {"Content-Digest": content_digest(response.body), "Content-Encoding": encoding}
    values = _response_values(response, headers.items(), request_signature)
    return headers | _sign(key, HUB_KEYID, _RESPONSE, values, created_s)


def verify_response(response: Response, hub_key: Ed25519PublicKey, request_signature: str) -> int:
    """Check the answer to the request that carried `request_signature`; returns when the hub signed it (seconds).

    Raises BadSignature. No window: the node's clock may be the thing that is wrong, and the request is fresh.
    """
    headers = list(response.headers)
    created_s, keyid, params = _read_input(headers, _RESPONSE)
    if _one(headers, "content-digest") != content_digest(response.body):
        raise BadSignature("The body is not the one that was signed.")
    values = _response_values(response, headers, request_signature)
    _verify(hub_key if keyid == HUB_KEYID else None, headers, _RESPONSE, values, params)
    return created_s


def _request_values(request: Request, headers: Headers) -> list[str]:
    path, _, query = request.target.partition("?")
    derived = [request.method.upper(), path, f"?{query}"]
    return derived + _header_values(headers, _REQUEST[len(derived) :])


def _response_values(response: Response, headers: Headers, request_signature: str) -> list[str]:
    return [str(response.status), *_header_values(headers, _RESPONSE[1:3]), request_signature]


def _header_values(headers: Headers, components: Iterable[str]) -> list[str]:
    pairs = list(headers)
    return [_one(pairs, component.strip('"')) for component in components]


def _params(components: Sequence[str], variable: str) -> str:
    return f"({' '.join(components)});{variable}{_FIXED}"


def _sign(
    key: Ed25519PrivateKey, keyid: str, components: Sequence[str], values: Sequence[str], created_s: int
) -> dict[str, str]:
    params = _params(components, f'created={created_s};keyid="{keyid}"')
    base = signature_base(list(zip(components, values, strict=True)), params)
    return {"Signature-Input": f"sync={params}", "Signature": _signature_header(key.sign(base))}


def _signature_header(signature: bytes) -> str:
    return f"sync=:{b64encode(signature).decode()}:"


def _read_input(headers: Headers, components: Sequence[str]) -> tuple[int, str, str]:
    """The time, key and parameters of the one Signature-Input that is accepted."""
    template = re.escape(_params(components, "\0")).replace("\0", _VARIABLE)
    found = re.fullmatch("sync=" + template, _one(headers, "signature-input"), re.ASCII)
    if found is None:
        raise BadSignature("The signature does not cover what it must, in the form it must have.")
    created, keyid = found.groups()
    return int(created), keyid, found[0].removeprefix("sync=")


def _verify(
    key: Ed25519PublicKey | None, headers: Headers, components: Sequence[str], values: Sequence[str], params: str
) -> None:
    text = _one(headers, "signature")
    found = _SIGNATURE.fullmatch(text)
    signature = b64decode(found[1]) if found else b""
    if _signature_header(signature) != text:
        raise BadSignature("The signature is not in the form it must have.")
    base = signature_base(list(zip(components, values, strict=True)), params)
    try:
        (key or _NOBODY).verify(signature, base)
    except InvalidSignature:
        key = None
    if key is None:
        raise BadSignature("The signature is not by a known key.")


def _one(headers: Headers, name: str) -> str:
    """The value of a header that must be there exactly once."""
    values = [value.strip(" \t") for key, value in headers if key.lower() == name]
    if len(values) != 1 or _VALUE.fullmatch(values[0]) is None:
        raise BadSignature(f"The header {name} must be there once, in plain characters.")
    return values[0]
