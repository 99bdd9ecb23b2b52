"""Goods for the counter's tests: a cable and two phones, and a sale pressed through the screens."""

from __future__ import annotations

from dataclasses import dataclass

from tests.shop import Shop
from tests.web.conftest import Browser, action_id

IMEIS = ("004401551550136", "004401551550144")


@dataclass(frozen=True)
class Goods:
    cable: str
    phone: str
    units: list[str]


def stock_up(shop: Shop) -> Goods:
    """A cable by the box, a phone by its IMEIs, and an open drawer."""
    cable = shop.do(
        "products.create", name="USB-C cable", category="Chargers", sku="USBC", barcode="6160000010004",
        price_minor=8_000, cost_minor=3_000, floor_minor=7_000, is_preloaded=True,
    )["id"]  # fmt: skip
    phone = shop.do(
        "products.create", name="Tecno Spark 40", category="New phones", sku="SPARK40", price_minor=640_000,
        cost_minor=500_000, floor_minor=610_000, is_serialised=True,
    )["id"]  # fmt: skip
    shop.do("stock.adjust", product_id=cable, quantity=20, reason="opening count", kind="opening")
    units = [receive_phone(shop, phone, number) for number in IMEIS]
    shop.do("cash.open_drawer", opening_float=50_000)
    return Goods(cable, phone, units)


def receive_phone(shop: Shop, product_id: str, number: str) -> str:
    """One phone into stock; answers its stock unit."""
    return str(shop.do("handsets.receive", product_id=product_id, imei1=number, cost_minor=500_000)["unit_id"])


def begin_payment(browser: Browser, **tender: str) -> str:
    """Open the payment of what is in the cart, hand money over; answers the id the sale will have."""
    browser.get("/sell/pay", htmx=True)
    browser.tap("/sell/tenders", **(tender or {"method": "cash"}))
    return action_id(browser.get("/sell/pay", htmx=True))


def sell_cable(browser: Browser, goods: Goods) -> str:
    """One cable for cash; answers the sale's id."""
    browser.tap("/sell/lines", product_id=goods.cable)
    sale_id = begin_payment(browser)
    assert browser.tap("/sell/complete", action_id=sale_id).status_code == 200
    return sale_id
