"""Golden examples of the messages that travel by other ways: files, the bell, photos."""

from __future__ import annotations

from sync_protocol.bells import BELL_WAIT_MS, BellAnswer, BellRequest
from sync_protocol.blobs import BlobProgress, BlobsAnswer, BlobsRequest
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


PHOTO, OTHER_PHOTO, THIRD_PHOTO = ("ab" * 32, "cd" * 32, "ef" * 32)


def blobs_request() -> BlobsRequest:
    return BlobsRequest(protocol=2, schema_=2, node=NODE, origin=ORIGIN, have=[PHOTO, OTHER_PHOTO], want=[THIRD_PHOTO])


def blobs_answer() -> BlobsAnswer:
    """One that the hub has, one of which it has the first part, one that it can give."""
    return BlobsAnswer(held=[PHOTO], lacking=[(OTHER_PHOTO, 16_384)], ready=[(THIRD_PHOTO, 81_920)])


def blob_progress() -> BlobProgress:
    return BlobProgress(offset=32_768, whole=False)


def bearer_examples() -> dict[str, Message]:
    """Every golden message of this file by name."""
    return {
        "carried_head": carried_head(),
        "carried_request": carried_request(),
        "carried_answer": carried_answer(),
        "bell_request": bell_request(),
        "bell_answer": bell_answer(),
        "blobs_request": blobs_request(),
        "blobs_answer": blobs_answer(),
        "blob_progress": blob_progress(),
    }
