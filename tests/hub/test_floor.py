"""The log's floor: old lines lose their bodies and nothing else, and who needs them takes a snapshot."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloudhub.doctor import check_hub
from cloudhub.merge.floor import DAY_MS, prune_log
from shopnode.domain.catalogue.models import Product
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale
from shopnode.sync.bootstrap import start_over
from shopnode.sync.line import Refused
from sync_protocol.problems import Action
from tests.domain.till import open_till
from tests.hub.world import Node, World


def lines(world: World) -> list:
    return world.rows("SELECT no, stream, n, as_written, hash, body FROM feed_line ORDER BY no")


def floor(world: World) -> int:
    return int(world.rows("SELECT floor FROM tenant_feed")[0][0])


def backed_up(world: World) -> None:
    """As if a verified backup covered everything."""
    with world.session() as session:
        session.execute(text("UPDATE origin SET durable_n = head_n"))


@pytest.fixture
def traded(world: World, node: Node) -> Node:
    open_till(node).sell(role=Role.OWNER)
    node.sync()
    return node


def test_old_lines_that_are_safe_elsewhere_keep_their_place_and_lose_their_body(world: World, traded: Node) -> None:
    before = lines(world)
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    prune_log(world.hub)
    after = lines(world)
    assert [row[:5] for row in after] == [row[:5] for row in before]
    assert all((row.body is None) == row.as_written for row in after)
    assert any(row.as_written for row in after)
    assert floor(world) == before[-1].no


def test_a_young_line_stays_and_so_do_all_after_it(world: World, traded: Node) -> None:
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    old = lines(world)[-1].no
    traded.do("products.create", name="Late", category="Accessories", cost_minor=100, price_minor=200)
    traded.sync()
    backed_up(world)
    prune_log(world.hub)
    assert floor(world) == old
    assert all(row.body is not None for row in lines(world) if row.no > old)


def test_what_no_backup_covers_stays(world: World, traded: Node) -> None:
    world.clock.advance(401 * DAY_MS)
    prune_log(world.hub)
    assert all(row.body is not None for row in lines(world))


def test_the_floor_is_raised_in_small_steps_to_the_same_place(
    world: World, traded: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudhub.merge.floor.LINES_AT_ONCE", 3)
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    words = prune_log(world.hub)
    assert floor(world) == lines(world)[-1].no
    assert words.startswith(f"{sum(row.as_written for row in lines(world))} lines")
    assert prune_log(world.hub).startswith("0 lines")


def test_the_database_lets_go_of_nothing_that_no_backup_covers(world: World, traded: Node) -> None:
    with pytest.raises(DBAPIError, match="must stay"), world.session() as session:
        session.execute(text("UPDATE feed_line SET body = NULL WHERE as_written"))
    backed_up(world)
    with pytest.raises(DBAPIError, match="must stay"), world.session() as session:
        session.execute(text("UPDATE feed_line SET body = '{}' WHERE as_written"))
    with world.session() as session:
        session.execute(text("UPDATE feed_line SET body = NULL WHERE as_written"))


def test_who_has_not_read_up_to_the_floor_takes_a_snapshot_and_goes_on(world: World, traded: Node) -> None:
    late = world.enrol("KLA2", shop_id=traded.home.shop_id)
    traded.do("products.create", name="Unseen", category="Accessories", cost_minor=100, price_minor=200)
    traded.sync()
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    prune_log(world.hub)
    with pytest.raises(Refused) as refusal:
        late.sync()
    assert refusal.value.problem.action is Action.BOOTSTRAP
    assert refusal.value.facts["floor"] == floor(world)
    start_over(late.exchanger.line, refusal.value)
    late.sync()
    assert {row.id for row in late.rows(Product)} == {row.id for row in traded.rows(Product)}
    assert {row.id for row in late.rows(Sale)} == {row.id for row in traded.rows(Sale)}


def test_who_is_in_step_notices_nothing(world: World, traded: Node) -> None:
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    prune_log(world.hub)
    traded.do("products.create", name="After", category="Accessories", cost_minor=100, price_minor=200)
    assert [done.pushed for done in traded.sync()] == [1]


def test_the_doctor_still_checks_every_link(world: World, traded: Node) -> None:
    backed_up(world)
    world.clock.advance(401 * DAY_MS)
    prune_log(world.hub)
    assert [found for found in check_hub(world.hub).findings if found.check == "feed"] == []
    with world.server.superuser(world.database) as connection:
        connection.execute("UPDATE feed_line SET hash = repeat('0', 64) WHERE no = 3")
    assert [found.check for found in check_hub(world.hub).findings if found.check == "feed"]
