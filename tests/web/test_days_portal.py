"""Days of all shops in the owner's portal: what waits, decided there, and what only the shop can do."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.closures.models import DayClosure
from shopnode.domain.closures.queries import closure_of_day
from tests.hub.world import Node
from tests.web.conftest import Owner, words

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def node(joined: Node) -> Node:
    return joined


def submit(node: Node, counted: int, **form: Any) -> str:
    """Close the drawer of 50,000 by this count and submit the day; answers its closure."""
    closed = node.do("cash.close_drawer", counted=counted)
    made: str = node.do("closures.submit", business_on=day_of(node, closed), **form)["closure_id"]
    node.sync()
    return made


def test_a_day_decided_both_ways_unseen_is_in_the_inbox_with_the_way_to_it(owner: Owner, node: Node) -> None:
    closure = submit(node, 50_000)
    owner.post(f"/days/{closure}/approve")
    node.do("closures.withdraw", closure_id=closure, reason="another shop's drawer")
    node.sync()
    inbox = owner.get("/conflicts?inbox=exceptions").text
    assert "was approved by one and rejected by another" in inbox and f'href="/closures/{closure}"' in inbox


def day_of(node: Node, closed: dict[str, Any]) -> str:
    return node.row(DrawerSession, closed["drawer_session_id"]).business_on.isoformat()


def test_a_day_waits_in_the_portal_and_is_approved_there(owner: Owner, node: Node) -> None:
    assert "Every day is decided" in words(owner.get("/days"))
    closure = submit(node, 49_000, notes="quiet")
    told = words(owner.get("/days"))
    assert "Shop KLA, " in told and "UGX 1,000 missing; UGX 0 from customers" in told and "quiet" in told
    assert "Days that were off" in told and "−1,000" in told
    assert "Days 1" in words(owner.get("/"))  # the mark beside the place
    assert owner.post(f"/days/{closure}/approve").status_code == 303
    told = words(owner.get("/days"))
    assert "Every day is decided" in told and "Approved" in told
    assert "UGX 1,000" in words(owner.get(f"/closures/{closure}"))
    assert owner.post(f"/closures/{closure}/lock").status_code == 303
    again = owner.post(f"/days/{closure}/approve")
    assert again.status_code == 409 and "Not approved" in words(again)
    node.sync()
    with node.reading() as ctx:
        (closed,) = node.rows(DayClosure)
        assert closure_of_day(ctx, closed.business_on).status == "Locked"


def test_what_is_the_shops_is_only_looked_at(owner: Owner, node: Node) -> None:
    closure = submit(node, 5_000)
    told = words(owner.get("/days"))
    assert "is off by more than the limit" in told and f"/days/{closure}/approve" not in owner.get("/days").text
    page = owner.get(f"/closures/{closure}").text
    assert f"{closure}/withdraw" in page and f"{closure}/correct" not in page and "Submit the day" not in page
    z_report = page.partition('href="/z-reports/')[2].partition('"')[0]
    told = words(owner.get(f"/z-reports/{z_report}"))
    assert "It is explained in the shop" in told and "Float 50,000" in told
    assert owner.get(f"/z-reports/{z_report}/paper.pdf").data.startswith(b"%PDF")
    refused = owner.post("/closures", business_on="2026-09-21")
    assert refused.status_code in (403, 409) and "Not submitted" in words(refused)
    owner.post(f"/closures/{closure}/withdraw", reason="count it again")
    node.sync()
    told = words(owner.get("/closures?state=rejected"))
    assert "Rejected" in told and "Shop KLA" in told
    assert b"Shop KLA" in owner.get("/closures?format=csv").data


def test_rule_79_the_owner_reads_an_x_with_its_sums_in_the_portal(owner: Owner, node: Node) -> None:
    node.do("cash.pay_in", amount=2_000, reason="coins")
    node.sync()
    page = owner.get("/z-reports").text
    assert "Shop KLA" in page
    told = words(owner.get("/x-reports/" + page.partition('href="/x-reports/')[2].partition('"')[0]))
    assert "Cash, float included 52,000" in told and "Paid in × 1 2,000" in told and "No sums" not in told


def test_a_day_that_nobody_submitted_is_named_and_a_deposit_is_confirmed(owner: Owner, node: Node) -> None:
    node.do("cash.deposit_at_bank", amount=20_000, reference="STB-7")
    node.do("cash.close_drawer", counted=30_000)
    node.sync()
    assert "Not submitted yet" in words(owner.get("/days"))
    assert "To confirm" in words(owner.get("/cash-slips"))
    address = owner.get("/cash-slips").text.partition('href="/cash-slips/')[2].partition('"')[0]
    owner.post(f"/cash-slips/{address}/confirm", amount="20,000", confirmed_on="2026-09-21")
    assert "Confirmed" in words(owner.get(f"/cash-slips/{address}"))
