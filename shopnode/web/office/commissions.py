"""What people earned by selling and mending: a month of everybody, one person's statement, and money between them.

Computed from the books whenever it is shown: what came back or was undone is taken back on the day it came back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.commissions.earned import Earning, earnings
from shopnode.domain.commissions.queries import commissions_of, entries_of, owed_by, paid_to
from shopnode.domain.errors import NotFound, ShopError
from shopnode.domain.people.models import Staff
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.customers import METHODS
from shopnode.web.office.periods import asked_period, days_of, month_choices
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

TITLES = ["Person", "Earned", "Taken back", "Paid", "Due"]
LINE_TITLES = ["Day", "What for", "Number", "What", "Pieces", "Price without VAT", "Commission"]
KINDS = {"sale": "Sold", "return": "Came back", "undone": "Sale undone", "repair": "Mended"}
DEEDS = [("commission_paid", "Pay commission"), ("advance", "Give an advance"), ("repaid", "They pay back"),
         ("kept_from_pay", "Keep from their pay"), ("forgiven", "Forgive what they owe")]  # fmt: skip
ENTRY_WORDS = {"shortage": "Missing in their drawer", "advance": "Advance", "repaid": "Paid back",
               "kept_from_pay": "Kept from their pay", "commission_paid": "Commission paid",
               "forgiven": "Forgiven"}  # fmt: skip
MOVING = {"commission_paid", "advance", "repaid"}
FIELDS = {"kind", "amount", "method", "reference", "note", "approver_pin"}
LINES = 100


@bp.get("/commissions")
def commissions() -> ResponseReturnValue:
    """What everybody earned in a month; oneself to who may not see the staff."""
    period = asked_period()
    since, until = days_of(period)
    rows = commissions_of(g.ctx, since, until, g.ctx.shop_id)
    file = asked_file()
    if file is not None:
        amounts = ((row, (row.earned_minor, row.taken_back_minor, row.paid_minor, row.due_minor)) for row in rows)
        return table_answer(
            "commissions", file, TITLES, ([row.name, *map(plain_amount, sums)] for row, sums in amounts)
        )
    values: dict[str, Any] = {"rows": rows, "period": period, "filters": {"period": period}}
    if is_htmx():
        return part("office/_commissions.html", **values)
    return page("office/commissions.html", months=month_choices("in "), crumbs=[("Commissions", None)], **values)


@bp.get("/commissions/<id:staff_id>")
def commission_statement(staff_id: str) -> ResponseReturnValue:
    """One person's month, line by line, and what stands between them and the shop."""
    person = _whose(staff_id)
    file = asked_file()
    if file is not None:
        return table_answer("commission-statement", file, LINE_TITLES, map(_file_row, _lines(staff_id)))
    return _statement(person)


@bp.post("/commissions/<id:staff_id>")
def book_for_person(staff_id: str) -> ResponseReturnValue:
    """Pay a commission or an advance, take money back, keep or forgive what they owe."""
    typed, person = posted(), _whose(staff_id)
    on_refusal(lambda error: _statement(person, error, typed))
    kind = typed.get("kind", "")
    form = {
        "staff_id": staff_id, "kind": kind, "amount": asked_money(typed, "amount"), "note": typed.get("note") or None,
        "method": (typed.get("method") or "cash") if kind in MOVING else None,
        "reference": typed.get("reference") or None,
    }  # fmt: skip
    act("staff.book", form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.commission_statement", staff_id=staff_id, period=asked_period(), saved=1), 303)


def _whose(staff_id: str) -> Staff:
    """Raises NotFound, also for another person's where one may not see the staff."""
    if staff_id != g.ctx.actor.id and not g.ctx.may(Permission.STAFF_READ):
        raise NotFound("This person")
    return find_staff(g.ctx.session, staff_id)


def _lines(staff_id: str) -> list[Earning]:
    """Everything of the month, the latest first."""
    since, until = days_of(asked_period())
    return list(reversed(earnings(g.ctx, since, until, staff_id=staff_id, shop_id=g.ctx.shop_id)))


def _statement(person: Staff, error: ShopError | None = None, typed: Mapping[str, str] | None = None) -> str:
    period, found, typed = asked_period(), _lines(person.id), typed or {}
    start = request.args.get("from", "")
    first = int(start) if start.isdecimal() and len(start) <= 6 else 0
    here: dict[str, Any] = {"staff_id": person.id, "period": period}
    further: dict[str, Any] = {**here, "from": first + LINES}
    more = first + LINES < len(found)
    values: dict[str, Any] = {
        "rows": found[first : first + LINES], "kinds": KINDS,
        "next_url": url_for("office.commission_statement", **further) if more else None,
    }  # fmt: skip
    if "from" in request.args and request.method == "GET":
        return part("office/_earning_rows.html", **values)
    return page(
        "office/commission_statement.html", person=person, period=period, months=month_choices("in "), filters=here,
        sums=_sums(person.id, found), account=_account(person.id), **_booking(person, error, typed),
        saved=request.args.get("saved") == "1" and request.method == "GET",
        crumbs=[("Commissions", url_for("office.commissions", period=period)), (person.name, None)], **values,
    )  # fmt: skip


def _sums(staff_id: str, found: list[Earning]) -> dict[str, int]:
    since, until = days_of(asked_period())
    earned = sum(one.amount_minor for one in found if one.amount_minor > 0)
    back = sum(one.amount_minor for one in found if one.amount_minor < 0)
    paid = paid_to(g.ctx, staff_id, since, until, g.ctx.shop_id)
    return {"earned": earned, "back": back, "paid": paid, "due": earned + back - paid}


def _account(staff_id: str) -> dict[str, Any] | None:
    """The account between a person and the shop: the person's own, and an owner's to see."""
    if staff_id != g.ctx.actor.id and not g.ctx.may(Permission.STAFF_UPDATE):
        return None
    entries = entries_of(g.ctx.session, staff_id)
    return {"owes": owed_by(g.ctx.session, staff_id), "entries": entries.rows, "words": ENTRY_WORDS}


def _booking(person: Staff, error: ShopError | None, typed: Mapping[str, str]) -> dict[str, Any]:
    owners = [one for one in (second_people(error, typed) if error else []) if one[1].endswith(", Owner")]
    return {
        "may_book": g.ctx.home.is_shop and g.ctx.may(Permission.LIMITS_APPROVE), "deeds": DEEDS, "methods": METHODS,
        "approvers": owners, "errors": field_errors(error, FIELDS) if error else {}, "typed": typed,
    }  # fmt: skip


def _file_row(one: Earning) -> list[Any]:
    return [one.day, KINDS[one.kind], one.number, one.what, one.quantity, plain_amount(one.net_minor),
            plain_amount(one.amount_minor)]  # fmt: skip
