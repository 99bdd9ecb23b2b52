"""The drawer: opened with its float, counted, closed by a count, handed over; reported in X and Z."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.drawer_shapes import (
    CountOut,
    DrawerOut,
    DrawerPage,
    XOut,
    ZPage,
    ZWhole,
    drawer_out,
    x_out,
    z_out,
    z_whole,
)
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Paged
from shopnode.domain.cash.counterfeits import BookCounterfeits
from shopnode.domain.cash.differences import z_of_session
from shopnode.domain.cash.forms import Counting, OpenDrawer
from shopnode.domain.cash.history import list_drawer_sessions
from shopnode.domain.cash.queries import open_session_or_none
from shopnode.domain.cash.reading import find_session, find_z, x_report
from shopnode.domain.closures.queries import list_z_reports
from shopnode.domain.errors import NotFound
from shopnode.domain.params import IdText, Line, Note, Params, PositiveAmount, Reason
from shopnode.domain.permissions import Permission


class ClosingCount(Counting):
    """The count that closes, as one sum or by denomination; without one the last that was kept holds."""

    notes: Note | None = None


class HandingCount(ClosingCount):
    """The count with which the drawer goes to another cashier."""

    to_id: IdText | None = Field(default=None, description="Who takes it, with their own PIN; the caller if left out.")


class TakingOver(Params):
    reason: Reason


class Accepting(Params):
    """Why a drawer was off, and who owes what was missing."""

    explanation: Line = Field(min_length=3, max_length=500)
    charge_to: IdText | None = None
    charge: PositiveAmount | None = Field(default=None, description="How much of it; all when left out.")


class ZQuery(Paged):
    business_on: QueryDay | None = None


@route("POST", "/drawer-sessions", action="cash.open_drawer", status=201)
def open_drawer(call: Call, body: OpenDrawer) -> DrawerOut:
    """Open the drawer with the float that was counted into it."""
    return _one(call, call.perform(body).result["drawer_session_id"])


@route("GET", "/drawer-sessions", needs=Permission.CLOSURES_READ)
def list_drawers(call: Call, query: Paged) -> DrawerPage:
    """List drawer sessions, the latest first."""
    page = list_drawer_sessions(call.ctx, limit=query.limit, cursor=query.cursor or None)
    return DrawerPage(items=[drawer_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/drawer-sessions/current", needs=Permission.CLOSURES_READ, other_statuses=(404,))
def current_drawer(call: Call) -> DrawerOut:
    """The open drawer session the caller works with: their own, else the newest of this shop."""
    shop_id = call.ctx.shop_id
    drawer = open_session_or_none(call.ctx.session, shop_id, call.ctx.actor.id) if shop_id else None
    if drawer is None:
        raise NotFound("An open drawer")
    return drawer_out(drawer)


@route("GET", "/drawer-sessions/<drawer_id>", needs=Permission.CLOSURES_READ)
def get_drawer(call: Call, drawer_id: str) -> DrawerOut:
    """One drawer session."""
    return _one(call, drawer_id)


@route("POST", "/drawer-sessions/<drawer_id>/counts", action="cash.count_drawer", status=201)
def count_drawer(call: Call, drawer_id: str, body: Counting) -> CountOut:
    """Count the drawer and keep the count. It says whether it agrees, not by how much; once more is allowed."""
    find_session(call.ctx, drawer_id)
    done = call.perform({"drawer_session_id": drawer_id, **body.model_dump(exclude_unset=True)}).result
    return CountOut(**{name: done[name] for name in CountOut.model_fields})


@route("POST", "/drawer-sessions/<drawer_id>/close", action="cash.close_drawer")
def close_drawer(call: Call, drawer_id: str, body: ClosingCount) -> DrawerOut:
    """Close the drawer by what was counted, float included, and write its Z; any count is taken."""
    find_session(call.ctx, drawer_id)
    call.perform({"drawer_session_id": drawer_id, **body.model_dump(exclude_unset=True)})
    return _one(call, drawer_id)


@route("POST", "/drawer-sessions/<drawer_id>/hand-over", action="cash.hand_over", status=201, takes_approval=True)
def hand_over_drawer(call: Call, drawer_id: str, body: HandingCount) -> DrawerOut:
    """Give the drawer to another cashier by a count: this session ends with its Z; the next one is answered."""
    find_session(call.ctx, drawer_id)
    done = call.perform({"drawer_session_id": drawer_id, **body.model_dump(exclude_unset=True)})
    return _one(call, done.result["next_session_id"])


@route("POST", "/drawer-sessions/<drawer_id>/take-over", action="cash.take_over")
def take_over_drawer(call: Call, drawer_id: str, body: TakingOver) -> DrawerOut:
    """Answer from now on for a session that somebody left open."""
    find_session(call.ctx, drawer_id)
    call.perform({"drawer_session_id": drawer_id, "reason": body.reason})
    return _one(call, drawer_id)


@route("POST", "/drawer-sessions/<drawer_id>/accept", action="cash.accept_difference", takes_approval=True)
def accept_difference(call: Call, drawer_id: str, body: Accepting) -> DrawerOut:
    """Explain a drawer's difference and accept it, with a second person; what was missing may be owed by somebody."""
    find_session(call.ctx, drawer_id)
    call.perform({"drawer_session_id": drawer_id, **body.model_dump(exclude_unset=True)})
    return _one(call, drawer_id)


@route("GET", "/drawer-sessions/<drawer_id>/x", needs=Permission.CLOSURES_READ)
def get_x_report(call: Call, drawer_id: str) -> XOut:
    """A session's X report: what it came to so far. It changes nothing, and tells no sum before the count is in."""
    return x_out(x_report(call.ctx, drawer_id))


@route("GET", "/drawer-sessions/<drawer_id>/z", needs=Permission.CLOSURES_READ)
def get_z_of_drawer(call: Call, drawer_id: str) -> ZWhole:
    """The Z report that ended a session."""
    row = z_of_session(call.ctx.session, find_session(call.ctx, drawer_id).id)
    if row is None:
        raise NotFound("A Z report of this session")
    return z_whole(row)


@route("GET", "/z-reports", needs=Permission.CLOSURES_READ)
def get_z_reports(call: Call, query: ZQuery) -> ZPage:
    """List Z reports, the latest first."""
    page = list_z_reports(
        call.ctx, business_on=query.business_on, limit=query.limit, cursor=query.cursor or None
    )  # fmt: skip
    return ZPage(items=[z_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/z-reports/<z_report_id>", needs=Permission.CLOSURES_READ)
def get_z_report(call: Call, z_report_id: str) -> ZWhole:
    """One Z report, whole."""
    return z_whole(find_z(call.ctx, z_report_id))


class Loss(BaseModel):
    """What was booked."""

    lost: int
    slips: list[str] = Field(description="The number of each note's slip.")


@route("POST", "/drawer-sessions/current/counterfeits", action="cash.book_counterfeits", takes_approval=True)
def book_counterfeits(call: Call, body: BookCounterfeits) -> Loss:
    """Book notes that are no money as a loss, each with the number on it. Staff need a second person."""
    return Loss(**call.perform(body).result)


def _one(call: Call, drawer_id: str) -> DrawerOut:
    return drawer_out(find_session(call.ctx, drawer_id))
