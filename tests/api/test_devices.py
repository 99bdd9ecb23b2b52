"""The seed's /api/devices: received, listed, corrected, moved, written off, imported, and its whole life told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.goods import CABLE, IMEI, NOBODY, PHONE, sale_of
from tests.shop import PINS, Shop

SECOND, THIRD = "004401231000130", "004401241000260"
LOOKS = {
    "condition": "used", "grade": "B", "has_box": True, "has_charger": False, "battery_pct": 87,
    "lock_state": "network MTN", "region": "Dubai", "vat_scheme": "margin",
}  # fmt: skip


@pytest.fixture
def phone(owner: Client) -> dict[str, Any]:
    made: dict[str, Any] = owner.post("/products", PHONE)
    return made


@pytest.fixture
def device(owner: Client, phone: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI})
    return made


def stock(client: Client) -> int:
    return int(client.get("/products")["items"][0]["stock_quantity"])


# --- in


def test_a_device_is_received_with_all_that_is_known_of_it(owner: Client, phone: dict[str, Any]) -> None:
    made = owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI, "imei2": SECOND, **LOOKS})
    assert {name: made[name] for name in LOOKS} == LOOKS
    assert (made["brand"], made["model"], made["selling_price"]) == ("Tecno", "Tecno Spark 40", 640_000)
    assert owner.get(f"/devices/{made['id']}") == made


def test_staff_receive_a_phone_without_a_number_with_a_supervisors_pin(
    staff: Client, shop: Shop, phone: dict[str, Any]
) -> None:
    form = {"product_id": phone["id"], "no_imei_reason": "the board was swapped"}
    assert staff.post("/devices", form, 403)["code"] == "approval-needed"
    approval = {"X-Approver-Id": shop.supervisor.id or "", "X-Approver-Pin": PINS["Brian"]}
    assert staff.post("/devices", form, headers=approval)["imei_serial"] == "KLA1N000001"
    fields = staff.post("/devices", {**form, "no_imei_reason": "x"}, 422)["fields"]
    assert set(fields) == {"no_imei_reason"}


# --- lists


def test_devices_are_filtered_and_sorted(owner: Client, phone: dict[str, Any], device: dict[str, Any]) -> None:
    used = owner.post("/products", {**PHONE, "name": "iPhone 11 (UK used, grade B)", "brand": "Apple"})
    second = owner.post("/devices", {"product_id": used["id"], "imei1": SECOND})
    ids = {"first": device["id"], "second": second["id"]}
    for query, wanted in (
        ("brand=Apple", ["second"]), ("condition=new", ["first"]), ("condition=used", ["second"]),
        ("imei=0130", ["second"]),
        ("imei=3809", ["first"]), ("sort=model", ["second", "first"]), (f"product_id={phone['id']}", ["first"]),
        ("status=bench", []), ("brand=Nokia", []), (f"supplier_id={NOBODY}", []), ("imei=99", []),
    ):  # fmt: skip
        assert [row["id"] for row in owner.get(f"/devices?{query}")["items"]] == [ids[one] for one in wanted], query
    for query in ("sort=price", "condition=good", "status=gone"):
        owner.get(f"/devices?{query}", 422)
    page = owner.get("/devices?limit=1&sort=oldest")
    rest = owner.get(f"/devices?limit=1&sort=oldest&cursor={page['next_cursor']}")
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == set(ids.values())
    assert rest["next_cursor"] is None


# --- changes


def test_a_correction_needs_its_reason_and_looks_do_not(supervisor: Client, device: dict[str, Any]) -> None:
    path = f"/devices/{device['id']}"
    assert set(supervisor.put(path, {"imei1": SECOND}, 422)["fields"]) == {"reason"}
    changed = supervisor.put(path, {"imei1": SECOND, "color": "black", "battery_pct": 80, "reason": "wrong box"})
    assert (changed["imei1"], changed["color"], changed["battery_pct"]) == (SECOND, "black", 80)
    assert supervisor.put(path, {"battery_pct": None, "has_box": True})["battery_pct"] is None
    told = supervisor.get(f"{path}/history")["items"][-1]
    assert (told["kind"], told["done_by"]) == ("corrected", "Brian")
    assert told["notes"] == f"IMEI 1: {IMEI} → {SECOND}. Colour: none → black. wrong box"
    assert set(supervisor.put(path, {}, 422)["fields"]) == {"body"}
    assert set(supervisor.put(path, {"color": 5}, 422)["fields"]) == {"color"}


def test_delete_writes_off_with_a_reason_and_deletes_nothing(
    owner: Client, staff: Client, device: dict[str, Any]
) -> None:
    path = f"/devices/{device['id']}"
    staff.delete(path, {"reason": "fell down"}, 403)
    assert set(owner.delete(path, {}, 422)["fields"]) == {"reason"}
    assert owner.delete(path, {"reason": "fell down"})["status"] == "scrapped"
    assert (owner.get(path)["status"], stock(owner)) == ("scrapped", 0)
    assert owner.delete(path, {"reason": "again"}, 409)["code"] == "not-in-stock"
    assert owner.get(f"{path}/history")["items"][-1]["notes"] == "fell down"


@pytest.mark.parametrize(
    ("there", "on_hand", "back"),
    [("bench", 0, "in_stock"), ("lent", 0, "in_stock"), ("lent", 0, "inspect"), ("missing", 0, "in_stock"),
     ("reserved", 1, "in_stock"), ("inspect", 0, "in_stock")],
)  # fmt: skip
def test_a_device_goes_from_state_to_state(
    supervisor: Client, device: dict[str, Any], there: str, on_hand: int, back: str
) -> None:
    path = f"/devices/{device['id']}/status"
    assert supervisor.post(path, {"status": there, "reason": "as told"}, 200)["status"] == there
    assert stock(supervisor) == on_hand
    assert supervisor.post(path, {"status": back, "reason": "as told"}, 200)["status"] == back
    assert stock(supervisor) == (back == "in_stock")


def test_a_state_that_may_not_follow_is_refused(owner: Client, staff: Client, device: dict[str, Any]) -> None:
    path = f"/devices/{device['id']}/status"
    staff.post(path, {"status": "bench", "reason": "as told"}, 403)
    assert owner.post(path, {"status": "in_stock", "reason": "as told"}, 409)["code"] == "not-in-stock"
    assert set(owner.post(path, {"status": "sold", "reason": "as told"}, 422)["fields"]) == {"status"}
    owner.post(path, {"status": "scrapped", "reason": "as told"}, 200)
    assert owner.post(path, {"status": "in_stock", "reason": "as told"}, 409)["code"] == "not-in-stock"
    owner.post(f"/devices/{NOBODY}/status", {"status": "bench", "reason": "as told"}, 404)


# --- its life


def test_the_history_tells_sale_customer_seller_and_warranty(
    owner: Client, staff: Client, phone: dict[str, Any], device: dict[str, Any]
) -> None:
    staff.post("/drawer-sessions", {"opening_float": 0})
    customer = staff.post("/customers", {"name": "Grace", "phone": "0772123456"})
    sale = staff.post("/sales", {
        **sale_of(phone, customer_id=customer["id"]), "items": [{"product_id": phone["id"], "device_id": device["id"]}],
    })  # fmt: skip
    sold = staff.get(f"/devices/{device['id']}")["sale"]
    assert (sold["sale_number"], sold["customer"], sold["seller"]) == (sale["sale_number"], "Grace", "Aisha")
    assert sold["warranty_expires_on"] == "2027-09-21"
    life = staff.get(f"/devices/{device['id']}/history")["items"]
    assert [(event["kind"], event["words"]) for event in life] == [("received", "Received"), ("sold", "Sold to Grace")]
    assert all("amount" not in event for event in life)
    assert owner.get(f"/devices/{device['id']}/history")["items"][0]["amount"] == 520_000


def test_a_phone_that_was_never_mended_has_no_repairs(staff: Client, device: dict[str, Any]) -> None:
    assert staff.get(f"/devices/{device['id']}/repairs") == {"items": [], "next_cursor": None}
    staff.get(f"/devices/{NOBODY}/repairs", 404)
    staff.get(f"/devices/{NOBODY}/history", 404)


# --- import

FILE = f"""Item,IMEI,Colour,Battery,Condition,Box
Tecno Spark 40,{IMEI},Black,87%,UK used,yes
Tecno Spark 40,{SECOND},,,,
"""


def test_a_file_is_tried_first_then_taken_and_taken_once(owner: Client, phone: dict[str, Any]) -> None:
    tried = owner.post("/devices/import", {"csv": FILE, "dry_run": True}, 200)
    assert (tried["new"], tried["wrong"], stock(owner)) == (2, 0, 0)
    done = owner.post("/devices/import", {"csv": FILE, "source": "Simba Telecom"}, 200)
    assert [(line["line"], line["result"]) for line in done["lines"]] == [(2, "new"), (3, "new")]
    first = owner.get(f"/devices?imei={IMEI}")["items"][0]
    assert (first["battery_pct"], first["condition"], first["has_box"], first["source"]) == (
        87, "used", True, "Simba Telecom",
    )  # fmt: skip
    assert owner.post("/devices/import", {"csv": FILE}, 200)["unchanged"] == 2
    assert stock(owner) == 2


def test_one_wrong_line_and_nothing_is_taken_where_that_was_asked(owner: Client, phone: dict[str, Any]) -> None:
    wrong = FILE + f"Tecno Spark 40,{THIRD[:-1]}1,,101%,perfect,\nNokia 3310,{THIRD},,,,\n"
    told = owner.post("/devices/import", {"csv": wrong, "all_or_nothing": True}, 200)
    assert (told["new"], told["wrong"], told["skipped"], stock(owner)) == (0, 2, 2, 0)
    assert told["lines"][0]["says"] == ["Not taken: another line is wrong, and all or nothing was asked for."]
    said = " ".join(told["lines"][2]["says"])
    assert "wrong digit" in said and "more than 100 %" in said and "“perfect” is none of" in said
    told = owner.post("/devices/import", {"csv": wrong}, 200)
    assert (told["new"], told["wrong"], stock(owner)) == (2, 2, 2)


def test_a_file_that_is_no_table_is_refused(owner: Client, staff: Client, phone: dict[str, Any]) -> None:
    assert set(owner.post("/devices/import", {"csv": "a,b\n1,2\n"}, 422)["fields"]) == {"file"}
    assert set(owner.post("/devices/import", {"csv": ""}, 422)["fields"]) == {"csv"}
    long = "Item,IMEI\n" + "Tecno Spark 40,1\n" * 20_001
    assert "20,000 lines" in owner.post("/devices/import", {"csv": long, "all_or_nothing": True}, 422)["fields"]["file"]
    assert staff.post("/devices/import", {"csv": FILE}, 200)["new"] == 2


def test_what_is_counted_by_the_piece_is_no_device(owner: Client) -> None:
    cable = owner.post("/products", CABLE)
    owner.post("/devices", {"product_id": cable["id"], "imei1": IMEI}, 422)


def test_a_device_has_its_own_price_and_remarks_and_a_low_price_needs_a_second_person(
    owner: Client, supervisor: Client, shop: Shop
) -> None:
    product = owner.post("/products", PHONE)["id"]
    taken = {"product_id": product, "imei1": IMEI, "remarks": "small scratch", "supplier_warranty_until": "2027-01-31"}
    device = owner.post("/devices", taken)
    assert (device["selling_price"], device["has_own_price"], device["remarks"]) == (640_000, False, "small scratch")
    assert device["supplier_warranty_until"] == "2027-01-31"

    where = f"/devices/{device['id']}"
    assert supervisor.put(where, {"selling_price": 100_000}, 403)["code"] == "approval-needed"
    priced = supervisor.put(where, {"selling_price": 600_000})
    assert (priced["selling_price"], priced["has_own_price"]) == (600_000, True)
    assert owner.put(where, {"selling_price": None})["selling_price"] == 640_000


def test_writing_a_device_off_above_ones_limit_takes_a_second_person(
    owner: Client, supervisor: Client, shop: Shop
) -> None:
    shop.do("settings.change", key="write_off_limit_supervisor_minor", value=1_000)
    device = owner.post("/devices", {"product_id": owner.post("/products", PHONE)["id"], "imei1": IMEI})
    where, why = f"/devices/{device['id']}", {"reason": "fell into the lake"}
    supervisor.delete(where, why, 403)
    scrap = {"status": "scrapped", **why}
    supervisor.post(f"{where}/status", scrap, 403)
    assert owner.delete(where, why)["status"] == "scrapped"
