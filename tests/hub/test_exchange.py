"""What one side writes the other side has, once: sales go up, prices come down."""

from __future__ import annotations

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.permissions import Role
from tests.domain.till import open_till
from tests.hub.world import Node, World


def test_a_sale_reaches_the_hub_and_the_owners_price_the_shop(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell({"product_id": till.glass, "quantity": 2}, role=Role.OWNER)
    node.sync()
    assert world.count("sale") == 1
    assert world.rows("SELECT total_minor FROM sale_summary") == [(10_000,)]
    perform(world.owner(), "products.update", {"product_id": till.glass, "price_minor": 6_000})
    node.sync()
    assert node.row(Product, till.glass).price_minor == 6_000
    assert world.rows("SELECT verdict, count(*) FROM journal_entry GROUP BY 1")
    print(world.rows("SELECT no, stream, prev, origin_id, n, as_written FROM feed_line ORDER BY no"))
    print(world.rows("SELECT n, verdict, action FROM journal_entry WHERE verdict IS NOT NULL"))
