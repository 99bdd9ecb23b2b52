"""Opening, counting, closing and handing over the drawer: a session for each till and cashier (rule 78).

Every closing keeps its count and writes its Z report in the same action. Any count closes: what is in the drawer is
what is in it. A difference beyond the shop's limit is accepted afterwards, see differences.py.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.cash.counting import (
    count_to_close_by,
    difference_of,
    keep_count,
    keep_opening,
    live_counts,
    sums_counted,
    sums_expected,
    within_limit,
)
from shopnode.domain.cash.errors import DrawerAlreadyOpen, DrawerClosed, DrawerForgotten, TakerNeeded
from shopnode.domain.cash.forms import (
    CloseDrawer,
    CountDrawer,
    HandOver,
    OpenDrawer,
    TakeOver,
    as_pieces,
)
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import forgotten_sessions, open_session_or_none, open_sessions
from shopnode.domain.cash.reports import write_z
from shopnode.domain.cash.rules import COUNTS_MAX, business_day, is_forgotten
from shopnode.domain.closures.models import CountKind, DrawerCount
from shopnode.domain.closures.queries import last_closed_day
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, NotPermitted
from shopnode.domain.people.models import Shop, Staff
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.settings.queries import number_setting

NOTES_KEPT_MAX = 2000


class AlreadyTheirs(Conflict):
    code = "drawer-theirs"

    def __init__(self) -> None:
        super().__init__("The drawer is this person's already. Name somebody else.")


@action("cash.open_drawer", needs=Permission.CLOSURES_CREATE)
def open_drawer(ctx: Context, opening: OpenDrawer) -> dict[str, Any]:
    """Open the drawer with its float; the business day is today in the shop's zone. Raises DrawerAlreadyOpen."""
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    _refuse_open(ctx, ctx.shop_id, opening.till, ctx.actor.id)
    forgotten = [row.id for row in forgotten_sessions(ctx.session, ctx.shop_id, ctx.now)]
    drawer = _begin(ctx, opening, ctx.actor.id, None)
    return {
        "drawer_session_id": drawer.id, "business_on": drawer.business_on.isoformat(), "till": drawer.till,
        "forgotten": forgotten,
    }  # fmt: skip


@action("cash.count_drawer", needs=Permission.CLOSURES_CREATE)
def count_drawer(ctx: Context, told: CountDrawer) -> dict[str, Any]:
    """Count the drawer and keep the count: it says whether it agrees, not by how much. Once more is allowed.

    Raises DrawerClosed, CountedTwice, Invalid.
    """
    drawer = _open_one(ctx, told.drawer_session_id)
    count = keep_count(ctx, drawer, CountKind.CLOSING, told)
    holding = live_counts(ctx.session, drawer, sums_expected(count))
    ctx.about("drawer_session", drawer.id)
    return {
        "drawer_session_id": drawer.id, "drawer_count_id": count.id, "nth": count.nth,
        "agrees": within_limit(ctx.session, difference_of(ctx.session, count)),
        "may_count_again": len(holding) < COUNTS_MAX,
    }  # fmt: skip


@action("cash.close_drawer", needs=Permission.CLOSURES_CREATE)
def close_drawer(ctx: Context, closing: CloseDrawer) -> dict[str, Any]:
    """Close the drawer by a count, and write its Z report; any count is accepted, and the difference is kept.

    Raises DrawerClosed, CountedTwice, Invalid.
    """
    drawer = _open_one(ctx, closing.drawer_session_id)
    count = count_to_close_by(ctx, drawer, CountKind.CLOSING, closing)
    return _end(ctx, drawer, count, closing.notes)


@action("cash.hand_over", needs=Permission.CLOSURES_CREATE)
def hand_over(ctx: Context, handing: HandOver) -> dict[str, Any]:
    """Give the drawer to another cashier by a count: one session ends with its Z, the next begins with what was there.

    Raises DrawerClosed, DrawerAlreadyOpen, AlreadyTheirs, TakerNeeded, Invalid, NotFound.
    """
    assert ctx.shop_id is not None
    drawer = _open_one(ctx, handing.drawer_session_id)
    to_id = handing.to_id or ctx.actor.id
    if to_id == _cashier(drawer):
        raise AlreadyTheirs
    if to_id is not None and to_id != ctx.actor.id:
        _prove_taker(ctx, find_row(ctx.session, Staff, to_id, "This person"))
    count = count_to_close_by(ctx, drawer, CountKind.HANDOVER, handing)
    ended = _end(ctx, drawer, count, handing.notes)
    _refuse_open(ctx, ctx.shop_id, drawer.till, to_id)
    following = _begin(ctx, _as_float(count, drawer.till), to_id, drawer.id)
    ctx.about("drawer_session", drawer.id)
    return {**ended, "next_session_id": following.id, "cashier_id": to_id}


