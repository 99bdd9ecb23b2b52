"""`POST /sync/v1/blobs`, `PUT` and `GET /sync/v1/blob/{sha256}`: photos, in parts that can be taken up again.

Only names that a row of the node's own business shows are taken or given; what others keep is neither given nor told.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask import Response as HttpResponse

from cloudhub.calls.door import BYTES, Door
from shopnode.domain.clock import to_datetime
from shopnode.domain.photos.store import (
    Progress,
    WrongContent,
    begun,
    forget_part,
    read_chunk,
    shown,
    take_chunk,
    whole,
)
from sync_protocol.blobs import (
    BLOB,
    BLOB_BYTES_MAX,
    BLOBS,
    CHUNK_BYTES,
    BlobProgress,
    BlobsAnswer,
    BlobsRequest,
    read_count,
    read_name,
)
from sync_protocol.messages import encode
from sync_protocol.problems import InvalidEnvelope, Malformed, TooLarge
from sync_protocol.versions import check_versions


def mount(bp: Blueprint, door: Door) -> None:
    """Answer for photos."""

    @bp.post(BLOBS)
    def which_blobs() -> HttpResponse:
        return door.answer(lambda: _which(door))

    @bp.put(f"{BLOB}<name>")
    def put_blob(name: str) -> HttpResponse:
        return door.answer(lambda: _put(door, name))

    @bp.get(f"{BLOB}<name>")
    def get_blob(name: str) -> HttpResponse:
        return door.answer(lambda: _get(door, name), BYTES)


def _which(door: Door) -> bytes:
    caller, message = door.message(BlobsRequest)
    check_versions(message.protocol, message.schema_)
    if (message.node, message.origin) != (caller.key.node_id, caller.key.origin_id):
        raise InvalidEnvelope("the request names another node than the one that signed it")
    with door.hub.database.session(caller.key.tenant_id, read_only=True) as session:
        known = shown(session, {*message.have, *message.want})
        here = whole(session, known)
        parts = begun(session, known)
    have = [name for name in dict.fromkeys(message.have) if name in known]
    want = [name for name in dict.fromkeys(message.want) if name in here]
    answer = BlobsAnswer(
        held=[name for name in have if name in here],
        lacking=[(name, parts.get(name, 0)) for name in have if name not in here],
        ready=[(name, here[name]) for name in want],
    )
    return encode(answer)


def _put(door: Door, name: str) -> bytes:
    caller, chunk = door.caller()
    read_name(name)
    offset = read_count(request.args.get("offset"), BLOB_BYTES_MAX)
    size = read_count(request.args.get("size"), BLOB_BYTES_MAX)
    if not chunk or len(chunk) > CHUNK_BYTES:
        raise TooLarge(f"a part of {len(chunk)} bytes; from 1 to {CHUNK_BYTES} are taken")
    progress = _take(door, caller.key.tenant_id, name, offset, chunk, size)
    return encode(BlobProgress(offset=progress.offset, whole=progress.is_whole))


def _take(door: Door, tenant_id: str, name: str, offset: int, chunk: bytes, size: int) -> Progress:
    now = to_datetime(door.hub.clock.wall_ms())
    try:
        with door.hub.database.session(tenant_id) as session:
            if not shown(session, [name]):
                raise InvalidEnvelope("no row shows a photo of that name")
            return take_chunk(session, name, offset, chunk, size, now)
    except WrongContent as wrong:
        with door.hub.database.session(tenant_id) as session:
            forget_part(session, name)
        raise InvalidEnvelope(str(wrong)) from None


def _get(door: Door, name: str) -> bytes:
    caller, _ = door.caller()
    offset = read_count(request.args.get("offset"), BLOB_BYTES_MAX)
    with door.hub.database.session(caller.key.tenant_id, read_only=True) as session:
        chunk = read_chunk(session, read_name(name), offset, CHUNK_BYTES)
    if chunk is None:
        raise Malformed("there is no photo of that name")
    return chunk
