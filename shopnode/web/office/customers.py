"""Customers: found by number or name, and the page of one with what they owe, have and bought.

Changing who they are is in customer_edit.py, their money in customer_money.py, duplicates and erasing in
customer_merge.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.models import Account
from shopnode.domain.accounts.queries import balances, balances_of, entries_of, statement
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.owing import open_documents
from shopnode.domain.customers.owned import lifetime_value, owned_devices
from shopnode.domain.customers.queries import find_customer, look_alikes, search_customers
from shopnode.domain.money import format_minor
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import guess_network, show_phone
from shopnode.domain.plans.models import PlanStatus
from shopnode.domain.plans.queries import list_plans
from shopnode.domain.pricing.models import PriceList
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.queries import SaleFilter, list_sales
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.office.blueprint import bp
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.request import is_htmx

PURCHASES_SHOWN = 10
LINES_SHOWN = 8
SLIP = re.compile(r"[A-Z0-9]{2,12}-[A-Z0-9]{2,20}")
METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in Tender if tender in MONEY]
ENTRY_WORDS = {
    "charge": "Sold on account", "payment": "Paid", "refund": "Goods came back", "correction": "Corrected",
    "gift": "Paid in for later", "spent": "Spent", "paid_out": "Paid out", "earned": "Earned",
    "clawed_back": "Taken back with the goods", "expired": "Expired", "unallocated": "Came for nothing known",
}  # fmt: skip
TITLES = ["name", "phone", "email", "address", "notes", "owes", "store_credit", "points", "credit_limit", "since"]


@bp.get("/customers")
def customers() -> ResponseReturnValue:
    """Everybody who buys, with what they owe."""
    words = request.args.get("q", "").strip()[:200]
    wanted = asked_file()
    if wanted is not None:
        return table_answer("customers", wanted, TITLES, _file_rows(words))
    found = search_customers(g.ctx.session, words, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    has = balances_of(g.ctx.session, [row.id for row in found.rows])
    rows = [{"id": row.id, "name": row.name, "phone": shown_phone(row), "has": has[row.id]} for row in found.rows]
    asked: dict[str, Any] = {"q": words} if words else {}
    next_url = url_for("office.customers", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {"rows": rows, "next_url": next_url, "q": words, "filters": asked}
    if "cursor" in request.args:
        return part("office/_customer_rows.html", **values)
    if is_htmx():
        return part("office/_customers.html", **values)
    return page("office/customers_list.html", crumbs=[("Customers", None)], **values)


def _file_rows(words: str) -> Iterator[list[Any]]:
    """The list as a file; its first columns can be imported again."""
    cursor: str | None = None
    while True:
        found = search_customers(g.ctx.session, words, limit=PAGE_MAX, cursor=cursor)
        has = balances_of(g.ctx.session, [row.id for row in found.rows])
        for row in found.rows:
            own = has[row.id]
            limit = None if row.credit_limit_minor is None else plain_amount(row.credit_limit_minor)
            yield [row.name, shown_phone(row), row.email, row.address, row.notes, plain_amount(own.owes_minor),
                   plain_amount(own.store_credit_minor), own.points, limit, row.created_at]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


@bp.get("/customers/<id:customer_id>")
def customer(customer_id: str) -> str:
    """One customer."""
    return customer_page(customer_id)


def kept_customer(customer_id: str) -> Customer:
    """The customer, or the one they were merged into. Raises NotFound."""
    row = find_customer(g.ctx.session, customer_id)
    return find_customer(g.ctx.session, row.merged_into) if row.merged_into else row


def shown_phone(row: Customer) -> str | None:
    return show_phone(row.phone) if row.phone else None


def customer_crumbs(row: Customer, *more: tuple[str, None]) -> list[tuple[str, str | None]]:
    here = url_for("office.customer", customer_id=row.id) if more else None
    return [("Customers", url_for("office.customers")), (row.name, here), *more]


def customer_page(customer_id: str, errors: dict[str, str] | None = None, typed: dict[str, Any] | None = None) -> str:
    """The page of one customer; with what was typed and what is wrong with it, after a refusal."""
    session, row = g.ctx.session, kept_customer(customer_id)
    has = balances(session, row.id)
    entries = [] if row.erased_at else entries_of(session, row.id, limit=LINES_SHOWN).rows
    price_list = row_or_none(session, PriceList, row.price_list_id) if row.price_list_id else None
    slip = request.args.get("slip", "")
    return page(
        "office/customer_detail.html", who=row, phone=shown_phone(row),
        network=guess_network(row.phone) if row.phone else None, has=has, worth=lifetime_value(session, row.id),
        ageing=statement(g.ctx, row).ageing, credit_words=credit_words(row, has.owes_minor),
        price_list=price_list.name if price_list and not price_list.archived_at else None,
        entries=[entry_row(entry) for entry in entries], open_documents=open_documents(session, row.id),
        **_bought(row), devices=owned_devices(session, row.id),
        plans=list_plans(g.ctx, status=PlanStatus.OPEN, customer_id=row.id).rows,
        alike=look_alikes(session, row) if g.ctx.may(Permission.CUSTOMERS_DELETE) and not row.erased_at else [],
        may_collect=g.ctx.home.is_shop and g.ctx.may(Permission.ACCOUNTS_COLLECT) and row.erased_at is None,
        methods=METHODS, slip=slip if SLIP.fullmatch(slip) else None, saved=request.args.get("saved") == "1",
        errors=errors or {}, typed=typed or {}, crumbs=customer_crumbs(row),
    )  # fmt: skip


def credit_words(row: Customer, owes_minor: int) -> str:
    """What their credit allows now, in a sentence for whoever sells."""
    if row.credit_limit_minor is None:
        return "No credit is agreed: they buy for money, or a second person approves."
    left, currency = row.credit_limit_minor - owes_minor, currency_of(g.ctx.session)
    if left <= 0:
        return "The limit is reached: more on account needs a second person’s approval."
    return f"May buy for {format_minor(left, currency)} more on account. Above it a second person approves."


def entry_row(entry: Any) -> dict[str, Any]:
    """A line of one of the three accounts, in words."""
    return {
        "at": entry.at, "what": ENTRY_WORDS.get(entry.kind, entry.kind), "number": entry.number, "due_on": entry.due_on,
        "amount": entry.amount, "note": entry.note, "sale_id": entry.sale_id, "account": entry.account,
        "is_points": entry.account == Account.POINTS,
    }  # fmt: skip


@bp.get("/customers/<id:customer_id>/purchases")
def customer_purchases(customer_id: str) -> str:
    """More of what they bought, the latest first; as far as one sees sales."""
    return part("office/_purchase_rows.html", **_bought(kept_customer(customer_id), request.args.get("cursor")))


def _bought(row: Customer, cursor: str | None = None) -> dict[str, Any]:
    if not g.ctx.may(Permission.SALES_READ):
        return {"bought": [], "more_url": None}
    found = list_sales(g.ctx, SaleFilter(customer_id=row.id), limit=PURCHASES_SHOWN, cursor=cursor)
    onward: dict[str, Any] = {"customer_id": row.id, "cursor": found.next_cursor}
    return {
        "bought": found.rows,
        "more_url": url_for("office.customer_purchases", **onward) if found.next_cursor else None,
    }
