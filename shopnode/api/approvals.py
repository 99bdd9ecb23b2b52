"""Approval by telephone: the counter's question, and the owner's answer. See docs/rules/telephone.md."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.actions import find_action
from shopnode.domain.errors import NotPermitted
from shopnode.domain.params import Amount, Code, IdText, Line, Params, read_params
from shopnode.domain.people.phone_setup import ForShop
from shopnode.domain.people.telephone import answer, ask
from shopnode.domain.permissions import Permission


class Challenge(Params):
    """What shall be approved: an action, and its form exactly as it will be sent."""

    action: Code
    form: dict[str, Any] = Field(description="The action's own form: for a sale, the body of POST /sales.")


class Asked(BaseModel):
    """What is read out over the telephone."""

    challenge: str
    action: str
    amount: int
    document: str
    expires_at: Instant


class Told(Params):
    """What was read out, and by which shop."""

    challenge: Code
    action: Code
    amount: Amount
    document: Annotated[Line, Field(min_length=1, max_length=60)]
    shop_id: IdText | None = Field(default=None, description="The shop that calls; this one at a shop's own computer.")


class Answer(BaseModel):
    """Eight digits to read back."""

    code: str


class PhoneOut(BaseModel):
    """That somebody approves by telephone in a shop. The secret is in no answer."""

    id: str
    shop_id: str


@route("POST", "/approvals/challenge", needs=Permission.SALES_CREATE, status=201, other_statuses=(404, 409))
def put_challenge(call: Call, body: Challenge) -> Asked:
    """Put a question about something that passes one's limit. It lasts 15 minutes."""
    act = find_action(body.action)
    if not call.ctx.may(act.needs):
        raise NotPermitted
    put = ask(call.ctx, act.name, read_params(act.params, body.form))
    told = put.question
    return Asked(
        challenge=told.challenge, action=told.action, amount=told.amount_minor, document=told.document,
        expires_at=put.expires_at,
    )  # fmt: skip


@route("POST", "/approvals/answer", needs=Permission.LIMITS_APPROVE, other_statuses=(404,))
def answer_challenge(call: Call, body: Told) -> Answer:
    """Say yes to a question: the code is good for exactly what was read out."""
    return Answer(code=answer(call.ctx, body.shop_id, body.model_dump()))


@route("POST", "/approvals/phone", action="approvals.set_up_phone", status=201)
def set_up_phone(call: Call, body: ForShop) -> PhoneOut:
    """Let oneself approve by telephone in a shop, with a new secret."""
    return PhoneOut(**call.perform(body).result)


@route("DELETE", "/approvals/phone", action="approvals.remove_phone")
def remove_phone(call: Call, body: ForShop | None) -> PhoneOut:
    """Approve by telephone in a shop no more."""
    return PhoneOut(**call.perform(body or {}).result)
