"""Commission rules, what was earned, and performance over the API."""

from __future__ import annotations

from tests.api.client import Client
from tests.domain.till import open_till
from tests.shop import PINS, Shop

WEEK = "since=2026-09-21&until=2026-09-27"


def test_a_week_of_commissions(owner: Client, supervisor: Client, staff: Client, shop: Shop) -> None:
    till = open_till(shop)
    made = owner.post("/commission-rules", {"rate_bp": 1_000, "category": "Accessories"})
    assert supervisor.get("/commission-rules")["items"][0]["rate_bp"] == 1_000
    till.sell({"product_id": till.charger})

    (mine,) = staff.get(f"/commissions?{WEEK}")["items"]
    assert (mine["name"], mine["earned"], mine["paid"], mine["due"]) == ("Aisha", 3_500, 0, 3_500)
    (line,) = owner.get(f"/staff/{shop.cashier.id}/earnings?{WEEK}")["items"]
    assert (line["what"], line["amount"], line["number"]) == ("Oraimo charger", 3_500, "KLA1-000001")

    entry = {"staff_id": shop.cashier.id, "kind": "commission_paid", "amount": 3_500, "method": "cash"}
    staff.post("/staff-entries", entry, 403)
    assert supervisor.post("/staff-entries", entry, 403)["code"] == "approval-needed"
    by = {"X-Approver-Id": str(shop.owner.id), "X-Approver-Pin": PINS["Sarah"]}
    supervisor.post("/staff-entries", entry, headers=by, key="pay")
    supervisor.post("/staff-entries", entry, headers=by, key="pay")  # sent twice, paid once
    assert owner.get(f"/commissions?{WEEK}")["items"][0]["due"] == 0
    account = owner.get(f"/staff/{shop.cashier.id}/account")
    assert ([row["kind"] for row in account["items"]], account["owed"]) == (["commission_paid"], 0)

    (done,) = owner.get(f"/performance?{WEEK}")["items"]
    assert (done["name"], done["sold"], done["margin"]) == ("Aisha", 35_000, 13_000)
    assert supervisor.get(f"/staff/{shop.cashier.id}/performance?{WEEK}")["items"][0]["margin"] is None
    assert owner.get(f"/staff/{shop.owner.id}/performance?{WEEK}")["items"] == []

    owner.post(f"/commission-rules/{made['id']}/end", status=200)
    owner.post(f"/commission-rules/{made['id']}/end", status=409)
