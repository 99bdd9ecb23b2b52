"""The shop's papers: where the books meet invoice, statement, order, manifest, agreement and slips.

Nothing is computed here that the books do not say. Whether somebody may see a paper is asked by whoever hands it out;
what a person may not see on it (a seller's name, a cost) is left out by the queries themselves.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.documents.escpos import Paper
from shopnode.documents.letter import Heading, Letter
from shopnode.documents.papers import (
    AgreementPaper,
    ManifestLine,
    ManifestPaper,
    OrderLine,
    OrderPaper,
    StatementEntry,
    StatementPaper,
    agreement_letter,
    invoice_letter,
    manifest_letter,
    order_letter,
    statement_letter,
)
from shopnode.documents.slips import (
    MoneySlip,
    ReturnedLine,
    ReturnSlip,
    agreement_slip,
    manifest_slip,
    money_slip,
    return_slip,
)
from shopnode.domain.accounts.models import AccountEntry, EntryKind
from shopnode.domain.accounts.queries import balances, statement
from shopnode.domain.buying.queries import find_supplier, order_view
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import Handset
from shopnode.domain.handsets.transit import transfer_view
from shopnode.domain.money import exponent
from shopnode.domain.people.models import Business, Shop
from shopnode.domain.people.queries import all_shops, currency_of, names_of
from shopnode.domain.phones import show_phone
from shopnode.domain.printing.papers import Slip
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.returns.models import RestockDecision, SaleReturn
from shopnode.domain.returns.queries import find_return, money_of_return, return_lines
from shopnode.domain.sales.models import Sale, SaleSummary, Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.domain.usedphones.queries import agreement_of
from shopnode.receipts import local_time, receipt_of_sale

ENTRY_WORDS = {
    EntryKind.CHARGE: "Sold on account", EntryKind.PAYMENT: "Paid", EntryKind.REFUND: "Goods came back",
    EntryKind.CORRECTION: "Corrected",
}  # fmt: skip
AGE_LABELS = ("Not due yet", "Up to 30 days overdue", "31 to 60 days", "61 to 90 days", "Older than 90 days")
MONEY_TITLES = {
    MoneyKind.ACCOUNT_PAYMENT: "Payment on account", MoneyKind.STORE_CREDIT: "Store credit",
    MoneyKind.PLAN_PAYMENT: "Payment towards a plan", MoneyKind.UNALLOCATED: "Money received",
    MoneyKind.USED_PHONE: "Phone bought", MoneyKind.SUPPLIER: "Supplier", MoneyKind.FINANCIER: "Financier",
    MoneyKind.COUNTERFEIT: "Counterfeit note", MoneyKind.PAY_IN: "Paid in", MoneyKind.PAY_OUT: "Paid out",
    MoneyKind.SAFE_DROP: "Into the safe", MoneyKind.BANK_DEPOSIT: "To the bank", MoneyKind.EXPENSE: "Expense",
    MoneyKind.REPAIR: "Repair", MoneyKind.STAFF: "Staff",
}  # fmt: skip
GIVEN_OUT = {MoneyKind.PAY_OUT, MoneyKind.BANK_DEPOSIT, MoneyKind.EXPENSE}  # named so already
BACK_TO = {
    RestockDecision.NEW: "Sold again as new", RestockDecision.OPEN_BOX: "Sold again as open box",
    RestockDecision.BENCH: "To the bench", RestockDecision.SUPPLIER: "Back to the supplier",
    RestockDecision.SCRAP: "Scrapped",
}  # fmt: skip

ID_NAMES = {
    "national_id": "National ID", "passport": "Passport", "driving_permit": "Driving permit",
    "refugee_id": "Refugee ID",
}  # fmt: skip


class DraftOrder(Conflict):
    code = "draft-order"

    def __init__(self) -> None:
        super().__init__("This order is a draft and has no number yet. Place it first, then print it.")


@dataclass(frozen=True)
class Whose:
    """The heading of a shop's papers, and its zone for dates."""

    heading: Heading
    zone: ZoneInfo


def whose(session: Session, shop_id: str | None) -> Whose:
    """The shop's heading; the business's first shop in the portal, where none is meant."""
    shop = row_or_none(session, Shop, shop_id) if shop_id else None
    shop = shop or session.scalars(select(Shop).order_by(Shop.id).limit(1)).one()
    business = session.scalars(select(Business)).one_or_none()
    name = business.name if business else shop.name
    address = ", ".join(part for part in (shop.name, shop.address) if part and part != name)
    phone = show_phone(shop.phone) if shop.phone else ""
    return Whose(Heading(name, address, phone, (business.tax_id if business else None) or ""), ZoneInfo(shop.timezone))


def day_text(day: date) -> str:
    """As papers write a day: "22 Nov 2026"."""
    return f"{day.day} {day:%b %Y}"


