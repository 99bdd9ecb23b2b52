"""What a hub that was put back takes in again: its own word alone, once, in order, and whatever came first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cloudhub.merge.lives import begin_new_life
from sync_protocol.canonical import canonical
from sync_protocol.chain import link, page_message, stream_genesis
from sync_protocol.keys import read_private, sign
from tests.hub.raw import Answered, RawNode, change, product, raw_node
from tests.hub.test_lives import lives, seq
from tests.hub.world import World
from tests.hub_server import copy_hub, put_back


@pytest.fixture
def raw(world: World) -> Iterator[RawNode]:
    """A node of the Kampala shop with one product; the hub was backed up when it had both."""
    node = raw_node(world)
    node.write(product(node.new_id()))
    node.push()
    node.pull()
    copy_hub(world.hub, f"{world.database}_backup")
    yield node
    world.server.drop(f"{world.database}_backup")


def prices(world: World) -> list[int]:
    return [row[0] for row in world.rows("SELECT price_minor FROM product ORDER BY id")]


def line(world: World, no: int, prev: int, rows: list[Any], **fields: Any) -> dict[str, Any]:
    """A line as this hub may have given it out."""
    clock = world.clock
    return {
        "no": no, "prev": prev, "stream": "t", "origin": world.hub.new_id(), "n": 7, "id": world.hub.new_id(),
        "action": "products.update", "actor": world.kisura.owner_id, "at": clock.wall_ms(), "rows": rows, **fields,
    }  # fmt: skip


def page(world: World, node: RawNode, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A page of those lines, signed by the hub unless told otherwise."""
    prev, hashes, given = stream_genesis("t"), [], []
    for place, told in enumerate(lines):
        sealed = {name: value for name, value in told.items() if name != "personal"}
        given.append([place, prev, told])
        prev = link(prev, canonical(sealed))
        hashes.append(prev)
    epoch = fields.pop("epoch", world.hub.identity.epoch)
    key = fields.pop("key", world.hub.key)
    signed_for = fields.pop("signed_for", node.node)
    numbers = [told["no"] for told in lines]
    words = page_message(epoch, signed_for, min(numbers) - 1, max(numbers), hashes)
    return {
        "epoch": epoch, "from": min(numbers) - 1, "to": max(numbers), "hashes": hashes, "sig": sign(key, words),
        "lines": given, **fields,
    }  # fmt: skip


def give(node: RawNode, *pages: dict[str, Any]) -> Answered:
    return node.send(node.message(returned=list(pages), pull={"rows": 4_000, "bytes": 2_000_000}))


def new_price(node: RawNode, price_minor: int) -> list[Any]:
    row_id = node.entries[0]["rows"][0][3][0][0]
    return ["product", "u", ["id", "price_minor"], [[row_id, price_minor]]]


def test_a_page_that_the_hub_does_not_remember_begins_a_life_and_comes_back(world: World, raw: RawNode) -> None:
    lost = page(world, raw, line(world, seq(world) + 1, 1, [new_price(raw, 7_000)]))

    answer = give(raw, lost)

    assert answer.status == 200 and answer.body["returned"] == 1
    assert prices(world) == [7_000]
    assert lives(world) == ["page"]
    assert answer.body["epoch"] == world.hub.identity.epoch
    assert [told["action"] for told in answer.lines] == ["hub.readmit"]
    assert answer.lines[0]["rows"] == [new_price(raw, 7_000)]


def test_it_comes_back_once_however_often_it_is_given(world: World, raw: RawNode) -> None:
    lost = page(world, raw, line(world, seq(world) + 1, 1, [new_price(raw, 7_000)]))
    give(raw, lost)
    lines = world.count("feed_line")

    assert give(raw, lost, lost).body["returned"] == 2

    assert lives(world) == ["page"]
    assert world.count("feed_line") == lines


def test_a_restore_that_was_announced_begins_no_second_life(world: World, raw: RawNode) -> None:
    lost = page(world, raw, line(world, seq(world) + 1, 1, [new_price(raw, 7_000)]))
    begin_new_life(world.hub, "restored")

    give(raw, lost)

    assert lives(world) == ["restored"]
    assert prices(world) == [7_000]


@pytest.mark.parametrize(
    "forgery",
    [
        {"key": read_private(bytes(range(32)))},
        {"signed_for": "019a8c00-0000-7000-8000-000000000000"},
        {"sig": "A" * 86},
        {"to": 10_000_000},
        {"hashes": ["0" * 64]},
    ],
)
def test_a_page_that_is_not_ours_begins_nothing_and_stops_nobody(
    world: World, raw: RawNode, forgery: dict[str, Any]
) -> None:
    lost = page(world, raw, line(world, seq(world) + 1, 1, [new_price(raw, 7_000)]), **forgery)

    answer = give(raw, lost)

    assert answer.status == 200 and answer.body["returned"] == 1
    assert prices(world) == [5_000] and lives(world) == []


def test_another_shops_lines_are_not_taken(world: World, raw: RawNode) -> None:
    elsewhere = world.shop("JJA")
    sale = ["sale", "i", ["id", "shop_id", "number"], [[world.hub.new_id(), elsewhere, "JJA1-000009"]]]
    lost = page(world, raw, line(world, seq(world) + 1, 0, [sale], stream=f"s:{elsewhere}"))

    give(raw, lost)

    assert world.count("sale") == 0 and lives(world) == []


