"""The drawer and the day over the API: blind until counted, in the shop for everybody; nothing is edited."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.api.client import Client
from tests.api.goods import CABLE, NOBODY, sale_of
from tests.shop import PINS, Shop

FLOAT = 50_000
DAY = "2026-09-21"


def open_with_a_sale(owner: Client, staff: Client) -> str:
    """A drawer with one sale of 8,000 in it."""
    made: str = staff.post("/drawer-sessions", {"opening_float": FLOAT})["id"]
    staff.post("/sales", sale_of(owner.post("/products", CABLE)))
    return made


@pytest.fixture
def drawer(owner: Client, staff: Client) -> str:
    return open_with_a_sale(owner, staff)


def numbers_in(document: Any) -> set[int]:
    """Every whole number an answer holds, however deep."""
    if isinstance(document, dict):
        return set().union(*map(numbers_in, document.values()), set())
    if isinstance(document, list):
        return set().union(*map(numbers_in, document), set())
    return {document} if isinstance(document, int) and not isinstance(document, bool) else set()


def test_rule_79_nobody_in_the_shop_sees_a_sum_before_the_count(
    owner: Client, supervisor: Client, staff: Client, drawer: str
) -> None:
    places = (
        "/drawer-sessions/current",
        f"/drawer-sessions/{drawer}",
        f"/drawer-sessions/{drawer}/x",
        "/drawer-sessions",
    )
    for client in (owner, supervisor, staff):
        told = set().union(*(numbers_in(client.get(place)) for place in places))
        assert not told & {FLOAT + 8_000, 8_000}
        x_report = client.get(f"/drawer-sessions/{drawer}/x")
        assert (x_report["is_blind"], x_report["report"], x_report["sales_count"]) == (True, None, 1)
    told = staff.post(f"/drawer-sessions/{drawer}/counts", {"counted": 1})
    assert (told["agrees"], numbers_in(told)) == (False, {1})
    assert owner.get(f"/drawer-sessions/{drawer}/x")["report"] is None  # or the recount would be by what they saw
    assert staff.post(f"/drawer-sessions/{drawer}/counts", {"counted": FLOAT + 8_000})["agrees"]

    x_report = owner.get(f"/drawer-sessions/{drawer}/x")  # the count is in, and right
    assert (x_report["expected"]["cash"], x_report["report"]["collected"]) == (FLOAT + 8_000, 8_000)


def test_rule_80_an_x_report_changes_nothing(staff: Client, shop: Shop, drawer: str) -> None:
    before = len(shop.entries())
    first = staff.get(f"/drawer-sessions/{drawer}/x")
    assert staff.get(f"/drawer-sessions/{drawer}/x") == first
    assert len(shop.entries()) == before


def test_a_drawer_is_counted_closed_reported_and_accepted(
    owner: Client, staff: Client, shop: Shop, drawer: str
) -> None:
    staff.get(f"/drawer-sessions/{drawer}/z", 404)
    notes = [{"value": 1_000, "pieces": 20}]
    staff.post(f"/drawer-sessions/{drawer}/counts", {"denominations": notes})
    again = staff.post(f"/drawer-sessions/{drawer}/counts", {"denominations": notes})
    assert (again["nth"], again["may_count_again"]) == (2, False)
    refused = staff.post(f"/drawer-sessions/{drawer}/counts", {"counted": 58_000}, 409)
    assert refused["code"] == "counted-twice"
    closed = staff.post(f"/drawer-sessions/{drawer}/close", {}, 200)
    assert (closed["counted"], closed["difference"], closed["cashier_id"]) == (20_000, -38_000, shop.cashier.id)
    z_report = staff.get(f"/drawer-sessions/{drawer}/z")
    assert z_report == staff.get(f"/z-reports/{z_report['id']}")
    assert [count["denominations"] for count in z_report["counts"]] == [{}, {"1000": 20}, {"1000": 20}]
    assert (z_report["number"], z_report["since_inception"], z_report["report"]["sales"]["total"]) == (
        "KLA1-Z000001", 8_000, 8_000,
    )  # fmt: skip
    (listed,) = owner.get(f"/z-reports?business_on={DAY}")["items"]
    assert listed.items() <= z_report.items()

    told = {"explanation": "Two bundles went to the bank unseen", "charge_to": shop.cashier.id, "charge": 30_000}
    assert staff.post(f"/drawer-sessions/{drawer}/accept", told, 403)["code"] == "approval-needed"
    approver = {"X-Approver-Id": shop.supervisor.id or "", "X-Approver-Pin": PINS["Brian"]}
    accepted = staff.post(f"/drawer-sessions/{drawer}/accept", told, 200, headers=approver)
    assert (accepted["approved_by"], accepted["explanation"]) == (shop.supervisor.id, told["explanation"])


def test_a_drawer_is_handed_over_and_taken_over(supervisor: Client, staff: Client, shop: Shop, drawer: str) -> None:
    form = {"counted": 58_000, "to_id": shop.supervisor.id}
    assert staff.post(f"/drawer-sessions/{drawer}/hand-over", form, 403)["detail"] == (
        "Brian takes the drawer with their own PIN."
    )
    after = supervisor.post(f"/drawer-sessions/{drawer}/hand-over", {"counted": 58_000})
    assert (after["handed_from_id"], after["opening_float"], after["status"]) == (drawer, 58_000, "Open")
    assert staff.get(f"/drawer-sessions/{drawer}")["difference"] == 0
    supervisor.post(f"/drawer-sessions/{after['id']}/hand-over", {"counted": 58_000, "to_id": NOBODY}, 404)
    mine = staff.post(f"/drawer-sessions/{after['id']}/hand-over", {"counted": 58_000})
    assert mine["cashier_id"] == shop.cashier.id
    staff.post(f"/drawer-sessions/{mine['id']}/take-over", {"reason": "she left"}, 403)
    taken = supervisor.post(f"/drawer-sessions/{mine['id']}/take-over", {"reason": "she left early"}, 200)
    assert (taken["cashier_id"], taken["status"]) == (shop.supervisor.id, "Open")


def test_money_beside_sales(owner: Client, supervisor: Client, staff: Client, drawer: str) -> None:
    here = "/drawer-sessions/current"
    assert staff.post(f"{here}/pay-ins", {"amount": 1_000, "reason": "coins"})["number"] == "KLA1-M000001"
    staff.post(f"{here}/pay-outs", {"amount": 200_000, "reason": "rent"}, 403)
    staff.post(f"{here}/pay-outs", {"amount": 2_000, "reason": "water"})
    staff.post(f"{here}/safe-drops", {"amount": 30_000})
    staff.get("/safe", 403)
    assert supervisor.get("/safe") == {"amount": 30_000}
    supervisor.post(f"{here}/safe-returns", {"amount": 10_000})
    assert staff.post(f"{here}/no-sales", {"reason": "change for the neighbour"})["nth"] == 1
    made = staff.post("/bank-deposits", {"amount": 5_000, "reference": "STB-7781"})
    staff.post(f"/bank-deposits/{made['id']}/confirm", {"amount": 5_000, "confirmed_on": DAY}, 403)
    told = supervisor.post(f"/bank-deposits/{made['id']}/confirm", {"amount": 5_000, "confirmed_on": DAY}, 200)
    assert (told["confirmed_amount"], told["confirmed_on"], told["amount"]) == (5_000, DAY, 5_000)
    assert owner.get("/bank-deposits")["items"] == [told]
    expected = FLOAT + 8_000 + 1_000 - 2_000 - 20_000 - 5_000
    closed = staff.post(f"/drawer-sessions/{drawer}/close", {"counted": expected}, 200)
    assert closed["difference"] == 0
    (moved,) = [row for row in staff.get(f"/drawer-sessions/{drawer}/z")["report"]["moves"] if row["kind"] == "pay_out"]
    assert moved == {"kind": "pay_out", "method": "cash", "count": 1, "amount": -2_000}


def test_a_day_is_submitted_decided_and_corrected(
    owner: Client, supervisor: Client, staff: Client, shop: Shop, drawer: str
) -> None:
    assert staff.post("/closures", {"closure_date": DAY}, 409)["code"] == "drawers-open"
    staff.post(f"/drawer-sessions/{drawer}/close", {"counted": 57_000}, 200)
    day = staff.post("/closures", {"closure_date": DAY, "notes": "quiet"})
    assert (day["cash_amount"], day["total_collected"], day["expected_amount"], day["variance"], day["status"]) == (
        7_000, 7_000, 8_000, -1_000, "Submitted",
    )  # fmt: skip
    assert day["submitted_by"] == shop.cashier.id
    path = f"/closures/{day['id']}"
    staff.put(path, {"reason": "a note was found"}, 403)
    corrected = supervisor.put(path, {"reason": "a note was found", "cash_amount": 8_000})
    assert (corrected["variance"], corrected["corrects_id"], corrected["restated"]) == (
        0, day["id"], {"cash_minor": 8_000},
    )  # fmt: skip
    assert supervisor.post(f"{path}/review", None, 409)["code"] == "closure-corrected"
    path = f"/closures/{corrected['id']}"
    supervisor.post(f"{path}/approve", None, 403)  # their own
    approved = owner.post(f"{path}/approve", {"reason": "seen the note"}, 200)
    assert (approved["status"], approved["approved_by"]) == ("Approved", shop.owner.id)
    assert owner.post(f"{path}/lock", None, 200)["status"] == "Locked"
    assert owner.get(f"/closures/date/{DAY}")["id"] == corrected["id"]
    owner.get("/closures/date/2026-09-20", 404)
    owner.get("/closures/date/yesterday!", 404)
    assert {row["id"]: row["status"] for row in owner.get("/closures")["items"]} == {
        day["id"]: "Submitted", corrected["id"]: "Locked",
    }  # fmt: skip


def test_a_day_is_rejected_or_taken_back_with_a_reason(owner: Client, staff: Client, drawer: str) -> None:
    staff.post(f"/drawer-sessions/{drawer}/close", {"counted": 58_000}, 200)
    first = staff.post("/closures", {"closure_date": DAY})
    assert "reason" in owner.post(f"/closures/{first['id']}/reject", {}, 422)["fields"]
    assert owner.post(f"/closures/{first['id']}/reject", {"reason": "card slips"}, 200)["status"] == "Rejected"
    second = staff.post("/closures", {"closure_date": DAY})
    assert owner.delete(f"/closures/{second['id']}", {"reason": "wrong day"})["status"] == "Rejected"
    assert staff.post("/closures", {"closure_date": "2026-09-22"}, 409)["code"] == "nothing-to-close"


def test_a_day_is_submitted_once_however_often_it_is_sent(app: Flask, shop: Shop, staff: Client, drawer: str) -> None:
    staff.post(f"/drawer-sessions/{drawer}/close", {"counted": 58_000}, 200)
    first = staff.post("/closures", {"closure_date": DAY}, key="evening")
    assert staff.post("/closures", {"closure_date": DAY}, key="evening") == first
    assert staff.post("/closures", {"closure_date": DAY}, 409, key="once more")["code"] == "day-submitted"
