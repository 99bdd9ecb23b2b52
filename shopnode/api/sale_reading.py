"""Sales as the API tells them. A list costs the same few queries however long it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from shopnode.api.sale_shapes import PaymentStatus, SaleItem, SalePayment, SaleRow, SaleWhole
from shopnode.domain.context import Context
from shopnode.domain.sales.coming import is_coming, outcomes_of
from shopnode.domain.sales.lookup import find_summary, payments_of
from shopnode.domain.sales.models import (
    MoneyState,
    Payment,
    PaymentKind,
    PaymentOutcome,
    Sale,
    SaleAmendment,
    SaleDecision,
    SaleLine,
    SaleStatus,
    SaleSummary,
    Tender,
)
from shopnode.domain.sales.rules import UNDONE, in_feed_order

# Asked with the sale itself: whether money of it is still coming, and whether anything was said of its money since.
_COMING = select(Payment.id).where(Payment.sale_id == Sale.id, is_coming()).exists().label("is_coming")
_TOLD = select(PaymentOutcome.id).where(PaymentOutcome.sale_id == Sale.id).exists().label("was_told")
_AS_BOOKED = select(Sale.id, Sale.notes, Sale.discount_minor, _COMING, _TOLD)


def sale_rows(ctx: Context, summaries: Sequence[SaleSummary]) -> list[SaleRow]:
    """Sales in a list, in the order given."""
    if not summaries:
        return []
    ids = [summary.sale_id for summary in summaries]
    sales = {row.id: row for row in ctx.session.execute(_AS_BOOKED.where(Sale.id.in_(ids)))}
    amended, decided = _amendments(ctx, summaries), _decided_at(ctx, summaries)
    due = _refunds_due(ctx, [summary.sale_id for summary in summaries if SaleStatus(summary.status) in UNDONE])
    return [
        SaleRow(**_columns(summary, sales[i], amended[i], decided.get(i), due.get(i, 0)))
        for i, summary in zip(ids, summaries, strict=True)
    ]


def whole_sale(ctx: Context, sale_id: str) -> SaleWhole:
    """One sale this person may see. Raises NotFound."""
    summary = find_summary(ctx, sale_id)
    sale = ctx.session.execute(_AS_BOOKED.where(Sale.id == sale_id)).one()
    amendments = _amendments(ctx, [summary])[sale_id]
    payments = payments_of(ctx.session, sale_id)
    newest = next((row.id for row in reversed(amendments) if row.replaces_lines), None)
    lines = ctx.session.scalars(select(SaleLine).where(SaleLine.sale_id == sale_id).order_by(SaleLine.line_no))
    due = -sum(row.amount_minor for row in payments if row.kind == PaymentKind.REFUND_DUE)
    outcomes = outcomes_of(ctx.session, [row.id for row in payments]) if sale.was_told else {}
    return SaleWhole(
        **_columns(summary, sale, amendments, _decided_at(ctx, [summary]).get(sale_id), due),
        items=[_item(line) for line in lines if line.amendment_id == newest],
        payments=[_payment(row, outcomes.get(row.id)) for row in payments],
        change=_change(payments),
    )


def _amendments(ctx: Context, summaries: Sequence[SaleSummary]) -> dict[str, list[SaleAmendment]]:
    """The amendments of some sales, in the order that holds; most sales have none and are not asked about."""
    found: dict[str, list[SaleAmendment]] = defaultdict(list)
    ids = [summary.sale_id for summary in summaries if summary.amendments]
    if ids:
        query = select(SaleAmendment).where(SaleAmendment.sale_id.in_(ids))
        for row in in_feed_order(ctx.session.scalars(query)):
            found[row.sale_id].append(row)
    return found


def _decided_at(ctx: Context, summaries: Sequence[SaleSummary]) -> dict[str, datetime]:
    """When the last decision about some sales was made; one that is only submitted has none."""
    ids = [summary.sale_id for summary in summaries if summary.status != SaleStatus.SUBMITTED]
    if not ids:
        return {}
    query = select(SaleDecision.sale_id, func.max(SaleDecision.at)).where(SaleDecision.sale_id.in_(ids))
    return {row[0]: row[1] for row in ctx.session.execute(query.group_by(SaleDecision.sale_id))}


def _refunds_due(ctx: Context, ids: list[str]) -> dict[str, int]:
    if not ids:
        return {}
    query = select(Payment.sale_id, func.sum(Payment.amount_minor)).where(
        Payment.sale_id.in_(ids), Payment.kind == PaymentKind.REFUND_DUE.value
    )
    return {row[0]: -int(row[1]) for row in ctx.session.execute(query.group_by(Payment.sale_id))}


def _waits(sale: Any) -> PaymentStatus | None:
    """Whether mobile money of a sale is still coming, or never came."""
    return "Pending" if sale.is_coming else "Unpaid" if sale.was_told else None


def _columns(
    summary: SaleSummary, sale: Any, amendments: list[SaleAmendment], decided_at: datetime | None, due_minor: int
) -> dict[str, Any]:
    """The seed's columns of one sale."""
    notes, ticket_minor = sale.notes, sale.discount_minor
    for row in amendments:
        notes = notes if row.notes is None else row.notes
        ticket_minor = ticket_minor if row.discount_minor is None else row.discount_minor
    ticket_minor = min(ticket_minor, summary.discount_minor)
    changes = [summary.sold_at, *(row.at for row in amendments), decided_at or summary.sold_at]
    return {
        "id": summary.sale_id, "sale_number": summary.number, "shop_id": summary.shop_id,
        "customer_id": summary.customer_id,
        "total_amount": summary.total_minor + ticket_minor, "discount_amount": ticket_minor,
        "tax_amount": summary.tax_minor, "final_amount": summary.total_minor,
        "payment_method": summary.methods, "payment_status": _payment_status(summary, due_minor, _waits(sale)),
        "status": SaleStatus(summary.status), "notes": notes, "business_on": summary.business_on,
        "seller_id": summary.seller_id, "created_by": summary.cashier_id,
        "approved_by": summary.approved_by, "approved_at": summary.approved_at,
        "created_at": summary.sold_at, "updated_at": max(changes),
    }  # fmt: skip


