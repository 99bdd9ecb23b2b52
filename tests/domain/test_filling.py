"""Filling books from a snapshot, and lines that come after or before it."""

from __future__ import annotations

import orjson
import pytest
from sqlalchemy import select

from shopnode.domain.apply import Applier
from shopnode.domain.catalogue.models import Product
from shopnode.domain.filling import Filler
from shopnode.domain.node import FieldState
from shopnode.domain.sales.models import Sale
from shopnode.domain.stock.models import StockLevel
from tests.domain.till import Till, open_till
from tests.shop import Shop

S = 50  # the number the snapshot is of


@pytest.fixture
def till(counter: Shop) -> Till:
    """A node with goods. Filling is a node's affair alone."""
    return open_till(counter)


def fill(shop: Shop, *blocks, accepted=None, undecided=()):
    """Apply blocks as a snapshot of number S; a whole one when it says what was accepted."""
    with shop.home.writing() as session:
        filler = Filler(session, S)
        if accepted is not None:
            filler.begin_whole(accepted, undecided)
        filler.add(blocks)
        filler.finish()
    return filler


def apply_line(shop: Shop, no, *blocks, own=None):
    with shop.home.writing() as session:
        applier = Applier(session)
        if own is None:
            applier.foreign_line(no, blocks)
        else:
            applier.own_line(no, own, blocks, None)
        applier.finish()


def price(row_id, value):
    return ["product", "u", ["id", "price_minor"], [[row_id, value]]]


def whole_row(shop: Shop, row_id, **changed):
    """A product as the hub has it."""
    product = shop.row(Product, row_id)
    names = [c.name for c in Product.__table__.columns if c.name not in ("tenant_id", *Product.__sync__.derived)]
    values = {name: getattr(product, name) for name in names} | changed
    values["created_at"] = int(product.created_at.timestamp() * 1000)
    return ["product", "i", list(values), [list(values.values())]]


def edit(till: Till, value) -> int:
    """An edit of the glass's price here; its entry."""
    return till.shop.perform("products.update", product_id=till.glass, price_minor=value).entry_n


def shown(till: Till) -> int:
    return till.shop.row(Product, till.glass).price_minor


def state(till: Till) -> FieldState:
    (found,) = till.shop.rows(FieldState, row_id=till.glass, field="price_minor")
    return found


def decided(till: Till) -> None:
    """The hub has accepted everything so far."""
    with till.shop.home.writing() as session:
        for row in session.scalars(select(FieldState)):
            row.pending_n = None


def test_an_edit_the_hub_had_decided_shows_as_decided(till):
    decided(till)
    n = edit(till, 4_500)
    fill(till.shop, whole_row(till.shop, till.glass, price_minor=6_500), accepted=n)
    assert shown(till) == 6_500
    assert till.shop.rows(FieldState, row_id=till.glass, field="price_minor") == []


@pytest.mark.parametrize("kept", ["not yet sent", "held"])
def test_an_edit_the_hub_had_not_decided_keeps_showing(till, kept):
    decided(till)
    n = edit(till, 4_500)
    hub = whole_row(till.shop, till.glass, price_minor=6_500)
    fill(
        till.shop, hub, accepted=n - 1 if kept == "not yet sent" else n, undecided=[] if kept == "not yet sent" else [n]
    )
    assert shown(till) == 4_500
    assert (state(till).pending_n, state(till).shadow, state(till).shadow_no) == (n, '{"value":6500}', S)
    with till.shop.home.writing() as session:
        applier = Applier(session)
        applier.give_up(n)
        applier.finish()
    assert shown(till) == 6_500


def test_rows_that_are_here_move_no_figure_again(till):
    till.sell()
    levels = [(row.product_id, row.on_hand) for row in till.shop.rows(StockLevel)]
    blocks = []
    for entry in till.shop.entries():
        for entity, op, columns, rows in orjson.loads(entry.body)["rows"]:
            if op == "i" and entity in ("sale", "sale_line", "payment", "stock_movement"):
                blocks.append([entity, op, columns, rows])
    filler = fill(till.shop, *blocks, accepted=0)
    assert (filler.added, filler.mended, filler.differing) == (0, 0, [])
    assert [(row.product_id, row.on_hand) for row in till.shop.rows(StockLevel)] == levels


def test_a_fact_that_is_here_stays_as_it_is(till):
    sale_id = till.sell().result["sale_id"]
    number = till.shop.row(Sale, sale_id).number
    filler = fill(till.shop, ["sale", "i", ["id", "number"], [[sale_id, "X-1"]]], accepted=0)
    assert till.shop.row(Sale, sale_id).number == number
    assert filler.differing == [sale_id]


def test_a_line_from_before_what_was_filled_does_not_set_it_back(till):
    decided(till)
    fill(till.shop, ["product", "u", ["id", "brand"], [[till.glass, "New"]]])
    brand = ["product", "u", ["id", "brand", "price_minor"], [[till.glass, "Old", 5_100]]]
    apply_line(till.shop, S - 1, brand)
    assert (till.shop.row(Product, till.glass).brand, shown(till)) == ("New", 5_100)
    apply_line(till.shop, S + 1, ["product", "u", ["id", "brand"], [[till.glass, "Newer"]]])
    assert till.shop.row(Product, till.glass).brand == "Newer"


def test_a_row_that_is_not_here_yet_comes_with_its_own_line(till):
    stranger = "019a8c00-0000-7000-8000-000000000001"
    fill(till.shop, ["product", "u", ["id", "brand"], [[stranger, "New"]]])
    assert till.shop.rows(Product, id=stranger) == []


def test_unknown_tables_and_columns_are_passed_over(till):
    fill(till.shop, ["spaceship", "i", ["id"], [[till.glass]]], ["product", "u", ["id", "crew"], [[till.glass, 3]]])
    assert shown(till) == 5_000


def test_an_edit_that_was_set_aside_shows_again_when_it_is_taken_after_all(till):
    decided(till)
    n = edit(till, 4_500)
    apply_line(till.shop, S, price(till.glass, 6_500))
    with till.shop.home.writing() as session:
        applier = Applier(session)
        applier.give_up(n)
        applier.finish()
    assert shown(till) == 6_500
    apply_line(till.shop, S + 1, ["product", "u", ["id", "price_minor"], [[till.glass, [5_000, 4_500, 0]]]], own=n)
    assert shown(till) == 4_500


def test_a_decided_edit_waits_behind_a_later_one_that_is_set_aside(till):
    decided(till)
    first, second = edit(till, 4_500), edit(till, 4_600)
    apply_line(till.shop, S, ["product", "u", ["id", "price_minor"], [[till.glass, [5_000, 4_500, 0]]]], own=first)
    assert shown(till) == 4_600
    with till.shop.home.writing() as session:
        applier = Applier(session)
        applier.give_up(second)
        applier.finish()
    assert shown(till) == 4_500
