"""A hub that was put back to a backup does not hear again whom it had shut out since."""

from __future__ import annotations

import pytest

from cloudhub.merge.lives import begin_new_life, keep_mark
from cloudhub.tenancy.nodes import revoke_node
from cloudhub.tenancy.rotation import ask_for_new_key
from shopnode.sync.line import Refused
from tests.domain.till import open_till
from tests.hub_server import copy_hub, put_back
from tests.sync.restoring import copy_of


@pytest.fixture
def branch(company):
    opened = company.open_branch("KLA")
    opened.till = open_till(opened.shop)
    opened.till.sell()
    opened.sync()
    return opened


def put_back_to(hub, name):
    put_back(hub, name)
    begin_new_life(hub, "restored")
    keep_mark(hub)


def test_a_stolen_computer_stays_shut_out_when_the_hub_is_put_back_to_before_it_was_stolen(company, hub, branch):
    other = company.open_branch("JJA")
    other.sync()
    copy_hub(hub, "before_theft")
    revoke_node(hub.database, company.tenant_id, branch.shop.home.node_id, hub.clock.wall_ms())
    keep_mark(hub)
    put_back_to(hub, "before_theft")
    other.sync()
    with pytest.raises(Refused) as refused:
        branch.worker.run_once()
    assert refused.value.problem.code == "revoked"


def test_a_copy_with_a_key_that_was_given_up_stays_shut_out(company, hub, branch, tmp_path):
    copy_hub(hub, "before_change")
    twin = copy_of(branch, tmp_path / "twin")
    for _ in range(2):  # also when the key was changed more than once since
        ask_for_new_key(hub.database, company.tenant_id, branch.shop.home.node_id, hub.clock.wall_ms())
        for _ in range(3):
            branch.sync()
        keep_mark(hub)
    put_back_to(hub, "before_change")
    branch.till.sell()
    for _ in range(3):
        branch.worker.run_once()
    with pytest.raises(Refused):
        twin.worker.run_once()
