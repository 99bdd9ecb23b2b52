"""Reading the drawer: which session is open, and what must be in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from shopnode.domain.cash.models import DrawerSession, ForeignCash, MoneyMove
from shopnode.domain.cash.rules import is_forgotten
from shopnode.domain.db import ID_TYPE
from shopnode.domain.prepared import Prepared
from shopnode.domain.sales.models import Payment, Tender
from shopnode.domain.settings.queries import number_setting


def open_session_or_none(session: Session, shop_id: str, actor_id: str | None = None) -> DrawerSession | None:
    """The open drawer session this person works with: their own, else the newest of the shop."""
    return session.scalars(_OPEN, {"shop_id": shop_id, "actor_id": actor_id}).first()


def open_sessions(session: Session, shop_id: str | None) -> list[DrawerSession]:
    """Every drawer session that is open, of the shop or, in the portal, of all shops; the newest first."""
    query = select(DrawerSession).where(DrawerSession.closed_at.is_(None))
    if shop_id is not None:
        query = query.where(DrawerSession.shop_id == shop_id)
    return list(session.scalars(query.order_by(DrawerSession.opened_at.desc(), DrawerSession.id.desc())))


def forgotten_sessions(session: Session, shop_id: str | None, now: datetime) -> list[DrawerSession]:
    """The open ones that somebody should have closed long ago, the newest first (rule 85)."""
    hours = number_setting(session, "drawer_forgotten_hours")
    return [row for row in open_sessions(session, shop_id) if is_forgotten(row.opened_at, now, hours)]


class OpenDrawer(NamedTuple):
    """What a sale needs to know of the open drawer."""

    id: str
    business_on: date


def open_drawer_or_none(session: Session, shop_id: str | None, actor_id: str | None = None) -> OpenDrawer | None:
    """The open drawer this person works with, as plain values: every sale asks for it."""
    row = _OPEN_IDS.first(session, shop_id=shop_id, actor_id=actor_id)
    return OpenDrawer(*row) if row else None


# Whose session it is comes first: two cashiers may sell at two tills, each into their own drawer.
_OTHERS_LAST = case(
    (func.coalesce(DrawerSession.cashier_id, DrawerSession.opened_by) == bindparam("actor_id", type_=ID_TYPE), 0),
    else_=1,
)
_IS_OPEN = DrawerSession.shop_id == bindparam("shop_id"), DrawerSession.closed_at.is_(None)
_OPEN_IDS = Prepared(
    select(DrawerSession.id, DrawerSession.business_on)
    .where(*_IS_OPEN)
    .order_by(_OTHERS_LAST, DrawerSession.opened_at.desc())
    .limit(1)
)
_OPEN = select(DrawerSession).where(*_IS_OPEN).order_by(_OTHERS_LAST, DrawerSession.opened_at.desc()).limit(1)


@dataclass(frozen=True)
class DrawerFigures:
    """What the events of one drawer session add up to, in minor units."""

    opening_float_minor: int
    cash_minor: int  # cash taken less cash given back, in the shop's own notes
    expected_minor: int  # in the shop's own notes
    by_method: dict[str, int]
    foreign: dict[str, int] = field(default_factory=dict)  # notes of other currencies, in their own minor units


def drawer_figures(session: Session, drawer: DrawerSession) -> DrawerFigures:
    """Float + cash in − cash out: the sum that must be found in the drawer.

    Foreign notes lie beside it and are counted apart: what they were taken for is not there in the shop's own notes,
    and the change they were given is gone from them (rule 49).
    """
    by_method: dict[str, int] = defaultdict(int)
    for money in (Payment, MoneyMove):
        query = select(money.method, func.sum(money.amount_minor)).where(money.drawer_session_id == drawer.id)
        for method, total in session.execute(query.group_by(money.method)):
            by_method[method] += int(total)
    notes = (
        select(ForeignCash.currency, func.sum(ForeignCash.amount_minor), func.sum(ForeignCash.worth_minor))
        .where(ForeignCash.drawer_session_id == drawer.id)
        .group_by(ForeignCash.currency)
        .order_by(ForeignCash.currency)
    )
    foreign = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(notes)}
    cash = by_method.get(Tender.CASH.value, 0) - sum(worth for _, worth in foreign.values())
    return DrawerFigures(
        drawer.opening_float_minor, cash, drawer.opening_float_minor + cash, dict(by_method),
        {currency: amount for currency, (amount, _) in foreign.items()},
    )  # fmt: skip