def test_what_the_hub_has_is_no_proof_of_a_loss(world: World, raw: RawNode) -> None:
    """A node that shows what is here, because it was confused, begins no life and changes nothing."""
    before = world.count("feed_line")
    known = raw.send(
        raw.message(have={**raw.message()["have"], "cursor": 0, "streams": {}}, pull={"rows": 99, "bytes": 99_999})
    )
    tenant = [told for told in known.lines if told["stream"] == "t" and "rows" in told]
    assert tenant

    shown = page(world, raw, *tenant)
    give(raw, shown)

    assert lives(world) == [] and world.count("feed_line") == before


def test_a_line_that_waits_for_a_row_comes_back_with_it(world: World, raw: RawNode) -> None:
    """The owner's price for a product whose shop has not sent it again yet."""
    raw.write(product(raw.new_id(), sku="LATE"))
    row_id = raw.entries[1]["rows"][0][3][0][0]
    lost = page(
        world, raw, line(world, seq(world) + 2, 1, [["product", "u", ["id", "price_minor"], [[row_id, 7_000]]]])
    )
    give(raw, lost)
    assert world.rows("SELECT verdict FROM waiting_entry") == [("held",)]

    raw.push()

    assert world.count("waiting_entry") == 0
    assert world.rows("SELECT price_minor FROM product WHERE sku = 'LATE'") == [(7_000,)]
    assert world.count("field_conflict") == 0


def test_the_original_that_comes_later_is_a_duplicate_and_hears_what_stands(world: World, raw: RawNode) -> None:
    other = raw_node(world, "JJA")
    other.pull()
    row = raw.entries[0]["rows"][0][3][0][0]
    mine = other.write(change("product", row, seen=other.cursor, price_minor=(5_000, 6_000)))
    lost = seq(world) + 1
    give(
        raw,
        page(
            world, raw,
            line(world, lost, 1, [new_price(raw, 6_000)], origin=other.origin, n=1, id=mine["id"]),
            line(world, lost + 1, lost, [new_price(raw, 7_000)]),
        ),
    )  # fmt: skip

    answer = other.push()

    assert answer.verdicts == {1: "duplicate"}
    assert prices(world) == [7_000]
    assert world.count("field_conflict") == 0
    own = [told for told in other.pull().lines if told["origin"] == other.origin]
    assert own[0]["rows"] == [new_price(raw, 7_000)]


def test_an_edit_that_saw_the_lost_value_is_no_conflict_with_it(world: World, raw: RawNode) -> None:
    row = raw.entries[0]["rows"][0][3][0][0]
    lost = seq(world) + 1
    give(raw, page(world, raw, line(world, lost, 1, [new_price(raw, 7_000)])))
    raw.write(change("product", row, seen=lost, price_minor=(7_000, 8_000)))

    raw.push()

    assert prices(world) == [8_000]
    assert world.count("field_conflict") == 0


def test_an_edit_that_had_not_seen_it_is(world: World, raw: RawNode) -> None:
    row = raw.entries[0]["rows"][0][3][0][0]
    lost = seq(world) + 5
    give(raw, page(world, raw, line(world, lost, 1, [new_price(raw, 7_000)])))
    world.clock.advance(1_000)
    raw.write(change("product", row, seen=lost - 1, price_minor=(5_000, 8_000)))

    raw.push()

    assert world.count("field_conflict") == 1


def test_an_act_that_no_hub_made_is_not_taken_for_one_that_came_back(world: World, raw: RawNode) -> None:
    """A node that says "hub.readmit" is judged like any other entry."""
    row = raw.entries[0]["rows"][0][3][0][0]
    entry = raw.write(
        change("product", row, seen=0, price_minor=(5_000, 1)), action="hub.readmit",
        was=[raw.origin, 1, 10**12, "t", "x.y", 1],
    )  # fmt: skip
    raw.push()

    assert world.rows("SELECT no FROM register_version WHERE field = 'price_minor'")[0][0] < 10**12
    assert entry["action"] == "hub.readmit"


def test_a_node_of_another_epoch_that_missed_nothing_takes_the_new_one(world: World, raw: RawNode) -> None:
    begin_new_life(world.hub, "restored")
    message = raw.message(pull={"rows": 99, "bytes": 99_999})
    message["have"]["epoch"] = "an earlier one"

    answer = raw.send(message)

    assert answer.status == 200 and answer.body["epoch"] == world.hub.identity.epoch


def test_a_cursor_beyond_the_feed_is_told_to_rewind(world: World, raw: RawNode) -> None:
    raw.cursor = seq(world) + 1
    answer = raw.pull()

    assert (answer.status, answer.code) == (409, "rewind")
    assert answer.body["epoch"] == world.hub.identity.epoch
    assert (answer.body["durable"], answer.body["hash"]) == (1, raw.hash_of(1))
    assert answer.signed


def test_a_witness_that_does_not_fit_is_told_to_rewind_and_changes_nothing(world: World, raw: RawNode) -> None:
    raw.streams = {"t": [1, "0" * 64]}

    assert raw.pull().code == "rewind"
    assert lives(world) == []


def test_another_process_notices_the_life_with_the_first_exchange(world: World, raw: RawNode) -> None:
    other = world.server.open(world.database, world.folder)
    begin_new_life(other, "restored")
    other.close()
    before = world.hub.identity.epoch

    answer = raw.pull()

    assert answer.body["epoch"] == world.hub.identity.epoch != before


def test_putting_back_is_what_these_tests_say(world: World, raw: RawNode) -> None:
    raw.write(product(raw.new_id(), sku="LOST"))
    raw.push()
    put_back(world.hub, f"{world.database}_backup")

    assert world.count("product") == 1
