"""The drawer: opened with its float, closed by a count."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.cash.counterfeits import BookCounterfeits
from shopnode.domain.cash.forms import OpenDrawer
from shopnode.domain.cash.history import list_drawer_sessions
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import open_session_or_none
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.params import Amount, Note, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


class Count(Params):
    """The cash that was counted, float included."""

    counted: Amount
    notes: Note | None = None


class DrawerOut(BaseModel):
    """A drawer session. What was expected is told only once it has been counted."""

    id: str
    shop_id: str
    status: Annotated[str, Field(pattern="^(Open|Closed)$")]
    opening_float: int
    business_on: date
    opened_by: str | None
    opened_at: Instant
    closed_by: str | None
    closed_at: Instant | None
    counted: int | None
    expected: int | None
    difference: int | None = Field(description="Counted less expected.")
    notes: str | None


class DrawerPage(BaseModel):
    items: list[DrawerOut]
    next_cursor: str | None


@route("POST", "/drawer-sessions", action="cash.open_drawer", status=201)
def open_drawer(call: Call, body: OpenDrawer) -> DrawerOut:
    """Open the drawer with the float that was counted into it."""
    done = call.perform(body)
    return _one(call.ctx, done.result["drawer_session_id"])


@route("GET", "/drawer-sessions", needs=Permission.CLOSURES_READ)
def list_drawers(call: Call, query: Paged) -> DrawerPage:
    """List drawer sessions, the latest first."""
    page = list_drawer_sessions(call.ctx, limit=query.limit, cursor=query.cursor or None)
    return DrawerPage(items=[_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/drawer-sessions/current", needs=Permission.CLOSURES_READ, other_statuses=(404,))
def current_drawer(call: Call) -> DrawerOut:
    """The open drawer session of this shop."""
    shop_id = call.ctx.shop_id
    drawer = open_session_or_none(call.ctx.session, shop_id) if shop_id else None
    if drawer is None:
        raise NotFound("An open drawer")
    return _out(drawer)


@route("GET", "/drawer-sessions/<drawer_id>", needs=Permission.CLOSURES_READ)
def get_drawer(call: Call, drawer_id: str) -> DrawerOut:
    """One drawer session."""
    return _one(call.ctx, drawer_id)


@route("POST", "/drawer-sessions/<drawer_id>/close", action="cash.close_drawer")
def close_drawer(call: Call, drawer_id: str, body: Count) -> DrawerOut:
    """Close the drawer by what was counted, float included. Any count is taken, and the difference kept."""
    find_row(call.ctx.session, DrawerSession, drawer_id, "This drawer session")
    call.perform({"drawer_session_id": drawer_id, **body.model_dump(exclude_unset=True)})
    return _one(call.ctx, drawer_id)


class Loss(BaseModel):
    """What was booked."""

    lost: int
    slips: list[str] = Field(description="The number of each note's slip.")


@route("POST", "/drawer-sessions/current/counterfeits", action="cash.book_counterfeits", takes_approval=True)
def book_counterfeits(call: Call, body: BookCounterfeits) -> Loss:
    """Book notes that are no money as a loss, each with the number on it. Staff need a second person."""
    return Loss(**call.perform(body).result)


def _one(ctx: Context, drawer_id: str) -> DrawerOut:
    return _out(find_row(ctx.session, DrawerSession, drawer_id, "This drawer session"))


def _out(row: DrawerSession) -> DrawerOut:
    counted: dict[str, Any] = {"counted": None, "expected": None, "difference": None}
    if row.counted_minor is not None and row.expected_minor is not None:
        counted = {
            "counted": row.counted_minor, "expected": row.expected_minor,
            "difference": row.counted_minor - row.expected_minor,
        }  # fmt: skip
    return DrawerOut(
        id=row.id, shop_id=row.shop_id, status="Open" if row.is_open else "Closed",
        opening_float=row.opening_float_minor, business_on=row.business_on, opened_by=row.opened_by,
        opened_at=row.opened_at, closed_by=row.closed_by, closed_at=row.closed_at, notes=row.notes, **counted,
    )  # fmt: skip
