"""Files of a shop without internet, long after: when the hub was put back, and when a clock had been ahead."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloudhub.merge.lives import begin_new_life
from cloudhub.tenancy.models import Node
from shopnode.domain.actions import perform
from shopnode.domain.catalogue.models import Product
from tests.domain.till import open_till
from tests.sync.test_carried import accepted, load, round_trip, save, take

DAY_MS = 86_400_000


@pytest.fixture
def branch(company):
    opened = company.open_branch("KLA")
    opened.till = open_till(opened.shop)
    opened.sync()
    return opened


def test_files_go_on_when_the_hub_was_put_back_to_a_backup_that_has_all_they_know_of(company, branch):
    branch.line.cut()
    branch.till.sell()
    old_reply, _ = take(company, save(branch)[0])
    begin_new_life(company.hub, "restore")
    perform(company.portal(), "products.update", {"product_id": branch.till.glass, "cost_minor": 1_234})
    told, _ = round_trip(company, branch)
    assert told.problem is None and told.waiting == 0
    assert branch.shop.row(Product, branch.till.glass).cost_minor == 1_234
    reached = accepted(branch)
    assert load(branch, old_reply).known == 1  # of the life that has ended
    assert accepted(branch) == reached
    branch.till.sell()
    told, _ = round_trip(company, branch)
    assert told.problem is None and told.waiting == 0


def test_a_file_loaded_again_raises_no_alarm_though_the_clock_was_ahead(company, branch, monkeypatch):
    now = [company.hub.clock.wall_ms()]
    monkeypatch.setattr(company.hub.clock, "wall_ms", lambda: now[0])
    branch.shop.clock.advance(400 * DAY_MS)  # no line ever corrects it
    branch.line.cut()
    files = []
    for _ in range(2):
        branch.till.sell()
        files.append(save(branch)[0])
        branch.worker._run = branch.shop.home.new_id()  # the computer is started again
        branch.shop.clock.advance(60_000)
    for content in (*files, files[0], files[1]):
        now[0] += 3_600_000
        _, taken = take(company, content)
        assert taken.problem is None
    with company.hub.database.session(company.tenant_id) as session:
        assert session.scalars(select(Node.clone_suspected_at)).all() == [None]
