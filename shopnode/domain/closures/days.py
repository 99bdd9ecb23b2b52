"""Days as people go through them: one row each, by state; days that nobody submitted; a day with all it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.closures.errors import DifferenceWaits, LateReports, ReportsMissing
from shopnode.domain.closures.models import ClosureDecision, ClosureDecisionKind, DayClosure, ZReport
from shopnode.domain.closures.queries import ClosureView, views_of
from shopnode.domain.closures.rules import DayFigures, day_figures
from shopnode.domain.context import Context
from shopnode.domain.errors import ShopError
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest

R = TypeVar("R", ZReport, DrawerSession)
UNSUBMITTED_SHOWN = 20


class DayState(StrEnum):
    """What days are looked for by."""

    WAITING = "waiting"  # for a decision
    APPROVED = "approved"  # and may be locked
    LOCKED = "locked"
    REJECTED = "rejected"
    OFF = "off"  # with a difference, whatever was decided


@dataclass(frozen=True)
class DayChoice:
    """Which days."""

    state: DayState | None = None
    shop_id: str | None = None  # in the portal; a shop has its own alone


@dataclass(frozen=True)
class Unsubmitted:
    """A day whose drawers were counted, and that nobody submitted."""

    shop_id: str
    business_on: date
    z_reports: int


@dataclass(frozen=True)
class ZOfDay:
    """A Z report as its day holds it, and what became of its difference since."""

    told: dict[str, Any]
    row: ZReport | None  # not here yet, where another home submitted the day
    drawer: DrawerSession | None

    @property
    def explanation(self) -> str | None:
        return self.drawer.explanation if self.drawer else None

    @property
    def accepted_by(self) -> str | None:
        return self.drawer.approved_by if self.drawer else None

    @property
    def waits(self) -> bool:
        """Whether the difference is large and nobody accepted it."""
        return not self.told["is_within_limit"] and self.explanation is None


@dataclass(frozen=True)
class WholeDay:
    """A day's closure with its Z reports, and its other closures."""

    view: ClosureView
    z_reports: list[ZOfDay]
    expected: DayFigures | None  # None while not all its Z reports are here
    others: list[ClosureView]  # of the same day, the first one first


def list_days(
    ctx: Context, choice: DayChoice, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[ClosureView]:
    """The closure that counts of each day, the latest submitted first. Raises Invalid for a cursor of another list."""
    page = latest(ctx.session, _chosen(ctx, choice), DayClosure.at, DayClosure.id, limit, cursor)
    return Page(views_of(ctx.session, page.rows), page.next_cursor)


def count_days(ctx: Context, choice: DayChoice) -> int:
    """How many there are."""
    return int(ctx.session.scalar(select(func.count()).select_from(_chosen(ctx, choice).subquery())) or 0)


def unsubmitted_days(ctx: Context, limit: int = UNSUBMITTED_SHOWN) -> list[Unsubmitted]:
    """Days with Z reports and no closure, the latest first."""
    known = and_(DayClosure.shop_id == ZReport.shop_id, DayClosure.business_on == ZReport.business_on)
    query = select(ZReport.shop_id, ZReport.business_on, func.count()).where(~exists().where(known))
    if ctx.shop_id is not None:
        query = query.where(ZReport.shop_id == ctx.shop_id)
    days = query.group_by(ZReport.shop_id, ZReport.business_on).order_by(ZReport.business_on.desc(), ZReport.shop_id)
    return [Unsubmitted(*row) for row in ctx.session.execute(days.limit(limit))]


def whole_day(ctx: Context, view: ClosureView) -> WholeDay:
    """A day with everything it is made of, in a few queries."""
    reports = z_reports_in(ctx.session, [view])[view.row.id]
    rows = [one.row for one in reports if one.row is not None]
    expected = day_figures([orjson.loads(row.body) for row in rows])[1] if len(rows) == len(reports) else None
    same = select(DayClosure).where(
        DayClosure.shop_id == view.row.shop_id, DayClosure.business_on == view.row.business_on,
        DayClosure.id != view.row.id,
    )  # fmt: skip
    others = views_of(ctx.session, list(ctx.session.scalars(same.order_by(DayClosure.nth))))
    return WholeDay(view, reports, expected, others)


def z_reports_in(session: Session, views: Sequence[ClosureView]) -> dict[str, list[ZOfDay]]:
    """The Z reports that closures hold, by closure, with what became of their differences; in two queries."""
    told = [one for view in views for one in view.body["z_reports"]]
    rows = _by_id(session, ZReport, {one["id"] for one in told})
    drawers = _by_id(session, DrawerSession, {one["drawer_session_id"] for one in told})
    return {
        view.row.id: [
            ZOfDay(one, rows.get(one["id"]), drawers.get(one["drawer_session_id"])) for one in view.body["z_reports"]
        ]
        for view in views
    }


def hindrance_of(view: ClosureView, reports: Sequence[ZOfDay]) -> ShopError | None:
    """Why nobody approves a day yet, whoever they are."""
    day = view.row.business_on
    missing = [one.told["number"] for one in reports if one.row is None or one.drawer is None]
    if missing:
        return ReportsMissing(day, missing)
    if view.late_z_numbers:
        return LateReports(day, view.late_z_numbers)
    waits = next((one.told["number"] for one in reports if one.waits), None)
    return DifferenceWaits(waits) if waits else None


def _by_id(session: Session, model: type[R], ids: set[str]) -> dict[str, R]:
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(model).where(model.id.in_(ids)))}


def _chosen(ctx: Context, choice: DayChoice) -> Select[Any]:
    later = aliased(DayClosure)
    replaced = exists().where(
        later.shop_id == DayClosure.shop_id, later.business_on == DayClosure.business_on, later.nth > DayClosure.nth
    )
    query = select(DayClosure).where(~replaced, *_stands(choice.state))
    shop_id = ctx.shop_id or choice.shop_id
    return query if shop_id is None else query.where(DayClosure.shop_id == shop_id)


def _stands(state: DayState | None) -> Sequence[ColumnElement[bool]]:
    """The conditions of a state, as `fold_status` says it: approval and rejection end the waiting, and of rejection and
    lock the first in the feed holds; nobody locks what they do not know to be approved."""
    if state is None:
        return ()
    if state is DayState.OFF:
        return (DayClosure.variance_minor != 0,)
    kinds = ClosureDecisionKind
    if state is DayState.WAITING:
        return (~_decided(kinds.APPROVE, kinds.REJECT, kinds.LOCK),)
    if state is DayState.APPROVED:
        return _decided(kinds.APPROVE), ~_decided(kinds.REJECT, kinds.LOCK)
    ended = kinds.LOCK if state is DayState.LOCKED else kinds.REJECT
    return (_first_of(kinds.REJECT, kinds.LOCK) == ended.value,)


def _decided(*kinds: ClosureDecisionKind) -> Any:
    """Whether somebody decided so about a closure."""
    made = ClosureDecision
    return exists().where(made.closure_id == DayClosure.id, made.kind.in_([kind.value for kind in kinds]))


def _first_of(*kinds: ClosureDecisionKind) -> Any:
    """The first decision of these kinds about a closure, in feed order."""
    made = ClosureDecision
    query = select(made.kind).where(made.closure_id == DayClosure.id, made.kind.in_([kind.value for kind in kinds]))
    order = (made.feed_no.is_(None), made.feed_no, made.nth, made.at, made.id)
    return query.order_by(*order).limit(1).correlate(DayClosure).scalar_subquery()
