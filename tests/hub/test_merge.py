"""Merging: what was seen decides, nothing about money or goods is refused, and what cannot be written is kept."""

from __future__ import annotations

from typing import Any

import pytest

from cloudhub.merge.conflicts import open_conflicts, open_exceptions
from cloudhub.merge.retry import retry_after_upgrade
from cloudhub.version import HUB_VERSION
from shopnode.domain.actions import perform
from shopnode.domain.clock import act_id
from tests.hub.raw import Answered, RawNode, change, payment, product, raw_node, sale
from tests.hub.world import World


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


@pytest.fixture
def other(world: World) -> RawNode:
    return raw_node(world, "EBB")


def price_of(world: World, row_id: str) -> int:
    return int(world.rows("SELECT price_minor FROM product WHERE id = :id", id=row_id)[0][0])


def number_of(world: World, row_id: str) -> int:
    """The feed number of what stands in the row's price."""
    rows = world.rows(
        "SELECT max(no) FROM register_version WHERE row_id = :id AND field IN ('', 'price_minor')", id=row_id
    )
    return int(rows[0][0])


def new_product(raw: RawNode, **fields: Any) -> str:
    row_id = raw.new_id()
    raw.write(product(row_id, **fields))
    assert raw.push().status == 200
    return row_id


def set_price(raw: RawNode, row_id: str, before: int, after: int, seen: int) -> Answered:
    raw.write(change("product", row_id, seen=seen, price_minor=(before, after)))
    return raw.push()


# --- registers


def test_an_edit_that_saw_the_current_value_wins_whatever_the_clocks_say(
    world: World, raw: RawNode, other: RawNode
) -> None:
    row_id = new_product(raw)
    now_ms = world.clock.now_ms
    world.clock.now_ms -= 400 * 86_400_000  # a PC whose clock is more than a year behind
    other.write(change("product", row_id, seen=number_of(world, row_id), price_minor=(5_000, 5_500)))
    world.clock.now_ms = now_ms

    answer = other.push()

    assert answer.verdicts == {}
    assert price_of(world, row_id) == 5_500


def test_concurrent_edits_of_different_fields_are_both_taken(world: World, raw: RawNode, other: RawNode) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    raw.write(change("product", row_id, seen=seen, name=("Tempered glass", "Glass")))
    other.write(change("product", row_id, seen=seen, brand=(None, "Oraimo")))

    assert raw.push().verdicts == other.push().verdicts == {}
    assert world.rows("SELECT name, brand FROM product") == [("Glass", "Oraimo")]


def test_the_owners_price_stands_against_a_shops_that_had_not_seen_it(world: World, raw: RawNode) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 7_000})
    world.clock.advance(60_000)

    answer = set_price(raw, row_id, 5_000, 4_500, seen=seen)

    assert answer.verdicts == {1 + 1: "conflict"}
    assert answer.body["ack"]["verdicts"][0]["outcome"] == [["product", "u", ["id", "price_minor"], [[row_id, 7_000]]]]
    assert price_of(world, row_id) == 7_000
    with world.session() as session:
        (conflict,) = open_conflicts(session)
    assert (conflict.record, conflict.field) == ("Tempered glass", "price_minor")
    assert (conflict.standing.value, conflict.standing.by_name) == (7_000, "Sarah")
    assert (conflict.other.value, conflict.other.by_name) == (4_500, None)


def test_a_watched_field_has_one_open_conflict_however_often_it_is_edited(
    world: World, raw: RawNode, other: RawNode
) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 7_000})
    set_price(raw, row_id, 5_000, 4_500, seen=seen)
    set_price(other, row_id, 5_000, 4_800, seen=seen)

    with world.session() as session:
        (conflict,) = open_conflicts(session)
    assert (conflict.standing.value, conflict.other.value) == (7_000, 4_800)


def test_using_the_other_value_is_an_action_that_reaches_the_shops(world: World, raw: RawNode) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 7_000})
    set_price(raw, row_id, 5_000, 4_500, seen=seen)
    with world.session() as session:
        (conflict,) = open_conflicts(session)
    raw.pull()

    perform(world.owner(), "conflicts.resolve", {"conflict_id": conflict.id, "use_other": True})

    assert price_of(world, row_id) == 4_500
    assert raw.pull().lines[-1]["rows"] == [["product", "u", ["id", "price_minor"], [[row_id, 4_500]]]]
    with world.session() as session:
        assert open_conflicts(session) == []


