"""Mobile money that is still coming when the goods leave: what is waited for, and what became of it (rule 40).

A sale that is completed on such money is paid in the books, and the money is a receivable of its network. It comes, or
it fails, or the network takes it back: each a fact beside the payment.

Invariants:
  * Money fails or is confirmed once: the ids of outcome and correction follow from the payment.
  * What fails or is taken back is booked against the sale by a correction of the same tender, so that a refund never
    leaves by money that is not there. What is then missing is settled by amending the sale.
  * While money of a sale is coming, the sale is neither amended, nor undone, nor do its goods come back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Conflict
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.sales.models import MoneyState, Payment, PaymentKind, PaymentOutcome, Sale, SaleSummary


class MoneyComing(Conflict):
    code = "money-coming"

    def __init__(self, number: str):
        super().__init__(f"Mobile money for {number} is still coming. Say first whether it came or failed.")


class MoneyMissing(Conflict):
    code = "money-missing"

    def __init__(self, number: str, missing_minor: int):
        super().__init__(
            f"{missing_minor:,} of {number} never came. Amend the sale with how it is paid, or have it undone."
        )


@dataclass(frozen=True)
class ComingMoney:
    """One payment that is waited for."""

    payment_id: str
    sale_id: str
    sale_number: str
    shop_id: str
    customer_id: str | None
    customer: str | None
    method: str
    amount_minor: int
    reference: str | None
    state: MoneyState
    at: datetime
    by_id: str | None


def is_coming() -> ColumnElement[bool]:
    """Of a payment: it is waited for, and nothing has been said of it since."""
    told = select(PaymentOutcome.id).where(PaymentOutcome.payment_id == Payment.id).correlate(Payment)
    return Payment.state.is_not(None) & ~told.exists()


def refuse_while_coming(session: Session, sale: Sale) -> None:
    """Raises MoneyComing."""
    waited = select(Payment.id).where(Payment.sale_id == sale.id, is_coming()).limit(1)
    if session.scalar(waited) is not None:
        raise MoneyComing(sale.number)


def refuse_unpaid(session: Session, sale: Sale, total_minor: int) -> None:
    """Goods whose money never came are not given money for. Raises MoneyComing, MoneyMissing."""
    if session.scalar(select(PaymentOutcome.id).where(PaymentOutcome.sale_id == sale.id).limit(1)) is None:
        refuse_while_coming(session, sale)
        return
    refuse_while_coming(session, sale)
    paid = select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
        Payment.sale_id == sale.id, Payment.kind.in_([PaymentKind.PAYMENT.value, PaymentKind.CORRECTION.value])
    )
    missing = total_minor - int(session.scalar(paid) or 0)
    if missing > 0:
        raise MoneyMissing(sale.number, missing)


def confirmed_with_reference(session: Session, method: str, reference: str) -> str | None:
    """The number of the sale for which this transaction was named when its money came."""
    query = (
        select(Sale.number)
        .join(PaymentOutcome, PaymentOutcome.sale_id == Sale.id)
        .where(
            PaymentOutcome.method == method, PaymentOutcome.reference == reference,
            PaymentOutcome.state == MoneyState.CONFIRMED.value,
        )
    )  # fmt: skip
    return session.scalar(query.limit(1))


def coming_money(ctx: Context, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[ComingMoney]:
    """What is waited for, the oldest first. Raises Invalid for a cursor of another list."""
    query = (
        select(Payment, Sale.number, SaleSummary.customer_id, Customer.name)
        .join(Sale, Sale.id == Payment.sale_id)
        .join(SaleSummary, SaleSummary.sale_id == Payment.sale_id)
        .outerjoin(Customer, Customer.id == SaleSummary.customer_id)
        .where(is_coming())
    )
    if ctx.shop_id is not None:
        query = query.where(Payment.shop_id == ctx.shop_id)
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(beyond((Payment.at, Payment.id), place))
    found = ctx.session.execute(query.order_by(Payment.at, Payment.id).limit(limit + 1)).all()
    page = page_of(list(found), limit, lambda row: (to_ms(row[0].at), row[0].id))
    rows = [
        ComingMoney(
            row.id, row.sale_id, number, row.shop_id, customer_id, customer, row.method, row.amount_minor,
            row.reference, MoneyState(row.state or ""), row.at, row.by_id,
        )
        for row, number, customer_id, customer in page.rows
    ]  # fmt: skip
    return Page(rows, page.next_cursor)


def outcomes_of(session: Session, payment_ids: Collection[str]) -> dict[str, MoneyState]:
    """What became of some payments; a reversal comes after the confirmation."""
    query = select(PaymentOutcome.payment_id, PaymentOutcome.state).where(PaymentOutcome.payment_id.in_(payment_ids))
    found: dict[str, MoneyState] = {}
    for payment_id, state in session.execute(query):
        if found.get(payment_id) is not MoneyState.REVERSED:
            found[payment_id] = MoneyState(state)
    return found
