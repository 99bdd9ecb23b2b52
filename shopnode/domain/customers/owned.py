"""What a customer has bought: the phones that are theirs now, and what they were worth to the shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from shopnode.domain.customers.queries import with_duplicates
from shopnode.domain.handsets.models import Handset, StockUnit, UnitStatus
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.models import Payment, PaymentKind, Sale, SaleLine, SaleStatus, SaleSummary

DEVICES_MAX = 500
STANDING = tuple(s.value for s in SaleStatus if s not in (SaleStatus.VOIDED, SaleStatus.REVERSED))


_SOLD = (
    select(
        Handset.id, StockUnit.id, SaleLine.item_name, Handset.imei1, Handset.serial, SaleSummary.sale_id,
        SaleSummary.number, SaleSummary.sold_at, SaleLine.unit_price_minor, SaleLine.discount_minor,
        SaleSummary.business_on, SaleLine.warranty_days,
    )
    .select_from(SaleSummary)
    .join(SaleLine, SaleLine.sale_id == SaleSummary.sale_id)
    .join(StockUnit, and_(StockUnit.id == SaleLine.unit_id, StockUnit.sold_line_id == SaleLine.id))
    .join(Handset, Handset.id == StockUnit.handset_id)
    .where(StockUnit.status == UnitStatus.SOLD.value, SaleSummary.status.in_(STANDING))
    .order_by(SaleSummary.sold_at.desc(), StockUnit.id.desc())
    .limit(DEVICES_MAX)
)  # fmt: skip


class OwnedDevice(NamedTuple):
    """A phone that was sold to a customer and has not come back. A tuple: a dealer has hundreds."""

    handset_id: str
    unit_id: str
    name: str
    imei: str
    sale_id: str
    sale_number: str
    sold_at: datetime
    price_minor: int
    warranty_until: date | None


@dataclass(frozen=True)
class Worth:
    """What a customer bought over all the years, what came back taken off."""

    sales: int
    bought_minor: int  # sales that stand
    returned_minor: int  # given back for goods of those
    first_on: date | None
    last_on: date | None

    @property
    def lifetime_minor(self) -> int:
        return self.bought_minor - self.returned_minor


def owned_devices(session: Session, customer_id: str) -> list[OwnedDevice]:
    """The phones this customer has from us, the newest first."""
    known_as = list(session.scalars(with_duplicates(customer_id)))
    # One id alone lets the sales be read in their order, until the list is full.
    mine = SaleSummary.customer_id == known_as[0] if len(known_as) == 1 else SaleSummary.customer_id.in_(known_as)
    found = []
    for row in session.execute(_SOLD.where(mine)):
        handset_id, unit_id, name, imei, serial, sale_id, number, sold_at, price, discount, sold_on, days = row
        until = sold_on + timedelta(days=days) if days else None
        own = imei or serial or ""
        found.append(OwnedDevice(handset_id, unit_id, name, own, sale_id, number, sold_at, price - discount, until))
    return found


def lifetime_value(session: Session, customer_id: str) -> Worth:
    """What this customer and their duplicates bought, net of returns."""
    mine = SaleSummary.customer_id.in_(with_duplicates(customer_id))
    stands = SaleSummary.status.in_(STANDING)
    query = select(
        func.count(), func.coalesce(func.sum(SaleSummary.total_minor), 0), func.min(SaleSummary.business_on),
        func.max(SaleSummary.business_on),
    ).where(mine, stands)  # fmt: skip
    count, bought, first, last = session.execute(query).one()
    back = (
        select(func.coalesce(func.sum(SaleReturn.refund_minor), 0))
        .join(SaleSummary, SaleSummary.sale_id == SaleReturn.sale_id)
        .where(mine, stands)
    )
    return Worth(int(count), int(bought), int(session.scalar(back) or 0), first, last)


def refunds_due(session: Session, customer_id: str) -> int:
    """What is still to be paid out for this customer's undone sales."""
    query = (
        select(func.coalesce(func.sum(Payment.amount_minor), 0))
        .join(Sale, Sale.id == Payment.sale_id)
        .where(Payment.kind == PaymentKind.REFUND_DUE.value, Sale.customer_id.in_(with_duplicates(customer_id)))
    )
    return -int(session.scalar(query) or 0)
