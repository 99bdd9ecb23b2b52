"""Layaway and instalments at the counter: begun with the cart, paid bit by bit, handed over, called off."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.plans.models import Plan, PlanDue
from shopnode.domain.sales.models import Payment, Sale
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, line_ids, words
from tests.web.goods import Goods, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


@pytest.fixture
def filled(aisha: Browser, shop: Shop, goods: Goods) -> Browser:
    """A phone in the cart, for Grace."""
    grace = shop.do("customers.create", name="Grace Akello", phone="0772 123 456")["id"]
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    aisha.tap("/sell/customer", customer_id=grace)
    return aisha


def begin(browser: Browser, **fields: str) -> Any:
    form = {"kind": "layaway", "deposit": "128,000", "method": "cash", "every_days": "30", **fields}
    return browser.tap("/sell/plan", **form)


def opened(browser: Browser, shop: Shop, **fields: str) -> Plan:
    assert "HX-Redirect" in begin(browser, **fields).headers
    (plan,) = shop.rows(Plan)
    return plan


def test_a_layaway_keeps_the_phone_for_a_deposit_and_empties_the_cart(
    filled: Browser, shop: Shop, goods: Goods
) -> None:
    assert "At least 128,000" in words(filled.get("/sell/plan", htmx=True))
    shown = words(filled.get("/sell/plan/schedule?deposit=128000&instalments=3&every_days=30", htmx=True))
    assert "Left to pay 512,000" in shown and "170,667" in shown and "21 Oct" in shown

    done = begin(filled, instalments="3")

    plan = shop.rows(Plan)[0]
    assert done.headers["HX-Redirect"] == f"/sell/plans/{plan.id}"
    assert shop.row(StockUnit, goods.units[0]).status == "reserved"
    assert [row.amount_minor for row in shop.rows(PlanDue)] == [170_667, 170_667, 170_666]
    page = words(filled.get(f"/sell/plans/{plan.id}"))
    assert "Layaway of Grace Akello" in page and "512,000" in page
    assert line_ids(filled) == [] and plan.number in words(filled.get("/sell/plans"))


def test_a_plan_needs_its_customer(aisha: Browser, shop: Shop, goods: Goods) -> None:
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    refused = begin(aisha)
    assert refused.status_code == 422 and "choose or add them first" in words(refused)
    assert shop.rows(Plan) == [] and len(line_ids(aisha)) == 1


def test_rule_45_a_smaller_deposit_is_approved_in_the_sheet(filled: Browser, shop: Shop) -> None:
    asked = begin(filled, deposit="50000")
    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"
    assert "128,000 is asked for" in words(asked) and shop.rows(Plan) == []
    opened(filled, shop, deposit="50000", approver_id=shop.supervisor.id or "", approver_pin=PINS["Brian"])


def test_what_is_wrong_is_said_in_place_and_nothing_typed_is_lost(filled: Browser, shop: Shop) -> None:
    missing = begin(filled, kind="instalment")
    assert missing.status_code == 422 and "Are needed" in words(missing)
    network = begin(filled, method="mtn_momo", deposit="130,000")
    assert network.status_code == 422 and "transaction" in words(network).lower()
    assert 'value="130,000"' in network.get_data(as_text=True) and shop.rows(Plan) == []


def test_instalments_leave_at_once_within_the_limit(filled: Browser, shop: Shop, goods: Goods) -> None:
    asked = begin(filled, kind="instalment", instalments="2")
    assert asked.status_code == 403 and "no credit agreed" in words(asked)
    approver = {"approver_id": shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    plan = opened(filled, shop, kind="instalment", instalments="2", **approver)
    assert plan.status == "completed" and shop.row(StockUnit, goods.units[0]).status == "sold"


def test_a_plan_is_paid_and_handed_over(filled: Browser, shop: Shop, goods: Goods) -> None:
    plan = opened(filled, shop)
    paid = filled.tap(f"/sell/plans/{plan.id}/pay", amount="12000", method="cash")
    assert paid.headers["HX-Redirect"] == f"/sell/plans/{plan.id}"
    shown = words(filled.get(f"/sell/plans/{plan.id}"))
    assert "500,000" in shown and shown.count("Slip") == 2

    over = filled.tap(f"/sell/plans/{plan.id}/pay", amount="500001", method="cash")
    assert over.status_code == 422 and "more than the 500,000 that are left" in words(over)
    short = filled.tap(f"/sell/plans/{plan.id}/complete", amount="400000", method="cash")
    assert short.status_code == 422 and "100,000 is still to be paid" in words(short)
    filled.tap(f"/sell/plans/{plan.id}/complete", amount="500000", method="cash")

    (sale,) = shop.rows(Sale)
    assert {row.method: row.amount_minor for row in shop.rows(Payment)} == {"plan": 140_000, "cash": 500_000}
    assert shop.row(Plan, plan.id).sale_id == sale.id
    assert "Handed over" in words(filled.get(f"/sell/plans/{plan.id}"))


def test_a_payment_pressed_twice_is_one(filled: Browser, shop: Shop) -> None:
    plan = opened(filled, shop)
    one = action_id(filled.get(f"/sell/plans/{plan.id}"))
    for _ in range(2):
        filled.tap(f"/sell/plans/{plan.id}/pay", amount="12000", method="cash", action_id=one)
    assert "500,000" in words(filled.get(f"/sell/plans/{plan.id}"))


def test_calling_a_plan_off_and_giving_it_up_need_a_second_person_who_hears_what_is_kept(
    filled: Browser, shop: Shop, goods: Goods
) -> None:
    plan = opened(filled, shop)
    path = f"/sell/plans/{plan.id}/end"
    asked = filled.tap(path, how="cancel", reason="found it cheaper", method="cash")
    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"
    assert "12,800 is kept" in words(filled.get(f"/sell/plans/{plan.id}"))

    asked = filled.tap(path, how="forfeit", reason="does not come any more")
    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"
    assert "12,800 is kept" in words(asked)
    approver = {"approver_id": shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    filled.tap(path, how="forfeit", reason="does not come any more", **approver)

    assert shop.row(Plan, plan.id).status == "forfeited"
    assert shop.row(StockUnit, goods.units[0]).status == "in_stock"


def test_a_discount_on_the_whole_is_no_price_of_a_plan(filled: Browser) -> None:
    filled.tap("/sell/discount", discount_minor="1000")
    assert "give the discount on the lines" in words(begin(filled))
