"""Clocking in and out over the API."""

from __future__ import annotations

from tests.api.client import Client
from tests.shop import Shop

HOUR = 3_600_000


def test_a_day_at_the_shop(staff: Client, supervisor: Client, owner: Client, shop: Shop) -> None:
    staff.post("/attendance/come")
    staff.post("/attendance/come", status=409)
    assert [row["name"] for row in supervisor.get("/attendance/here")["items"]] == ["Aisha"]
    shop.clock.advance(2 * HOUR)
    gone = staff.post("/attendance/go", status=200)["id"]
    (row,) = staff.get("/attendance")["items"]
    assert (row["id"], row["minutes"], row["business_on"]) == (gone, 120, "2026-09-21")

    form = {"attendance_id": gone, "came_at": row["came_at"], "went_at": "2026-09-21T15:14:20Z", "reason": "one hour"}
    asked = staff.post("/attendance/corrections", form)
    assert (asked["clocked_went_at"], asked["outcome"]) == (row["went_at"], None)
    assert len(supervisor.get("/attendance/corrections?open=true")["items"]) == 1
    decided = supervisor.post(f"/attendance/corrections/{asked['id']}/accept", status=200)
    assert (decided["outcome"], decided["decided_by_name"]) == ("accepted", "Brian")
    supervisor.post(f"/attendance/corrections/{asked['id']}/refuse", status=409)

    (hours,) = owner.get("/attendance/hours?since=2026-09-21&until=2026-09-30")["items"]
    assert (hours["name"], hours["minutes"]) == ("Aisha", 60)
    assert owner.get("/attendance?since=2026-09-22")["items"] == []
    owner.get("/attendance/hours", 422)
    staff.get("/attendance/here", 403)
    staff.post(f"/attendance/corrections/{asked['id']}/accept", status=403)
