"""The day of a shop: submitted from its Z reports, reviewed, approved or rejected, locked (the seed's daily closure).

Nothing is edited. A Z that came late, or figures that were wrong, are another closure of the same day that corrects the
one before; what was decided about that one stays. Its id follows from shop, day and place, so two who close at once
close it once.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

import orjson

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.counting import as_text
from shopnode.domain.cash.queries import open_sessions
from shopnode.domain.clock import act_id
from shopnode.domain.closures.days import hindrance_of, z_reports_in
from shopnode.domain.closures.errors import DayCorrected, DayNotSo, DayStands, DrawersOpen, NothingToClose
from shopnode.domain.closures.models import ClosureDecision, ClosureDecisionKind, ClosureStatus, DayClosure, ZReport
from shopnode.domain.closures.queries import (
    ClosureView,
    closure_view,
    decisions_known,
    latest_of_day,
    z_reports_of_day,
)
from shopnode.domain.closures.rules import MAY_FOLLOW, day_figures
from shopnode.domain.context import Context
from shopnode.domain.errors import NotPermitted
from shopnode.domain.homes import Where
from shopnode.domain.params import Amount, IdText, Note, Optionally, Params, Reason
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.days import Day


class SubmitDay(Params):
    """The day whose drawers were counted."""

    business_on: Day
    notes: Annotated[Note | None, Optionally] = None


class CorrectDay(Params):
    """What a closure should have said, and why. What is left out stays as its Z reports have it."""

    closure_id: IdText
    reason: Reason
    notes: Annotated[Note | None, Optionally] = None
    cash_amount: Amount | None = None
    mtn_amount: Amount | None = None
    airtel_amount: Amount | None = None
    card_amount: Amount | None = None
    bank_transfer: Amount | None = None
    other_amount: Amount | None = None


class DecideDay(Params):
    """A decision about a closure."""

    closure_id: IdText
    reason: Annotated[Reason | None, Optionally] = None


class RejectDay(Params):
    """Why a closure is not right."""

    closure_id: IdText
    reason: Reason


@action("closures.submit", needs=Permission.CLOSURES_CREATE)
def submit_day(ctx: Context, day: SubmitDay) -> dict[str, Any]:
    """Submit a day as its Z reports add up; a day that was closed before is corrected by what came late.

    Raises DrawersOpen, NothingToClose, DayStands.
    """
    assert ctx.shop_id is not None
    still_open = [row for row in open_sessions(ctx.session, ctx.shop_id) if row.business_on == day.business_on]
    if still_open:
        raise DrawersOpen(day.business_on, len(still_open))
    before = latest_of_day(ctx.session, ctx.shop_id, day.business_on)
    reports = z_reports_of_day(ctx.session, ctx.shop_id, day.business_on)
    if not reports:
        raise NothingToClose(day.business_on)
    if before is not None and before.status is not ClosureStatus.REJECTED and not before.late_z_numbers:
        raise DayStands(day.business_on, before.status)
    return _write(ctx, day.business_on, reports, before, notes=day.notes)


@action("closures.update", needs=Permission.CLOSURES_UPDATE)
def correct_day(ctx: Context, told: CorrectDay) -> dict[str, Any]:
    """Correct a day's closure: another one takes its place, with what was found and why.

    Raises DayNotSo, DayCorrected.
    """
    before = _latest(ctx, told.closure_id)
    if before.status in (ClosureStatus.APPROVED, ClosureStatus.LOCKED):
        raise DayNotSo(before.row.business_on, before.status)
    named = {
        "cash_minor": told.cash_amount, "mtn_minor": told.mtn_amount, "airtel_minor": told.airtel_amount,
        "card_minor": told.card_amount, "bank_minor": told.bank_transfer, "other_minor": told.other_amount,
    }  # fmt: skip
    restated = {name: amount for name, amount in named.items() if amount is not None}
    reports = z_reports_of_day(ctx.session, before.row.shop_id, before.row.business_on)
    notes = told.notes if told.notes is not None else before.row.notes
    return _write(ctx, before.row.business_on, reports, before, notes=notes, restated=restated, reason=told.reason)


@action("closures.review", needs=Permission.CLOSURES_REVIEW, where=Where.ANYWHERE)
def review_day(ctx: Context, about: DecideDay) -> dict[str, Any]:
    """Say that a day's closure was looked through. Nobody reviews their own. Raises DayNotSo, NotPermitted."""
    view = _latest(ctx, about.closure_id)
    _refuse_own(ctx, view)
    return _decide(ctx, view, ClosureDecisionKind.REVIEW, about.reason)


@action("closures.approve", needs=Permission.CLOSURES_APPROVE, where=Where.ANYWHERE)
def approve_day(ctx: Context, about: DecideDay) -> dict[str, Any]:
    """Approve a day: all its drawers are in it, and each large difference was accepted.

    Raises DayNotSo, DayCorrected, ReportsMissing, LateReports, DifferenceWaits, ApprovalNeeded, NotPermitted.
    """
    view = _latest(ctx, about.closure_id)
    _refuse_own(ctx, view)
    hindrance = hindrance_of(view, z_reports_in(ctx.session, [view])[view.row.id])
    if hindrance is not None:
        raise hindrance
    _ask_owner(ctx, view)
    return _decide(ctx, view, ClosureDecisionKind.APPROVE, about.reason)


