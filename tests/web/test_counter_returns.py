"""Goods that come back at the counter: found, chosen, weighed, paid out or exchanged."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.people.telephone import answer
from shopnode.domain.permissions import Role
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine
from shopnode.domain.sales.models import Payment, Sale, SaleLine
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words
from tests.web.goods import IMEIS, Goods, begin_payment, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


def sold(shop: Shop, *items: dict[str, Any], pay: list[dict[str, Any]], **more: Any) -> tuple[str, list[str]]:
    """A sale that was made before; its id and its lines'."""
    sale_id = shop.do("sales.sell", items=list(items), payments=pay, **more)["sale_id"]
    return sale_id, [row.id for row in sorted(shop.rows(SaleLine, sale_id=sale_id), key=lambda row: row.line_no)]


def cables(shop: Shop, goods: Goods, pieces: int = 3, **more: Any) -> tuple[str, str]:
    cash = [{"method": "cash", "amount": 8_000 * pieces}]
    sale_id, lines = sold(shop, {"product_id": goods.cable, "quantity": pieces}, pay=more.pop("pay", cash), **more)
    return sale_id, lines[0]


def phone(shop: Shop, goods: Goods, **more: Any) -> tuple[str, str]:
    cash = [{"method": "cash", "amount": 640_000}]
    sale_id, lines = sold(shop, {"device_id": goods.units[0]}, pay=cash, **more)
    return sale_id, lines[0]


def back(browser: Browser, sale_id: str, **fields: str) -> Any:
    return browser.tap(f"/returns/of/{sale_id}", **{"reason": "not wanted", "had_receipt": "true", **fields})


def test_a_sale_is_found_by_receipt_by_phone_and_by_customer(aisha: Browser, shop: Shop, goods: Goods) -> None:
    """Whoever sold it: who takes goods back need not have sold them."""
    grace = shop.do("customers.create", name="Grace Akello", phone="0772 123 456")["id"]
    phone(shop, goods, customer_id=grace)
    for text in ("KLA1-000001", "000001", IMEIS[0], "grace", "0772123456"):
        assert "KLA1-000001" in words(aisha.get(f"/returns?q={text}")), text
    assert "Nothing sold here fits" in words(aisha.get("/returns?q=KLA1-000009"))


def test_goods_come_back_for_their_money_and_the_screen_says_so_first(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods)
    fields = {f"quantity_{line}": "2", f"restock_{line}": "new"}
    assert "The customer gets UGX 16,000" in words(aisha.tap(f"/returns/of/{sale_id}/worth", **fields))

    done = back(aisha, sale_id, **fields)

    assert done.status_code == 200
    shown = words(aisha.get(done.headers["HX-Redirect"]))
    assert "Give the customer UGX 16,000" in shown and "Cash 16,000" in shown and "KLA1-R000001" in shown
    assert [(row.quantity, row.restock) for row in shop.rows(SaleReturnLine)] == [(2, "new")]
    assert "came back already" not in words(aisha.get(f"/returns/of/{sale_id}"))
    assert "1 left" in words(aisha.get(f"/returns/of/{sale_id}"))


def test_rule_52_only_phones_are_offered_the_bench_and_their_supplier(
    aisha: Browser, sarah: Browser, shop: Shop, goods: Goods
) -> None:  # fmt: skip
    for product in (goods.cable, goods.phone):
        shop.do("products.update", product_id=product, warranty_days=30)
    sale_id, line = cables(shop, goods)
    for page in (f"/returns/of/{sale_id}", f"/returns/claim/{line}"):
        shown = aisha.get(page).get_data(as_text=True)
        assert "To the bench" not in shown and "Scrapped" in shown
    assert 'value="inspect"' not in sarah.get(f"/sales/{sale_id}").get_data(as_text=True)
    refused = back(aisha, sale_id, **{f"quantity_{line}": "1", f"restock_{line}": "bench"})
    assert refused.status_code == 422 and "counted by the piece: it goes back on the shelf" in words(refused)

    other, handset = phone(shop, goods)
    for page in (f"/returns/of/{other}", f"/returns/claim/{handset}"):
        assert "To the bench" in aisha.get(page).get_data(as_text=True)
    assert 'value="inspect"' in sarah.get(f"/sales/{other}").get_data(as_text=True)


def test_pressed_twice_it_comes_back_once(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods)
    fields = {"action_id": action_id(aisha.get(f"/returns/of/{sale_id}")), f"quantity_{line}": "1"}
    answers = [back(aisha, sale_id, **fields) for _ in range(2)]
    assert len(shop.rows(SaleReturn)) == 1
    assert answers[0].headers["HX-Redirect"] == answers[1].headers["HX-Redirect"]


