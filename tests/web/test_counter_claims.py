"""A claim under a warranty at the counter: what was sold is scanned, and a claim starts nothing anew."""

from __future__ import annotations

import pytest

from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.returns.models import WarrantyClaim
from shopnode.domain.sales.models import Sale, SaleLine
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, words
from tests.web.goods import IMEIS, Goods, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


@pytest.fixture
def line(shop: Shop, goods: Goods) -> str:
    """A phone that was sold with a year of warranty."""
    shop.do("products.update", product_id=goods.phone, warranty_days=365)
    shop.do("sales.sell", items=[{"device_id": goods.units[0]}], payments=[{"method": "cash", "amount": 640_000}])
    (sold,) = shop.rows(SaleLine)
    return sold.id


def test_rule_57_a_claim_is_written_down_and_shown(aisha: Browser, shop: Shop, line: str) -> None:
    page = words(aisha.get(f"/returns/claim/{line}"))
    assert "Covered until" in page and "Tecno Spark 40" in page
    claim = {"imei": IMEIS[0], "outcome": "repair", "reason": "no sound"}

    done = aisha.tap(f"/returns/claim/{line}", **claim)

    assert done.headers["HX-Redirect"] == f"/returns/claim/{line}"
    shown = words(aisha.get(f"/returns/claim/{line}"))
    assert "Accepted for repair" in shown and "no sound" in shown


def test_rule_51_the_phone_that_came_back_is_scanned(aisha: Browser, shop: Shop, line: str) -> None:
    unscanned = aisha.tap(f"/returns/claim/{line}", outcome="repair", reason="no sound")
    assert unscanned.status_code == 422 and "scan the IMEI" in words(unscanned)
    assert 'value="no sound"' in unscanned.get_data(as_text=True) and shop.rows(WarrantyClaim) == []


def test_rule_56_what_replaces_it_is_a_sale_of_its_own(aisha: Browser, shop: Shop, goods: Goods, line: str) -> None:
    claim = {"imei": IMEIS[0], "new_imei": IMEIS[1], "outcome": "replace", "restock": "bench", "reason": "dead"}
    asked = aisha.tap(f"/returns/claim/{line}", **claim)
    assert asked.status_code == 403 and asked.headers["HX-Retarget"] == "#approval"

    owner = {"approver_id": shop.owner.id or "", "approver_pin": PINS["Sarah"]}
    done = aisha.tap(f"/returns/claim/{line}", **claim, **owner)

    new = next(row for row in shop.rows(Sale) if row.number.endswith("000002"))
    assert done.headers["HX-Redirect"] == f"/sales/{new.id}"
    assert [shop.row(StockUnit, unit).status for unit in goods.units] == ["bench", "sold"]


def test_what_was_sold_without_a_warranty_is_no_claim(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("sales.sell", items=[{"product_id": goods.cable}], payments=[{"method": "cash", "amount": 8_000}])
    (sold,) = shop.rows(SaleLine)
    assert "sold without a warranty" in words(aisha.get(f"/returns/claim/{sold.id}"))
    refused = aisha.tap(f"/returns/claim/{sold.id}", outcome="repair", reason="broken")
    assert refused.status_code == 409 and shop.rows(WarrantyClaim) == []