@action("closures.reject", needs=Permission.CLOSURES_APPROVE, where=Where.ANYWHERE)
def reject_day(ctx: Context, about: RejectDay) -> dict[str, Any]:
    """Reject a day's closure, with the reason: it stays, and the day is submitted again.

    Raises DayNotSo, DayCorrected, NotPermitted.
    """
    view = _latest(ctx, about.closure_id)
    _refuse_own(ctx, view)
    return _decide(ctx, view, ClosureDecisionKind.REJECT, about.reason)


@action("closures.withdraw", needs=Permission.CLOSURES_DELETE, where=Where.ANYWHERE)
def withdraw_day(ctx: Context, about: RejectDay) -> dict[str, Any]:
    """Take a day's closure back, with the reason: it is rejected and stays, nothing is deleted. Raises DayNotSo."""
    return _decide(ctx, _latest(ctx, about.closure_id), ClosureDecisionKind.REJECT, about.reason)


@action("closures.lock", needs=Permission.CLOSURES_APPROVE, where=Where.ANYWHERE)
def lock_day(ctx: Context, about: DecideDay) -> dict[str, Any]:
    """Lock a day that was approved: only what comes late is added to it.

    Raises DayNotSo, DayCorrected, NotPermitted.
    """
    view = _latest(ctx, about.closure_id)
    _refuse_own(ctx, view)
    return _decide(ctx, view, ClosureDecisionKind.LOCK, about.reason)


def _latest(ctx: Context, closure_id: str) -> ClosureView:
    """A closure that none of the same day has replaced. Raises NotFound, DayCorrected."""
    view = closure_view(ctx, closure_id)
    if not view.is_latest:
        raise DayCorrected(view.row.business_on)
    return view


def _refuse_own(ctx: Context, view: ClosureView) -> None:
    """Whoever submitted a day decides nothing about it; an owner may, there is nobody above."""
    if ctx.actor.role is not Role.OWNER and ctx.actor.id == view.row.by_id:
        raise NotPermitted("Nobody decides about their own. Another person looks through this day.")


def _size(view: ClosureView) -> int:
    """How far a day is off, its drawers each by themselves."""
    return max(abs(view.row.variance_minor), sum(int(told["size"]) for told in view.body["z_reports"]))


def _ask_owner(ctx: Context, view: ClosureView) -> None:
    """A day that is off by more than a supervisor accepts is approved by the owner. Raises ApprovalNeeded."""
    size = _size(view)
    if ctx.actor.role is not Role.OWNER and size > number_setting(ctx.session, "variance_limit_supervisor_minor"):
        ctx.require_approval(f"This day is off by {size:,}.", enough=lambda role: role is Role.OWNER)


def _decide(ctx: Context, view: ClosureView, kind: ClosureDecisionKind, reason: str | None) -> dict[str, Any]:
    if kind not in MAY_FOLLOW[view.status]:
        raise DayNotSo(view.row.business_on, view.status)
    row = {
        "id": ctx.new_id(), "closure_id": view.row.id, "shop_id": view.row.shop_id, "kind": kind.value,
        "reason": reason, "at": ctx.now, "by_id": ctx.actor.id,
        "nth": decisions_known(ctx.session, view.row.id) + 1,
    }  # fmt: skip
    insert_rows(ctx.session, ClosureDecision, [row])
    ctx.about("day_closure", view.row.id)
    return {"closure_id": view.row.id, "status": MAY_FOLLOW[view.status][kind].value}


def _write(
    ctx: Context, day: date, reports: list[ZReport], before: ClosureView | None, *, notes: str | None,
    restated: dict[str, int] | None = None, reason: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    assert ctx.shop_id is not None
    bodies = [orjson.loads(report.body) for report in reports]
    figures, expected = day_figures(bodies)
    figures = replace(figures, **(restated or {}))
    nth = before.row.nth + 1 if before else 1
    row: dict[str, Any] = {
        "id": act_id("day-closure", ctx.shop_id, day.isoformat(), str(nth)), "shop_id": ctx.shop_id,
        "business_on": day, "nth": nth, "corrects_id": before.row.id if before else None, **asdict(figures),
        "collected_minor": figures.collected_minor, "expected_minor": expected.collected_minor,
        "variance_minor": figures.collected_minor - expected.collected_minor,
        "body": as_text(_body(reports, bodies, restated, reason)), "notes": notes,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, DayClosure, [row])
    ctx.about("day_closure", row["id"])
    return {
        "closure_id": row["id"], "nth": nth, "collected": figures.collected_minor,
        "expected": expected.collected_minor,
        "variance": row["variance_minor"], "z_reports": [report.number for report in reports],
    }  # fmt: skip


def _body(
    reports: list[ZReport], bodies: list[dict[str, Any]], restated: dict[str, int] | None, reason: str | None
) -> dict[str, Any]:  # fmt: skip
    return {
        "z_reports": [
            {
                "id": report.id, "number": report.number, "drawer_session_id": report.drawer_session_id,
                "till": report.till, "difference": report.difference_minor, "collected": body["collected"],
                "is_within_limit": body["is_within_limit"], "size": body["size"], "floats": body["floats"],
            }
            for report, body in zip(reports, bodies, strict=True)
        ],
        "sales": {name: sum(body["sales"][name] for body in bodies) for name in ("count", "total", "undone")},
        "no_sales": sum(len(body["no_sales"]) for body in bodies),
        "collected": sum(body["collected"] for body in bodies),
        "restated": restated or {}, "reason": reason,
    }  # fmt: skip


def _figures(ctx: Context, about: DecideDay) -> tuple[int, str]:
    """What the owner is told over the telephone: how far it is off, and which day it is."""
    view = closure_view(ctx, about.closure_id)
    return _size(view), f"{view.row.business_on}"


register_figures("closures.approve", _figures)
