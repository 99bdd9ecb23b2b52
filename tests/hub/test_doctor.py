"""The hub's doctor believes no counter: each edit behind its back is found and named."""

from __future__ import annotations

import pytest

from cloudhub.doctor import check_hub
from cloudhub.merge.lives import begin_new_life
from shopnode.domain.permissions import Role
from tests.domain.till import open_till
from tests.hub.raw import payment, product, raw_node
from tests.hub.world import Node, World

EDITS = {
    "an entry changed": ("UPDATE journal_entry SET body = replace(body, 'boot', 'root') WHERE n = 3", "chain"),
    "an entry removed": ("DELETE FROM journal_entry WHERE n = 3", "chain"),
    "the tail cut off": (
        "DELETE FROM journal_entry e USING origin o WHERE e.origin_id = o.id AND e.n = o.head_n",
        "chain",
    ),
    "a hash changed": ("UPDATE journal_entry SET hash = repeat('0', 64) WHERE n = 2", "chain"),
    "a line changed": ("UPDATE feed_line SET body = replace(body, 't', 'u') WHERE no = 4", "feed"),
    "a line removed": ("DELETE FROM feed_line WHERE no = 5", "feed"),
    "the counter set back": ("UPDATE tenant_feed SET seq = seq - 1", "feed"),
    "a level changed": ("UPDATE stock_level SET on_hand = on_hand + 1", "stock"),
    "a movement removed": ("SET app.bulk = 'on'; DELETE FROM stock_movement WHERE kind = 'sold'", "stock"),
    "a wall torn down": ("ALTER TABLE sale NO FORCE ROW LEVEL SECURITY", "walls"),
}


@pytest.mark.parametrize(("edit", "check"), EDITS.values(), ids=EDITS)
def test_an_edit_behind_the_hubs_back_is_found(world: World, node: Node, edit: str, check: str) -> None:
    till = open_till(node)
    till.sell(role=Role.OWNER)
    node.sync()
    assert check_hub(world.hub).findings == []

    with world.server.superuser(world.database) as connection:
        connection.execute(edit)  # type: ignore[arg-type]

    found = check_hub(world.hub)
    assert not found.ok
    assert {finding.check for finding in found.findings} == {check}


def test_what_waits_is_counted(world: World) -> None:
    raw = raw_node(world)
    raw.write(payment(raw.new_id(), raw.new_id(), raw.shop))
    raw.write(product(raw.new_id(), price_minor=-1))
    raw.push()

    seen = check_hub(world.hub)

    assert (seen.ok, seen.held, seen.quarantined) == (True, 1, 1)


def test_lines_whose_bytes_were_pruned_are_still_proved(world: World, node: Node) -> None:
    open_till(node).sell(role=Role.OWNER)
    node.sync()
    with world.server.superuser(world.database) as connection:
        pruned = connection.execute("UPDATE feed_line SET body = NULL WHERE as_written").rowcount
        assert pruned > 5
        assert check_hub(world.hub).findings == []
        connection.execute("UPDATE feed_line SET hash = repeat('0', 64) WHERE no = (SELECT max(no) FROM feed_line)")
    assert {finding.check for finding in check_hub(world.hub).findings} == {"feed"}


def test_a_hub_in_another_life_is_well(world: World, node: Node) -> None:
    """Its numbers begin far above the last that was given."""
    begin_new_life(world.hub, "test")
    assert check_hub(world.hub).findings == []
