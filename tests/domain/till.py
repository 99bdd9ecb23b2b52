"""A shop ready to sell: the drawer open, a glass, a charger and two phones in stock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shopnode.domain.actions import Done
from shopnode.domain.permissions import Role
from tests.shop import Shop

IMEIS = ("004401231000130", "004401241000260")
FLOAT = 50_000


@dataclass
class Till:
    """Names for what is on the shelf."""

    shop: Shop
    glass: str  # 5,000, cost 1,500, floor 4,000, ten in stock
    charger: str  # 35,000, cost 22,000, no floor
    phone: str  # 640,000, cost 560,000, floor 610,000, sold by IMEI
    units: tuple[str, str]

    def sell(self, *items: dict[str, Any], pay: Any = None, role: Role = Role.STAFF, **more: Any) -> Done:
        """Sell for cash, exactly, unless told how it is paid."""
        form = {"items": list(items) or [{"product_id": self.glass}], **more}
        kept = {name: form.pop(name) for name in ("action_id", "approval") if name in form}
        form["payments"] = pay if pay is not None else [{"method": "cash", "amount": self.total(form)}]
        return self.shop.perform("sales.sell", form, role=role, **kept)

    def total(self, form: dict[str, Any]) -> int:
        prices = {self.glass: 5_000, self.charger: 35_000, self.phone: 640_000}
        due = -form.get("discount_amount", 0)
        for item in form["items"]:
            price = item.get("unit_price", prices.get(item.get("product_id", self.phone), 640_000))
            due += item.get("quantity", 1) * price - item.get("discount_amount", 0)
        return due


def open_till(shop: Shop) -> Till:
    """Fill the shelf and open the drawer."""
    glass = _product(shop, name="Tempered glass", price_minor=5_000, cost_minor=1_500, floor_minor=4_000)
    charger = _product(shop, name="Oraimo charger", price_minor=35_000, cost_minor=22_000)
    phone = _product(
        shop, name="Tecno Spark 40", price_minor=640_000, cost_minor=560_000, floor_minor=610_000,
        is_serialised=True, warranty_days=365,
    )  # fmt: skip
    shop.do("stock.adjust", product_id=glass, quantity=10, reason="opening stock", kind="opening")
    units = [shop.do("handsets.receive", product_id=phone, imei1=imei)["unit_id"] for imei in IMEIS]
    shop.do("cash.open_drawer", role=Role.STAFF, opening_float=FLOAT)
    return Till(shop, glass, charger, phone, (units[0], units[1]))


def _product(shop: Shop, **fields: Any) -> str:
    made: str = shop.do("products.create", {"category": "Accessories", **fields})["id"]
    return made
