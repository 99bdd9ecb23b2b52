"""The owner's side of approval by telephone: set it up for a shop, and answer what a counter reads out.

The code is shown once, to be read back; it is kept nowhere. Source: docs/rules/telephone.md.
"""

from __future__ import annotations

from typing import Any

from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shopnode.domain.errors import Invalid
from shopnode.domain.people.models import PhoneApprover, Shop
from shopnode.domain.people.queries import all_shops
from shopnode.domain.people.telephone import answer
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

ACTIONS = [
    ("sales.sell", "Sale"),
    ("returns.take_back", "Return"),
    ("returns.exchange", "Exchange"),
    ("usedphones.trade_in", "Trade-in"),
    ("usedphones.buy", "Buying a used phone"),
    ("plans.open", "Plan"),
    ("plans.cancel", "Calling a plan off"),
    ("returns.claim_warranty", "Warranty claim"),
]
FIELDS = {"challenge", "action", "amount", "document", "shop_id"}


@bp.get("/approvals")
def telephone() -> str:
    """What to type when a counter calls."""
    return _screen({}, {})


@bp.post("/approvals")
def answer_telephone() -> str:
    """The code that says yes to exactly what was read out."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error, FIELDS), typed))
    told = {
        "challenge": typed.get("challenge", ""), "action": typed.get("action", ""),
        "amount": asked_money(typed, "amount", default=0), "document": typed.get("document", "").strip(),
    }  # fmt: skip
    if not told["document"]:
        raise Invalid({"document": "is needed: the counter reads it out, NEW for a sale that is not booked yet"})
    code = answer(g.ctx, typed.get("shop_id") or None, told)
    return _screen({}, typed, code)


@bp.post("/approvals/set-up")
def set_up_telephone() -> ResponseReturnValue:
    """Approve by telephone in a shop; codes of before are good no more."""
    return _change("approvals.set_up_phone")


@bp.post("/approvals/remove")
def remove_telephone() -> ResponseReturnValue:
    """Approve by telephone in a shop no more."""
    return _change("approvals.remove_phone")


def _change(action: str) -> ResponseReturnValue:
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error, FIELDS), typed))
    act(action, {"shop_id": typed.get("shop_id") or None}, action_id=posted_action_id(typed))
    return redirect(url_for("office.telephone"), 303)


def _screen(errors: dict[str, str], typed: dict[str, str], code: str | None = None) -> str:
    mine = select(PhoneApprover.shop_id).where(
        PhoneApprover.staff_id == g.ctx.actor.id, PhoneApprover.archived_at.is_(None), PhoneApprover.secret.is_not(None)
    )
    set_up = set(g.ctx.session.scalars(mine))
    shops = [_shop(shop, set_up) for shop in all_shops(g.ctx.session) if g.ctx.shop_id in (None, shop.id)]
    return page(
        "office/telephone.html", shops=shops, actions=ACTIONS, errors=errors, typed=typed,
        code=f"{code[:4]} {code[4:]}" if code else None, crumbs=[("Approve by telephone", None)],
    )  # fmt: skip


def _shop(shop: Shop, set_up: set[str]) -> dict[str, Any]:
    return {"id": shop.id, "name": shop.name, "is_set_up": shop.id in set_up}