def invoice_of(ctx: Context, sale_id: str) -> Letter:
    """A sale as an invoice, for those who may see the sale. Raises NotFound."""
    receipt = receipt_of_sale(ctx, sale_id)
    customer_id = ctx.session.scalar(select(SaleSummary.customer_id).where(SaleSummary.sale_id == sale_id))
    customer = row_or_none(ctx.session, Customer, customer_id) if customer_id else None
    due_on = ctx.session.scalar(
        select(AccountEntry.due_on)
        .where(AccountEntry.sale_id == sale_id, AccountEntry.kind == EntryKind.CHARGE.value)
        .order_by(AccountEntry.at)
        .limit(1)
    )
    return invoice_letter(
        receipt, buyer_address=(customer.address if customer else None) or "",
        due_on=day_text(due_on) if due_on else "", on_account=METHOD_NAMES[Tender.ON_ACCOUNT],
    )  # fmt: skip


def statement_of(ctx: Context, customer_id: str, from_on: date | None = None, to_on: date | None = None) -> Letter:
    """A customer's statement of account. Raises NotFound."""
    told = statement(ctx, find_customer(ctx.session, customer_id), from_on, to_on)
    at, currency = whose(ctx.session, ctx.shop_id), currency_of(ctx.session)
    age = told.ageing
    amounts = (age.not_due_minor, age.days_30_minor, age.days_60_minor, age.days_90_minor, age.older_minor)
    entries = tuple(
        StatementEntry(
            day_text(line.at.astimezone(at.zone).date()), ENTRY_WORDS.get(EntryKind(line.kind), "Entry"),
            line.amount_minor, line.balance_minor, line.number or "", day_text(line.due_on) if line.due_on else "",
        )
        for line in told.lines
    )  # fmt: skip
    return statement_letter(StatementPaper(
        at.heading, told.name, show_phone(told.phone) if told.phone else "", day_text(told.from_on),
        day_text(told.to_on), told.opening_minor, entries, told.closing_minor,
        tuple(zip(AGE_LABELS, amounts, strict=True)), told.store_credit_minor, currency, exponent(currency),
        told.left_out,
    ))  # fmt: skip


def order_of(ctx: Context, order_id: str) -> Letter:
    """A purchase order. Raises NotFound, DraftOrder."""
    view = order_view(ctx, order_id)
    if not view.number or view.ordered_at is None:
        raise DraftOrder
    at, currency = whose(ctx.session, view.shop_id), currency_of(ctx.session)
    supplier = find_supplier(ctx.session, view.supplier_id)
    names = names_of(ctx.session, {view.created_by} if view.created_by else set())
    lines = tuple(OrderLine(line.product_name, line.quantity, line.unit_cost_minor) for line in view.lines)
    return order_letter(OrderPaper(
        at.heading, view.number, day_text(view.ordered_at.astimezone(at.zone).date()), supplier.name, lines,
        supplier.contact or "", show_phone(supplier.phone) if supplier.phone else "", supplier.address or "",
        day_text(view.expected_on) if view.expected_on else "",
        f"{supplier.terms_days} days" if supplier.terms_days else "Cash on delivery",
        names.get(view.created_by or "", ""), view.notes or "", currency, exponent(currency),
    ))  # fmt: skip


def manifest_of(ctx: Context, transfer_id: str) -> ManifestPaper:
    """What travels with a transfer. Raises NotFound."""
    view = transfer_view(ctx, transfer_id)
    at = whose(ctx.session, view.from_shop_id)
    shops = {shop.id: shop.name for shop in all_shops(ctx.session)}
    numbers = _numbers_of(ctx.session, {line.handset_id for line in view.lines})
    by_model: dict[str, list[str]] = {}
    for line in view.lines:
        by_model.setdefault(line.product_name, []).extend(numbers.get(line.handset_id, (line.number,))[:1])
    phones = [ManifestLine(name, len(found), tuple(found)) for name, found in by_model.items()]
    goods = [ManifestLine(item.product_name, item.quantity) for item in view.items]
    return ManifestPaper(
        at.heading, view.number, shops.get(view.from_shop_id, ""), shops.get(view.to_shop_id, ""),
        local_time(view.sent_at, at.zone), view.sent_by or "", tuple(phones + goods), view.note or "",
    )  # fmt: skip


