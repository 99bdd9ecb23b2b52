"""`POST /sync/v1/bell`: is answered when there is news for the node, or at the deadline. Served by `cloudhub/bell.py`.

It is no exchange: it neither notes the node's health nor its run, and a clone that waits here learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import Door
from sync_protocol.bells import BELL, BellAnswer, BellRequest
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import encode
from sync_protocol.problems import InvalidEnvelope
from sync_protocol.versions import check_versions

Wait = Callable[[str, str, Sequence[str], int, int], bool]


def mount(bp: Blueprint, door: Door, wait: Wait) -> None:
    """Answer those who wait."""

    @bp.post(BELL)
    def wait_for_news() -> HttpResponse:
        return door.answer(lambda: _wait(door, wait))


def _wait(door: Door, wait: Wait) -> bytes:
    caller, message = door.message(BellRequest)
    check_versions(message.protocol, message.schema_)
    key = caller.key
    if (message.node, message.origin) != (key.node_id, key.origin_id):
        raise InvalidEnvelope("the request names another node than the one that signed it")
    if message.epoch != door.hub.identity.epoch:
        return encode(BellAnswer(rang=True))  # the hub was restored: an exchange will say so
    streams = [TENANT_STREAM, shop_stream(key.shop_id)]
    return encode(BellAnswer(rang=wait(key.tenant_id, key.origin_id, streams, message.cursor, message.wait_ms)))
