"""Corrections of hours: asked for by who was there, decided by somebody else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.domain.attendance.queries import find_stretch, list_corrections
from shopnode.domain.errors import Invalid
from shopnode.domain.people.queries import staff_list
from shopnode.domain.permissions import Permission
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import manner, page, part
from shopnode.web.ui.look import ID
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

STATES = [("", "that wait"), ("all", "in any state")]
FIELDS = ("staff_id", "came_at", "went_at", "reason")
LOCAL = "%Y-%m-%dT%H:%M"  # as a browser writes an instant without its zone


@bp.get("/attendance/corrections")
def attendance_corrections() -> str:
    """Corrections, the latest first; one's own to who may not see the staff."""
    return _list()


@bp.post("/attendance/corrections/<id:correction_id>")
def decide_attendance(correction_id: str) -> ResponseReturnValue:
    """Accept a correction of somebody else's, or refuse it."""
    typed = posted()
    on_refusal(lambda error: _list(field_errors(error)))
    form = {"correction_id": correction_id, "outcome": typed.get("outcome", "")}
    act("attendance.decide_correction", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.attendance_corrections", saved=form["outcome"]), 303)


@bp.get("/attendance/correct")
def correct_attendance() -> str:
    """Say when somebody really came and went."""
    return _form({}, {})


@bp.post("/attendance/correct")
def ask_attendance_correction() -> ResponseReturnValue:
    """Ask for it; it holds once another person accepts it."""
    typed = posted()
    on_refusal(lambda error: _form(field_errors(error, FIELDS), typed))
    form: dict[str, Any] = {
        "came_at": _instant(typed, "came_at"), "went_at": _instant(typed, "went_at", optional=True),
        "reason": typed.get("reason", ""),
    }  # fmt: skip
    form |= {name: typed[name] for name in ("staff_id", "attendance_id") if typed.get(name)}
    act("attendance.ask_correction", form, action_id=posted_action_id(typed))
    return redirect(url_for("office.attendance_corrections", saved="asked"), 303)


def _list(errors: dict[str, str] | None = None) -> str:
    state = request.args.get("state", "")
    state = state if state in dict(STATES) else ""
    cursor = request.args.get("cursor") if request.method == "GET" else None
    found = list_corrections(g.ctx, open_only=not state, cursor=cursor)
    next_url = (
        url_for("office.attendance_corrections", state=state, cursor=found.next_cursor) if found.next_cursor else None
    )
    decides = g.ctx.home.is_shop and g.ctx.may(Permission.LIMITS_APPROVE)
    values: dict[str, Any] = {
        "rows": [{"one": one, "may_decide": decides and g.ctx.actor.id not in (one.staff_id, one.asked_by)}
                 for one in found.rows],
        "next_url": next_url,
    }  # fmt: skip
    if cursor:
        return part("office/_correction_rows.html", **values)
    if is_htmx():
        return part("office/_corrections.html", **values)
    return page(
        "office/attendance_corrections.html", states=STATES, state=state, errors=errors or {},
        at_shop=g.ctx.home.is_shop,
        saved=request.args.get("saved", "") if request.method == "GET" else "",
        crumbs=[("Hours", url_for("office.attendance")), ("Corrections", None)], **values,
    )  # fmt: skip


def _form(errors: dict[str, str], typed: dict[str, str]) -> str:
    asked = typed.get("attendance_id") or request.args.get("attendance_id", "")
    stretch = find_stretch(g.ctx, asked) if re.fullmatch(ID, asked) else None
    if stretch is not None and not typed:
        typed = {"came_at": _typed(stretch.came_at), "went_at": _typed(stretch.went_at)}
    people = []
    if stretch is None and g.ctx.may(Permission.LIMITS_APPROVE):
        people = [(one.id, one.name) for one in staff_list(g.ctx.session) if one.is_active]
    return page(
        "office/attendance_correct.html", stretch=stretch, people=people, errors=errors, typed=typed,
        staff_id=typed.get("staff_id") or g.ctx.actor.id, now=manner().now.strftime(LOCAL),
        crumbs=[("Hours", url_for("office.attendance")), ("Correct", None)],
    )  # fmt: skip


def _typed(at: datetime | None) -> str:
    return at.astimezone(manner().zone).strftime(LOCAL) if at else ""


def _instant(typed: dict[str, str], name: str, *, optional: bool = False) -> str | None:
    """A time of the shop as it was typed, with its zone. Raises Invalid."""
    text = typed.get(name, "").strip()
    if not text and optional:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid({name: "is needed, as a day and a time" if not text else "must be a day and a time"}) from None
    return (at if at.tzinfo else at.replace(tzinfo=manner().zone)).isoformat()
