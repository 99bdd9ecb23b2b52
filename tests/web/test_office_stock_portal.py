"""Stock and buying in the owner's portal: all shops are looked at, suppliers are kept, and shops alone move goods."""

from __future__ import annotations

import pytest

from tests.hub.world import Node, World
from tests.web.conftest import Owner, words
from tests.web.test_office_buying import place

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def test_the_portal_sees_stock_and_buying_of_every_shop_and_changes_suppliers_alone(
    owner: Owner, joined: Node, world: World
) -> None:
    node = joined
    cable = node.do("products.create", name="USB-C cable", category="Chargers", price_minor=8_000)["id"]
    simba = node.do("suppliers.create", name="Simba Telecom")["id"]
    lines = [{"product_id": cable, "quantity": 4, "unit_cost_minor": 3_000}]
    order = node.do("orders.create", supplier_id=simba, lines=lines)["order_id"]
    node.do("orders.order", order_id=order)
    receipt = node.do("goods.receive", order_id=order, lines=[{"product_id": cable, "quantity": 3}])["receipt_id"]
    count = node.do("stocktakes.start")["stocktake_id"]
    node.sync()

    for path, said in {
        "/suppliers": "9,000", f"/suppliers/{simba}": "We owe them UGX 9,000", "/orders": "Shop KLA",
        f"/orders/{order}": "USB-C cable", "/deliveries": "Shop KLA", f"/deliveries/{receipt}": "3 pieces",
        "/stocktakes": "the whole shop", f"/stocktakes/{count}": "Counting", "/stock-value": "9,000",
        "/movements": "Delivery", "/reorder": "To order", "/supplier-returns": "Nothing was sent back",
        "/transfers": "Transfers", "/phones": "Phones", f"/products/{cable}/adjust": "in the shop itself",
    }.items():  # fmt: skip
        answer = owner.get(path)
        assert answer.status_code == 200 and said in words(answer), (path, words(answer))
        for offered in ("Receive phones", "Begin to count", "Write into the account", "Order it", "Book it"):
            assert offered not in words(answer), (path, offered)

    changed = place(owner.post(f"/suppliers/{simba}/edit", name="Simba Uganda", terms_days="7"))
    assert "Simba Uganda" in words(owner.get(changed))
    moved = owner.post(f"/products/{cable}/adjust", deed="off", quantity="1", reason="it broke")
    assert moved.status_code >= 400 and "shop" in words(moved)
