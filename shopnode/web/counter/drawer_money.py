"""Money beside sales at the drawer: in, out, to the safe, to the bank; a difference accepted; the day submitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, redirect, request, url_for

from shopnode.domain.errors import Invalid, ShopError
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.drawer import drawer_page
from shopnode.web.counter.screen import gone_to
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

MOVES = {
    "pay_in": "cash.pay_in",
    "pay_out": "cash.pay_out",
    "safe": "cash.drop_to_safe",
    "from_safe": "cash.take_from_safe",
    "bank": "cash.deposit_at_bank",
    "no_sale": "cash.open_without_sale",
}
REASONED = ("pay_in", "pay_out", "no_sale")


@bp.post("/drawer/moves")
def move_drawer_money() -> str | Response:
    """Cash into the drawer or out of it, or the drawer opened without a sale."""
    typed = posted()
    kind = typed.get("kind", "")
    if kind not in MOVES:
        on_refusal(lambda error: drawer_page(field_errors(error), typed))
        raise Invalid({"kind": "must be one of those on the list"})
    said = typed.get("reason", "").strip()
    form: dict[str, Any] = {}
    if kind != "no_sale":
        on_refusal(lambda error: drawer_page(field_errors(error), typed))
        form["amount"] = asked_money(typed, "amount", default=0)
    form |= {"reason": said} if kind in REASONED else {"reference" if kind == "bank" else "note": said or None}
    return _with_second_person(MOVES[kind], form, typed)


@bp.post("/drawer/accept")
def accept_drawer() -> str | Response:
    """Why the drawer was off, accepted by a second person."""
    typed = posted()
    form = {
        "drawer_session_id": typed.get("drawer_session_id", ""), "explanation": typed.get("explanation", "").strip(),
    }  # fmt: skip
    return _with_second_person("cash.accept_difference", form, typed)


@bp.post("/drawer/day")
def submit_day() -> Response:
    """Submit the day for review."""
    typed = posted()
    on_refusal(lambda error: drawer_page(field_errors(error), typed))
    act(
        "closures.submit", {"business_on": typed.get("business_on", ""), "notes": typed.get("notes") or None},
        action_id=posted_action_id(typed),
    )  # fmt: skip
    return redirect(url_for("counter.drawer"), 303)  # type: ignore[return-value]


def _with_second_person(name: str, form: dict[str, Any], typed: dict[str, str]) -> str | Response:
    wish = Wish(name, form)
    refused: Callable[[ShopError], str | Response] = lambda error: (  # noqa: E731 — one sentence says it
        approval_slot(wish, error, typed)
        if is_about_approval(error, typed) and request.headers.get("HX-Request")
        else drawer_page(field_errors(error), typed)
    )
    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    act(name, form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.drawer"))
