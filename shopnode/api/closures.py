"""A shop's day: submitted from its Z reports, reviewed, approved or rejected, locked, and corrected by another."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.drawer_shapes import FloatOut
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged, Why
from shopnode.domain.closures.actions import RejectDay
from shopnode.domain.closures.models import ClosureDecisionKind, ClosureStatus
from shopnode.domain.closures.queries import ClosureView, closure_of_day, closure_view, list_closures
from shopnode.domain.errors import NotFound
from shopnode.domain.params import Amount, Note, Optionally, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import Day

NAMES = {"business_on": "closure_date"}


class ClosureIn(Params):
    """The day whose drawers were counted."""

    closure_date: Day
    notes: Annotated[Note | None, Optionally] = None


class Correction(Params):
    """What a closure should have said, and why. What is left out stays as its Z reports have it."""

    reason: Reason
    notes: Annotated[Note | None, Optionally] = None
    cash_amount: Amount | None = None
    mtn_amount: Amount | None = None
    airtel_amount: Amount | None = None
    card_amount: Amount | None = None
    bank_transfer: Amount | None = None
    other_amount: Amount | None = None


class Rejection(Params):
    reason: Reason


class ClosureQuery(Paged):
    closure_date: QueryDay | None = None


class ClosureOut(BaseModel):
    """A day's closure."""

    id: str
    shop_id: str
    closure_date: date
    nth: int = Field(description="Which closure of this day; a later one corrects those before.")
    corrects_id: str | None
    is_latest: bool
    status: ClosureStatus
    cash_amount: int = Field(description="Counted, floats taken off.")
    mtn_amount: int
    airtel_amount: int
    card_amount: int
    bank_transfer: int
    other_amount: int = Field(description="Foreign notes, at their worth.")
    total_collected: int
    expected_amount: int
    variance: int
    notes: str | None
    submitted_by: str | None
    reviewed_by: str | None
    reviewed_at: Instant | None
    approved_by: str | None
    approved_at: Instant | None
    locked_at: Instant | None
    late_z_numbers: list[str] = Field(description="Z reports of this day that came after it was submitted.")
    created_at: Instant


class ZInDay(BaseModel):
    """A Z report as it is in the day."""

    id: str
    number: str
    drawer_session_id: str
    till: str | None
    collected: int
    difference: int
    is_within_limit: bool
    floats: dict[str, FloatOut]


class DecisionOut(BaseModel):
    kind: ClosureDecisionKind
    reason: str | None
    by_id: str | None
    at: Instant


class ClosureWhole(ClosureOut):
    """A day's closure with the Z reports it is made of, and what was decided."""

    z_reports: list[ZInDay]
    sales_count: int
    sales_total: int
    no_sales: int = Field(description="How often drawers were opened without a sale.")
    restated: dict[str, int] = Field(description="Amounts that somebody corrected, by name.")
    reason: str | None = Field(description="Of the correction.")
    decisions: list[DecisionOut]


class ClosurePage(BaseModel):
    items: list[ClosureOut]
    next_cursor: str | None


@route("POST", "/closures", action="closures.submit", status=201)
def submit_closure(call: Call, body: ClosureIn) -> ClosureWhole:
    """Submit a day as its Z reports add up; a day that was closed before is corrected by what came late."""
    done = call.perform({"business_on": body.closure_date, "notes": body.notes}, names=NAMES)
    return _whole(call, done.result["closure_id"])


