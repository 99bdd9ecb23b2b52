"""Money at the counter: what is due by which tender, what was handed over, the change, and the form a cart asks for.

What is due in cash is rounded to the smallest note; everything else is exact. The domain's own rules add up, and the
booking is what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopnode.domain.context import Context
from shopnode.domain.financiers.queries import list_financiers
from shopnode.domain.money import format_minor
from shopnode.domain.sales.carts import CartBody, CartTender
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import METHOD_NAMES, round_cash
from shopnode.domain.sales.terms import terms_now
from shopnode.web.counter.pricing import CartView

BANKNOTES = (1_000, 5_000, 10_000, 20_000, 50_000)  # in units of the currency, as Uganda prints them
NOTES_SHOWN = 4


@dataclass(frozen=True)
class Due:
    """What a ticket still needs. All amounts in minor units."""

    total_minor: int
    brought_minor: int  # what goods that come back, or a used phone, pay of it
    back_minor: int  # what of them is above the ticket and leaves again
    exact_minor: int  # still due by anything but cash
    cash_minor: int  # still due in cash, in whole notes
    rounding_minor: int  # the line that rounding is, once the rest is paid in cash: + when less is paid
    change_minor: int
    is_paid: bool


@dataclass(frozen=True)
class PaymentView:
    """The payment step, added up."""

    due: Due
    tenders: list[dict[str, Any]]
    notes: list[int]
    method: str
    action_id: str

    @property
    def total_minor(self) -> int:
        return self.due.total_minor


def due_of(ctx: Context, body: CartBody, cart: CartView) -> Due:
    """What is due, by the rule that settles the booking (docs/rules/rounding.md)."""
    worth = cart.brought.worth_minor if cart.brought else 0
    brought = min(worth, cart.total_minor)
    exact = sum(tender.amount for tender in body.tenders if tender.method != Tender.CASH)
    cash = sum(tender.amount for tender in body.tenders if tender.method == Tender.CASH)
    left = cart.total_minor - brought - exact
    rounded = round_cash(left, terms_now(ctx).cash_rounding_minor)
    is_paid = cash >= rounded if cash else left <= 0
    return Due(
        cart.total_minor, brought, worth - brought,
        exact_minor=0 if is_paid else max(0, left - cash), cash_minor=0 if is_paid else max(0, rounded - cash),
        rounding_minor=left - rounded if cash or not is_paid else 0,
        change_minor=max(0, cash - rounded) if cash else max(0, -left), is_paid=is_paid,
    )  # fmt: skip


def payment_view(
    ctx: Context, body: CartBody, cart: CartView, exponent: int, method: str = Tender.CASH.value
) -> PaymentView:
    """What is still due or given back, with the tenders so far."""
    due = due_of(ctx, body, cart)
    return PaymentView(
        due, [_tender(ctx, tender) for tender in body.tenders], likely_notes(due.cash_minor, exponent), method,
        body.action_id or "",
    )  # fmt: skip


def _tender(ctx: Context, tender: CartTender) -> dict[str, Any]:
    label, detail = METHOD_NAMES[Tender(tender.method)], tender.reference
    if tender.currency is not None:
        label, detail = "US dollars", format_minor(tender.foreign_amount or 0, tender.currency)
    if tender.about_id is not None:
        label = next((view.financier.name for view in list_financiers(ctx) if view.financier.id == tender.about_id), "")
    return {"id": tender.id, "method": tender.method, "label": label, "detail": detail, "amount_minor": tender.amount}


def likely_notes(due_minor: int, exponent: int) -> list[int]:
    """Amounts people are likely to hand over for this much: exactly it, then round sums of notes above it."""
    found = [due_minor]
    for note in BANKNOTES:
        step = note * 10**exponent
        rounded = -(-due_minor // step) * step
        if rounded not in found:
            found.append(rounded)
    return sorted(found)[:NOTES_SHOWN]


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
    sale: dict[str, Any] = {
        "items": items, "payments": [_payment(tender) for tender in body.tenders], "discount_amount": body.discount,
    }  # fmt: skip
    if body.customer_id:
        sale["customer_id"] = body.customer_id
    reasons = [text for text in (body.reason, *(line.reason for line in body.lines)) if text]
    if reasons:
        sale["notes"] = " · ".join(dict.fromkeys(reasons))
    return sale


def _payment(tender: CartTender) -> dict[str, Any]:
    more = {"about_id": tender.about_id, "currency": tender.currency, "foreign_amount": tender.foreign_amount}
    return {
        "method": tender.method, "amount": tender.amount, "reference": tender.reference,
        **{name: value for name, value in more.items() if value is not None},
    }  # fmt: skip
