"""Who sells the used phone that pays for a ticket: asked when the ticket is booked, and kept in no cart.

The sheet is drawn once. What is wrong, and who must approve, are put into it: chosen photos would be lost otherwise.
"""

from __future__ import annotations

from typing import Any

from flask import Response, g, url_for

from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.sales.carts import CartBody, CartTrade
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.usedphones.params import PHOTOS_MAX
from shopnode.web.counter.paying import due_of
from shopnode.web.counter.pricing import price_cart
from shopnode.web.counter.screen import into, into_sheet
from shopnode.web.ui.frame import part
from shopnode.web.ui.pictures import sent_photos, sent_signature
from shopnode.web.ui.refusals import field_errors

SELLER_PICTURES_MAX = PHOTOS_MAX + 1  # with the signature
ID_TYPES = [
    ("national_id", "National ID"), ("passport", "Passport"), ("driving_permit", "Driving permit"),
    ("refugee_id", "Refugee ID"), ("other", "Another paper"),
]  # fmt: skip
PAYOUTS = [(tender.value, METHOD_NAMES[tender]) for tender in (Tender.CASH, Tender.MTN_MOMO, Tender.AIRTEL_MONEY)]
LABELS = {
    "seller.name": "Name", "seller.phone": "Phone number", "seller.id_type": "ID", "seller.id_number": "ID number",
    "seller.photos": "Photos", "seller.signature": "Signature", "payout.reference": "Transaction ID",
    "phone.imei1": "IMEI", "phone.grade": "Grade", "phone.offer": "Offer",
}  # fmt: skip


def seller_sheet(body: CartBody, action_id: str, *, alone: bool = False) -> Response:
    """Asks for the seller, with what is paid out where the phone is worth more than the ticket.

    alone  the phone is bought without a sale: all of it is paid out
    """
    cart = price_cart(g.ctx, body)
    url = url_for("counter.buy_phone" if alone else "counter.complete")
    return into_sheet(part(
        "counter/_seller.html", url=url, alone=alone, action_id=action_id, brought=cart.brought, customer=cart.customer,
        back_minor=due_of(g.ctx, body, cart).back_minor, id_types=ID_TYPES, payouts=PAYOUTS,
        photos=number_setting(g.ctx.session, "used_id_photos"), photos_max=PHOTOS_MAX,
    ))  # fmt: skip


def trade_form(trade: CartTrade, sale: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    """The ticket as `usedphones.trade_in` takes it."""
    return {**purchase_form(trade, sale.get("customer_id"), typed), "sale": sale}


def purchase_form(trade: CartTrade, customer_id: str | None, typed: dict[str, str]) -> dict[str, Any]:
    """The phone with its seller, and how they are paid. Raises Invalid."""
    phone = {**trade.phone, "seller": seller_form(typed)}
    if customer_id:
        phone["customer_id"] = customer_id
    form: dict[str, Any] = {"phone": phone}
    if typed.get("payout_method"):
        form["payout"] = {"method": typed["payout_method"], "reference": typed.get("payout_reference", "")}
    return form


def seller_form(typed: dict[str, str]) -> dict[str, Any]:
    """Who sells, as their ID says, with the pictures of this request. Raises Invalid."""
    seller = {name: typed.get(f"seller_{name}", "") for name in ("name", "phone", "id_type", "id_number", "address")}
    return {
        **seller, "photos": sent_photos("seller_photos", "seller.photos"),
        "signature": sent_signature("seller_signature", "seller.signature"),
        "signed_on_paper": typed.get("signed_on_paper") == "true",
    }  # fmt: skip


def seller_refused(error: ShopError) -> Response:
    """What is wrong, in the sheet as it stands."""
    found = {LABELS.get(name, LABELS.get(f"phone.{name}", "")): text for name, text in _by_field(error).items()}
    words = [f"{label}: {text[:1].lower()}{text[1:]}" if label else text for label, text in found.items()]
    return into("#seller-refused", part("counter/_seller_refused.html", words=words))


def _by_field(error: ShopError) -> dict[str, str]:
    if not isinstance(error, Invalid):
        return {"": str(error)}
    return {name.removeprefix("phone."): text for name, text in field_errors(error).items()}
