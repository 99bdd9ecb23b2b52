"""The API on a node's whole application, behind its defence, beside the pages."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopnode.app import create_app
from tests.api.client import answer
from tests.shop import PASSWORD, PHONES, PINS, Shop
from tests.web.conftest import BareNode

LOGIN = {"phone": PHONES["Sarah"], "password": PASSWORD}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def app(shop: Shop) -> Flask:
    return create_app(BareNode(shop))


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Sarah's browser."""
    client = app.test_client()
    client.post("/login", data={"who": LOGIN["phone"], "password": PASSWORD}, headers=OURS)
    return client


def test_a_program_signs_in_sells_and_signs_out(program: FlaskClient, shop: Shop) -> None:
    tokens = answer(program.post("/api/auth/login", json=LOGIN), 200)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer(program.post("/api/drawer-sessions", json={"opening_float": 0}, headers=bearer), 201)
    item = {"item_name": "Case", "unit_price": 5_000, "category": "Services", "unit_cost": 0}
    ticket = {"items": [item], "payments": [{"method": "cash", "amount": 5_000}]}

    sale = answer(program.post("/api/sales", json=ticket, headers=bearer), 201)

    assert sale["sale_number"] == "KLA1-000001"
    entry = shop.entries()[-1]
    assert (entry.action, entry.actor_id) == ("sales.sell", shop.owner.id)
    assert '"ip":"127.0.0.1"' in entry.body
    assert program.post("/api/auth/logout", headers=bearer).status_code == 204
    answer(program.get("/api/sales", headers=bearer), 401)


def test_a_browser_of_ours_may_call_with_its_cookie(browser: FlaskClient) -> None:
    assert answer(browser.get("/api/auth/me", headers=OURS), 200)["name"] == "Sarah"
    answer(browser.post("/api/customers", json={"name": "Okello"}, headers=OURS), 201)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {}], ids=str)
def test_a_foreign_page_cannot_use_the_cookie(browser: FlaskClient, headers: dict[str, str]) -> None:
    refusal = answer(browser.post("/api/customers", json={"name": "Okello"}, headers=headers), 403)
    assert refusal["code"] == "foreign-form"


def test_a_locked_screen_calls_nothing(browser: FlaskClient) -> None:
    browser.post("/lock", headers=OURS)
    answer(browser.get("/api/sales", headers=OURS), 401)


def test_refusals_are_problem_documents_here_too(program: FlaskClient) -> None:
    answer(program.get("/api/sales"), 401)
    answer(program.get("/api/nothing"), 404)
    bearer = {"Authorization": "Bearer " + answer(program.post("/api/auth/login", json=LOGIN), 200)["access_token"]}
    answer(program.patch("/api/sales", json={}, headers=bearer), 405)
    answer(
        program.post("/api/sales", data=b"x" * 2_000_000, headers=bearer | {"Content-Type": "application/json"}), 413
    )
    answer(program.post("/api/auth/login", data="phone=1", headers={"Content-Type": "application/json"}), 400)


def test_an_approvers_pin_is_not_written_down(
    program: FlaskClient, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = answer(program.post("/api/auth/login", json=LOGIN | {"phone": PHONES["Aisha"]}), 200)
    headers = {
        "Authorization": f"Bearer {tokens['access_token']}",
        "X-Approver-Id": str(shop.owner.id), "X-Approver-Pin": PINS["Sarah"],
    }  # fmt: skip
    answer(program.post("/api/drawer-sessions", json={"opening_float": 0}, headers=headers), 201)
    item = {"item_name": "Old phone", "unit_price": 900_000, "category": "Services", "unit_cost": 0}
    ticket = {"items": [item], "payments": [{"method": "cash", "amount": 900_000}]}

    answer(program.post("/api/sales", json=ticket, headers=headers), 201)

    entry = shop.entries()[-1]
    assert f'"approver":"{shop.owner.id}"' in entry.body
    assert PINS["Sarah"] not in entry.body
    assert PINS["Sarah"] not in caplog.text
