"""Customers, their accounts, plans and financiers over the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.client import Client
from tests.api.goods import IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.shop import Shop

SEED_COLUMNS = {
    "id", "name", "phone", "email", "address", "id_number", "date_of_birth", "gender", "notes", "loyalty_points",
    "total_purchases", "created_by", "created_at",
}  # fmt: skip
NAKATO = {"name": "Nakato Prossy", "phone": "0772 123 456", "date_of_birth": "1990-02-03", "gender": "female"}


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)


@pytest.fixture
def nakato(owner: Client) -> dict[str, Any]:
    made = owner.post("/customers", NAKATO)
    owner.put(f"/customers/{made['id']}/credit", {"credit_limit": 1_000_000})
    return owner.get(f"/customers/{made['id']}")


@pytest.fixture
def phone(owner: Client, cable: dict[str, Any]) -> str:
    """A phone in stock, by its unit."""
    product = owner.post("/products", PHONE)
    return str(owner.post("/devices", {"product_id": product["id"], "imei1": IMEI})["id"])


def on_account(product: dict[str, Any], who: dict[str, Any], quantity: int = 1) -> dict[str, Any]:
    pay = [{"method": "on_account", "amount": quantity * product["selling_price"]}]
    return sale_of(product, quantity, customer_id=who["id"]) | {"payments": pay}


def approval(shop: Shop) -> dict[str, str]:
    given = shop.approval_by(shop.supervisor.role)
    return {"X-Approver-Id": given.staff_id, "X-Approver-Pin": given.pin}


def test_create_customer_as_staff_with_the_seeds_columns(staff: Client, owner: Client) -> None:
    made = staff.post("/customers", NAKATO)
    whole = owner.get(f"/customers/{made['id']}")
    assert whole.keys() >= SEED_COLUMNS
    assert (made["phone"], made["network"], made["date_of_birth"]) == ("+256772123456", "MTN", "1990-02-03")
    assert (whole["owes"], whole["lifetime_value"], whole["credit_limit"]) == (0, 0, None)
    assert staff.post("/customers", NAKATO, 409)["code"] == "already-customer"


@pytest.mark.parametrize(("field", "value"), [
    ("date_of_birth", "2999-01-01"), ("date_of_birth", "yesterday"), ("price_list_id", NOBODY), ("phone", "12"),
    ("date_of_birth", 19),
])  # fmt: skip
def test_what_is_wrong_about_a_customer_is_named(owner: Client, field: str, value: Any) -> None:
    assert set(owner.post("/customers", {**NAKATO, field: value}, 422)["fields"]) == {field}


def test_consent_is_given_and_taken_back(owner: Client, nakato: dict[str, Any]) -> None:
    assert owner.put(f"/customers/{nakato['id']}", {"may_message": True})["may_message"] is True
    assert owner.put(f"/customers/{nakato['id']}", {"may_message": False, "gender": None})["may_message"] is False


def test_the_list_is_sorted_by_name_or_by_age(owner: Client, shop: Shop) -> None:
    for name in ("Okello", "Achan", "Mugisha"):
        owner.post("/customers", {"name": name})
        shop.clock.advance(1_000)

    def names(query: str) -> list[str]:
        return [row["name"] for row in owner.get(f"/customers?{query}")["items"]]

    assert names("") == ["Achan", "Mugisha", "Okello"]
    assert names("sort=-created_at") == ["Mugisha", "Achan", "Okello"]
    first = owner.get("/customers?sort=-created_at&limit=2")
    rest = owner.get(f"/customers?sort=-created_at&limit=2&cursor={first['next_cursor']}")
    assert [row["name"] for row in rest["items"]] == ["Okello"]


def test_a_sale_on_account_a_payment_and_the_statement(
    owner: Client, staff: Client, cable: dict[str, Any], nakato: dict[str, Any]
) -> None:
    sold = staff.post("/sales", on_account(cable, nakato, 2))
    at = f"/customers/{nakato['id']}"
    paid = staff.post(f"{at}/payments", {"method": "cash", "amount": 10_000})
    assert (paid["applied"], paid["owes"], paid["to_store_credit"]) == (10_000, 6_000, 0)
    told = owner.get(f"{at}/statement")
    assert [line["amount"] for line in told["lines"]] == [16_000, -10_000]
    assert (told["closing_balance"], told["ageing"]["not_due"]) == (6_000, 6_000)
    entries = owner.get(f"{at}/account-entries?account=credit&limit=1")
    assert (entries["items"][0]["kind"], entries["next_cursor"] is not None) == ("payment", True)
    assert owner.get("/receivables")["items"][0]["owes"] == 6_000
    assert owner.get("/receivables?overdue=true")["items"] == []
    assert owner.get("/receivables/due?days=60")["items"][0]["sale_number"] == sold["sale_number"]
    assert owner.get(f"{at}/statement?date_from=2026-02-02&date_to=2026-01-01", 422)["fields"].keys() == {"date_from"}


def test_what_they_bought_and_have(owner: Client, staff: Client, phone: str, nakato: dict[str, Any]) -> None:
    ticket = {"items": [{"device_id": phone}], "customer_id": nakato["id"]}
    pay = [{"method": "cash", "amount": PHONE["selling_price"]}]
    sold = staff.post("/sales", {**ticket, "payments": pay})
    at = f"/customers/{nakato['id']}"
    (device,) = owner.get(f"{at}/devices")["items"]
    assert (device["imei"], device["sale_id"], device["warranty_until"]) == (IMEI, sold["id"], "2027-09-21")
    assert [row["id"] for row in owner.get(f"{at}/purchases")["items"]] == [sold["id"]]
    assert owner.get(at)["lifetime_value"] == owner.get(at)["total_purchases"] == PHONE["selling_price"]
    assert owner.get(f"{at}/repairs")["items"] == []
    owner.delete(f"/sales/{sold['id']}")
    assert owner.get(f"{at}/devices")["items"] == []
    assert owner.get(at)["lifetime_value"] == 0
    for end in ("", "/purchases", "/devices", "/repairs", "/statement", "/account-entries"):
        owner.get(f"/customers/{NOBODY}{end}", 404)


def test_store_credit_is_sold_used_and_paid_out(
    owner: Client, staff: Client, shop: Shop, cable: dict[str, Any], nakato: dict[str, Any]
) -> None:
    at = f"/customers/{nakato['id']}"
    staff.post("/sales", on_account(cable, nakato))
    assert staff.post(f"{at}/store-credit", {"method": "cash", "amount": 20_000})["store_credit"] == 20_000
    assert staff.post(f"{at}/store-credit/use", {"amount": 8_000}, 200)["owes"] == 0
    out = {"method": "cash", "amount": 2_000}
    assert staff.post(f"{at}/store-credit/pay-out", out, 403)["code"] == "approval-needed"
    assert staff.post(f"{at}/store-credit/pay-out", out, headers=approval(shop))["store_credit"] == 10_000
    assert owner.post(f"{at}/store-credit/pay-out", {**out, "amount": 10_001}, 409)["code"] == "too-little"
    form = {"account": "points", "amount": 5, "reason": "goodwill"}
    assert owner.post(f"{at}/corrections", form)["points"] == 5
    assert staff.post(f"{at}/corrections", form, 403)["code"] == "not-permitted"


def test_rule_42_unallocated_money_over_the_api(
    staff: Client, owner: Client, cable: dict[str, Any], nakato: dict[str, Any]
) -> None:
    came = {"method": "mtn", "amount": 4_000, "reference": "R1"}
    first = staff.post("/unallocated-money", came)
    second = staff.post("/unallocated-money", {**came, "reference": "R2"})
    waiting = {row["id"] for row in owner.get("/unallocated-money")["items"]}
    assert waiting == {first["money_id"], second["money_id"]}
    whose = {"customer_id": nakato["id"]}
    assert staff.post(f"/unallocated-money/{first['money_id']}/allocate", whose, 403)["code"] == "approval-needed"
    owner.post(f"/unallocated-money/{first['money_id']}/allocate", whose, 200)
    back = {"method": "mtn", "reference": "R3", "reason": "wrong number"}
    owner.post(f"/unallocated-money/{second['money_id']}/send-back", back, 200)
    assert owner.get("/unallocated-money")["items"] == []
    assert owner.get(f"/customers/{nakato['id']}")["store_credit"] == 4_000


def test_merge_and_erase_over_the_api(owner: Client, supervisor: Client, nakato: dict[str, Any]) -> None:
    twin = owner.post("/customers", {"name": "Nakato P."})
    kept = owner.post(f"/customers/{twin['id']}/merge", {"into_id": nakato["id"]}, 200)
    assert (kept["id"], owner.get(f"/customers/{twin['id']}")["merged_into"]) == (nakato["id"], nakato["id"])
    asked = {"reason": "asked by letter"}
    assert supervisor.post(f"/customers/{nakato['id']}/erase", asked, 403)["code"] == "not-permitted"
    gone = owner.post(f"/customers/{nakato['id']}/erase", asked, 200)
    assert (gone["name"], gone["phone"], gone["is_active"]) == ("Erased customer", None, False)
    assert owner.get("/customers")["items"] == []


def test_a_layaway_over_the_api(owner: Client, staff: Client, phone: str, nakato: dict[str, Any]) -> None:
    form = {
        "kind": "layaway", "customer_id": nakato["id"], "items": [{"device_id": phone}],
        "payments": [{"method": "cash", "amount": 140_000}], "keep_until": "2026-12-01",
    }  # fmt: skip
    made = staff.post("/plans", form)
    assert (made["paid"], made["open"], made["keep_until"], made["items"][0]["imei"]) == (
        140_000, 500_000, "2026-12-01", IMEI,
    )  # fmt: skip
    assert owner.get("/plans/deposits") == {"plans": 1, "owed": 140_000}
    at = f"/plans/{made['id']}"
    assert staff.post(f"{at}/payments", {"method": "cash", "amount": 100_000})["open"] == 400_000
    done = staff.post(f"{at}/complete", {"payments": [{"method": "cash", "amount": 400_000}]}, 200)
    assert (done["status"], done["sale_id"] is not None) == ("completed", True)
    assert staff.post(f"{at}/forfeit", {"reason": "too late"}, 409)["code"] == "plan-ended"
    assert [row["id"] for row in owner.get("/plans?status=completed")["items"]] == [made["id"]]
    assert owner.get("/plans?passed=true")["items"] == []


def test_a_plan_is_given_up_or_called_off_over_the_api(owner: Client, phone: str, nakato: dict[str, Any]) -> None:
    form = {
        "kind": "layaway", "customer_id": nakato["id"], "items": [{"device_id": phone}],
        "payments": [{"method": "cash", "amount": 200_000}],
    }  # fmt: skip
    first = owner.post("/plans", form)
    ended = owner.post(f"/plans/{first['id']}/forfeit", {"reason": "moved away"}, 200)
    assert (ended["kept"], ended["to_store_credit"]) == (20_000, 180_000)
    second = owner.post("/plans", form)
    ended = owner.post(f"/plans/{second['id']}/cancel", {"reason": "we broke it", "method": "cash"}, 200)
    assert (ended["given_back"], ended["plan"]["status"]) == (200_000, "cancelled")
    assert owner.get(f"/plans?customer_id={nakato['id']}&limit=1")["next_cursor"] is not None


def test_financiers_over_the_api(owner: Client, staff: Client, phone: str, nakato: dict[str, Any]) -> None:
    firm = owner.post("/financiers", {"name": "Watu", "agreement": "K-1"})
    assert staff.post("/financiers", {"name": "Mine"}, 403)["code"] == "not-permitted"
    pay = [{"method": "financed", "amount": 640_000, "about_id": firm["id"], "reference": "C1"}]
    staff.post("/sales", {"items": [{"device_id": phone}], "customer_id": nakato["id"], "payments": pay})
    at = f"/financiers/{firm['id']}"
    (open_phone,) = owner.get(at)["phones"]
    assert (open_phone["imei"], open_phone["open"], open_phone["contract"]) == (IMEI, 640_000, "C1")
    paid = owner.post(f"{at}/settlements", {"method": "bank", "amount": 600_000, "reference": "B1"})
    assert paid["phones"] == [{"imei": IMEI, "amount": 600_000}]
    owner.post(f"{at}/chargebacks", {"imei": IMEI, "amount": 40_000, "reason": "fee", "charge_customer": True})
    assert (owner.get(at)["owes"], owner.get(f"/customers/{nakato['id']}")["owes"]) == (0, 40_000)
    assert len(owner.get(f"{at}/entries")["items"]) == 3
    assert owner.put(at, {"name": "Watu Credit"})["name"] == "Watu Credit"
    assert [row["name"] for row in staff.get("/financiers")["items"]] == ["Watu Credit"]
    assert owner.delete(at)["is_active"] is False
    assert owner.get("/financiers")["items"] == []
    assert len(owner.get("/financiers?archived=true")["items"]) == 1
