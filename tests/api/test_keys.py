"""The idempotency key: the same call twice is done once, whatever happened to the first answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from shopnode.domain.catalogue.models import Product
from shopnode.domain.node import NodeHome
from shopnode.domain.sales.models import Sale
from shopnode.domain.stock.models import StockMovement
from tests.api.client import Client
from tests.api.goods import CABLE, open_for_business, sale_of
from tests.shop import Shop

KEY = "0190a000-0000-7000-8000-000000000001"
AT_ONCE = 20


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)


def test_a_uuid_is_the_id_of_the_sale(owner: Client, cable: dict[str, Any]) -> None:
    assert owner.post("/sales", sale_of(cable), key=KEY.upper())["id"] == KEY


@pytest.mark.parametrize("key", [KEY, "till 1, sale 17", "x" * 200])
def test_the_same_call_twice_answers_the_same(owner: Client, shop: Shop, cable: dict[str, Any], key: str) -> None:
    first = owner.call("POST", "/sales", sale_of(cable), key=key)
    again = owner.call("POST", "/sales", sale_of(cable), key=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_data() == first.get_data()
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert len(shop.rows(Sale)) == 1


def test_a_used_key_with_other_content_is_refused(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    owner.post("/sales", sale_of(cable), key=KEY)
    assert owner.post("/sales", sale_of(cable, 2), 409, key=KEY)["code"] == "idempotency-key-reused"
    assert owner.post("/products", CABLE | {"name": "Another"}, 409, key=KEY)["code"] == "idempotency-key-reused"
    assert (len(shop.rows(Sale)), len(shop.rows(Product))) == (1, 1)


def test_two_people_may_count_their_calls_alike(
    owner: Client, staff: Client, shop: Shop, cable: dict[str, Any]
) -> None:
    owner.post("/sales", sale_of(cable), key="1")
    staff.post("/sales", sale_of(cable), key="1")
    assert len(shop.rows(Sale)) == 2


def test_without_a_key_each_call_is_its_own(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    owner.post("/sales", sale_of(cable))
    owner.post("/sales", sale_of(cable))
    assert len(shop.rows(Sale)) == 2


@pytest.mark.parametrize("key", [" ", "x" * 201])
def test_an_unusable_key_is_refused(owner: Client, shop: Shop, cable: dict[str, Any], key: str) -> None:
    headers = {"Idempotency-Key": key.strip()} if key.strip() else {"Idempotency-Key": ""}
    assert owner.post("/sales", sale_of(cable), 422, headers=headers)["fields"].keys() == {"Idempotency-Key"}
    assert shop.rows(Sale) == []


def test_a_call_is_known_again_after_its_shop_was_restored(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    first = owner.post("/sales", sale_of(cable), key="order 7")
    assert isinstance(shop.home, NodeHome)
    shop.home.renew_origin("restored", lambda session, past_id: None)
    assert owner.post("/sales", sale_of(cable), key="order 7") == first
    assert len(shop.rows(Sale)) == 1


def test_what_was_refused_may_be_sent_again_under_its_key(owner: Client, cable: dict[str, Any]) -> None:
    owner.post("/sales", sale_of(cable) | {"payments": []}, 422, key=KEY)
    owner.post("/sales", sale_of(cable), key=KEY)


def test_every_step_of_a_call_is_done_once(owner: Client, shop: Shop) -> None:
    first = owner.post("/products", CABLE, key=KEY)
    assert owner.post("/products", CABLE, key=KEY) == first
    assert [row.quantity for row in shop.rows(StockMovement)] == [10]
    gone = owner.put(f"/products/{first['id']}", {"is_active": False, "name": "Old cable"}, key="gone")
    assert owner.put(f"/products/{first['id']}", {"is_active": False, "name": "Old cable"}, key="gone") == gone


@pytest.mark.parametrize("method", ["approve", "lock", "reverse"])
def test_decisions_are_repeatable(owner: Client, cable: dict[str, Any], method: str) -> None:
    sale = owner.post("/sales", sale_of(cable))
    first = owner.post(f"/sales/{sale['id']}/{method}", status=200, key=KEY)
    assert owner.post(f"/sales/{sale['id']}/{method}", status=200, key=KEY) == first


def test_twenty_calls_at_once_under_one_key_make_one_sale(app: Flask, shop: Shop, cable: dict[str, Any]) -> None:
    ready = threading.Barrier(AT_ONCE)
    answers: list[tuple[int, bytes, str | None]] = []

    def sell() -> None:
        client = Client(app, shop.cashier)
        ready.wait()
        response = client.call("POST", "/sales", sale_of(cable), key=KEY)
        answers.append((response.status_code, response.get_data(), response.headers.get("Idempotency-Replayed")))

    threads = [threading.Thread(target=sell) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert {(status, body) for status, body, _ in answers} == {(201, answers[0][1])}
    assert sorted(str(replayed) for *_, replayed in answers) == ["None"] + ["true"] * (AT_ONCE - 1)
    assert [row.number for row in shop.rows(Sale)] == ["KLA1-000001"]
