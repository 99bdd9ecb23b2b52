"""Who was here and when: clocking in and out for oneself, and everybody's hours for who looks after the staff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.attendance.queries import (
    StretchView,
    here_now,
    hours_of,
    list_attendance,
    list_corrections,
    my_open_stretch,
)
from shopnode.domain.errors import Invalid
from shopnode.domain.paging import PAGE_DEFAULT, PAGE_MAX, Page
from shopnode.domain.people.queries import staff_list
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.office.lines import shop_names
from shopnode.web.office.periods import asked_period, days_of, periods
from shopnode.web.office.spreadsheets import asked_file, table_answer
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.look import ID
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STEPS = {"come": "attendance.come", "go": "attendance.go"}
TITLES = ["Day", "Person", "Came", "Went", "Minutes", "Corrected", "Forgot to go"]


@bp.get("/attendance")
def attendance() -> ResponseReturnValue:
    """Stretches of work, the latest first; one's own to who may not see the staff."""
    file = asked_file()
    if file is not None:
        return table_answer("attendance", file, TITLES, _file_rows(*days_of(asked_period()), asked_person()))
    return _screen()


@bp.post("/attendance")
def clock_step() -> ResponseReturnValue:
    """Come or go, by the shop's clock."""
    typed = posted()
    on_refusal(lambda error: _screen(field_errors(error)))
    if typed.get("step") not in STEPS:
        raise Invalid({"step": "is needed"})
    act(STEPS[typed["step"]], {}, action_id=posted_action_id(typed))
    return redirect(url_for("office.attendance"), 303)


def asked_person() -> str | None:
    """Whose times the address asks for; None for everybody's."""
    text = request.args.get("staff_id", "")
    return text if re.fullmatch(ID, text) else None


def people_choices() -> list[tuple[str, str]]:
    """Everybody, for a filter; nobody to choose from for who sees their own alone."""
    if not g.ctx.may(Permission.STAFF_READ):
        return []
    return [("", "everybody"), *((one.id, one.name) for one in staff_list(g.ctx.session))]


def _screen(errors: dict[str, str] | None = None) -> str:
    ctx, period, staff_id = g.ctx, asked_period(), asked_person()
    since, until = days_of(period)
    found = _stretches(since, until, staff_id, PAGE_DEFAULT, request.args.get("cursor"))
    filters: dict[str, Any] = {"period": period, "staff_id": staff_id or ""}
    next_url = url_for("office.attendance", cursor=found.next_cursor, **filters) if found.next_cursor else None
    values: dict[str, Any] = {"rows": found.rows, "next_url": next_url, "shops": shop_names(), "sees_all": _sees_all(),
                              "at_shop": ctx.home.is_shop}  # fmt: skip
    if "cursor" in request.args and request.method == "GET":
        return part("office/_attendance_rows.html", **values)
    hours = [one for one in hours_of(ctx, since, until, ctx.shop_id) if staff_id in (None, one.staff_id)]
    values |= {"hours": hours, "filters": filters, "period": period}
    if is_htmx():
        return part("office/_attendance.html", **values)
    waiting = list_corrections(ctx, open_only=True, limit=PAGE_DEFAULT)
    return page(
        "office/attendance.html", periods=periods(), people=people_choices(), staff_id=staff_id or "",
        mine=my_open_stretch(ctx) if ctx.home.is_shop else None, may_clock=ctx.home.is_shop,
        here=here_now(ctx, ctx.shop_id) if values["sees_all"] else [], waiting=len(waiting.rows), errors=errors or {},
        crumbs=[("Hours", None)], **values,
    )  # fmt: skip


def _sees_all() -> bool:
    return bool(g.ctx.may(Permission.STAFF_READ))


def _stretches(since: date, until: date, staff_id: str | None, limit: int, cursor: str | None) -> Page[StretchView]:
    return list_attendance(g.ctx, staff_id=staff_id, since=since, until=until, limit=limit, cursor=cursor)


def _file_rows(since: date, until: date, staff_id: str | None) -> Iterator[list[Any]]:
    cursor: str | None = None
    while True:
        found = _stretches(since, until, staff_id, PAGE_MAX, cursor)
        for row in found.rows:
            yield [row.business_on, row.name, row.came_at, row.went_at, row.minutes,
                   *("yes" if on else "" for on in (row.is_corrected, row.is_forgotten))]  # fmt: skip
        cursor = found.next_cursor
        if cursor is None:
            return
