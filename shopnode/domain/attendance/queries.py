"""Who was here and when: lists, corrections that wait, and hours of a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.attendance.models import Attendance, AttendanceCorrection
from shopnode.domain.attendance.rules import is_forgotten, worked_minutes
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class StretchView:
    """A stretch of work in a list."""

    id: str
    shop_id: str
    staff_id: str
    name: str
    business_on: date
    came_at: datetime
    went_at: datetime | None
    minutes: int
    is_corrected: bool
    is_forgotten: bool


@dataclass(frozen=True)
class CorrectionView:
    """A correction in a list, beside what was clocked."""

    id: str
    shop_id: str
    staff_id: str
    name: str
    attendance_id: str | None
    came_at: datetime
    went_at: datetime | None
    clocked_came_at: datetime | None
    clocked_went_at: datetime | None
    reason: str
    asked_at: datetime
    asked_by: str | None
    asked_by_name: str | None
    decided_at: datetime | None
    decided_by: str | None
    decided_by_name: str | None
    outcome: str | None


@dataclass(frozen=True)
class Hours:
    """What one person worked in a period."""

    staff_id: str
    name: str
    days: int
    minutes: int
    forgotten: int  # stretches that were never ended


def whose(ctx: Context, staff_id: str | None) -> str | None:
    """Whose times are shown: everybody's to who may see the staff, one's own to others."""
    return staff_id if ctx.may(Permission.STAFF_READ) else ctx.actor.id


def list_attendance(
    ctx: Context,
    *,
    staff_id: str | None = None,
    since: date | None = None,
    until: date | None = None,
    limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[StretchView]:
    """Stretches, the latest first; days are the shop's, both included."""
    query = select(Attendance)
    wanted = whose(ctx, staff_id)
    if wanted is not None:
        query = query.where(Attendance.staff_id == wanted)
    if since is not None:
        query = query.where(Attendance.business_on >= since)
    if until is not None:
        query = query.where(Attendance.business_on <= until)
    page = latest(ctx.session, query, Attendance.came_at, Attendance.id, limit, cursor)
    names = names_of(ctx.session, {row.staff_id for row in page.rows})
    return Page([_view(row, names, ctx.now) for row in page.rows], page.next_cursor)


def here_now(ctx: Context, shop_id: str | None) -> list[StretchView]:
    """Who came and has not gone, the first first; who forgot to go is not here."""
    query = select(Attendance).where(Attendance.went_at.is_(None)).order_by(Attendance.came_at)
    if shop_id is not None:
        query = query.where(Attendance.shop_id == shop_id)
    rows = [row for row in ctx.session.scalars(query) if not is_forgotten(row.came_at, row.went_at, ctx.now)]
    names = names_of(ctx.session, {row.staff_id for row in rows})
    return [_view(row, names, ctx.now) for row in rows]


def my_open_stretch(ctx: Context) -> StretchView | None:
    """The stretch of whoever asks that still runs at their shop; None where they have gone, or forgot to."""
    mine = select(Attendance).where(
        Attendance.staff_id == ctx.actor.id, Attendance.shop_id == ctx.shop_id, Attendance.went_at.is_(None)
    )
    row = ctx.session.scalars(mine.order_by(Attendance.came_at.desc(), Attendance.id.desc()).limit(1)).first()
    if row is None or is_forgotten(row.came_at, row.went_at, ctx.now):
        return None
    return _view(row, names_of(ctx.session, {row.staff_id}), ctx.now)


def find_stretch(ctx: Context, attendance_id: str) -> StretchView:
    """One stretch of work; one's own alone to who may not see the staff. Raises NotFound."""
    row = find_row(ctx.session, Attendance, attendance_id, "This stretch of work")
    if whose(ctx, row.staff_id) != row.staff_id:
        raise NotFound("This stretch of work")
    return _view(row, names_of(ctx.session, {row.staff_id}), ctx.now)


def list_corrections(
    ctx: Context, *, open_only: bool = False, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[CorrectionView]:
    """Corrections, the latest first; one's own to who may not see the staff."""
    query = select(AttendanceCorrection)
    mine = whose(ctx, None)
    if mine is not None:
        query = query.where(AttendanceCorrection.staff_id == mine)
    if open_only:
        query = query.where(AttendanceCorrection.decided_at.is_(None))
    page = latest(ctx.session, query, AttendanceCorrection.asked_at, AttendanceCorrection.id, limit, cursor)
    return Page(_corrections(ctx.session, page.rows), page.next_cursor)


def find_correction(ctx: Context, correction_id: str) -> CorrectionView:
    """One correction. Raises NotFound."""
    return _corrections(ctx.session, [find_row(ctx.session, AttendanceCorrection, correction_id, "This correction")])[0]


def hours_of(ctx: Context, since: date, until: date, shop_id: str | None = None) -> list[Hours]:
    """What everybody who came in a period worked, by name; one's own alone to who may not see the staff."""
    query = select(Attendance).where(Attendance.business_on.between(since, until))
    wanted = whose(ctx, None)
    if wanted is not None:
        query = query.where(Attendance.staff_id == wanted)
    if shop_id is not None:
        query = query.where(Attendance.shop_id == shop_id)
    found: dict[str, list[Attendance]] = {}
    for row in ctx.session.scalars(query):
        found.setdefault(row.staff_id, []).append(row)
    names = names_of(ctx.session, set(found))
    hours = [
        Hours(
            staff_id, names.get(staff_id, "Somebody"), len({row.business_on for row in rows}),
            sum(worked_minutes(row.came_at, row.went_at) for row in rows),
            sum(is_forgotten(row.came_at, row.went_at, ctx.now) for row in rows),
        )
        for staff_id, rows in found.items()
    ]  # fmt: skip
    return sorted(hours, key=lambda one: (one.name.casefold(), one.staff_id))


def waiting_corrections(session: Session) -> int:
    """How many corrections nobody has decided."""
    waiting = select(func.count()).where(AttendanceCorrection.decided_at.is_(None))
    return session.scalar(waiting) or 0


def _view(row: Attendance, names: dict[str, str], now: datetime) -> StretchView:
    return StretchView(
        row.id, row.shop_id, row.staff_id, names.get(row.staff_id, "Somebody"), row.business_on, row.came_at,
        row.went_at, worked_minutes(row.came_at, row.went_at), row.is_corrected,
        is_forgotten(row.came_at, row.went_at, now),
    )  # fmt: skip


def _corrections(session: Session, rows: list[AttendanceCorrection]) -> list[CorrectionView]:
    people = {person for row in rows for person in (row.staff_id, row.asked_by, row.decided_by) if person}
    names = names_of(session, people)
    clocked_ids = [row.attendance_id for row in rows if row.attendance_id]
    clocked = {row.id: row for row in session.scalars(select(Attendance).where(Attendance.id.in_(clocked_ids)))}
    views = []
    for row in rows:
        was = clocked.get(row.attendance_id or "")
        views.append(
            CorrectionView(
                id=row.id, shop_id=row.shop_id, staff_id=row.staff_id, name=names.get(row.staff_id, "Somebody"),
                attendance_id=row.attendance_id, came_at=row.came_at, went_at=row.went_at,
                clocked_came_at=was.came_at if was else None, clocked_went_at=was.went_at if was else None,
                reason=row.reason, asked_at=row.asked_at, asked_by=row.asked_by,
                asked_by_name=names.get(row.asked_by or ""), decided_at=row.decided_at, decided_by=row.decided_by,
                decided_by_name=names.get(row.decided_by or ""), outcome=row.outcome,
            )
        )  # fmt: skip
    return views
