"""The second proof of whoever is signed in: set up, confirmed, taken off. See docs/rules/staff.md."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.auth import accounts
from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.domain.params import Params
from shopnode.domain.people.second_proof import (
    confirm_second_proof,
    drop_second_proof,
    has_second_proof,
    offer_second_proof,
    recovery_codes_left,
)
from shopnode.domain.permissions import Permission


class CodeIn(Params):
    code: Annotated[str, Field(min_length=1, max_length=100, repr=False)]


class SecondProofOut(BaseModel):
    """Whether one is asked for a second proof at this home."""

    is_on: bool
    recovery_codes_left: int


class OfferedOut(BaseModel):
    """What an authenticator needs, shown once: as text, and as the address in a QR code."""

    secret: str
    uri: str


class RecoveryCodesOut(BaseModel):
    """Each stands in for the authenticator once. They are shown this once: print them."""

    recovery_codes: list[str]


@route("GET", "/auth/second-proof", needs=Permission.OWN_CREDENTIALS)
def get_second_proof(call: Call) -> SecondProofOut:
    """Whether one is asked for a second proof, and how many recovery codes are left."""
    session, mine = call.ctx.session, call.ctx.actor.id or ""
    return SecondProofOut(is_on=has_second_proof(session, mine), recovery_codes_left=recovery_codes_left(session, mine))


@route("POST", "/auth/second-proof", needs=Permission.OWN_CREDENTIALS, status=201, other_statuses=(409,))
def begin_second_proof(call: Call) -> OfferedOut:
    """A new secret for an authenticator. It counts once a code of it was given."""
    offered = offer_second_proof(call.ctx)
    return OfferedOut(secret=offered.secret, uri=offered.uri)


@route("POST", "/auth/second-proof/confirm", action="staff.confirm_second_proof", other_statuses=(409, 429))
def confirm_own_second_proof(call: Call, body: CodeIn) -> RecoveryCodesOut:
    """Give the first code: from now on signing in needs one. Answers the recovery codes."""
    with accounts().one_try(call.ctx, "second-proof"):
        return RecoveryCodesOut(recovery_codes=confirm_second_proof(call.ctx, body.code))


@route("DELETE", "/auth/second-proof", action="staff.drop_second_proof", status=204, other_statuses=(409, 429))
def drop_own_second_proof(call: Call, body: CodeIn) -> None:
    """Take one's second proof off, with a code of it or a recovery code."""
    with accounts().one_try(call.ctx, "second-proof"):
        drop_second_proof(call.ctx, body.code)


@route("DELETE", "/staff/<staff_id>/second-proof", action="staff.forget_second_proof", status=204)
def forget_second_proof_of(call: Call, staff_id: str) -> None:
    """Take the second proof off somebody who lost telephone and recovery codes. Their sessions end."""
    call.perform({"staff_id": staff_id})
    accounts().end_all(call.ctx, staff_id)
