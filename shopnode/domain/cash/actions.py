"""Opening and closing the drawer."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import Amount, IdText, Note, Params
from shopnode.domain.people.models import Shop
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


class OpenDrawer(Params):
    """The float that was counted into the drawer."""

    opening_float: Amount


class CloseDrawer(Params):
    """The cash that was counted, float included. What is expected is shown only afterwards."""

    counted: Amount
    notes: Note | None = None
    drawer_session_id: IdText | None = None  # the session that was counted; the open one when left out


class DrawerAlreadyOpen(Conflict):
    code = "drawer-open"

    def __init__(self) -> None:
        super().__init__("The drawer is already open. Close it before opening it again.")


class DrawerClosed(Conflict):
    code = "drawer-closed"

    def __init__(self) -> None:
        super().__init__("The drawer is closed. Count the float and open it first.")


@action("cash.open_drawer", needs=Permission.CLOSURES_CREATE)
def open_drawer(ctx: Context, opening: OpenDrawer) -> dict[str, Any]:
    """Open the drawer with its float; the business day is today in the shop's zone.

    Raises DrawerAlreadyOpen.
    """
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    if open_session_or_none(ctx.session, ctx.shop_id) is not None:
        raise DrawerAlreadyOpen
    zone = ZoneInfo(find_row(ctx.session, Shop, ctx.shop_id, "This shop").timezone)
    drawer = DrawerSession(
        id=ctx.new_id(),
        shop_id=ctx.shop_id,
        opened_by=ctx.actor.id,
        opened_at=ctx.now,
        opening_float_minor=opening.opening_float,
        business_on=ctx.now.astimezone(zone).date(),
    )
    add_rows(ctx.session, drawer)
    ctx.about("drawer_session", drawer.id)
    return {"drawer_session_id": drawer.id, "business_on": drawer.business_on.isoformat()}


@action("cash.close_drawer", needs=Permission.CLOSURES_CREATE)
def close_drawer(ctx: Context, closing: CloseDrawer) -> dict[str, Any]:
    """Close the drawer by a count; any count is accepted, and the difference is kept.

    Raises DrawerClosed.
    """
    assert ctx.shop_id is not None
    drawer = open_session_or_none(ctx.session, ctx.shop_id)
    if drawer is None or closing.drawer_session_id not in (None, drawer.id):
        raise DrawerClosed
    expected = drawer_figures(ctx.session, drawer).expected_minor
    drawer.closed_at, drawer.closed_by = ctx.now, ctx.actor.id
    drawer.counted_minor, drawer.expected_minor = closing.counted, expected
    drawer.notes = closing.notes
    ctx.about("drawer_session", drawer.id)
    difference = closing.counted - expected
    return {"drawer_session_id": drawer.id, "expected": expected, "counted": closing.counted, "difference": difference}
