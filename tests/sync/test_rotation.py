"""A shop's computer takes a new key: at no moment without one that counts; the old one is dead once it is used."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloudhub.tenancy.models import Node
from cloudhub.tenancy.nodes import revoke_node
from cloudhub.tenancy.rotation import ask_for_new_key
from shopnode.sync.line import Refused
from shopnode.sync.models import HubLink
from shopnode.sync.transport import LinkDown
from sync_protocol.keys import public_text, read_private
from sync_protocol.problems import OLD_KEY, REASONS
from tests.sync.chain_of_shops import Branch, Company
from tests.sync.restoring import copy_books, copy_of, put_back, reopen


@pytest.fixture
def branch(company: Company) -> Branch:
    return company.open_branch("KLA")


def ask(company: Company, branch: Branch) -> None:
    ask_for_new_key(company.hub.database, company.tenant_id, branch.shop.home.node_id, company.hub.clock.wall_ms())


def at_hub(company: Company, branch: Branch) -> Node:
    with company.hub.database.session(company.tenant_id) as session:
        return session.scalars(select(Node).where(Node.id == branch.shop.home.node_id)).one()


def link(branch: Branch) -> HubLink:
    return branch.shop.rows(HubLink)[0]


def key_of(branch: Branch) -> str:
    return public_text(read_private(link(branch).private_key))


def rounds(branch: Branch, times: int = 4) -> None:
    for _ in range(times):
        branch.shop.clock.advance(1_000)
        branch.worker.run_once()


def test_a_key_is_changed_by_command_without_a_gap(company, branch):
    before = key_of(branch)
    ask(company, branch)
    rounds(branch)
    node = at_hub(company, branch)
    assert node.public_key == key_of(branch) != before
    assert (node.past_public_key, node.next_public_key, node.rotate_asked_at) == (before, None, None)
    assert link(branch).next_private_key is None
    branch.shop.do("products.create", name="Cable", category="Cables", price_minor=1_000, cost_minor=1)
    rounds(branch, 1)
    assert branch.worker.status().waiting == 0


def test_the_old_key_counts_until_the_new_one_is_used_and_never_after(company, branch):
    stolen = copy_books(branch)
    ask(company, branch)
    rounds(branch, 2)  # drawn; kept by the hub
    node = at_hub(company, branch)
    assert node.next_public_key is not None
    rounds(branch, 2)
    now = copy_books(branch)
    put_back(branch, stolen, noticed=False)
    with pytest.raises(Refused) as refused:
        branch.worker.run_once()
    assert refused.value.problem.code == "revoked"
    put_back(branch, now, noticed=False)
    rounds(branch, 1)


@pytest.mark.parametrize("lost", range(1, 5))
def test_a_lost_reply_at_any_step_leaves_a_key_that_counts(company, branch, lost):
    ask(company, branch)
    for step in range(1, 8):
        branch.shop.clock.advance(1_000)
        if step == lost:
            branch.line.lose_replies()
            with pytest.raises(LinkDown):
                branch.worker.run_once()
            branch.line.heal()
            reopen(branch)  # and the process dies
        else:
            branch.worker.run_once()
    assert at_hub(company, branch).public_key == key_of(branch)
    assert at_hub(company, branch).rotate_asked_at is None


def test_a_hub_that_was_restored_to_before_the_change_still_knows_the_node(company, branch):
    before = key_of(branch)
    ask(company, branch)
    rounds(branch)
    with company.hub.database.session(company.tenant_id) as session:
        node = session.scalars(select(Node).where(Node.id == branch.shop.home.node_id)).one()
        node.public_key, node.past_public_key, node.next_public_key = before, None, None
    rounds(branch)
    assert at_hub(company, branch).public_key == key_of(branch) != before


def test_a_withdrawn_node_changes_no_key(company, branch):
    ask(company, branch)
    revoke_node(company.hub.database, company.tenant_id, branch.shop.home.node_id, company.hub.clock.wall_ms())
    with pytest.raises(Refused, match="withdrawn"):
        branch.worker.run_once()
    assert at_hub(company, branch).next_public_key is None


def test_a_key_drawn_by_a_copy_that_was_put_back_is_forgotten_when_asked_again(company, branch):
    copy = copy_books(branch)
    ask(company, branch)
    rounds(branch, 2)  # the hub keeps a key
    kept = at_hub(company, branch).next_public_key
    put_back(branch, copy)  # which is lost here
    rounds(branch, 2)
    ask(company, branch)
    rounds(branch)
    node = at_hub(company, branch)
    assert node.public_key == key_of(branch) != kept


def test_a_copy_of_a_node_is_shut_out_by_a_new_key(company, branch, tmp_path):
    thief = copy_of(branch, tmp_path / "thief")
    ask(company, branch)
    rounds(branch)
    with pytest.raises(Refused) as refused:
        thief.worker.run_once()
    assert (refused.value.problem.code, refused.value.sentence) == ("revoked", REASONS[OLD_KEY])
    thief.database.close()
    rounds(branch, 1)
    assert at_hub(company, branch).clone_suspected_at is None


def test_a_pc_put_back_to_before_its_change_of_key_is_told_so_and_how_to_go_on(company, branch):
    """Nobody withdrew its permission; the copy has the key that the hub was told to hear no more."""
    copy = copy_books(branch)
    ask(company, branch)
    rounds(branch)
    put_back(branch, copy)
    branch.worker._try()
    status = branch.worker.status()
    assert (status.state, status.message) == ("stopped", REASONS[OLD_KEY])
    assert "owner has withdrawn" not in status.message and "new code" in status.message
