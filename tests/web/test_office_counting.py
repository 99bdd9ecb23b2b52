"""Stocktakes on the office's screens: begun, scanned and typed, looked through, approved."""

from __future__ import annotations

import pytest

from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.stock.models import StockLevel
from shopnode.domain.stocktakes.models import Stocktake
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, words
from tests.web.test_office_buying import place


@pytest.fixture
def till(shop: Shop) -> Till:
    till = open_till(shop)
    till.shop.do("products.update", product_id=till.glass, barcode="6160000010004")
    return till


def begin(browser: Browser, **scope: str) -> str:
    """A count under way; answers its address."""
    return place(browser.post("/stocktakes", **scope))


def level(till: Till, product_id: str) -> int:
    return next(row.on_hand for row in till.shop.rows(StockLevel) if row.product_id == product_id)


def test_a_count_is_begun_once_for_the_same_goods(aisha: Browser, till: Till) -> None:
    assert "Nothing was counted yet" in words(aisha.get("/stocktakes"))
    at = begin(aisha, category="Accessories", notes="the glass shelf")
    assert "Stocktake KLA1-C000001" in words(aisha.get(at)) and "the glass shelf" in words(aisha.get(at))
    again = aisha.post("/stocktakes", category="Accessories", notes="me, too")
    assert again.status_code == 409 and "Finish or cancel it first" in words(again)
    assert 'value="me, too"' in again.get_data(as_text=True)
    assert "only Accessories" in words(aisha.get("/stocktakes"))


def test_a_phone_scanned_twice_beeps_and_counts_once(aisha: Browser, till: Till) -> None:
    at = begin(aisha)
    first = aisha.tap(f"{at}/scans", number=IMEIS[0])
    assert "Tecno Spark 40" in words(first) and "data-beep" not in first.get_data(as_text=True)
    again = aisha.tap(f"{at}/scans", number=IMEIS[0])
    assert "Scanned before; it counts once" in words(again) and "data-beep" in again.get_data(as_text=True)
    row = f'id="found-{IMEIS[0]}"'
    assert row in first.get_data(as_text=True) and row in again.get_data(as_text=True)
    unknown = aisha.tap(f"{at}/scans", number="004401551550169")
    assert "Nobody knows this number" in words(unknown) and "is-odd" in unknown.get_data(as_text=True)
    assert aisha.get(at).get_data(as_text=True).count('<li id="found-') == 2


def test_a_products_code_asks_how_many_and_the_last_count_holds(aisha: Browser, till: Till) -> None:
    at = begin(aisha)
    asked = aisha.tap(f"{at}/scans", number="6160000010004")
    assert "How many are on the shelf?" in words(asked) and "Tempered glass" in words(asked)
    assert "Tempered glass" in words(aisha.tap(f"{at}/counts", product_id=till.glass, counted="7"))
    later = words(aisha.tap(f"{at}/counts", product_id=till.glass, counted="8"))
    assert "8" in later and "this count is the one that holds" in later
    wrong = aisha.tap(f"{at}/counts", product_id=till.glass, counted="many")
    assert wrong.status_code == 422 and "whole number" in words(wrong)
    assert "Tempered glass" in words(aisha.get(f"{at}/find?q=temp", htmx=True))
    assert "scan each phone" in words(aisha.get(f"{at}/find?q=tecno", htmx=True))
    assert "How many" in words(aisha.get(f"{at}/ask/{till.glass}", htmx=True))


def test_counting_works_without_scripts(aisha: Browser, till: Till) -> None:
    at = begin(aisha)
    assert aisha.post(f"{at}/scans", number=IMEIS[0]).status_code == 303
    assert IMEIS[0] in words(aisha.get(at))
    wrong = aisha.post(f"{at}/scans", number="1")
    assert wrong.status_code == 422 and "at least 3 characters" in words(wrong)
    assert 'value="1"' in wrong.get_data(as_text=True)


def test_who_counts_does_not_see_the_books_and_who_approves_sees_every_difference(
    aisha: Browser, brian: Browser, till: Till
) -> None:
    at = begin(aisha)
    aisha.tap(f"{at}/counts", product_id=till.glass, counted="8")
    aisha.tap(f"{at}/scans", number=IMEIS[0])
    assert place(aisha.post(f"{at}/submit")) == at
    blind = words(aisha.get(at))
    assert "The count is finished" in blind and "Differences" not in blind and IMEIS[1] not in blind
    assert aisha.post(f"{at}/approve").status_code == 403

    shown = words(brian.get(at))
    assert "Tempered glass" in shown and "−2" in shown and IMEIS[1] in shown and "not found" in shown
    place(brian.post(f"{at}/reopen"))
    aisha.tap(f"{at}/counts", product_id=till.glass, counted="9")
    place(aisha.post(f"{at}/submit"))
    place(brian.post(f"{at}/approve", uncounted="leave"))
    assert "In the books" in words(brian.get(at))
    assert level(till, till.glass) == 9
    assert till.shop.row(StockUnit, till.units[1]).status == "missing"


def test_a_large_difference_of_ones_own_count_needs_a_second_person_on_the_same_screen(
    brian: Browser, till: Till
) -> None:
    at = begin(brian)
    place(brian.post(f"{at}/submit"))
    asked = brian.post(f"{at}/approve", uncounted="zero")
    text = asked.get_data(as_text=True)
    assert asked.status_code == 403 and "Your own count differs" in words(asked) and "Sarah, Owner" in words(asked)
    assert 'value="zero" checked' in text
    second = {"approver_id": till.shop.people["Sarah"].id, "approver_pin": PINS["Sarah"]}
    place(brian.post(f"{at}/approve", uncounted="zero", **second))
    assert level(till, till.glass) == 0


def test_what_was_not_counted_is_left_or_taken_as_gone_and_the_owner_sees_the_worth(
    aisha: Browser, sarah: Browser, till: Till
) -> None:
    at = begin(aisha)
    for number in IMEIS:
        aisha.tap(f"{at}/scans", number=number)
    aisha.post(f"{at}/submit")
    assert "Not counted at all" in words(sarah.get(at))
    place(sarah.post(f"{at}/approve", uncounted="zero"))
    assert level(till, till.glass) == 0
    assert "−15,000" in words(sarah.get(at)) and "−15,000" in words(sarah.get("/stocktakes"))
    assert IMEIS[0] in sarah.get(f"{at}?format=csv").get_data(as_text=True)
    assert sarah.get("/stocktakes?format=xlsx").data[:2] == b"PK"
    assert aisha.get("/stocktakes?format=csv").status_code == 403


def test_a_count_is_given_up_with_the_reason(brian: Browser, till: Till) -> None:
    at = begin(brian)
    silent = brian.post(f"{at}/cancel", reason="")
    assert silent.status_code == 422 and "at least 3 characters" in words(silent)
    place(brian.post(f"{at}/cancel", reason="the shop was full"))
    assert "Given up" in words(brian.get(at)) and "the shop was full" in words(brian.get(at))
    assert till.shop.rows(Stocktake)[0].status == "cancelled" and level(till, till.glass) == 10
    late = brian.tap(f"{at}/scans", number=IMEIS[0])
    assert late.status_code == 409 and "cancelled" in words(late)
