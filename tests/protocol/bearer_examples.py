"""Golden examples of the messages that travel by other ways: files, the bell, photos."""

from __future__ import annotations

from sync_protocol.bells import BELL_WAIT_MS, BellAnswer, BellRequest
from sync_protocol.canonical import canonical
from sync_protocol.carried import CarriedAnswer, CarriedHead, CarriedRequest
from sync_protocol.messages import Message
from sync_protocol.signing import Request, Response, sign_request, sign_response
from tests.protocol.samples import AUDIENCE, EPOCH, HUB_KEY, NODE, NODE_KEY, NOON_MS, NOON_S, ORIGIN


def carried_head() -> CarriedHead:
    return CarriedHead(what="requests", audience=AUDIENCE, node=NODE, origin=ORIGIN, made_at=NOON_MS)


def carried_request() -> CarriedRequest:
    body = canonical({"stands": "for an exchange"})
    request = Request("POST", "/sync/v1/exchange", body)
    headers = sign_request(NODE_KEY, NODE, request, "identity", AUDIENCE, ORIGIN, NOON_S)
    return CarriedRequest(method=request.method, target=request.target, headers=list(headers.items()))


def carried_answer() -> CarriedAnswer:
    asked = carried_request()
    body = canonical({"stands": "for its answer"})
    signature = dict(asked.headers)["Signature"]
    headers = sign_response(HUB_KEY, Response(200, body), "identity", signature, NOON_S + 86_400)
    return CarriedAnswer(request=asked, status=200, headers=list(headers.items()))


def bell_request() -> BellRequest:
    return BellRequest(protocol=2, schema_=2, node=NODE, origin=ORIGIN, epoch=EPOCH, cursor=41, wait_ms=BELL_WAIT_MS)


def bell_answer() -> BellAnswer:
    return BellAnswer(rang=True)


def bearer_examples() -> dict[str, Message]:
    """Every golden message of this file by name."""
    return {
        "carried_head": carried_head(),
        "carried_request": carried_request(),
        "carried_answer": carried_answer(),
        "bell_request": bell_request(),
        "bell_answer": bell_answer(),
    }
