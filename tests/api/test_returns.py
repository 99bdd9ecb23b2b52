"""Returns, exchanges, claims and price lists over the API; and approval by telephone from end to end."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.sales.models import Sale
from tests.api.client import Client
from tests.api.goods import IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.shop import Shop


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)


@pytest.fixture
def sale(staff: Client, cable: dict[str, Any]) -> dict[str, Any]:
    """Two cables, sold by Aisha."""
    return staff.post("/sales", sale_of(cable, 2))


def coming(sale: dict[str, Any], quantity: int = 1, /, **more: Any) -> dict[str, Any]:
    line = {"sale_line_id": sale["items"][0]["id"], "quantity": quantity, "restock": "new"}
    return {"sale_id": sale["id"], "lines": [line], "reason": "not wanted", **more}


def test_goods_are_taken_back(staff: Client, sale: dict[str, Any], cable: dict[str, Any]) -> None:
    done = staff.post("/returns", coming(sale))

    assert (done["number"], done["refund"], done["fee"]) == ("KLA1-R000001", 8_000, 0)
    assert done["paid_back"] == [{"method": "cash", "amount": 8_000}]
    assert done["lines"][0]["item_name"] == sale["items"][0]["item_name"]
    assert staff.get(f"/returns/{done['id']}")["lines"] == done["lines"]
    assert staff.get(f"/sales/{sale['id']}")["payment_status"] == "Partly refunded"
    assert staff.get(f"/products/{cable['id']}")["stock_quantity"] == 9


def test_returns_are_listed_and_found(staff: Client, sale: dict[str, Any]) -> None:
    made = [staff.post("/returns", coming(sale))["id"] for _ in range(2)]
    first = staff.get("/returns?limit=1")
    second = staff.get(f"/returns?limit=1&cursor={first['next_cursor']}")
    assert {first["items"][0]["id"], second["items"][0]["id"]} == set(made)
    assert second["next_cursor"] is None
    assert len(staff.get(f"/returns?sale_id={sale['id']}")["items"]) == 2
    assert staff.get(f"/returns?sale_id={NOBODY}")["items"] == []
    assert len(staff.get("/returns?number=R000002")["items"]) == 1


def test_more_than_was_sold_is_refused_in_words(staff: Client, sale: dict[str, Any]) -> None:
    problem = staff.post("/returns", coming(sale, 3), 409)
    assert (problem["code"], "Only 2" in problem["detail"]) == ("nothing-left", True)
    assert staff.post("/returns", {"reason": "not wanted", "lines": []}, 422)["fields"].keys() == {"lines"}


def test_a_return_sent_twice_is_one(staff: Client, sale: dict[str, Any]) -> None:
    form = coming(sale)
    answers = [staff.post("/returns", form, key="3b0d3b6e-1f2d-4c39-8a4e-6a2f4f1b7c55") for _ in range(2)]
    assert answers[0] == answers[1]


def test_an_exchange_is_one_call(staff: Client, sale: dict[str, Any], cable: dict[str, Any]) -> None:
    new = {"items": [{"product_id": cable["id"], "quantity": 3}], "payments": [{"method": "cash", "amount": 10_000}]}
    done = staff.post("/exchanges", coming(sale, 2, sale=new))
    assert (done["exchanged"], done["sale"]["final_amount"], done["sale"]["change"]) == (16_000, 24_000, 2_000)
    assert done["exchange_sale_id"] == done["sale"]["id"]
    assert done["sale"]["payment_method"] == "exchange,cash"


def test_a_claim_is_written_down_and_listed(staff: Client, owner: Client, cable: dict[str, Any]) -> None:
    phone = owner.post("/products", {**PHONE, "warranty_days": 90})
    owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI})
    form = {"items": [{"product_id": phone["id"], "imeis": [IMEI]}]}
    price = [{"method": "cash", "amount": phone["selling_price"]}]
    sold = owner.post("/sales", {**form, "payments": price})
    claim = staff.post("/warranty-claims", {"imei": IMEI, "outcome": "repair", "reason": "does not charge"})
    assert (claim["sale_line_id"], claim["outcome"]) == (sold["items"][0]["id"], "repair")
    assert staff.get(f"/warranty-claims?sale_line_id={claim['sale_line_id']}")["items"] == [claim]
    assert staff.get("/warranty-claims?outcome=refuse")["items"] == []


def test_price_lists_are_kept_by_the_owner_and_hold_at_the_counter(
    staff: Client, owner: Client, cable: dict[str, Any]
) -> None:
    assert staff.post("/price-lists", {"name": "Wholesale"}, 403)["code"] == "not-permitted"
    made = owner.post("/price-lists", {"name": "Wholesale"})
    assert owner.put(f"/price-lists/{made['id']}", {"name": "Dealers"})["name"] == "Dealers"
    owner.put("/prices", {"list_id": made["id"], "product_id": cable["id"], "price_minor": 6_000})
    owner.put("/prices", {"product_id": cable["id"], "min_quantity": 5, "price_minor": 7_000})
    kato = owner.post("/customers", {"name": "Kato", "phone": "+256798123457"})
    owner.put(f"/customers/{kato['id']}/price-list", {"list_id": made["id"]})

    cash = [{"method": "cash", "amount": 6_000}]
    form = {"items": [{"product_id": cable["id"]}], "payments": cash, "customer_id": kato["id"]}
    assert staff.post("/sales", form)["final_amount"] == 6_000
    prices = staff.get(f"/prices?product_id={cable['id']}")["items"]
    assert [(row["list_id"], row["min_quantity"], row["price"]) for row in prices] == [
        (made["id"], 1, 6_000), (None, 5, 7_000),
    ]  # fmt: skip
    assert staff.get("/prices?limit=1")["next_cursor"]
    owner.delete(f"/price-lists/{made['id']}")
    assert staff.get("/price-lists")["items"] == []


def test_a_sale_is_approved_by_telephone(staff: Client, owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    owner.post("/approvals/phone", {})
    items = [{"product_id": cable["id"], "quantity": 1, "unit_price": 100}]
    form = {"items": items, "payments": [{"method": "cash", "amount": 100}], "notes": "the last one, scratched"}
    assert staff.post("/sales", form, 403)["code"] == "approval-needed"

    asked = staff.post("/approvals/challenge", {"action": "sales.sell", "form": form})
    told = {name: asked[name] for name in ("challenge", "action", "amount", "document")}
    assert (told["amount"], told["document"]) == (100, "NEW")
    assert staff.post("/approvals/answer", told, 403)["code"] == "not-permitted"
    code = owner.post("/approvals/answer", told, 200)["code"]

    headers = {"X-Approver-Challenge": asked["challenge"], "X-Approver-Code": code}
    assert staff.post("/sales", form, 422, headers={"X-Approver-Code": code})["fields"].keys() == {
        "X-Approver-Challenge"
    }
    assert staff.post("/sales", form, headers=headers)["final_amount"] == 100
    assert staff.post("/sales", form, 409, headers=headers)["code"] == "question-closed"
    assert len(shop.rows(Sale)) == 1


def test_sales_are_narrowed_by_customer_and_amount(staff: Client, owner: Client, cable: dict[str, Any]) -> None:
    kato = owner.post("/customers", {"name": "Kato", "phone": "+256798123457"})
    mine = staff.post("/sales", sale_of(cable, 1, customer_id=kato["id"]))["id"]
    staff.post("/sales", sale_of(cable, 3))
    assert [row["id"] for row in staff.get(f"/sales?customer_id={kato['id']}")["items"]] == [mine]
    assert [row["id"] for row in staff.get("/sales?amount_to=10000")["items"]] == [mine]
    assert len(staff.get("/sales?amount_from=8000")["items"]) == 2
