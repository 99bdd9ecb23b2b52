"""Repairs over the API: one conversation from the counter to the door, and what is refused on the way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.goods import NOBODY
from tests.domain.bench import picture
from tests.domain.till import open_till
from tests.shop import Shop

DEVICE = {
    "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
    "device_model": "Spark 10", "imei_serial": "356938035643809", "repair_type": "Screen",
    "issue_description": "fell, screen is black", "estimated_completion": "2026-09-22T17:00:00+03:00",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _time_passes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """No two things happen in one millisecond, or nobody could say which came first."""
    read = shop.clock.wall_ms

    def wall_ms() -> int:
        shop.clock.advance(1)
        return read()

    monkeypatch.setattr(shop.clock, "wall_ms", wall_ms)


@pytest.fixture
def screen(shop: Shop) -> str:
    open_till(shop)
    form = {"name": "Screen for Spark 10", "category": "Parts", "price_minor": 90_000, "cost_minor": 55_000}
    made: str = shop.do("products.create", form)["id"]
    shop.do("stock.adjust", product_id=made, quantity=3, reason="opening stock", kind="opening")
    return made


def test_a_repair_from_the_counter_to_the_door(
    staff: Client, supervisor: Client, owner: Client, shop: Shop, screen: str
) -> None:
    form = {**DEVICE, "passcode_way": "stored", "passcode": "2580", "deposit": [{"method": "cash", "amount": 20_000}]}
    made = staff.post("/repairs", form)
    assert (made["repair_number"], made["status"], made["paid"]) == ("KLA1-J000001", "Pending", 20_000)
    assert made["estimated_completion"] == "2026-09-22T14:00:00.000Z"
    assert len(made["slips"]) == 1
    assert made["next_steps"] == []
    at = f"/repairs/{made['id']}"
    assert "slip_code" not in staff.get(at)
    assert "2580" not in str(staff.get(at))

    supervisor.post(f"{at}/assign", {"technician_id": shop.cashier.id}, 200)
    assert staff.get("/repairs?mine=true")["items"][0]["technician_name"] == "Aisha"
    (hand,) = staff.get("/repairs/work-in-hand")["items"]
    assert hand == {"technician_id": shop.cashier.id, "technician_name": "Aisha", "open": 1, "late": 0}
    supervisor.post(f"{at}/status", {"status": "Diagnosed", "notes": "glass and display"}, 200)
    asked = supervisor.post(f"{at}/estimate", {"amount": 150_000}, 200)
    assert (asked["status"], asked["agreed_cost"]) == ("Waiting for Approval", None)
    answer = {"accepted": True, "amount": 150_000, "via": "call", "answered_by": "Nakato"}
    assert supervisor.post(f"{at}/answer", answer, 200)["agreed_cost"] == 150_000
    part = supervisor.post(f"{at}/parts", {"product_id": screen})["parts"][0]
    assert (part["state"], part["unit_price"], part["unit_cost"]) == ("reserved", 90_000, None)
    supervisor.post(f"{at}/status", {"status": "In Progress"}, 200)
    used = supervisor.post(f"/repair-parts/{part['id']}/use", {"old_part": "recycled", "serial": "S-1"}, 200)
    assert (used["labor_cost"], used["parts_cost"], used["actual_cost"]) == (60_000, 90_000, 0)
    for status in ("Quality Check", "Completed"):
        done = supervisor.post(f"{at}/status", {"status": status}, 200)
    assert (done["actual_cost"], done["due"], done["cost_to_shop"]) == (150_000, 130_000, None)
    assert owner.get(at)["cost_to_shop"] == 55_000
    assert owner.get("/repairs/deposits") == {"repairs": 1, "owed": 20_000}

    left = staff.post(
        f"{at}/deliver",
        {"taken_by": "Nakato", "slip_code": made["slip_code"], "payments": [{"method": "cash", "amount": 130_000}]},
        200,
    )  # fmt: skip
    assert (left["total"], left["paid_before"], left["change"]) == (150_000, 20_000, 0)
    assert (left["repair"]["status"], left["repair"]["is_editable"]) == ("Delivered", False)
    assert staff.get(f"/sales/{left['sale_id']}")["final_amount"] == 150_000
    assert owner.get("/repairs/deposits") == {"repairs": 0, "owed": 0}
    history = staff.get(f"{at}/history")
    assert [row["new_status"] for row in history["items"]] == [
        "Pending", "Diagnosed", "Waiting for Approval", "Diagnosed", "In Progress", "Quality Check", "Completed",
        "Delivered",
    ]  # fmt: skip
    assert history["turnaround_minutes"] is not None
    kinds = {event["kind"] for event in staff.get(f"{at}/events")["items"]}
    assert kinds == {"status", "assigned", "estimate", "answer", "passcode_stored", "passcode_destroyed"}
    assert supervisor.put(at, {"notes": "late"}, 409)["code"] == "repair-locked"


def test_the_list_is_found_by_number_slip_imei_customer_and_state(staff: Client, screen: str) -> None:
    first = staff.post("/repairs", DEVICE)
    second = staff.post("/repairs", {**DEVICE, "imei_serial": None, "customer_phone": "0701000001"})
    for wanted in (first["repair_number"], first["slip_code"], "356938035643809", "0772 123", "Nakato"):
        found = [row["id"] for row in staff.get(f"/repairs?q={wanted}")["items"]]
        assert first["id"] in found, wanted
        assert (second["id"] in found) is (wanted == "Nakato")
    assert len(staff.get("/repairs?status=Pending&open=true")["items"]) == 2
    assert staff.get("/repairs?open=false")["items"] == staff.get("/repairs?late=true")["items"] == []
    page = staff.get("/repairs?limit=1")
    assert [row["id"] for row in staff.get(f"/repairs?limit=1&cursor={page['next_cursor']}")["items"]] == [first["id"]]
    of_customer = staff.get(f"/customers/{first['customer_id']}/repairs")
    assert [row["id"] for row in of_customer["items"]] == [first["id"]]


def test_a_passcode_is_shown_to_whoever_may_and_the_look_is_told(
    staff: Client, supervisor: Client, owner: Client, screen: str
) -> None:
    made = staff.post("/repairs", DEVICE)
    at = f"/repairs/{made['id']}"
    assert supervisor.get(f"{at}/passcode", 404)["code"] == "not-found"
    staff.put(f"{at}/passcode", {"passcode": "pattern L"}, 204)
    assert staff.get(f"{at}/passcode", 403)["code"] == "not-permitted"
    assert supervisor.get(f"{at}/passcode") == {"passcode": "pattern L"}
    told = [(event["kind"], event["changed_by"]) for event in owner.get(f"{at}/events")["items"]]
    assert told[-2:] == [("passcode_stored", "Aisha"), ("passcode_viewed", "Brian")]


def test_photos_are_shown_where_they_were_taken(staff: Client, screen: str) -> None:
    made = staff.post("/repairs", DEVICE)
    at = f"/repairs/{made['id']}"
    (event,) = [row for row in staff.post(f"{at}/notes", {"photos": [picture()]})["items"] if row["has_photo"]]
    answer = staff.call("GET", f"{at}/events/{event['id']}/photo")
    assert (answer.status_code, answer.content_type) == (200, "image/webp")
    staff.get(f"{at}/events/{NOBODY}/photo", 404)


def test_money_goes_back_and_a_mistaken_ticket_is_crossed_out(staff: Client, owner: Client, screen: str) -> None:
    made = staff.post("/repairs", DEVICE)
    at = f"/repairs/{made['id']}"
    assert staff.post(f"{at}/deposits", {"method": "cash", "amount": 10_000})["paid"] == 10_000
    assert owner.delete(at, {"reason": "typed twice"}, 409)["code"] == "repair-paid-for"
    back = staff.post(f"{at}/give-back", {"amount": 10_000, "reason": "typed twice", "method": "cash"}, 200)
    assert (back["paid"], back["repair"]["paid"]) == (0, 0)
    assert owner.delete(at, {"reason": "typed twice"})["status"] == "Cancelled"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer_phone": "12"}, "customer_phone"), ({"issue_description": ""}, "issue_description"),
        ({"repair_type": "Magic"}, "repair_type"), ({"checklist": {"display": "perhaps"}}, "checklist.display"),
        ({"checklist": {"hinges": "ok"}}, "checklist"), ({"imei_serial": "356938035643808"}, "imei_serial"),
        ({"estimated_completion": "tomorrow"}, "estimated_completion"), ({"estimated_cost": -1}, "estimated_cost"),
        ({"photos": ["rubbish!"]}, "photos.0"), ({"signature": "eHh4"}, "signature"), ({"nonsense": 1}, "nonsense"),
        ({"deposit": [{"method": "shells", "amount": 1}]}, "method"),
    ],
)  # fmt: skip
def test_what_is_wrong_at_the_counter_is_said_by_field_and_nothing_is_kept(
    staff: Client, shop: Shop, screen: str, change: dict[str, Any], field: str
) -> None:
    wrong = staff.post("/repairs", {**DEVICE, **change}, 422)
    assert list(wrong["fields"]) == [field]
    assert staff.get("/repairs")["items"] == []
    assert staff.get("/customers")["items"] == []


def test_the_same_call_twice_is_one_ticket(staff: Client, screen: str) -> None:
    form = {**DEVICE, "passcode_way": "stored", "passcode": "2580"}
    first, again = (staff.post("/repairs", form, key="intake-1") for _ in range(2))
    assert first["id"] == again["id"]
    assert len(staff.get("/repairs")["items"]) == 1
