"""`POST /sync/v1/snapshot`, `GET …/snapshot/{id}/{n}`: a shop's share of the tables, for a node without them."""

from __future__ import annotations

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import Door
from cloudhub.merge.exchange import again
from cloudhub.merge.snapshots import give_chunk, give_snapshot
from shopnode.domain import failpoints
from sync_protocol.canonical import INT_MAX
from sync_protocol.ids import is_id
from sync_protocol.problems import InvalidEnvelope, SnapshotGone
from sync_protocol.snapshots import SnapshotRequest
from sync_protocol.versions import check_versions

CHUNK = "application/octet-stream"


def mount(bp: Blueprint, door: Door) -> None:
    """Answer nodes that bootstrap."""

    @bp.post("/sync/v1/snapshot")
    def snapshot_for_node() -> HttpResponse:
        return door.answer(lambda: _manifest(door))

    @bp.get("/sync/v1/snapshot/<snapshot_id>/<int:n>")
    def chunk_of_snapshot(snapshot_id: str, n: int) -> HttpResponse:
        return door.answer(lambda: _chunk(door, snapshot_id, n), CHUNK)


def _manifest(door: Door) -> bytes:
    caller, message = door.message(SnapshotRequest)
    check_versions(message.protocol, message.schema_)
    if (message.node, message.origin) != (caller.key.node_id, caller.key.origin_id):
        raise InvalidEnvelope("the request names another node than the one that signed it")
    answer = again(lambda: give_snapshot(door.hub, caller.key, message))
    failpoints.hit("hub.snapshot_made")
    return answer


def _chunk(door: Door, snapshot_id: str, n: int) -> bytes:
    caller, _ = door.caller()
    if not is_id(snapshot_id) or n > INT_MAX:
        raise SnapshotGone
    return give_chunk(door.hub, caller.key, snapshot_id, n)
