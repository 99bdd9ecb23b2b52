"""Price lists on the office's screens, and every price as a file that can be imported again."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.import_kinds import PRICES
from shopnode.domain.importing import tally
from shopnode.domain.pricing.models import RETAIL, Price, PriceList
from shopnode.domain.sheets import Verdict
from tests.shop import Shop
from tests.web.conftest import Browser, words
from tests.web.goods import Goods, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


@pytest.fixture
def wholesale(sarah: Browser) -> str:
    """The address of a list that was begun on the screen."""
    return sarah.post("/price-lists", name="Wholesale").headers["Location"]


def test_a_list_is_begun_filled_and_told(sarah: Browser, shop: Shop, goods: Goods, wholesale: str) -> None:
    assert sarah.post(f"{wholesale}/prices", product="usbc", min_quantity="10", price_minor="6,000").status_code == 303
    assert sarah.post(f"{wholesale}/prices", product="tecno spark 40", price_minor="600000").status_code == 303

    told = words(sarah.get(wholesale))
    assert "USB-C cable 10 piece" in told.replace("10 pieces", "10 piece") and "6,000" in told and "600,000" in told
    customer = shop.do("customers.create", name="Kato")["id"]
    shop.do("price_lists.assign", customer_id=customer, list_id=wholesale.rpartition("/")[2])
    assert "Wholesale 1 customer 2" in words(sarah.get("/price-lists"))


def test_more_pieces_at_retail_is_a_list_of_its_own(sarah: Browser, shop: Shop, goods: Goods) -> None:
    here = f"/price-lists/{RETAIL}"
    refused = sarah.post(f"{here}/prices", product="USBC", min_quantity="1", price_minor="7,000")
    assert refused.status_code == 422 and "at least 2" in words(refused)
    assert sarah.post(f"{here}/prices", product="USBC", min_quantity="5", price_minor="7,000").status_code == 303
    assert "7,000" in words(sarah.get(here))

    sarah.post(f"{here}/prices", product_id=goods.cable, min_quantity="5", price_minor="")

    assert all(row.archived_at for row in shop.rows(Price)) and "No prices in it yet" in words(sarah.get(here))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"product": "", "price_minor": "1"}, "type a name, SKU or barcode"),
        ({"product": "nokia", "price_minor": "1"}, "Is not sold here"),
        ({"product": "case", "price_minor": "1"}, "type the whole name"),
        ({"product": "USBC", "price_minor": "cheap"}, "whole number"),
        ({"product": "USBC", "min_quantity": "many", "price_minor": "1"}, "whole number"),
    ],
)
def test_a_price_that_cannot_be_set_is_explained_and_kept(
    sarah: Browser, shop: Shop, goods: Goods, wholesale: str, typed: dict[str, str], said: str
) -> None:
    for colour in ("red", "blue"):
        shop.do("products.create", name=f"Case {colour}", category="Cases", price_minor=15_000)

    answer = sarah.post(f"{wholesale}/prices", **typed)

    assert answer.status_code == 422 and said in words(answer) and shop.rows(Price) == []
    assert f'value="{typed["product"]}"' in answer.get_data(as_text=True)


def test_a_list_is_renamed_and_taken_out_of_use(sarah: Browser, shop: Shop, wholesale: str) -> None:
    sarah.post("/price-lists", name="Dealers")
    taken = sarah.post(f"{wholesale}/name", name="dealers")
    assert taken.status_code == 422 and "name of another" in words(taken)
    sarah.post(f"{wholesale}/name", name="Owino")
    assert "Owino" in words(sarah.get(wholesale))

    sarah.post(f"{wholesale}/archive")

    assert "Owino" not in words(sarah.get("/price-lists")) and sarah.get(wholesale).status_code == 404
    assert len([row for row in shop.rows(PriceList) if row.archived_at]) == 1


def test_all_prices_leave_as_a_file_that_changes_nothing_when_it_comes_back(
    sarah: Browser, shop: Shop, goods: Goods, wholesale: str
) -> None:
    sarah.post(f"{wholesale}/prices", product="USBC", min_quantity="10", price_minor="6,000")
    sarah.post(f"/price-lists/{RETAIL}/prices", product="USBC", min_quantity="5", price_minor="7,000")

    file = sarah.get("/price-lists?format=csv").data

    lines = list(PRICES.run(shop.ctx(), io.BytesIO(file)))
    assert tally(lines) == {Verdict.UNCHANGED: 4}
    assert shop.entries()[-1].action == "lists.export"


def test_staff_look_and_change_nothing(aisha: Browser, shop: Shop, goods: Goods, wholesale: str) -> None:
    assert "Set a price" not in words(aisha.get(wholesale))
    assert aisha.post(f"{wholesale}/prices", product="USBC", price_minor="1").status_code == 403
    assert aisha.get("/price-lists?format=csv").status_code == 403