def _payment_status(summary: SaleSummary, due_minor: int, waits: PaymentStatus | None) -> PaymentStatus:
    if SaleStatus(summary.status) not in UNDONE:
        if waits == "Pending" or (waits == "Unpaid" and summary.paid_minor < summary.total_minor):
            return waits
        if summary.paid_minor >= summary.total_minor:
            return "Paid"
        return "Partly refunded" if summary.paid_minor else "Refunded"
    return "Refund due" if due_minor > 0 else "Refunded"


def _item(line: SaleLine) -> SaleItem:
    return SaleItem(
        id=line.id, product_id=line.product_id, device_id=line.unit_id, item_name=line.item_name,
        is_custom=line.product_id is None, imei=line.imei,
        quantity=line.quantity, unit_price=line.unit_price_minor, discount_amount=line.discount_minor,
        total_price=line.quantity * line.unit_price_minor - line.discount_minor, warranty_days=line.warranty_days,
        warranty_terms=line.warranty_terms, seller_id=line.seller_id,
    )  # fmt: skip


def _payment(row: Payment, told: MoneyState | None) -> SalePayment:
    return SalePayment(
        id=row.id, kind=PaymentKind(row.kind), method=Tender(row.method), amount=row.amount_minor,
        tendered=row.tendered_minor, change=row.change_minor, reference=row.reference, created_at=row.at,
        state=told or MoneyState(row.state or MoneyState.CONFIRMED), fee=row.fee_minor, fee_borne_by=row.fee_borne_by,
    )  # fmt: skip


def _change(payments: list[Payment]) -> int:
    """What went back at the counter; a correction that lists all tenders anew replaces what was counted before."""
    told = [row for row in payments if row.change_minor is not None]
    return sum(row.change_minor or 0 for row in told if row.amendment_id == told[-1].amendment_id)
