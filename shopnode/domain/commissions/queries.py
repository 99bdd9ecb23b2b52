"""Commission rules as they are listed, what a person owes, and their account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.commissions.earned import Earning, earnings
from shopnode.domain.commissions.models import CommissionRule, StaffEntry, StaffEntryKind
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import day_begins, day_ends


@dataclass(frozen=True)
class Commission:
    """What one person earned in a period, what was taken back, and what was paid."""

    staff_id: str
    name: str
    earned_minor: int
    taken_back_minor: int  # 0 or less
    paid_minor: int

    @property
    def due_minor(self) -> int:
        return self.earned_minor + self.taken_back_minor - self.paid_minor


def all_rules(session: Session) -> list[CommissionRule]:
    """Rules, the newest first."""
    return list(session.scalars(select(CommissionRule).order_by(CommissionRule.starts_on.desc(), CommissionRule.id)))


def commissions_of(ctx: Context, since: date, until: date, shop_id: str | None = None) -> list[Commission]:
    """What everybody earned in a period, by name; oneself alone to who may not see the staff."""
    mine = None if ctx.may(Permission.STAFF_READ) else ctx.actor.id
    found: dict[str, list[Earning]] = {}
    for one in earnings(ctx, since, until, staff_id=mine, shop_id=shop_id):
        found.setdefault(one.staff_id, []).append(one)
    paid = _paid(ctx, since, until, mine, shop_id)
    names = names_of(ctx.session, found.keys() | paid.keys())
    rows = [
        Commission(
            staff_id, names.get(staff_id, "Somebody"),
            sum(one.amount_minor for one in found.get(staff_id, []) if one.amount_minor > 0),
            sum(one.amount_minor for one in found.get(staff_id, []) if one.amount_minor < 0), paid.get(staff_id, 0),
        )
        for staff_id in found.keys() | paid.keys()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.name.casefold(), row.staff_id))


def owed_by(session: Session, staff_id: str) -> int:
    """What a person owes the shop; below 0, what the shop owes them."""
    counted = StaffEntry.kind != StaffEntryKind.COMMISSION_PAID.value
    query = select(func.coalesce(func.sum(StaffEntry.amount_minor), 0)).where(StaffEntry.staff_id == staff_id, counted)
    return int(session.scalar(query) or 0)


def entries_of(
    session: Session, staff_id: str, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[StaffEntry]:
    """The lines of a person's account, the latest first."""
    query = select(StaffEntry).where(StaffEntry.staff_id == staff_id)
    return latest(session, query, StaffEntry.at, StaffEntry.id, limit, cursor)


def paid_to(ctx: Context, staff_id: str, since: date, until: date, shop_id: str | None = None) -> int:
    """The commission that was paid to one person in a period."""
    return _paid(ctx, since, until, staff_id, shop_id).get(staff_id, 0)


def _paid(ctx: Context, since: date, until: date, staff_id: str | None, shop_id: str | None) -> dict[str, int]:
    query = select(StaffEntry.staff_id, func.sum(StaffEntry.amount_minor)).where(
        StaffEntry.kind == StaffEntryKind.COMMISSION_PAID.value, StaffEntry.at >= day_begins(ctx, since),
        StaffEntry.at < day_ends(ctx, until),
    )  # fmt: skip
    if staff_id is not None:
        query = query.where(StaffEntry.staff_id == staff_id)
    if shop_id is not None:
        query = query.where(StaffEntry.shop_id == shop_id)
    return {row[0]: int(row[1]) for row in ctx.session.execute(query.group_by(StaffEntry.staff_id))}
