"""What a document of lines may come to: a slip of the keys is told at its field, and never stands in the books."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX
from shopnode.domain.params import QUANTITY_MAX
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.worths import Worth, refuse_absurd
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import Till, open_till
from tests.domain.trade import a_supplier
from tests.shop import Shop

HALF = {"quantity": 100, "unit_cost_minor": MONEY_MINOR_MAX // 150}


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def refused(till: Till, action: str, **form: Any) -> dict[str, str]:
    before = len(till.shop.rows(StockMovement))
    with pytest.raises(Invalid) as wrong:
        till.shop.do(action, form)
    assert len(till.shop.rows(StockMovement)) == before
    return wrong.value.fields


def dear(till: Till) -> str:
    """A thing whose cost somebody typed wrong: as much as an amount may be."""
    made: str = till.shop.do(
        "products.create", name="Cable", category="Accessories", price_minor=8_000, cost_minor=MONEY_MINOR_MAX
    )["id"]
    return made


def test_a_line_comes_to_no_more_than_an_amount_may() -> None:
    refuse_absurd([Worth("lines.0", "Cable", MONEY_MINOR_MAX)], "lines")
    with pytest.raises(Invalid) as wrong:
        refuse_absurd([Worth("lines.0", "Cable", 1), Worth("lines.1", "Glass", MONEY_MINOR_MAX + 1)], "lines")
    assert wrong.value.fields == {
        "lines.1": "“Glass” comes to more than 1,000,000,000,000: look at its pieces and its price again"
    }
    with pytest.raises(Invalid) as wrong:
        refuse_absurd([Worth("lines.0", "Cable", 1), Worth("lines.1", "Glass", MONEY_MINOR_MAX)], "lines")
    assert list(wrong.value.fields) == ["lines"]


def test_a_delivery_comes_to_no_more_than_an_amount_may(till: Till) -> None:
    line = {"product_id": till.glass, "quantity": QUANTITY_MAX, "unit_cost_minor": MONEY_MINOR_MAX}
    assert list(refused(till, "goods.receive", lines=[line, line])) == ["lines.0", "lines.1"]
    assert list(refused(till, "goods.receive", lines=[{"product_id": till.glass, **HALF}] * 2)) == ["lines"]
    extra = {"lines": [{"product_id": till.glass, **HALF}], "extra_cost_minor": MONEY_MINOR_MAX}
    assert list(refused(till, "goods.receive", **extra)) == ["lines"]
    till.shop.do("goods.receive", lines=[{"product_id": till.glass, **HALF}])


def test_an_order_comes_to_no_more_than_an_amount_may(till: Till) -> None:
    supplier_id = a_supplier(till.shop)
    lines = [{"product_id": product, **HALF} for product in (till.glass, till.charger)]
    assert list(refused(till, "orders.create", supplier_id=supplier_id, lines=lines)) == ["lines"]
    made = till.shop.do("orders.create", supplier_id=supplier_id, lines=lines[:1])
    absurd = [{"product_id": dear(till), "quantity": 2}]
    fields = refused(till, "orders.change_draft", order_id=made["order_id"], lines=absurd)
    assert list(fields) == ["lines.0.quantity"]


def test_a_ticket_and_a_plan_come_to_no_more_than_an_amount_may(till: Till) -> None:
    who = till.shop.do("customers.create", name="Nakato", phone="0772 123 456")["id"]
    by_price = [{"product_id": till.glass, "quantity": 2, "unit_price": MONEY_MINOR_MAX}]
    by_cost = [
        {"item_name": "Cable", "category": "Other", "unit_price": 0, "unit_cost": MONEY_MINOR_MAX, "quantity": 2}
    ]
    for items in (by_price, by_cost):
        assert list(refused(till, "sales.sell", items=items, payments=[])) == ["items"]
    assert list(refused(till, "plans.open", kind="reservation", customer_id=who, items=by_price)) == ["items"]


def test_what_is_sent_counted_or_corrected_comes_to_no_more_than_an_amount_may(till: Till) -> None:
    cable = dear(till)
    assert list(refused(till, "stock.adjust", product_id=cable, quantity=2, reason="found")) == ["quantity"]
    for _ in range(2):
        till.shop.do("stock.adjust", product_id=cable, quantity=1, reason="found")
    items = [{"product_id": cable, "quantity": 2}]
    assert list(refused(till, "transfers.send", to_shop_id=ELSEWHERE, items=items)) == ["items.0.quantity"]
    count = till.shop.do("stocktakes.start")["stocktake_id"]
    till.shop.do("stocktakes.count", stocktake_id=count, product_id=cable, counted=4)
    till.shop.do("stocktakes.submit", stocktake_id=count)
    assert list(refused(till, "stocktakes.approve", stocktake_id=count)) == ["counted"]
