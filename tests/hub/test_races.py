"""Two at once: what does not touch the same thing does not wait, and what lost a race is simply done again."""

from __future__ import annotations

import threading

import psycopg
import pytest

import cloudhub.home
from cloudhub.merge.books import Books
from cloudhub.merge.settle import settle
from cloudhub.merge.tables import insert_statement
from shopnode.domain import failpoints
from shopnode.domain.actions import perform, perform_many
from shopnode.domain.errors import Busy
from tests.hub.raw import Answered, change, product, raw_node
from tests.hub.world import World

NEW = {"name": "Cable", "category": "Accessories", "price_minor": 9_000, "cost_minor": 3_000}
MOVEMENT = ("id", "shop_id", "product_id", "kind", "quantity", "unit_cost_minor", "at")


def test_a_row_that_is_pointed_at_can_be_changed_meanwhile(world: World) -> None:
    raw = raw_node(world)
    first, second = raw.new_id(), raw.new_id()
    raw.write(product(first), product(second))
    raw.push()
    both_wrote = threading.Barrier(2)
    ended: list[str] = []

    def work(mine: str, other: str) -> None:
        with world.hub.database.session(world.tenant_id, bulk=True) as session:
            books = Books(session, world.tenant_id)
            row = [world.hub.new_id(), raw.shop, mine, "adjusted", 1, 1, 1]
            books.write(insert_statement("stock_movement", MOVEMENT), world.tenant_id, [row])
            both_wrote.wait(10)
            books.read("product", ["id"], [other], lock=True)
        ended.append("kept")

    threads = [threading.Thread(target=work, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ended == ["kept", "kept"]


@pytest.mark.parametrize("lost", [psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure])
def test_a_portal_action_that_lost_a_race_is_done_again_once(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: type[Exception]
) -> None:
    races = iter([lost(), None, lost(), lost(), None, None])

    def racing(*args: object, **more: object) -> int:
        fault = next(races)
        if fault is not None:
            raise fault
        return settle(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(cloudhub.home, "settle", racing)
    before = world.count("journal_entry")

    perform(world.owner(), "products.create", NEW)
    perform_many(world.owner(), [("products.create", {**NEW, "name": name}, None) for name in ("Case", "Strap")])

    assert world.count("journal_entry") == before + 3
    assert world.rows("SELECT name FROM product ORDER BY name") == [("Cable",), ("Case",), ("Strap",)]


def test_who_loses_every_race_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def racing(*args: object, **more: object) -> int:
        raise psycopg.errors.DeadlockDetected

    monkeypatch.setattr(cloudhub.home, "settle", racing)
    with pytest.raises(Busy):
        perform(world.owner(), "products.create", NEW)
    assert world.count("product") == 0


def test_an_edit_that_comes_under_two_origins_of_a_shop_at_once_has_one_effect(
    world: World,
) -> None:
    """A copied computer sends under its new origin what a late request of the old one is just bringing."""
    first = raw_node(world)
    second = raw_node(world, "KLA2", shop_id=first.shop)
    row_id = first.new_id()
    first.write(product(row_id))
    first.push()
    edit = change("product", row_id, 1, name=("Tempered glass", "Glass"))
    same = first.write(edit)
    second.write(edit, id=same["id"], at=same["at"])
    answers: list[Answered] = []
    late = threading.Thread(target=lambda: answers.append(second.push()))

    def meanwhile(place: str) -> None:
        if place == "hub.rows_written" and late.ident is None:
            late.start()
            late.join(0.5)  # until it waits for the first, which has not committed

    failpoints.watch(meanwhile)
    try:
        answers.append(first.push())
    finally:
        failpoints.watch(None)
    late.join(20)

    assert [answer.status for answer in answers] == [200, 200]
    assert [answer.verdicts for answer in answers] == [{}, {1: "duplicate"}]
