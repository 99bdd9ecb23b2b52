"""Expenses: asked for, decided, paid; a receipt's photo beside them."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.accounts.queries import today_of
from shopnode.domain.errors import Invalid
from shopnode.domain.expenses.models import ExpenseStatus
from shopnode.domain.expenses.queries import ExpenseView, categories, expense_view, list_expenses, month_sums
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX
from shopnode.domain.photos.store import photo_or_none
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customers import METHODS
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import kept_photo
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

STATES = [("", "of every state"), *((state.value, state.value.lower()) for state in ExpenseStatus)]
FIELDS = {"category", "description", "amount", "payment_method", "expense_date", "receipt"}
TITLES = ["Expense", "Day", "Category", "For", "Amount", "State", "Asked by", "Asked at", "Paid at"]


@bp.get("/expenses")
def expenses() -> ResponseReturnValue:
    """What was spent or is asked for, the latest first; a new one is asked for beside it."""
    file = asked_file()
    if file is not None:
        return table_answer("expenses", file, TITLES, _file_rows(_state()))
    return _list({}, {})


@bp.post("/expenses")
def new_expense() -> ResponseReturnValue:
    """Ask for money."""
    typed = posted()
    on_refusal(lambda error: _list(field_errors(error, FIELDS), typed))
    form = {
        "category": typed.get("category", ""), "description": typed.get("description", ""),
        "amount": asked_money(typed, "amount"), "payment_method": typed.get("payment_method") or "cash",
        "expense_date": typed.get("expense_date") or None, "receipt": _photo(needed=False),
    }  # fmt: skip
    done = act("expenses.request", form, action_id=posted_action_id(typed)).result
    return redirect(url_for("office.expense", expense_id=done["expense_id"], asked=1), 303)


@bp.get("/expenses/<id:expense_id>")
def expense(expense_id: str) -> str:
    """One expense, and what can be done about it."""
    return _detail(expense_id)


@bp.post("/expenses/<id:expense_id>/approve")
def approve_expense(expense_id: str) -> ResponseReturnValue:
    """It may be paid."""
    typed = posted()
    return _change(expense_id, "approve", typed, {"reason": typed.get("reason") or None})


@bp.post("/expenses/<id:expense_id>/reject")
def reject_expense(expense_id: str) -> ResponseReturnValue:
    """It is not to be paid, and why."""
    typed = posted()
    return _change(expense_id, "reject", typed, {"reason": typed.get("reason", "")})


@bp.post("/expenses/<id:expense_id>/pay")
def pay_expense(expense_id: str) -> ResponseReturnValue:
    """Pay it, out of the drawer, a wallet or the bank."""
    typed = posted()
    return _change(expense_id, "pay", typed, {name: typed.get(name) or None for name in ("method", "reference")})


@bp.post("/expenses/<id:expense_id>/withdraw")
def withdraw_expense(expense_id: str) -> ResponseReturnValue:
    """Take back what one asked for; an owner takes anybody's off the list."""
    is_mine = expense_view(g.ctx, expense_id).row.created_by == g.ctx.actor.id
    return _change(expense_id, "withdraw" if is_mine else "remove", posted(), {})


@bp.post("/expenses/<id:expense_id>/receipt")
def add_expense_receipt(expense_id: str) -> ResponseReturnValue:
    """Add the receipt's photo."""
    typed = posted()
    on_refusal(lambda error: _detail(expense_id, "receipt", field_errors(error, FIELDS), typed))
    act("expenses.add_receipt", {"expense_id": expense_id, "receipt": _photo()}, action_id=posted_action_id(typed))
    return redirect(url_for("office.expense", expense_id=expense_id), 303)


@bp.get("/expenses/<id:expense_id>/receipt/<name>")
def expense_receipt(expense_id: str, name: str) -> Response:
    """The photo itself, while it is this expense's."""
    row = expense_view(g.ctx, expense_id).row
    return kept_photo(name if row.photo == name else None)


def _change(expense_id: str, what: str, typed: dict[str, str], form: Mapping[str, Any]) -> ResponseReturnValue:
    on_refusal(lambda error: _detail(expense_id, what, field_errors(error, {"reason", "method", "reference"}), typed))
    act(f"expenses.{what}", {"expense_id": expense_id, **form}, action_id=posted_action_id(typed))
    return redirect(url_for("office.expense", expense_id=expense_id), 303)


