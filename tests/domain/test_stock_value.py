"""What the stock is worth, now and on a past day, and the movements behind it."""

from __future__ import annotations

from datetime import date

import pytest

from shopnode.domain.stock.days import day_ends
from shopnode.domain.stock.queries import MovementFilter, list_movements
from shopnode.domain.stock.value import _before_since, _until, stock_value
from tests.domain.till import Till, open_till
from tests.domain.trade import a_supplier, average, receive, worth
from tests.shop import Shop

DAY_MS = 24 * 3600 * 1000
FIRST, SECOND = date(2026, 9, 21), date(2026, 9, 22)


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_the_stock_is_worth_what_its_movements_are(till: Till) -> None:
    cable = {"name": "Cable", "category": "Cables", "price_minor": 9_000, "cost_minor": 4_000}
    cable_id = till.shop.do("products.create", cable)["id"]
    receive(till, {"product_id": cable_id, "quantity": 3}, extra_cost_minor=100)
    till.sell({"device_id": till.units[0]})
    with till.shop.reading() as ctx:
        now = stock_value(ctx)
    assert (now.pieces, now.value_minor, now.on) == (14, 10 * 1_500 + 560_000 + 12_100, None)
    parts = [(part.category, part.products, part.pieces, part.value_minor) for part in now.categories]
    assert parts == [("Accessories", 2, 11, 575_000), ("Cables", 1, 3, 12_100)]
    assert now.value_minor == worth(till)


def test_the_worth_of_a_past_day_is_that_of_its_end(till: Till) -> None:
    till.shop.clock.advance(DAY_MS)
    line = {"product_id": till.glass, "quantity": 10, "unit_cost_minor": 2_500}
    receive(till, line, supplier_id=a_supplier(till.shop))
    till.shop.clock.advance(1_000)
    till.sell({"product_id": till.glass, "quantity": 5})
    with till.shop.reading() as ctx:
        assert stock_value(ctx, date(2026, 9, 20)).categories == ()
        assert stock_value(ctx, FIRST).value_minor == 15_000 + 1_120_000
        assert stock_value(ctx, SECOND).value_minor == stock_value(ctx).value_minor == 15 * 2_000 + 1_120_000
    assert average(till, till.glass) == 2_000


def test_a_past_day_is_worth_the_same_from_either_end(till: Till) -> None:
    supplier_id = a_supplier(till.shop)
    for _ in range(4):
        till.shop.clock.advance(DAY_MS)
        till.sell({"product_id": till.glass, "quantity": 4})
        till.shop.clock.advance(1_000)
        receive(till, {"product_id": till.glass, "quantity": 2, "unit_cost_minor": 2_500}, supplier_id=supplier_id)
    with till.shop.reading() as ctx:
        for day in range(19, 27):
            ends = day_ends(ctx, date(2026, 9, day))
            forward, back = _until(ctx, ends).by_category, _before_since(ctx, ends).by_category
            assert {name: parts for name, parts in back.items() if any(parts)} == forward


def test_movements_are_filtered_by_what_when_and_who(till: Till) -> None:
    till.shop.clock.advance(DAY_MS)
    sale = till.sell({"device_id": till.units[0]}, {"product_id": till.glass}).result["sale_id"]
    with till.shop.reading() as ctx:

        def kinds(**wanted: object) -> list[str]:
            return [row.kind for row in list_movements(ctx, MovementFilter(**wanted)).rows]  # type: ignore[arg-type]

        assert kinds(product_id=till.glass) == ["sold", "opening"]
        assert kinds(unit_id=till.units[0]) == ["sold", "received"]
        assert kinds(sale_id=sale) == ["sold", "sold"]
        assert kinds(kind="opening") == ["opening"]
        assert kinds(from_on=SECOND) == ["sold", "sold"]
        assert sorted(kinds(to_on=FIRST)) == ["opening", "received", "received"]
        assert kinds(by_id=till.shop.owner.id, from_on=SECOND) == []
        assert kinds(by_id=till.shop.cashier.id) == ["sold", "sold"]
