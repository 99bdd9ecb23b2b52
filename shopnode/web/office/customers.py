"""Customers: found by number or name, what each owes and has, what they bought, and taking what they pay."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import balances, balances_of, statement
from shopnode.domain.customers.owned import lifetime_value, owned_devices
from shopnode.domain.customers.queries import find_customer, search_customers
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import guess_network, show_phone
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.queries import SaleFilter, list_sales
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import posted, posted_action_id, read_form
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

PURCHASES_SHOWN = 10
LINES_SHOWN = 20
PAYMENT_FIELDS = {"amount", "method", "reference"}
ENTRY_WORDS = {
    "charge": "Sold on account", "payment": "Paid", "refund": "Goods came back", "correction": "Corrected",
}  # fmt: skip


@bp.get("/customers")
def customers() -> str:
    """Everybody who buys, with what they owe."""
    words = request.args.get("q", "").strip()[:200]
    found = search_customers(g.ctx.session, words, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    has = balances_of(g.ctx.session, [row.id for row in found.rows])
    rows = [
        {"id": row.id, "name": row.name, "phone": show_phone(row.phone) if row.phone else None, "has": has[row.id]}
        for row in found.rows
    ]
    asked: dict[str, Any] = {"q": words} if words else {}
    next_url = url_for("office.customers", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": rows, "next_url": next_url, "q": words}
    if "cursor" in request.args:
        return part("office/_customer_rows.html", **values)
    if is_htmx():
        return part("office/_customers.html", **values)
    return page("office/customers_list.html", crumbs=[("Customers", None)], **values)


@bp.get("/customers/<id:customer_id>")
def customer(customer_id: str) -> str:
    """One customer."""
    return _detail(customer_id)


@bp.post("/customers/<id:customer_id>/payments")
def take_customer_payment(customer_id: str) -> ResponseReturnValue:
    """They pay what they owe."""
    typed = posted()
    on_refusal(lambda error: _detail(customer_id, field_errors(error, PAYMENT_FIELDS), typed))
    read = read_form(typed, money=("amount",))
    form = {"customer_id": customer_id, **{name: read.get(name) for name in PAYMENT_FIELDS}}
    form["reference"] = form["reference"] or None
    act("accounts.take_payment", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=customer_id), 303)


def _detail(customer_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    session = g.ctx.session
    row = find_customer(session, customer_id)
    if row.merged_into:
        row = find_customer(session, row.merged_into)
    told = statement(g.ctx, row)
    lines = [
        {"at": line.at, "what": ENTRY_WORDS.get(line.kind, line.kind), "number": line.number, "due_on": line.due_on,
         "amount_minor": line.amount_minor, "balance_minor": line.balance_minor, "note": line.note}
        for line in told.lines[::-1][:LINES_SHOWN]
    ]  # fmt: skip
    may_see_sales = g.ctx.may(Permission.SALES_READ)
    bought = list_sales(g.ctx, SaleFilter(customer_id=row.id), limit=PURCHASES_SHOWN).rows if may_see_sales else []
    has = balances(session, row.id)
    return page(
        "office/customer_detail.html", who=row, phone=show_phone(row.phone) if row.phone else None,
        network=guess_network(row.phone) if row.phone else None, has=has, worth=lifetime_value(session, row.id),
        told=told, lines=lines, bought=bought, devices=owned_devices(session, row.id),
        may_collect=g.ctx.home.is_shop and g.ctx.may(Permission.ACCOUNTS_COLLECT) and has.owes_minor > 0,
        methods=[(tender.value, METHOD_NAMES[tender]) for tender in Tender if tender in MONEY],
        errors=errors or {}, typed=typed or {},
        crumbs=[("Customers", url_for("office.customers")), (row.name, None)],
    )  # fmt: skip
