"""`POST /sync/v1/digest`: whether a node's books are what they should be, and the rows that are not."""

from __future__ import annotations

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import Door
from cloudhub.merge.digests import compare
from cloudhub.merge.exchange import again
from sync_protocol.digests import DigestRequest
from sync_protocol.messages import encode
from sync_protocol.problems import InvalidEnvelope
from sync_protocol.versions import check_versions


def mount(bp: Blueprint, door: Door) -> None:
    """Answer nodes that compare."""

    @bp.post("/sync/v1/digest")
    def compare_with_node() -> HttpResponse:
        return door.answer(lambda: _compare(door))


def _compare(door: Door) -> bytes:
    caller, message = door.message(DigestRequest)
    check_versions(message.protocol, message.schema_)
    if (message.node, message.origin) != (caller.key.node_id, caller.key.origin_id):
        raise InvalidEnvelope("the request names another node than the one that signed it")
    return encode(again(lambda: compare(door.hub, caller.key, message)))