@route("GET", "/closures", needs=Permission.CLOSURES_READ)
def get_closures(call: Call, query: ClosureQuery) -> ClosurePage:
    """List closures, the latest submitted first."""
    page = list_closures(
        call.ctx, business_on=query.closure_date, limit=query.limit, cursor=query.cursor or None
    )  # fmt: skip
    return ClosurePage(items=[ClosureOut(**_fields(view)) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/closures/<closure_id>", needs=Permission.CLOSURES_READ)
def get_closure(call: Call, closure_id: str) -> ClosureWhole:
    """One closure."""
    return _whole(call, closure_id)


@route("GET", "/closures/date/<closed_on>", needs=Permission.CLOSURES_READ)
def get_closure_of_day(call: Call, closed_on: str) -> ClosureWhole:
    """The closure of a day: its last correction, where there is one."""
    try:
        day = date.fromisoformat(closed_on)
    except ValueError:
        raise NotFound("A closure of this day") from None
    return _as_whole(closure_of_day(call.ctx, day))


@route("PUT", "/closures/<closure_id>", action="closures.update")
def correct_closure(call: Call, closure_id: str, body: Correction) -> ClosureWhole:
    """Correct a day's closure: another one takes its place, and is answered. The one before stays as it was."""
    closure_view(call.ctx, closure_id)
    done = call.perform({"closure_id": closure_id, **body.model_dump(exclude_unset=True)})
    return _whole(call, done.result["closure_id"])


@route("DELETE", "/closures/<closure_id>", action="closures.withdraw")
def withdraw_closure(call: Call, closure_id: str, body: Rejection) -> ClosureWhole:
    """Take a day's closure back, with the reason. It is rejected and stays; nothing is deleted."""
    return _decided(call, closure_id, RejectDay(closure_id=closure_id, reason=body.reason))


@route("POST", "/closures/<closure_id>/review", action="closures.review")
def review_closure(call: Call, closure_id: str, body: Why | None) -> ClosureWhole:
    """Say that a day's closure was looked through. Nobody reviews their own."""
    return _decided(call, closure_id, _about(closure_id, body))


@route("POST", "/closures/<closure_id>/approve", action="closures.approve", takes_approval=True)
def approve_closure(call: Call, closure_id: str, body: Why | None) -> ClosureWhole:
    """Approve a day. One that is far off needs the owner; nobody approves their own."""
    return _decided(call, closure_id, _about(closure_id, body))


@route("POST", "/closures/<closure_id>/reject", action="closures.reject")
def reject_closure(call: Call, closure_id: str, body: Rejection) -> ClosureWhole:
    """Reject a day's closure, with the reason; the day is submitted again."""
    return _decided(call, closure_id, RejectDay(closure_id=closure_id, reason=body.reason))


@route("POST", "/closures/<closure_id>/lock", action="closures.lock")
def lock_closure(call: Call, closure_id: str, body: Why | None) -> ClosureWhole:
    """Lock a day that was approved: only what comes late is added to it, as a correction."""
    return _decided(call, closure_id, _about(closure_id, body))


def _about(closure_id: str, why: Why | None) -> dict[str, Any]:
    return {"closure_id": closure_id, "reason": why.reason if why else None}


def _decided(call: Call, closure_id: str, params: dict[str, Any] | RejectDay) -> ClosureWhole:
    call.perform(params)
    return _whole(call, closure_id)


def _whole(call: Call, closure_id: str) -> ClosureWhole:
    return _as_whole(closure_view(call.ctx, closure_id))


def _as_whole(view: ClosureView) -> ClosureWhole:
    body = view.body
    return ClosureWhole(
        **_fields(view),
        z_reports=[ZInDay(**{name: told[name] for name in ZInDay.model_fields}) for told in body["z_reports"]],
        sales_count=body["sales"]["count"], sales_total=body["sales"]["total"], no_sales=body["no_sales"],
        restated=body["restated"], reason=body["reason"],
        decisions=[DecisionOut(kind=told.kind, reason=told.reason, by_id=told.by_id, at=told.at)
                   for told in view.decisions],
    )  # fmt: skip


def _fields(view: ClosureView) -> dict[str, Any]:
    row = view.row
    reviewed, approved, locked = (
        view.last(kind) for kind in (ClosureDecisionKind.REVIEW, ClosureDecisionKind.APPROVE, ClosureDecisionKind.LOCK)
    )
    return {
        "id": row.id, "shop_id": row.shop_id, "closure_date": row.business_on, "nth": row.nth,
        "corrects_id": row.corrects_id, "is_latest": view.is_latest, "status": view.status,
        "cash_amount": row.cash_minor, "mtn_amount": row.mtn_minor, "airtel_amount": row.airtel_minor,
        "card_amount": row.card_minor, "bank_transfer": row.bank_minor, "other_amount": row.other_minor,
        "total_collected": row.collected_minor, "expected_amount": row.expected_minor,
        "variance": row.variance_minor, "notes": row.notes, "submitted_by": row.by_id,
        "reviewed_by": reviewed.by_id if reviewed else None, "reviewed_at": reviewed.at if reviewed else None,
        "approved_by": approved.by_id if approved else None, "approved_at": approved.at if approved else None,
        "locked_at": locked.at if locked else None, "late_z_numbers": view.late_z_numbers, "created_at": row.at,
    }  # fmt: skip
