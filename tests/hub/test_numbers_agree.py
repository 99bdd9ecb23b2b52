"""What a shop's node holds and what the hub holds of it are the same rows, derived ones included."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import text

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.db import Base, DerivedRow, SyncedRow
from shopnode.domain.errors import ShopError
from shopnode.domain.handsets.models import StockUnit, TransferLine
from shopnode.domain.journal import JournalEntry
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.hub.world import Node, World

# Kept in the order of one home, or only there: none of it is a figure.
APART = {"journal_entry"}


ACTS = [
    "sell", "sell", "sell", "price", "portal-price", "void", "reverse", "approve", "customer", "customer", "merge",
    "send", "back", "sync",
]  # fmt: skip


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
        act = chance.choice(ACTS)
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
            elif act == "merge":
                two = chance.sample([row.id for row in node.rows(Customer)], 2)
                home = node.ctx(Role.OWNER) if chance.random() < 0.5 else world.owner()
                perform(home, "customers.merge", {"duplicate_id": two[0], "into_id": two[1]})
            elif act == "send":
                elsewhere = [row.id for row in node.rows(ShopRow) if row.id != node.home.shop_id]
                form = {"to_shop_id": chance.choice(elsewhere), "unit_ids": [chance.choice(node.rows(StockUnit)).id]}
                node.do("handsets.send", form)
            elif act == "back":
                line = chance.choice(node.rows(TransferLine))
                form = {"transfer_id": line.transfer_id, "unit_ids": [line.unit_id], "reason": "came back"}
                node.do("handsets.take_back", form)
            elif act == "sync":
                node.sync()
            elif numbers:
                form = {"sale_id": chance.choice(numbers), "reason": "tried it out", "restock": "resell"}
                home = node.ctx(Role.OWNER) if chance.random() < 0.5 else world.owner()
                perform(home, f"sales.{act}", form if act != "approve" else {"sale_id": form["sale_id"]})
        except (ShopError, IndexError, ValueError):  # a choice among none is no act
            continue


def test_a_shops_books_are_the_same_at_the_hub(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell({"product_id": till.glass, "quantity": 3}, role=Role.OWNER)
    node.sync()
    assert differences(world, node) == {}


@pytest.mark.parametrize("seed", range(4))
def test_a_shops_books_are_the_same_at_the_hub_after_any_trade(world: World, node: Node, seed: int) -> None:
    world.shop("JJA")
    till, chance = open_till(node), random.Random(seed)
    trade(world, node, till, chance, 60)
    node.sync()
    assert differences(world, node) == {}
    assert world.count("transfer_line") and world.count("alias")
