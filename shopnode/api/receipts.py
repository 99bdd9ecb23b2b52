"""A sale as the receipt its customer takes home, whatever it is printed on."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.documents.receipt import Receipt, ReceiptLine, ReceiptPayment
from shopnode.domain.context import Context
from shopnode.domain.journal import JournalEntry
from shopnode.domain.money import exponent
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import business_or_none, find_shop, names_of
from shopnode.domain.phones import show_phone
from shopnode.domain.sales.models import DecisionKind, SaleLine, SaleStatus, Tender
from shopnode.domain.sales.queries import SaleDetail, sale_detail
from shopnode.domain.sales.rules import METHOD_NAMES, UNDONE
from shopnode.domain.settings.queries import text_setting
from sync_protocol.chain import short_code

UNDOING = (DecisionKind.VOID.value, DecisionKind.REVERSE.value)


def receipt_of_sale(ctx: Context, sale_id: str) -> Receipt:
    """The receipt of a sale this person may see, as it stands now. Raises NotFound."""
    detail = sale_detail(ctx, sale_id)
    shop = find_shop(ctx.session, detail.sale.shop_id)
    business = business_or_none(ctx.session)
    currency = business.currency if business else "UGX"
    zone = ZoneInfo(shop.timezone)
    customer = detail.customer
    return Receipt(
        shop_name=business.name if business else shop.name,
        shop_address=_address(shop, business.name if business else shop.name),
        shop_phone=show_phone(shop.phone) if shop.phone else "",
        tax_id=(business.tax_id if business else None) or "",
        number=detail.sale.number,
        sold_at=_moment(detail.sale.sold_at, zone),
        cashier=detail.cashier.name if detail.cashier else "",
        customer_name=customer.name if customer else "",
        customer_phone=show_phone(customer.phone) if customer and customer.phone else "",
        lines=tuple(_line(line, detail.sale.sold_at, zone) for line in detail.lines),
        subtotal_minor=detail.summary.total_minor + detail.ticket_discount_minor,
        discount_minor=detail.ticket_discount_minor,
        total_minor=detail.summary.total_minor,
        payments=_payments(detail),
        change_minor=detail.change_minor,
        vat_rate_bp=max((line.tax_rate_bp for line in detail.lines), default=0),
        vat_minor=detail.summary.tax_minor,
        currency=currency,
        exponent=exponent(currency),
        chain_code=_chain_code(ctx, sale_id),
        footer=shop.receipt_footer or text_setting(ctx.session, "receipt_thanks"),
        is_voided=SaleStatus(detail.summary.status) in UNDONE,
        void_notice=_void_notice(ctx, detail, zone),
    )


def _address(shop: Shop, heading: str) -> str:
    return ", ".join(part for part in (shop.name if shop.name != heading else "", shop.address or "") if part)


def _moment(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{_day(local)}, {local:%H:%M} {local:%Z}"


def _day(local: datetime) -> str:
    return f"{local.day} {local:%b %Y}"


def _line(line: SaleLine, sold_at: datetime, zone: ZoneInfo) -> ReceiptLine:
    until = (sold_at + timedelta(days=line.warranty_days)).astimezone(zone)
    return ReceiptLine(
        name=line.item_name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        total_minor=line.quantity * line.unit_price_minor - line.discount_minor,
        discount_minor=line.discount_minor,
        imeis=(line.imei,) if line.imei else (),
        warranty=f"until {_day(until)}" if line.warranty_days else "",
    )


def _payments(detail: SaleDetail) -> tuple[ReceiptPayment, ...]:
    """Each tender with what it came to in the end: a correction's two rows are not the customer's business."""
    net: dict[tuple[str, str], int] = {}
    for row in detail.payments:
        key = (row.method, row.reference or "")
        net[key] = net.get(key, 0) + row.amount_minor
    tendered = {row.method: row.tendered_minor for row in detail.payments if row.tendered_minor}
    return tuple(
        ReceiptPayment(METHOD_NAMES[Tender(method)], amount, reference, tendered.get(method))
        for (method, reference), amount in net.items()
        if amount
    )


def _chain_code(ctx: Context, sale_id: str) -> str:
    """Eight characters of the journal's chain: a copy on paper that nobody can change afterwards."""
    found = ctx.session.scalar(select(JournalEntry.hash).where(JournalEntry.entry_id == sale_id))
    return short_code(found) if found else ""


def _void_notice(ctx: Context, detail: SaleDetail, zone: ZoneInfo) -> str:
    undone = next((row for row in detail.decisions if row.kind in UNDOING), None)
    if undone is None:
        return ""
    who = names_of(ctx.session, {undone.by_id}).get(undone.by_id, "") if undone.by_id else ""
    by = f" by {who}" if who else ""
    return f"{detail.summary.status} {_moment(undone.at, zone)}{by}: {undone.reason or ''}".rstrip(": ")
