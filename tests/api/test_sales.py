"""Sales over the API: who may do what to them, and what stands in the books afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.sales.models import Sale, SaleAmendment, SaleDecision
from tests.api.client import Client
from tests.api.goods import IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.shop import PINS, Shop

SEED_COLUMNS = {
    "id", "sale_number", "customer_id", "total_amount", "discount_amount", "tax_amount", "final_amount",
    "payment_method", "payment_status", "status", "notes", "created_by", "approved_by", "approved_at", "created_at",
    "updated_at",
}  # fmt: skip


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)


@pytest.fixture
def sale(staff: Client, cable: dict[str, Any]) -> dict[str, Any]:
    """Two cables, sold by Aisha."""
    return staff.post("/sales", sale_of(cable, 2))


def stock_of(client: Client, product: dict[str, Any]) -> int:
    return client.get(f"/products/{product['id']}")["stock_quantity"]


# --- who may: the seed's own tests and their siblings


def test_create_sale_as_staff(staff: Client, shop: Shop, cable: dict[str, Any]) -> None:
    sale = staff.post("/sales", sale_of(cable, 2, notes="a gift"))

    assert sale.keys() >= SEED_COLUMNS | {"items", "payments", "change"}
    assert (sale["sale_number"], sale["status"], sale["payment_status"]) == ("KLA1-000001", "Submitted", "Paid")
    assert (sale["total_amount"], sale["final_amount"], sale["notes"]) == (16_000, 16_000, "a gift")
    assert sale["created_by"] == shop.cashier.id
    assert sale["items"][0]["total_price"] == 16_000
    assert stock_of(staff, cable) == 8
    assert [change.fields["number"] for change in shop.changes("sale")] == ["KLA1-000001"]


def test_create_sale_as_supervisor(supervisor: Client, cable: dict[str, Any]) -> None:
    assert supervisor.post("/sales", sale_of(cable))["final_amount"] == 8_000


def test_create_sale_as_owner(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    sale = owner.post("/sales", sale_of(cable))

    assert sale["created_by"] == shop.owner.id
    assert owner.get(f"/sales/{sale['id']}") == sale


def test_create_sale_without_signing_in_forbidden(anybody: Client, shop: Shop, cable: dict[str, Any]) -> None:
    assert anybody.post("/sales", sale_of(cable), 401)["code"] == "not-signed-in"
    assert shop.rows(Sale) == []


def test_edit_sale_as_staff_forbidden(staff: Client, shop: Shop, sale: dict[str, Any]) -> None:
    assert staff.put(f"/sales/{sale['id']}", {"notes": "mine"}, 403)["code"] == "not-permitted"
    assert shop.rows(SaleAmendment) == []


def test_edit_sale_as_supervisor(supervisor: Client, sale: dict[str, Any]) -> None:
    assert supervisor.put(f"/sales/{sale['id']}", {"notes": "called back"})["notes"] == "called back"


def test_edit_sale_as_owner(owner: Client, shop: Shop, sale: dict[str, Any], cable: dict[str, Any]) -> None:
    change = {"items": [{"product_id": cable["id"], "quantity": 1}], "reason": "counted twice"}
    payments = [{"method": "mtn", "amount": 8_000, "reference": "27183141592"}]

    edited = owner.put(f"/sales/{sale['id']}", {**change, "payments": payments})

    assert (edited["final_amount"], edited["payment_method"]) == (8_000, "cash,mtn_momo")
    assert [item["quantity"] for item in edited["items"]] == [1]
    assert sum(payment["amount"] for payment in edited["payments"]) == 8_000
    assert stock_of(owner, cable) == 9
    assert shop.rows(SaleAmendment)[0].reason == "counted twice"
    assert edited["sale_number"] == sale["sale_number"]


def test_delete_sale_as_staff_forbidden(staff: Client, sale: dict[str, Any]) -> None:
    staff.delete(f"/sales/{sale['id']}", status=403)


def test_delete_sale_as_supervisor_forbidden(supervisor: Client, shop: Shop, sale: dict[str, Any]) -> None:
    assert supervisor.delete(f"/sales/{sale['id']}", status=403)["code"] == "not-permitted"
    assert shop.rows(SaleDecision) == []


def test_delete_sale_as_owner(owner: Client, shop: Shop, sale: dict[str, Any], cable: dict[str, Any]) -> None:
    gone = owner.delete(f"/sales/{sale['id']}", {"reason": "rung up twice", "restock": "resell"})

    assert (gone["status"], gone["payment_status"], gone["sale_number"]) == ("Voided", "Refunded", "KLA1-000001")
    assert stock_of(owner, cable) == 10
    assert shop.rows(SaleDecision)[0].reason == "rung up twice"
    assert len(shop.rows(Sale)) == 1


def test_delete_sale_needs_no_body(owner: Client, shop: Shop, sale: dict[str, Any]) -> None:
    owner.delete(f"/sales/{sale['id']}")
    assert (shop.rows(SaleDecision)[0].reason, shop.rows(SaleDecision)[0].restock) == ("Voided", "resell")


@pytest.mark.parametrize("decision", ["approve", "reject", "lock", "unlock", "reverse"])
def test_decide_sale_as_supervisor_forbidden(supervisor: Client, sale: dict[str, Any], decision: str) -> None:
    supervisor.post(f"/sales/{sale['id']}/{decision}", status=403)


def test_approve_sale_as_owner(owner: Client, shop: Shop, sale: dict[str, Any]) -> None:
    shop.clock.advance(60_000)
    approved = owner.post(f"/sales/{sale['id']}/approve", status=200)

    assert (approved["status"], approved["approved_by"]) == ("Approved", shop.owner.id)
    assert approved["approved_at"] == approved["updated_at"] > approved["created_at"]


def test_reject_sale_as_owner(owner: Client, sale: dict[str, Any]) -> None:
    assert owner.post(f"/sales/{sale['id']}/reject", {"reason": "no name"}, 200)["status"] == "Rejected"


def test_lock_sale_as_owner(owner: Client, supervisor: Client, sale: dict[str, Any]) -> None:
    assert owner.post(f"/sales/{sale['id']}/lock", status=200)["status"] == "Locked"
    assert supervisor.put(f"/sales/{sale['id']}", {"notes": "late"}, 409)["code"] == "sale-locked"
    assert owner.post(f"/sales/{sale['id']}/unlock", status=200)["status"] == "Approved"


def test_reverse_sale_as_owner(owner: Client, sale: dict[str, Any]) -> None:
    owner.post(f"/sales/{sale['id']}/lock", status=200)
    taken_back = owner.post(f"/sales/{sale['id']}/reverse", {"reason": "wrong model"}, 200)

    assert (taken_back["status"], taken_back["payment_status"]) == ("Reversed", "Refunded")
    assert owner.post(f"/sales/{sale['id']}/reverse", status=409)["code"] == "sale-undone"
    assert owner.post(f"/sales/{sale['id']}/refund", status=409)["code"] == "nothing-due"


def test_staff_see_their_own_sales_only(shop: Shop, owner: Client, staff: Client, cable: dict[str, Any]) -> None:
    hers = staff.post("/sales", sale_of(cable))
    shop.clock.advance(1_000)
    his = owner.post("/sales", sale_of(cable))

    assert [row["id"] for row in staff.get("/sales")["items"]] == [hers["id"]]
    assert [row["id"] for row in owner.get("/sales")["items"]] == [his["id"], hers["id"]]
    for path in (f"/sales/{his['id']}", f"/sales/receipt/{his['id']}"):
        assert staff.get(path, 404)["code"] == "not-found"


# --- what is sold


def test_an_empty_edit_changes_nothing(owner: Client, shop: Shop, sale: dict[str, Any]) -> None:
    assert owner.put(f"/sales/{sale['id']}", {}) == sale
    assert shop.rows(SaleAmendment) == []


def test_what_is_answered_can_be_sent_again(owner: Client, cable: dict[str, Any]) -> None:
    """The amounts mean the same in both directions, so editing one field of what was read changes only that field."""
    item = {"product_id": cable["id"], "quantity": 2, "discount_amount": 500}
    sale = owner.post(
        "/sales", {"items": [item], "discount_amount": 300, "payments": [{"method": "cash", "amount": 15_200}]}
    )

    assert (sale["total_amount"], sale["discount_amount"], sale["final_amount"]) == (15_500, 300, 15_200)
    again = owner.put(f"/sales/{sale['id']}", {"discount_amount": sale["discount_amount"], "notes": "checked"})
    assert (again["total_amount"], again["final_amount"]) == (15_500, 15_200)


def test_cash_gives_change_and_payments_may_be_split(owner: Client, cable: dict[str, Any]) -> None:
    payments = [
        {"method": "mtn_momo", "amount": 5_000, "reference": "27183141593"},
        {"method": "Cash", "amount": 5_000},
    ]
    sale = owner.post("/sales", {"items": [{"product_id": cable["id"]}], "payments": payments})

    assert sale["change"] == 2_000
    assert [(row["method"], row["amount"]) for row in sale["payments"]] == [("mtn_momo", 5_000), ("cash", 3_000)]
    assert sale["payment_method"] == "mtn_momo,cash"


def test_a_phone_is_sold_by_its_number(owner: Client, cable: dict[str, Any]) -> None:
    phone = owner.post("/products", PHONE)
    device = owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI})
    ticket = {"items": [{"device_id": device["id"]}], "payments": [{"method": "cash", "amount": 640_000}]}

    sale = owner.post("/sales", ticket)

    assert (sale["items"][0]["device_id"], sale["items"][0]["imei"]) == (device["id"], IMEI)
    assert owner.get(f"/devices/{device['id']}")["sale"]["sale_id"] == sale["id"]
    assert owner.post("/sales", ticket, 409)["code"] == "unit-not-for-sale"
    assert owner.post("/sales", {**ticket, "items": [{"product_id": phone["id"]}]}, 422)["fields"].keys() == {"items.0"}


def test_a_thing_without_a_product_is_sold_by_name(owner: Client, cable: dict[str, Any]) -> None:
    item = {"item_name": "Unlocking", "unit_price": 20_000, "category": "Services", "unit_cost": 0}
    sale = owner.post("/sales", {"items": [item], "payments": [{"method": "card", "amount": 20_000}]})
    assert (sale["items"][0]["item_name"], sale["items"][0]["product_id"]) == ("Unlocking", None)


def test_above_the_limit_a_second_person_enters_their_pin(staff: Client, shop: Shop, cable: dict[str, Any]) -> None:
    ticket = sale_of(cable, 1, discount_amount=1_000)
    assert staff.post("/sales", ticket, 403)["code"] == "approval-needed"

    brian = {"X-Approver-Id": shop.supervisor.id or "", "X-Approver-Pin": PINS["Brian"]}
    wrong = {**brian, "X-Approver-Pin": "9999"}
    assert staff.post("/sales", ticket, 403, headers=wrong)["code"] == "wrong-pin"
    assert staff.post("/sales", ticket, 422, headers={"X-Approver-Pin": "9999"})["fields"].keys() == {"X-Approver-Id"}
    assert staff.post("/sales", sale_of(cable, 1, discount_amount=4_000), 403, headers=brian)["code"] == "not-permitted"
    assert staff.post("/sales", ticket, headers=brian)["final_amount"] == 7_000


def test_a_closed_drawer_sells_nothing(owner: Client, shop: Shop) -> None:
    ticket = {
        "items": [{"item_name": "Case", "unit_price": 1_000, "category": "Services", "unit_cost": 0}],
        "payments": [{"method": "cash", "amount": 1_000}],
    }
    assert owner.post("/sales", ticket, 409)["code"] == "drawer-closed"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": []}, "items"),
        ({"items": [{"quantity": 1}]}, "items.0"),
        ({"items": [{"product_id": NOBODY}]}, "items.0"),
        ({"items": [{"device_id": NOBODY}]}, "items.0"),
        ({"customer_id": "5"}, "customer_id"),
        ({"discount_amount": 10**15}, "discount_amount"),
        ({"discount_amount": -1}, "discount_amount"),
        ({"discount_amount": 9_000}, "discount_amount"),
        ({"payments": [{"method": "cheque", "amount": 8_000}]}, "payments.0.method"),
        ({"payments": [{"method": "mtn", "amount": 8_000}]}, "payments.0.reference"),
        ({"payments": [{"method": "cash", "amount": 1}]}, "payments"),
        ({"payments": [{"method": "card", "amount": 9_000}]}, "payments"),
    ],
)
def test_a_wrong_ticket_names_its_field(
    owner: Client, shop: Shop, cable: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    assert field in owner.post("/sales", {**sale_of(cable), **change}, 422)["fields"]
    assert shop.rows(Sale) == []


# --- reading


def test_sales_are_listed_page_by_page(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    made = []
    for _ in range(5):
        shop.clock.advance(1_000)
        made.append(owner.post("/sales", sale_of(cable))["id"])

    first = owner.get("/sales?limit=2")
    second = owner.get(f"/sales?limit=2&cursor={first['next_cursor']}")
    last = owner.get(f"/sales?limit=2&cursor={second['next_cursor']}")

    found = [row["id"] for page in (first, second, last) for row in page["items"]]
    assert (found, last["next_cursor"]) == (made[::-1], None)


def test_sales_are_found_by_number_status_day_and_tender(owner: Client, sale: dict[str, Any]) -> None:
    day = sale["business_on"]
    for query, count in [
        ("q=000001", 1), ("q=USB", 1), ("q=nothing", 0), ("status=Submitted", 1), ("status=Voided", 0),
        (f"date={day}", 1), (f"date_from={day}&date_to={day}", 1), ("date=2020-01-01", 0),
        ("payment_method=cash", 1), ("payment_method=card", 0), (f"seller_id={sale['created_by']}", 1),
    ]:  # fmt: skip
        assert len(owner.get(f"/sales?{query}")["items"]) == count, query


def test_the_list_tells_what_the_sale_itself_tells(owner: Client, sale: dict[str, Any]) -> None:
    owner.put(f"/sales/{sale['id']}", {"notes": "checked"})
    owner.post(f"/sales/{sale['id']}/approve", status=200)
    whole = owner.get(f"/sales/{sale['id']}")
    assert owner.get("/sales")["items"] == [{name: whole[name] for name in owner.get("/sales")["items"][0]}]


def test_the_receipt_is_a_pdf(owner: Client, sale: dict[str, Any]) -> None:
    for size in ("", "?size=a4", "?size=80mm"):
        response = owner.call("GET", f"/sales/receipt/{sale['id']}{size}")
        assert (response.status_code, response.content_type) == (200, "application/pdf")
        assert response.get_data().startswith(b"%PDF-")
    owner.get(f"/sales/receipt/{NOBODY}", 404)
