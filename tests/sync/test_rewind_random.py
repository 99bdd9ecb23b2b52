"""Random trade of two shops and their owner, and a hub that is put back again and again."""

from __future__ import annotations

import os
import random

import pytest

from cloudhub.hub import Hub
from cloudhub.merge.lives import begin_new_life
from cloudhub.merge.models import FieldConflict
from cloudhub.merge.rebuild import rebuild_tenant
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import ShopError
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale
from shopnode.machine.witnesses import broken_streams
from tests.domain.till import open_till
from tests.hub_server import copy_hub
from tests.hub_server import put_back as put_hub_back
from tests.sync.chain_of_shops import Company
from tests.sync.restoring import settle
from tests.sync.sameness import differences
from tests.sync.test_rewind import BACKUP, at_hub, sell, set_price

ACTS = ["sell", "sell", "price", "portal", "decide", "sync", "sync", "customer", "copy", "restore"]


@pytest.mark.parametrize("seed", range(3 if os.environ.get("PHONESHOP_LONG") else 1))
def test_after_random_trade_and_restores_all_books_are_the_same(company: Company, hub: Hub, seed: int) -> None:
    """Facts are never lost while their shop lives, and nobody's books differ in the end."""
    chance = random.Random(seed)
    branches = [company.open_branch("KLA"), company.open_branch("JJA")]
    tills = [open_till(each.shop) for each in branches]
    settle(*branches)
    copy_hub(hub, BACKUP)
    sales: list[str] = []
    glass = tills[0].glass
    for _ in range(45):
        which = chance.randrange(2)
        act = chance.choice(
            ["sell", "sell", "price", "portal", "decide", "sync", "sync", "customer", "copy", "restore"]
        )
        for clock in [hub.clock, *(each.shop.clock for each in branches)]:
            if hasattr(clock, "advance"):
                clock.advance(chance.randrange(500, 60_000))
        try:
            if act == "sell":
                sales.append(sell(tills[which], branches[which].shop.row(Product, tills[which].glass).price_minor))
            elif act == "price":
                branches[which].shop.do("products.update", product_id=glass, price_minor=chance.randrange(4_500, 9_000))
            elif act == "portal":
                set_price(company, tills[0], chance.randrange(4_500, 9_000))
            elif act == "decide" and sales:
                kind = chance.choice(["approve", "lock", "unlock"])
                home = company.portal() if chance.random() < 0.6 else branches[which].shop.ctx(Role.OWNER)
                perform(home, f"sales.{kind}", {"sale_id": chance.choice(sales)})
            elif act == "customer":
                name = f"Customer {chance.random()}"
                branches[which].shop.do("customers.create", name=name, phone=f"+2567721{chance.randrange(10**5):05}")
            elif act == "sync":
                settle(branches[which])
            elif act == "copy":
                copy_hub(hub, BACKUP)
            elif act == "restore" and chance.random() < 0.7:
                put_hub_back(hub, BACKUP)
                if chance.random() < 0.5:
                    begin_new_life(hub, "restored")
        except ShopError:
            continue

    settle(*branches)

    assert {row.id for row in at_hub(company, Sale)} == set(sales)
    assert [differences(company, each) for each in branches] == [{}, {}]
    assert all(each.worker.status().waiting == 0 for each in branches)
    assert {row.field for row in at_hub(company, FieldConflict)} <= {"price_minor"}
    assert rebuild_tenant(hub, company.tenant_id).differences == []
    for each in branches:
        with each.shop.home.reading() as session:
            assert broken_streams(session)[1] == []
