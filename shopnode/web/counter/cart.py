"""Changing the cart: lines, discount, customer, and putting it aside. Answers with the cart and the panel beside it."""

from __future__ import annotations

from typing import Any

from flask import g, request

from shopnode.domain.accounts.queries import Balances, balances_of
from shopnode.domain.catalogue.queries import categories
from shopnode.domain.customers.queries import find_customer, search_customers
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.money import format_minor
from shopnode.domain.params import read_params
from shopnode.domain.people.queries import names_of
from shopnode.domain.phones import show_phone
from shopnode.domain.sales.carts import CartBody, CartLine, body_of, park_cart, parked_carts, resume_cart, set_quantity
from shopnode.domain.sales.forms import Item
from shopnode.domain.sales.models import MONEY
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.pricing import LineView, price_cart
from shopnode.web.counter.screen import cart_answer, change, into_sheet, keep, my_cart
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, read_again

CUSTOMERS_SHOWN = 8
CUSTOM_CATEGORIES = ("Accessories", "Repairs", "Services", "Other")
PERCENTS = (2, 5, 10)
REASON_MAX = 200


@bp.get("/sell/lines/<id:line_id>")
def edit_line(line_id: str) -> str:
    """Quantity, price and discount of one line."""
    return _line_sheet(_line_view(line_id))


def _line_view(line_id: str) -> LineView:
    for line in price_cart(g.ctx, my_cart()).lines:
        if line.id == line_id:
            return line
    raise NotFound("This line")


def _line_sheet(line: LineView, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    return part(
        "counter/_line_edit.html", line=line, floor_minor=line.floor_minor, errors=errors or {}, typed=typed or {}
    )


@bp.post("/sell/lines/<id:line_id>")
def change_line(line_id: str) -> str:
    """Another quantity, price or discount."""
    typed = posted()
    line = _line_view(line_id)
    if "unit_price_minor" in typed:
        on_refusal(lambda error: into_sheet(_line_sheet(line, field_errors(error), typed)))
    quantity = asked_number(typed, "quantity", default=line.quantity)
    price = asked_money(typed, "unit_price_minor", default=line.unit_price_minor)
    discount = asked_money(typed, "discount_minor", default=0 if "discount_minor" in typed else line.discount_minor)
    reason = typed.get("reason", line.reason or "").strip()[:REASON_MAX] or None

    def put(body: CartBody) -> None:
        wanted = body.line(line_id)
        if quantity == 0 and not line.is_serialised:
            body.remove(line_id)
            return
        if not line.is_serialised:
            set_quantity(wanted, quantity or 0)
        wanted.unit_price = None if price == line.list_price_minor and not line.is_custom else price
        wanted.discount, wanted.reason = discount or 0, reason
        _check_item(wanted)

    return cart_answer(change(put))


def _check_item(line: CartLine) -> None:
    """The bounds the booking will ask for, with the sheet's own names."""
    names = {"unit_price": "unit_price_minor", "discount_amount": "discount_minor", "unit_cost": "cost_minor"}
    form = {
        "product_id": line.product_id, "item_name": line.item_name, "category": line.category,
        "quantity": line.quantity, "unit_price": line.unit_price, "discount_amount": line.discount,
        "unit_cost": line.unit_cost,
    }  # fmt: skip
    try:
        read_params(Item, {name: value for name, value in form.items() if value is not None})
    except Invalid as wrong:
        raise Invalid({names.get(name, name): text for name, text in wrong.fields.items()}) from None


@bp.post("/sell/lines/<id:line_id>/remove")
def remove_line(line_id: str) -> str:
    def take_off(body: CartBody) -> None:
        if any(line.id == line_id for line in body.lines):  # pressed twice is taken off once
            body.remove(line_id)

    return cart_answer(change(take_off))


@bp.route("/sell/custom", methods=["GET", "POST"])
def custom_line() -> str:
    """A line that is not in the catalogue."""
    if request.method == "GET":
        return _custom_sheet({}, {}, request.args.get("name", ""))
    typed = posted()
    on_refusal(lambda error: into_sheet(_custom_sheet(field_errors(error), typed)))
    price = asked_money(typed, "unit_price_minor")
    if price is None:
        raise Invalid({"unit_price_minor": "is needed"})
    line = CartLine(
        id=g.ctx.new_id(), item_name=typed.get("item_name", ""), category=typed.get("category") or None,
        quantity=asked_number(typed, "quantity", default=1) or 0, unit_price=price,
        unit_cost=asked_money(typed, "cost_minor"),
    )  # fmt: skip
    if not (line.item_name or "").strip():
        raise Invalid({"item_name": "is needed"})
    if line.category is None:
        raise Invalid({"category": "is needed"})
    if line.unit_cost is None:
        raise Invalid({"cost_minor": "is needed, about; 0 where it cost nothing"})
    _check_item(line)
    return cart_answer(change(lambda body: body.add(line)))


def _custom_sheet(errors: dict[str, str], typed: dict[str, str], name: str = "") -> str:
    known = dict.fromkeys([*CUSTOM_CATEGORIES, *categories(g.ctx.session)])
    choices = [(found, found) for found in known]
    return part("counter/_custom.html", errors=errors, typed=typed, name=name, category_choices=choices)


@bp.route("/sell/discount", methods=["GET", "POST"])
def discount() -> str:
    """Something off the whole sale."""
    if request.method == "GET":
        return _discount_sheet({}, {})
    typed = posted()
    on_refusal(lambda error: into_sheet(_discount_sheet(field_errors(error), typed)))
    amount = asked_money(typed, "discount_minor", default=0) or 0
    if amount < 0:
        raise Invalid({"discount_minor": "must be at least 0"})
    reason = typed.get("reason", "").strip()[:REASON_MAX] or None

    def put(body: CartBody) -> None:
        body.discount, body.reason = amount, reason if amount else None

    return cart_answer(change(put))


def _discount_sheet(errors: dict[str, str], typed: dict[str, str]) -> str:
    view = price_cart(g.ctx, my_cart())
    words = "Above your own limit a second person approves when it is paid."
    return part("counter/_discount.html", cart=view, percents=PERCENTS, limit_words=words, errors=errors, typed=typed)


@bp.route("/sell/customer", methods=["GET", "POST"])
def customer() -> str:
    """Who buys: found, written down, or taken off again."""
    if request.method == "GET":
        text = request.args.get("q", "").strip()
        if request.headers.get("HX-Target", "").endswith("customer-hits"):
            return part("counter/_customer_hits.html", customers=_customers(text), q=text)
        return _customer_sheet({}, {}, text)
    typed = posted()
    if "name" in typed:
        on_refusal(lambda error: into_sheet(_customer_sheet(field_errors(error), typed, typed.get("phone", ""))))
        new = {"name": typed["name"], "phone": typed.get("phone", "")}
        customer_id = act("customers.create", new, action_id=posted_action_id(typed)).result["id"]
    else:
        customer_id = typed.get("customer_id") or None
        if customer_id:
            find_customer(g.ctx.session, customer_id)

    def put(body: CartBody) -> None:
        body.customer_id = customer_id
        body.tenders = [tender for tender in body.tenders if tender.method in MONEY]  # an account is one person's

    paying = my_cart().step == "pay"  # choosing who pays is part of paying
    return cart_answer(keep(put) if paying else change(put))


def _customer_sheet(errors: dict[str, str], typed: dict[str, str], text: str) -> str:
    chosen = price_cart(g.ctx, my_cart()).customer
    return part(
        "counter/_customer.html", customer=chosen, q=text, customers=_customers(text), errors=errors, typed=typed
    )


def _customers(text: str) -> list[dict[str, Any]]:
    rows = search_customers(g.ctx.session, text[:200], limit=CUSTOMERS_SHOWN).rows
    has = balances_of(g.ctx.session, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "name": row.name,
            "phone": show_phone(row.phone) if row.phone else "",
            "sub": stands(has[row.id]),
        }
        for row in rows
    ]