def _list(errors: dict[str, str], typed: Mapping[str, str]) -> str:
    state = _state()
    found = list_expenses(g.ctx, status=state, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    filters: dict[str, Any] = {"state": state.value} if state else {}
    next_url = url_for("office.expenses", cursor=found.next_cursor, **filters) if found.next_cursor else None
    values = {
        "rows": found.rows, "people": names_of(g.ctx.session, known_ids(*(view.row.created_by for view in found.rows))),
        "shops": shop_names(), "next_url": next_url,
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_expense_rows.html", **values)
    sees_all = g.ctx.may(Permission.EXPENSES_READ_ALL)
    today = today_of(g.ctx)
    return page(
        "office/expenses.html", states=STATES, state=state.value if state else "", filters=filters, errors=errors,
        typed=typed, may_ask=g.ctx.home.is_shop and g.ctx.may(Permission.EXPENSES_CREATE), methods=METHODS,
        categories=categories(g.ctx.session), today=today, sums=month_sums(g.ctx, today) if sees_all else [],
        sees_all=sees_all, crumbs=[("Expenses", None)], **values,
    )  # fmt: skip


def _file_rows(state: ExpenseStatus | None) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_expenses(g.ctx, status=state, limit=PAGE_MAX, cursor=cursor)
        names = names_of(g.ctx.session, known_ids(*(view.row.created_by for view in found.rows)))
        for view in found.rows:
            row = view.row
            yield [row.number, row.expense_on, row.category, row.description, plain_amount(row.amount_minor),
                   view.status.value, names.get(row.created_by or "", ""), row.created_at, row.paid_at]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _detail(
    expense_id: str, what: str = "", errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> str:
    view = expense_view(g.ctx, expense_id)
    row = view.row
    people = names_of(g.ctx.session, known_ids(row.created_by, view.by_id, row.paid_by))
    photo = photo_or_none(g.ctx.session, row.photo) if row.photo else None
    return page(
        "office/expense.html", view=view, row=row, people=people, what=what, errors=errors or {}, typed=typed or {},
        is_here=g.ctx.home.is_shop, is_mine=row.created_by == g.ctx.actor.id, methods=METHODS,
        photo_here=photo is not None, may=g.may, asked=request.args.get("asked") == "1", steps=_steps(view),
        crumbs=[("Expenses", url_for("office.expenses")), (row.number, None)],
    )  # fmt: skip


def _steps(view: ExpenseView) -> set[str]:
    """What this person can do about it here and now."""
    row, mine, here = view.row, view.row.created_by == g.ctx.actor.id, g.ctx.home.is_shop
    is_open = view.status in (ExpenseStatus.PENDING, ExpenseStatus.APPROVED, ExpenseStatus.REJECTED)
    steps = set()
    if is_open and not mine and g.ctx.may(Permission.EXPENSES_APPROVE):
        steps |= {"approve", "reject"}
        steps -= {"approve"} if view.status is ExpenseStatus.APPROVED else set()
        steps -= {"reject"} if view.status is ExpenseStatus.REJECTED else set()
    if here and view.status is ExpenseStatus.APPROVED:
        steps.add("pay")
    if here and is_open and (mine or g.ctx.may(Permission.EXPENSES_DELETE)):
        steps.add("withdraw")
    if here and row.photo is None and view.status not in (ExpenseStatus.WITHDRAWN, ExpenseStatus.REJECTED):
        steps.add("receipt")
    return steps


def _state() -> ExpenseStatus | None:
    text = request.args.get("state", "")
    return next((state for state in ExpenseStatus if state.value == text), None)


def _photo(*, needed: bool = True) -> str | None:
    """The photo that was chosen, as base64. Raises Invalid."""
    file = request.files.get("receipt")
    if file is None or not file.filename:
        if needed:
            raise Invalid({"receipt": "was not chosen"})
        return None
    content = file.stream.read(UPLOAD_BYTES_MAX + 1)
    if len(content) > UPLOAD_BYTES_MAX:
        raise Invalid({"receipt": f"is larger than {UPLOAD_BYTES_MAX // 2**20} MB; choose a smaller photo"})
    return base64.b64encode(content).decode()
