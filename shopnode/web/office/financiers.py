"""Financiers: which firms finance phones, what each owes by IMEI, taking their money, and what they will not pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.financiers.ledger import Receivable
from shopnode.domain.financiers.queries import FinancierView, financier_entries, financier_view, list_financiers
from shopnode.domain.sales.models import SaleSummary
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customer_edit import asked_amount
from shopnode.web.office.customer_money import ages
from shopnode.web.office.customers import METHODS
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

FIELDS = ("name", "agreement", "notes")
SETTLE_FIELDS = {"amount", "method", "reference", "note", "imeis"}
REFUSAL_FIELDS = {"imei", "amount", "reason"}
ENTRY_WORDS = {
    "receivable": "Financed", "settlement": "Paid", "chargeback": "Not paid, or taken back", "correction": "Corrected",
}  # fmt: skip
TITLES = ["financier", "imei", "receipt", "customer", "contract", "since", "open"]


@bp.get("/financiers")
def financiers() -> ResponseReturnValue:
    """Every firm, and what it owes."""
    wanted = asked_file()
    if wanted is not None:
        views = list_financiers(g.ctx, archived=True)
        return table_answer("financiers", wanted, TITLES, [row for view in views for row in _file_rows(view)])
    return _list_page()


@bp.post("/financiers")
def new_financier() -> ResponseReturnValue:
    """Add a firm."""
    typed = posted()
    on_refusal(lambda error: _list_page(field_errors(error, FIELDS), typed))
    done = act("financiers.create", {name: typed.get(name) or None for name in FIELDS},
               action_id=posted_action_id(typed))  # fmt: skip
    return redirect(url_for("office.financier", financier_id=done.result["id"]), 303)


def _list_page(errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    views = list_financiers(g.ctx, archived=request.args.get("state") == "archived")
    return page(
        "office/financiers.html", rows=views, total_minor=sum(view.owes_minor for view in views), filters={},
        errors=errors or {}, typed=typed or {}, crumbs=[("Financiers", None)],
    )  # fmt: skip


@bp.get("/financiers/<id:financier_id>")
def financier(financier_id: str) -> str:
    """One firm: what is open, phone by phone, and what can be done about it."""
    return _detail(financier_id)


@bp.post("/financiers/<id:financier_id>/settlements")
def settle_financier(financier_id: str) -> ResponseReturnValue:
    """Their payout came: it pays the ticked phones, then the oldest; the rest stands to their credit."""
    typed, chosen = posted(), request.form.getlist("imeis")
    on_refusal(lambda error: _detail(financier_id, error, {**typed, "ticked": chosen, "open": "settle"}))
    form: dict[str, Any] = {"financier_id": financier_id, "amount": asked_amount(typed, "amount"), "imeis": chosen}
    form |= {name: typed.get(name) or None for name in ("method", "reference", "note")}
    done = act("financiers.settle", form, action_id=posted_action_id(typed))
    paid = len(done.result["phones"])
    return redirect(url_for("office.financier", financier_id=financier_id, slip=done.result["number"], paid=paid), 303)


@bp.post("/financiers/<id:financier_id>/chargebacks")
def charge_financier_back(financier_id: str) -> ResponseReturnValue:
    """They will not pay for a phone, or not all of it; the customer may owe it instead."""
    typed = posted()
    on_refusal(lambda error: _detail(financier_id, error, {**typed, "open": "refuse"}))
    if not typed.get("imei"):
        raise Invalid({"imei": "must be chosen"})
    form = {
        "financier_id": financier_id, "imei": typed["imei"], "amount": asked_amount(typed, "amount"),
        "reason": typed.get("reason", ""), "charge_customer": typed.get("charge_customer") == "true",
    }  # fmt: skip
    act("financiers.charge_back", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.financier", financier_id=financier_id), 303)


@bp.post("/financiers/<id:financier_id>")
def save_financier(financier_id: str) -> ResponseReturnValue:
    """Change what is known of a firm."""
    typed = posted()
    on_refusal(lambda error: _detail(financier_id, error, {**typed, "open": "edit"}))
    form = {"financier_id": financier_id, **{name: typed.get(name) or None for name in FIELDS}}
    act("financiers.update", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.financier", financier_id=financier_id), 303)


@bp.post("/financiers/<id:financier_id>/archive")
def archive_financier(financier_id: str) -> ResponseReturnValue:
    """Finance no more phones by a firm; what it owes stays."""
    typed = posted()
    on_refusal(lambda error: _detail(financier_id, error, typed))
    act("financiers.archive", {"financier_id": financier_id}, action_id=posted_action_id(typed))
    return redirect(url_for("office.financier", financier_id=financier_id), 303)


def _detail(financier_id: str, error: ShopError | None = None, typed: dict[str, Any] | None = None) -> str:
    view = financier_view(g.ctx, financier_id)
    cursor = request.args.get("cursor") if request.method == "GET" else None
    found = financier_entries(g.ctx, financier_id, cursor=cursor)
    onward: dict[str, Any] = {"financier_id": financier_id, "cursor": found.next_cursor}
    next_url = url_for("office.financier", **onward) if found.next_cursor else None
    sold = [*(row.sale_id for row in found.rows), *(phone.sale_id for phone in view.phones)]
    sales = _sales({sale_id for sale_id in sold if sale_id})
    values: dict[str, Any] = {"entries": found.rows, "entry_words": ENTRY_WORDS, "next_url": next_url, "sales": sales}
    if cursor:
        return part("office/_financier_rows.html", **values)
    slip = request.args.get("slip", "") if request.method == "GET" else ""
    known = {entry.money_id: entry for entry in found.rows if entry.money_id}
    return page(
        "office/financier_detail.html", firm=view.financier, owes_minor=view.owes_minor, ages=ages(view.ageing),
        phones=view.phones, open_phones=[phone for phone in view.phones if phone.open_minor > 0 and phone.imei],
        methods=METHODS, is_shop=g.ctx.home.is_shop, slip=slip if known and slip.replace("-", "").isalnum() else None,
        errors=field_errors(error, SETTLE_FIELDS | REFUSAL_FIELDS | set(FIELDS)) if error else {}, typed=typed or {},
        crumbs=[("Financiers", url_for("office.financiers")), (view.financier.name, None)], **values,
    )  # fmt: skip


@dataclass(frozen=True)
class SoldOn:
    """The sale of a financed phone, as far as a line tells it."""

    number: str
    customer: str


def _sales(ids: set[str]) -> dict[str, SoldOn]:
    query = (
        select(SaleSummary.sale_id, SaleSummary.number, Customer.name)
        .outerjoin(Customer, Customer.id == SaleSummary.customer_id)
        .where(SaleSummary.sale_id.in_(ids))
    )
    return {row[0]: SoldOn(row[1], row[2] or "") for row in g.ctx.session.execute(query)} if ids else {}


def _file_rows(view: FinancierView) -> list[list[Any]]:
    sales = _sales({row.sale_id for row in view.phones if row.sale_id})

    def told(phone: Receivable) -> list[Any]:
        sale = sales.get(phone.sale_id or "")
        return [view.financier.name, phone.imei, sale.number if sale else None, sale.customer if sale else None,
                phone.reference, phone.since, plain_amount(phone.open_minor)]  # fmt: skip

    return [told(phone) for phone in view.phones]
