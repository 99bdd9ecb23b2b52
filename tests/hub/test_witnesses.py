"""What vouches for the books of a shop: the lines of the hub, what is computed, the fence. No edit goes unseen."""

from __future__ import annotations

import random

import pytest

from shopnode.domain.actions import perform
from shopnode.domain.permissions import Role
from shopnode.machine.fence import Fence, Place, place_of
from shopnode.machine.witnesses import broken_streams, misplaced_fence, wrong_derived
from tests.domain.till import Till, open_till
from tests.hub.raw import change, raw_node
from tests.hub.test_numbers_agree import trade
from tests.hub.world import Node, World


def streams(node: Node) -> list[str]:
    with node.node_home.reading() as session:
        return broken_streams(session)[1]


def edit(node: Node, statement: str) -> None:
    with node.node_home.database.raw_writer().connect() as connection:
        assert connection.exec_driver_sql(statement).rowcount > 0
        connection.commit()


def traded(world: World, node: Node, till: Till | None = None) -> None:
    """Lines of all kinds: our own, the portal's, another shop's, and one where the hub decided otherwise."""
    till = till or open_till(node)
    till.sell(role=Role.OWNER)
    node.sync()
    perform(world.owner(), "products.update", {"product_id": till.glass, "price_minor": 8_000})
    node.do("products.update", product_id=till.glass, price_minor=7_000)
    node.sync()
    other = raw_node(world, "EBB")
    other.pull()
    other.write(change("product", till.charger, 0, name=("Oraimo charger", "Charger")))
    other.push()
    node.sync()


@pytest.mark.parametrize("seed", range(2))
def test_books_that_only_traded_are_vouched_for(world: World, node: Node, seed: int) -> None:
    till = open_till(node)
    trade(world, node, till, random.Random(seed), 60)
    traded(world, node, till)
    node.sync()
    with node.node_home.reading() as session:
        lines, wrong = broken_streams(session)
    assert wrong == []
    assert lines > 40
    assert wrong_derived(node.node_home.database) == []


EDITS = {
    "a line changed": "UPDATE feed_line SET body = replace(body, '8000', '9000') WHERE body LIKE '%8000%'",
    "a line removed": "DELETE FROM feed_line WHERE no = (SELECT min(no) + 3 FROM feed_line)",
    "the last line removed": "DELETE FROM feed_line WHERE no = (SELECT max(no) FROM feed_line)",
    "a hash changed": f"UPDATE feed_line SET hash = '{'0' * 64}' WHERE no = (SELECT max(no) - 2 FROM feed_line)",
    "a mark changed": f"UPDATE stream_mark SET hash = '{'0' * 64}'",
    "the cursor set back": "UPDATE installation SET seen = seen - 1",
    "an entry of ours changed": "UPDATE journal_entry SET body = replace(body, 'Tempered', 'Hardened')",
}


@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS)
def test_an_edit_of_what_the_hub_sent_is_found(world: World, node: Node, statement: str) -> None:
    traded(world, node)
    assert streams(node) == []
    edit(node, statement)
    assert streams(node) != []


DERIVED = {
    "a searched word": ("UPDATE product_search SET text = 'x'", "product_search"),
    "a total": ("UPDATE sale_summary SET tax_minor = tax_minor + 1", "sale_summary"),
    "a level that is too much": ("UPDATE stock_level SET on_hand = on_hand + 1", "stock_level"),
    "a product hidden under another": ("UPDATE product SET merged_into = id", "product"),
}


@pytest.mark.parametrize(("statement", "table"), DERIVED.values(), ids=DERIVED)
def test_what_is_computed_wrongly_is_found(world: World, node: Node, statement: str, table: str) -> None:
    traded(world, node)
    assert wrong_derived(node.node_home.database) == []
    edit(node, statement)
    assert {words.split()[0] for words in wrong_derived(node.node_home.database)} >= {table}


def test_looking_changes_nothing(world: World, node: Node) -> None:
    traded(world, node)
    database = node.node_home.database
    with database.reading() as session:
        before = session.connection().exec_driver_sql("SELECT * FROM stock_level, sale_summary").all()
    wrong_derived(database)
    with database.reading() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("SELECT * FROM stock_level, sale_summary").all() == before
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_temp_master").scalar() == 0
        assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1


def test_a_fence_that_stands_elsewhere_is_found(world: World, node: Node) -> None:
    fence = Fence(world.folder / "fence")
    with node.node_home.reading() as session:
        stands = place_of(session)
        assert misplaced_fence(session, fence) == ["the fence beside the keys is missing or cannot be read"]
        fence.put(stands)
        assert misplaced_fence(session, fence) == []
        fence.put(Place(stands.origin, stands.n + 1, "0" * 64))
        assert misplaced_fence(session, fence) == ["the books are older than their fence"]
    fence.close()
