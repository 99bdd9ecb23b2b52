"""What a shop's node holds and what the hub holds of it are the same rows, derived ones included."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import text

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.db import Base, DerivedRow, SyncedRow
from shopnode.domain.errors import ShopError
from shopnode.domain.journal import JournalEntry
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.hub.world import Node, World

# Kept in the order of one home, or only there: none of it is a figure.
APART = {"journal_entry"}


def tables() -> dict[str, list[str]]:
    """Every table both homes have, with its columns beside the tenant."""
    found = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, SyncedRow | DerivedRow) and mapper.class_ is not JournalEntry:
            found[mapper.local_table.name] = [c.name for c in mapper.local_table.columns if c.name != "tenant_id"]
    return found


def differences(world: World, node: Node) -> dict[str, Any]:
    """Rows that only one side has, by table; rows of other shops left out."""
    found: dict[str, Any] = {}
    for table, columns in tables().items():
        scope = f" WHERE shop_id = '{node.home.shop_id}'" if "shop_id" in columns else ""
        names = ", ".join(columns)
        with node.home.reading() as session:
            here = {_plain(row) for row in session.execute(text(f"SELECT {names} FROM {table}{scope}"))}
        there = {_plain(row) for row in world.rows(f"SELECT {names} FROM {table}{scope}")}
        if here != there:
            found[table] = (sorted(here - there, key=str)[:3], sorted(there - here, key=str)[:3])
    return found


def _plain(row: Any) -> tuple[Any, ...]:
    """Values as text, because SQLite has neither UUIDs nor booleans."""
    return tuple(None if value is None else str(int(value)) if isinstance(value, bool) else str(value) for value in row)


def trade(world: World, node: Node, till: Till, chance: random.Random, steps: int) -> None:
    """Random acts of the counter and of the portal; refusals are part of the trade."""
    numbers: list[str] = []
    for _ in range(steps):
        world.clock.advance(chance.randrange(1_000, 90_000))
        act = chance.choice(
            ["sell", "sell", "sell", "price", "portal-price", "void", "reverse", "approve", "customer", "sync"]
        )
        try:
            if act == "sell":
                item = {"product_id": chance.choice([till.glass, till.charger]), "quantity": chance.randrange(1, 3)}
                due = item["quantity"] * node.row(Product, item["product_id"]).price_minor
                sold = till.sell(item, role=Role.OWNER, pay=[{"method": "cash", "amount": due}])
                numbers.append(sold.result["sale_id"])
            elif act == "price":
                node.do("products.update", product_id=till.glass, price_minor=chance.randrange(4_000, 9_000))
            elif act == "portal-price":
                form = {"product_id": till.glass, "price_minor": chance.randrange(4_000, 9_000)}
                perform(world.owner(), "products.update", form)
            elif act == "customer":
                node.do(
                    "customers.create",
                    name=f"Customer {chance.random()}",
                    phone=f"+2567721{chance.randrange(10**5):05}",
                )
            elif act == "sync":
                node.sync()
            elif numbers:
                form = {"sale_id": chance.choice(numbers), "reason": "tried it out", "restock": "resell"}
                home = node.ctx(Role.OWNER) if chance.random() < 0.5 else world.owner()
                perform(home, f"sales.{act}", form if act != "approve" else {"sale_id": form["sale_id"]})
        except ShopError:
            continue


def test_a_shops_books_are_the_same_at_the_hub(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell({"product_id": till.glass, "quantity": 3}, role=Role.OWNER)
    node.sync()
    assert differences(world, node) == {}
