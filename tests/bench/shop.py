"""Nodes for benchmarks: a real file and a real key, a catalogue of any size, an open drawer, sales to ring up."""

from __future__ import annotations

import secrets
from pathlib import Path

import shopnode.domain.everything  # noqa: F401 — every action and projection
from shopnode.domain.actions import perform, perform_many
from shopnode.domain.apply import Applier
from shopnode.domain.capture import wire_columns
from shopnode.domain.catalogue.models import Product
from shopnode.domain.clock import SystemClock
from shopnode.domain.context import Actor, Channel, Context
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.migrate import upgrade_node
from shopnode.domain.node import NodeHome
from shopnode.domain.permissions import Role
from shopnode.domain.setup import create_installation, found_business

KINDS = ("Glass", "Case", "Charger", "Cable", "Earphones", "Power bank", "Speaker", "Holder")
BRANDS = ("Tecno", "Infinix", "Samsung", "itel", "Oraimo", "Redmi", "Nokia", "Apple")
CHANNEL = Channel("127.0.0.1", "bench")
PAGE = 1_000


OPENING_STOCK = 10_000


def new_shop(folder: Path, products: int) -> tuple[Context, list[str]]:
    """A founded shop with that many products, added through the door, and an open drawer; and the products' ids."""
    database = NodeDatabase(folder / "shop.db", secrets.token_bytes(32))
    upgrade_node(database)
    database.guard()
    create_installation(database, SystemClock(), secrets.token_bytes, series="KLA1")
    home = NodeHome(database, SystemClock())
    owner = found_business(
        home, business_name="Bench Phones", shop_name="Kampala Road", shop_code="KLA", owner_name="Sarah",
        owner_phone="0798123456", owner_password=secrets.token_urlsafe(12),
    )  # fmt: skip
    ctx = Context(home, Actor(owner, "Sarah", Role.OWNER), home.shop_id, CHANNEL)
    return ctx, open_counter(ctx, products)


def open_counter(ctx: Context, products: int) -> list[str]:
    """Add products and their opening stock through the door and open the drawer; the products' ids.

    Without stock every sale of the benchmark would be one for the owner's list of what was sold below nothing.
    """
    ids: list[str] = []
    for start in range(0, products, PAGE):
        acts = [("products.create", product(i), None) for i in range(start, min(start + PAGE, products))]
        made = [str(done.result["id"]) for done in perform_many(ctx, acts)]
        opening = {"quantity": OPENING_STOCK, "reason": "opening stock", "kind": "opening"}
        perform_many(ctx, [("stock.adjust", {"product_id": product_id, **opening}, None) for product_id in made])
        ids += made
    perform(ctx, "cash.open_drawer", {"opening_float": 100_000})
    return ids


def receive_catalogue(ctx: Context, first: int, count: int) -> None:
    """Products from `first` on as if the hub had sent them: quicker by far than adding each through the door."""
    columns = list(wire_columns(Product))
    for start in range(first, first + count, PAGE):
        numbers = range(start, min(start + PAGE, first + count))
        rows = [[_received(ctx, i).get(name) for name in columns] for i in numbers]
        with ctx.home.writing() as session:
            applier = Applier(session)
            applier.foreign_line(1, [["product", "i", columns, rows]])
            applier.finish()


def _received(ctx: Context, i: int) -> dict[str, object]:
    fixed = {"min_stock_level": 5, "warranty_days": 0, "is_serialised": False, "is_preloaded": False}
    return {"id": ctx.home.new_id(), "created_at": ctx.home.clock.wall_ms(), **fixed, **product(i)}


def product(i: int) -> dict[str, object]:
    """The form of the i-th product."""
    kind, brand = KINDS[i % len(KINDS)], BRANDS[i // len(KINDS) % len(BRANDS)]
    return {
        "name": f"{brand} {kind} {i:05d}", "category": "Accessories", "brand": brand, "sku": f"SKU-{i:06d}",
        "barcode": f"616{i:010d}", "cost_minor": 3_000, "price_minor": 8_000, "floor_minor": 6_000,
    }  # fmt: skip


def ticket(ids: list[str], i: int) -> dict[str, object]:
    """A sale of three lines paid in cash: nine rows with its movements, payment and journal entry."""
    picked = [ids[(i * 7 + n * 13) % len(ids)] for n in range(3)]
    items = [{"product_id": product_id, "quantity": 1} for product_id in dict.fromkeys(picked)]
    return {"items": items, "payments": [{"method": "cash", "amount": 50_000}], "print_receipt": False}


def sell(ctx: Context, ids: list[str], count: int) -> None:
    """Ring up that many sales."""
    for i in range(count):
        perform(ctx, "sales.sell", ticket(ids, i))
