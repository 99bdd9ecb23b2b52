"""What does not belong in a form changes nothing: foreign columns, endless names, control characters, others' ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.catalogue.models import Product
from shopnode.domain.customers.models import Customer
from shopnode.domain.db import Base
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.sales.models import Payment, Sale, SaleAmendment, SaleDecision, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel, StockMovement
from tests.api.client import Client
from tests.api.goods import CABLE, IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.shop import Shop

TABLES = (
    Product, Customer, Handset, StockUnit, StockMovement, StockLevel, DrawerSession, Sale, SaleLine, Payment,
    SaleAmendment, SaleDecision, SaleSummary,
)  # fmt: skip
SEED_COLUMNS = {
    "id", "shop_id", "created_by", "approved_by", "approved_at", "created_at", "updated_at", "status", "sale_number",
    "total_amount", "tax_amount", "final_amount", "payment_status", "role", "is_admin", "tenant_id", "stock_quantity",
    "loyalty_points", "total_purchases", "__class__", "constructor",
}  # fmt: skip
EVERY_COLUMN = sorted({column.name for table in TABLES for column in table.__table__.columns} | SEED_COLUMNS)

Forms = dict[str, tuple[str, str, dict[str, Any]]]


@pytest.fixture
def forms(owner: Client) -> Forms:
    """A right form for each call that writes: name → method, path, form."""
    cable = open_for_business(owner)
    phone = owner.post("/products", PHONE)
    sale = owner.post("/sales", sale_of(cable))["id"]
    customer = owner.post("/customers", {"name": "Okello"})["id"]
    drawer = owner.get("/drawer-sessions/current")["id"]
    return {
        "sell": ("POST", "/sales", sale_of(cable)),
        "amend": ("PUT", f"/sales/{sale}", {"notes": "new"}),
        "void": ("DELETE", f"/sales/{sale}", {"reason": "wrong"}),
        **{word: ("POST", f"/sales/{sale}/{word}", {"reason": "because"})
           for word in ("approve", "reject", "lock", "unlock", "reverse", "refund")},
        "create product": ("POST", "/products", CABLE | {"name": "Another", "sku": "X", "barcode": "Y"}),
        "update product": ("PUT", f"/products/{cable['id']}", {"name": "Renamed"}),
        "archive product": ("DELETE", f"/products/{cable['id']}", {"reason": "no more"}),
        "adjust": ("POST", f"/products/{cable['id']}/adjust", {"quantity": 1, "reason": "found"}),
        "create customer": ("POST", "/customers", {"name": "Nakato"}),
        "update customer": ("PUT", f"/customers/{customer}", {"name": "Nakato"}),
        "receive": ("POST", "/devices", {"product_id": phone["id"], "imei1": IMEI}),
        "open drawer": ("POST", "/drawer-sessions", {"opening_float": 1}),
        "close drawer": ("POST", f"/drawer-sessions/{drawer}/close", {"counted": 1}),
    }  # fmt: skip


def books(shop: Shop) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the books."""
    with shop.home.reading() as session:
        return {
            table.name: sorted(map(tuple, session.execute(table.select())), key=str)
            for table in Base.metadata.sorted_tables
            if table.name not in {"login_throttle", "web_session"}
        }


def test_a_column_that_is_not_in_a_form_is_refused_by_name(owner: Client, shop: Shop, forms: Forms) -> None:
    """Every column of every table, added to every call that writes, one by one."""
    paths = {route_key(method, path) for method, path, _ in forms.values()}
    assert len(paths) == len(forms)
    before = books(shop)
    for name, (method, path, form) in forms.items():
        allowed = _fields_of(method, path)
        foreign = [column for column in EVERY_COLUMN if column not in allowed]
        for start in range(0, len(foreign), 40):  # named all together, up to the number a refusal names
            columns = foreign[start : start + 40]
            response = owner.call(method, path, form | dict.fromkeys(columns, NOBODY))
            assert response.status_code == 422, (name, response.get_data(as_text=True))
            assert set(columns) <= response.get_json()["fields"].keys(), name
        alone = owner.call(method, path, form | {foreign[0]: NOBODY})
        assert alone.get_json()["fields"] == {foreign[0]: "is not a field of this form"}, name
    assert books(shop) == before


def test_a_foreign_column_inside_an_item_is_refused(owner: Client, shop: Shop, forms: Forms) -> None:
    before = books(shop)
    form = forms["sell"][2]
    for column in ("cost_minor", "total_price", "list_price_minor", "sale_id", "shop_id", "tax_rate_bp"):
        for part in ("items", "payments"):
            wrong = form | {part: [form[part][0] | {column: 1}]}
            assert owner.post("/sales", wrong, 422)["fields"].keys() == {f"{part}.0.{column}"}
    assert books(shop) == before


def route_key(method: str, path: str) -> str:
    return f"{method} {path}"


