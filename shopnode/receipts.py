"""A sale as a receipt: where the books meet the documents. Used by the printer, the screens and the API of both homes.

Nothing is computed here that the books do not say; totals come from the sale's summary, names from the lines as they
were sold.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.documents.receipt import Receipt, ReceiptLine, ReceiptPayment
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import NotFound
from shopnode.domain.journal import JournalEntry
from shopnode.domain.money import exponent
from shopnode.domain.people.models import Business, Shop, Staff
from shopnode.domain.phones import show_phone
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.lookup import find_summary, lines_now, payments_of
from shopnode.domain.sales.models import (
    DecisionKind,
    Payment,
    SaleDecision,
    SaleLine,
    SaleStatus,
    SaleSummary,
    Tender,
)
from shopnode.domain.sales.rules import METHOD_NAMES, in_feed_order
from shopnode.domain.settings.queries import text_setting
from sync_protocol.chain import short_code

R = TypeVar("R", Staff, Customer)
WARRANTY = "For warranty service bring this receipt with the phone."
VOID_WORDS = {SaleStatus.VOIDED: "VOID", SaleStatus.REVERSED: "REVERSED"}


def receipt_of(session: Session, sale_id: str, copy_no: int = 0) -> Receipt:
    """The receipt of a sale as it stands now; whether somebody may see it is the caller's question. Raises NotFound."""
    summary = session.scalars(select(SaleSummary).where(SaleSummary.sale_id == sale_id)).one_or_none()
    if summary is None:
        raise NotFound("This sale")
    shop = find_row(session, Shop, summary.shop_id, "This shop")
    business = session.scalars(select(Business)).one_or_none()
    heading = business.name if business else shop.name
    currency = business.currency if business else "UGX"
    zone = ZoneInfo(shop.timezone)
    lines, payments = lines_now(session, sale_id), payments_of(session, sale_id)
    seller = _found(session, Staff, summary.seller_id or summary.cashier_id)
    customer = _found(session, Customer, summary.customer_id)
    sold = tuple(_line(line, summary.sold_at, zone) for line in lines)
    subtotal_minor = sum(line.total_minor for line in sold)
    rates = {line.tax_rate_bp for line in lines}
    code = _chain_code(session, sale_id)
    void_word = VOID_WORDS.get(SaleStatus(summary.status))
    return Receipt(
        shop_name=heading,
        shop_address=", ".join(part for part in (shop.name, shop.address) if part and part != heading),
        shop_phone=show_phone(shop.phone) if shop.phone else "",
        tax_id=(business.tax_id if business else None) or "",
        header=text_setting(session, "receipt_header"),
        number=summary.number,
        sold_at=local_time(summary.sold_at, zone),
        cashier=seller.name if seller else "",
        customer_name=customer.name if customer else "",
        customer_phone=show_phone(customer.phone) if customer and customer.phone else "",
        lines=sold,
        subtotal_minor=subtotal_minor,
        discount_minor=subtotal_minor - summary.total_minor,
        total_minor=summary.total_minor,
        vat_rate_bp=rates.pop() if len(rates) == 1 else 0,
        vat_minor=summary.tax_minor,
        currency=currency,
        exponent=exponent(currency),
        payments=_payments(payments),
        change_minor=sum(payment.change_minor or 0 for payment in payments),
        warranty_text=_warranty_text(lines),
        chain_code=code,
        qr_payload=f"{summary.number} {code} {currency} {summary.total_minor}",
        footer=shop.receipt_footer or text_setting(session, "receipt_thanks"),
        copy_no=copy_no,
        is_voided=void_word is not None,
        void_word=void_word or "",
        void_notice=_void_notice(session, sale_id, zone) if void_word else "",
    )


def receipt_of_sale(ctx: Context, sale_id: str) -> Receipt:
    """The receipt of a sale that this person may see. Raises NotFound."""
    find_summary(ctx, sale_id)
    return receipt_of(ctx.session, sale_id)


def _warranty_text(lines: list[SaleLine]) -> str:
    """The terms that were copied on the lines, each once, and what to bring (rule 29); nothing without a warranty."""
    covered = [line for line in lines if line.warranty_days]
    terms = dict.fromkeys(" ".join(line.warranty_terms.split()) for line in covered if line.warranty_terms)
    return " ".join([*terms, WARRANTY]) if covered else ""


def local_time(instant: datetime, zone: ZoneInfo) -> str:
    """The shop's own time, written out with its zone: "22 Nov 2026, 14:03 EAT"."""
    local = instant.astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


def _line(line: SaleLine, sold_at: datetime, zone: ZoneInfo) -> ReceiptLine:
    warranty = ""
    if line.warranty_days:
        until = sold_at.astimezone(zone) + timedelta(days=line.warranty_days)
        warranty = f"until {until.day} {until:%b %Y}"
    return ReceiptLine(
        name=line.item_name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.quantity * line.unit_price_minor - line.discount_minor,
        discount_minor=line.discount_minor,
        imeis=(line.imei,) if line.imei else (),
        warranty=warranty,
    )


def _payments(rows: list[Payment]) -> tuple[ReceiptPayment, ...]:
    """Each tender with what it came to in the end: a correction's two rows are not the customer's business."""
    net: dict[tuple[str, str], int] = {}
    tendered: dict[str, int] = {}
    for row in rows:
        key = (row.method, row.reference or "")
        net[key] = net.get(key, 0) + row.amount_minor
        if row.tendered_minor:
            tendered[row.method] = row.tendered_minor
    return tuple(
        ReceiptPayment(METHOD_NAMES[Tender(method)], amount, reference, tendered.get(method))
        for (method, reference), amount in net.items()
        if amount
    )


def _chain_code(session: Session, sale_id: str) -> str:
    """Eight characters of the chain at this sale's entry: who rewrites the books later must also find this paper.

    The sale's id is the id of the action that made it.
    """
    found = session.scalars(select(JournalEntry.hash).where(JournalEntry.entry_id == sale_id).limit(1)).first()
    return short_code(found) if found else ""


def _void_notice(session: Session, sale_id: str, zone: ZoneInfo) -> str:
    decided = session.scalars(select(SaleDecision).where(SaleDecision.sale_id == sale_id))
    undone = [row for row in in_feed_order(decided) if row.kind in (DecisionKind.VOID, DecisionKind.REVERSE)]
    if not undone:
        return ""
    last = undone[0]  # the first to be admitted stands
    who = _found(session, Staff, last.by_id)
    deed = "Voided" if last.kind == DecisionKind.VOID else "Reversed"
    by = f" by {who.name}" if who else ""
    return f"{deed} {local_time(last.at, zone)}{by}" + (f": {last.reason}" if last.reason else "")


def _found(session: Session, model: type[R], row_id: str | None) -> R | None:
    return row_or_none(session, model, row_id) if row_id else None