def agreement_paper(ctx: Context, purchase_id: str) -> AgreementPaper:
    """The agreement of a phone bought from a person; its seller is named to those who may see them. Raises NotFound."""
    told = agreement_of(ctx, purchase_id)
    at = whose(ctx.session, ctx.shop_id)
    heading = Heading(
        at.heading.shop_name,
        ", ".join(part for part in (told.shop_name, told.shop_address) if part and part != at.heading.shop_name),
        show_phone(told.shop_phone) if told.shop_phone else "", at.heading.tax_id,
    )  # fmt: skip
    comes_with = [word for word, is_there in (("box", told.has_box), ("charger", told.has_charger)) if is_there]
    kind = ID_NAMES.get(told.seller_id_type or "", "")
    return AgreementPaper(
        heading, told.number, local_time(told.at, ZoneInfo(told.timezone)), told.by or "", told.product_name,
        told.amount_minor, told.statement, told.imei1 or "", told.imei2 or "", told.serial or "", told.colour or "",
        told.storage or "", told.grade, ", ".join(comes_with),
        f"{told.battery_pct}%" if told.battery_pct is not None else "",
        told.network_lock if told.network_lock and told.network_lock != "none" else "", told.locks_removed,
        told.was_reset, told.traded_in_for or "", told.seller_name or "",
        show_phone(told.seller_phone) if told.seller_phone else "", f"{kind} {told.seller_id_number or ''}".strip(),
        told.seller_address or "", told.notes or "", told.currency, exponent(told.currency),
    )  # fmt: skip


def manifest_of_transfer(ctx: Context, transfer_id: str) -> Letter:
    """A transfer's manifest as a letter. Raises NotFound."""
    return manifest_letter(manifest_of(ctx, transfer_id))


def agreement_of_purchase(ctx: Context, purchase_id: str) -> Letter:
    """A used-phone agreement as a letter. Raises NotFound."""
    return agreement_letter(agreement_paper(ctx, purchase_id))


def slip_bytes(ctx: Context, slip: Slip, subject_id: str, paper: Paper) -> bytes:
    """A slip for the receipt printer. Raises NotFound."""
    if slip is Slip.TRANSFER:
        return manifest_slip(manifest_of(ctx, subject_id), paper)
    if slip is Slip.AGREEMENT:
        return agreement_slip(agreement_paper(ctx, subject_id), paper)
    if slip is Slip.RETURN:
        return return_slip(_returned(ctx, subject_id), paper)
    return money_slip(_money(ctx, subject_id), paper)


def _returned(ctx: Context, return_id: str) -> ReturnSlip:
    row = find_return(ctx.session, return_id)
    at, currency = whose(ctx.session, row.shop_id), currency_of(ctx.session)
    sale = find_row(ctx.session, Sale, row.sale_id, "This sale")
    lines = tuple(
        ReturnedLine(name, line.quantity, line.refund_minor, imei or "", BACK_TO[RestockDecision(line.restock)])
        for line, name, imei in return_lines(ctx.session, [row.id])[row.id]
    )
    return ReturnSlip(
        at.heading, row.number, sale.number, local_time(row.at, at.zone), _name(ctx.session, row.by_id), row.reason,
        lines, row.refund_minor, row.fee_minor, _given_back(ctx, row), _customer(ctx.session, row.customer_id),
        currency=currency, exponent=exponent(currency),
    )  # fmt: skip


def _money(ctx: Context, move_id: str) -> MoneySlip:
    row = find_row(ctx.session, MoneyMove, move_id, "This payment")
    at, currency = whose(ctx.session, row.shop_id), currency_of(ctx.session)
    title = money_title(MoneyKind(row.kind), row.amount_minor)
    return MoneySlip(
        at.heading, row.number or "", title, local_time(row.at, at.zone),
        _name(ctx.session, row.by_id), abs(row.amount_minor), METHOD_NAMES[Tender(row.method)], row.reference or "",
        _customer(ctx.session, row.customer_id), row.note or "", _still_owed(ctx.session, row), row.amount_minor < 0,
        currency=currency, exponent=exponent(currency),
    )  # fmt: skip


def money_title(kind: MoneyKind, amount_minor: int) -> str:
    """What a slip of money is called; amount_minor below nothing: it left the drawer."""
    if kind is MoneyKind.SAFE_DROP:
        return "Into the safe" if amount_minor < 0 else "Back from the safe"
    title = MONEY_TITLES[kind]
    return title if amount_minor >= 0 or kind in GIVEN_OUT else f"{title}, paid out"


def _given_back(ctx: Context, row: SaleReturn) -> tuple[tuple[str, int], ...]:
    """How the money went back."""
    return tuple((METHOD_NAMES[tender], amount) for tender, amount in money_of_return(ctx.session, row))


def _still_owed(session: Session, row: MoneyMove) -> tuple[str, int] | None:
    """What the customer owes when the slip is printed; nothing for money that was no payment of a debt."""
    if row.kind != MoneyKind.ACCOUNT_PAYMENT or row.customer_id is None:
        return None
    return "Still owed", balances(session, row.customer_id).owes_minor


def _name(session: Session, staff_id: str | None) -> str:
    return names_of(session, {staff_id}).get(staff_id, "") if staff_id else ""


def _customer(session: Session, customer_id: str | None) -> str:
    row = row_or_none(session, Customer, customer_id) if customer_id else None
    return row.name if row else ""


def _numbers_of(session: Session, handset_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    rows = session.execute(
        select(Handset.id, Handset.imei1, Handset.imei2, Handset.serial).where(Handset.id.in_(handset_ids))
    )
    return {row[0]: tuple(number for number in row[1:] if number) for row in rows}