def _fields_of(method: str, path: str) -> set[str]:
    """The fields that the route's form really has."""
    from shopnode.api.routing import ROUTES

    parts = path.strip("/").split("/")
    for route in ROUTES:
        wanted = route.rule.strip("/").split("/")
        fits = len(wanted) == len(parts) and all(
            w.startswith("<") or w == p for w, p in zip(wanted, parts, strict=True)
        )
        if fits and route.method == method:
            return set(route.body.model_fields) if route.body else set()
    raise LookupError(path)


TEXTS: dict[str, Callable[[], str]] = {
    "ten thousand letters": lambda: "x" * 10_000,
    "NUL": lambda: "Ca\x00ble",
    "escape": lambda: "Ca\x1b[2Jble",
    "bell": lambda: "Ca\x07ble",
    "delete": lambda: "Ca\x7fble",
    "private use": lambda: "Ca\ue000ble",
    "half a character": lambda: "Ca\ud800ble",
    "nothing": lambda: "",
    "blanks": lambda: " \t\n ",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_name_nobody_can_print_is_refused(owner: Client, shop: Shop, forms: Forms, text: str) -> None:
    before, name = books(shop), TEXTS[text]()
    for form, field in [
        ("create product", "name"), ("create product", "category"), ("update product", "name"),
        ("create customer", "name"), ("update customer", "name"), ("amend", "reason"), ("void", "reason"),
        ("adjust", "reason"), ("approve", "reason"),
    ]:  # fmt: skip
        method, path, content = forms[form]
        response = owner.call(method, path, content | {field: name})
        assert response.status_code == 422, (form, field)
        assert response.get_json()["fields"].keys() == {field}, (form, field)
        assert b"Ca" not in response.get_data()
        assert len(response.get_data()) < 2_000
    item = {"item_name": name, "unit_price": 1, "quantity": 1, "category": "Services", "unit_cost": 0}
    owner.post("/sales", {"items": [item], "payments": [{"method": "cash", "amount": 1}]}, 422)
    assert books(shop) == before


NUMBERS = [-1, -(2**63), 2**53, 2**63, 2**64, 10**30, 10**400]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{str(number)[:12]}…{len(str(number))}")
def test_a_number_out_of_all_bounds_is_refused(owner: Client, shop: Shop, forms: Forms, number: int) -> None:
    before = books(shop)
    for form, field in [
        ("create product", "selling_price"), ("create product", "stock_quantity"), ("update product", "cost_price"),
        ("update product", "min_stock_level"), ("sell", "discount_amount"), ("open drawer", "opening_float"),
        ("close drawer", "counted"), ("receive", "purchase_price"),
    ]:  # fmt: skip
        method, path, content = forms[form]
        response = owner.call(method, path, content | {field: number})
        assert response.status_code == 422, (form, response.get_data(as_text=True))
        assert response.get_json()["fields"].keys() == {field}
    for field in ("quantity", "unit_price", "discount_amount"):
        item = forms["sell"][2]["items"][0] | {field: number}
        assert owner.post("/sales", forms["sell"][2] | {"items": [item]}, 422)["fields"].keys() == {f"items.0.{field}"}
    payments = [{"method": "cash", "amount": number}]
    assert owner.post("/sales", forms["sell"][2] | {"payments": payments}, 422)["fields"].keys() == {
        "payments.0.amount"
    }
    assert books(shop) == before


def test_somebody_elses_id_is_not_found(owner: Client, shop: Shop, forms: Forms) -> None:
    """An id of another table, of another business or of nobody: the same words, and no trace of what exists."""
    before = books(shop)
    stranger_ids = {NOBODY, shop.owner.id, shop.home.shop_id, forms["sell"][2]["items"][0]["product_id"]}
    for other in stranger_ids:
        for path in ("/sales", "/customers", "/drawer-sessions", "/devices"):
            refusal = owner.get(f"{path}/{other}", 404)
            assert str(other) not in str(refusal)
        for word in ("approve", "lock", "reverse", "reject", "unlock", "refund"):
            owner.post(f"/sales/{other}/{word}", status=404)
        owner.put(f"/sales/{other}", {"notes": "x"}, 404)
        owner.delete(f"/sales/{other}", status=404)
        owner.put(f"/customers/{other}", {"name": "Nakato"}, 404)
        assert owner.post("/sales", forms["sell"][2] | {"customer_id": other}, 404)["code"] == "not-found"
    owner.get(f"/products/{NOBODY}", 404)
    owner.post(f"/products/{NOBODY}/adjust", {"quantity": 1, "reason": "found"}, 404)
    assert books(shop) == before


@pytest.mark.parametrize("query", ["' OR 1=1 --", "%", "_", "\\", "%_%", "“”", "x" * 200, "🙂", "a\tb"])
def test_a_search_for_anything_is_only_a_search(owner: Client, forms: Forms, query: str) -> None:
    for path in ("/products", "/sales", "/customers"):
        response = owner.call("GET", path, query_string={"q": query})
        assert response.status_code == 200, path
        assert response.get_json()["items"] == [], path
    assert owner.call("GET", "/devices", query_string={"imei": query}).status_code == 200
