"""What is sold in the demo: a shelf that knows what is left, and tickets that a real counter could have taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.demo_cast import Chance
from shopnode.domain.handsets.models import StockUnit, UnitStatus
from shopnode.domain.node import NodeHome
from shopnode.domain.stock.queries import on_hand

METHODS = ("cash", "cash", "cash", "mtn_momo", "mtn_momo", "airtel_money", "card")
NOTES_MINOR = (50_000, 20_000, 10_000)  # people hand over round sums
SMALL_MINOR = 120_000  # what sells many times a day


@dataclass
class Good:
    id: str
    price_minor: int
    floor_minor: int
    left: int


class Shelf:
    """What is left to sell, kept beside the books so that the story asks for nothing that is gone."""

    def __init__(self, home: NodeHome):
        with home.reading() as session:
            products = list(session.scalars(select(Product).where(Product.archived_at.is_(None)).order_by(Product.id)))
            left = on_hand(session, home.shop_id or "", [product.id for product in products])
            units = session.execute(
                select(StockUnit.id, StockUnit.product_id)
                .where(StockUnit.status == UnitStatus.IN_STOCK.value)
                .order_by(StockUnit.id)
            ).all()
        prices = {product.id: product for product in products}
        self.small = [
            Good(product.id, product.price_minor, product.floor_minor, left[product.id])
            for product in products
            if not product.is_serialised and 0 < product.price_minor <= SMALL_MINOR
        ]
        self.phones = [
            Good(unit.id, prices[unit.product_id].price_minor, prices[unit.product_id].floor_minor, 1) for unit in units
        ]

    def sold(self, sale: dict[str, Any]) -> None:
        """Take a sold ticket's goods off the shelf."""
        gone = {item.get("device_id") for item in sale["items"]}
        self.phones = [phone for phone in self.phones if phone.id not in gone]
        counts = {item["product_id"]: item["quantity"] for item in sale["items"] if "product_id" in item}
        for good in self.small:
            good.left -= counts.get(good.id, 0)


def ticket(chance: Chance, shelf: Shelf, customers: list[str]) -> dict[str, Any]:
    """One customer: a phone with something for it, or some small things; bargained now and then; paid in full."""
    items: list[dict[str, Any]] = []
    total = 0
    if shelf.phones and chance.once_in(3):
        phone = chance.one_of(shelf.phones)
        price = phone.price_minor
        if chance.once_in(2) and phone.floor_minor:
            price = max(phone.floor_minor, price - chance.number(1, 4) * 5_000)
        items.append({"device_id": phone.id, "unit_price": price})
        total += price
    for good in _some(chance, [good for good in shelf.small if good.left > 3], 1 if items else chance.number(1, 3)):
        quantity = 2 if good.price_minor < 6_000 and chance.once_in(3) else 1
        items.append({"product_id": good.id, "quantity": quantity})
        total += quantity * good.price_minor
    sale: dict[str, Any] = {"items": items, "payments": _payments(chance, total)}
    if customers and (total > SMALL_MINOR or chance.once_in(5)):
        sale["customer_id"] = chance.one_of(customers)
    return sale


def _some(chance: Chance, goods: list[Good], count: int) -> list[Good]:
    chosen = {good.id: good for good in (chance.one_of(goods) for _ in range(count))} if goods else {}
    return list(chosen.values())


def _payments(chance: Chance, total_minor: int) -> list[dict[str, Any]]:
    method = chance.one_of(METHODS)
    if method == "cash":
        note = next((note for note in NOTES_MINOR if total_minor > note), 10_000)
        return [{"method": "cash", "amount": -(-total_minor // note) * note}]
    if total_minor > 400_000 and chance.once_in(3):
        first = total_minor // 2 // 1_000 * 1_000
        return [
            {"method": method, "amount": total_minor - first, "reference": chance.reference(method)},
            {"method": "cash", "amount": first},
        ]
    return [{"method": method, "amount": total_minor, "reference": chance.reference(method)}]
