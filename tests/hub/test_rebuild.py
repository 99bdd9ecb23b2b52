"""A tenant's books can be made again from what was received, and what stands is what comes out."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloudhub.merge import rebuild
from cloudhub.merge.rebuild import Rebuilt, rebuild_tenant
from cloudhub.merge.retry import retry_after_upgrade
from shopnode.domain.actions import perform
from shopnode.domain.permissions import Role
from tests.domain.till import open_till
from tests.hub.raw import change, payment, product, raw_node, sale
from tests.hub.test_enrolment import join, lonely
from tests.hub.test_numbers_agree import trade
from tests.hub.world import PASSWORD, Node, World
from tests.shop import Shop

assert lonely  # a fixture


def rebuilt(world: World) -> Rebuilt:
    stranger = rebuild_tenant(world.hub, world.mallory.tenant_id)
    assert (stranger.wrong, stranger.differences) == (0, [])
    return rebuild_tenant(world.hub, world.tenant_id)


def check_same(world: World) -> Rebuilt:
    done = rebuilt(world)
    assert (done.wrong, done.differences) == (0, [])
    assert done.lines == world.count("feed_line")
    return done


@pytest.mark.parametrize("seed", range(3))
def test_random_trade_can_be_made_again(world: World, node: Node, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "PAGE", 7)  # so that batches end between all kinds of lines
    other = world.enrol("EBB")
    chance = random.Random(seed)
    till, second = open_till(node), None
    node.sync()
    other.sync()
    second = open_till(other)
    for _ in range(4):
        trade(world, node, till, chance, 15)
        trade(world, other, second, chance, 15)
        node.sync()
        other.sync()
    done = check_same(world)
    assert done.rows > 150
    verdicts = {row[0] for row in world.rows("SELECT DISTINCT verdict FROM journal_entry")}
    assert verdicts > {None}


def test_concurrent_edits_can_be_made_again(world: World) -> None:
    one, two = raw_node(world), raw_node(world, "EBB")
    row_id = one.new_id()
    one.write(product(row_id))
    one.push()
    two.pull()
    one.pull()
    two.write(change("product", row_id, two.cursor, price_minor=(5_000, 6_000), name=("Tempered glass", "Glass")))
    one.write(change("product", row_id, one.cursor, price_minor=(5_000, 7_000)))
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 8_000})
    answers = {**two.push().verdicts, **one.push().verdicts}
    assert set(answers.values()) <= {"merged", "conflict"}
    assert answers
    check_same(world)


def test_what_was_held_and_released_can_be_made_again(world: World) -> None:
    raw = raw_node(world)
    sale_id = raw.new_id()
    raw.write(payment(raw.new_id(), sale_id, raw.shop))
    raw.write(product(raw.new_id()))
    assert raw.push().verdicts == {1: "held"}
    assert check_same(world)
    raw.write(sale(sale_id, raw.shop))
    raw.push()
    assert world.count("waiting_entry") == 0
    check_same(world)


def test_what_was_set_aside_and_tried_again_can_be_made_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = raw_node(world)
    sale_id = raw.new_id()
    with monkeypatch.context() as patch:
        patch.setattr("cloudhub.merge.work.entity_tables", dict)  # a hub that knows no table yet
        raw.write(sale(sale_id, raw.shop))
        assert raw.push().verdicts == {1: "quarantined"}
    raw.write(payment(raw.new_id(), sale_id, raw.shop))
    raw.push()
    check_same(world)
    assert retry_after_upgrade(world.hub, "a newer one") == 2
    assert world.count("sale") == 1
    check_same(world)


def test_what_was_sent_twice_or_changed_by_a_stranger_can_be_made_again(world: World) -> None:
    raw, other = raw_node(world), raw_node(world, "EBB")
    row_id = raw.new_id()
    raw.write(product(row_id))
    raw.push()
    other.write(product(row_id))  # the same content again
    other.write(product(row_id, name="Another"))
    answers = other.push().verdicts
    assert answers[1] == "duplicate"
    check_same(world)


def test_erased_values_stay_erased_when_all_is_made_again(world: World, node: Node) -> None:
    form = {"name": "Grace", "phone": "+256772123456", "email": "grace@example.com"}
    node.do("customers.create", form)
    node.sync()
    before = world.rows("SELECT name FROM customer")
    assert before == [("Grace",)]
    check_same(world)
    with world.server.superuser(world.database) as connection:
        connection.execute("SET app.bulk = 'on'")
        connection.execute("UPDATE journal_entry SET personal = NULL WHERE action = 'customers.create'")
        connection.execute("UPDATE feed_line SET personal = NULL WHERE personal IS NOT NULL")
        connection.execute("UPDATE customer SET name = '', phone = NULL, email = NULL")
    check_same(world)


def test_a_product_made_and_renamed_before_the_shop_was_online_can_be_made_again(world: World, node: Node) -> None:
    made = node.do("products.create", {"name": "Earphones", "category": "Accessories", "price_minor": 9_000})
    node.do("products.update", product_id=made["id"], name="Headset")
    node.sync()
    assert world.rows("SELECT name FROM product") == [("Headset",)]
    check_same(world)


def test_an_act_that_changed_nothing_is_no_difference(world: World, node: Node) -> None:
    made = node.do("products.create", {"name": "Earphones", "category": "Accessories", "price_minor": 9_000})
    node.do("products.update", product_id=made["id"], price_minor=9_000)
    node.sync()
    assert world.rows("SELECT count(*) FROM journal_entry WHERE body LIKE '%\"rows\":[]%'") == [(1,)]
    check_same(world)


def test_a_shop_that_was_adopted_can_be_made_again(world: World, lonely: Shop) -> None:
    node = join(world, lonely, world.shop("KLA"))
    node.sync()
    assert world.count("sale") == 1
    check_same(world)


def test_a_password_that_was_carried_on_can_be_made_again(world: World) -> None:
    shops = [world.enrol("KLA"), world.enrol("EBB")]
    form = {"staff_id": world.kisura.owner_id, "current_password": PASSWORD, "new_password": "a brand new secret"}
    shops[0].do("staff.set_password", form)
    shops[0].sync()
    assert len(world.rows("SELECT DISTINCT password_hash FROM staff_posting")) == 1
    check_same(world)


def test_lines_whose_bytes_were_pruned_are_made_from_their_entries(world: World, node: Node) -> None:
    till = open_till(node)
    till.sell(role=Role.OWNER)
    node.sync()
    with world.server.superuser(world.database) as connection:
        pruned = connection.execute("UPDATE feed_line SET body = NULL WHERE as_written").rowcount
    assert pruned > 5
    check_same(world)


EDITS = {
    "a price changed": ("UPDATE product SET price_minor = price_minor + 1", "product", "differs in price_minor"),
    "a sale removed": (
        "SET session_replication_role = replica; DELETE FROM sale_line; RESET session_replication_role",
        "sale_line",
        "is missing",
    ),
    "a sale slipped in": (
        "INSERT INTO customer (tenant_id, id, name, created_at)"
        " SELECT tenant_id, gen_random_uuid(), 'X', 1 FROM product LIMIT 1",
        "customer",
        "should not be there",
    ),
    "a level changed": ("UPDATE stock_level SET on_hand = on_hand + 1", "stock_level", "differs in on_hand"),
    "a total changed": ("UPDATE sale_summary SET paid_minor = 1", "sale_summary", "differs in paid_minor"),
    "an order changed": (
        "UPDATE sale_decision SET feed_no = feed_no + 1",
        "sale_decision",
        "differs in feed_no",
    ),
    "a verdict changed": (
        "UPDATE journal_entry SET verdict = 'held' WHERE action = 'cash.open_drawer'",
        "journal_entry",
        "is said to wait and does not, or not only",
    ),
    "a line removed": (
        "DELETE FROM feed_line f USING journal_entry e WHERE e.origin_id = f.origin_id AND e.n = f.n"
        " AND e.action = 'cash.open_drawer'",
        "journal_entry",
        "is said to be taken and has no line in the feed",
    ),
}


@pytest.mark.parametrize(("edit", "table", "what"), EDITS.values(), ids=EDITS)
def test_an_edit_behind_the_hubs_back_comes_out(world: World, node: Node, edit: str, table: str, what: str) -> None:
    till = open_till(node)
    sold = till.sell(role=Role.OWNER)
    node.do("sales.approve", sale_id=sold.result["sale_id"])
    node.sync()
    check_same(world)
    with world.server.superuser(world.database) as connection:
        connection.execute("SET app.bulk = 'on'")
        assert connection.execute(edit).rowcount != 0  # type: ignore[arg-type]

    done = rebuilt(world)

    assert (table, what) in {(found.table, found.what) for found in done.differences}
    assert done.wrong


def test_nothing_that_lives_can_be_written_meanwhile(world: World, node: Node) -> None:
    tables = ["product"]
    with world.hub.database.shadowed(world.tenant_id, tables) as session:
        assert session.execute(text("SELECT count(*) FROM product")).scalar_one() == 0
        with pytest.raises(DBAPIError, match="read-only transaction"):
            session.execute(text("UPDATE public.product SET name = 'X'"))
    with (
        world.hub.database.shadowed(world.tenant_id, tables) as session,
        pytest.raises(DBAPIError, match="read-only transaction"),
    ):
        session.execute(text("UPDATE sale SET number = 'X'"))
