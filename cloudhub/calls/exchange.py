"""`POST /sync/v1/exchange`: push entries and pull a page in one round trip."""

from __future__ import annotations

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import Door
from cloudhub.merge.exchange import exchange
from sync_protocol.messages import ExchangeRequest
from sync_protocol.versions import check_versions


def mount(bp: Blueprint, door: Door) -> None:
    """Answer exchanges."""

    @bp.post("/sync/v1/exchange")
    def exchange_with_node() -> HttpResponse:
        return door.answer(lambda: _exchange(door))


def _exchange(door: Door) -> bytes:
    caller, message = door.message(ExchangeRequest)
    check_versions(message.protocol, message.schema_)
    with door.turns.of(caller.key.tenant_id):
        return exchange(door.hub, caller.key, caller.signed_s, message)
