"""Attendance: clocking in and out, corrections, hours."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool, QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.attendance.actions import AskCorrection
from shopnode.domain.attendance.queries import (
    find_correction,
    here_now,
    hours_of,
    list_attendance,
    list_corrections,
)
from shopnode.domain.params import IdText
from shopnode.domain.permissions import Permission


class AttendanceQuery(Paged):
    staff_id: IdText | None = None
    since: QueryDay | None = None
    until: QueryDay | None = None


class CorrectionQuery(Paged):
    open: Annotated[QueryBool, Field(description="Those alone that nobody has decided.")] = False


class Period(BaseModel):
    """Days of the shop, both included."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    since: QueryDay
    until: QueryDay
    shop_id: IdText | None = None


class StretchOut(BaseModel):
    """From coming to going."""

    id: str
    shop_id: str
    staff_id: str
    name: str
    business_on: date
    came_at: Instant
    went_at: Instant | None
    minutes: int
    is_corrected: bool
    is_forgotten: bool = Field(description="They came so long ago that they must have gone.")


class StretchPage(BaseModel):
    items: list[StretchOut]
    next_cursor: str | None


class HereNow(BaseModel):
    items: list[StretchOut]


class CorrectionOut(BaseModel):
    """What somebody says it was, beside what was clocked."""

    id: str
    shop_id: str
    staff_id: str
    name: str
    attendance_id: str | None
    came_at: Instant
    went_at: Instant | None
    clocked_came_at: Instant | None
    clocked_went_at: Instant | None
    reason: str
    asked_at: Instant
    asked_by: str | None
    asked_by_name: str | None
    decided_at: Instant | None
    decided_by: str | None
    decided_by_name: str | None
    outcome: str | None


class CorrectionPage(BaseModel):
    items: list[CorrectionOut]
    next_cursor: str | None


class HoursOut(BaseModel):
    """What one person worked in a period."""

    staff_id: str
    name: str
    days: int
    minutes: int
    forgotten: int


class HoursList(BaseModel):
    items: list[HoursOut]


class Done(BaseModel):
    id: str


@route("POST", "/attendance/come", action="attendance.come", status=201, other_statuses=(409,))
def clock_in(call: Call) -> Done:
    """Say that one has come."""
    return Done(id=call.perform({}).result["id"])


@route("POST", "/attendance/go", action="attendance.go", other_statuses=(409,))
def clock_out(call: Call) -> Done:
    """Say that one goes."""
    return Done(id=call.perform({}).result["id"])


@route("GET", "/attendance", needs=Permission.OWN_CREDENTIALS)
def get_attendance(call: Call, query: AttendanceQuery) -> StretchPage:
    """Who was here and when, the latest first; one's own times to who may not see the staff."""
    page = list_attendance(
        call.ctx, staff_id=query.staff_id, since=query.since, until=query.until, limit=query.limit,
        cursor=query.cursor or None,
    )  # fmt: skip
    return StretchPage(items=[StretchOut(**asdict(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/attendance/here", needs=Permission.STAFF_READ)
def get_here_now(call: Call) -> HereNow:
    """Who is here now, the first who came first."""
    return HereNow(items=[StretchOut(**asdict(row)) for row in here_now(call.ctx, call.ctx.shop_id)])


@route("GET", "/attendance/hours", needs=Permission.OWN_CREDENTIALS)
def get_hours(call: Call, query: Period) -> HoursList:
    """What everybody worked in a period; oneself to who may not see the staff."""
    found = hours_of(call.ctx, query.since, query.until, query.shop_id or call.ctx.shop_id)
    return HoursList(items=[HoursOut(**asdict(row)) for row in found])


@route("GET", "/attendance/corrections", needs=Permission.OWN_CREDENTIALS)
def get_corrections(call: Call, query: CorrectionQuery) -> CorrectionPage:
    """Corrections, the latest first; one's own to who may not see the staff."""
    page = list_corrections(call.ctx, open_only=query.open, limit=query.limit, cursor=query.cursor or None)
    return CorrectionPage(items=[CorrectionOut(**asdict(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/attendance/corrections", action="attendance.ask_correction", status=201, other_statuses=(409,))
def ask_for_correction(call: Call, body: AskCorrection) -> CorrectionOut:
    """Say when somebody really came and went. It holds once another person accepts it."""
    return _correction(call, call.perform(body.model_dump(mode="json", exclude_unset=True)).result["id"])


@route(
    "POST", "/attendance/corrections/<correction_id>/accept", action="attendance.decide_correction",
    other_statuses=(409,),
)  # fmt: skip
def accept_correction(call: Call, correction_id: str) -> CorrectionOut:
    """Accept a correction of somebody else's."""
    call.perform({"correction_id": correction_id, "outcome": "accepted"})
    return _correction(call, correction_id)


@route(
    "POST", "/attendance/corrections/<correction_id>/refuse", action="attendance.decide_correction",
    other_statuses=(409,),
)  # fmt: skip
def refuse_correction(call: Call, correction_id: str) -> CorrectionOut:
    """Refuse a correction of somebody else's: what was clocked stays."""
    call.perform({"correction_id": correction_id, "outcome": "refused"})
    return _correction(call, correction_id)


def _correction(call: Call, correction_id: str) -> CorrectionOut:
    return CorrectionOut(**asdict(find_correction(call.ctx, correction_id)))
