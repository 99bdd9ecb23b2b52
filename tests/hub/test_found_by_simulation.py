"""What the simulator found, each as a test of its own: the least that shows it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import select

import cloudhub.merge.work as hub_work
from cloudhub.merge.books import Books
from cloudhub.merge.readmission import _parents_first
from cloudhub.merge.retry import retry_after_upgrade
from cloudhub.merge.tables import insert_statement
from shopnode.domain.catalogue.models import Product
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.sales.projections import _summary
from tests.domain.till import open_till
from tests.hub.world import Node, World

MOVEMENT = ("id", "shop_id", "product_id", "kind", "quantity", "unit_cost_minor", "at")
PAYMENT = ("id", "sale_id", "shop_id", "kind", "method", "amount_minor", "at")


def test_a_batch_the_database_refused_spoils_no_later_one_on_its_connection(world: World, node: Node):
    """Seed 9: the driver took a statement for prepared that the server had passed over, and the shop could not send
    until the hub was restarted."""
    product = node.do("products.create", name="Cable", category="Goods", price_minor=8_000)["id"]
    node.sync()
    shop_id = node.home.shop_id

    def movement() -> tuple[str, list[Any]]:
        return insert_statement("stock_movement", MOVEMENT), [
            [world.hub.new_id(), shop_id, product, "adjusted", 1, 3_000, 1_790_000_000_000]
        ]

    def payment_of_nothing() -> tuple[str, list[Any]]:
        return insert_statement("payment", PAYMENT), [
            [world.hub.new_id(), world.hub.new_id(), shop_id, "payment", "cash", 5_000, 1_790_000_000_000]
        ]

    with world.hub.database.session(world.tenant_id, bulk=True) as session:
        books = Books(session, world.tenant_id)
        for _ in range(12):  # often enough for the driver to prepare what it can
            with books.attempt(), books.writing_meanwhile([movement()]):
                pass
            refused = [payment_of_nothing(), movement()]
            with suppress(psycopg.IntegrityError), books.attempt(), books.writing_meanwhile(refused):
                pass
    assert world.rows("SELECT count(*), sum(quantity) FROM stock_movement")[0] == (12, 12)
    assert node.row(Product, product).name == "Cable"


def test_a_summary_does_not_tell_in_which_order_its_rows_were_read():
    """Seed 15: the tenders of one sale stood in two orders, at the hub and at the shop."""
    sale = dict.fromkeys(("customer_id", "cashier_id", "seller_id")) | {
        "id": "s", "shop_id": "k", "number": "KLA1-000001", "sold_at": 1, "business_on": "2026-09-21",
        "discount_minor": 0,
    }  # fmt: skip
    line = {
        "amendment_id": None, "quantity": 1, "unit_price_minor": 9_000, "discount_minor": 0, "tax_rate_bp": 0,
        "cost_minor": 1,
    }  # fmt: skip
    tenders = [
        {"id": f"p{place}", "at": 1, "kind": "payment", "method": method, "amount_minor": 4_500}
        for place, method in enumerate(("mtn_momo", "cash"))
    ]
    assert _summary(sale, [line], tenders, [], []) == _summary(sale, [line], tenders[::-1], [], [])


def test_an_entry_that_waited_does_not_undo_what_its_shop_did_since(world: World, node: Node):
    """Seed 9: a sale set aside was taken after the same phone had come back and been sold again, and the hub had the
    phone in stock."""
    till = open_till(node)
    node.sync()
    judged = hub_work._examine_block

    def choke(sender: Any, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
        if any("☠" in str(value) for row in rows for value in row):
            raise hub_work.Unfit("a sign this version cannot write")
        judged(sender, entity, op, columns, rows)

    with mock.patch.object(hub_work, "_examine_block", choke):
        first = till.sell({"device_id": till.units[0]}, notes="☠", role=Role.OWNER).result["sale_id"]
        node.do("sales.void", sale_id=first, reason="brought back", restock="resell")
        till.sell({"device_id": till.units[0]}, role=Role.OWNER)
        node.sync()
    retry_after_upgrade(world.hub, "the next version")
    node.sync()

    ((status, line_id),) = world.rows(
        "SELECT status, sold_line_id::text FROM stock_unit WHERE id = CAST(:id AS uuid)", id=till.units[0]
    )
    unit = node.row(StockUnit, till.units[0])
    assert (status, line_id) == (unit.status, unit.sold_line_id) == ("sold", line_id)
    assert world.rows("SELECT count(*) FROM waiting_entry")[0][0] == 0


def test_what_waited_for_what_waited_is_taken_with_it(world: World, node: Node):
    """Seed 16: a sale was set aside, an exchange of its goods waited for it, and a return of what was given instead
    waited for the exchange. The first two were taken after the upgrade, and the third went on waiting."""
    till = open_till(node)
    node.sync()
    judged = hub_work._examine_block

    def choke(sender: Any, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
        if any("☠" in str(value) for row in rows for value in row):
            raise hub_work.Unfit("a sign this version cannot write")
        judged(sender, entity, op, columns, rows)

    def back(sale_id: str) -> dict[str, Any]:
        with node.home.reading() as session:
            line_id = session.scalars(select(SaleLine.id).where(SaleLine.sale_id == sale_id)).one()
        lines = [{"sale_line_id": line_id, "quantity": 1, "restock": "new"}]
        return {"sale_id": sale_id, "lines": lines, "reason": "another one"}

    with mock.patch.object(hub_work, "_examine_block", choke):
        first = till.sell(notes="☠", role=Role.OWNER).result["sale_id"]
        instead = {"items": [{"product_id": till.glass}], "payments": []}
        second = node.do("returns.exchange", **back(first), sale=instead)["sale_id"]
        node.do("returns.take_back", **back(second))
        node.sync()
    assert {row[0] for row in world.rows("SELECT verdict FROM waiting_entry")} == {"quarantined", "held"}
    retry_after_upgrade(world.hub, "the next version")

    assert world.rows("SELECT count(*) FROM waiting_entry")[0][0] == 0
    assert world.rows("SELECT count(*) FROM sale_return")[0][0] == 2


def test_what_comes_back_never_stands_before_what_it_points_at():
    """Seed 10038: a hub was put back twice. The sale came back with a number of the later life, its refund with one of
    the earlier, and whoever read the feed from its beginning met the refund first."""
    refund = {"no": 97, "rows": [["payment", "i", ["id", "sale_id", "amount_minor"], [["p", "s", -500]]]]}
    glass = {"no": 98, "rows": [["product", "u", ["id", "price_minor"], [["g", 5_000]]]]}
    other = {"no": 99, "rows": [["customer", "i", ["id", "name"], [["c", "Nakato"]]]]}
    sale = {"no": 120, "rows": [["sale", "i", ["id", "number"], [["s", "KLA1-000001"]]]]}
    product = {"no": 130, "rows": [["product", "i", ["id", "name"], [["g", "Glass"]]]]}

    assert _parents_first([refund, glass, other, sale, product]) == [sale, refund, product, glass, other]
    assert _parents_first([other, sale, refund]) == [other, sale, refund]
