"""Z reports with every figure they hold, and the X of a drawer that is open: read, printed, taken as PDF.

A difference beyond the limit is explained here, and accepted by a second person, also days later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.documents.drawer_papers import drawer_letter
from shopnode.documents.letter_pdf import letter_pdf
from shopnode.domain.cash.differences import waits
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import forgotten_sessions, open_sessions
from shopnode.domain.cash.reading import find_session, find_z, x_report
from shopnode.domain.closures.models import ZReport
from shopnode.domain.closures.queries import closure_with, list_z_reports
from shopnode.domain.errors import ShopError
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX
from shopnode.domain.people.queries import names_of, staff_of_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.drawer_papers import x_paper, z_paper
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.office.sales import plain_amount
from shopnode.web.office.second import asked_approval, second_people
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

SHOWN = [("", "of every drawer"), ("off", "with a difference")]
TITLES = ["Z report", "Day", "Till", "Cash expected", "Cash counted", "Difference", "Since the first Z", "Closed by",
          "Closed at"]  # fmt: skip
FIELDS = {"explanation", "charge_to", "charge", "approver_id", "approver_pin"}


@bp.get("/z-reports")
def z_reports() -> ResponseReturnValue:
    """Z reports, the latest first; the drawers that are open now stand above them."""
    only_off = request.args.get("show") == "off"
    file = asked_file()
    if file is not None:
        shops = shop_names()
        titles = ["Shop", *TITLES] if shops else TITLES
        return table_answer("z-reports", file, titles, _file_rows(only_off, shops))
    found = list_z_reports(g.ctx, only_off=only_off, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    filters: dict[str, Any] = {"show": "off"} if only_off else {}
    next_url = url_for("office.z_reports", cursor=found.next_cursor, **filters) if found.next_cursor else None
    people = names_of(g.ctx.session, known_ids(*(row.by_id for row in found.rows)))
    values = {"rows": found.rows, "people": people, "shops": shop_names(), "next_url": next_url, "filters": filters}
    if "cursor" in request.args:
        return part("office/_z_report_rows.html", **values)
    if is_htmx():
        return part("office/_z_reports.html", **values)
    return page(
        "office/z_reports.html", shown=SHOWN, open_drawers=_open_drawers(), crumbs=[("Z reports", None)], **values
    )


@bp.get("/z-reports/<id:z_report_id>")
def z_report(z_report_id: str) -> str:
    """One Z, whole."""
    return _detail(z_report_id)


@bp.get("/z-reports/<id:z_report_id>/paper.pdf")
def z_report_pdf(z_report_id: str) -> Response:
    """One Z on A4."""
    paper = z_paper(g.ctx, z_report_id)
    return _pdf(letter_pdf(drawer_letter(paper)), paper.number)


@bp.post("/z-reports/<id:z_report_id>/accept")
def accept_z_report(z_report_id: str) -> ResponseReturnValue:
    """Why the drawer was off, accepted by a second person; what was missing may be owed by somebody."""
    typed = posted()
    on_refusal(lambda error: _detail(z_report_id, error, typed))
    row = find_z(g.ctx, z_report_id)
    form: dict[str, Any] = {
        "drawer_session_id": row.drawer_session_id, "explanation": typed.get("explanation", "").strip(),
    }  # fmt: skip
    if typed.get("charge_to"):
        form |= {"charge_to": typed["charge_to"], "charge": asked_money(typed, "charge")}
    act("cash.accept_difference", form, action_id=posted_action_id(typed), approval=asked_approval(typed))
    return redirect(url_for("office.z_report", z_report_id=z_report_id), 303)


@bp.get("/x-reports/<id:drawer_id>")
def x_report_now(drawer_id: str) -> str:
    """An X: what a drawer came to so far. Reading it changes nothing."""
    found = x_report(g.ctx, drawer_id)
    return page(
        "office/x_report.html", drawer=found.drawer, found=found, paper=x_paper(g.ctx, drawer_id),
        shop_prints=_prints(), crumbs=[("Z reports", url_for("office.z_reports")), ("X report", None)],
    )  # fmt: skip


@bp.get("/x-reports/<id:drawer_id>/paper.pdf")
def x_report_pdf(drawer_id: str) -> Response:
    """An X on A4."""
    find_session(g.ctx, drawer_id)
    return _pdf(letter_pdf(drawer_letter(x_paper(g.ctx, drawer_id))), "X")


def _detail(z_report_id: str, error: ShopError | None = None, typed: Mapping[str, str] | None = None) -> str:
    row = find_z(g.ctx, z_report_id)
    drawer = find_row(g.ctx.session, DrawerSession, row.drawer_session_id, "This drawer session")
    body, typed = orjson.loads(row.body), typed or {}
    is_here = g.ctx.shop_id == row.shop_id
    may_explain = is_here and waits(drawer, body) and g.ctx.may(Permission.CLOSURES_CREATE)
    staff = staff_of_shop(g.ctx.session, row.shop_id) if may_explain and row.difference_minor < 0 else []
    names = names_of(g.ctx.session, known_ids(drawer.approved_by))
    return page(
        "office/z_report.html", row=row, drawer=drawer, paper=z_paper(g.ctx, z_report_id), body=body,
        shop_name=shop_names().get(row.shop_id, ""), waits=waits(drawer, body), may_explain=may_explain,
        staff=[("", "Nobody"), *((person.id, person.name) for person in staff)] if staff else [],
        accepted_by=names.get(drawer.approved_by or "", ""), closure=closure_with(g.ctx, row), shop_prints=_prints(),
        errors=field_errors(error, FIELDS) if error else {}, typed=typed,
        approvers=second_people(error, typed) if error else [],
        crumbs=[("Z reports", url_for("office.z_reports")), (row.number, None)],
    )  # fmt: skip


def _open_drawers() -> list[dict[str, Any]]:
    """The drawers that are open now, in this shop or, in the portal, in all of them."""
    shops = shop_names()
    rows = open_sessions(g.ctx.session, g.ctx.shop_id)
    forgotten = {row.id for row in forgotten_sessions(g.ctx.session, g.ctx.shop_id, g.ctx.now)} if rows else set()
    people = names_of(g.ctx.session, known_ids(*(row.cashier_id or row.opened_by for row in rows)))
    return [
        {"id": row.id, "till": row.till, "cashier": people.get(row.cashier_id or row.opened_by or "", ""),
         "opened_at": row.opened_at, "is_forgotten": row.id in forgotten, "shop": shops.get(row.shop_id, "")}
        for row in rows
    ]  # fmt: skip


def _file_rows(only_off: bool, shops: Mapping[str, str]) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = list_z_reports(g.ctx, only_off=only_off, limit=PAGE_MAX, cursor=cursor)
        names = names_of(g.ctx.session, known_ids(*(row.by_id for row in found.rows)))
        for row in found.rows:
            yield [*([shops.get(row.shop_id, "")] if shops else []), *_file_row(row), names.get(row.by_id or "", ""),
                   row.at]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return


def _file_row(row: ZReport) -> list[Any]:
    amounts = (row.expected_minor, row.counted_minor, row.difference_minor, row.since_inception_minor)
    return [row.number, row.business_on, row.till, *map(plain_amount, amounts)]


def _prints() -> bool:
    return bool(g.ctx.home.is_shop and g.ctx.may(Permission.PRINTERS_USE))


def _pdf(pdf: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(pdf, content_type="application/pdf", headers=headers)
