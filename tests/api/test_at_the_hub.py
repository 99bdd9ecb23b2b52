"""The same API over all shops of a business, on PostgreSQL: what the hub may not do it refuses in words."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from cloudhub.tenancy.programs import HubAccounts
from shopnode.api.accounts import session_of_bearer
from shopnode.domain.context import Actor
from shopnode.domain.permissions import Role
from tests.api.client import MALLORY, SARAH, Client, signed_in
from tests.api.conftest import api_app
from tests.api.goods import CABLE, IMEI, NOBODY, PHONE
from tests.hub.world import PASSWORD, Node, World


@pytest.fixture
def app(world: World) -> Flask:
    """The hub's whole application."""
    return world.app


def test_the_owner_reads_all_shops(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    sales = owner.get("/sales")["items"]
    assert [sale["sale_number"] for sale in sales] == ["KLA1-000002", "KLA1-000001"]
    whole = owner.get(f"/sales/{sales[1]['id']}")
    assert (whole["final_amount"], whole["items"][1]["imei"]) == (656_000, IMEI)
    for path, count in [
        ("/products", 2), ("/products?q=cable", 1), ("/products/low-stock", 2), ("/stock-movements", 4),
        ("/devices", 1), (f"/devices?imei={IMEI}", 1), ("/customers", 1), ("/customers?q=772123", 1),
        ("/drawer-sessions", 1), ("/sales?q=000001", 1), ("/sales?q=---", 0), (f"/sales?q={IMEI}", 1),
        (f"/sales?shop_id={node.home.shop_id}", 2), (f"/sales?shop_id={NOBODY}", 0), ("/sales?limit=1", 1),
    ]:  # fmt: skip
        assert len(owner.get(path)["items"]) == count, path
    owner.get("/drawer-sessions/current", 404)
    assert owner.call("GET", f"/sales/receipt/{sales[0]['id']}").get_data().startswith(b"%PDF-")


@pytest.mark.parametrize("path", ["/sales", "/products", "/stock-movements"])
def test_lists_are_read_page_by_page(app: Flask, node: Node, path: str) -> None:
    owner = signed_in(app)
    first = owner.get(f"{path}?limit=1")
    rest = owner.get(f"{path}?limit=100&cursor={first['next_cursor']}")
    found = [row["id"] for row in first["items"] + rest["items"]]
    assert found == [row["id"] for row in owner.get(path)["items"]]
    assert len(set(found)) == len(found) > 1


@pytest.mark.parametrize("cursor", ["WzEsIngiXQ", "WyJ4IiwieCJd", "WzEsIngiLCJ4Il0"])
def test_what_only_postgresql_refuses_is_refused_in_words(app: Flask, node: Node, cursor: str) -> None:
    owner = signed_in(app)
    for path in ("/sales", "/products", "/stock-movements", "/devices", "/customers", "/drawer-sessions"):
        for query in (f"cursor={cursor}", "q=%00", f"q=a&cursor={cursor}", f"imei=%00&cursor={cursor}"):
            assert owner.call("GET", f"{path}?{query}").status_code in (200, 422), (path, query)


def test_the_owner_changes_what_is_described(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    cable = owner.get("/products?q=cable")["items"][0]
    assert owner.put(f"/products/{cable['id']}", {"selling_price": 9_000}, key="price")["selling_price"] == 9_000
    made = owner.post("/products", {**CABLE, "stock_quantity": 0}, key="new")
    assert owner.post("/products", {**CABLE, "stock_quantity": 0}, key="new") == made

    node.sync()

    prices = {row["name"]: row["price_minor"] for row in _products(node)}
    assert prices == {"Cable": 9_000, "Spark": 640_000, CABLE["name"]: 8_000}


def test_the_owner_decides_on_a_sale(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    newest, oldest = (row["id"] for row in owner.get("/sales")["items"])
    assert owner.post(f"/sales/{newest}/approve", status=200)["status"] == "Approved"
    undone = owner.post(f"/sales/{oldest}/reverse", {"reason": "wrong model"}, 200)
    assert (undone["status"], undone["payment_status"]) == ("Reversed", "Refund due")
    assert owner.get("/sales?status=Reversed")["items"][0]["payment_status"] == "Refund due"


def test_a_refund_decided_in_the_portal_is_paid_by_whoever_sees_the_sale(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    oldest = owner.get("/sales")["items"][1]["id"]
    owner.post(f"/sales/{oldest}/reverse", {"reason": "wrong model"}, 200)
    aisha = {"name": "Aisha", "role": Role.STAFF.value, "phone": "0772000001", "password": PASSWORD}
    node.people["Aisha"] = Actor(node.do("staff.add", aisha)["id"], "Aisha", Role.STAFF)
    node.sync()
    counter = api_app(node)
    assert Client(counter, node.owner).get(f"/sales/{oldest}")["payment_status"] == "Refund due"

    Client(counter, node.people["Aisha"]).post(f"/sales/{oldest}/refund", status=404)  # Sarah sold it
    assert Client(counter, node.owner).post(f"/sales/{oldest}/refund", status=200)["payment_status"] == "Refunded"


def test_what_only_a_shop_can_do_is_refused_in_words(app: Flask, node: Node) -> None:
    owner = signed_in(app)
    sale = owner.get("/sales")["items"][0]["id"]
    item = {
        "items": [{"item_name": "Case", "unit_price": 1, "category": "Services", "unit_cost": 0}],
        "payments": [{"method": "cash", "amount": 1}],
    }
    phone = owner.get("/products?q=spark")["items"][0]["id"]
    for method, path, form in [
        ("POST", "/sales", item), ("PUT", f"/sales/{sale}", {"notes": "x"}), ("POST", f"/sales/{sale}/refund", None),
        ("POST", "/drawer-sessions", {"opening_float": 1}), ("POST", "/devices", {"product_id": phone, "imei1": IMEI}),
        ("POST", f"/products/{phone}/adjust", {"quantity": 1, "reason": "found"}),
    ]:  # fmt: skip
        response = owner.call(method, path, form)
        assert (response.status_code, response.get_json()["code"]) == (403, "wrong-place"), path
    assert owner.post("/products", {**PHONE, "is_serialised": False, "stock_quantity": 1}, 422)["fields"]


def test_another_business_sees_nothing_of_it(app: Flask, node: Node) -> None:
    owner, mallory = signed_in(app), signed_in(app, MALLORY)
    sale, cable = owner.get("/sales")["items"][0]["id"], owner.get("/products?q=cable")["items"][0]["id"]
    for path in ("/sales", "/products", "/customers", "/devices", "/stock-movements", "/drawer-sessions"):
        assert mallory.get(path)["items"] == []
    for method, path in [
        ("GET", f"/sales/{sale}"), ("GET", f"/sales/receipt/{sale}"), ("POST", f"/sales/{sale}/approve"),
        ("DELETE", f"/sales/{sale}"), ("GET", f"/products/{cable}"), ("DELETE", f"/products/{cable}"),
    ]:  # fmt: skip
        assert mallory.call(method, path).status_code == 404, path
    mallory.put(f"/products/{cable}", {"selling_price": 1}, 404)


def test_refresh_tokens_are_good_once_here_too(app: Flask, world: World) -> None:
    anybody = Client(app)
    first = anybody.post("/auth/login", SARAH, 200)
    second = refreshed(anybody, first)
    third = refreshed(anybody, second)
    assert Client(app, token=third["access_token"]).get("/auth/me")["role"] == Role.OWNER.value

    anybody.post("/auth/refresh", {"refresh_token": first["refresh_token"]}, 401)

    Client(app, token=third["access_token"]).get("/auth/me", 401)
    anybody.post("/auth/refresh", {"refresh_token": third["refresh_token"]}, 401)


def test_an_access_token_is_no_refresh_token(app: Flask, world: World) -> None:
    anybody = Client(app)
    tokens = anybody.post("/auth/login", SARAH, 200)
    session_id = session_of_bearer(HubAccounts(world.hub), f"Bearer {tokens['access_token']}")
    anybody.post("/auth/refresh", {"refresh_token": session_id}, 401)
    anybody.post("/auth/refresh", {"refresh_token": tokens["access_token"]}, 401)


def test_sessions_end_by_logout_and_by_time(app: Flask, world: World) -> None:
    anybody = Client(app)
    tokens = anybody.post("/auth/login", SARAH, 200)
    client = Client(app, token=tokens["access_token"])
    assert client.post("/auth/logout", status=204) is None
    client.get("/auth/me", 401)
    anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 401)

    late = anybody.post("/auth/login", SARAH, 200)
    world.clock.advance(16 * 60_000)
    Client(app, token=late["access_token"]).get("/auth/me", 401)
    refreshed(anybody, late)
    assert anybody.post("/auth/login", SARAH | {"password": "wrong wrong"}, 401)["code"]


def refreshed(anybody: Client, tokens: dict[str, Any]) -> dict[str, Any]:
    fresh: dict[str, Any] = anybody.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}, 200)
    return fresh


def _products(node: Node) -> list[dict[str, Any]]:
    from shopnode.domain.catalogue.models import Product

    return [{"name": row.name, "price_minor": row.price_minor} for row in node.rows(Product)]
