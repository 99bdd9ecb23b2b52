"""Products and stock over the API."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.catalogue.models import Product
from shopnode.domain.stock.models import StockMovement
from tests.api.client import Client
from tests.api.goods import CABLE, NOBODY, PHONE
from tests.shop import Shop

SEED_COLUMNS = {
    "id", "name", "category", "sku", "barcode", "description", "cost_price", "selling_price", "stock_quantity",
    "min_stock_level", "is_preloaded", "is_active", "created_by", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return owner.post("/products", CABLE)


def test_create_product_as_owner(owner: Client, shop: Shop) -> None:
    product = owner.post("/products", CABLE)

    assert product.keys() >= SEED_COLUMNS | {"brand", "is_serialised", "floor_price", "warranty_days"}
    assert product == owner.get(f"/products/{product['id']}")
    assert (product["stock_quantity"], product["created_by"], product["is_active"]) == (10, shop.owner.id, True)
    assert [(row.kind, row.quantity) for row in shop.rows(StockMovement)] == [("opening", 10)]


@pytest.mark.parametrize("who", ["supervisor", "staff"])
def test_create_product_as_others_forbidden(who: str, shop: Shop, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.post("/products", CABLE, 403)["code"] == "not-permitted"
    assert shop.rows(Product) == []


def test_read_products_as_staff(staff: Client, cable: dict[str, Any]) -> None:
    for product in (staff.get(f"/products/{cable['id']}"), staff.get("/products")["items"][0]):
        assert product["selling_price"] == 8_000
        assert "cost_price" not in product


def test_edit_product_as_owner(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    shop.clock.advance(5_000)
    edited = owner.put(f"/products/{cable['id']}", {"selling_price": 9_000, "sku": None})

    assert edited == cable | {"selling_price": 9_000, "sku": None, "updated_at": edited["updated_at"]}
    assert edited["updated_at"] > cable["updated_at"]
    assert shop.changes("product")[-1].fields == {"price_minor": 9_000, "sku": None}


@pytest.mark.parametrize("who", ["supervisor", "staff"])
def test_edit_product_as_others_forbidden(
    who: str, shop: Shop, cable: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    client: Client = request.getfixturevalue(who)
    client.put(f"/products/{cable['id']}", {"selling_price": 1}, 403)
    assert shop.row(Product, cable["id"]).price_minor == 8_000


def test_delete_product_archives_it(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    gone = owner.delete(f"/products/{cable['id']}", {"reason": "discontinued"})

    assert gone["is_active"] is False
    assert owner.get("/products")["items"] == []
    assert [row["id"] for row in owner.get("/products?archived=true")["items"]] == [cable["id"]]
    assert owner.put(f"/products/{cable['id']}", {"is_active": True})["is_active"] is True
    assert len(shop.rows(Product)) == 1


def test_delete_product_as_supervisor_forbidden(supervisor: Client, shop: Shop, cable: dict[str, Any]) -> None:
    supervisor.delete(f"/products/{cable['id']}", status=403)
    assert shop.row(Product, cable["id"]).archived_at is None


def test_adjust_stock_as_supervisor(supervisor: Client, shop: Shop, cable: dict[str, Any]) -> None:
    counted = supervisor.post(
        f"/products/{cable['id']}/adjust", {"quantity": -3, "reason": "two broken, one lost"}, 200
    )

    assert counted["stock_quantity"] == 7
    assert shop.changes("stock_movement")[-1].fields["note"] == "two broken, one lost"


def test_adjust_stock_as_staff_forbidden(staff: Client, cable: dict[str, Any]) -> None:
    staff.post(f"/products/{cable['id']}/adjust", {"quantity": 1, "reason": "found"}, 403)


def test_phones_are_not_adjusted_by_number(owner: Client) -> None:
    phone = owner.post("/products", PHONE)
    adjusted = owner.post(f"/products/{phone['id']}/adjust", {"quantity": 1, "reason": "found"}, 409)
    assert adjusted["code"] == "serialised-stock"
    assert owner.post("/products", PHONE | {"stock_quantity": 1}, 422)["fields"].keys() == {"stock_quantity"}


def test_low_stock_lists_what_is_at_its_minimum(owner: Client, cable: dict[str, Any]) -> None:
    low = owner.post("/products", {"name": "Case", "category": "Accessories", "selling_price": 1_000})
    assert [row["id"] for row in owner.get("/products/low-stock")["items"]] == [low["id"]]
    assert [row["id"] for row in owner.get("/products?low_stock=true")["items"]] == [low["id"]]


def test_stock_movements_are_listed_the_latest_first(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    for quantity in (5, -2):
        shop.clock.advance(1_000)
        owner.post(f"/products/{cable['id']}/adjust", {"quantity": quantity, "reason": "counted"}, 200)

    first = owner.get("/stock-movements?limit=2")
    rest = owner.get(f"/stock-movements?limit=2&cursor={first['next_cursor']}")

    assert [row["quantity"] for row in first["items"] + rest["items"]] == [-2, 5, 10]
    assert len(owner.get(f"/stock-movements?product_id={cable['id']}&movement_type=opening")["items"]) == 1
    assert owner.get(f"/stock-movements?product_id={NOBODY}")["items"] == []


def test_products_are_found_as_they_are_typed(owner: Client, cable: dict[str, Any]) -> None:
    owner.post("/products", PHONE)
    for query, count in [
        ("", 2), ("q=cab", 1), ("q=6001234567890", 1), ("q=CAB-1", 1), ("q=nothing", 0), ("q=", 2),
        ("category=Phones", 1), ("category=phones", 0), ("sort=price", 2), ("sort=newest", 2),
        ("q=tecno&sort=price", 1),
    ]:  # fmt: skip
        assert len(owner.get(f"/products?{query}")["items"]) == count, query


@pytest.mark.parametrize("sort", ["name", "price", "newest"])
def test_products_are_listed_page_by_page(owner: Client, shop: Shop, sort: str) -> None:
    made = set()
    for no in range(5):
        shop.clock.advance(1_000)
        form = {"name": f"Case {no}", "category": "Cases", "selling_price": 1_000 * (no % 3)}
        made.add(owner.post("/products", form)["id"])
    found, cursor = [], ""
    while cursor is not None:
        page = owner.get(f"/products?sort={sort}&limit=2&cursor={cursor}")
        found += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
    assert len(found) == 5
    assert set(found) == made


def test_an_odd_price_is_taken_with_a_warning(owner: Client) -> None:
    assert "warning" in owner.post("/products", CABLE | {"selling_price": 1_000})


def test_a_refusal_speaks_of_the_fields_that_were_sent(owner: Client, cable: dict[str, Any]) -> None:
    assert owner.post("/products", CABLE | {"floor_price": 9_000}, 422)["fields"].keys() >= {"floor_price", "sku"}
    wrong = owner.post("/products", {"name": " ", "category": "x" * 101, "selling_price": "5", "cost_price": -1}, 422)
    assert wrong["fields"].keys() == {"name", "category", "selling_price", "cost_price"}


def test_rule_29_a_product_names_its_supplier_its_lead_days_and_its_warranty_and_the_line_copies_it(
    owner: Client, staff: Client, shop: Shop
) -> None:
    supplier = owner.post("/suppliers", {"name": "Kikuubo Traders", "lead_days": 3})["id"]
    more = {"supplier_id": supplier, "lead_days": 5, "warranty_days": 30, "warranty_terms": "Not for broken plugs."}
    product = owner.post("/products", CABLE | more)
    assert product.items() >= more.items()
    assert staff.get(f"/products/{product['id']}").items() >= more.items()

    shop.do("cash.open_drawer", opening_float=0)
    ticket = {"items": [{"product_id": product["id"]}], "payments": [{"method": "cash", "amount": 8_000}]}
    sale = staff.post("/sales", ticket)
    changed = owner.put(f"/products/{product['id']}", {"warranty_terms": None, "supplier_id": None, "lead_days": None})
    assert (changed["warranty_terms"], changed["supplier_id"], changed["lead_days"]) == (None, None, None)
    assert owner.get(f"/sales/{sale['id']}")["items"][0]["warranty_terms"] == "Not for broken plugs."
    assert "supplier_id" in owner.put(f"/products/{product['id']}", {"supplier_id": sale["id"]}, 422)["fields"]


def test_what_is_at_its_minimum_is_flagged_and_listed_as_low(owner: Client, staff: Client) -> None:
    low, plenty = (
        owner.post("/products", CABLE | {"name": name, "sku": name, "barcode": None, "min_stock_level": least})
        for name, least in (("LOW", 10), ("PLENTY", 9))
    )
    assert (low["is_low"], plenty["is_low"]) == (True, False)
    assert [row["id"] for row in staff.get("/products/low-stock")["items"]] == [low["id"]]
    assert [row["id"] for row in staff.get("/products?low_stock=true")["items"]] == [low["id"]]
