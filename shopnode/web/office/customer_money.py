"""Customers' money: what they pay and for which charges, store credit and points, statements, and who owes.

Money moves at a shop's counter only; the portal looks on, sets limits and corrects.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.models import Account
from shopnode.domain.accounts.queries import (
    Debtor,
    Statement,
    balances,
    due_soon,
    entries_of,
    statement,
    today_of,
    who_owes,
)
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.exports import ROWS_MAX
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customer_edit import asked_amount
from shopnode.web.office.customers import (
    ENTRY_WORDS,
    METHODS,
    customer_crumbs,
    customer_page,
    entry_row,
    kept_customer,
    shown_phone,
)
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id, read_form
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

PAYMENT_FIELDS = {"amount", "method", "reference", "note"}
ACCOUNT_FIELDS = {"amount", "method", "reference", "note", "reason", "deed", "approver_id", "approver_pin"}
DUE_DAYS = 7
AGES = ("Not due yet", "Due up to 30 days", "31 to 60 days", "61 to 90 days", "Older")
ACCOUNTS = [("", "all accounts"), ("credit", "what they owe"), ("store_credit", "store credit"), ("points", "points")]
# What can be done with an account by hand: the form's word, the action, and what the person reads.
DEEDS = {
    "gift": ("accounts.sell_store_credit", "They pay money in for later (gift card)"),
    "use": ("accounts.use_store_credit", "Store credit pays what they owe"),
    "out": ("accounts.pay_out_store_credit", "Pay store credit out"),
}  # fmt: skip
CORRECTIONS = [("credit", "what they owe"), ("store_credit", "store credit"), ("points", "points")]


@bp.post("/customers/<id:customer_id>/payments")
def take_customer_payment(customer_id: str) -> ResponseReturnValue:
    """They pay what they owe: the ticked charges first, then the oldest."""
    typed = posted()
    chosen = request.form.getlist("charge_id")
    kept: dict[str, Any] = {**typed, "ticked": chosen}
    on_refusal(lambda error: customer_page(customer_id, field_errors(error, PAYMENT_FIELDS), kept))
    form: dict[str, Any] = {name: read_form(typed, money=("amount",)).get(name) for name in PAYMENT_FIELDS}
    form = {name: value or None for name, value in form.items()}
    form |= {"customer_id": customer_id, "charge_ids": chosen}
    done = act("accounts.take_payment", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer", customer_id=customer_id, slip=done.result["number"]), 303)


@bp.get("/customers/<id:customer_id>/account")
def customer_account(customer_id: str) -> str:
    """Everything on their accounts, line by line, and what can be done with it."""
    return _account_page(customer_id)


@bp.post("/customers/<id:customer_id>/account")
def write_customer_account(customer_id: str) -> ResponseReturnValue:
    """Take money in for later, use store credit, or pay it out."""
    typed = posted()
    on_refusal(lambda error: _account_page(customer_id, error, typed))
    deed = typed.get("deed", "")
    if deed not in DEEDS:
        raise Invalid({"deed": "must be chosen"})
    form: dict[str, Any] = {"customer_id": customer_id, "amount": asked_amount(typed, "amount")}
    if deed != "use":
        form |= {name: typed.get(name) or None for name in ("method", "reference", "note")}
    act(DEEDS[deed][0], form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.customer_account", customer_id=customer_id), 303)


@bp.post("/customers/<id:customer_id>/corrections")
def correct_customer_account(customer_id: str) -> ResponseReturnValue:
    """Put an account right by an entry of its own, with the reason."""
    typed = posted()
    on_refusal(lambda error: _account_page(customer_id, error, {**typed, "open": "correct"}, on="c-"))
    amount = asked_amount(typed, "amount")
    form = {
        "customer_id": customer_id, "account": typed.get("account", ""), "reason": typed.get("reason", ""),
        "amount": -amount if typed.get("way") == "less" else amount,
    }  # fmt: skip
    if g.ctx.shop_id is None:
        form["shop_id"] = typed.get("shop_id", "")
    act("accounts.correct", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.customer_account", customer_id=customer_id), 303)


def _account_page(
    customer_id: str, error: ShopError | None = None, typed: dict[str, str] | None = None, on: str = ""
) -> str:
    row, typed = kept_customer(customer_id), typed or {}
    chosen = request.args.get("account", "")
    chosen = chosen if chosen in dict(ACCOUNTS) else ""
    cursor = request.args.get("cursor") if request.method == "GET" else None
    found = entries_of(g.ctx.session, row.id, account=Account(chosen) if chosen else None, cursor=cursor)
    here = url_for("office.customer_account", customer_id=row.id)
    asked: dict[str, Any] = {"account": chosen} if chosen else {}
    onward = {"customer_id": row.id, **asked, "cursor": found.next_cursor}
    next_url = url_for("office.customer_account", **onward) if found.next_cursor else None
    values: dict[str, Any] = {"entries": [entry_row(entry) for entry in found.rows], "next_url": next_url}
    if cursor:
        return part("office/_entry_rows.html", **values)
    if is_htmx():
        return part("office/_entries.html", **values)
    has, is_shop = balances(g.ctx.session, row.id), g.ctx.home.is_shop
    possible = ["gift", *(["use"] if has.store_credit_minor > 0 and has.owes_minor > 0 else []),
                *(["out"] if has.store_credit_minor > 0 else [])]  # fmt: skip
    errors = field_errors(error, ACCOUNT_FIELDS) if error else {}
    return page(
        "office/customer_account.html", who=row, phone=shown_phone(row), has=has, here=here, accounts=ACCOUNTS,
        chosen=chosen, deeds=[(deed, DEEDS[deed][1]) for deed in possible], methods=METHODS, corrections=CORRECTIONS,
        may_collect=is_shop and g.ctx.may(Permission.ACCOUNTS_COLLECT) and row.erased_at is None,
        may_correct=g.ctx.may(Permission.CUSTOMERS_CREDIT) and row.erased_at is None, shops=_shops(),
        approvers=second_people(error, typed) if error else [], errors=errors, wrong_form=on, typed=typed,
        crumbs=customer_crumbs(row, ("Account", None)), **values,
    )  # fmt: skip


def _shops() -> list[tuple[str, str]]:
    """Whose books a correction may stand in, where no shop is meant by the home."""
    from shopnode.domain.people.queries import all_shops

    return [] if g.ctx.shop_id else [(shop.id, shop.name) for shop in all_shops(g.ctx.session)]


@bp.get("/customers/<id:customer_id>/statement")
def customer_statement(customer_id: str) -> ResponseReturnValue:
    """What they owe and how it came to that, over some days; to look at, print or take along as a file."""
    row = kept_customer(customer_id)
    errors: dict[str, str] = {}
    days = {name: _day(name, errors) for name in ("from", "to")}
    if days["from"] and days["to"] and days["from"] > days["to"]:
        errors["from"], days["from"] = "Is after the last day.", None
    wanted = asked_file()
    told = statement(g.ctx, row, days["from"], days["to"], *([ROWS_MAX - 1] if wanted else []))
    if wanted is not None:
        titles = ["date", "what", "document", "due", "amount", "owed", "note"]
        return table_answer("statement", wanted, titles, _statement_rows(told))
    typed = {name: request.args.get(name, "") for name in ("from", "to")} if errors else {}
    return page(
        "office/customer_statement.html", who=row, phone=shown_phone(row), told=told, entry_words=ENTRY_WORDS,
        ages=ages(told.ageing), errors=errors, typed=typed, today=today_of(g.ctx),
        crumbs=customer_crumbs(row, ("Statement", None)),
    )  # fmt: skip


def _statement_rows(told: Statement) -> Iterator[list[Any]]:
    before = f"Owed before, with {told.left_out:,} entries of these days" if told.left_out else "Owed before"
    yield [told.from_on, before, None, None, None, plain_amount(told.opening_minor), None]
    for line in told.lines:
        yield [line.at, ENTRY_WORDS.get(line.kind, line.kind), line.number, line.due_on,
               plain_amount(line.amount_minor), plain_amount(line.balance_minor), line.note]  # fmt: skip


def _day(name: str, errors: dict[str, str]) -> date | None:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        errors[name] = "Is not a day such as 2026-11-22."
        return None


def ages(ageing: Any) -> list[tuple[str, int]]:
    """How old a debt is, in words and amounts."""
    amounts = (
        ageing.not_due_minor, ageing.days_30_minor, ageing.days_60_minor, ageing.days_90_minor, ageing.older_minor,
    )  # fmt: skip
    return list(zip(AGES, amounts, strict=True))


@bp.get("/customers/owing")
def customers_owing() -> ResponseReturnValue:
    """Who owes, the largest debt first, how old it is, and what is due this week."""
    if "due" in request.args:
        return part("office/_due_rows.html", **_due_values(request.args["due"]))
    overdue = request.args.get("state") == "overdue"
    wanted = asked_file()
    if wanted is not None:
        titles = ["name", "phone", "owes", "limit", "oldest_due", "not_due", "days_30", "days_60", "days_90", "older"]
        return table_answer("customers-owing", wanted, titles, _owing_file(overdue))
    found = who_owes(g.ctx, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"), overdue_only=overdue)
    asked: dict[str, Any] = {"state": "overdue"} if overdue else {}
    next_url = url_for("office.customers_owing", **asked, cursor=found.next_cursor) if found.next_cursor else None
    rows = [_debtor(row) for row in found.rows]
    values: dict[str, Any] = {"rows": rows, "next_url": next_url, "overdue": overdue, "filters": asked}
    if "cursor" in request.args:
        return part("office/_owing_rows.html", **values)
    if is_htmx():
        return part("office/_owing.html", **values)
    crumbs = [("Customers", url_for("office.customers")), ("Who owes", None)]
    return page("office/customers_owing.html", crumbs=crumbs, **values, **_due_values(None))


def _due_values(cursor: str | None) -> dict[str, Any]:
    """What is due within a week, so much of it as is read at once."""
    found = due_soon(g.ctx, DUE_DAYS, limit=PAGE_DEFAULT, cursor=cursor)
    due = [{"row": one, "phone": show_phone(one.phone) if one.phone else None} for one in found.rows]
    next_url = url_for("office.customers_owing", due=found.next_cursor) if found.next_cursor else None
    return {"due": due, "due_next_url": next_url, "today": today_of(g.ctx)}


def _debtor(row: Debtor) -> dict[str, Any]:
    return {"row": row, "phone": show_phone(row.phone) if row.phone else None, "ages": ages(row.ageing)}


def _owing_file(overdue: bool) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = who_owes(g.ctx, limit=PAGE_MAX, cursor=cursor, overdue_only=overdue)
        for row in found.rows:
            limit = None if row.limit_minor is None else plain_amount(row.limit_minor)
            yield [row.name, show_phone(row.phone) if row.phone else None, plain_amount(row.owes_minor), limit,
                   row.oldest_due_on, *(plain_amount(amount) for _, amount in ages(row.ageing))]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return
