"""Before paying: is it a phone we may buy at all (rule 14)? Asked once, in one place, for a purchase and a trade-in."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.models import Account, AccountAllocation, AccountEntry
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.financiers.models import FinancierEntry
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.numbers import Numbers, handsets_by_number
from shopnode.domain.plans.models import Plan, PlanLine, PlanStatus
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.rules import OPEN
from shopnode.domain.sales.models import Sale, SaleLine
from shopnode.domain.usedphones.blocklist import refuse_blocked


class PhoneOnPlan(Conflict):
    """The phone is not yet its holder's to sell."""

    code = "phone-on-plan"

    def __init__(self, number: str):
        super().__init__(f"This phone is part of plan {number}, which is not paid yet. End the plan first.")


class PhoneInRepair(Conflict):
    """It lies on our bench already, with money and parts on its ticket."""

    code = "phone-in-repair"

    def __init__(self, number: str):
        super().__init__(f"This phone is here on repair {number}. Buy it on that repair, or hand it over first.")


def check_before_paying(ctx: Context, numbers: Numbers, ticket_id: str | None = None) -> list[str]:
    """Refuse what nobody may buy, ask for a second person for what is still owed; answers what else is known of it.

    A phone that is in stock here is refused where it is taken in (`handsets.actions`).

    ticket_id  the repair it is bought on, which it may be on

    Raises PhoneBlocked, PhoneInRepair, PhoneOnPlan, ApprovalNeeded.
    """
    refuse_blocked(ctx.session, numbers.all)
    _refuse_in_repair(ctx, numbers.all, ticket_id)
    known = handsets_by_number(ctx.session, numbers.all)
    stays = select(StockUnit.id).where(StockUnit.handset_id.in_([handset.id for handset in known]))
    unit_ids = list(ctx.session.scalars(stays)) if known else []
    _refuse_on_plan(ctx.session, unit_ids)
    sold = _sold_here(ctx.session, unit_ids)
    owed = _owed_for(ctx.session, [sale_id for sale_id, _ in sold])
    if owed > 0:
        ctx.require_approval(f"{owed:,} is still owed for this very phone (sale {sold[-1][1]}).")
    if _unsettled(ctx.session, numbers.all) > 0:
        ctx.require_approval("This phone was sold with a financier who has not settled it yet.")
    return [f"Sold here before, on {number}." for _, number in sold[-1:]]


def _refuse_in_repair(ctx: Context, numbers: Collection[str], but: str | None) -> None:
    query = select(RepairTicket.id, RepairTicket.number).where(
        RepairTicket.imei_serial.in_(numbers), RepairTicket.shop_id == ctx.shop_id,
        RepairTicket.status.in_([status.value for status in OPEN]),
    )  # fmt: skip
    for ticket in ctx.session.execute(query.order_by(RepairTicket.taken_at).limit(5)):
        if ticket.id != but:
            raise PhoneInRepair(ticket.number)


def _refuse_on_plan(session: Session, unit_ids: Collection[str]) -> None:
    if not unit_ids:
        return
    query = select(Plan.number).join(PlanLine, PlanLine.plan_id == Plan.id)
    query = query.where(PlanLine.unit_id.in_(unit_ids), Plan.status == PlanStatus.OPEN.value)
    number = session.scalars(query.order_by(Plan.number).limit(1)).first()
    if number is not None:
        raise PhoneOnPlan(number)


def _sold_here(session: Session, unit_ids: Collection[str]) -> list[tuple[str, str]]:
    """The sales these stays were on, (id, number), the latest last."""
    if not unit_ids:
        return []
    query = select(Sale.id, Sale.number).where(
        Sale.id.in_(select(SaleLine.sale_id).where(SaleLine.unit_id.in_(unit_ids)))
    )
    return [(row.id, row.number) for row in session.execute(query.order_by(Sale.sold_at, Sale.id))]


def _owed_for(session: Session, sale_ids: Sequence[str]) -> int:
    """What is not yet paid of what was charged to an account for these sales, in minor units."""
    if not sale_ids:
        return 0
    charges = select(AccountEntry.id).where(
        AccountEntry.account == Account.CREDIT.value, AccountEntry.sale_id.in_(sale_ids), AccountEntry.amount > 0
    )
    charged = session.scalar(select(func.sum(AccountEntry.amount)).where(AccountEntry.id.in_(charges)))
    paid = session.scalar(
        select(func.sum(AccountAllocation.amount_minor)).where(AccountAllocation.charge_id.in_(charges))
    )
    return int(charged or 0) - int(paid or 0)


def _unsettled(session: Session, numbers: Collection[str]) -> int:
    query = select(func.sum(FinancierEntry.amount_minor)).where(FinancierEntry.imei.in_(numbers))
    return int(session.scalar(query) or 0)
