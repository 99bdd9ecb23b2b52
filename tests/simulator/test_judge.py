"""The judge is tested too: what it excuses, and what it does not. Each world here is arranged by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from tests.simulator import invariants, shelves
from tests.simulator.ground import Ground
from tests.simulator.healing import heal
from tests.simulator.restores import computer_cloned, copy_of_the_hub, hub_taken_back
from tests.simulator.swarm import Swarm
from tests.simulator.words import Expected, Promised, odd_sums, promised, recorded
from tests.simulator.world import World

pytestmark = pytest.mark.timeout(900)


@contextmanager
def world_of(ground: Ground, number: int, *, shops: int = 1) -> Iterator[World]:
    """Nothing goes wrong by itself."""
    world = World(ground, number, Swarm(random.Random(number), shops=shops, calm=True))
    world.begin()
    try:
        yield world
    finally:
        world.end()


def price(world: World) -> str:
    """The owner types a price; answers the id of the entry."""
    form = {"product_id": world.ours.wares[0].id, "price_minor": 10_007 + 100 * world.unique()}
    world.do(world.portal, "products.update", form, "Sarah")
    return list(world.oracle.told)[-1]


def take_hub_back_without_a_word(world: World) -> None:
    with mock.patch.object(world.chance, "choice", side_effect=[world.hub_copies[0], "by a shop"]):
        hub_taken_back(world)


def test_a_line_of_the_same_number_does_not_hold_another_entry(ground: Ground):
    """Seed 3051: put back twice before anybody noticed, the hub gave one number to two prices. The shop had the first
    one, and the lost second one was looked for."""
    with world_of(ground, 9_001) as world:
        (shop,) = world.computers
        world.sync(shop)
        copy_of_the_hub(world)
        price(world)
        world.sync(shop)
        take_hub_back_without_a_word(world)
        with_nobody = price(world)
        take_hub_back_without_a_word(world)

        assert world.oracle.excused == {with_nobody}
        assert heal(world) == []
        assert list(invariants.every_told_entry_is_there_once(world)) == []


def test_a_disk_copied_from_a_full_one_is_another_disk(ground: Ground):
    """Seed 1047: the copy had no more room than the original, and could not be opened."""
    with world_of(ground, 9_002) as world:
        (original,) = world.computers
        original.run_short(2**20)
        with mock.patch.object(world.chance, "random", return_value=0.9):  # the fence stays where it was
            computer_cloned(world)

        twin = world.computers[-1]
        assert twin.is_twin
        assert original.is_short
        assert not twin.is_short


def test_a_box_that_two_shops_have_is_a_fault_unless_the_owner_is_told(ground: Ground):
    with world_of(ground, 9_003, shops=2) as world:
        sender, receiver = world.computers
        glass = world.ours.wares[0].id
        form = {"to_shop_id": receiver.shop_id, "items": [{"product_id": glass, "quantity": 5}]}
        sent = world.do(sender, "transfers.send", form, "Sarah", Expected(pieces={glass: -5})).result["transfer_id"]
        world.sync(sender)
        world.sync(receiver)
        ((item,),) = sender.query("SELECT id FROM transfer_item WHERE transfer_id = :id", id=sent)
        ended = {"transfer_id": sent, "items": [{"item_id": item, "quantity": 5}]}
        world.do(receiver, "transfers.receive", ended, "Sarah", Expected(pieces={glass: 5}))
        world.do(sender, "transfers.take_back", {**ended, "reason": "lost"}, "Sarah", Expected(pieces={glass: 5}))

        assert heal(world) == []
        assert list(invariants.facts_are_what_was_told(world)) == world.oracle.faults == []
        assert list(shelves.boxes_hold_what_was_sent(world)) == []
        with world.ground.server.superuser(world.database) as connection:
            connection.execute("DELETE FROM hub_exception")
        (fault,) = shelves.boxes_hold_what_was_sent(world)
        assert fault.startswith("S3: of 5 pieces 10 arrived, and nobody is told")


def test_a_balance_and_a_shelf_that_are_not_what_was_told_are_faults(ground: Ground):
    with world_of(ground, 9_004) as world:
        (shop,) = world.computers
        who = world.ours.customers[0]
        form = {"customer_id": who, "method": "cash", "amount": 7_000}
        world.do(shop, "accounts.sell_store_credit", form, "Sarah", Expected())
        assert heal(world) == []
        assert list(invariants.facts_are_what_was_told(world)) == []
        checks = (
            shelves.accounts_are_what_was_told,
            shelves.shelves_hold_their_phones,
            shelves.a_phone_is_in_one_place,
        )
        assert [fault for check in checks for fault in check(world)] == []

        unit = world.ours.shops[0].units[0]
        with world.ground.server.superuser(world.database) as connection:
            connection.execute("SET session_replication_role = replica")  # behind the guard's back
            connection.execute("UPDATE account_balance SET balance = balance + 1 WHERE customer_id = %s", [who])
            connection.execute("UPDATE stock_unit SET status = 'sold' WHERE id = %s", [unit])
        (accounts,) = shelves.accounts_are_what_was_told(world)
        (phones,) = shelves.shelves_hold_their_phones(world)
        assert accounts.startswith("5: accounts at portal, then what was told")
        assert phones == f"4: phone {unit} is sold, 1 of it on hand by its movements, and nobody is told"


def test_what_an_act_said_is_held_against_what_was_recorded():
    """A trade-in of 250,000 for a ticket of 200,000: 50,000 leave the drawer, and nothing is paid."""
    form = {"phone": {"offer": 250_000}, "sale": {"payments": []}}
    result = {"total": 200_000, "traded_in": 200_000, "due": 0}
    credit = {"kind": "payment", "method": "trade_in", "amount_minor": 200_000}
    payout = {"method": "cash", "amount_minor": -50_000}

    assert promised("usedphones.trade_in", form, result) == Promised(money=-50_000)
    assert recorded([("payment", credit), ("money_move", payout)])[0] == Promised(money=-50_000)
    assert recorded([("payment", credit)])[0] != promised("usedphones.trade_in", form, result)
    assert odd_sums("usedphones.trade_in", result) is None
    assert (
        odd_sums("usedphones.trade_in", {**result, "due": 1}) == "the total is 200,000, and its parts come to 200,001"
    )
