"""All calls of this hub on one blueprint."""

from __future__ import annotations

from flask import Blueprint

from cloudhub.calls import blob, digest, enrol, exchange, fork, hello, snapshot
from cloudhub.calls.door import Door
from cloudhub.hub import Hub

CALLS = (hello, enrol, exchange, fork, snapshot, digest, blob)


def sync_blueprint(hub: Hub) -> Blueprint:
    """The calls that nodes make."""
    bp = Blueprint("sync", __name__)
    door = Door(hub)
    for call in CALLS:
        call.mount(bp, door)
    return bp
