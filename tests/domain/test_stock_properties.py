"""Whatever is received, sold, returned, undone, counted, sent and bundled at two shops, in any order: stock is the sum
of its movements, and what was told outside the shops; pieces sent = received + taken back + under way."""

from __future__ import annotations

import pytest

from shopnode.domain.stock.rules import Moved, moving_average
from tests.domain.stories import assert_lively, hold
from tests.domain.story_phones import SELLING_PLANS, mend, stocked_world, to_supplier
from tests.domain.story_stock import STOCK_PLANS, Shops

PHONES_WORTH = """SELECT worth_minor, (SELECT coalesce(sum(cost_minor), 0) FROM stock_unit u
    WHERE u.product_id = l.product_id AND u.status IN ('in_stock', 'reserved'))
    FROM stock_level l WHERE product_id = ?"""
GOODS_PLANS = {**SELLING_PLANS, **STOCK_PLANS, "to supplier": to_supplier, "mend": mend}


def check_stock(w: Shops) -> None:
    w.carry()
    w.hold_counts()
    for at, books in enumerate(w.books):
        levels = dict(books.ask("SELECT product_id, on_hand FROM stock_level"))
        moved = dict(books.ask("SELECT product_id, sum(quantity) FROM stock_movement GROUP BY 1"))
        assert levels == moved
        told = {product: w.level(at, product) for product in (w.things.glass, w.things.charger)}
        told[w.things.phone] = len(w.here(at, "in_stock", "reserved"))
        assert {product: levels.get(product, 0) for product in told} == told, at
        assert not {w.things.kit, w.things.phone_kit} & set(levels)  # a bundle has no stock of its own
    check_ways(w)


def check_ways(w: Shops) -> None:
    """Both shops know the same of what is between them: sent = received + taken back + under way."""
    query = """SELECT i.id, i.quantity, coalesce(sum(r.quantity) FILTER (WHERE r.kind = 'received'), 0),
        coalesce(sum(r.quantity) FILTER (WHERE r.kind = 'taken_back'), 0)
        FROM transfer_item i LEFT JOIN transfer_item_receipt r ON r.item_id = i.id GROUP BY i.id ORDER BY i.id"""
    told = sorted((key, *item[1:]) for way in w.told.ways.values() for key, item in way.items.items())
    assert w.books[0].ask(query) == w.books[1].ask(query) == told
    assert all(sent >= received + back for _, sent, received, back in told)


def check_costs(w: Shops) -> None:
    """The average that is kept is the one its movements make, and phones are worth what those on hand cost."""
    for books in w.books:
        ((worth, costs),) = books.ask(PHONES_WORTH, w.things.phone)
        assert worth == costs
        for product, average in books.ask("SELECT product_id, average_minor FROM stock_cost"):
            query = """SELECT kind, quantity, unit_cost_minor FROM stock_movement WHERE product_id = ?
                AND unit_id IS NULL ORDER BY at, id"""
            assert average == moving_average(Moved(*row) for row in books.ask(query, product))


@pytest.mark.timeout(1800)
def test_stock_equals_its_movements_and_what_was_told_after_any_sequence() -> None:
    world = stocked_world()
    hold(world, GOODS_PLANS, check_stock, check_costs)
    assert_lively(world.counts)
