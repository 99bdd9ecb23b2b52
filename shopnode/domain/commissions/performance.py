"""What everybody did in a period: sales, discounts, what came back, repairs, hours. To talk about, not to pay by.

Sales count on their business day for who sold them; what was undone counts as undone and not as sold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from shopnode.domain.attendance.models import Attendance
from shopnode.domain.attendance.rules import worked_minutes
from shopnode.domain.context import Context
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.models import SaleStatus, SaleSummary
from shopnode.domain.stock.days import day_begins, day_ends

UNDONE = (SaleStatus.VOIDED.value, SaleStatus.REVERSED.value)


@dataclass
class Performance:
    """One person's period. Amounts in minor units."""

    staff_id: str
    name: str = ""
    sales: int = 0
    items: int = 0
    sold: int = 0
    average: int = 0
    discounts: int = 0
    margin: int | None = None
    returned: int = 0
    undone: int = 0
    repairs: int = 0
    reworks: int = 0
    minutes_worked: int = 0


def performance(ctx: Context, since: date, until: date, shop_id: str | None = None) -> list[Performance]:
    """Everybody who did something, the most sold first."""
    found: dict[str, Performance] = {}

    def of(staff_id: str | None) -> Performance:
        return found.setdefault(staff_id or "", Performance(staff_id or ""))

    for add in (_add_sales, _add_returns, _add_repairs, _add_hours):
        add(ctx, of, since, until, shop_id)
    names = names_of(ctx.session, set(found))
    for one in found.values():
        one.name, one.average = names.get(one.staff_id, "Somebody"), one.sold // one.sales if one.sales else 0
    return sorted(found.values(), key=lambda one: (-one.sold, one.name.casefold(), one.staff_id))


Of = Callable[[str | None], Performance]  # no such person is left out by each query


def _add_sales(ctx: Context, of: Of, since: date, until: date, shop_id: str | None) -> None:
    undone = SaleSummary.status.in_(UNDONE)
    query = select(
        SaleSummary.seller_id, undone.label("undone"), func.count().label("sales"),
        func.sum(SaleSummary.items).label("items"), func.sum(SaleSummary.total_minor).label("sold"),
        func.sum(SaleSummary.discount_minor).label("discounts"),
        func.sum(SaleSummary.total_minor - SaleSummary.tax_minor - SaleSummary.cost_minor).label("margin"),
    ).where(SaleSummary.business_on.between(since, until), SaleSummary.seller_id.is_not(None))  # fmt: skip
    if shop_id is not None:
        query = query.where(SaleSummary.shop_id == shop_id)
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    for row in ctx.session.execute(query.group_by(SaleSummary.seller_id, undone)):
        one = of(row.seller_id)
        if row.undone:
            one.undone += row.sales
            continue
        one.sales, one.items, one.sold, one.discounts = row.sales, int(row.items), int(row.sold), int(row.discounts)
        one.margin = int(row.margin) if sees_cost else None


def _add_returns(ctx: Context, of: Of, since: date, until: date, shop_id: str | None) -> None:
    """What came back counts for who had sold it, on the day it came back."""
    query = (
        select(SaleSummary.seller_id, func.sum(SaleReturn.refund_minor + SaleReturn.fee_minor))
        .join(SaleSummary, SaleSummary.sale_id == SaleReturn.sale_id)
        .where(
            SaleReturn.at >= day_begins(ctx, since), SaleReturn.at < day_ends(ctx, until),
            SaleSummary.seller_id.is_not(None),
        )
    )  # fmt: skip
    if shop_id is not None:
        query = query.where(SaleReturn.shop_id == shop_id)
    for staff_id, returned in ctx.session.execute(query.group_by(SaleSummary.seller_id)):
        of(staff_id).returned = int(returned)


def _add_repairs(ctx: Context, of: Of, since: date, until: date, shop_id: str | None) -> None:
    rework = RepairTicket.rework_of_id.is_not(None)
    query = select(RepairTicket.technician_id, rework.label("rework"), func.count()).where(
        RepairTicket.completed_at >= day_begins(ctx, since), RepairTicket.completed_at < day_ends(ctx, until),
        RepairTicket.technician_id.is_not(None),
    )  # fmt: skip
    if shop_id is not None:
        query = query.where(RepairTicket.shop_id == shop_id)
    for staff_id, is_rework, count in ctx.session.execute(query.group_by(RepairTicket.technician_id, rework)):
        if is_rework:
            of(staff_id).reworks += count
        else:
            of(staff_id).repairs += count


def _add_hours(ctx: Context, of: Of, since: date, until: date, shop_id: str | None) -> None:
    query = select(Attendance.staff_id, Attendance.came_at, Attendance.went_at).where(
        Attendance.business_on.between(since, until)
    )
    if shop_id is not None:
        query = query.where(Attendance.shop_id == shop_id)
    for staff_id, came_at, went_at in ctx.session.execute(query):
        of(staff_id).minutes_worked += worked_minutes(came_at, went_at)
