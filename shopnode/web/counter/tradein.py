"""A used phone that pays part of a sale: what it is, what was seen of it, what is offered. Its seller is asked last.

Whatever is wrong with the phone is said before anything is promised to its seller; the same checks are made again when
the ticket is booked.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.catalogue.queries import find_product, product_view, search_products
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, ShopError
from shopnode.domain.handsets.numbers import read_numbers
from shopnode.domain.handsets.rules import grade_in
from shopnode.domain.handsets.tac import model_by_imei
from shopnode.domain.params import read_params
from shopnode.domain.sales.carts import CartBody, CartTrade
from shopnode.domain.usedphones.checks import check_before_paying
from shopnode.domain.usedphones.params import UsedPhone
from shopnode.domain.usedphones.rules import offer_objection, read_grade, unseen
from shopnode.domain.usedphones.valuations import list_valuations, table_value
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.screen import cart_answer, change, gone_to, into_sheet, my_cart
from shopnode.web.counter.selling_phone import SELLER_PICTURES_MAX, purchase_form, seller_refused, seller_sheet
from shopnode.web.ui.forms import posted, posted_action_id, read_form
from shopnode.web.ui.frame import part
from shopnode.web.ui.pictures import allow_pictures
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

GRADES = ("A", "B", "C", "D", "E", "F")
BOXES = ("locks_removed", "was_reset", "states_ownership", "has_box", "has_charger")
TEXTS = ("product_id", "imei1", "imei2", "serial", "colour", "storage", "grade", "network_lock", "battery_pct", "notes")
MODELS_SHOWN = 6
SEARCHED = 30
FIELDS = {*TEXTS, *BOXES, "offer"}


@bp.route("/sell/trade-in", methods=["GET", "POST"])
def trade_in() -> str | Response:
    """What is traded in: shown, and put into the sale."""
    if request.method == "GET":
        trade = my_cart().trade
        return _sheet({}, _typed_of(trade) if trade else {})
    typed = posted()
    on_refusal(lambda error: into_sheet(_sheet(_errors(error), typed)))
    phone = phone_form(typed)

    def put(body: CartBody) -> None:
        if body.back is not None:
            raise Conflict("Goods that come back are in this sale already. Take them off, or complete it first.")
        body.trade = CartTrade(phone=phone)

    return cart_answer(change(put))


def _typed_of(trade: CartTrade) -> dict[str, str]:
    """What is in the cart, as it was typed."""
    return {name: "true" if value is True else str(value) for name, value in trade.phone.items() if value is not False}


def phone_form(typed: dict[str, str], ticket_id: str | None = None) -> dict[str, Any]:
    """The phone as the cart keeps it, and the purchase takes it. Raises Invalid, PhoneBlocked, PhoneOnPlan.

    ticket_id  the repair that it is bought on
    """
    read = read_form(typed, money=("offer",), boxes=BOXES)
    phone = {name: read.get(name) for name in (*TEXTS, *BOXES, "offer") if read.get(name) not in (None, "")}
    phone["network_lock"] = phone.get("network_lock") or "none"
    try:
        read_params(UsedPhone, phone)
    except Invalid as wrong:
        faults = {name: text for name, text in wrong.fields.items() if not name.startswith("seller")}
        if faults:
            raise Invalid(faults) from None
    faults = unseen(**{name: bool(phone.get(name)) for name in ("locks_removed", "was_reset", "states_ownership")})
    product = find_product(g.ctx.session, str(phone["product_id"]))
    if not product.is_serialised:
        faults["product_id"] = "is not sold by IMEI: choose the phone's model"
    phone["grade"] = phone.get("grade") or grade_in(product.name)
    if not phone["grade"]:
        faults["grade"] = "is needed: the table pays by grade"
    if not (phone.get("imei1") or phone.get("serial")):
        faults["imei1"] = "is needed, or a serial number for what has no IMEI"
    if faults:
        raise Invalid(faults)
    _known_of(phone.get("imei1"), phone.get("imei2"), phone.get("serial"), ticket_id)
    return phone


def _known_of(
    imei1: str | None, imei2: str | None, serial: str | None, ticket_id: str | None
) -> tuple[list[str], str | None]:
    """What is known of a phone, and why a second person would be asked. Raises Invalid, PhoneBlocked, PhoneOnPlan."""
    numbers = read_numbers(imei1, imei2, serial)
    try:
        return [*numbers.notes, *check_before_paying(g.ctx, numbers, ticket_id)], None
    except ApprovalNeeded as asked:
        return numbers.notes, asked.reason


def _sheet(errors: dict[str, str], typed: dict[str, str]) -> str:
    return part("counter/_trade_in.html", **phone_values(typed, errors))


def phone_values(typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    """What the questions about a used phone are drawn from."""
    product_id = typed.get("product_id")
    chosen = product_view(g.ctx, product_id) if product_id else None
    told = {row.grade for row in list_valuations(g.ctx, limit=200).rows}
    return {
        "errors": errors, "typed": typed, "models": [chosen] if chosen else [], "chosen": product_id,
        "grades": [(grade, grade) for grade in sorted({*GRADES, *told})], "value": _value(typed),
    }  # fmt: skip


@bp.get("/sell/trade-in/check")
def trade_check() -> str:
    """What is known of the phone with this number, and which model such phones were."""
    imei = request.args.get("imei1", "").strip()
    if not imei:
        return ""
    on_refusal(lambda error: part("counter/_trade_known.html", refused=" ".join(field_errors(error).values())))
    notes, asked = _known_of(imei, None, None, request.args.get("ticket_id"))
    learned = model_by_imei(g.ctx.session, read_numbers(imei, None, None).imei1)
    models = [product_view(g.ctx, learned.product_id)] if learned else []
    return part(
        "counter/_trade_known.html", refused=None, notes=notes, asked=asked, models=models,
        chosen=learned.product_id if learned else None,
    )  # fmt: skip


@bp.get("/sell/trade-in/models")
def trade_models() -> str:
    """Models by name."""
    text = request.args.get("model", "").strip()
    found = [row for row in search_products(g.ctx, text, limit=SEARCHED).rows if row.is_serialised] if text else []
    return part("counter/_trade_models.html", models=found[:MODELS_SHOWN], chosen=None, asked_for=text)


@bp.get("/sell/trade-in/value")
def trade_value() -> str:
    """What the table pays for it."""
    return part("counter/_trade_value.html", value=_value(dict(request.args.items())))


def _value(typed: dict[str, str]) -> dict[str, Any] | None:
    """The table's word, None while model and grade are not chosen."""
    product_id = typed.get("product_id")
    if not product_id:
        return None
    try:
        product = find_product(g.ctx.session, product_id)
        grade = read_grade(typed.get("grade") or grade_in(product.name) or "")
    except (ValueError, ShopError):
        return None
    value = table_value(g.ctx.session, product.id, typed.get("storage"), grade)
    above = offer_objection(g.ctx.actor.role, (value or 0) + 1, value)
    return {"name": product.name, "grade": grade, "value_minor": value, "asks": above is not None}


@bp.post("/sell/brought/drop")
def drop_brought() -> str:
    """Take what is brought off the sale again."""

    return cart_answer(change(_drop))


def _drop(body: CartBody) -> None:
    body.back, body.trade = None, None


def _errors(error: ShopError) -> dict[str, str]:
    return field_errors(error, FIELDS)


@bp.route("/sell/trade-in/buy", methods=["GET", "POST"])
def buy_phone() -> Response:
    """Buy the phone without a sale: all of it is paid out."""
    allow_pictures(SELLER_PICTURES_MAX)
    body = my_cart()
    if body.trade is None:
        raise Conflict("No used phone is in this sale. Begin under More, Trade a phone in.")
    if request.method == "GET":
        return seller_sheet(body, g.ctx.new_id(), alone=True)
    typed = posted()
    on_refusal(seller_refused)
    bought = purchase_form(body.trade, body.customer_id, typed)
    wish = Wish("usedphones.buy", {**bought.pop("phone"), **bought})

    def refused(error: ShopError) -> Response:
        return approval_slot(wish, error, typed) if is_about_approval(error, typed) else seller_refused(error)

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act(wish.action, wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    change(_drop)
    return gone_to(url_for("office.phone", unit_id=done.result["unit_id"]))
