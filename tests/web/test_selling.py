"""The counter: find, fill the cart, change it, park it; a cart that outlives the power."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from shopnode.app import create_app
from shopnode.domain.sales.models import Cart, Sale, SaleLine
from tests.shop import Shop
from tests.web.conftest import BareNode, Browser, line_ids, words
from tests.web.goods import IMEIS, Goods, begin_payment, sell_cable, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


def sales(shop: Shop) -> int:
    with shop.home.reading() as session:
        return int(session.scalar(select(func.count()).select_from(Sale)) or 0)


def test_a_scan_adds_the_exact_article_at_once_and_again_counts_it(aisha: Browser, goods: Goods) -> None:
    aisha.tap("/sell/lines", q="6160000010004")
    answer = aisha.tap("/sell/lines", q="6160000010004")

    assert "2 × 8,000" in words(answer)
    assert 'id="cart"' in answer.get_data(as_text=True) and 'id="pay"' in answer.get_data(as_text=True)


def test_a_scanned_imei_puts_that_phone_in_the_cart_once(aisha: Browser, goods: Goods) -> None:
    added = aisha.tap("/sell/lines", q=IMEIS[0])
    again = aisha.tap("/sell/lines", q=IMEIS[0])

    assert "IMEI …0136" in words(added)
    assert again.status_code == 409 and "in the cart already" in words(again)


def test_a_handset_asks_which_one_it_is(aisha: Browser, goods: Goods) -> None:
    answer = aisha.tap("/sell/lines", product_id=goods.phone)

    assert answer.headers["HX-Retarget"] == "#sheet"
    assert IMEIS[0] in words(answer) and IMEIS[1] in words(answer)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("123", "was not found"), ("004401551550999", "was not found"), ("", "was not found")],
)
def test_a_wrong_imei_is_said_in_the_sheet_and_stays_there(aisha: Browser, goods: Goods, typed: str, said: str) -> None:
    answer = aisha.tap("/sell/lines", product_id=goods.phone, imei=typed)

    assert answer.status_code == 404 and answer.headers["HX-Retarget"] == "#sheet"
    assert said in words(answer) and f'value="{typed}"' in answer.get_data(as_text=True)


def test_what_is_no_code_is_searched(aisha: Browser, goods: Goods) -> None:
    answer = aisha.tap("/sell/lines", q="spark")

    assert answer.headers["HX-Retarget"] == "#results"
    assert "Tecno Spark 40" in words(answer)


def test_one_box_finds_products_phones_sales_and_customers(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("customers.create", name="Grace Akello", phone="0772123456")
    sell_cable(aisha, goods)

    assert "USB-C cable" in words(aisha.get("/sell/search?q=cabl", htmx=True))
    assert IMEIS[1] in words(aisha.get(f"/sell/search?q={IMEIS[1]}", htmx=True))
    assert "KLA1-000001" in words(aisha.get("/sell/search?q=kla1-000001", htmx=True))
    assert "Grace Akello" in words(aisha.get("/sell/search?q=0772123", htmx=True))
    assert "Nothing found" in words(aisha.get("/sell/search?q=zzzz", htmx=True))


def test_a_line_takes_another_quantity_price_and_discount(aisha: Browser, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    line_id = line_ids(aisha)[0]

    answer = aisha.tap(f"/sell/lines/{line_id}", quantity="3", unit_price_minor="7,500", discount_minor="500")

    assert "3 × 7,500" in words(answer) and "22,000" in words(answer)


def test_selling_more_than_there_is_is_said_and_not_refused(aisha: Browser, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    line_id = line_ids(aisha)[0]

    assert "in stock by our books" not in words(aisha.tap(f"/sell/lines/{line_id}", quantity="20"))
    answer = aisha.tap(f"/sell/lines/{line_id}", quantity="21")

    assert answer.status_code == 200 and "only 20 in stock by our books" in words(answer)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quantity": "0", "unit_price_minor": "8000"}, None),
        ({"quantity": "-1", "unit_price_minor": "8000"}, "Must be between"),
        ({"quantity": "99999999", "unit_price_minor": "8000"}, "Must be between"),
        ({"quantity": "two", "unit_price_minor": "8000"}, "Must be a whole number"),
        ({"quantity": "1", "unit_price_minor": "-5"}, "Must be at least 0"),
        ({"quantity": "1", "unit_price_minor": "9999999999999"}, "Must be at most"),
        ({"quantity": "1", "unit_price_minor": "a lot"}, "Must be an amount"),
        ({"quantity": "1", "unit_price_minor": "8000", "discount_minor": "9000"}, "more than the line costs"),
    ],
)
def test_a_wrong_change_is_explained_and_nothing_is_lost(
    aisha: Browser, goods: Goods, fields: dict[str, str], said: str | None
) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    before = words(aisha.get("/sell"))
    line_id = line_ids(aisha)[0]

    answer = aisha.tap(f"/sell/lines/{line_id}", **fields)

    if said is None:
        assert line_ids(aisha) == []
        return
    assert answer.status_code == 422 and answer.headers["HX-Retarget"] == "#sheet"
    assert said.lower() in words(answer).lower()
    kept = answer.get_data(as_text=True).replace(",", "")
    assert f'value="{fields["unit_price_minor"]}"' in kept
    assert words(aisha.get("/sell")) == before


def test_the_cart_is_in_the_shop_and_not_in_the_browser(shop: Shop, node: BareNode, goods: Goods) -> None:
    tablet = Browser(create_app(node))
    tablet.sign_in("Aisha")
    tablet.tap("/sell/lines", product_id=goods.cable)
    tablet.tap("/sell/lines", unit_id=goods.units[0])
    fitting = {"item_name": "Screen fitting", "unit_price_minor": "10,000", "category": "Services", "cost_minor": "0"}
    tablet.tap("/sell/custom", **fitting)

    computer = Browser(create_app(BareNode(shop)))  # the program started anew
    computer.sign_in("Aisha")
    text = words(computer.get("/sell"))

    assert "USB-C cable" in text and "IMEI …0136" in text and "Screen fitting" in text and "658,000" in text


def test_rule_26_a_thing_named_by_hand_keeps_its_guessed_cost(aisha: Browser, shop: Shop, goods: Goods) -> None:
    fitting = {"item_name": "Screen fitting", "unit_price_minor": "10000", "category": "Services"}
    wrong = aisha.tap("/sell/custom", **fitting, cost_minor="-1")
    assert wrong.status_code == 422 and "must be at least 0" in words(wrong).lower()
    assert "needed, about" in words(aisha.tap("/sell/custom", **fitting))
    aisha.tap("/sell/custom", **fitting, cost_minor="4,000")
    aisha.tap("/sell/complete", action_id=begin_payment(aisha))

    assert [(row.item_name, row.cost_minor) for row in shop.rows(SaleLine)] == [("Screen fitting", 4_000)]


def test_a_parked_sale_is_taken_up_by_somebody_else(aisha: Browser, brian: Browser, shop: Shop, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    assert "Ready for the next customer" in words(aisha.tap("/sell/park"))

    parked = brian.get("/sell/parked", htmx=True)
    assert "USB-C cable" in words(parked) and "Aisha" in words(parked)
    (row,) = shop.rows(Cart)
    taken = brian.tap(f"/sell/resume/{row.id}")

    assert "USB-C cable" in words(taken)
    assert "Ready for the next customer" in words(aisha.get("/sell"))
    assert aisha.tap(f"/sell/resume/{row.id}").status_code == 404


def test_resuming_parks_what_is_in_work(aisha: Browser, shop: Shop, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    aisha.tap("/sell/park")
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    (parked,) = [row for row in shop.rows(Cart) if row.parked_at]

    answer = aisha.tap(f"/sell/resume/{parked.id}")

    assert "USB-C cable" in words(answer) and "Parked 1" in words(answer)