def test_an_owners_later_edit_settles_an_open_conflict(world: World, raw: RawNode) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 7_000})
    set_price(raw, row_id, 5_000, 4_500, seen=seen)

    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 6_500})

    with world.session() as session:
        assert open_conflicts(session) == []


def test_of_two_strangers_edits_the_later_stands_in_whichever_order_they_arrive(
    world: World, raw: RawNode, other: RawNode
) -> None:
    names = []
    for first, second in ((raw, other), (other, raw)):
        row_id = new_product(raw, name="Cable")
        seen = number_of(world, row_id)
        raw.write(change("product", row_id, seen=seen, name=("Cable", "Earlier")))
        world.clock.advance(60_000)
        other.write(change("product", row_id, seen=seen, name=("Cable", "Later")))
        first.push()
        second.push()
        names += [row[0] for row in world.rows("SELECT name FROM product WHERE id = :id", id=row_id)]

    assert names == ["Later", "Later"]


def test_a_node_that_saw_a_kept_value_again_has_seen_it(world: World, raw: RawNode, other: RawNode) -> None:
    row_id = new_product(raw)
    seen = number_of(world, row_id)
    perform(world.owner(), "products.update", {"product_id": row_id, "price_minor": 7_000})
    set_price(raw, row_id, 5_000, 4_500, seen=seen)
    told = raw.pull().lines[-1]
    assert told["rows"] == [["product", "u", ["id", "price_minor"], [[row_id, 7_000]]]]

    answer = set_price(raw, row_id, 7_000, 6_900, seen=told["no"])

    assert answer.verdicts == {}
    assert price_of(world, row_id) == 6_900


def test_two_homes_that_make_the_same_row_mean_the_same_row(world: World, raw: RawNode, other: RawNode) -> None:
    row_id = act_id("setting", "sales.discount_max_bp")
    for node, value in ((raw, "500"), (other, "700")):
        node.write(["setting", "i", ["id", "key", "value"], [[row_id, "sales.discount_max_bp", value]]])
        world.clock.advance(1_000)

    assert raw.push().verdicts == {}
    assert other.push().verdicts == {1: "conflict"}
    assert world.rows("SELECT value FROM setting") == [("700",)]


# --- facts


def test_the_same_fact_sent_by_two_origins_is_one_row(world: World, raw: RawNode) -> None:
    row = sale(raw.new_id(), raw.shop)
    raw.write(row)
    raw.write(row)

    assert raw.push().verdicts == {2: "duplicate"}
    assert world.count("sale") == 1


def test_an_id_with_other_content_is_quarantined_and_later_entries_flow(world: World, raw: RawNode) -> None:
    row_id = raw.new_id()
    raw.write(sale(row_id, raw.shop, discount_minor=0))
    raw.write(sale(row_id, raw.shop, discount_minor=500))
    raw.write(product(raw.new_id()))

    answer = raw.push()

    assert answer.verdicts == {2: "quarantined"}
    assert answer.body["ack"]["accepted"] == 3
    assert (world.count("sale"), world.count("product")) == (1, 1)
    assert world.rows("SELECT discount_minor FROM sale") == [(0,)]


def test_an_act_done_twice_stands_as_first_admitted_and_is_listed(world: World, raw: RawNode) -> None:
    sale_id, decision_id = raw.new_id(), act_id("reverse", "x")
    columns = ["id", "sale_id", "shop_id", "kind", "reason", "restock", "at", "nth"]
    raw.write(sale(sale_id, raw.shop))
    for restock in ("resell", "inspect"):
        values = [decision_id, sale_id, raw.shop, "reverse", "came back", restock, 1_790_000_000_000, 1]
        raw.write(["sale_decision", "i", columns, [values]])

    assert raw.push().verdicts == {3: "merged"}
    assert world.rows("SELECT restock FROM sale_decision") == [("resell",)]
    with world.session() as session:
        assert [e.kind for e in open_exceptions(session)] == ["acted_twice"]


