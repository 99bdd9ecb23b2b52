"""What to order (docs/rules/reorder.md): the rule by its page, what it reads, and orders made of it."""

from __future__ import annotations

import pytest

from shopnode.domain.buying.models import PurchaseOrder
from shopnode.domain.buying.queries import order_view
from shopnode.domain.catalogue.queries import ProductFilter, list_products
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from shopnode.domain.stock.reorder import NothingToOrder, suggested, suggestions
from tests.domain.test_rules_pages import rows
from tests.domain.till import Till, open_till
from tests.domain.trade import a_supplier, an_order, receive
from tests.shop import Shop

DAY_MS = 24 * 3600 * 1000


@pytest.mark.parametrize(("sold", "on_hand", "coming", "minimum", "days", "order"), rows("reorder.md"))
def test_the_page_on_what_to_order(sold: str, on_hand: str, coming: str, minimum: str, days: str, order: str) -> None:
    told = {"sold": int(sold), "on_hand": int(on_hand), "coming": int(coming), "min_level": int(minimum)}
    assert suggested(**told, lead_days=int(days), cover_days=14) == int(order)


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_suggestions_come_from_sales_levels_and_what_is_coming(till: Till) -> None:
    supplier = a_supplier(till.shop)  # delivers in 3 days
    till.shop.do("products.update", product_id=till.glass, supplier_id=supplier, min_stock_level=2)
    till.shop.do("products.update", product_id=till.charger, min_stock_level=0)
    till.shop.do("products.update", product_id=till.phone, min_stock_level=0)
    sale = till.sell({"product_id": till.glass, "quantity": 7}).result["sale_id"]
    with till.shop.reading() as ctx:
        (line,) = suggestions(ctx)
    # At the point of 2 + 7 × 3 / 28 = 3 pieces, with 3 here: 14 days are 4 more.
    assert (line.product_id, line.supplier_id, line.sold, line.on_hand) == (till.glass, supplier, 7, 3)
    assert (line.lead_days, line.quantity, line.unit_cost_minor) == (3, 4, 1_500)
    with till.shop.reading(Role.SUPERVISOR) as ctx:
        assert suggestions(ctx)[0].unit_cost_minor is None

    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 2})
    with till.shop.reading() as ctx:
        assert suggestions(ctx) == []
    receive(till, {"product_id": till.glass, "quantity": 1}, order_id=order)
    till.shop.do("orders.close", order_id=order, reason="the rest never comes")
    till.shop.do("sales.void", sale_id=sale, reason="came back", restock="resell")
    with till.shop.reading() as ctx:
        assert suggestions(ctx) == []
    till.sell({"product_id": till.glass, "quantity": 9})
    till.shop.clock.advance(29 * DAY_MS)
    with till.shop.reading() as ctx:
        assert suggestions(ctx) == []  # nothing was sold for weeks, and two are here
    till.shop.do("products.update", product_id=till.glass, min_stock_level=4, lead_days=0)
    with till.shop.reading() as ctx:
        assert [(line.quantity, line.lead_days) for line in suggestions(ctx)] == [(2, 0)]


def test_suggestions_become_a_draft_for_each_supplier(till: Till) -> None:
    one, two = a_supplier(till.shop), a_supplier(till.shop, name="Simba Telecom")
    till.shop.do("products.update", product_id=till.glass, supplier_id=one, min_stock_level=30)
    till.shop.do("products.update", product_id=till.charger, supplier_id=two)
    made = till.shop.do("orders.order_suggested", role=Role.SUPERVISOR)["order_ids"]
    with till.shop.reading() as ctx:
        views = {view.supplier_id: view for view in (order_view(ctx, row_id) for row_id in made)}
    assert [(line.product_id, line.quantity) for line in views[one].lines] == [(till.glass, 20)]
    assert [(line.product_id, line.quantity) for line in views[two].lines] == [(till.charger, 5)]
    # A draft is not on its way yet, an order is.
    for order_id in made:
        till.shop.do("orders.order", order_id=order_id)
    with pytest.raises(NothingToOrder):
        till.shop.do("orders.order_suggested", supplier_ids=[one])
    assert len(till.shop.rows(PurchaseOrder)) == 2


def test_a_product_names_a_supplier_of_the_list(till: Till) -> None:
    with pytest.raises(Invalid, match="no supplier on the list"):
        till.shop.do("products.update", product_id=till.glass, supplier_id="0190a000-0000-7000-8000-00000000dead")


def test_a_bundle_is_never_low_and_never_ordered(till: Till) -> None:
    kit = till.shop.do("products.create", name="Kit", category="Kits", price_minor=9_000)["id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.glass}])
    with till.shop.reading() as ctx:
        low = {view.id for view in list_products(ctx, ProductFilter(low_stock=True)).rows}
        assert low == {till.charger, till.phone}
        assert kit not in {line.product_id for line in suggestions(ctx)}


def test_what_there_is_and_was_sold_of_a_duplicate_counts_for_the_product_that_was_kept(till: Till) -> None:
    shop = till.shop
    for product_id in (till.charger, till.phone):
        shop.do("products.update", product_id=product_id, min_stock_level=0)
    shop.do("products.update", product_id=till.glass, min_stock_level=12)  # ten are here
    double = shop.do("products.create", name="Glas", category="Accessories", price_minor=9_000, min_stock_level=0)["id"]
    shop.do("stock.adjust", product_id=double, quantity=6, reason="counted", kind="opening")
    with shop.reading() as ctx:
        assert {line.product_id: line.quantity for line in suggestions(ctx)} == {till.glass: 2}
    till.sell({"product_id": double, "quantity": 1})
    shop.do("products.merge", duplicate_id=double, into_id=till.glass, reason="typed twice")
    with shop.reading() as ctx:
        assert suggestions(ctx) == []  # fifteen are here
    till.sell({"product_id": till.glass, "quantity": 2})
    with shop.reading() as ctx:
        (line,) = suggestions(ctx)
    assert (line.product_id, line.on_hand, line.sold) == (till.glass, 13, 3)


def test_many_that_never_moved_hide_none_that_is_low(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = till.shop
    new = [
        shop.do("products.create", name=f"New {at}", category="Phones", price_minor=9_000, min_stock_level=1)["id"]
        for at in range(6)
    ]
    for product_id in new[:5]:
        shop.do("products.archive", product_id=product_id)
    monkeypatch.setattr("shopnode.domain.catalogue.queries.FEW_MAX", 3)
    with shop.reading() as ctx:
        low = {view.id for view in list_products(ctx, ProductFilter(low_stock=True)).rows}
        assert low & set(new) == {new[5]}
        assert {line.product_id for line in suggestions(ctx)} & set(new) == {new[5]}