def stands(has: Balances) -> str:
    """What stands on a customer's accounts, in words; nothing where nothing does."""
    told = (
        f"owes {format_minor(has.owes_minor)}" if has.owes_minor else "",
        f"store credit {format_minor(has.store_credit_minor)}" if has.store_credit_minor else "",
        f"{has.points:,} points" if has.points else "",
    )
    return " · ".join(text for text in told if text)


@bp.post("/sell/clear")
def clear() -> str:
    """Empty the cart."""

    def empty(body: CartBody) -> None:
        for name, value in CartBody():
            setattr(body, name, value)

    return cart_answer(change(empty))


@bp.post("/sell/park")
def park() -> str:
    """Put the cart aside under its customer's name or its first thing."""
    park_cart(g.ctx, _label())
    read_again()
    return cart_answer(my_cart())


def _label() -> str:
    view = price_cart(g.ctx, my_cart())
    if view.customer is not None:
        return view.customer.name
    if view.lines:
        return view.lines[0].name
    return view.brought.title if view.brought else "Parked sale"


@bp.get("/sell/parked")
def parked() -> str:
    """The parked sales."""
    rows = parked_carts(g.ctx.session)
    people = names_of(g.ctx.session, {row.staff_id for row in rows if row.staff_id})
    held = []
    for row in rows:
        view = price_cart(g.ctx, body_of(row))
        held.append({
            "id": row.id, "label": row.label or "Parked sale", "by": people.get(row.staff_id or "", ""),
            "parked_at": row.parked_at, "pieces": view.pieces, "total_minor": view.total_minor,
        })  # fmt: skip
    return part("counter/_parked.html", parked=held)


@bp.post("/sell/resume/<id:cart_id>")
def resume(cart_id: str) -> str:
    """Take a parked sale up again; what is in work is parked instead."""
    body = resume_cart(g.ctx, cart_id, _label())
    read_again()
    return cart_answer(body)
