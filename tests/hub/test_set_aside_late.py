"""Entries that fit their tables, but from whose rows what follows cannot be worked out; and entries that wait for rows
which somebody else is just writing. Neither ever stops anybody."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest

import cloudhub.merge.admission as admission
import cloudhub.merge.work as work
from cloudhub.merge.rebuild import rebuild_tenant
from cloudhub.merge.retry import retry_after_upgrade
from shopnode.domain import failpoints
from sync_protocol.problems import InvalidEnvelope
from tests.hub.raw import RawNode, change, payment, product, raw_node, sale
from tests.hub.world import World

AT_MS = 1_790_000_000_000
HUGE = 2**53 - 1
UPGRADED = "99.0.0"


def sale_line(raw: RawNode, sale_id: str, **fields: Any) -> list[Any]:
    values = {
        "sale_id": sale_id, "shop_id": raw.shop, "line_no": 1, "item_name": "x", "quantity": 1,
        "unit_price_minor": 5_000, "list_price_minor": 5_000, "discount_minor": 0, "cost_minor": 1, "tax_rate_bp": 0,
        "warranty_days": 0, **fields,
    }  # fmt: skip
    return ["sale_line", "i", ["id", *values], [[raw.new_id(), *values.values()]]]


def moved(raw: RawNode, product_id: str, quantity: int = 1, cost: int = 1) -> list[Any]:
    columns = ["id", "shop_id", "product_id", "kind", "quantity", "unit_cost_minor", "at"]
    return [
        "stock_movement", "i", columns,
        [[raw.new_id(), raw.shop, product_id, "received", quantity, cost, AT_MS]],
    ]  # fmt: skip


def absurd_discount(raw: RawNode) -> list[list[Any]]:
    sale_id = raw.new_id()
    return [sale(sale_id, raw.shop, "KLA1-000001"), sale_line(raw, sale_id, discount_minor=9_000)]


def absurd_worth(raw: RawNode) -> list[list[Any]]:
    row_id = raw.new_id()
    return [product(row_id), moved(raw, row_id, HUGE, HUGE)]


def list_for_an_id(raw: RawNode) -> list[list[Any]]:
    return [sale(raw.new_id(), raw.shop, "KLA1-000001", customer_id=["x"])]


@pytest.mark.parametrize("absurd", [absurd_discount, absurd_worth, list_for_an_id])
def test_what_cannot_be_worked_out_is_set_aside_alone_and_later_entries_flow(world: World, absurd: Any) -> None:
    raw = raw_node(world)
    before, after = raw.new_id(), raw.new_id()
    raw.write(product(before))
    raw.write(*absurd(raw))
    raw.write(sale(after, raw.shop, "KLA1-000002"), sale_line(raw, after))
    raw.write(moved(raw, before, 7))
    answer = raw.push()
    assert answer.status == 200 and answer.verdicts == {2: "quarantined"}
    assert world.rows("SELECT number, total_minor FROM sale_summary") == [("KLA1-000002", 5_000)]
    assert world.rows("SELECT on_hand FROM stock_level") == [(7,)]
    raw.write(product(raw.new_id()))
    assert raw.push().verdicts == {}
    assert rebuild_tenant(world.hub, world.tenant_id).differences == []


def test_what_waited_and_cannot_be_worked_out_does_not_stop_who_brings_its_row(world: World) -> None:
    bringer, waiter = raw_node(world, "KLA"), raw_node(world, "JJA")
    row_id = bringer.new_id()
    waiter.write(moved(waiter, row_id, HUGE, HUGE))
    waiter.write(moved(waiter, row_id, 3))
    assert waiter.push().verdicts == {1: "held", 2: "held"}
    bringer.write(product(row_id))
    assert bringer.push().status == 200
    assert world.rows("SELECT n, verdict FROM waiting_entry") == [(1, "quarantined")]
    assert world.rows("SELECT on_hand FROM stock_level") == [(3,)]


def test_an_upgraded_hub_tries_again_and_one_business_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = raw_node(world, "BAD", world.mallory), raw_node(world)
    with monkeypatch.context() as older:

        def unknown(*_: object) -> None:
            raise InvalidEnvelope("unknown to this version")

        older.setattr(work, "check_rows", unknown)
        bad.write(*absurd_discount(bad))
        good.write(product(good.new_id()))
        assert bad.push().verdicts == good.push().verdicts == {1: "quarantined"}
    assert retry_after_upgrade(world.hub, UPGRADED) == 1
    assert world.count("product") == 1


def test_two_hubs_that_begin_at_once_publish_what_was_set_aside_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = raw_node(world)
    row_id = raw.new_id()
    raw.write(product(row_id))
    raw.push()
    with monkeypatch.context() as older:

        def unknown(*_: object) -> None:
            raise InvalidEnvelope("unknown to this version")

        older.setattr(work, "check_rows", unknown)
        sale_id = raw.new_id()
        raw.write(sale(sale_id, raw.shop), payment(raw.new_id(), sale_id, raw.shop))
        raw.write(change("product", row_id, 0, price_minor=(5_000, 6_000)))
        raw.push()

    settle, others, counts = admission.settle, [], []

    def slowly(*args: Any, **more: Any) -> int:
        if not others:
            others.append(threading.Thread(target=lambda: counts.append(retry_after_upgrade(world.hub, UPGRADED))))
            others[0].start()
            others[0].join(0.5)  # it waits for this one's end
        return settle(*args, **more)

    monkeypatch.setattr(admission, "settle", slowly)
    counts.append(retry_after_upgrade(world.hub, UPGRADED))
    others[0].join(30)
    assert sorted(counts) == [0, 2]
    lines = world.rows("SELECT count(*) FROM feed_line WHERE origin_id = :o GROUP BY n, stream", o=raw.origin)
    assert {count for (count,) in lines} == {1}
    assert world.rows("SELECT verdict FROM journal_entry WHERE origin_id = :o", o=raw.origin) == [(None,)] * 3


def test_an_entry_that_comes_while_its_row_is_being_written_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restore of the hub: one shop sends its product again while another sends what it did with it."""
    first, second = raw_node(world, "KLA"), raw_node(world, "JJA")
    row_id = first.new_id()
    first.write(product(row_id))
    second.write(moved(second, row_id, 4))
    meanwhile: list[threading.Thread] = []
    hit = failpoints.hit

    def before_commit(step: str) -> None:
        if step == "hub.before_commit" and not meanwhile:
            meanwhile.append(threading.Thread(target=second.push))
            meanwhile[0].start()
            meanwhile[0].join(1)
        hit(step)

    monkeypatch.setattr(failpoints, "hit", before_commit)
    assert first.push().status == 200
    meanwhile[0].join(30)
    assert world.count("waiting_entry") == 0
    assert world.rows("SELECT on_hand FROM stock_level") == [(4,)]


def test_a_long_chain_of_what_waits_is_taken_whole(world: World) -> None:
    bringer, waiter = raw_node(world, "KLA"), raw_node(world, "JJA")
    ids = [bringer.new_id() for _ in range(25)]
    for earlier, later in pairwise(ids):
        waiter.write(product(later), moved(waiter, earlier))
    assert set(waiter.push().verdicts.values()) == {"held"}
    bringer.write(product(ids[0]))
    bringer.push()
    assert world.count("waiting_entry") == 0 and world.count("stock_movement") == 24


def test_nobody_takes_the_place_of_another_shops_entry_by_using_its_id(world: World) -> None:
    squatter, owner = raw_node(world, "BAD"), raw_node(world, "KLA")
    entry = owner.write(product(owner.new_id(), name="its own"))
    squatter.write(product(squatter.new_id(), name="bait"), id=entry["id"])
    assert squatter.push().status == 200
    assert owner.push().verdicts == {}
    assert world.rows("SELECT name FROM product ORDER BY name") == [("bait",), ("its own",)]
