"""What one side writes the other side has, once: sales go up, prices come down, whatever is lost on the way."""

from __future__ import annotations

import pytest

from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleSummary
from shopnode.sync.transport import LinkDown
from tests.domain.till import open_till
from tests.hub.raw import RawNode, product, raw_node, sale
from tests.hub.world import Node, World


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


def test_a_sale_reaches_the_hub_and_the_owners_price_the_shop(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell({"product_id": till.glass, "quantity": 2}, role=Role.OWNER)
    node.sync()

    perform(world.owner(), "products.update", {"product_id": till.glass, "price_minor": 6_000})
    node.sync()

    assert world.rows("SELECT total_minor, paid_minor FROM sale_summary") == [(10_000, 10_000)]
    assert world.rows("SELECT on_hand FROM stock_level WHERE product_id = :id", id=till.glass) == [(8,)]
    assert node.row(Product, till.glass).price_minor == 6_000
    assert world.rows("SELECT n FROM journal_entry WHERE verdict IS NOT NULL") == []


def test_two_shops_share_the_catalogue_and_keep_their_sales_to_themselves(world: World, node: Node) -> None:
    other = world.enrol("EBB")
    till = open_till(node)
    till.sell(role=Role.OWNER)
    node.sync()
    other.sync()

    assert other.row(Product, till.glass).price_minor == 5_000
    assert other.rows(SaleSummary) == []
    assert world.count("sale") == 1


def test_a_lost_answer_changes_nothing_twice(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell(role=Role.OWNER)
    node.line.lose_answers = 1

    with pytest.raises(LinkDown):
        node.sync()
    node.sync()

    assert world.count("sale") == 1
    assert world.rows("SELECT on_hand FROM stock_level WHERE product_id = :id", id=till.glass) == [(9,)]


def test_a_resend_is_answered_as_accepted_with_the_same_verdicts(world: World, raw: RawNode) -> None:
    raw.write(["sale_line", "i", ["id", "sale_id"], [[raw.new_id(), raw.new_id()]]])
    raw.write(product(raw.new_id()))
    first = raw.push()

    second = raw.push(1, 2)

    assert first.body["ack"] == second.body["ack"]
    assert second.verdicts == {1: "quarantined"}
    assert world.count("product") == 1


def test_a_resend_may_bring_new_entries_along(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    raw.push()
    raw.write(product(raw.new_id(), name="Charger"))

    answer = raw.push(1, 2)

    assert answer.body["ack"]["accepted"] == 2
    assert world.count("product") == 2


def test_a_gap_names_the_number_the_hub_expects(world: World, raw: RawNode) -> None:
    for _ in range(3):
        raw.write(product(raw.new_id()))

    answer = raw.push(2, 3)

    assert (answer.status, answer.code, answer.body["expected"]) == (409, "gap", 1)
    assert answer.signed
    assert world.count("product") == 0


def test_the_same_number_with_another_hash_is_a_fork(world: World, raw: RawNode) -> None:
    for name in ("one", "two", "three"):
        raw.write(product(raw.new_id(), name=name))
    raw.push()
    del raw.entries[1:], raw.hashes[1:]
    raw.write(product(raw.new_id(), name="another two"))

    answer = raw.push(2, 2)

    assert (answer.status, answer.code) == (409, "fork")
    assert (answer.body["n"], answer.body["hash"]) == (1, raw.hash_of(1))
    assert [row[0] for row in world.rows("SELECT name FROM product ORDER BY name")] == ["one", "three", "two"]


def test_a_fork_further_back_is_found_by_asking_for_earlier_entries(world: World, raw: RawNode) -> None:
    for number in range(20):
        raw.write(product(raw.new_id(), name=f"product {number}"))
    raw.push()
    del raw.entries[3:], raw.hashes[3:]
    for number in range(30):
        raw.write(product(raw.new_id(), name=f"other {number}"))

    first, answer = 21, raw.push(21, 33)
    while answer.code == "gap":
        assert answer.body["expected"] < first
        first = answer.body["expected"]
        answer = raw.push(first, 33)

    assert (answer.code, answer.body["n"]) == ("fork", 3)


def test_entries_must_be_signed_by_their_origin(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    push = raw.push_of(1, 1)
    push["sig"] = "A" * 86

    answer = raw.send(raw.message(push))

    assert (answer.status, answer.code) == (401, "bad_signature")
    assert world.count("journal_entry") == 4


def test_an_entry_that_was_changed_on_the_way_is_refused(world: World, raw: RawNode) -> None:
    raw.write(sale(raw.new_id(), raw.shop))
    push = raw.push_of(1, 1)
    push["entries"] = [{**push["entries"][0], "at": 1}]

    assert raw.send(raw.message(push)).code == "bad_signature"
    assert world.count("sale") == 0


def test_an_exchange_that_brings_and_takes_nothing_moves_no_rows(world: World, node: Node) -> None:
    open_till(node)
    node.sync()
    before = (world.count("journal_entry"), world.count("feed_line"), world.rows("SELECT seq FROM tenant_feed"))

    for _ in range(20):
        assert [(e.pushed, e.pulled) for e in node.sync()] == [(0, 0)]

    assert (world.count("journal_entry"), world.count("feed_line"), world.rows("SELECT seq FROM tenant_feed")) == before


def test_the_hub_writes_down_how_a_node_is(world: World, raw: RawNode) -> None:
    clock = {"wall": world.clock.wall_ms() - 90_000, "mono": 5, "boot": "b0075e1f"}
    health = {"outbox": 7, "oldest_unsent_at": 1_790_000_000_000, "quarantined": 2, "software": "0.2.0"}

    assert raw.send(raw.message(clock=clock, health=health)).status == 200

    (row,) = world.rows("SELECT outbox, oldest_unsent_at, quarantined, software, clock_error_ms, seen_at FROM node")
    assert tuple(row) == (7, 1_790_000_000_000, 2, "0.2.0", -90_000, world.clock.wall_ms())


def test_the_hub_paces_its_nodes(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id()))
    busy = raw.push().body["next_poll_ms"]
    world.clock.advance(3_600_000)
    idle = raw.push(1, 1).body["next_poll_ms"]

    assert 1_600 <= busy <= 2_400
    assert idle > 60_000
