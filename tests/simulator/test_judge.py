"""The judge is tested too: what it excuses, and what it does not. Each world here is arranged by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from tests.simulator import invariants
from tests.simulator.ground import Ground
from tests.simulator.healing import heal
from tests.simulator.restores import computer_cloned, copy_of_the_hub, hub_taken_back
from tests.simulator.swarm import Swarm
from tests.simulator.world import World

pytestmark = pytest.mark.timeout(900)


@contextmanager
def world_of(ground: Ground, number: int) -> Iterator[World]:
    """One shop, and nothing goes wrong by itself."""
    world = World(ground, number, Swarm(random.Random(number), calm=True))
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
