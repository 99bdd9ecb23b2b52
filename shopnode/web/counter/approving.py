"""A second person for what passes somebody's limit: with their own PIN on this screen, or the owner by telephone.

The telephone's question is about the whole form, so what is asked is sent again exactly as it was. Source:
docs/rules/telephone.md.
No PIN and no code is kept anywhere: they ride in one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g
from sqlalchemy import select

from shopnode.domain.actions import find_action
from shopnode.domain.context import AnyApproval, Approval, PhoneApproval
from shopnode.domain.errors import ApprovalNeeded, Invalid, ShopError
from shopnode.domain.params import read_params
from shopnode.domain.people.models import PhoneApprover
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.people.telephone import Asked, ask
from shopnode.web.counter.screen import into, into_sheet
from shopnode.web.ui.frame import part
from shopnode.web.ui.request import read_again

SLOT = "#approval"  # inside a form that holds what is asked: nothing typed, and no chosen file, is lost
DOES = {
    "sales.sell": "Sale",
    "returns.take_back": "Return",
    "returns.exchange": "Exchange",
    "usedphones.trade_in": "Trade-in",
    "usedphones.buy": "Buying a used phone",
    "plans.open": "Plan",
    "cash.pay_out": "Taking cash out",
    "cash.accept_difference": "Drawer's difference",
    "plans.cancel": "Calling a plan off",
    "plans.forfeit": "Giving a plan up",
    "returns.claim_warranty": "Warranty claim",
    "repairs.take_in": "Taking a repair in",
    "repairs.deliver": "Handing a repair over",
    "repairs.give_back": "Giving a repair's money back",
    "repairs.buy_device": "Buying a used phone",
}


@dataclass(frozen=True)
class Wish:
    """What is asked for: an action with its form as it will be sent, and how the screen sends it again."""

    action: str
    form: Mapping[str, Any]
    url: str = ""
    target: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)  # hidden, in a sheet of its own
    asks_reason: bool = False


def approval_in(typed: Mapping[str, str]) -> AnyApproval | None:
    """The second person of this request."""
    if "phone_code" in typed:
        return PhoneApproval(typed.get("phone_challenge", ""), typed["phone_code"])
    if typed.get("approver_pin") or typed.get("approver_id"):
        return Approval(typed.get("approver_id", ""), typed.get("approver_pin", ""))
    return None


def is_about_approval(error: ShopError, typed: Mapping[str, str]) -> bool:
    """Whether the refusal belongs where the second person is asked for."""
    return isinstance(error, ApprovalNeeded) or "approver_pin" in typed or "phone_code" in typed


def asks_by_telephone(typed: Mapping[str, str]) -> bool:
    return "ask_phone" in typed


def approval_sheet(wish: Wish, error: ShopError | None, typed: Mapping[str, str]) -> Response:
    """A sheet that sends the refused request again with somebody's yes."""
    return into_sheet(part("counter/_approval.html", **_drawn(wish, error, typed)))


def approval_slot(wish: Wish, error: ShopError | None, typed: Mapping[str, str], slot: str = SLOT) -> Response:
    """The same inside the form itself. `slot` tells several forms of one page apart."""
    return into(slot, part("counter/_approval_slot.html", **_drawn(wish, error, typed)))


def put_question(wish: Wish) -> Asked:
    """The question for the owner, about exactly this. Raises Invalid, Conflict."""
    act = find_action(wish.action)
    put = ask(g.ctx, act.name, read_params(act.params, dict(wish.form)))
    read_again()
    return put


def _drawn(wish: Wish, error: ShopError | None, typed: Mapping[str, str]) -> dict[str, Any]:
    approval: dict[str, Any] = {
        "why": typed.get("approval_why", ""), "url": wish.url, "target": wish.target, "fields": wish.fields,
        "asks_reason": wish.asks_reason, "approvers": _approvers(), "by_phone": _has_phone(), "question": None,
    }  # fmt: skip
    if isinstance(error, ApprovalNeeded):
        approval["why"] = "\n".join(error.reasons)
    errors: dict[str, str] = {}
    unsaid = error.fields.get("notes") if isinstance(error, Invalid) and wish.asks_reason else None
    if unsaid is not None:  # a question that was put is of another form: it is put again with the reason
        errors = {"approval_reason": unsaid[:1].upper() + unsaid[1:] + "."}
    elif asks_by_telephone(typed) and error is None:
        put = put_question(wish)
        told = put.question
        approval["question"] = {
            "challenge": told.challenge, "does": DOES.get(told.action, told.action), "amount_minor": told.amount_minor,
            "document": told.document, "action": told.action,
        }  # fmt: skip
    elif "phone_code" in typed and not isinstance(error, ApprovalNeeded):
        approval["question"] = _asked_before(wish, typed)
        errors = {"phone_code": one_sentence(error)} if error else {}
    elif error is not None and not isinstance(error, ApprovalNeeded):
        errors = {"approver_pin" if error.code == "wrong-pin" else "": one_sentence(error)}
    elif error is not None and "approver_pin" in typed and not typed["approver_pin"]:
        errors = {"approver_pin": "Type the PIN, or ask by telephone."}
    return {"approval": approval, "errors": errors, "typed": typed}


def _asked_before(wish: Wish, typed: Mapping[str, str]) -> dict[str, Any]:
    """The question that was put, as the screen showed it: it is only shown again, never believed."""
    amount = typed.get("phone_amount", "")
    return {
        "challenge": typed.get("phone_challenge", ""), "does": DOES.get(wish.action, wish.action),
        "amount_minor": int(amount) if amount.isascii() and amount.isdigit() and len(amount) < 18 else 0,
        "document": typed.get("phone_document", "")[:60], "action": wish.action,
    }  # fmt: skip


def _approvers() -> list[Any]:
    """Those who may stand as the second person and have a PIN; never the one who asks."""
    return [
        person
        for person in staff_of_shop(g.ctx.session, g.ctx.shop_id)
        if person.has_pin and person.id != g.ctx.actor.id and person.may_approve
    ]


def _has_phone() -> bool:
    """Whether somebody may be called: an owner who has set their telephone up for this shop."""
    query = select(PhoneApprover.id).where(
        PhoneApprover.shop_id == g.ctx.shop_id, PhoneApprover.archived_at.is_(None), PhoneApprover.secret.is_not(None),
        PhoneApprover.staff_id != g.ctx.actor.id,
    )  # fmt: skip
    return g.ctx.session.scalars(query.limit(1)).first() is not None


def one_sentence(error: ShopError) -> str:
    """What is wrong, for a place that is no field."""
    if isinstance(error, Invalid):
        told = [("The customer " if name == "customer_id" else "") + text for name, text in error.fields.items()]
        return " ".join(text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".") for text in told)
    return str(error)
