"""Plans at the counter: paid bit by bit, handed over, called off or given up. Each end is the domain's."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for
from sqlalchemy import select

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import ShopError
from shopnode.domain.plans.models import PlanStatus
from shopnode.domain.plans.queries import list_plans, plan_view
from shopnode.domain.plans.rules import forfeited
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import METHOD_NAMES, round_cash
from shopnode.domain.sales.terms import terms_now
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.plan_begin import METHODS
from shopnode.web.counter.screen import drawer_now, gone_to
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

KIND_WORDS = {"layaway": "Layaway", "instalment": "Instalments", "reservation": "Reservation"}
PAY_FIELDS = {"amount", "method", "reference"}
END_FIELDS = {"reason", "method", "reference"}


@bp.get("/sell/plans")
def plans() -> str:
    """Plans that stand open, the newest first; those whose day has gone by on their own."""
    passed = request.args.get("passed") == "1"
    found = list_plans(
        g.ctx, status=PlanStatus.OPEN, passed=passed, customer_id=request.args.get("customer_id") or None,
        cursor=request.args.get("cursor"),
    )  # fmt: skip
    asked: dict[str, Any] = {"passed": "1"} if passed else {}
    next_url = url_for("counter.plans", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": found.rows, "next_url": next_url, "kind_words": KIND_WORDS, "passed": passed}
    if "cursor" in request.args:
        return part("counter/_plan_rows.html", **values)
    return page("counter/plans.html", crumbs=[("Plans", None)], **values)


@bp.get("/sell/plans/<id:plan_id>")
def plan_page(plan_id: str) -> str:
    """One plan: its goods, its days, and what can be done now."""
    values = _values(plan_id, {}, {})
    crumbs = [("Plans", url_for("counter.plans")), (values["plan"].row.number, None)]
    return page("counter/plan.html", crumbs=crumbs, **values)


def _values(plan_id: str, typed: dict[str, str], errors: dict[str, str], about: str = "") -> dict[str, Any]:
    view = plan_view(g.ctx, plan_id)
    row = view.row
    left = row.open_minor
    return {
        "plan": view, "kind": KIND_WORDS[row.kind.value], "methods": METHODS, "errors": errors, "typed": typed,
        "about": about, "left_minor": left, "cash_minor": round_cash(left, terms_now(g.ctx).cash_rounding_minor),
        "kept_minor": forfeited(row.paid_minor, view.forfeit_bp), "is_open": row.status is PlanStatus.OPEN,
        "is_here": row.shop_id == g.ctx.shop_id, "session": drawer_now(),
        "customer": row_or_none(g.ctx.session, Customer, row.customer_id),
        "moves": [
            {"id": move.id, "number": move.number, "at": move.at, "amount_minor": move.amount_minor,
             "method": METHOD_NAMES[Tender(move.method)]}
            for move in _moves(plan_id)
        ],
    }  # fmt: skip


def _moves(plan_id: str) -> list[MoneyMove]:
    """What was paid towards it and given back, oldest first."""
    query = select(MoneyMove).where(MoneyMove.about_id == plan_id).order_by(MoneyMove.at, MoneyMove.id)
    return list(g.ctx.session.scalars(query))


@bp.post("/sell/plans/<id:plan_id>/pay")
def pay_plan(plan_id: str) -> str | Response:
    """Take money towards it."""
    typed = posted()
    on_refusal(lambda error: _drawn(plan_id, typed, field_errors(error, PAY_FIELDS), "pay"))
    form = {
        "plan_id": plan_id, "method": typed.get("method", "cash"), "reference": typed.get("reference") or None,
        "amount": asked_money(typed, "amount"),
    }  # fmt: skip
    act("plans.pay", form, action_id=posted_action_id(typed))
    return gone_to(url_for("counter.plan_page", plan_id=plan_id))


@bp.post("/sell/plans/<id:plan_id>/complete")
def complete_plan(plan_id: str) -> str | Response:
    """Hand the goods over; what is left is paid now."""
    typed = posted()
    on_refusal(lambda error: _drawn(plan_id, typed, field_errors(error, PAY_FIELDS), "complete"))
    amount = asked_money(typed, "amount", default=0) or 0
    payments = [
        {"method": typed.get("method", "cash"), "amount": amount, "reference": typed.get("reference") or None}
    ] if amount else []  # fmt: skip
    form = {"plan_id": plan_id, "payments": payments}
    done = act("plans.complete", form, action_id=posted_action_id(typed)).result
    return gone_to(url_for("office.sale", sale_id=done["sale_id"]))


@bp.post("/sell/plans/<id:plan_id>/end")
def end_plan(plan_id: str) -> str | Response:
    """Called off by the shop, or given up by the customer."""
    typed = posted()
    name = "plans.forfeit" if typed.get("how") == "forfeit" else "plans.cancel"
    form: dict[str, Any] = {"plan_id": plan_id, "reason": typed.get("reason", "").strip()}
    if name == "plans.cancel" and typed.get("method", "store_credit") != "store_credit":
        form |= {"method": typed["method"], "reference": typed.get("reference") or None}
    wish = Wish(name, form)

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return _drawn(plan_id, typed, field_errors(error, END_FIELDS), "end")

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    act(name, form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.plan_page", plan_id=plan_id))


def _drawn(plan_id: str, typed: dict[str, str], errors: dict[str, str], about: str) -> str:
    return part("counter/_plan_body.html", **_values(plan_id, typed, errors, about))
