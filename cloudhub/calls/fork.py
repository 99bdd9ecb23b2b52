"""`POST /sync/v1/fork`: the last thing that a node and this hub both have, and a restored node's new origin."""

from __future__ import annotations

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import Caller, Door
from cloudhub.hub import Hub
from cloudhub.merge.books import Books
from cloudhub.merge.exchange import again
from cloudhub.merge.forks import begin_origin, common_entry, common_line, head_of, highest_numbers
from shopnode.domain import failpoints
from sync_protocol.forks import ForkAnswer, ForkRequest
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.messages import encode
from sync_protocol.problems import InvalidEnvelope
from sync_protocol.versions import check_versions


def mount(bp: Blueprint, door: Door) -> None:
    """Answer nodes whose history and ours do not fit."""

    @bp.post("/sync/v1/fork")
    def fork_with_node() -> HttpResponse:
        return door.answer(lambda: _fork(door))


def _fork(door: Door) -> bytes:
    # Signed for the origin that is asked about, which the node may have left, or this hub may not know yet.
    caller, message = door.message(ForkRequest, any_origin=True)
    check_versions(message.protocol, message.schema_)
    if (message.node, message.origin) != (caller.key.node_id, caller.origin):
        raise InvalidEnvelope("the request names another node or origin than it was signed for")
    answer = again(lambda: _compare(door.hub, caller, message))
    failpoints.hit("hub.forked")
    return encode(answer)


def _compare(hub: Hub, caller: Caller, message: ForkRequest) -> ForkAnswer:
    key, now_ms = caller.key, hub.clock.wall_ms()
    with hub.database.session(key.tenant_id) as session:
        head, durable_n = head_of(session, key, message.origin)
        if message.begin is not None:
            begin_origin(session, key, message.begin, message.run, caller.signed_s, now_ms)
        books = Books(session, key.tenant_id)
        ours = {TENANT_STREAM, shop_stream(key.shop_id)}
        lines = {stream: common_line(books, stream, asked) for stream, asked in message.lines.items() if stream in ours}
        ((seq,),) = books.rows("SELECT seq FROM tenant_feed WHERE tenant_id = %s", [key.tenant_id])
        return ForkAnswer(
            epoch=hub.identity.epoch,
            time=now_ms,
            common=common_entry(books, message.origin, message.chain),
            head=(head.n, head.hash),
            durable=durable_n,
            lines={stream: found for stream, found in lines.items() if found is not None},
            counters=highest_numbers(books, key.shop_id),
            seq=seq,
        )
