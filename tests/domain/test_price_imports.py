"""Prices from a spreadsheet: retail, lists and steps; twice changes nothing; what cannot be read is explained."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.import_kinds import PRICES
from shopnode.domain.importing import tally
from shopnode.domain.permissions import Role
from shopnode.domain.pricing.models import RETAIL, Price
from shopnode.domain.sheets import LineResult, Verdict
from tests.shop import Shop


@pytest.fixture
def shop(anywhere: Shop) -> Shop:
    """Two products and a wholesale list, at either home."""
    for name, sku, price, floor in (("USB-C cable", "USBC", 8_000, 5_000), ("Tempered glass", "GLASS", 5_000, 0)):
        anywhere.do("products.create", name=name, sku=sku, category="Small", price_minor=price, floor_minor=floor)
    anywhere.do("price_lists.create", name="Wholesale")
    return anywhere


def run(shop: Shop, text: str, *, dry_run: bool = False, whole: bool = False) -> list[LineResult]:
    return list(PRICES.run(shop.ctx(), io.BytesIO(text.encode()), dry_run=dry_run, whole=whole))


def steps(shop: Shop) -> set[tuple[bool, int, int]]:
    """(whether it is of a list, from how many pieces, price) of every step that holds."""
    return {
        (row.list_id != RETAIL, row.min_quantity, row.price_minor)
        for row in shop.rows(Price)
        if row.archived_at is None
    }


FILE = (
    "sku,Product,Price list,From pieces,Price\n"
    "USBC,,retail,1,7500\nusbc,,,10,6500\n,tempered  GLASS,wholesale,,4000\n,Tempered glass,Wholesale,20,3 500\n"
)


def test_retail_lists_and_steps_are_taken_and_twice_changes_nothing(shop: Shop) -> None:
    assert tally(run(shop, FILE)) == {Verdict.CHANGED: 1, Verdict.NEW: 3}
    (cable,) = shop.rows(Product, sku="USBC")
    assert cable.price_minor == 7_500
    assert steps(shop) == {(False, 10, 6_500), (True, 1, 4_000), (True, 20, 3_500)}

    assert tally(run(shop, FILE)) == {Verdict.UNCHANGED: 4}


def test_a_dry_run_tells_before_and_after_and_changes_nothing(shop: Shop) -> None:
    first, second, *_ = run(shop, FILE, dry_run=True)

    assert first.says == ("Retail: 8,000 → 7,500.",)
    assert second.says == ("Retail from 10 pieces: none → 6,500.",)
    assert steps(shop) == set()


def test_none_strikes_a_step_out_but_never_the_retail_price(shop: Shop) -> None:
    run(shop, FILE)
    results = run(shop, "sku,list,from,price\nUSBC,,10,none\nUSBC,,1,none\nGLASS,,50,-\n")

    assert [result.verdict for result in results] == [Verdict.CHANGED, Verdict.WRONG, Verdict.UNCHANGED]
    assert "cannot be struck out" in results[1].says[0]
    assert steps(shop) == {(True, 1, 4_000), (True, 20, 3_500)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("NOKIA,,1,100", "is not in the catalogue"),
        (",,1,100", "say which product"),
        ("USBC,Dealers,1,100", "is no price list: begin it first"),
        ("USBC,,0,100", "1 to 100,000 pieces"),
        ("USBC,,two,100", "is not a whole number"),
        ("USBC,,1,", "is missing: write a price"),
        ("USBC,,1,cheap", "is not an amount"),
        ("USBC,,1,4000", "The lowest price of this product is above the price"),
        ("4.56E+05,,1,100", "was changed by a spreadsheet"),
    ],
)
def test_a_wrong_line_says_what_is_wrong(line: str, said: str, shop: Shop) -> None:
    good, wrong = run(shop, f"sku,list,from,price\nGLASS,,1,6000\n{line}\n")

    assert (good.verdict, wrong.verdict) == (Verdict.CHANGED, Verdict.WRONG)
    assert said in " ".join(wrong.says)


def test_the_same_step_twice_in_a_file_is_explained(shop: Shop) -> None:
    _, again = run(shop, "sku,name,list,price\nUSBC,,wholesale,6000\n,USB-C cable,Wholesale,5000\n")

    assert again.verdict is Verdict.WRONG and "line 2 already" in again.says[0]
    assert steps(shop) == {(True, 1, 6_000)}


def test_all_or_nothing_takes_no_price_when_one_line_is_wrong(shop: Shop) -> None:
    assert tally(run(shop, FILE + "NOKIA,,,,1\n", whole=True)) == {Verdict.SKIPPED: 4, Verdict.WRONG: 1}
    assert steps(shop) == set()


def test_only_those_who_may_write_prices_import_them(shop: Shop) -> None:
    with pytest.raises(NotPermitted):
        PRICES.run(shop.ctx(Role.STAFF), io.BytesIO(FILE.encode()))


@pytest.mark.parametrize("text", ["", "price\n100\n", "sku,colour\nUSBC,red\n"])
def test_a_table_without_prices_or_products_is_refused(text: str, shop: Shop) -> None:
    with pytest.raises(Invalid):
        run(shop, text)
