"""The owner looks after the shops' computers: which of two lives, new keys, and permissions withdrawn."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from cloudhub.tenancy.clones import Words, meet
from cloudhub.tenancy.models import Node as NodeRow
from cloudhub.tenancy.nodes import find_key
from shopnode.domain.clock import to_datetime
from sync_protocol.problems import CloneSuspected
from tests.hub.world import Node, World
from tests.web.conftest import HTMX, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def node(joined: Node) -> Node:
    return joined


def row(world: World, node: Node) -> NodeRow:
    with world.session() as session:
        return session.scalars(select(NodeRow).where(NodeRow.id == node.node_home.node_id)).one()


def clone(world: World, node: Node) -> str:
    """Another PC spoke as this one; answers its run."""
    database, node_id = world.hub.database, node.node_home.node_id
    known = row(world, node)
    other = world.hub.new_id()
    spoken = (known.run_signed_s or 0) + 10
    for run, after, device in ((other, 0, "Back office"), (known.run_id or "", 10, "Counter")):
        key = find_key(database, node_id)
        assert key is not None
        said = Words(run, key.origin_id, spoken + after, "10.0.0.7", device, "0.1.0")
        try:
            meet(database, key, said, (spoken + after) * 1_000)
        except CloneSuspected:
            assert run != other
    return other


def test_the_owner_chooses_which_of_two_computers_goes_on(world, owner, node):
    other = clone(world, node)
    shown = words(owner.get("/nodes"))
    assert "Two computers use this identity, so neither is heard" in shown
    assert "Back office" in shown
    assert "10.0.0.7" in shown
    answer = owner.post(f"/nodes/{node.node_home.node_id}/choose", headers=HTMX, run=other)
    assert answer.status_code == 200
    assert "The one you chose takes a new key" in words(answer)
    assert row(world, node).living_run_id == other


def test_a_new_key_is_asked_for(world, owner, node):
    answer = owner.post(f"/nodes/{node.node_home.node_id}/key", headers=HTMX)
    assert "takes a new key when it is next heard" in words(answer)
    before = row(world, node).public_key
    for _ in range(4):
        node.sync()
    assert row(world, node).public_key != before


def test_a_permission_is_withdrawn_at_once(world, owner, node):
    assert "permission was withdrawn" in words(owner.post(f"/nodes/{node.node_home.node_id}/withdraw", headers=HTMX))
    with pytest.raises(Exception, match="withdrawn"):
        node.sync()


def test_computers_of_another_business_are_not_there(world, owner):
    stranger = world.enrol("XYZ", world.mallory)
    for deed in ("choose", "key", "withdraw"):
        answer = owner.post(f"/nodes/{stranger.node_home.node_id}/{deed}", headers=HTMX, run=stranger.node_home.node_id)
        assert answer.status_code == 404
    with world.session(world.mallory) as session:
        kept = session.scalars(select(NodeRow).where(NodeRow.id == stranger.node_home.node_id)).one()
        assert (kept.revoked_at, kept.rotate_asked_at) == (None, None)


def test_a_computer_that_was_withdrawn_is_asked_nothing_more(world, owner, node):
    with world.session() as session:
        gone = update(NodeRow).where(NodeRow.id == node.node_home.node_id)
        session.execute(gone.values(revoked_at=to_datetime(world.clock.wall_ms())))
    assert owner.post(f"/nodes/{node.node_home.node_id}/key", headers=HTMX).status_code == 404
