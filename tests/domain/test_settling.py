"""An empty shelf is worth nothing, whatever came and went there, and what comes onto it counts at its own cost."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.stock.days import day_ends
from shopnode.domain.stock.models import StockLevel, StockMovement
from shopnode.domain.stock.queries import stock_differences
from shopnode.domain.stock.rules import Moved, moving_average
from shopnode.domain.stock.settling import NOTE, Moving, worth_before
from shopnode.domain.stock.value import _before_since, _until, stock_value
from tests.domain.till import Till, open_till
from tests.domain.trade import average, receive
from tests.shop import Shop

DAY_MS = 24 * 3600 * 1000
PHONES = 1_120_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def level(till: Till, product_id: str) -> tuple[int, int]:
    (row,) = till.shop.rows(StockLevel, product_id=product_id)
    return row.on_hand, row.worth_minor


def value(till: Till) -> int:
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return stock_value(ctx).value_minor


def empty(till: Till) -> None:
    """Seven glasses at two odd costs beside the ten, all sold at the rounded average."""
    for cost, pieces in ((1_777, 3), (1_501, 4)):
        receive(till, {"product_id": till.glass, "quantity": pieces, "unit_cost_minor": cost})
        till.shop.clock.advance(1_000)
    till.sell({"product_id": till.glass, "quantity": 17})
    till.shop.clock.advance(1_000)
    assert level(till, till.glass)[0] == 0 != level(till, till.glass)[1]


def test_an_empty_shelf_is_worth_nothing_and_what_comes_next_what_it_cost(till: Till) -> None:
    empty(till)
    assert value(till) == PHONES
    receive(till, {"product_id": till.glass, "quantity": 3, "unit_cost_minor": 2_000}, extra_cost_minor=100)
    assert (level(till, till.glass), value(till)) == ((3, 6_100), PHONES + 6_100)
    pair = till.shop.rows(StockMovement, kind="aside")
    assert [(row.quantity, row.note) for row in sorted(pair, key=lambda row: row.quantity)] == [(-1, NOTE), (1, NOTE)]
    assert average(till, till.glass) == 2_033


def test_what_was_sold_before_it_was_booked_in_leaves_no_worth(till: Till) -> None:
    till.sell({"product_id": till.charger, "quantity": 3})  # at the catalogue's 22,000
    assert (level(till, till.charger), value(till)) == ((-3, -66_000), PHONES + 15_000)
    till.shop.clock.advance(1_000)
    receive(till, {"product_id": till.charger, "quantity": 2, "unit_cost_minor": 15_000})
    till.shop.clock.advance(1_000)
    assert value(till) == PHONES + 15_000
    receive(till, {"product_id": till.charger, "quantity": 3, "unit_cost_minor": 16_000}, extra_cost_minor=1)
    assert (level(till, till.charger), value(till)) == ((2, 32_000), PHONES + 15_000 + 32_000)
    till.shop.clock.advance(1_000)
    till.sell({"product_id": till.charger, "quantity": 2})
    assert level(till, till.charger) == (0, 0)


@pytest.mark.parametrize("way", ["adjust", "count"])
def test_taking_off_the_last_piece_takes_the_rest_of_the_worth(till: Till, way: str) -> None:
    receive(till, {"product_id": till.glass, "quantity": 3, "unit_cost_minor": 1_777})
    assert level(till, till.glass) == (13, 20_331)
    if way == "adjust":
        till.shop.do("stock.adjust", product_id=till.glass, quantity=-13, reason="all broken")
    else:
        count = till.shop.do("stocktakes.start", category="Accessories")["stocktake_id"]
        till.shop.do("stocktakes.count", stocktake_id=count, product_id=till.glass, counted=0)
        till.shop.do("stocktakes.submit", stocktake_id=count)
        till.shop.do("stocktakes.approve", stocktake_id=count)
    assert level(till, till.glass) == (0, 0)


def test_a_past_day_with_an_empty_shelf_is_worth_the_same_from_either_end(till: Till) -> None:
    for sold, came in ((13, 2), (1, 1), (3, 9), (7, 1)):
        till.shop.clock.advance(DAY_MS)
        till.sell({"product_id": till.glass, "quantity": sold})
        till.sell({"product_id": till.charger})
        till.shop.clock.advance(1_000)
        receive(till, {"product_id": till.glass, "quantity": came, "unit_cost_minor": 2_501}, extra_cost_minor=7)
    with till.shop.reading() as ctx:
        for day in range(20, 27):
            ends = day_ends(ctx, date(2026, 9, day))
            forward, back = _until(ctx, ends).by_category, _before_since(ctx, ends).by_category
            assert {name: parts for name, parts in back.items() if any(parts)} == forward
        assert stock_value(ctx, date(2026, 9, 25)).value_minor == stock_value(ctx).value_minor


parts = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3_000)), min_size=1, max_size=3)


@given(st.integers(-20, 0), parts)
def test_the_worth_after_settling_is_the_one_the_average_is_made_of(on_hand: int, came: list[tuple[int, int]]) -> None:
    coming = [Moving("glass", *part) for part in came]
    after = on_hand + sum(part.quantity for part in coming)
    worth = worth_before(on_hand, coming) + sum(part.quantity * part.unit_cost_minor for part in coming)
    moves = [Moved("sold", on_hand, 500), *(Moved("received", *part) for part in came)]
    assert (worth > 0) <= (after > 0)
    if after > 0:
        assert (2 * worth + after) // (2 * after) == moving_average(moves)
