"""Coming and going, and corrections that a second person accepts.

Invariants:
  * One comes and goes for oneself; the clock is the shop's. What was clocked is changed by a correction alone.
  * A correction is decided by somebody else than who asked and whose it is (rule 89), once.
  * Stretches of one person never overlap.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.attendance.models import Attendance, AttendanceCorrection
from shopnode.domain.attendance.rules import STRETCH_MAX, Stretch, is_forgotten, overlapping, wrong_times
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.params import Moment
from shopnode.domain.params import IdText, Params, Reason
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.days import shop_zone


class Coming(Params):
    """Nothing is said: who comes is who is signed in, and when is now."""


class Going(Params):
    """The same for going."""


class AskCorrection(Params):
    """When somebody really came and went. Of a stretch that was clocked, or of one that was forgotten."""

    staff_id: IdText | None = None  # oneself when left out
    attendance_id: IdText | None = None
    came_at: Moment
    went_at: Moment | None = None
    reason: Reason


class DecideCorrection(Params):
    correction_id: IdText
    outcome: Literal["accepted", "refused"]


@action("attendance.come", needs=Permission.OWN_CREDENTIALS)
def come(ctx: Context, form: Coming) -> dict[str, Any]:
    """Clock in."""
    staff_id = _myself(ctx)
    here = _open_of(ctx, staff_id)
    if here is not None and not is_forgotten(here.came_at, here.went_at, ctx.now):
        raise Conflict(f"You came at {here.came_at.astimezone(shop_zone(ctx)):%H:%M} and have not gone since.")
    row = _stretch(ctx, staff_id, ctx.now, None)
    add_rows(ctx.session, row)
    ctx.about("staff", staff_id)
    return {"id": row.id}


@action("attendance.go", needs=Permission.OWN_CREDENTIALS)
def go(ctx: Context, form: Going) -> dict[str, Any]:
    """Clock out."""
    staff_id = _myself(ctx)
    here = _open_of(ctx, staff_id)
    if here is None:
        raise Conflict("You have not come yet. Ask for a correction if you forgot to say so.")
    if is_forgotten(here.came_at, here.went_at, ctx.now):
        raise Conflict("You came too long ago to go only now. Ask for a correction with the time you really went.")
    here.went_at = ctx.now
    ctx.about("staff", staff_id)
    return {"id": here.id}


@action("attendance.ask_correction", needs=Permission.OWN_CREDENTIALS)
def ask_correction(ctx: Context, form: AskCorrection) -> dict[str, Any]:
    """Say when somebody really came and went; another person accepts it or not."""
    mine = _myself(ctx)
    staff_id = find_staff(ctx.session, form.staff_id or mine).id
    if staff_id != mine and not ctx.may(Permission.LIMITS_APPROVE):
        raise NotPermitted("You may correct your own times only.")
    if form.attendance_id is not None and _find(ctx, form.attendance_id).staff_id != staff_id:
        raise Invalid({"attendance_id": "is somebody else's"})
    _check(ctx, staff_id, form.attendance_id, form.came_at, form.went_at)
    row = AttendanceCorrection(
        id=ctx.new_id(), shop_id=ctx.shop_id, staff_id=staff_id, attendance_id=form.attendance_id,
        came_at=form.came_at, went_at=form.went_at, reason=form.reason, asked_at=ctx.now, asked_by=mine,
    )  # fmt: skip
    add_rows(ctx.session, row)
    ctx.about("staff", staff_id)
    return {"id": row.id}


@action("attendance.decide_correction", needs=Permission.LIMITS_APPROVE)
def decide_correction(ctx: Context, form: DecideCorrection) -> dict[str, Any]:
    """Accept a correction or refuse it. Nobody decides one of their own times, or one they asked for."""
    row = find_row(ctx.session, AttendanceCorrection, form.correction_id, "This correction")
    if row.decided_at is not None:
        raise Conflict("This was decided already.")
    if ctx.actor.id in (row.staff_id, row.asked_by):
        raise NotPermitted("Nobody decides their own. Ask another person.")
    row.decided_at, row.decided_by, row.outcome = ctx.now, ctx.actor.id, form.outcome
    if form.outcome == "accepted":
        _check(ctx, row.staff_id, row.attendance_id, row.came_at, row.went_at)
        _carry_out(ctx, row)
    ctx.about("staff", row.staff_id)
    return {"id": row.id, "attendance_id": row.attendance_id}


def _carry_out(ctx: Context, row: AttendanceCorrection) -> None:
    if row.attendance_id is None:
        made = _stretch(ctx, row.staff_id, row.came_at, row.went_at)
        made.is_corrected = True
        add_rows(ctx.session, made)
        return
    clocked = _find(ctx, row.attendance_id)
    clocked.came_at, clocked.went_at, clocked.is_corrected = row.came_at, row.went_at, True
    clocked.business_on = row.came_at.astimezone(shop_zone(ctx)).date()


def _check(ctx: Context, staff_id: str, attendance_id: str | None, came_at: datetime, went_at: datetime | None) -> None:
    """Raises Invalid for times that cannot be, Conflict where the person was here already."""
    wrong = wrong_times(came_at, went_at, ctx.now)
    if wrong:
        raise Invalid(wrong)
    near = select(Attendance).where(
        Attendance.staff_id == staff_id, Attendance.came_at > came_at - STRETCH_MAX,
        Attendance.came_at < (went_at or came_at) + STRETCH_MAX,
    )  # fmt: skip
    others = [Stretch(row.id, row.came_at, row.went_at) for row in ctx.session.scalars(near)]
    other = overlapping(Stretch(attendance_id, came_at, went_at), others)
    if other is not None:
        zone = shop_zone(ctx)
        raise Conflict(
            f"There is a stretch from {other.came_at.astimezone(zone):%d %b %H:%M} already. Correct that one."
        )


def _stretch(ctx: Context, staff_id: str, came_at: datetime, went_at: datetime | None) -> Attendance:
    """A stretch belongs to the day it began on, also past midnight."""
    day = came_at.astimezone(shop_zone(ctx)).date()
    return Attendance(
        id=ctx.new_id(), shop_id=ctx.shop_id, staff_id=staff_id, business_on=day, came_at=came_at, went_at=went_at,
        is_corrected=False,
    )  # fmt: skip


def _open_of(ctx: Context, staff_id: str) -> Attendance | None:
    """The person's latest stretch that was not ended, here."""
    mine = select(Attendance).where(
        Attendance.staff_id == staff_id, Attendance.shop_id == ctx.shop_id, Attendance.went_at.is_(None)
    )
    return ctx.session.scalars(mine.order_by(Attendance.came_at.desc(), Attendance.id.desc()).limit(1)).first()


def _find(ctx: Context, attendance_id: str) -> Attendance:
    return find_row(ctx.session, Attendance, attendance_id, "This stretch of work")


def _myself(ctx: Context) -> str:
    if ctx.actor.id is None:
        raise NotFound("A person, to come and go,")
    return ctx.actor.id
