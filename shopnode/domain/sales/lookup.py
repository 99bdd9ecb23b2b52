"""Finding a sale to act on, and what of it holds now."""

from __future__ import annotations

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.models import OPEN_STATUSES, StockUnit
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.errors import NotYourSale, PartlyReturned, SaleLocked, SaleUndone, UnitCameBack
from shopnode.domain.sales.models import (
    Payment,
    PaymentKind,
    Sale,
    SaleAmendment,
    SaleDecision,
    SaleLine,
    SaleStatus,
    SaleSummary,
)
from shopnode.domain.sales.rules import UNDONE, in_feed_order


def find_summary(ctx: Context, sale_id: str) -> SaleSummary:
    """The sale's summary, if this person may see it. Raises NotFound, also for somebody else's sale."""
    summary = ctx.session.scalars(select(SaleSummary).where(SaleSummary.sale_id == sale_id)).one_or_none()
    if summary is None or not may_see(ctx, summary):
        raise NotFound("This sale")
    return summary


def may_see(ctx: Context, summary: SaleSummary) -> bool:
    """Staff see what they sold or took the money for; supervisors and owners see all."""
    if ctx.may(Permission.SALES_READ_ALL):
        return True
    return ctx.actor.id is not None and ctx.actor.id in (summary.cashier_id, summary.seller_id)


def find_changeable(ctx: Context, sale_id: str, *, even_locked: bool = False) -> tuple[Sale, SaleSummary]:
    """A sale that can still be changed here. Raises NotFound, NotYourSale, SaleLocked, SaleUndone."""
    summary = find_summary(ctx, sale_id)
    if ctx.home.is_shop and summary.shop_id != ctx.shop_id:
        raise NotYourSale
    if SaleStatus(summary.status) in UNDONE:
        raise SaleUndone(summary.number, summary.status)
    if summary.status == SaleStatus.LOCKED and not even_locked:
        raise SaleLocked(summary.number)
    return find_row(ctx.session, Sale, sale_id, "This sale"), summary


def amendments_of(session: Session, sale_id: str) -> list[SaleAmendment]:
    """The sale's amendments in the order that holds everywhere."""
    return in_feed_order(session.scalars(select(SaleAmendment).where(SaleAmendment.sale_id == sale_id)))


def lines_now(session: Session, sale_id: str) -> list[SaleLine]:
    """The lines that hold: those of the newest amendment that replaced them, else the original ones."""
    newest = next((row.id for row in reversed(amendments_of(session, sale_id)) if row.replaces_lines), None)
    query = select(SaleLine).where(SaleLine.sale_id == sale_id, SaleLine.amendment_id.is_not_distinct_from(newest))
    return list(session.scalars(query.order_by(SaleLine.line_no)))


def payments_of(session: Session, sale_id: str) -> list[Payment]:
    """Every money row of the sale, oldest first."""
    query = select(Payment).where(Payment.sale_id == sale_id)
    return list(session.scalars(query.order_by(Payment.at, Payment.id)))


def refuse_if_returned(session: Session, sale: Sale) -> None:
    """A sale of which something came back already is no longer changed or undone as a whole. Raises PartlyReturned."""
    query = select(SaleReturn.number).where(SaleReturn.sale_id == sale.id).order_by(SaleReturn.at, SaleReturn.id)
    number = session.scalars(query.limit(1)).first()
    if number is not None:
        raise PartlyReturned(sale.number, number)


def next_nth(session: Session, model: type[SaleAmendment] | type[SaleDecision], sale_id: str) -> int:
    """The place of a new amendment or decision after all that are known here."""
    return (session.scalar(select(func.count()).where(model.sale_id == sale_id)) or 0) + 1


def unit_of_line(session: Session, line: SaleLine) -> StockUnit:
    """The phone this line sold, still away because of it. Raises NotFound, UnitCameBack."""
    unit = find_row(session, StockUnit, line.unit_id or "", "The sold phone")
    stays = select(func.count()).where(
        StockUnit.handset_id == unit.handset_id, StockUnit.id != unit.id, StockUnit.status.in_(OPEN_STATUSES)
    )
    if unit.sold_line_id != line.id or session.scalar(stays):
        raise UnitCameBack(line.imei or "")
    return unit


def who_buys(ctx: Context, customer_id: str | None, *, is_new: bool = False) -> Customer | None:
    """The customer of a ticket: of a duplicate, the one who is kept. Raises NotFound.

    is_new  they are named now: Raises Invalid for somebody who was erased
    """
    if customer_id is None:
        return None
    customer = find_row(ctx.session, Customer, customer_id, "This customer")
    if customer.merged_into is not None:
        customer = find_row(ctx.session, Customer, customer.merged_into, "This customer")
    if is_new and customer.erased_at is not None:
        raise Invalid({"customer_id": "was erased at their own wish: add them anew if they come back"})
    return customer


def sale_with_reference(session: Session, method: str, reference: str, except_id: str = "") -> str | None:
    """The number of another sale that this transaction of this network paid; a reference is good once, for ever.

    One that was typed into the wrong sale and corrected away is free for its real owner; one that sent money back
    was used, too.
    """
    brought = case((Payment.kind == PaymentKind.REFUND.value, 0), else_=Payment.amount_minor)
    others = case((Payment.kind == PaymentKind.REFUND.value, 0), else_=1)
    query = (
        select(Sale.number)
        .join(Payment, Payment.sale_id == Sale.id)
        .where(Payment.method == method, Payment.reference == reference, Sale.id != except_id)
        .group_by(Sale.number)
        .having(or_(func.sum(brought) != 0, func.sum(others) == 0))
    )
    return session.scalar(query.limit(1))
