"""Suppliers: the list with what is owed to each, one of them with everything between us, and money that goes to them.

Owners keep suppliers and pay them, supervisors look. What is owed is one shop's where the home is one, else of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shopnode.domain.buying.models import Supplier, SupplierEntryKind
from shopnode.domain.buying.owed import ages_by_supplier, all_balances, balances, owed_to, statement
from shopnode.domain.buying.queries import OrderFilter, find_supplier, list_orders, list_receipts, search_suppliers
from shopnode.domain.buying.returned import ReturnFilter, list_returns
from shopnode.domain.errors import Invalid
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id, read_form, without_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "on the list"), ("owed", "whom we owe"), ("archived", "off the list")]
FIELDS = ("name", "contact", "phone", "email", "address", "tax_id", "terms_days", "lead_days", "notes")
DAYS = ("terms_days", "lead_days")
LAST_SHOWN = 10
AGES = ("Not due yet", "Due up to 30 days", "31 to 60 days", "61 to 90 days", "Older")
ENTRY_WORDS = {
    SupplierEntryKind.BILL: "Delivery", SupplierEntryKind.PAYMENT: "Payment",
    SupplierEntryKind.CREDIT_NOTE: "Credit note", SupplierEntryKind.CORRECTION: "Correction",
}  # fmt: skip
# What can be written into an account by hand: the form's word, the action, and what the person reads.
DEEDS = {
    "pay": ("suppliers.pay", "Pay them"), "refund": ("suppliers.take_refund", "They give money back"),
    "credit": ("suppliers.credit_note", "They sent a credit note"),
    "less": ("suppliers.correct_account", "Correct: we owe less"),
    "more": ("suppliers.correct_account", "Correct: we owe more"),
}  # fmt: skip
WITH_MONEY = ("pay", "refund")


@bp.get("/suppliers")
def suppliers() -> ResponseReturnValue:
    """Whom we buy from, with what we owe them."""
    words = {"q": request.args.get("q", "").strip()[:200], "state": request.args.get("state", "")}
    words["state"] = words["state"] if words["state"] in dict(STATES) else ""
    wanted = asked_file()
    if wanted is not None:
        titles = ["Name", "Contact", "Telephone", "E-mail", "Tax number", "Pay within days", "Delivers in days", "Owed"]
        return table_answer("suppliers", wanted, titles, _file_rows(words))
    rows, cursor = _rows(words, request.args.get("cursor"), PAGE_DEFAULT)
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.suppliers", **asked, cursor=cursor) if cursor else None
    values: dict[str, Any] = {"rows": rows, "next_url": next_url, "filters": words, "has_filters": bool(asked)}
    if "cursor" in request.args:
        return part("office/_supplier_rows.html", **values)
    if is_htmx():
        return part("office/_suppliers.html", **values)
    states = [state for state in STATES if state[0] != "owed" or _sees_accounts()]
    return page("office/suppliers_list.html", states=states, crumbs=[("Suppliers", None)], **values)


def _rows(words: dict[str, str], cursor: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
    session = g.ctx.session
    if words["state"] == "owed" and _sees_accounts():
        owing = all_balances(g.ctx)
        known = session.scalars(select(Supplier).where(Supplier.id.in_(owing)))
        wanted = [row for row in known if words["q"].lower() in row.name.lower()]
        wanted.sort(key=lambda row: (-owing[row.id], row.name))
        return [_row(row, owing[row.id]) for row in wanted], None
    found = search_suppliers(session, words["q"], archived=words["state"] == "archived", limit=limit, cursor=cursor)
    owed = balances(g.ctx, [row.id for row in found.rows]) if _sees_accounts() else None
    return [_row(row, None if owed is None else owed.get(row.id, 0)) for row in found.rows], found.next_cursor


def _sees_accounts() -> bool:
    """What is owed is the business of those who pay it."""
    return g.ctx.may(Permission.SUPPLIERS_MANAGE)


def _row(row: Supplier, owed_minor: int | None) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "contact": row.contact, "phone": show_phone(row.phone) if row.phone else None,
        "terms_days": row.terms_days, "owed_minor": owed_minor, "row": row,
    }  # fmt: skip


def _file_rows(words: dict[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        rows, cursor = _rows(words, cursor, PAGE_MAX)
        for row in rows:
            kept: Supplier = row["row"]
            yield [kept.name, kept.contact, kept.phone, kept.email, kept.tax_id, kept.terms_days, kept.lead_days,
                   None if row["owed_minor"] is None else plain_amount(row["owed_minor"])]  # fmt: skip
        if cursor is None:
            return


@bp.route("/suppliers/new", methods=["GET", "POST"])
def new_supplier() -> ResponseReturnValue:
    """Write a supplier down."""
    if request.method == "GET":
        return _form_page(None)
    typed = posted()
    on_refusal(lambda error: _form_page(None, field_errors(error, FIELDS), typed))
    done = act("suppliers.create", _form(typed), action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier", supplier_id=done.result["id"]), 303)


@bp.route("/suppliers/<id:supplier_id>/edit", methods=["GET", "POST"])
def edit_supplier(supplier_id: str) -> ResponseReturnValue:
    """Change what is known of a supplier."""
    known = find_supplier(g.ctx.session, supplier_id)
    if request.method == "GET":
        return _form_page(known)
    typed = posted()
    on_refusal(lambda error: _form_page(find_supplier(g.ctx.session, supplier_id), field_errors(error, FIELDS), typed))
    act("suppliers.update", {"supplier_id": supplier_id, **_form(typed)}, action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier", supplier_id=supplier_id), 303)


@bp.post("/suppliers/<id:supplier_id>/archive")
def archive_supplier(supplier_id: str) -> ResponseReturnValue:
    """Take a supplier off the list, or put them back."""
    typed = posted()
    on_refusal(lambda error: _detail(supplier_id, field_errors(error, {"-"}), typed))
    name = "suppliers.restore" if find_supplier(g.ctx.session, supplier_id).archived_at else "suppliers.archive"
    act(name, {"supplier_id": supplier_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier", supplier_id=supplier_id), 303)


@bp.get("/suppliers/<id:supplier_id>")
def supplier(supplier_id: str) -> str:
    """One supplier."""
    return _detail(supplier_id)


@bp.post("/suppliers/<id:supplier_id>/account")
def write_supplier_account(supplier_id: str) -> ResponseReturnValue:
    """Pay them, or write down what else changes what is owed."""
    typed = posted()
    shown = {"deed", "amount_minor", "method", "reference", "note", "reason"}
    on_refusal(lambda error: _detail(supplier_id, field_errors(error, shown), typed))
    deed = typed.get("deed", "")
    if deed not in DEEDS:
        raise Invalid({"deed": "must be chosen"})
    amount = read_form(typed, money=("amount_minor",)).get("amount_minor")
    if amount is None:
        raise Invalid({"amount_minor": "is needed"})
    form: dict[str, Any] = {"supplier_id": supplier_id, "amount_minor": amount}
    reference, note = typed.get("reference") or None, typed.get("note", "")
    if deed in WITH_MONEY:
        form |= {"method": typed.get("method", ""), "reference": reference, "note": note}
    elif deed == "credit":
        form |= {"reference": reference, "reason": note}
    else:
        form |= {"amount_minor": -amount if deed == "less" and isinstance(amount, int) else amount, "reason": note}
    on_refusal(lambda error: _detail(supplier_id, _note_errors(field_errors(error, shown)), typed))
    act(DEEDS[deed][0], form, action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier", supplier_id=supplier_id), 303)


def _note_errors(errors: dict[str, str]) -> dict[str, str]:
    """The form has one field for the note and the reason."""
    return {"note" if name == "reason" else name: text for name, text in errors.items()}


def _form(typed: dict[str, str]) -> dict[str, Any]:
    form: dict[str, Any] = {name: typed[name] for name in FIELDS if name in without_action_id(typed)}
    if not str(form.get("terms_days", "0")).strip():
        form["terms_days"] = 0
    return form


def _form_page(
    known: Supplier | None, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None
) -> str:
    last = (known.name, url_for("office.supplier", supplier_id=known.id)) if known else ("New supplier", None)
    crumbs = [("Suppliers", url_for("office.suppliers")), last]
    values: dict[str, Any] = typed or ({name: getattr(known, name) for name in FIELDS} if known else {"terms_days": 0})
    if known is not None and typed is None and known.phone:
        values["phone"] = show_phone(known.phone)
    return page(
        "office/supplier_edit.html", supplier=known, values=values, errors=errors or {}, typed=typed or {},
        crumbs=crumbs,
    )  # fmt: skip


def _detail(supplier_id: str, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    ctx = g.ctx
    row = find_supplier(ctx.session, supplier_id)
    sees_account = ctx.may(Permission.SUPPLIERS_MANAGE)
    ages = ages_by_supplier(ctx, [supplier_id])[supplier_id] if sees_account else ()
    lines = statement(ctx, supplier_id).lines[::-1] if sees_account else ()
    orders = list_orders(ctx, OrderFilter(supplier_id=supplier_id), limit=LAST_SHOWN)
    return page(
        "office/supplier_detail.html", supplier=row, phone=show_phone(row.phone) if row.phone else None,
        owed_minor=owed_to(ctx, supplier_id) if sees_account else None,
        ages=[pair for pair in zip(AGES, ages, strict=False) if pair[1] > 0],
        lines=lines, entry_words=ENTRY_WORDS, orders=orders.rows, more_orders=orders.next_cursor,
        deliveries=list_receipts(ctx, supplier_id=supplier_id, limit=LAST_SHOWN).rows,
        returns=list_returns(ctx, ReturnFilter(supplier_id=supplier_id), limit=LAST_SHOWN).rows,
        may_write=sees_account and ctx.home.is_shop, may_order=ctx.home.is_shop and ctx.may(Permission.ORDERS_MANAGE),
        deeds=[(deed, words) for deed, (_, words) in DEEDS.items()],
        methods=[(tender.value, METHOD_NAMES[tender]) for tender in Tender if tender in MONEY],
        errors=errors or {}, typed=typed or {},
        crumbs=[("Suppliers", url_for("office.suppliers")), (row.name, None)],
    )  # fmt: skip
