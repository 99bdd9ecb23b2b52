"""Drawer, customers and devices over the API, and what the hot calls cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from shopnode.domain.cash.models import DrawerSession
from tests.api.client import Client
from tests.api.goods import CABLE, IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.shop import Shop

# --- the drawer


def test_a_drawer_is_opened_and_closed_by_its_count(owner: Client, staff: Client, shop: Shop) -> None:
    staff.get("/drawer-sessions/current", 404)
    drawer = staff.post("/drawer-sessions", {"opening_float": 50_000})
    assert (drawer["status"], drawer["opening_float"], drawer["expected"]) == ("Open", 50_000, None)
    assert staff.get("/drawer-sessions/current") == drawer == staff.get(f"/drawer-sessions/{drawer['id']}")
    staff.post("/sales", sale_of(owner.post("/products", CABLE)))

    closed = staff.post(f"/drawer-sessions/{drawer['id']}/close", {"counted": 57_000, "notes": "a coin lost"}, 200)

    assert (closed["status"], closed["counted"], closed["expected"], closed["difference"]) == (
        "Closed",
        57_000,
        58_000,
        -1_000,
    )
    staff.get("/drawer-sessions/current", 404)
    assert shop.changes("drawer_session")[-1].fields["notes"] == "a coin lost"


def test_a_drawer_is_opened_once(owner: Client) -> None:
    owner.post("/drawer-sessions", {"opening_float": 0})
    assert owner.post("/drawer-sessions", {"opening_float": 0}, 409)["code"] == "drawer-open"


def test_a_late_count_does_not_close_the_next_session(owner: Client, shop: Shop) -> None:
    first = owner.post("/drawer-sessions", {"opening_float": 0})
    owner.post(f"/drawer-sessions/{first['id']}/close", {"counted": 0}, 200)
    owner.post("/drawer-sessions", {"opening_float": 1})

    assert owner.post(f"/drawer-sessions/{first['id']}/close", {"counted": 5}, 409)["code"] == "drawer-closed"
    assert [row.is_open for row in shop.rows(DrawerSession)].count(True) == 1
    owner.post(f"/drawer-sessions/{NOBODY}/close", {"counted": 5}, 404)


def test_a_close_that_is_sent_again_answers_the_same(owner: Client) -> None:
    drawer = owner.post("/drawer-sessions", {"opening_float": 0})
    first = owner.post(f"/drawer-sessions/{drawer['id']}/close", {"counted": 5}, 200, key="close")
    assert owner.post(f"/drawer-sessions/{drawer['id']}/close", {"counted": 5}, 200, key="close") == first


def test_drawer_sessions_are_listed_page_by_page(owner: Client, shop: Shop) -> None:
    made = []
    for _ in range(3):
        shop.clock.advance(1_000)
        drawer = owner.post("/drawer-sessions", {"opening_float": 0})
        made.append(owner.post(f"/drawer-sessions/{drawer['id']}/close", {"counted": 0}, 200)["id"])
    first = owner.get("/drawer-sessions?limit=2")
    rest = owner.get(f"/drawer-sessions?limit=2&cursor={first['next_cursor']}")
    assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]


# --- customers


def test_a_customer_is_added_found_and_changed(owner: Client, staff: Client) -> None:
    made = staff.post("/customers", {"name": "Okello James", "phone": "0772 123 456", "email": "OJ@example.com"})
    assert (made["phone"], made["email"], made["is_active"]) == ("+256772123456", "oj@example.com", True)
    for query in ("772123", "okello", ""):
        assert [row["id"] for row in staff.get(f"/customers?q={query}")["items"]] == [made["id"]]
    staff.put(f"/customers/{made['id']}", {"name": "x"}, 403)

    changed = owner.put(f"/customers/{made['id']}", {"email": None, "notes": "likes Tecno"})
    bought = {"last_purchase_on": None, "lifetime_value": 0, "purchases": 0, "total_purchases": 0}

    assert changed == made | {"email": None, "notes": "likes Tecno"}
    assert owner.get(f"/customers/{made['id']}") == changed | bought
    assert staff.post("/customers", {"name": "J. Okello", "phone": "+256772123456"}, 409)["customer_id"] == made["id"]
    assert owner.delete(f"/customers/{made['id']}")["is_active"] is False
    assert staff.get("/customers")["items"] == []


def test_a_sale_names_its_customer(owner: Client, staff: Client) -> None:
    cable = open_for_business(owner)
    customer = staff.post("/customers", {"name": "Okello"})
    sale = staff.post("/sales", sale_of(cable, customer_id=customer["id"]))
    assert sale["customer_id"] == customer["id"]
    staff.post("/sales", sale_of(cable, customer_id=NOBODY), 404)


# --- devices


def test_a_phone_is_received_and_found_by_its_number(owner: Client, staff: Client) -> None:
    phone = owner.post("/products", PHONE)
    device = staff.post(
        "/devices", {"product_id": phone["id"], "imei1": IMEI, "color": "black", "purchase_price": 500_000}
    )

    assert (device["imei_serial"], device["status"], device["color"]) == (IMEI, "in_stock", "black")
    assert "purchase_price" not in device
    assert owner.get(f"/devices/{device['id']}")["purchase_price"] == 500_000
    for query in (f"imei={IMEI}", "imei=35-693803-564380-9", f"product_id={phone['id']}", "status=in_stock", ""):
        assert [row["id"] for row in staff.get(f"/devices?{query}")["items"]] == [device["id"]], query
    assert staff.get("/devices?status=sold")["items"] == []
    assert staff.post("/devices", {"product_id": phone["id"], "imei1": IMEI}, 409)["code"] == "already-in-stock"
    assert staff.get("/products")["items"][0]["stock_quantity"] == 1


def test_a_number_that_was_mended_is_told(owner: Client) -> None:
    phone = owner.post("/products", PHONE)
    device = owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI[:14]})
    assert device["imei1"] == IMEI
    assert "check digit" in device["notes"][0]
    wrong = owner.post("/devices", {"product_id": phone["id"], "imei1": IMEI[:14] + "0"}, 422)
    assert wrong["fields"].keys() == {"imei1"}


def test_what_is_not_counted_by_number_is_not_received(owner: Client) -> None:
    cable = owner.post("/products", CABLE)
    owner.post("/devices", {"product_id": cable["id"], "imei1": IMEI}, 422)


# --- what the hot calls cost


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that the database is asked meanwhile."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("path", "most"), [("/sales", 2), ("/products", 5), ("/customers", 3), ("/stock-movements", 2)]
)
def test_a_list_costs_the_same_however_long_it_is(owner: Client, path: str, most: int) -> None:
    cable = open_for_business(owner)
    counts = []
    for _ in range(2):
        owner.post("/sales", sale_of(cable))
        owner.post("/customers", {"name": "Okello"})
        with statements() as seen:
            owner.get(path)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= most, seen


def test_a_sale_costs_few_statements(owner: Client, staff: Client) -> None:
    cable = open_for_business(owner)
    staff.post("/sales", sale_of(cable))
    with statements() as seen:
        staff.post("/sales", sale_of(cable), key="0190a000-0000-7000-8000-000000000001")
    told = [statement for statement in seen if "FROM sale" in statement or "FROM payment" in statement]
    assert len(told) == 4, "what was booked is told by four reads: summary, notes, lines, payments"
    assert len(seen) <= 20, "\n".join(seen)
