"""Phones that go back to their supplier: sent with the reason, followed, and ended as repaired, replaced, credited or
refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.buying.returned import ReturnFilter, list_returns, return_view
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.intake import phones_in
from shopnode.domain.handsets.queries import unit_by_number_or_none
from shopnode.domain.paging import ID, PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.orders import supplier_choices
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "all of them"), ("open", "still with the supplier"), ("ended", "that have ended")]
OUTCOMES = [
    ("repaired", "It is repaired and back on the shelf"), ("replaced", "Another phone came instead"),
    ("credited", "They take it off what we owe"), ("refused", "They refused: it is back, to be looked at"),
]  # fmt: skip


@bp.get("/supplier-returns")
def supplier_returns() -> ResponseReturnValue:
    """Phones that went back, the latest first."""
    words = {name: request.args.get(name, "") for name in ("state", "supplier_id")}
    words["state"] = words["state"] if words["state"] in dict(STATES) else ""
    words["supplier_id"] = words["supplier_id"] if ID.fullmatch(words["supplier_id"]) else ""
    wanted = ReturnFilter(words["supplier_id"] or None, words["state"] == "ended" if words["state"] else None)
    file = asked_file()
    if file is not None:
        titles = ["Return", "Supplier", "Phone", "Number", "Why", "Sent", "How it ended", "Ended"]
        return table_answer("sent back", file, titles, _file_rows(wanted))
    found = list_returns(g.ctx, wanted, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {name: text for name, text in words.items() if text}
    next_url = url_for("office.supplier_returns", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": found.rows, "next_url": next_url, "filters": words, "has_filters": bool(asked), "may_send": _may_send(),
        "shops": shop_names(),
    }  # fmt: skip
    if "cursor" in request.args:
        return part("office/_return_rows.html", **values)
    if is_htmx():
        return part("office/_returns.html", **values)
    suppliers = [("", "to anybody"), *((row_id, f"to {name}") for row_id, name in supplier_choices())]
    return page("office/returns_list.html", states=STATES, suppliers=suppliers, crumbs=[("Sent back", None)], **values)


def _file_rows(wanted: ReturnFilter) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_returns(g.ctx, wanted, limit=PAGE_MAX, cursor=cursor)
        for row in found.rows:
            yield [row.number, row.supplier_name, row.product_name, row.phone_number, row.reason, row.sent_at,
                   row.outcome.value if row.outcome else "with the supplier", row.ended_at]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


@bp.route("/supplier-returns/new", methods=["GET", "POST"])
def send_to_supplier() -> ResponseReturnValue:
    """Send a phone back to its supplier."""
    if request.method == "GET":
        return _sending({}, {"number": request.args.get("number", "")[:60]})
    typed = posted()
    on_refusal(lambda error: _sending(field_errors(error, {"number", "supplier_id", "reason"}), typed))
    number = typed.get("number", "").strip()
    unit = unit_by_number_or_none(g.ctx, number) if number else None
    if unit is None:
        words = "is no phone of this shop: check it, or scan it again" if number else "is needed"
        raise Invalid({"number": words})
    form = {"unit_id": unit.unit_id, "supplier_id": typed.get("supplier_id"), "reason": typed.get("reason", "")}
    done = act("suppliers.send_back", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier_return", return_id=done.result["return_id"]), 303)


@bp.get("/supplier-returns/<id:return_id>")
def supplier_return(return_id: str) -> str:
    """One phone that went back."""
    return _detail(return_id)


@bp.post("/supplier-returns/<id:return_id>/end")
def end_supplier_return(return_id: str) -> ResponseReturnValue:
    """What the supplier made of it."""
    typed = posted()
    on_refusal(lambda error: _detail(return_id, _errors(error), typed))
    outcome = typed.get("outcome", "")
    form: dict[str, Any] = {"return_id": return_id, "outcome": outcome, "note": typed.get("note")}
    if outcome == "replaced":
        phones, wrong = phones_in(typed.get("replacement", ""))
        if wrong or len(phones) != 1:
            raise Invalid({"replacement": " ".join(wrong) or "is needed: the IMEI of the one phone that came"})
        form["replacement"] = phones[0]
    if outcome == "credited":
        form["credited_minor"] = asked_money(typed, "credited_minor")
    act("suppliers.end_return", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.supplier_return", return_id=return_id), 303)


def _errors(error: ShopError) -> dict[str, str]:
    found = {name.partition(".")[0]: text for name, text in field_errors(error).items()}
    shown = {"outcome", "replacement", "credited_minor", "note", ""}
    return {name if name in shown else "": text for name, text in found.items()}


def _sending(errors: dict[str, str], typed: Mapping[str, str]) -> str:
    suppliers = [("", "Whom it came from"), *supplier_choices()] if g.ctx.may(Permission.SUPPLIERS_READ) else []
    return page(
        "office/return_new.html", suppliers=suppliers, errors=errors, typed=typed,
        crumbs=[("Sent back", url_for("office.supplier_returns")), ("Send one", None)],
    )  # fmt: skip


def _detail(return_id: str, errors: dict[str, str] | None = None, typed: Mapping[str, str] | None = None) -> str:
    view = return_view(g.ctx, return_id)
    people = names_of(g.ctx.session, known_ids(view.sent_by, view.ended_by))
    may_end = g.ctx.home.is_shop and g.ctx.shop_id == view.shop_id and g.ctx.may(Permission.SUPPLIERS_MANAGE)
    return page(
        "office/return_detail.html", sent=view, people=people, outcomes=OUTCOMES, errors=errors or {},
        typed=typed or {}, may_end=may_end and view.outcome is None,
        crumbs=[("Sent back", url_for("office.supplier_returns")), (view.number, None)],
    )  # fmt: skip


def _may_send() -> bool:
    return bool(g.ctx.home.is_shop and g.ctx.may(Permission.DEVICES_UPDATE))