def test_a_row_whose_parent_is_missing_is_held_until_it_arrives(world: World, raw: RawNode, other: RawNode) -> None:
    sale_id = raw.new_id()
    raw.write(payment(raw.new_id(), sale_id, raw.shop))
    raw.write(product(raw.new_id()))
    first = raw.push()
    raw.write(sale(sale_id, raw.shop))
    raw.push()

    assert first.verdicts == {1: "held"}
    assert (world.count("payment"), world.count("waiting_entry")) == (1, 0)
    assert world.rows("SELECT paid_minor FROM sale_summary") == [(5_000,)]
    assert raw.push(1, 3).verdicts == {}
    raw.cursor = 0
    assert [line["n"] for line in raw.pull().lines if line["origin"] == raw.origin] == [2, 3, 1]


def test_a_chain_of_held_entries_is_released_together(world: World, raw: RawNode) -> None:
    maker, kid, unit = raw.new_id(), raw.new_id(), raw.new_id()
    raw.write(
        [
            "stock_unit", "i",
            ["id", "handset_id", "product_id", "shop_id", "status", "cost_minor", "received_at"],
            [[unit, kid, maker, raw.shop, "in_stock", 1, 1]],
        ]
    )  # fmt: skip
    raw.write(["handset", "i", ["id", "product_id", "imei1", "created_at"], [[kid, maker, "004401231000130", 1]]])
    assert raw.push().verdicts == {1: "held", 2: "held"}

    raw.write(product(maker))
    raw.push()

    assert (world.count("stock_unit"), world.count("handset"), world.count("waiting_entry")) == (1, 1, 0)


@pytest.mark.parametrize(
    "block",
    [
        ["unheard_of", "i", ["id", "a"], [["0190a000-0000-7000-8000-000000000001", 1]]],
        ["product", "i", ["id", "nickname"], [["0190a000-0000-7000-8000-000000000001", "x"]]],
        ["product", "i", ["id", "name"], [["0190a000-0000-7000-8000-000000000001", "x"]]],
        product("0190a000-0000-7000-8000-000000000001", price_minor="5000"),
        product("0190a000-0000-7000-8000-000000000001", price_minor=True),
        product("0190a000-0000-7000-8000-000000000001", price_minor=-1),
        product("0190a000-0000-7000-8000-000000000001", is_serialised=1),
        product("0190a000-0000-7000-8000-000000000001", created_at=2**52),
        product("0190a000-0000-7000-8000-000000000001", created_by="nobody"),
        product("0190a000-0000-7000-8000-000000000001", name="x" * 201),
        product("0190a000-0000-7000-8000-000000000001", description="a \0 sign"),
        sale("0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"),
        ["sale", "u", ["id", "notes"], [["0190a000-0000-7000-8000-000000000001", [None, "x"]]]],
        ["product", "i", ["name", "id"], [["x", "0190a000-0000-7000-8000-000000000001"]]],
        ["product", "d", ["id"], [["0190a000-0000-7000-8000-000000000001"]]],
        "not a block",
    ],
    ids=str,
)
def test_poison_is_kept_whole_and_does_not_stop_what_follows(world: World, raw: RawNode, block: Any) -> None:
    good = raw.new_id()
    raw.write(product(raw.new_id(), name="before"))
    raw.write(block)
    raw.write(product(good, name="after"))

    answer = raw.push()

    assert answer.verdicts == {2: "quarantined"}
    assert [row[0] for row in world.rows("SELECT name FROM product ORDER BY name")] == ["after", "before"]
    (kept,) = world.rows("SELECT verdict, body FROM journal_entry WHERE origin_id = :o AND n = 2", o=raw.origin)
    assert kept.verdict == "quarantined"
    assert "rows" in kept.body
    assert world.count("waiting_entry") == 1


