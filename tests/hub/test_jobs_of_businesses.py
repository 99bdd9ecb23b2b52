"""The hub does the jobs of each business: its owner is told, and messages go out from there."""

from __future__ import annotations

import pytest

from cloudhub import jobs_of_businesses
from cloudhub.jobs_of_businesses import BusinessFailed, work_for_businesses
from shopnode.domain.context import Actor
from shopnode.domain.jobs.registry import Job, Work
from shopnode.domain.notices.models import Notice, OutgoingMessage
from shopnode.domain.permissions import Role
from tests.domain.test_expenses import ask
from tests.hub.world import Node, World
from tests.shop import PASSWORD


def test_an_owner_is_told_at_the_hub_of_what_a_shop_sent(world: World, node: Node) -> None:
    form = {"name": "Aisha", "role": "Staff", "phone": "+256798000003", "password": PASSWORD}
    node.cashier = Actor(node.do("staff.add", form)["id"], "Aisha", Role.STAFF)
    expense_id = ask(node)
    ask(node, Role.OWNER)
    node.sync()
    work_for_businesses(world.hub)
    work_for_businesses(world.hub)
    with world.session() as session:
        found = [(row.kind, row.link) for row in session.query(Notice)]
        pushed = [(row.channel, row.state) for row in session.query(OutgoingMessage)]
    assert found == [("expense_to_decide", f"expense/{expense_id}")]
    assert set(pushed) == {("push", "waiting")}


def test_a_business_whose_job_fails_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(work: Work) -> int:
        raise RuntimeError("broken")

    monkeypatch.setattr("shopnode.domain.jobs.running.JOBS", [Job("broken", "Breaks", broken)])
    monkeypatch.setattr(jobs_of_businesses, "_RUNNERS", {})
    with pytest.raises(BusinessFailed, match=world.tenant_id):
        work_for_businesses(world.hub)
