"""Rule 27: a bundle takes its parts out of stock at what they cost, a free gift too, and brings them back."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.catalogue.models import Product
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.pricing.bundles import bundles_on_hand, parts_of
from shopnode.domain.pricing.models import BundlePart
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.stock.queries import on_hand, stock_differences
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop


def product(shop: Shop, name: str, **more: Any) -> str:
    form = {"name": name, "category": "Accessories", "price_minor": 1_000, **more}
    made: str = shop.do("products.create", form)["id"]
    return made


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    shop.do("stock.adjust", product_id=made.charger, quantity=5, reason="opening stock", kind="opening")
    return made


@pytest.fixture
def kit(till: Till) -> str:
    """A charger and two glasses for 40,000."""
    made = product(till.shop, "Starter kit", price_minor=40_000)
    parts = [{"product_id": till.charger}, {"product_id": till.glass, "quantity": 2}]
    till.shop.do("products.set_bundle", product_id=made, parts=parts)
    return made


@pytest.fixture
def phone_kit(till: Till) -> str:
    """A phone with a glass as a gift, for the price of the phone."""
    made = product(till.shop, "Spark 40 with glass", price_minor=640_000)
    parts = [{"product_id": till.phone}, {"product_id": till.glass}]
    till.shop.do("products.set_bundle", product_id=made, parts=parts)
    return made


def hands(till: Till) -> tuple[int, int, int]:
    """Glasses, chargers and phones on hand."""
    ids = [till.glass, till.charger, till.phone]
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        levels = on_hand(ctx.session, till.shop.home.shop_id or "", ids)
    return levels[ids[0]], levels[ids[1]], levels[ids[2]]


def pay(amount: int) -> list[dict[str, object]]:
    return [{"method": "cash", "amount": amount}]


def test_rule_27_selling_a_bundle_takes_its_parts_out_of_stock(till: Till, kit: str) -> None:
    sale = till.sell({"product_id": kit, "quantity": 2}, pay=pay(80_000)).result["sale_id"]

    assert hands(till) == (6, 3, 2)
    (line,) = till.shop.rows(SaleLine)
    assert (line.product_id, line.quantity, line.cost_minor) == (kit, 2, 22_000 + 2 * 1_500)
    moves = {row.product_id: row for row in till.shop.rows(StockMovement, sale_id=sale)}
    assert {row.product_id: (row.quantity, row.unit_cost_minor) for row in moves.values()} == {
        till.charger: (-2, 22_000),
        till.glass: (-4, 1_500),
    }


def test_rule_27_undoing_brings_the_parts_back_as_they_left(till: Till, kit: str) -> None:
    sale = till.sell({"product_id": kit, "quantity": 2}, pay=pay(80_000)).result["sale_id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.charger}])
    till.shop.do("sales.void", sale_id=sale, reason="changed their mind", restock="resell")
    assert hands(till) == (10, 5, 2)
    back = [row for row in till.shop.rows(StockMovement, sale_id=sale) if row.quantity > 0]
    assert {row.product_id: row.unit_cost_minor for row in back} == {till.charger: 22_000, till.glass: 1_500}


def test_rule_52_the_parts_of_a_bundle_are_not_inspected_but_on_the_shelf(till: Till, kit: str) -> None:
    sale = till.sell({"product_id": kit}, pay=pay(40_000)).result["sale_id"]
    till.shop.do("sales.void", sale_id=sale, reason="opened", restock="inspect")
    assert hands(till) == (10, 5, 2)


def test_amending_a_bundle_moves_its_parts(till: Till, kit: str) -> None:
    sale = till.sell({"product_id": kit, "quantity": 3}, pay=pay(120_000)).result["sale_id"]
    items = [{"product_id": kit, "quantity": 1}]
    till.shop.do("sales.amend", sale_id=sale, reason="counted again", items=items)
    assert hands(till) == (8, 4, 2)


def test_some_of_the_bundles_come_back_with_their_parts(till: Till, kit: str) -> None:
    sale = till.sell({"product_id": kit, "quantity": 3}, pay=pay(120_000)).result["sale_id"]
    (line,) = till.shop.rows(SaleLine)
    back = {"sale_line_id": line.id, "quantity": 2, "restock": "new"}
    till.shop.do("returns.take_back", sale_id=sale, lines=[back], reason="too many")
    assert hands(till) == (8, 4, 2)


def test_rule_27_a_phone_in_a_bundle_is_named_and_costs_what_it_cost(till: Till, phone_kit: str) -> None:
    item = {"product_id": phone_kit, "imeis": [IMEIS[0]]}
    sale = till.sell(item, pay=pay(640_000)).result["sale_id"]
    (line,) = till.shop.rows(SaleLine)
    # The gift is for nothing and keeps its cost.
    assert (line.product_id, line.imei, line.cost_minor) == (phone_kit, IMEIS[0], 560_000 + 1_500)
    assert hands(till) == (9, 5, 1)
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"
    with pytest.raises(UnitNotForSale):
        till.sell(item, pay=pay(640_000))
    till.shop.do("sales.reverse", sale_id=sale, reason="dead pixel", restock="resell")
    assert hands(till) == (10, 5, 2)
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"


def test_two_bundles_with_phones_are_two_phones(till: Till, phone_kit: str) -> None:
    item = {"product_id": phone_kit, "quantity": 2}
    with pytest.raises(Invalid, match="scan 2 more"):
        till.sell(item, pay=pay(1_280_000))
    other = product(till.shop, "Nokia 105", is_serialised=True)
    till.shop.do("handsets.receive", product_id=other, imei1="004401251000390")
    with pytest.raises(Invalid, match="is not a “Tecno Spark 40”"):
        till.sell({"product_id": phone_kit, "imeis": ["004401251000390"]}, pay=pay(640_000))
    till.sell({**item, "imeis": list(IMEIS)}, pay=pay(1_280_000))
    assert [line.quantity for line in till.shop.rows(SaleLine)] == [1, 1]
    assert hands(till) == (8, 5, 0)


def test_rule_27_a_free_gift_keeps_its_cost(till: Till) -> None:
    gift = {"product_id": till.glass, "unit_price": 0}
    till.sell({"product_id": till.charger}, gift, role=Role.OWNER)
    (line,) = till.shop.rows(SaleLine, product_id=till.glass)
    assert (line.unit_price_minor, line.cost_minor) == (0, 1_500)


def test_as_many_bundles_are_on_hand_as_the_parts_make(till: Till, kit: str, phone_kit: str) -> None:
    with till.shop.reading() as ctx:
        assert bundles_on_hand(ctx.session, ctx.shop_id, [kit, phone_kit]) == {kit: 5, phone_kit: 2}
        assert bundles_on_hand(ctx.session, ctx.shop_id, []) == {}


def test_a_bundle_is_set_at_either_home(anywhere: Shop) -> None:
    cover, glass = product(anywhere, "Cover"), product(anywhere, "Glass")
    kit = product(anywhere, "Kit")
    parts = [{"product_id": cover}, {"product_id": glass, "quantity": 3}]
    anywhere.do("products.set_bundle", product_id=kit, parts=parts)
    anywhere.do("products.set_bundle", product_id=kit, parts=[{"product_id": glass, "quantity": 2}])
    with anywhere.reading() as ctx:
        held = parts_of(ctx.session, ctx.shop_id, [kit])[kit]
    assert [(part.name, part.quantity) for part in held] == [("Glass", 2)]
    assert sorted(row.quantity for row in anywhere.rows(BundlePart)) == [0, 2]
    assert anywhere.row(Product, kit).is_bundle is True
    anywhere.do("products.set_bundle", product_id=kit, parts=[])
    assert anywhere.row(Product, kit).is_bundle is False


def test_a_bundle_that_makes_no_sense_is_refused(till: Till, kit: str) -> None:
    made = product(till.shop, "Another kit")
    for parts, says in [
        ([{"product_id": kit}], "is a bundle itself"),
        ([{"product_id": made}], "is a bundle itself"),
        ([{"product_id": till.glass}] * 2, "listed twice"),
        ([{"product_id": till.phone, "quantity": 2}], "more than one phone"),
        ([{"product_id": "0190a000-0000-7000-8000-00000000dead"}], "not found"),
    ]:
        with pytest.raises(Invalid, match=says):
            till.shop.do("products.set_bundle", product_id=made, parts=parts)
    glass = [{"product_id": till.glass}]
    with pytest.raises(Invalid, match="sold by IMEI"):
        till.shop.do("products.set_bundle", product_id=till.phone, parts=glass)
    with pytest.raises(Conflict, match="stock of its own"):
        till.shop.do("products.set_bundle", product_id=till.charger, parts=glass)
    part = product(till.shop, "Cable")
    till.shop.do("products.set_bundle", product_id=made, parts=[{"product_id": part}])
    with pytest.raises(Conflict, match="a bundle holds no bundle"):
        till.shop.do("products.set_bundle", product_id=part, parts=glass)
    with pytest.raises(NotPermitted):
        till.shop.do("products.set_bundle", product_id=made, parts=glass, role=Role.SUPERVISOR)
