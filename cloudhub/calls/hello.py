"""`GET /sync/hello`, unsigned: enough to set a dead clock and to know whom one is talking to."""

from __future__ import annotations

from flask import Blueprint
from flask import Response as HttpResponse

from cloudhub.calls.door import JSON, Door
from cloudhub.hub import Hub
from sync_protocol.messages import Hello, Limits, encode
from sync_protocol.versions import PROTOCOLS, SCHEMAS


def mount(bp: Blueprint, door: Door) -> None:
    """Answer hello."""

    @bp.get("/sync/hello")
    def hello() -> HttpResponse:
        return HttpResponse(encode(_hello(door.hub)), content_type=JSON)


def _hello(hub: Hub) -> Hello:
    told = Hello(
        time=hub.clock.wall_ms(),
        epoch=hub.identity.epoch,
        protocols=(PROTOCOLS[0], PROTOCOLS[-1]),
        schemas=(SCHEMAS[0], SCHEMAS[-1]),
        hub_key=hub.identity.public_key,
        audience=hub.identity.audience,
        limits=Limits(rows=hub.settings.batch_rows, bytes=hub.settings.batch_bytes),
    )
    return told.model_copy(update={"bell": hub.bell}) if hub.bell else told
