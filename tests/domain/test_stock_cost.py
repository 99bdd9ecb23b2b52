"""The moving average (docs/rules/cost.md): as the page says, on both engines, in whatever order rows are heard of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine

from shopnode.domain.capture import begin_capture, insert_rows
from shopnode.domain.clock import act_id, to_datetime
from shopnode.domain.guard import forget_touched
from shopnode.domain.projections import project
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.stock.models import MovementKind, StockCost, StockMovement
from shopnode.domain.stock.rules import Moved, moving_average
from tests.domain.test_rules_pages import rows
from tests.domain.till import Till, open_till
from tests.shop import STARTED_MS, Shop

HERE = act_id("tests", "here")


def stories() -> list[list[list[str]]]:
    """The page's table, cut where a story begins."""
    found: list[list[list[str]]] = []
    for row in rows("cost.md"):
        if row[0]:
            found.append([])
        found[-1].append(row)
    return found


@pytest.mark.parametrize("story", stories(), ids=lambda story: story[0][0])
def test_the_page_on_cost(story: list[list[str]]) -> None:
    moves: list[Moved] = []
    for _, kind, pieces, cost, on_hand, average in story:
        moves.append(Moved(MovementKind(kind).value, int(pieces), int(cost)))
        assert sum(move.quantity for move in moves) == int(on_hand)
        assert moving_average(moves) == (int(average) if average else None)


def hear(shop: Shop, *moves: dict[str, Any]) -> None:
    """Movements as they come from elsewhere: written, and derived from, in one batch."""
    with shop.home.writing() as session:
        capture = begin_capture(session)
        insert_rows(session, StockMovement, list(moves))
        project(session, capture)
        session.flush()
        forget_touched(session.connection())
        session.info["capture"] = None


def move(no: int, product: str, kind: str, quantity: int, cost: int) -> dict[str, Any]:
    at = to_datetime(STARTED_MS + no * 1000)
    return {
        "id": act_id("tests", "move", product, str(no)), "shop_id": HERE, "product_id": product, "kind": kind,
        "quantity": quantity, "unit_cost_minor": cost, "at": at,
    }  # fmt: skip


STORY = [("opening", 10, 1_500), ("received", 10, 2_000), ("sold", -5, 1_750), ("received", 5, 1_950), ("sold", -1, 1)]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 0, 4, 1, 2], [1, 3, 0, 4, 2]])
def test_the_average_is_the_same_in_whatever_order_movements_are_heard_of(anywhere: Shop, order: list[int]) -> None:
    product = anywhere.do("products.create", name="Glass", category="Glass", price_minor=5_000)["id"]
    moves = [move(no, product, *told) for no, told in enumerate(STORY)]
    for no in order:
        hear(anywhere, moves[no])
    (cost,) = anywhere.rows(StockCost)
    assert (cost.shop_id, cost.product_id, cost.average_minor) == (HERE, product, 1_800)


@given(st.data())
@settings(max_examples=60)
def test_the_average_lies_between_the_cheapest_and_the_dearest_piece(data: st.DataObject) -> None:
    move = st.tuples(st.sampled_from(list(MovementKind)), st.integers(-20, 20), st.integers(0, 10**6))
    moves = [Moved(kind.value, quantity, cost) for kind, quantity, cost in data.draw(st.lists(move, max_size=25))]
    average = moving_average(moves)
    costs = [move.unit_cost_minor for move in moves]
    # One shilling for each time it was rounded.
    assert average is None or min(costs) - len(moves) <= average <= max(costs) + len(moves)


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_a_sale_takes_the_shops_average_and_not_the_catalogues_cost(till: Till) -> None:
    till.shop.do("products.update", product_id=till.glass, cost_minor=2_500)
    till.shop.do("stock.adjust", product_id=till.glass, quantity=10, reason="bought on the market", kind="received")
    till.sell({"product_id": till.glass, "quantity": 2})

    (line,) = till.shop.rows(SaleLine)
    assert line.cost_minor == 2_000  # ten at 1,500 and ten at 2,500
    assert till.shop.changes("stock_movement")[-1].fields["unit_cost_minor"] == 2_000


def test_a_product_that_never_came_in_costs_what_the_catalogue_says(till: Till) -> None:
    till.sell({"product_id": till.charger})
    assert till.shop.rows(SaleLine)[0].cost_minor == 22_000
    assert till.shop.rows(StockCost, product_id=till.charger) == []


def test_a_phone_keeps_its_own_cost_and_has_no_average(till: Till) -> None:
    till.sell({"device_id": till.units[0]})
    assert till.shop.rows(SaleLine)[0].cost_minor == 560_000
    assert till.shop.rows(StockCost, product_id=till.phone) == []


def test_more_lines_ask_for_no_more_of_their_costs(till: Till) -> None:
    """A query for each product, that there was before; none more for its average, and one for all movements."""
    asked: list[str] = []
    note = lambda conn, cursor, statement, *rest: asked.append(statement)  # noqa: E731
    event.listen(Engine, "before_cursor_execute", note)
    try:
        till.sell({"product_id": till.glass})
        one = len(asked)
        asked.clear()
        till.sell({"product_id": till.glass}, {"product_id": till.charger})
        assert len(asked) == one
    finally:
        event.remove(Engine, "before_cursor_execute", note)