@action("cash.take_over", needs=Permission.CLOSURES_UPDATE)
def take_over(ctx: Context, taking: TakeOver) -> dict[str, Any]:
    """Answer for a session that somebody left open: from now on it is one's own, to count and to close.

    Raises DrawerClosed, AlreadyTheirs.
    """
    drawer = _open_one(ctx, taking.drawer_session_id)
    before = _cashier(drawer)
    if before == ctx.actor.id:
        raise AlreadyTheirs
    drawer.cashier_id = ctx.actor.id
    who = names_of(ctx.session, {before}).get(before) if before else None
    drawer.notes = _with_note(drawer.notes, f"Taken over from {who or 'the console'}: {taking.reason}")
    ctx.about("drawer_session", drawer.id)
    return {"drawer_session_id": drawer.id, "from_id": before, "cashier_id": drawer.cashier_id}


def _prove_taker(ctx: Context, taker: Staff) -> None:
    """Whoever is given a drawer was there and agrees. Raises TakerNeeded, NotPermitted."""
    if ctx.approver is None:
        raise TakerNeeded(taker.name)
    if ctx.approver.id != taker.id:
        raise NotPermitted(f"{taker.name} takes the drawer with their own PIN, nobody else.")
    ctx.approved_for("Took the drawer.")


def _cashier(drawer: DrawerSession) -> str | None:
    return drawer.cashier_id or drawer.opened_by


def _refuse_open(ctx: Context, shop_id: str, till: str | None, cashier_id: str | None) -> None:
    """One open session for a till, and one for a cashier. Raises DrawerAlreadyOpen, DrawerForgotten."""
    is_open = open_sessions(ctx.session, shop_id)
    same_till = next((row for row in is_open if row.till == till), None)
    if same_till is not None:
        hours = number_setting(ctx.session, "drawer_forgotten_hours")
        if not is_forgotten(same_till.opened_at, ctx.now, hours):
            raise DrawerAlreadyOpen
        who = names_of(ctx.session, {_cashier(same_till) or ""}).get(_cashier(same_till) or "", "the console")
        raise DrawerForgotten(who, f"{same_till.opened_at.astimezone(_zone(ctx)):%d.%m.%Y %H:%M}")
    own = next((row for row in is_open if cashier_id is not None and _cashier(row) == cashier_id), None)
    if own is not None:
        raise DrawerAlreadyOpen(
            f"This cashier's drawer {own.till or 'without a till'} is open. Close it or hand it over before opening "
            "another."
        )


def _begin(ctx: Context, opening: OpenDrawer, cashier_id: str | None, from_id: str | None) -> DrawerSession:
    assert ctx.shop_id is not None
    today = ctx.now.astimezone(_zone(ctx)).date()
    drawer = DrawerSession(
        id=ctx.new_id(), shop_id=ctx.shop_id, opened_by=ctx.actor.id, opened_at=ctx.now,
        opening_float_minor=opening.opening_float, till=opening.till,
        cashier_id=None if cashier_id == ctx.actor.id else cashier_id, handed_from_id=from_id,
        business_on=business_day(today, last_closed_day(ctx.session, ctx.shop_id)),
    )  # fmt: skip
    add_rows(ctx.session, drawer)
    keep_opening(ctx, drawer, opening)
    ctx.about("drawer_session", drawer.id)
    return drawer


def _as_float(count: DrawerCount, till: str | None) -> OpenDrawer:
    """What the next cashier begins with: all that was counted."""
    counted = sums_counted(count)
    return as_pieces(counted.cash_minor, orjson.loads(count.notes_counted), counted.foreign, counted.others, till)


def _end(ctx: Context, drawer: DrawerSession, count: DrawerCount, notes: str | None) -> dict[str, Any]:
    off, expected = difference_of(ctx.session, count), sums_expected(count)
    z_report = write_z(ctx, drawer, count)
    drawer.closed_at, drawer.closed_by = ctx.now, ctx.actor.id
    drawer.counted_minor, drawer.expected_minor = count.cash_minor, expected.cash_minor
    drawer.notes = _with_note(drawer.notes, notes)
    ctx.session.flush()
    ctx.about("drawer_session", drawer.id)
    return {
        "drawer_session_id": drawer.id, "expected": expected.cash_minor, "counted": count.cash_minor,
        "difference": off.cash_minor, "difference_in_all": off.total_minor, "z_report_id": z_report.id,
        "z_number": z_report.number, "is_within_limit": within_limit(ctx.session, off),
    }  # fmt: skip


def _open_one(ctx: Context, drawer_id: str | None) -> DrawerSession:
    """The open session of that id; without one, one's own. Raises DrawerClosed."""
    assert ctx.shop_id is not None
    if drawer_id is None:
        drawer = open_session_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    else:
        drawer = row_or_none(ctx.session, DrawerSession, drawer_id)
    if drawer is None or not drawer.is_open or drawer.shop_id != ctx.shop_id:
        raise DrawerClosed
    return drawer


def _with_note(before: str | None, more: str | None) -> str | None:
    return "\n".join(note for note in (before, more) if note)[:NOTES_KEPT_MAX] or None


def _zone(ctx: Context) -> ZoneInfo:
    assert ctx.shop_id is not None
    return ZoneInfo(find_row(ctx.session, Shop, ctx.shop_id, "This shop").timezone)
