"""Money at the counter: what is due, what was handed over, the change, and the sale a cart asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.money import format_minor
from shopnode.domain.sales.carts import CartBody, CartTender
from shopnode.domain.sales.lookup import sale_with_reference
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, NEEDS_REFERENCE, normal_reference

METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in Tender if tender in MONEY]
BANKNOTES = (1_000, 5_000, 10_000, 20_000, 50_000)  # in units of the currency, as Uganda prints them
NOTES_SHOWN = 4


@dataclass(frozen=True)
class PaymentView:
    """The payment step, added up."""

    total_minor: int
    due_minor: int
    change_minor: int
    tenders: list[dict[str, Any]]
    notes: list[int]
    method: str
    action_id: str


def payment_view(body: CartBody, total_minor: int, exponent: int, method: str = Tender.CASH.value) -> PaymentView:
    """What is still due or given back, with the tenders so far."""
    handed = sum(tender.amount for tender in body.tenders)
    due = max(0, total_minor - handed)
    tenders = [
        {"id": tender.id, "method": tender.method, "amount_minor": tender.amount, "tendered_minor": None,
         "reference": tender.reference}
        for tender in body.tenders
    ]  # fmt: skip
    return PaymentView(
        total_minor, due, max(0, handed - total_minor), tenders, likely_notes(due, exponent), method,
        body.action_id or "",
    )  # fmt: skip


def likely_notes(due_minor: int, exponent: int) -> list[int]:
    """Amounts people are likely to hand over for this much: exactly it, then round sums of notes above it."""
    found = [due_minor]
    for note in BANKNOTES:
        step = note * 10**exponent
        rounded = -(-due_minor // step) * step
        if rounded not in found:
            found.append(rounded)
    return sorted(found)[:NOTES_SHOWN]


def check_tender(ctx: Context, body: CartBody, tender: CartTender, due_minor: int) -> CartTender:
    """The tender as the cart keeps it. Raises Invalid, naming the field, for what the booking would refuse."""
    if tender.method not in dict(METHODS):
        raise Invalid({"": "Choose how it is paid."})
    method = Tender(tender.method)
    if method is Tender.CASH:
        return tender.model_copy(update={"reference": None})
    if tender.amount > due_minor:
        due = format_minor(due_minor)
        raise Invalid({"amount_minor": f"is more than the {due} that is due; only cash gives change"})
    try:
        reference = normal_reference(tender.reference)
    except ValueError as odd:
        raise Invalid({"reference": str(odd)}) from None
    if reference is None:
        if method in NEEDS_REFERENCE:
            raise Invalid({"reference": f"{METHOD_NAMES[method]} needs the transaction ID from the message"})
        return tender.model_copy(update={"reference": None})
    if any(other.method == method and normal_reference(other.reference) == reference for other in body.tenders):
        raise Invalid({"reference": "is in this sale already"})
    number = sale_with_reference(ctx.session, method.value, reference)
    if number is not None:
        raise Invalid({"reference": f"was already used for sale {number}; ask for the right one"})
    return tender.model_copy(update={"reference": reference})


def new_sale(body: CartBody) -> dict[str, Any]:
    """The cart as `sales.sell` takes it. The same cart always gives the same content: a retry is a replay."""
    items: list[dict[str, Any]] = []
    for line in body.lines:
        item: dict[str, Any] = {"quantity": line.quantity, "discount_amount": line.discount}
        if line.unit_id:
            item["device_id"] = line.unit_id
        elif line.product_id:
            item["product_id"] = line.product_id
        else:
            item |= {"item_name": line.item_name, "category": line.category, "unit_cost": line.unit_cost}
        if line.unit_price is not None:
            item["unit_price"] = line.unit_price
        items.append({name: value for name, value in item.items() if value is not None})
    payments = [
        {"method": tender.method, "amount": tender.amount, "reference": tender.reference} for tender in body.tenders
    ]
    sale: dict[str, Any] = {"items": items, "payments": payments, "discount_amount": body.discount}
    if body.customer_id:
        sale["customer_id"] = body.customer_id
    reasons = [text for text in (body.reason, *(line.reason for line in body.lines)) if text]
    if reasons:
        sale["notes"] = " · ".join(dict.fromkeys(reasons))
    return sale
