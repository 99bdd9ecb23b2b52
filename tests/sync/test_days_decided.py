"""A day of a shop is decided in the portal and in the shop, unseen: both homes say the same, and the owner is told."""

from __future__ import annotations

from typing import Any

import pytest

from cloudhub.merge.conflicts import open_exceptions
from shopnode.domain.actions import perform
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.closures.errors import LateReports
from shopnode.domain.closures.models import DayClosure
from shopnode.domain.closures.queries import closure_of_day, closure_view
from shopnode.domain.permissions import Role
from tests.sync.chain_of_shops import Branch, Company


@pytest.fixture
def branch(company: Company) -> Branch:
    return company.open_branch("KLA")


def trade(branch: Branch, off: int = 0) -> None:
    """A drawer opened with 50,000 and closed, by Aisha."""
    branch.shop.do("cash.open_drawer", role=Role.STAFF, opening_float=50_000)
    branch.shop.do("cash.close_drawer", role=Role.STAFF, counted=50_000 + off)


def submit(branch: Branch) -> str:
    day = branch.shop.rows(DrawerSession)[-1].business_on
    made: str = branch.shop.do("closures.submit", role=Role.STAFF, business_on=day)["closure_id"]
    return made


def decide(company: Company, verb: str, closure: str, **form: Any) -> None:
    perform(company.portal(), f"closures.{verb}", {"closure_id": closure, **form})


def stands(company: Company, branch: Branch, closure: str) -> tuple[str, str]:
    """Where it stands: in the shop, and in the portal."""
    with branch.shop.reading() as here:
        mine = closure_view(here, closure).status.value
    portal = company.portal()
    with portal.home.reading() as session:
        return mine, closure_view(portal.inside(session), closure).status.value


def told(company: Company) -> dict[str, str]:
    portal = company.portal()
    with portal.home.reading() as session:
        return {one.kind: one.sentence for one in open_exceptions(session)}


def test_a_day_submitted_in_the_shop_is_decided_in_the_portal_and_comes_back(company: Company, branch: Branch) -> None:
    trade(branch, off=-1_000)
    closure = submit(branch)
    branch.sync()
    decide(company, "review", closure)
    decide(company, "approve", closure)
    assert stands(company, branch, closure) == ("Submitted", "Approved")
    branch.sync()
    assert stands(company, branch, closure) == ("Approved", "Approved")
    branch.shop.do("closures.lock", closure_id=closure)
    branch.sync()
    assert stands(company, branch, closure) == ("Locked", "Locked")
    assert told(company) == {}


@pytest.mark.parametrize(("in_portal", "in_shop"), [("approve", "reject"), ("reject", "approve")])
def test_rule_84_one_approves_and_another_rejects_unseen_the_rejection_stands_and_the_owner_is_told(
    company: Company, branch: Branch, in_portal: str, in_shop: str
) -> None:
    trade(branch)
    closure = submit(branch)
    branch.sync()
    branch.line.cut()
    decide(company, in_portal, closure, reason="seen from afar")
    branch.shop.do(f"closures.{in_shop}", closure_id=closure, reason="seen in the shop", role=Role.SUPERVISOR)
    assert told(company) == {}
    branch.line.heal()
    branch.sync()
    branch.sync()
    assert stands(company, branch, closure) == ("Rejected", "Rejected")
    day = branch.shop.row(DayClosure, closure).business_on
    assert told(company) == {
        "day_decided_twice": f"The day {day} of Shop KLA was approved by one and rejected by another, who did not know "
        "of each other. The day's page says how it stands; agree on it."
    }


def test_two_who_say_the_same_unseen_are_no_news(company: Company, branch: Branch) -> None:
    trade(branch)
    closure = submit(branch)
    branch.sync()
    branch.line.cut()
    decide(company, "approve", closure)
    branch.shop.do("closures.approve", closure_id=closure, role=Role.SUPERVISOR)
    branch.line.heal()
    branch.sync()
    branch.sync()
    assert stands(company, branch, closure) == ("Approved", "Approved")
    assert told(company) == {}


def test_a_rejection_that_comes_after_the_lock_changes_nothing_and_is_shown_as_such(
    company: Company, branch: Branch
) -> None:
    trade(branch)
    closure = submit(branch)
    branch.sync()
    branch.line.cut()
    decide(company, "approve", closure)
    decide(company, "lock", closure)
    branch.shop.do("closures.reject", closure_id=closure, reason="a slip is missing", role=Role.SUPERVISOR)
    branch.line.heal()
    branch.sync()
    branch.sync()
    assert stands(company, branch, closure) == ("Locked", "Locked")
    assert list(told(company)) == ["day_decided_twice"]
    for ctx in (branch.shop.ctx(), company.portal()):
        with ctx.home.reading() as session:
            view = closure_view(ctx.inside(session), closure)
            assert [(one.kind.value, one.held) for one in view.decisions] == [
                ("approve", True), ("lock", True), ("reject", False),
            ]  # fmt: skip


def test_rule_84_a_late_sale_in_a_day_the_portal_locked_is_a_correction(company: Company, branch: Branch) -> None:
    trade(branch)
    closure = submit(branch)
    branch.sync()
    branch.line.cut()
    decide(company, "approve", closure)
    decide(company, "lock", closure)
    trade(branch, off=-2_000)  # the shop does not know
    branch.line.heal()
    branch.sync()
    branch.sync()
    before = branch.shop.row(DayClosure, closure)
    assert stands(company, branch, closure) == ("Locked", "Locked")
    portal = company.portal()
    with portal.home.reading() as session:
        assert closure_view(portal.inside(session), closure).late_z_numbers == ["KLA1-Z000002"]
    second = submit(branch)
    branch.sync()
    with portal.home.reading() as session:
        view = closure_of_day(portal.inside(session), before.business_on)
        assert (view.row.id, view.row.corrects_id, view.row.nth) == (second, closure, 2)
        assert view.row.variance_minor == -2_000
    decide(company, "approve", second)
    branch.sync()
    assert stands(company, branch, second) == ("Approved", "Approved")
    assert branch.shop.row(DayClosure, closure).body == before.body


def test_rule_84_the_portal_approves_no_day_that_a_late_z_is_missing_from(company: Company, branch: Branch) -> None:
    trade(branch)
    closure = submit(branch)
    trade(branch)
    branch.sync()
    with pytest.raises(LateReports, match="KLA1-Z000002"):
        decide(company, "approve", closure)
