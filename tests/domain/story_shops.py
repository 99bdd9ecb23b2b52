"""The shops of the stories: one business with goods, people who owe and are owed, a supplier, a financier.

Made once in a file, and read into memory by each world that needs it.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import update

from shopnode.domain.clock import ManualClock, act_id
from shopnode.domain.node import Installation, NodeHome
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.permissions import Role
from sync_protocol.chain import genesis
from tests.domain.memory_books import MemoryBooks
from tests.domain.test_transfers import hear_of
from tests.domain.till import FLOAT
from tests.shop import KEY, STARTED_MS, Shop, build_template, open_copy

JINJA = act_id("tests", "jinja")


def imei(n: int) -> str:
    """The n-th number of a test phone: 14 digits and the one that follows from them (Luhn)."""
    digits = f"0044012{n:07d}"
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits)]
    return f"{digits}{-sum(value // 10 + value % 10 for value in doubled) % 10}"


@dataclass(frozen=True)
class Things:
    """The ids of what every shop of the business knows."""

    glass: str  # 5,000
    charger: str  # 35,000
    kit: str  # 9,000: two glasses and a charger
    phone: str  # 640,000
    phone_kit: str  # 650,000: a phone and a glass
    supplier: str
    financier: str
    people: tuple[str, str]  # customers

    @property
    def prices(self) -> dict[str, int]:
        return {self.glass: 5_000, self.charger: 35_000, self.kit: 9_000, self.phone: 640_000, self.phone_kit: 650_000}


@cache
def _founded() -> tuple[Path, dict[str, Any], Things]:
    """The business with its lists, and nothing in any shop yet."""
    plain, folder = Path(tempfile.mkdtemp(prefix="story-")), Path(tempfile.mkdtemp(prefix="story-"))
    people = build_template(plain)
    shop, database = open_copy(plain, folder, people)
    kampala = shop.home.shop_id or ""
    hear_of(shop, ShopRow(id=JINJA, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    assert kampala != JINJA
    things = _lists(shop)
    database.checkpoint()
    database.close()
    return folder / "shop.db", people, things


def _lists(shop: Shop) -> Things:
    def product(name: str, price: int, cost: int, **more: Any) -> str:
        form = {"name": name, "category": "Goods", "price_minor": price, "cost_minor": cost, **more}
        made: str = shop.do("products.create", form)["id"]
        return made

    glass = product("Glass", 5_000, 1_500, floor_minor=4_000, warranty_days=90)
    charger = product("Charger", 35_000, 22_000)
    phone = product("Spark 40", 640_000, 560_000, floor_minor=610_000, is_serialised=True, warranty_days=365)
    kit, phone_kit = product("Kit", 9_000, 0), product("Spark 40 with glass", 650_000, 0)
    for bundle, parts in ((kit, {glass: 2, charger: 1}), (phone_kit, {phone: 1, glass: 1})):
        listed = [{"product_id": part, "quantity": count} for part, count in parts.items()]
        shop.do("products.set_bundle", product_id=bundle, parts=listed)
    supplier = shop.do("suppliers.create", name="Kampala Mobile Wholesale", terms_days=14, lead_days=3)["id"]
    financier = shop.do("financiers.create", name="Watu")["id"]
    people = [shop.do("customers.create", name=name)["id"] for name in ("Nakato", "Okello")]
    for who in people:
        shop.do("accounts.set_credit", customer_id=who, credit_limit=40_000_000)
    for grade, offer in (("A", 300_000), ("B", 250_000)):
        shop.do("usedphones.set_valuation", product_id=phone, grade=grade, offer=offer)
    shop.do("settings.change", key="used_id_photos", value=0)
    return Things(glass, charger, kit, phone, phone_kit, supplier, financier, (people[0], people[1]))


def kampala(choices: Iterable[tuple[str, int]] = ()) -> tuple[Shop, MemoryBooks, Things]:
    """The first shop, its drawer open, with these of the owner's choices (settings)."""
    shop, books, things = _open(None)
    for key, value in choices:
        shop.do("settings.change", key=key, value=value)
    shop.do("cash.open_drawer", role=Role.STAFF, opening_float=FLOAT)
    return shop, books, things


def jinja() -> tuple[Shop, MemoryBooks, Things]:
    """The second shop of the same business, its drawer open."""
    shop, books, things = _open(JINJA)
    shop.do("cash.open_drawer", role=Role.STAFF, opening_float=FLOAT)
    return shop, books, things


def _open(shop_id: str | None) -> tuple[Shop, MemoryBooks, Things]:
    file, people, things = _founded()
    books = MemoryBooks(file, KEY)
    if shop_id is not None:
        _become(books, shop_id)
    books.guard()
    clock = ManualClock(STARTED_MS + 3_600_000)
    home = NodeHome(books, clock, random.Random(shop_id or "").randbytes)
    return Shop(home, clock, dict(people)), books, things


def _become(books: MemoryBooks, shop_id: str) -> None:
    """Another computer of the business, which has heard of its lists."""
    origin = act_id("tests", "origin", shop_id)
    mine = {"shop_id": shop_id, "series": "JJA1", "node_id": act_id("tests", "node", shop_id), "origin_id": origin}
    with books.writing() as session:
        session.execute(update(Installation).values(**mine, head_n=0, head_hash=genesis(origin)))
