"""Notifications over the API: each person's own, counted, read; what waits to leave; and the jobs behind them."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.jobs.running import JobRunner
from tests.api.client import Client
from tests.domain.test_expenses import WATER
from tests.shop import Shop


@pytest.fixture
def asked(staff: Client, owner: Client, shop: Shop) -> dict[str, Any]:
    """Aisha asked for money, and the shop looked after it."""
    made: dict[str, Any] = staff.post("/expenses", WATER)
    JobRunner(shop.home).run_due(sends=True)
    return made


def test_an_owner_is_told_reads_and_the_badge_goes(owner: Client, staff: Client, asked: dict[str, Any]) -> None:
    assert owner.get("/notifications/count") == {"unread": 1}
    (notice,) = owner.get("/notifications")["items"]
    assert (notice["type"], notice["title"], notice["message"], notice["link"]) == (
        "expense_to_decide", "Aisha asks for 12,000: Meals", "Water for the shop", f"expense/{asked['id']}",
    )  # fmt: skip
    assert (notice["is_read"], notice["is_over"]) == (False, False)
    read = owner.post(f"/notifications/{notice['id']}/read", status=200)
    assert read["is_read"]
    assert owner.post(f"/notifications/{notice['id']}/read", status=200) == read
    assert owner.get("/notifications/count") == {"unread": 0}
    assert owner.get("/notifications?unread=true")["items"] == []
    assert owner.get("/notifications?type=expense_to_decide")["items"] == [read]


def test_nobody_reads_or_marks_what_is_for_others(owner: Client, staff: Client, asked: dict[str, Any]) -> None:
    (notice,) = owner.get("/notifications")["items"]
    assert staff.get("/notifications")["items"] == []
    assert staff.get(f"/notifications/{notice['id']}", 404)["code"] == "not-found"
    assert staff.post(f"/notifications/{notice['id']}/read", status=404)["code"] == "not-found"
    assert staff.post("/notifications/read-all", status=200) == {"read": 0}
    assert owner.post("/notifications/read-all", status=200) == {"read": 1}


def test_who_asked_is_told_what_was_decided(owner: Client, staff: Client, asked: dict[str, Any], shop: Shop) -> None:
    owner.post(f"/expenses/{asked['id']}/reject", {"reason": "bring a bottle"}, 200)
    shop.clock.advance(60_000)
    JobRunner(shop.home).run_due(sends=True)
    (notice,) = staff.get("/notifications")["items"]
    assert (notice["title"], notice["message"]) == ("Expense KLA1-E000001 was rejected", "bring a bottle")
    (theirs,) = owner.get("/notifications")["items"]
    assert theirs["is_over"]


def test_messages_wait_for_their_provider(owner: Client, asked: dict[str, Any]) -> None:
    (message,) = owner.get("/notifications/messages")["items"]
    assert (message["channel"], message["state"], message["tries"]) == ("push", "waiting", 0)
    assert owner.get("/notifications/messages?state=sent")["items"] == []


def test_the_list_has_pages(owner: Client, staff: Client, shop: Shop) -> None:
    for amount in (1_000, 2_000, 3_000):
        staff.post("/expenses", {**WATER, "amount": amount})
        shop.clock.advance(60_000)
        JobRunner(shop.home).run_due()
    first = owner.get("/notifications?limit=2")
    rest = owner.get(f"/notifications?limit=2&cursor={first['next_cursor']}")
    assert [item["title"] for item in first["items"] + rest["items"]] == [
        f"Aisha asks for {amount}: Meals" for amount in ("3,000", "2,000", "1,000")
    ]


def test_an_owner_sees_the_jobs_and_how_they_went(owner: Client, supervisor: Client, asked: dict[str, Any]) -> None:
    jobs = {item["name"]: item for item in owner.get("/jobs")["items"]}
    assert jobs["notices"]["did"] == 1
    assert (jobs["stock"]["every_s"], jobs["stock"]["failed"]) == (None, None)
    assert supervisor.get("/jobs", 403)["code"] == "not-permitted"
