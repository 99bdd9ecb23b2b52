"""`POST /sync/v1/enrol`: a one-time code and a new key, signed by that very key, become a node."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Blueprint, request
from flask import Response as HttpResponse

from cloudhub.calls.door import Door
from cloudhub.tenancy.adoption import CannotAdopt
from cloudhub.tenancy.enrolment import enrol
from sync_protocol.keys import read_public
from sync_protocol.messages import EnrolRequest, decode, encode
from sync_protocol.problems import BadCode, BadSignature
from sync_protocol.signing import NEW_ORIGIN
from sync_protocol.versions import check_versions


def mount(bp: Blueprint, door: Door) -> None:
    """Answer enrolments."""

    @bp.post("/sync/v1/enrol")
    def enrol_node() -> HttpResponse:
        return door.answer(lambda: _enrol(door))


def _enrol(door: Door) -> bytes:
    body, signed = door.signed(_own_key)
    message = decode(EnrolRequest, body)
    check_versions(message.protocol, message.schema_)
    if signed.origin != NEW_ORIGIN or message.public_key != signed.keyid:
        raise BadSignature("A new node signs with the key it brings.")
    try:
        return encode(enrol(door.hub, message, request.remote_addr or ""))
    except CannotAdopt as words:
        refusal = BadCode()
        refusal.detail = str(words)
        raise refusal from None


def _own_key(keyid: str) -> Ed25519PublicKey | None:
    try:
        return read_public(keyid)
    except ValueError:
        return None
