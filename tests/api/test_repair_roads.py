"""The side roads of repairs over the API, and the papers that come with them."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.printing.models import PrintJob
from shopnode.domain.repairs.following import public_code
from shopnode.domain.repairs.models import RepairTicket
from shopnode.sync.models import HubLink
from tests.api.client import Client
from tests.api.goods import NOBODY, PHONE, open_for_business
from tests.api.test_papers import tapes, with_printer, words_of
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.shop import Shop

IMEI = "004401231000130"


@pytest.fixture
def repair(owner: Client, shop: Shop) -> str:
    """A Tecno of Nakato's, taken in."""
    open_for_business(owner)
    return taken_in(shop)


def taken_in(shop: Shop, **more: Any) -> str:
    form = {
        "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
        "device_model": "Spark 10", "issue_description": "fell, screen is black", "faults": ["Screen broken"],
        "accessories": ["SIM card"], "estimated_cost": 150_000, "agreed_via": "in_person", "water_damage": True, **more,
    }  # fmt: skip
    return str(shop.do("repairs.take_in", form)["ticket_id"])


def finished(shop: Shop, repair_id: str) -> None:
    for status in ("Diagnosed", "In Progress", "Quality Check", "Completed"):
        shop.clock.advance(1)
        shop.do("repairs.change_status", ticket_id=repair_id, status=status)


def test_outside_work_goes_and_comes_back(supervisor: Client, owner: Client, staff: Client, repair: str) -> None:
    sent = supervisor.post(f"/repairs/{repair}/outwork", {"sent_to": "Moses", "cost": 40_000})
    assert (sent["sent_to"], sent["is_late"], sent["cost"]) == ("Moses", False, None)  # what it costs, owners see
    back = owner.post(f"/repairs/{repair}/outwork/return", {"outcome": "not_repaired", "cost": 5_000}, 200)
    assert (back["outcome"], back["cost"]) == ("not_repaired", 5_000)
    assert owner.put(f"/repair-outwork/{sent['id']}", {"cost": 6_000, "reason": "transport"})["cost"] == 6_000
    assert [row["id"] for row in staff.get(f"/repairs/{repair}/outwork")["items"]] == [sent["id"]]
    assert staff.put(f"/repair-outwork/{sent['id']}", {"cost": 0, "reason": "mine"}, 403)["code"] == "not-permitted"
    assert owner.put(f"/repair-outwork/{NOBODY}", {"cost": 0, "reason": "nothing"}, 404)["code"] == "not-found"


def test_a_loaner_goes_comes_back_and_is_charged(staff: Client, owner: Client, shop: Shop, repair: str) -> None:
    product = owner.post("/products", PHONE)
    device = owner.post("/devices", {"product_id": product["id"], "imei1": IMEI})
    lent = staff.post(f"/repairs/{repair}/loaner", {}, 422)
    assert lent["fields"]["device_id"] == "is needed"
    state = staff.post(f"/repairs/{repair}/loaner", {"device_id": device["id"]})
    assert state["loaner_device_id"] == device["id"]
    refused = staff.post(f"/repairs/{repair}/loaner", {"device_id": device["id"]}, 409)
    assert refused["code"] == "loaner-out"
    back = staff.post(f"/repairs/{repair}/loaner/return", {"outcome": "resell"}, 200)
    assert back["loaner_device_id"] is None
    staff.post(f"/repairs/{repair}/loaner", {"device_id": device["id"]})
    price = product["selling_price"]
    charge = {"amount": price, "payments": [{"method": "cash", "amount": price}], "reason": "lost it"}
    sold = staff.post(f"/repairs/{repair}/loaner/charge", charge)
    assert staff.get(f"/sales/{sold['sale_id']}")["final_amount"] == price


def test_a_stolen_device_is_held_until_the_owner_clears_it(
    supervisor: Client, owner: Client, shop: Shop, repair: str
) -> None:
    held = supervisor.post(f"/repairs/{repair}/stolen", {"reason": "police case 114"}, 200)
    assert held["status"] == "Stolen"
    assert supervisor.post(f"/repairs/{repair}/outwork", {"sent_to": "Moses"}, 409)["code"] == "repair-locked"
    assert supervisor.post(f"/repairs/{repair}/stolen/clear", {"reason": "a mistake"}, 403)["code"] == "not-permitted"
    assert owner.post(f"/repairs/{repair}/stolen/clear", {"reason": "a mistake"}, 200)["status"] == "Pending"


def test_what_nobody_fetches_is_listed_with_what_to_do_and_disposed_of(
    owner: Client, supervisor: Client, shop: Shop, repair: str
) -> None:
    finished(shop, repair)
    assert supervisor.post(f"/repairs/{repair}/unclaimed", None, 403)["code"] == "approval-needed"
    shop.clock.advance(31 * 86_400_000)
    (one,) = supervisor.get("/repair-waiting")["items"]
    assert (one["repair_id"], one["next_step"], one["customer_name"]) == (repair, "mark_unclaimed", "Nakato Prossy")
    supervisor.post(f"/repairs/{repair}/remind", {"via": "call"}, 200)
    assert supervisor.post(f"/repairs/{repair}/unclaimed", None, 200)["status"] == "Unclaimed"
    assert supervisor.post(f"/repairs/{repair}/storage", {}, 200)["storage_fee"] == 0
    supervisor.post(f"/repairs/{repair}/final-notice", {}, 200)
    assert owner.post(f"/repairs/{repair}/dispose", {"outcome": "scrapped", "reason": "old"}, 409)["code"] == "too-soon"
    shop.clock.advance(61 * 86_400_000)
    form = {"outcome": "sold", "amount": 200_000, "method": "cash", "reason": "to Musa"}
    ended = owner.post(f"/repairs/{repair}/dispose", form, 200)
    assert (ended["kept"], ended["lost"], ended["owed"]) == (150_000, 0, 50_000)
    assert ended["repair"]["status"] == "Disposed"
    assert owner.get("/repair-waiting")["items"] == []


