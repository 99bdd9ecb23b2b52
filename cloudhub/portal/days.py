"""Days of all shops: those that wait for a decision, decided here with one tap or on their own page, and those that
were off. A day is submitted, corrected and its differences explained in its shop; here one only decides.
"""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cloudhub.portal.blueprint import bp
from shopnode.domain.closures.days import (
    DayChoice,
    DayState,
    ZOfDay,
    count_days,
    hindrance_of,
    list_days,
    unsubmitted_days,
    z_reports_in,
)
from shopnode.domain.closures.queries import ClosureView
from shopnode.domain.paging import PAGE_DEFAULT
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission, Role
from shopnode.web.office.lines import known_ids, shop_names
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act

WAITING = DayChoice(DayState.WAITING)
OFF = DayChoice(DayState.OFF)


@bp.get("/days")
def days() -> str:
    """What waits for a decision, and the days that were off, the latest first."""
    return _days()


@bp.post("/days/<id:closure_id>/approve")
def approve_day(closure_id: str) -> ResponseReturnValue:
    """Approve a day that has nothing in its way."""
    typed = posted()
    on_refusal(lambda error: _days(field_errors(error)))
    act("closures.approve", {"closure_id": closure_id}, action_id=posted_action_id(typed))
    return redirect(url_for("portal.days"), 303)


def count_waiting() -> int:
    """How many days wait, for the mark beside the place."""
    return count_days(g.ctx, WAITING) if g.ctx.may(Permission.CLOSURES_READ) else 0


def _days(errors: dict[str, str] | None = None) -> str:
    found = list_days(g.ctx, OFF, limit=PAGE_DEFAULT, cursor=request.args.get("cursor"))
    next_url = url_for("portal.days", cursor=found.next_cursor) if found.next_cursor else None
    shops = shop_names()
    values: dict[str, Any] = {"rows": found.rows, "shops": shops, "next_url": next_url}
    if "cursor" in request.args:
        values["people"] = _people(found.rows, {})
        return part("office/_closure_rows.html", **values)
    waiting = list_days(g.ctx, WAITING, limit=PAGE_DEFAULT)
    reports = z_reports_in(g.ctx.session, waiting.rows)
    return page(
        "portal/days.html", waiting=[_row(view, reports[view.row.id]) for view in waiting.rows],
        has_more=waiting.next_cursor is not None, unsubmitted=unsubmitted_days(g.ctx), errors=errors or {},
        people=_people([*found.rows, *waiting.rows], reports), crumbs=[("Days", None)], **values,
    )  # fmt: skip


def _row(view: ClosureView, reports: list[ZOfDay]) -> dict[str, Any]:
    """A day that waits: what is off and how it was explained, and what is in the way of approving it."""
    hindrance = hindrance_of(view, reports)
    is_own = view.row.by_id == g.ctx.actor.id and g.ctx.actor.role is not Role.OWNER
    return {
        "view": view, "row": view.row, "hindrance": str(hindrance) if hindrance else "", "is_own": is_own,
        "explained": [one for one in reports if one.explanation],
        "may_approve": hindrance is None and not is_own and g.ctx.may(Permission.CLOSURES_APPROVE),
    }  # fmt: skip


def _people(views: list[ClosureView], reports: dict[str, list[ZOfDay]]) -> dict[str, str]:
    accepted = [one.accepted_by for found in reports.values() for one in found]
    return names_of(g.ctx.session, known_ids(*(view.row.by_id for view in views), *accepted))