def test_rule_51_the_phone_itself_is_scanned_and_another_is_refused(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = phone(shop, goods)
    page = aisha.get(f"/returns/of/{sale_id}").get_data(as_text=True)
    assert IMEIS[0] not in page  # nobody types it off the screen

    refused = back(aisha, sale_id, **{f"imei_{line}": IMEIS[1], "reason": "cracked"})

    assert refused.status_code == 409 and "was not sold on KLA1-000001" in words(refused)
    assert 'value="cracked"' in refused.get_data(as_text=True) and shop.rows(SaleReturn) == []
    assert IMEIS[0] in aisha.get(f"/returns/of/{sale_id}?imei={IMEIS[0]}").get_data(as_text=True)


def test_a_refund_above_ones_limit_is_approved_in_the_same_form(
    sarah: Browser, aisha: Browser, shop: Shop, goods: Goods
) -> None:
    sale_id, line = phone(shop, goods)
    fields = {f"imei_{line}": IMEIS[0], f"restock_{line}": "bench"}
    asked = back(aisha, sale_id, **fields)
    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"
    assert "640,000 is more than you may give alone" in words(asked)

    # A supervisor may not give so much either.
    brian = {"approver_id": shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    assert "above the limit of Brian" in words(back(aisha, sale_id, **fields, **brian))
    sarah_too = {"approver_id": shop.owner.id or "", "approver_pin": PINS["Sarah"]}
    assert "HX-Redirect" in back(aisha, sale_id, **fields, **sarah_too).headers
    assert shop.row(StockUnit, goods.units[0]).status == "bench"


def test_the_owner_approves_a_return_by_telephone(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("approvals.set_up_phone")
    sale_id, line = phone(shop, goods)
    fields = {f"imei_{line}": IMEIS[0]}
    asked = back(aisha, sale_id, **fields, ask_phone="1")
    assert asked.headers["HX-Retarget"] == "#approval" and "640,000" in words(asked) and "KLA1-000001" in words(asked)
    html = asked.get_data(as_text=True)
    challenge = re.search(r'name="phone_challenge" value="([^"]+)"', html)
    assert challenge
    told = {
        "challenge": challenge.group(1), "action": "returns.take_back", "amount": 640_000, "document": "KLA1-000001",
    }  # fmt: skip
    with shop.reading(Role.OWNER) as ctx:
        code = answer(ctx, None, told)

    done = back(aisha, sale_id, **fields, phone_challenge=challenge.group(1), phone_code=code)

    assert "HX-Redirect" in done.headers and len(shop.rows(SaleReturn)) == 1


def test_rule_55_without_a_receipt_a_phone_comes_back_by_its_imei_and_a_cable_by_the_owner(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    sale_id, line = cables(shop, goods)
    asked = back(aisha, sale_id, **{f"quantity_{line}": "1", "had_receipt": ""})
    assert asked.status_code == 403 and "Without a receipt only phones come back" in words(asked)


def test_rule_47_cash_for_mobile_money_needs_a_second_person(aisha: Browser, shop: Shop, goods: Goods) -> None:
    pay = [{"method": "mtn_momo", "amount": 24_000, "reference": "T1"}]
    sale_id, line = cables(shop, goods, pay=pay)
    asked = back(aisha, sale_id, **{f"quantity_{line}": "1", "refund_to": "cash"})
    assert asked.status_code == 403 and "cash is not how it goes back" in words(asked)
    assert "HX-Redirect" in back(aisha, sale_id, **{f"quantity_{line}": "1"}).headers
    assert shop.rows(Payment, kind="refund")[0].method == "mtn_momo"


def test_store_credit_goes_to_a_customer_who_is_named(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("customers.create", name="Grace Akello", phone="0772 123 456")
    sale_id, line = cables(shop, goods)
    fields = {f"quantity_{line}": "1", "refund_to": "store_credit"}
    refused = back(aisha, sale_id, **fields)
    assert refused.status_code == 422 and "Is needed: the number of a customer" in words(refused)
    assert "HX-Redirect" in back(aisha, sale_id, **fields, customer_phone="0772123456").headers
    assert shop.rows(Payment, kind="refund")[0].method == "store_credit"


def test_what_is_missing_is_said_and_nothing_comes_back(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods)
    assert "Choose what comes back" in words(back(aisha, sale_id))
    assert back(aisha, sale_id, **{f"quantity_{line}": "1", "reason": ""}).status_code == 422
    assert "still come back" in words(back(aisha, sale_id, **{f"quantity_{line}": "4"}))
    assert shop.rows(SaleReturn) == []


def test_rule_54_goods_pay_for_others_in_one_ticket(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods, 1)
    gone = back(aisha, sale_id, **{f"quantity_{line}": "1", "exchange": "1"})
    assert gone.headers["HX-Redirect"] == "/sell"
    assert "Comes back from KLA1-000001" in words(aisha.get("/sell"))
    shown = words(aisha.tap("/sell/lines", product_id=goods.cable))
    aisha.tap("/sell/lines", product_id=goods.cable)
    assert "To pay 1 item 0" in shown

    booked = begin_payment(aisha)
    done = aisha.tap("/sell/complete", action_id=booked)

    assert "Sale saved" in words(done)
    found = {row.method: row.amount_minor for row in shop.rows(Payment, sale_id=booked)}
    assert found == {"exchange": 8_000, "cash": 8_000}
    assert shop.rows(SaleReturn)[0].exchange_sale_id == booked
    assert "Comes back" not in words(aisha.get("/sell/summary", htmx=True))


def test_rule_54_the_difference_goes_back_and_counts_alone_against_the_limit(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    sale_id, line = phone(shop, goods)
    back(aisha, sale_id, **{f"imei_{line}": IMEIS[0], "exchange": "1"})
    aisha.tap("/sell/lines", product_id=goods.cable)
    paying = aisha.get("/sell/pay", htmx=True)
    assert "The customer gets 632,000" in words(paying)

    asked = aisha.tap("/sell/complete", action_id=action_id(paying))

    assert asked.status_code == 403 and "632,000 is more than you may give alone" in words(asked)
    owner = {"approver_id": shop.owner.id or "", "approver_pin": PINS["Sarah"], "approval_reason": "came back new"}
    done = words(aisha.tap("/sell/complete", action_id=action_id(paying), **owner))
    assert "Give the customer UGX 632,000" in done and "Paid out, Cash" in done


def test_what_is_brought_is_taken_off_again_and_survives_parking(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods, 1)
    back(aisha, sale_id, **{f"quantity_{line}": "1", "exchange": "1"})
    aisha.tap("/sell/park")
    cart_id = re.search(r"/sell/resume/([0-9a-f-]+)", aisha.get("/sell/parked", htmx=True).get_data(as_text=True))
    assert cart_id and "Comes back from" not in words(aisha.get("/sell"))
    assert "Comes back from" in words(aisha.tap(f"/sell/resume/{cart_id.group(1)}"))

    assert "Comes back from" not in words(aisha.tap("/sell/brought/drop"))
    assert shop.rows(SaleReturn) == [] and len(shop.rows(Sale)) == 1


def test_goods_that_came_back_meanwhile_are_said_in_the_cart(aisha: Browser, shop: Shop, goods: Goods) -> None:
    sale_id, line = cables(shop, goods, 1)
    back(aisha, sale_id, **{f"quantity_{line}": "1", "exchange": "1"})
    aisha.tap("/sell/lines", product_id=goods.cable)
    asked = [{"sale_line_id": line, "restock": "new"}]
    shop.do("returns.take_back", sale_id=sale_id, lines=asked, reason="not wanted")

    assert "can still come back" in words(aisha.get("/sell"))
    assert "Mend it or take it off" in words(aisha.get("/sell/pay", htmx=True))


def test_rule_41_money_sent_back_by_a_network_is_named_by_its_own_transaction(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    sale_id, line = cables(shop, goods)
    assert "Transaction ID" not in words(aisha.get(f"/returns/of/{sale_id}"))  # paid in cash
    momo = [{"method": "mtn", "amount": 24_000, "reference": "IN1"}]
    sale_id, line = cables(shop, goods, pay=momo)
    assert "where it goes back by MTN MoMo" in words(aisha.get(f"/returns/of/{sale_id}"))

    fields = {f"quantity_{line}": "1", "refund_reference": "IN1"}
    refused = back(aisha, sale_id, **fields)
    assert "was used" in words(refused) or "IN1" in refused.get_data(as_text=True)
    assert shop.rows(SaleReturn) == [] and 'value="IN1"' in refused.get_data(as_text=True)

    back(aisha, sale_id, **{**fields, "refund_reference": "out1"})
    (row,) = shop.rows(Payment, kind="refund")
    assert (row.method, row.amount_minor, row.reference) == ("mtn_momo", -8_000, "OUT1")
