"""A plan begun from the cart: layaway, instalments or a reservation, with its deposit.

Prices, the least deposit and the schedule are the domain's; the plan's own page is `plans.py`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.errors import Conflict, Invalid, ShopError
from shopnode.domain.plans.rules import instalments, least_deposit
from shopnode.domain.sales.carts import CartBody
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.domain.settings.queries import all_numbers
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.pricing import CartView, price_cart
from shopnode.web.counter.screen import change, drawer_now, gone_to, into_sheet, my_cart
from shopnode.web.counter.ways import MONEY_WAYS
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

KINDS = [
    ("layaway", "Layaway: kept here until it is paid"), ("instalment", "Instalments: leaves now, paid by days"),
    ("reservation", "Reservation: kept for some days"),
]  # fmt: skip
METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in MONEY_WAYS]
MONTH_DAYS = 30
OPEN_FIELDS = {"kind", "deposit", "method", "reference", "instalments", "every_days", "notes"}


@bp.route("/sell/plan", methods=["GET", "POST"])
def plan() -> str | Response:
    """Begin a plan with the goods in the cart."""
    if request.method == "GET":
        return _sheet({}, {})
    typed = posted()
    on_refusal(lambda error: into_sheet(_sheet(_open_errors(error), typed)))
    wish = Wish("plans.open", _plan_of(my_cart(), typed))

    def refused(error: ShopError) -> Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return into_sheet(_sheet(_open_errors(error), typed))

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act("plans.open", wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    change(_empty)
    return gone_to(url_for("counter.plan_page", plan_id=done.result["plan_id"]))


def _empty(body: CartBody) -> None:
    for name, value in CartBody():
        setattr(body, name, value)


def _sheet(errors: dict[str, str], typed: dict[str, str]) -> str:
    cart, numbers = price_cart(g.ctx, my_cart()), all_numbers(g.ctx.session)
    return part(
        "counter/_plan.html", cart=cart, kinds=KINDS, methods=METHODS, errors=errors, typed=typed,
        least_minor=least_deposit(cart.total_minor, numbers["plan_deposit_bp"]), numbers=numbers,
        schedule=_schedule(cart, typed), has_drawer=drawer_now() is not None,
    )  # fmt: skip


@bp.get("/sell/plan/schedule")
def plan_schedule() -> str:
    """The days and parts of what is left, as they would be agreed."""
    return part("counter/_plan_schedule.html", schedule=_schedule(price_cart(g.ctx, my_cart()), dict(request.args)))


def _schedule(cart: CartView, typed: dict[str, str]) -> dict[str, Any] | None:
    """What is left and its parts, None while nothing can be said."""
    try:
        deposit = asked_money(typed, "deposit", default=0) or 0
        parts, every = asked_number(typed, "instalments") or 0, asked_number(typed, "every_days", default=MONTH_DAYS)
        rest = cart.total_minor - deposit
        if rest <= 0:
            return None
        first = _days_on(every or MONTH_DAYS)
        dues = instalments(rest, parts, first, every or MONTH_DAYS) if 0 < parts <= 60 else []
    except (Invalid, ValueError, OverflowError):
        return None
    return {"rest_minor": rest, "dues": dues}


def _days_on(days: int) -> date:
    return today_of(g.ctx) + timedelta(days=days)


def _plan_of(body: CartBody, typed: dict[str, str]) -> dict[str, Any]:
    """The cart as a plan. Raises Invalid, Conflict."""
    if body.customer_id is None:
        raise Invalid({"": "A plan is with a customer: choose or add them first."})
    if body.discount:
        raise Conflict("A plan has a price for each thing: give the discount on the lines instead of on the whole.")
    form: dict[str, Any] = {
        "kind": typed.get("kind", ""), "customer_id": body.customer_id, "items": _items(body),
        "payments": _deposit(typed), "every_days": asked_number(typed, "every_days", default=MONTH_DAYS),
    }  # fmt: skip
    parts = asked_number(typed, "instalments")
    if parts and form["kind"] != "reservation":
        form["instalments"] = parts
    if typed.get("notes", "").strip():
        form["notes"] = typed["notes"]
    return form


def _items(body: CartBody) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for line in price_cart(g.ctx, body).lines:
        if line.is_custom:
            raise Conflict(f"“{line.name}” is not in the catalogue: a plan is for goods of the catalogue.")
        if line.discount_minor % line.quantity:
            raise Conflict(f"The discount on “{line.name}” does not divide by its pieces: change the price instead.")
        price = line.unit_price_minor - line.discount_minor // line.quantity
        named: dict[str, Any] = {"device_id": line.unit_id} if line.unit_id else {
            "product_id": line.product_id, "quantity": line.quantity
        }  # fmt: skip
        items.append(named if price == line.list_price_minor else {**named, "unit_price": price})
    return items


def _deposit(typed: dict[str, str]) -> list[dict[str, Any]]:
    amount = asked_money(typed, "deposit", default=0) or 0
    if amount < 0:
        raise Invalid({"deposit": "must be at least 0"})
    if not amount:
        return []
    return [{"method": typed.get("method", "cash"), "amount": amount, "reference": typed.get("reference") or None}]


def _open_errors(error: ShopError) -> dict[str, str]:
    found = field_errors(error)
    renamed = {_field_of(name): text for name, text in found.items()}
    return {name: text for name, text in renamed.items() if name in OPEN_FIELDS or not name} or {"": str(error)}


def _field_of(name: str) -> str:
    if name.startswith("payments"):
        return {"method": "method", "reference": "reference"}.get(name.rpartition(".")[2], "deposit")
    return {"dues": "instalments", "keep_until": ""}.get(name, name)
