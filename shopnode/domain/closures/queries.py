"""Reading days: what was submitted, what became of it, and what came after it was submitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.closures.models import (
    ClosureDecision,
    ClosureDecisionKind,
    ClosureStatus,
    DayClosure,
    ZReport,
)
from shopnode.domain.closures.rules import fold, fold_status
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.queries import find_row
from shopnode.domain.sales.rules import in_feed_order

CLOSURES_AT_ONCE = 10


@dataclass(frozen=True)
class Decided:
    """One decision about a day."""

    kind: ClosureDecisionKind
    reason: str | None
    at: datetime
    by_id: str | None
    held: bool  # not, where somebody else had decided already and it could not follow


@dataclass(frozen=True)
class ClosureView:
    """A day's closure, what was decided about it, and the Z reports that came after it."""

    row: DayClosure
    status: ClosureStatus
    decisions: list[Decided]
    body: dict[str, Any]
    is_latest: bool  # of its day: no correction came after it
    late_z_numbers: list[str]  # written for this day after this was submitted

    def last(self, kind: ClosureDecisionKind) -> Decided | None:
        """The last of its kind that changed anything."""
        return next((told for told in reversed(self.decisions) if told.kind is kind and told.held), None)


def list_closures(
    ctx: Context, *, business_on: date | None = None, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[ClosureView]:
    """Closures, the latest submitted first. Raises Invalid for a cursor of another list."""
    query = select(DayClosure)
    if ctx.shop_id is not None:
        query = query.where(DayClosure.shop_id == ctx.shop_id)
    if business_on is not None:
        query = query.where(DayClosure.business_on == business_on)
    page = latest(ctx.session, query, DayClosure.at, DayClosure.id, limit, cursor)
    return Page(views_of(ctx.session, page.rows), page.next_cursor)


def closure_view(ctx: Context, closure_id: str) -> ClosureView:
    """One closure. Raises NotFound."""
    row = find_row(ctx.session, DayClosure, closure_id, "This closure")
    if ctx.shop_id is not None and row.shop_id != ctx.shop_id:
        raise NotFound("This closure")
    return views_of(ctx.session, [row])[0]


def closure_of_day(ctx: Context, business_on: date) -> ClosureView:
    """The latest closure of a day: its last correction, where there is one. Raises NotFound."""
    page = list_closures(ctx, business_on=business_on, limit=200)
    if not page.rows:
        raise NotFound(f"A closure of {business_on}")
    return max(page.rows, key=lambda view: (view.row.nth, view.row.at, view.row.id))


def latest_of_day(session: Session, shop_id: str, business_on: date) -> ClosureView | None:
    """The latest closure of a shop's day, if it was ever submitted."""
    query = select(DayClosure).where(DayClosure.shop_id == shop_id, DayClosure.business_on == business_on)
    row = session.scalars(query.order_by(DayClosure.nth.desc(), DayClosure.at.desc()).limit(1)).first()
    return views_of(session, [row])[0] if row else None


def last_closed_day(session: Session, shop_id: str) -> date | None:
    """The latest day of which a closure stands that was not rejected."""
    query = select(DayClosure).where(DayClosure.shop_id == shop_id)
    ordered = query.order_by(DayClosure.business_on.desc(), DayClosure.nth.desc(), DayClosure.id)
    rows, place = session.scalars(ordered.limit(CLOSURES_AT_ONCE)).all(), 0
    while rows:  # a day may be rejected any number of times: what lies before it is closed all the same
        decided = _decisions(session, [row.id for row in rows])
        standing = (row for row in rows if _status(decided[row.id]) is not ClosureStatus.REJECTED)
        found = next((row.business_on for row in standing), None)
        if found is not None:
            return found
        place += len(rows)
        rows = session.scalars(ordered.offset(place).limit(CLOSURES_AT_ONCE)).all()
    return None


def z_reports_of_day(session: Session, shop_id: str, business_on: date) -> list[ZReport]:
    """A shop's Z reports of a day, the first one first."""
    query = select(ZReport).where(ZReport.shop_id == shop_id, ZReport.business_on == business_on)
    return list(session.scalars(query.order_by(ZReport.at, ZReport.id)))


def closure_with(ctx: Context, z_report: ZReport) -> DayClosure | None:
    """The latest closure of a Z report's day that holds it; None while it waits to be submitted."""
    query = select(DayClosure).where(
        DayClosure.shop_id == z_report.shop_id, DayClosure.business_on == z_report.business_on
    )
    rows = ctx.session.scalars(query.order_by(DayClosure.nth.desc()))
    holding = (row for row in rows if any(told["id"] == z_report.id for told in orjson.loads(row.body)["z_reports"]))
    return next(holding, None)


def list_z_reports(
    ctx: Context, *, business_on: date | None = None, only_off: bool = False, limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[ZReport]:  # fmt: skip
    """Z reports, the latest first; those with a difference alone, if asked for.

    Raises Invalid for a cursor of another list.
    """
    query = select(ZReport)
    if ctx.shop_id is not None:
        query = query.where(ZReport.shop_id == ctx.shop_id)
    if business_on is not None:
        query = query.where(ZReport.business_on == business_on)
    if only_off:
        query = query.where(ZReport.difference_minor != 0)
    return latest(ctx.session, query, ZReport.at, ZReport.id, limit, cursor)


def status_of(session: Session, closure_id: str) -> ClosureStatus:
    """Where a closure stands."""
    return _status(_decisions(session, [closure_id])[closure_id])


def decisions_known(session: Session, closure_id: str) -> int:
    """How many decisions about a closure are known here."""
    return len(_decisions(session, [closure_id])[closure_id])


def views_of(session: Session, rows: Sequence[DayClosure]) -> list[ClosureView]:
    """Closures with what was decided, whether a later one took their place, and what came late; in four queries."""
    if not rows:
        return []
    decided = _decisions(session, [row.id for row in rows])
    days = {row.business_on for row in rows}
    newest: dict[tuple[str, date], int] = defaultdict(int)
    known = select(DayClosure.shop_id, DayClosure.business_on, DayClosure.nth).where(DayClosure.business_on.in_(days))
    for shop_id, day, nth in session.execute(known):
        newest[shop_id, day] = max(newest[shop_id, day], nth)
    written: dict[tuple[str, date], list[tuple[str, str]]] = defaultdict(list)
    query = select(ZReport.id, ZReport.shop_id, ZReport.business_on, ZReport.number)
    for row_id, shop_id, day, number in session.execute(
        query.where(ZReport.business_on.in_(days)).order_by(ZReport.at)
    ):
        written[shop_id, day].append((row_id, number))
    views = []
    for row in rows:
        body = orjson.loads(row.body)
        inside = {told["id"] for told in body["z_reports"]}
        late = [number for row_id, number in written[row.shop_id, row.business_on] if row_id not in inside]
        is_latest = row.nth == newest[row.shop_id, row.business_on]
        views.append(ClosureView(row, _status(decided[row.id]), _told(decided[row.id]), body, is_latest, late))
    return views


def _decisions(session: Session, closure_ids: Collection[str]) -> dict[str, list[ClosureDecision]]:
    found: dict[str, list[ClosureDecision]] = defaultdict(list)
    query = select(ClosureDecision).where(ClosureDecision.closure_id.in_(closure_ids))
    for row in session.scalars(query):
        found[row.closure_id].append(row)
    return defaultdict(list, {key: in_feed_order(rows) for key, rows in found.items()})


def _status(decisions: Sequence[ClosureDecision]) -> ClosureStatus:
    return fold_status(row.kind for row in decisions)


def _told(decisions: Sequence[ClosureDecision]) -> list[Decided]:
    held = [held for _, held in fold(row.kind for row in decisions)]
    return [
        Decided(ClosureDecisionKind(row.kind), row.reason, row.at, row.by_id, held[place])
        for place, row in enumerate(decisions)
    ]
