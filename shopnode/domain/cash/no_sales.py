"""The drawer opened without a sale: with a reason, counted, and told on the Z report (rule 81).

The id of an opening follows from the session and its place in it, so a session's openings are found without a clock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.cash.queries import open_drawer_or_none
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.printing.queue import queue_drawer_kick
from shopnode.domain.sales.models import CounterEvent, CounterEventKind

OPENINGS_MAX = 300  # of one session


class OpenWithoutSale(Params):
    """Why the drawer is opened though nothing is sold."""

    reason: Reason


class OpenedTooOften(Conflict):
    code = "opened-too-often"

    def __init__(self) -> None:
        super().__init__("The drawer was opened without a sale too often in this session. Count and close it first.")


@action("cash.open_without_sale", needs=Permission.CLOSURES_CREATE)
def open_without_sale(ctx: Context, why: OpenWithoutSale) -> dict[str, Any]:
    """Open the drawer without a sale: the reason is kept, and told on the Z. Raises DrawerClosed."""
    drawer = open_drawer_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    if drawer is None:
        raise DrawerClosed
    nth = len(no_sales_of(ctx.session, drawer.id)) + 1
    if nth > OPENINGS_MAX:
        raise OpenedTooOften
    row_id = _opening_id(drawer.id, nth)
    row = {
        "id": row_id, "shop_id": ctx.shop_id, "kind": CounterEventKind.NO_SALE.value, "note": why.reason,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, CounterEvent, [row])
    queue_drawer_kick(ctx, row_id)
    ctx.about("drawer_session", drawer.id)
    return {"drawer_session_id": drawer.id, "nth": nth}


def no_sales_of(session: Session, drawer_id: str) -> list[CounterEvent]:
    """The openings of a session without a sale, the first one first."""
    places = {_opening_id(drawer_id, nth): nth for nth in range(1, OPENINGS_MAX + 1)}
    found = session.scalars(select(CounterEvent).where(CounterEvent.id.in_(places)))
    return sorted(found, key=lambda row: places[row.id])


def _opening_id(drawer_id: str, nth: int) -> str:
    return act_id("no-sale", drawer_id, str(nth))
