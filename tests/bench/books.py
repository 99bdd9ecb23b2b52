"""The books of a large shop after two years, written straight into the tables: goods, phones and what was sold.

Quick, because no door is passed: nothing here has an entry, and none of it could be sent. What is derived (levels,
summaries, searched words) is written beside the rows it follows from. Everything comes from one seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from stdnum import luhn

from shopnode.domain.catalogue.models import Product, ProductSearch
from shopnode.domain.catalogue.rules import searched_text
from shopnode.domain.clock import new_id
from shopnode.domain.customers.models import Customer
from shopnode.domain.db import Base
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.sales.models import Payment, Sale, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockCost, StockLevel, StockMovement

Row = dict[str, Any]
Put = Callable[[type[Base], Iterable[Row]], None]

DAYS = 730
DAY_MS = 86_400_000
BRANDS = ("Tecno", "Infinix", "Samsung", "itel", "Oraimo", "Redmi", "Nokia", "Apple")
KINDS = ("Glass", "Case", "Charger", "Cable", "Earphones", "Power bank", "Speaker", "Holder")
MODELS = ("Spark", "Camon", "Hot", "Note", "Galaxy", "Pop", "Smart", "Zero")
FIRST_NAMES = ("Okello", "Nakato", "Mugisha", "Achieng", "Ssali", "Namutebi", "Wasswa", "Babirye", "Otim", "Kato")
LAST_NAMES = ("James", "Sarah", "Brian", "Aisha", "Peter", "Grace", "Ivan", "Ruth", "Moses", "Joan", "David")
RARE = "Spare parts"  # a category of a handful
STATES = (  # of phones that were not sold, with how many of a thousand
    ("reserved", 4), ("inspect", 3), ("bench", 2), ("supplier", 2), ("lent", 1), ("missing", 1), ("scrapped", 15),
    ("sent", 40), ("expected", 5),
)  # fmt: skip
CONDITIONS = ("new",) * 16 + ("used", "used", "open_box", "refurbished")
STATUSES = ("Submitted",) * 90 + ("Approved",) * 5 + ("Locked",) * 3 + ("Voided", "Reversed")
METHODS = ("cash",) * 6 + ("mtn_momo", "mtn_momo", "airtel_money", "card")


@dataclass(frozen=True)
class Size:
    """How much there is of what the lists are long of; all else follows from it."""

    products: int
    units: int
    sales: int
    customers: int
    suppliers: int
    orders: int


@dataclass
class Goods:
    """What the rest of the books is made of: ids, in the order they were written."""

    tenant_id: str
    shop_ids: list[str]
    staff_ids: list[str]
    now_ms: int
    chance: random.Random = field(default_factory=lambda: random.Random(4))
    suppliers: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)  # products sold by the piece
    models: list[str] = field(default_factory=list)  # products sold by IMEI
    customers: list[str] = field(default_factory=list)
    units: list[Row] = field(default_factory=list)  # stays, with the phone's number as `imei1`
    sales: list[Row] = field(default_factory=list)  # summaries
    lines: list[Row] = field(default_factory=list)  # of phones that were sold

    def id(self, at: int | None = None) -> str:
        return new_id(self.now_ms if at is None else at, self.chance.randbytes)

    def times(self, count: int, days: int = DAYS) -> list[int]:
        """So many instants of the last days, oldest first."""
        begun = self.now_ms - days * DAY_MS
        return sorted(self.chance.randrange(begun, self.now_ms) for _ in range(count))

    def day(self, at: int) -> str:
        return (date(1970, 1, 1) + timedelta(milliseconds=at + 3 * 3_600_000)).isoformat()

    def shop(self) -> str:
        return self.chance.choice(self.shop_ids)

    def person(self) -> str:
        return self.chance.choice(self.staff_ids)

    def customer(self) -> str:
        """Anybody, and every tenth time the one trader who buys for many."""
        return self.customers[0] if self.chance.random() < 0.1 else self.chance.choice(self.customers)


def write_products(book: Goods, size: Size, put: Put) -> None:
    """Products with their words: a twentieth are phones, a few archived, some are duplicates of others."""
    products, words, chance = [], [], book.chance
    for number, at in enumerate(book.times(size.products)):
        product = _product(book, number, at)
        if number % 50 == 7:
            product["archived_at"] = at + DAY_MS
        elif number % 200 == 9 and book.pieces:
            product["merged_into"] = chance.choice(book.pieces[:1000])
        else:
            (book.models if product["is_serialised"] else book.pieces).append(product["id"])
        products.append(product)
        searched = searched_text([product[name] for name in ("name", "brand", "category", "sku", "barcode")])
        on_sale = not (product["archived_at"] or product["merged_into"])
        words.append({"product_id": product["id"], "text": searched, "on_sale": on_sale})
    put(Product, sorted(products, key=lambda row: row["merged_into"] is not None))
    put(ProductSearch, words)


def _product(book: Goods, number: int, at: int) -> Row:
    chance, is_phone = book.chance, number % 20 == 0
    kind, brand = KINDS[number % len(KINDS)], BRANDS[number // len(KINDS) % len(BRANDS)]
    name = f"{brand} {MODELS[number // 20 % len(MODELS)]} {number:05d}" if is_phone else f"{brand} {kind} {number:05d}"
    price = chance.randrange(5, 2_000) * 1_000
    category = "Phones" if is_phone else RARE if number % 5_000 == 3 else ("Accessories", "Audio", "Power")[number % 3]
    return {
        "id": book.id(at), "name": name, "category": category, "brand": brand, "sku": f"SKU-{number:06d}",
        "barcode": f"616{number:010d}", "cost_minor": price * 7 // 10, "price_minor": price,
        "floor_minor": price * 8 // 10, "min_stock_level": 5, "warranty_days": 365 if is_phone else 0,
        "is_serialised": is_phone, "is_preloaded": number % 4_000 == 1, "archived_at": None, "merged_into": None,
        "created_at": at, "supplier_id": chance.choice(book.suppliers), "is_bundle": False,
    }  # fmt: skip


def write_customers(book: Goods, size: Size, put: Put) -> None:
    """Customers; a few archived, some duplicates of others."""
    rows, chance = [], book.chance
    for number, at in enumerate(book.times(size.customers)):
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)} {number % 997}"
        row = {
            "id": book.id(at), "name": name, "phone": f"+2567{chance.randrange(10**8):08d}", "created_at": at,
            "archived_at": at + DAY_MS if number % 60 == 5 else None, "credit_limit_minor": 2_000_000,
            "merged_into": chance.choice(book.customers) if number % 90 == 8 and book.customers else None,
        }  # fmt: skip
        if row["archived_at"] is None and row["merged_into"] is None:
            book.customers.append(str(row["id"]))
        rows.append(row)
    put(Customer, sorted(rows, key=lambda row: row["merged_into"] is not None))


def write_phones(book: Goods, size: Size, put: Put) -> None:
    """Phones, each with its stay in one shop; every hundredth is here for the second time."""
    handsets: list[Row] = []
    for number, at in enumerate(book.times(size.units)):
        model = book.models[int(len(book.models) * book.chance.random() ** 2)]
        if number % 100 == 99:
            handset = handsets[number // 2]
            model = handset["product_id"]
        else:
            handset = _handset(book, number, at, model)
            handsets.append(handset)
        book.units.append({
            "id": book.id(at), "handset_id": handset["id"], "product_id": model, "shop_id": book.shop(),
            "status": _state(number), "cost_minor": 400_000, "received_at": at, "received_by": book.person(),
            "condition": CONDITIONS[number % len(CONDITIONS)], "grade": None, "source": "supplier",
            "supplier_id": book.chance.choice(book.suppliers), "sold_line_id": None, "imei1": handset["imei1"],
        })  # fmt: skip
    put(Handset, handsets)


def _handset(book: Goods, number: int, at: int, model: str) -> Row:
    imei = f"35{number:012d}"
    second = f"86{number:012d}"
    return {
        "id": book.id(at), "product_id": model, "imei1": imei + luhn.calc_check_digit(imei),
        "imei2": second + luhn.calc_check_digit(second) if number % 2 else None,
        "serial": f"SN{number:08d}" if number % 20 == 0 else None, "colour": "black", "storage": "128 GB",
        "created_at": at,
    }  # fmt: skip


def _state(number: int) -> str:
    place = number * 7919 % 1000
    for state, share in STATES:
        if place < share:
            return state
        place -= share
    return "in_stock"


def write_sales(book: Goods, size: Size, put: Put) -> None:
    """Sales of two phones and an accessory with their payments, summaries and movements; a third name a customer."""
    free = [unit for unit in book.units if unit["status"] == "in_stock"][: size.sales * 2]
    moves: list[Row] = []
    heads, lines, payments = [], [], []
    for number, at in enumerate(book.times(size.sales)):
        head = _head(book, number, at)
        units, left = free[number * 2 : number * 2 + 2], book.chance.choice(book.pieces)
        sold = [_line(book, head, place, unit, left) for place, unit in enumerate([*units, None])]
        for unit, line in zip(units, sold, strict=False):
            unit |= {"status": "sold", "sold_line_id": line["id"]}
            book.lines.append(line)
        total = sum(line["unit_price_minor"] for line in sold)
        method = METHODS[number % len(METHODS)]
        heads.append(head)
        lines += sold
        payments.append({
            "id": book.id(at), "sale_id": head["id"], "shop_id": head["shop_id"], "kind": "payment", "method": method,
            "amount_minor": total, "reference": None if method == "cash" else f"REF{number:09d}",
            "drawer_session_id": None, "at": at, "by_id": head["cashier_id"],
        })  # fmt: skip
        book.sales.append(_summary(head, number, total, len(sold), method))
        moves += [_move(book, line, "sold", -1, at, head) for line in sold]
    put(Sale, heads)
    put(SaleLine, lines)
    put(Payment, payments)
    put(SaleSummary, book.sales)
    put(StockUnit, book.units)
    _write_stock(book, put, moves)


def _head(book: Goods, number: int, at: int) -> Row:
    seller = book.person()
    return {
        "id": book.id(at), "shop_id": book.shop(), "number": f"KLA1-{number:06d}", "sold_at": at,
        "customer_id": book.customer() if number % 3 == 0 else None, "cashier_id": seller, "seller_id": seller,
        "discount_minor": 0, "business_on": book.day(at), "notes": None, "drawer_session_id": None,
    }  # fmt: skip


def _line(book: Goods, head: Row, place: int, unit: Row | None, product_id: str) -> Row:
    price = 600_000 if unit else 20_000
    return {
        "id": book.id(head["sold_at"]), "sale_id": head["id"], "shop_id": head["shop_id"], "line_no": place + 1,
        "product_id": unit["product_id"] if unit else product_id, "unit_id": unit["id"] if unit else None,
        "item_name": "Tecno Spark 128 GB" if unit else f"Oraimo {KINDS[place % len(KINDS)]}", "quantity": 1,
        "unit_price_minor": price, "list_price_minor": price, "discount_minor": 0, "cost_minor": price * 7 // 10,
        "tax_rate_bp": 0, "warranty_days": 365 if unit else 0, "imei": unit["imei1"] if unit else None,
    }  # fmt: skip


def _summary(head: Row, number: int, total: int, items: int, method: str) -> Row:
    same = ("shop_id", "number", "sold_at", "business_on", "cashier_id", "seller_id", "customer_id")
    return {
        "sale_id": head["id"], **{name: head[name] for name in same}, "items": items,
        "status": "Rejected" if number == 11 else STATUSES[number % len(STATUSES)], "gross_minor": total,
        "discount_minor": 0, "total_minor": total, "tax_minor": 0, "cost_minor": total * 7 // 10,
        "paid_minor": total, "methods": method, "amendments": 0,
    }  # fmt: skip


def _move(book: Goods, row: Mapping[str, Any], kind: str, quantity: int, at: int, head: Row | None = None) -> Row:
    return {
        "id": book.id(at), "shop_id": row["shop_id"], "product_id": row["product_id"],
        "unit_id": row["unit_id"] if head else row.get("id"), "kind": kind, "quantity": quantity,
        "unit_cost_minor": row["cost_minor"], "sale_id": head["id"] if head else None, "at": at,
        "by_id": book.staff_ids[0],
    }  # fmt: skip


def _write_stock(book: Goods, put: Put, sold: list[Row]) -> None:
    """Movements and the levels they add up to. One product of two hundred is low."""
    moves = [_move(book, unit, "received", 1, unit["received_at"]) for unit in book.units] + sold
    moves += [_move(book, unit, "sent", -1, unit["received_at"]) for unit in book.units if unit["status"] == "sent"]
    begun = book.now_ms - DAYS * DAY_MS
    opened: Row = {"cost_minor": 14_000}
    for shop_id in book.shop_ids:
        for number, product_id in enumerate(book.pieces):
            row = opened | {"shop_id": shop_id, "product_id": product_id}
            moves.append(_move(book, row, "opening", 3 if number % 200 == 0 else 40, begun))
    levels: dict[tuple[str, str], Row] = {}
    for move in moves:
        key = (move["shop_id"], move["product_id"])
        level = levels.setdefault(key, dict(zip(("shop_id", "product_id"), key, strict=True), on_hand=0, worth_minor=0))
        level["on_hand"] += move["quantity"]
        level["worth_minor"] += move["quantity"] * move["unit_cost_minor"]
    put(StockMovement, sorted(moves, key=lambda move: move["at"]))
    put(StockLevel, levels.values())
    put(StockCost, [{"shop_id": key[0], "product_id": key[1], "average_minor": 14_000} for key in levels])
