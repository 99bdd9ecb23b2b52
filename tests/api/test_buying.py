"""Suppliers, orders, deliveries, stocktakes, transfers and the worth of the stock, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.goods import CABLE, IMEI, NOBODY, PHONE, open_for_business, sale_of


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)  # ten on the shelf


@pytest.fixture
def supplier(owner: Client) -> dict[str, Any]:
    return owner.post("/suppliers", {"name": "Simba Telecom", "phone": "0772123456", "terms_days": 30})


def test_suppliers_are_kept_by_the_owner(owner: Client, staff: Client, supplier: dict[str, Any]) -> None:
    assert (supplier["phone"], supplier["owed"], supplier["is_active"]) == ("+256772123456", 0, True)
    changed = owner.put(f"/suppliers/{supplier['id']}", {"lead_days": 4})
    assert changed == supplier | {"lead_days": 4}
    assert [row["id"] for row in owner.get("/suppliers?q=simba")["items"]] == [supplier["id"]]
    assert owner.delete(f"/suppliers/{supplier['id']}")["is_active"] is False
    assert owner.get("/suppliers")["items"] == []
    assert owner.put(f"/suppliers/{supplier['id']}", {"is_active": True})["is_active"] is True
    staff.get("/suppliers", 403)
    owner.get(f"/suppliers/{NOBODY}", 404)


def test_an_order_is_received_and_its_bill_is_paid(
    owner: Client, supervisor: Client, supplier: dict[str, Any], cable: dict[str, Any]
) -> None:
    lines = [{"product_id": cable["id"], "quantity": 10, "unit_cost_minor": 2_000}]
    order = supervisor.post("/purchase-orders", {"supplier_id": supplier["id"], "lines": lines})
    assert (order["status"], order["number"]) == ("draft", "")
    assert "total" not in order
    order = owner.put(f"/purchase-orders/{order['id']}", {"expected_on": "2026-09-30"})
    assert (order["expected_on"], order["total"]) == ("2026-09-30", 20_000)
    order = owner.post(f"/purchase-orders/{order['id']}/order", status=200)
    assert (order["number"], order["to_come"]) == ("KLA1-P000001", 10)

    came = {"order_id": order["id"], "lines": [{"product_id": cable["id"], "quantity": 11}]}
    assert supervisor.post("/goods-receipts", came, 403)["code"] == "approval-needed"
    receipt = owner.post("/goods-receipts", came)
    assert (receipt["number"], receipt["order_number"]) == ("KLA1-G000001", "KLA1-P000001")
    assert owner.get(f"/purchase-orders/{order['id']}")["status"] == "closed"
    assert owner.get(f"/goods-receipts?order_id={order['id']}")["items"] == [receipt]

    paid = owner.post(f"/suppliers/{supplier['id']}/payments", {"method": "cash", "amount": 5_000})
    assert (paid["owed"], paid["number"]) == (17_000, "KLA1-M000001")
    owner.post(f"/suppliers/{supplier['id']}/credit-notes", {"amount": 2_000, "reason": "one was broken"})
    owner.post(f"/suppliers/{supplier['id']}/corrections", {"amount": -1_000, "reason": "rounded by them"})
    told = owner.get(f"/suppliers/{supplier['id']}/statement")
    assert (told["opening"], told["closing"], len(told["entries"])) == (0, 14_000, 4)
    (debt,) = owner.get("/suppliers/debts")["items"]
    assert (debt["owed"], debt["not_due"]) == (14_000, 14_000)
    assert owner.post(f"/suppliers/{supplier['id']}/payments", {"method": "cash", "amount": 0}, 422)["fields"]


def test_phones_come_on_a_delivery_and_go_back_to_their_supplier(owner: Client, supplier: dict[str, Any]) -> None:
    phone = owner.post("/products", PHONE)
    line = {"product_id": phone["id"], "quantity": 1, "unit_cost_minor": 500_000, "phones": [{"imei1": IMEI}]}
    owner.post("/goods-receipts", {"supplier_id": supplier["id"], "lines": [line], "extra_cost_minor": 5_000})
    (device,) = owner.get(f"/devices?imei={IMEI}")["items"]
    assert device["purchase_price"] == 505_000
    sent = owner.post("/supplier-returns", {"device_id": device["id"], "reason": "dead on arrival"})
    assert (sent["number"], sent["device_status"]) == ("KLA1-B000001", "supplier")
    ended = owner.post(f"/supplier-returns/{sent['id']}/end", {"outcome": "credited"}, 200)
    assert ended["device_status"] == "scrapped"
    assert owner.get(f"/suppliers/{supplier['id']}")["owed"] == -5_000


def test_phones_that_went_back_are_listed_until_and_after_they_end(
    owner: Client, supervisor: Client, staff: Client, supplier: dict[str, Any]
) -> None:
    phone = owner.post("/products", PHONE)
    line = {"product_id": phone["id"], "quantity": 1, "unit_cost_minor": 500_000, "phones": [{"imei1": IMEI}]}
    owner.post("/goods-receipts", {"supplier_id": supplier["id"], "lines": [line]})
    (device,) = owner.get(f"/devices?imei={IMEI}")["items"]
    sent = owner.post("/supplier-returns", {"device_id": device["id"], "reason": "dead on arrival"})

    (waits,) = supervisor.get("/supplier-returns?ended=false")["items"]
    assert (waits["number"], waits["supplier_name"], waits["device_number"]) == (sent["number"], "Simba Telecom", IMEI)
    assert (waits["outcome"], waits["reason"], "credited" in waits) == (None, "dead on arrival", False)
    assert owner.get("/supplier-returns?ended=true")["items"] == []

    owner.post(f"/supplier-returns/{sent['id']}/end", {"outcome": "credited"}, 200)

    ended = owner.get(f"/supplier-returns/{sent['id']}")
    assert (ended["outcome"], ended["credited"]) == ("credited", 500_000)
    assert owner.get(f"/supplier-returns?supplier_id={supplier['id']}&ended=true")["items"] == [ended]
    assert owner.get(f"/supplier-returns?supplier_id={NOBODY}")["items"] == []
    assert "credited" not in supervisor.get(f"/supplier-returns/{sent['id']}")
    staff.get("/supplier-returns", 403)
    owner.get(f"/supplier-returns/{NOBODY}", 404)


def test_a_stocktake_is_blind_and_moves_the_stock_when_approved(
    owner: Client, staff: Client, cable: dict[str, Any]
) -> None:
    count = staff.post("/stocktakes", {})
    staff.put(f"/stocktakes/{count['id']}/counts", {"product_id": cable["id"], "counted": 8})
    assert staff.post(f"/stocktakes/{count['id']}/scans", {"number": IMEI})["already"] is False
    assert staff.post(f"/stocktakes/{count['id']}/scans", {"number": IMEI})["already"] is True
    blind = staff.post(f"/stocktakes/{count['id']}/submit", status=200)
    assert {line["expected"] for line in blind["lines"]} == {None}
    assert {line["expected"] for line in owner.get(f"/stocktakes/{count['id']}")["lines"]} == {10, 0}
    staff.post(f"/stocktakes/{count['id']}/approve", status=403)
    done = owner.post(f"/stocktakes/{count['id']}/approve", status=200)
    assert (done["status"], done["difference"]) == ("approved", -2 * CABLE["cost_price"])
    assert owner.get(f"/products/{cable['id']}")["stock_quantity"] == 8
    assert [row["id"] for row in owner.get("/stocktakes")["items"]] == [count["id"]]


def test_the_worth_of_the_stock_and_what_to_order(
    owner: Client, staff: Client, supplier: dict[str, Any], cable: dict[str, Any]
) -> None:
    value = owner.get("/stock-value")
    assert (value["pieces"], value["value"]) == (10, 10 * CABLE["cost_price"])
    assert owner.get("/stock-value?on=2020-01-01")["value"] == 0
    staff.get("/stock-value", 403)
    owner.post("/sales", sale_of(cable, 8))
    (line,) = owner.get("/purchase-orders/suggestions")["items"]
    assert (line["product_id"], line["sold_in_28_days"], line["on_hand"]) == (cable["id"], 8, 2)
    assert owner.post("/purchase-orders/suggestions", {}, 409)["code"] == "nothing-to-order"  # it has no supplier
    movements = owner.get(f"/stock-movements?product_id={cable['id']}&movement_type=sold&from_on=2026-09-21")
    assert [row["quantity"] for row in movements["items"]] == [-8]


def test_a_bundle_has_its_parts(owner: Client, staff: Client, cable: dict[str, Any]) -> None:
    kit = owner.post("/products", {"name": "Two cables", "category": "Kits", "selling_price": 15_000})
    parts = {"parts": [{"product_id": cable["id"], "quantity": 2}]}
    bundle = owner.put(f"/products/{kit['id']}/bundle", parts)
    assert (bundle["on_hand"], bundle["parts"][0]["quantity"]) == (5, 2)
    assert staff.get(f"/products/{kit['id']}/bundle") == bundle
    staff.put(f"/products/{kit['id']}/bundle", parts, 403)
    staff.get(f"/products/{NOBODY}/bundle", 404)


def test_a_transfer_to_nowhere_is_refused(owner: Client, cable: dict[str, Any]) -> None:
    form = {"to_shop_id": NOBODY, "items": [{"product_id": cable["id"], "quantity": 1}]}
    owner.post("/transfers", form, 404)
    assert owner.get("/transfers")["items"] == []
    owner.get(f"/transfers/{NOBODY}", 404)


def test_what_is_owed_to_a_supplier_is_told_to_owners_alone(owner: Client, supervisor: Client) -> None:
    made = owner.post("/suppliers", {"name": "Kampala Mobile"})
    assert owner.get("/suppliers")["items"][0]["owed"] == 0
    for answer in (supervisor.get("/suppliers")["items"][0], supervisor.get(f"/suppliers/{made['id']}")):
        assert answer["name"] == "Kampala Mobile" and "owed" not in answer