def test_what_was_set_aside_is_tried_again_after_an_upgrade(
    world: World, raw: RawNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale_id = raw.new_id()
    with monkeypatch.context() as patch:
        patch.setattr("cloudhub.merge.work.entity_tables", dict)  # a hub that knows no table yet
        raw.write(sale(sale_id, raw.shop))
        assert raw.push().verdicts == {1: "quarantined"}
    raw.write(payment(raw.new_id(), sale_id, raw.shop))
    assert raw.push().verdicts == {2: "held"}

    assert retry_after_upgrade(world.hub, HUB_VERSION) == 0
    assert retry_after_upgrade(world.hub, "a newer one") == 2

    assert (world.count("sale"), world.count("payment"), world.count("waiting_entry")) == (1, 1, 0)
    assert world.rows("SELECT paid_minor FROM sale_summary") == [(5_000,)]
    assert raw.push(1, 2).verdicts == {}


def test_a_wrong_day_is_quarantined(world: World, raw: RawNode) -> None:
    for day in ("2026-02-30", "21.9.2026", "", "2026-9-1"):
        raw.write(sale(raw.new_id(), raw.shop, business_on=day))

    assert set(raw.push().verdicts.values()) == {"quarantined"}


# --- holdings


def test_a_unit_is_written_by_the_shop_that_holds_it(world: World, raw: RawNode, other: RawNode) -> None:
    maker, kid, unit = raw.new_id(), raw.new_id(), raw.new_id()
    columns = ["id", "handset_id", "product_id", "shop_id", "status", "cost_minor", "received_at"]
    raw.write(product(maker))
    raw.write(["handset", "i", ["id", "product_id", "imei1", "created_at"], [[kid, maker, "004401231000130", 1]]])
    raw.write(["stock_unit", "i", columns, [[unit, kid, maker, raw.shop, "in_stock", 1, 1]]])
    raw.push()
    raw.write(change("stock_unit", unit, status=("in_stock", "sold")))
    assert raw.push().verdicts == {}

    other.write(change("stock_unit", unit, status=("in_stock", "scrapped")))
    answer = other.push()

    assert answer.verdicts == {1: "merged"}
    assert world.rows("SELECT status FROM stock_unit") == [("sold",)]
    with world.session() as session:
        assert [(e.kind, e.row_id) for e in open_exceptions(session)] == [("not_holder", unit)]


# --- numbers that people type


def test_clashing_numbers_are_listed_and_never_refused(world: World, raw: RawNode, other: RawNode) -> None:
    maker, first, second = raw.new_id(), raw.new_id(), raw.new_id()
    raw.write(product(maker, sku="TG-1", barcode="6001"))
    raw.write(["handset", "i", ["id", "product_id", "imei1", "created_at"], [[raw.new_id(), maker, "1" * 15, 1]]])
    raw.write(sale(first, raw.shop, number="KLA1-000007"))
    raw.write(payment(raw.new_id(), first, raw.shop, method="mtn_momo", reference="MP1"))
    raw.push()
    other.write(product(other.new_id(), sku="TG-1", barcode="6001"))
    columns = ["id", "product_id", "imei1", "imei2", "created_at"]
    other.write(["handset", "i", columns, [[other.new_id(), maker, "2" * 15, "1" * 15, 1]]])
    other.write(sale(second, other.shop, number="KLA1-000007"))
    other.write(payment(other.new_id(), second, other.shop, method="mtn_momo", reference="MP1"))
    other.write(payment(other.new_id(), second, other.shop, method="airtel_money", reference="MP1"))

    assert other.push().verdicts == {}
    with world.session() as session:
        found = sorted(e.kind for e in open_exceptions(session))
    assert found == ["barcode_twice", "imei_twice", "number_twice", "reference_twice", "sku_twice"]


def test_a_clash_is_listed_once(world: World, raw: RawNode, other: RawNode) -> None:
    row_id = new_product(raw, sku="TG-1")
    other.write(product(other.new_id(), sku="TG-1"))
    other.push()
    raw.write(change("product", row_id, seen=number_of(world, row_id), name=("Tempered glass", "Glass")))
    raw.push()

    with world.session() as session:
        assert [e.kind for e in open_exceptions(session)] == ["sku_twice"]


# --- personal values


def test_personal_values_are_stored_beside_the_sealed_entry(world: World, raw: RawNode) -> None:
    from sync_protocol.personal import Sealer

    sealer = Sealer(raw.chance.randbytes)
    row_id = raw.new_id()
    block = ["customer", "i", ["id", "name", "phone", "created_at"],
             [[row_id, sealer.seal("Asha Namuli"), sealer.seal("+256772123456"), 1]]]  # fmt: skip
    raw.write(block, personal=sealer.reveals)
    raw.push()

    assert world.rows("SELECT name, phone FROM customer") == [("Asha Namuli", "+256772123456")]
    for table in ("journal_entry", "feed_line"):
        assert world.rows(f"SELECT 1 FROM {table} WHERE body LIKE '%Namuli%' OR body LIKE '%772123%'") == []
    other = raw_node(world, "EBB")
    (line,) = [line for line in other.pull().lines if line["origin"] == raw.origin]
    assert line["personal"] == sealer.reveals
