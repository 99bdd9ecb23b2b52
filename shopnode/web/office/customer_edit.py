"""Who a customer is: written down, changed, taken off the lists; and how much they may owe."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.customers.actions import AlreadyCustomer
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import guess_network, phone_or_none, show_phone
from shopnode.domain.pricing.queries import price_lists
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customers import customer_crumbs, customer_page, kept_customer
from shopnode.web.ui.forms import money_exponent, posted, posted_action_id, read_form, read_money
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

FIELDS = ("name", "phone", "email", "address", "notes", "id_number", "date_of_birth", "gender", "price_list_id")
SHOWN = {*FIELDS, "may_message", "credit_limit", "credit_days"}
GENDERS = [("", "not said"), ("woman", "woman"), ("man", "man"), ("other", "other")]
NUMBER_MAX = 30


@bp.route("/customers/new", methods=["GET", "POST"])
def new_customer() -> ResponseReturnValue:
    """Write a customer down. A number that is known leads to the one who has it."""
    if request.method == "GET":
        return _form_page(None)
    typed = posted()
    on_refusal(lambda error: _refused(None, error, typed))
    done = act("customers.create", _form(typed, may_price=g.ctx.may(Permission.PRODUCTS_UPDATE)),
               action_id=posted_action_id(typed))  # fmt: skip
    return redirect(url_for("office.customer", customer_id=done.result["id"], saved=1), 303)


@bp.route("/customers/<id:customer_id>/edit", methods=["GET", "POST"])
def edit_customer(customer_id: str) -> ResponseReturnValue:
    """Change what is known of a customer: only what differs is written."""
    row = kept_customer(customer_id)
    if request.method == "GET":
        return _form_page(row)
    typed = posted()
    on_refusal(lambda error: _refused(kept_customer(customer_id), error, typed))
    form = _form(typed, may_price=g.ctx.may(Permission.PRODUCTS_UPDATE))
    before = _values(row)
    changes = {name: value for name, value in form.items() if value != before.get(name)}
    if changes:
        act("customers.update", {"customer_id": row.id, **changes}, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=row.id, saved=1), 303)


@bp.post("/customers/<id:customer_id>/archive")
def archive_customer(customer_id: str) -> ResponseReturnValue:
    """Take a customer off the lists."""
    typed = posted()
    on_refusal(lambda error: customer_page(customer_id, field_errors(error, {"-"}), typed))
    act("customers.archive", {"customer_id": customer_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=customer_id), 303)


@bp.post("/customers/<id:customer_id>/credit")
def set_customer_credit(customer_id: str) -> ResponseReturnValue:
    """Agree how much they may owe, and for how long."""
    typed = posted()
    on_refusal(lambda error: customer_page(customer_id, field_errors(error, SHOWN), {**typed, "open": "credit"}))
    limit = read_form(typed, money=("credit_limit",)).get("credit_limit")
    days = typed.get("credit_days", "").strip()
    if days and not days.isdecimal():
        raise Invalid({"credit_days": "must be a number of days"})
    form = {"customer_id": customer_id, "credit_limit": limit, "credit_days": int(days) if days else None}
    act("accounts.set_credit", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=customer_id, saved=1), 303)


@bp.get("/customers/number")
def customer_number() -> str:
    """What a telephone number is read as, while it is typed: whole, with its network, and whose it is."""
    text = request.args.get("phone", "").strip()[:NUMBER_MAX]
    e164 = phone_or_none(text) if text else None
    network = guess_network(e164) if e164 else None
    return part("office/_number.html", text=text, e164=e164, shown=show_phone(e164) if e164 else None, network=network)


def _refused(row: Customer | None, error: ShopError, typed: dict[str, str]) -> str:
    errors = field_errors(error, SHOWN)
    other = error.customer_id if isinstance(error, AlreadyCustomer) else None
    if other is not None:
        errors = {"phone": str(error)}
    return _form_page(row, errors, typed, other)


def _form_page(
    row: Customer | None, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None,
    other_id: str | None = None,
) -> str:  # fmt: skip
    values = typed if typed is not None else (_values(row) if row is not None else {})
    lists = [("", "retail"), *((one.id, one.name) for one in price_lists(g.ctx.session))]
    crumbs = (
        customer_crumbs(row, ("Change", None)) if row else [("Customers", url_for("office.customers")), ("New", None)]
    )
    genders = GENDERS
    if values.get("gender") and values["gender"] not in dict(GENDERS):
        genders = [*GENDERS, (values["gender"], values["gender"])]
    return page(
        "office/customer_edit.html", who=row, values=values, lists=lists, genders=genders, other_id=other_id,
        may_price=g.ctx.may(Permission.PRODUCTS_UPDATE), today=g.ctx.now.date().isoformat(), errors=errors or {},
        typed=typed or {}, crumbs=crumbs,
    )  # fmt: skip


def _values(row: Customer) -> dict[str, Any]:
    """What is known, as the form has it."""
    found: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
    found["phone"] = row.phone
    found["date_of_birth"] = row.date_of_birth.isoformat() if row.date_of_birth else None
    found["may_message"] = row.may_message_at is not None
    return found


def _form(typed: dict[str, str], *, may_price: bool) -> dict[str, Any]:
    """The typed fields as the action takes them; an empty one means that it is not known."""
    names = [name for name in FIELDS if name in typed and (may_price or name != "price_list_id")]
    form: dict[str, Any] = {name: typed[name].strip() or None for name in names}
    if form.get("phone"):
        form["phone"] = phone_or_none(form["phone"]) or form["phone"]
    form["name"] = typed.get("name", "").strip()
    form["may_message"] = typed.get("may_message") == "true"
    return form


def asked_amount(typed: dict[str, str], name: str) -> int:
    """One amount of a form that needs it. Raises Invalid."""
    amount = read_money(typed.get(name), money_exponent())
    if not isinstance(amount, int):
        raise Invalid({name: "is needed, such as 15,000"})
    return amount
