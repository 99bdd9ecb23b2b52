"""Purchase orders: drafts change, orders do not; each ends once."""

from __future__ import annotations

from datetime import date

import pytest

from shopnode.domain.buying.models import OrderStatus, PurchaseOrder, PurchaseOrderLine
from shopnode.domain.buying.orders import OrderNotSo
from shopnode.domain.buying.queries import OrderFilter, list_orders, order_view
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import Role
from tests.domain.till import Till, open_till
from tests.domain.trade import a_supplier, an_order, receive
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def supplier(till: Till) -> str:
    return a_supplier(till.shop)


def test_a_draft_has_no_number_and_what_is_ordered_has_the_next(till: Till, supplier: str) -> None:
    draft = an_order(till, supplier, {"product_id": till.glass, "quantity": 50}, place=False)
    other = an_order(till, supplier, {"product_id": till.charger, "quantity": 5, "unit_cost_minor": 21_000})
    assert till.shop.row(PurchaseOrder, draft).number == ""
    assert till.shop.row(PurchaseOrder, other).number == "KLA1-P000001"
    assert till.shop.do("orders.order", order_id=draft)["number"] == "KLA1-P000002"
    with till.shop.reading() as ctx:
        view = order_view(ctx, draft)
    assert (view.status, view.supplier_name) == (OrderStatus.ORDERED, "Kampala Mobile Wholesale")
    assert (view.total_minor, view.to_come) == (75_000, 50)  # what a piece costs here, as nothing else was said


def test_a_draft_changes_freely(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 50}, place=False)
    lines = [{"product_id": till.charger, "quantity": 6}, {"product_id": till.phone, "quantity": 2}]
    till.shop.do("orders.change_draft", order_id=order, lines=lines, expected_on="2026-09-25", notes="by boda")
    lines = [{"product_id": till.phone, "quantity": 3}, {"product_id": till.glass, "quantity": 10}]
    till.shop.do("orders.change_draft", order_id=order, lines=lines)
    with till.shop.reading() as ctx:
        view = order_view(ctx, order)
    assert [(line.product_id, line.quantity) for line in view.lines] == [(till.phone, 3), (till.glass, 10)]
    assert (view.expected_on, view.notes) == (date(2026, 9, 25), "by boda")
    struck = {row.product_id: row.quantity for row in till.shop.rows(PurchaseOrderLine)}
    assert struck == {till.glass: 10, till.charger: 0, till.phone: 3}


def test_an_order_does_not_change_and_ends_once(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 50})
    with pytest.raises(OrderNotSo, match="ordered already"):
        till.shop.do("orders.change_draft", order_id=order, notes="more, please")
    with pytest.raises(OrderNotSo):
        till.shop.do("orders.order", order_id=order)
    till.shop.do("orders.cancel", order_id=order, reason="too dear")
    row = till.shop.row(PurchaseOrder, order)
    assert (row.status, row.end_reason) == ("cancelled", "too dear")
    for act in ("orders.cancel", "orders.close"):
        with pytest.raises(OrderNotSo, match="cancelled"):
            till.shop.do(act, order_id=order, reason="again")
    with pytest.raises(OrderNotSo, match="cancelled"):
        receive(till, {"product_id": till.glass, "quantity": 1}, order_id=order)


def test_an_order_of_which_some_has_come_is_closed_and_not_cancelled(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 50})
    receive(till, {"product_id": till.glass, "quantity": 20}, order_id=order)
    with pytest.raises(Conflict, match="Close it instead"):
        till.shop.do("orders.cancel", order_id=order, reason="too dear")
    till.shop.do("orders.close", order_id=order, reason="the rest never comes")
    with till.shop.reading() as ctx:
        view = order_view(ctx, order)
    assert (view.status, view.to_come, view.lines[0].received) == (OrderStatus.CLOSED, 0, 20)


def test_orders_are_listed_the_latest_first(till: Till, supplier: str) -> None:
    other = a_supplier(till.shop, name="Simba Telecom")
    made = []
    for who in (supplier, other, supplier):
        till.shop.clock.advance(1_000)
        made.append(an_order(till, who, {"product_id": till.glass, "quantity": 1}, place=who == other))
    with till.shop.reading() as ctx:
        first = list_orders(ctx, OrderFilter(), limit=2)
        rest = list_orders(ctx, OrderFilter(), limit=2, cursor=first.next_cursor)
        assert [view.id for view in first.rows + rest.rows] == made[::-1]
        assert [view.id for view in list_orders(ctx, OrderFilter(OrderStatus.ORDERED)).rows] == [made[1]]
        assert [view.id for view in list_orders(ctx, OrderFilter(supplier_id=supplier)).rows] == [made[2], made[0]]


def test_who_may_not_see_cost_orders_without_seeing_it(till: Till, supplier: str) -> None:
    lines = [{"product_id": till.glass, "quantity": 5}]
    done = till.shop.do("orders.create", supplier_id=supplier, lines=lines, role=Role.SUPERVISOR)
    with till.shop.reading(Role.SUPERVISOR) as ctx:
        view = order_view(ctx, done["order_id"])
    assert (view.total_minor, view.lines[0].unit_cost_minor) == (None, None)
    with pytest.raises(NotPermitted):
        till.shop.do("orders.create", supplier_id=supplier, lines=lines, role=Role.STAFF)


def test_an_order_that_makes_no_sense_is_refused_by_line(till: Till, supplier: str) -> None:
    nobody = "0190a000-0000-7000-8000-00000000dead"
    good = {"product_id": till.glass, "quantity": 1}
    with pytest.raises(Invalid, match=r"lines\.1\.product_id: was not found"):
        an_order(till, supplier, good, {"product_id": nobody, "quantity": 1})
    with pytest.raises(Invalid, match="listed twice"):
        an_order(till, supplier, good, good)
    with pytest.raises(NotFound):
        an_order(till, nobody, good)
    till.shop.do("suppliers.archive", supplier_id=supplier)
    with pytest.raises(Invalid, match="off the list"):
        an_order(till, supplier, good)
    assert till.shop.rows(PurchaseOrder) == []