def test_rework_is_taken_in_and_counted(owner: Client, supervisor: Client, shop: Shop) -> None:
    open_for_business(owner)
    repair = taken_in(shop, water_damage=False)
    finished(shop, repair)
    code = shop.row(RepairTicket, repair).slip_code
    pay = [{"method": "cash", "amount": 150_000}]
    shop.do("repairs.deliver", ticket_id=repair, taken_by="Nakato", slip_code=code, payments=pay)
    again = supervisor.post(f"/repairs/{repair}/rework", {"issue_description": "black again"})
    assert (again["rework_of"], again["repair"]["warranty_days"]) == (shop.row(RepairTicket, repair).number, 30)
    (one,) = supervisor.get("/repair-reworks")["items"]
    assert (one["technician"], one["delivered"], one["reworks"], one["cost"]) == ("Nobody", 1, 1, None)
    assert owner.get("/repair-reworks?date_from=2026-09-21&date_to=2026-09-21")["items"][0]["cost"] == 0
    assert owner.get("/repair-reworks?date_from=2026-09-01&date_to=2026-09-02")["items"] == []


def test_a_device_goes_to_another_branch(supervisor: Client, staff: Client, shop: Shop, repair: str) -> None:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    way = supervisor.post(f"/repairs/{repair}/transfer", {"to_shop_id": ELSEWHERE, "notes": "board work"})
    assert (way["to_shop"], way["device"], way["is_return"]) == ("Jinja", "Tecno Spark 10", False)
    assert staff.get("/repair-transfers?arrived=false")["items"] == [staff.get(f"/repair-transfers/{way['id']}")]
    assert staff.get("/repair-transfers?arrived=true")["items"] == []
    assert staff.post(f"/repair-transfers/{way['id']}/receive", {}, 404)["code"] == "not-found"  # it is not for us
    back = supervisor.post(f"/repair-transfers/{way['id']}/recall", {"reason": "never left"}, 200)
    assert back["status"] == "Diagnosed"


def test_the_slip_says_what_was_left_and_how_to_follow_it(staff: Client, shop: Shop, repair: str) -> None:
    words = words_of(staff, f"/repairs/{repair}/slip")
    ticket = shop.row(RepairTicket, repair)
    for fact in (ticket.number, "Tecno Spark 10", "SIM card", "150,000", "Water damage", "Nakato Prossy"):
        assert fact in words, fact
    assert f"{ticket.slip_code[:5]}-{ticket.slip_code[5:]}" in words
    assert "/r/" not in words  # a shop without a hub
    with shop.home.writing() as session:
        session.add(HubLink(
            id=1, url="https://hub.example.com/", audience="hub", hub_key="k", private_key=b"p", epoch="e",
            accepted_n=0, durable_n=0, schema=1,
        ))  # fmt: skip
    assert f"https://hub.example.com/r/{public_code(ticket)}" in words_of(staff, f"/repairs/{repair}/slip")


def test_the_paper_of_a_delivery_is_there_once_it_was_delivered(staff: Client, shop: Shop, repair: str) -> None:
    assert staff.get(f"/repairs/{repair}/delivery-paper", 409)["code"] == "repair-not-delivered"
    finished(shop, repair)
    form = {
        "ticket_id": repair, "taken_by": "Okello Peter", "slip_code": shop.row(RepairTicket, repair).slip_code,
        "payments": [{"method": "cash", "amount": 150_000}],
        "disputed": [{"item": "Camera", "notes": "scratch that was not noted"}],
    }  # fmt: skip
    shop.do("repairs.deliver", form)
    words = words_of(staff, f"/repairs/{repair}/delivery-paper")
    for fact in ("Okello Peter", "Labour", "150,000", "Camera: scratch", "KLA1-000001"):
        assert fact in words, fact


def test_slips_and_labels_of_repairs_come_out_of_the_shops_printer(
    owner: Client, staff: Client, shop: Shop, repair: str
) -> None:
    with_printer(owner, shop)
    staff.post("/slips/print", {"slip": "repair", "subject_id": repair})
    staff.post("/labels/print", {"repair_ids": [repair], "size": "50x30"})
    slip, label = tapes(shop)
    ticket = shop.row(RepairTicket, repair)
    assert any(ticket.number in text for text in slip.texts())
    assert label.printed and len(shop.rows(PrintJob)) == 2
    assert ticket.number in words_of(staff, "/labels", {"repair_ids": [repair], "size": "50x30"})
    assert staff.post("/labels", {"repair_ids": [NOBODY]}, 404)["code"] == "not-found"
