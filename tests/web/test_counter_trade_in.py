"""A used phone as part of a sale at the counter: checked, valued, agreed, and one ticket with its net amount."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.sales.models import Cart, Payment, Sale
from shopnode.domain.usedphones.models import UsedPurchase
from tests.shop import PINS, Shop
from tests.web.conftest import HTMX, Browser, action_id, words
from tests.web.goods import IMEIS, Goods, stock_up

BROUGHT = "356938035643809"
SEEN = {"locks_removed": "true", "was_reset": "true", "states_ownership": "true", "network_lock": "none"}
SELLER = {
    "seller_name": "Okello John", "seller_phone": "0772 555 111", "seller_id_type": "passport",
    "seller_id_number": "B1234567", "signed_on_paper": "true",
}  # fmt: skip


@pytest.fixture
def goods(shop: Shop) -> Goods:
    made = stock_up(shop)
    shop.do("usedphones.set_valuation", product_id=made.phone, grade="B", offer=250_000)
    return made


def put(browser: Browser, goods: Goods, **fields: str) -> Any:
    form = {"imei1": BROUGHT, "product_id": goods.phone, "grade": "B", "offer": "250,000", **SEEN, **fields}
    return browser.tap("/sell/trade-in", **form)


def photo() -> tuple[io.BytesIO, str]:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(made, "PNG")
    made.seek(0)
    return made, "id.png"


def agree(browser: Browser, sale_id: str, **fields: Any) -> Any:
    form = {"action_id": sale_id, "seller_photos": photo(), **SELLER, **fields}
    return browser.client.post("/sell/complete", data=form, headers=HTMX, content_type="multipart/form-data")


def test_the_number_is_checked_before_anything_is_promised(aisha: Browser, shop: Shop, goods: Goods) -> None:
    assert "On no blocked list" in words(aisha.get(f"/sell/trade-in/check?imei1={BROUGHT}", htmx=True))
    shop.do("usedphones.block_number", number=BROUGHT, reason="reported stolen")

    shown = aisha.get(f"/sell/trade-in/check?imei1={BROUGHT}", htmx=True)

    assert "Do not buy it" in words(shown)
    refused = put(aisha, goods)
    assert refused.status_code in (409, 422) and "blocked" in words(refused).lower()
    assert "Traded in" not in words(aisha.get("/sell"))


def test_the_model_is_known_by_the_first_digits_and_found_by_name(aisha: Browser, goods: Goods) -> None:
    same_model = IMEIS[0][:8] + "1550151"
    assert "Tecno Spark 40" in words(aisha.get(f"/sell/trade-in/check?imei1={same_model}", htmx=True))
    found = words(aisha.get("/sell/trade-in/models?model=spark", htmx=True))
    assert "Tecno Spark 40" in found
    assert "USB-C" not in words(aisha.get("/sell/trade-in/models?model=usb", htmx=True)).replace("“usb”", "")


def test_rule_16_the_screen_tells_what_the_table_pays(aisha: Browser, goods: Goods) -> None:
    asked = f"/sell/trade-in/value?product_id={goods.phone}&grade="
    assert "250,000" in words(aisha.get(asked + "B", htmx=True))
    assert "no value" in words(aisha.get(asked + "A", htmx=True))


def test_rule_15_a_locked_phone_is_refused_in_place_and_nothing_typed_is_lost(aisha: Browser, goods: Goods) -> None:
    refused = put(aisha, goods, locks_removed="")
    html = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "A locked phone is not bought" in words(refused)
    assert f'value="{BROUGHT}"' in html and 'value="250,000"' in html


def test_rule_18_one_ticket_with_its_net_amount(aisha: Browser, shop: Shop, goods: Goods) -> None:
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    assert "To pay 1 item 390,000" in words(put(aisha, goods))
    aisha.get("/sell/pay", htmx=True)
    paid = aisha.tap("/sell/tenders", method="cash")
    sale_id = action_id(paid)
    assert "Write the agreement" in words(paid)

    sheet = aisha.tap("/sell/complete", action_id=sale_id)
    assert sheet.headers["HX-Retarget"] == "#sheet" and "Who sells the phone" in words(sheet)
    assert shop.rows(Sale) == []
    done = agree(aisha, sale_id)

    assert "Sale saved" in words(done)
    assert {row.method: row.amount_minor for row in shop.rows(Payment)} == {"cash": 390_000, "trade_in": 250_000}
    (purchase,) = shop.rows(UsedPurchase)
    assert (purchase.sale_id, purchase.offer_minor) == (sale_id, 250_000)


def test_rule_13_who_sells_stands_in_no_cart_and_what_is_missing_is_said_in_the_sheet(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    put(aisha, goods)
    aisha.get("/sell/pay", htmx=True)
    sale_id = action_id(aisha.tap("/sell/tenders", method="cash"))

    refused = agree(aisha, sale_id, seller_photos=(io.BytesIO(b""), ""), signed_on_paper="")

    assert refused.status_code == 422 and refused.headers["HX-Retarget"] == "#seller-refused"
    assert "Photos: are needed" in words(refused) and "Signature: is needed" in words(refused)
    assert all("Okello" not in row.body and "B1234567" not in row.body for row in shop.rows(Cart))
    assert shop.rows(UsedPurchase) == []


def test_rule_16_an_offer_above_the_table_is_approved_beside_the_seller(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    """The sheet stays as it is: chosen photos are not lost."""
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    put(aisha, goods, offer="260000")
    aisha.get("/sell/pay", htmx=True)
    sale_id = action_id(aisha.tap("/sell/tenders", method="cash"))

    asked = agree(aisha, sale_id)

    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"
    assert "260,000 is more than the table" in words(asked)
    done = agree(aisha, sale_id, approver_id=shop.supervisor.id, approver_pin=PINS["Brian"])
    assert "Sale saved" in words(done)


def test_rule_17_what_the_phone_is_worth_above_the_ticket_is_paid_out(aisha: Browser, shop: Shop, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    assert "The customer gets 1 item 242,000" in words(put(aisha, goods))
    sale_id = action_id(aisha.get("/sell/pay", htmx=True))
    assert "Paid out: 242,000" in words(aisha.tap("/sell/complete", action_id=sale_id))

    done = words(agree(aisha, sale_id, payout_method="cash"))

    assert "Give the customer UGX 242,000" in done and "The agreement, to sign" in done
    (move,) = shop.rows(MoneyMove)
    assert (move.amount_minor, move.method) == (-242_000, "cash")


def test_a_trade_in_is_changed_and_taken_off_again(aisha: Browser, goods: Goods) -> None:
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    put(aisha, goods)
    assert f'value="{BROUGHT}"' in aisha.get("/sell/trade-in", htmx=True).get_data(as_text=True)
    assert "To pay 1 item 440,000" in words(put(aisha, goods, offer="200000"))
    assert "Total 1 item 640,000" in words(aisha.tap("/sell/brought/drop"))


def test_a_phone_is_bought_without_a_sale(aisha: Browser, shop: Shop, goods: Goods) -> None:
    assert "Buy it without a sale" in words(put(aisha, goods, offer="260000"))
    assert "Paid out: 260,000" in words(aisha.get("/sell/trade-in/buy", htmx=True))
    form = {"seller_photos": photo(), **SELLER, "payout_method": "cash"}
    asked = aisha.client.post("/sell/trade-in/buy", data=form, headers=HTMX, content_type="multipart/form-data")
    assert asked.headers["HX-Retarget"] == "#approval" and shop.rows(UsedPurchase) == []

    form |= {"seller_photos": photo(), "approver_id": shop.supervisor.id, "approver_pin": PINS["Brian"]}
    done = aisha.client.post("/sell/trade-in/buy", data=form, headers=HTMX, content_type="multipart/form-data")

    (purchase,) = shop.rows(UsedPurchase)
    assert done.headers["HX-Redirect"] == f"/phones/{purchase.unit_id}" and purchase.sale_id is None
    assert [move.amount_minor for move in shop.rows(MoneyMove)] == [-260_000]
    assert "Traded in" not in words(aisha.get("/sell"))
