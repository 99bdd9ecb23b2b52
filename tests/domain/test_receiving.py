"""Deliveries: partial, over, damaged, phones by number, and what a piece costs with its transport."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.buying.models import GoodsReceiptLine, PurchaseOrder, SupplierEntry
from shopnode.domain.buying.queries import list_receipts, order_view, receipt_view
from shopnode.domain.buying.rules import Came, Landed, landed_costs
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted, ShopError
from shopnode.domain.handsets.actions import AlreadyInStock
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.queries import units_in_stock
from shopnode.domain.permissions import Role
from shopnode.domain.stock.queries import on_hand, stock_differences
from tests.domain.till import IMEIS, Till, open_till
from tests.domain.trade import NEW_IMEIS, a_supplier, an_order, average, receive, worth
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def supplier(till: Till) -> str:
    return a_supplier(till.shop)


def hand(till: Till, product_id: str) -> int:
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, till.shop.home.shop_id or "", [product_id])[product_id]


def test_an_order_comes_in_parts_and_closes_itself_with_the_last(till: Till, supplier: str) -> None:
    line = {"product_id": till.charger, "quantity": 10, "unit_cost_minor": 20_000}
    order = an_order(till, supplier, line, {"product_id": till.glass, "quantity": 5})
    receive(till, {"product_id": till.charger, "quantity": 4}, order_id=order)
    with till.shop.reading() as ctx:
        view = order_view(ctx, order)
        assert [(line.received, line.to_come) for line in view.lines] == [(4, 6), (0, 5)]
    done = receive(
        till, {"product_id": till.charger, "quantity": 6}, {"product_id": till.glass, "quantity": 5}, order_id=order
    )
    assert (done["number"], done["pieces"], done["bill"]) == ("KLA1-G000002", 11, 127_500)
    assert till.shop.row(PurchaseOrder, order).status == "closed"
    assert (hand(till, till.charger), average(till, till.charger)) == (10, 20_000)
    assert [row.amount_minor for row in till.shop.rows(SupplierEntry)] == [80_000, 127_500]


def test_more_than_was_ordered_needs_a_second_person(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 10})
    form = {"order_id": order, "lines": [{"product_id": till.glass, "quantity": 12}]}
    with pytest.raises(ApprovalNeeded, match="12 of “Tempered glass” come on an order of 10"):
        till.shop.do("goods.receive", form, role=Role.SUPERVISOR)
    assert hand(till, till.glass) == 10
    till.shop.do("goods.receive", form, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.OWNER))
    assert hand(till, till.glass) == 22
    assert json.loads(till.shop.entries()[-1].body)["approver"] == till.shop.owner.id


def test_a_delivery_nobody_ordered_needs_a_second_person(till: Till, supplier: str) -> None:
    form = {"supplier_id": supplier, "lines": [{"product_id": till.glass, "quantity": 5, "unit_cost_minor": 60_000}]}
    with pytest.raises(ApprovalNeeded, match="Nobody ordered this delivery of 5 pieces"):
        till.shop.do("goods.receive", form, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted, match="Nobody approves their own"):
        till.shop.do("goods.receive", form, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert (hand(till, till.glass), till.shop.rows(SupplierEntry)) == (10, [])
    till.shop.do("goods.receive", form, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.OWNER))
    assert (hand(till, till.glass), till.shop.rows(SupplierEntry)[0].amount_minor) == (15, 300_000)


def test_a_bill_above_what_was_ordered_needs_a_second_person(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 10, "unit_cost_minor": 1_500})
    dearer = {"product_id": till.glass, "quantity": 2, "unit_cost_minor": 1_501}
    with pytest.raises(ApprovalNeeded, match="“Tempered glass” is billed at more than it was ordered for") as asked:
        receive(till, dearer, order_id=order, extra_cost_minor=900, extra_on_bill=True, role=Role.SUPERVISOR)
    assert len(asked.value.reasons) == 2 and "The bill is 900 above the goods of order" in asked.value.reason
    as_ordered = {"product_id": till.glass, "quantity": 2}
    assert receive(till, as_ordered, order_id=order, extra_cost_minor=900, role=Role.SUPERVISOR)["bill"] == 3_000


def test_two_lines_of_one_product_are_counted_together_against_the_order(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 10})
    half = {"product_id": till.glass, "quantity": 6}
    with pytest.raises(ApprovalNeeded, match="12 of"):
        receive(till, half, half, order_id=order, role=Role.SUPERVISOR)
    assert receive(till, half, half, order_id=order)["pieces"] == 12


def test_what_was_not_ordered_needs_a_second_person(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.glass, "quantity": 10})
    with pytest.raises(ApprovalNeeded, match="“Oraimo charger” is not on order KLA1-P000001"):
        receive(till, {"product_id": till.charger, "quantity": 1}, order_id=order, role=Role.SUPERVISOR)


def test_damaged_pieces_are_written_down_and_neither_paid_nor_stocked(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.charger, "quantity": 5, "unit_cost_minor": 20_000})
    came = {"product_id": till.charger, "quantity": 3, "damaged": 2}
    done = receive(till, came, order_id=order, extra_cost_minor=3_000)
    assert (hand(till, till.charger), average(till, till.charger), done["bill"]) == (3, 21_000, 60_000)
    with till.shop.reading() as ctx:
        (line,) = order_view(ctx, order).lines
    assert (line.received, line.damaged, line.to_come) == (3, 2, 2)


def test_the_example_of_the_page_on_transport() -> None:
    """docs/rules/cost.md: 3 chargers at 20,000 and 2 cables at 5,000, with 10,001 of transport."""
    assert landed_costs([Came(3, 20_000), Came(2, 5_000)], 10_001) == [
        [Landed(1, 22_858), Landed(2, 22_857)],
        [Landed(1, 5_715), Landed(1, 5_714)],
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 10**6)), min_size=1, max_size=8), st.integers(0, 10**7))
def test_the_extra_cost_is_spread_to_the_shilling(lines: list[tuple[int, int]], extra: int) -> None:
    came = [Came(*line) for line in lines]
    if extra and not any(line.quantity for line in came):
        with pytest.raises(ValueError, match="no good piece"):
            landed_costs(came, extra)
        return
    landed = landed_costs(came, extra)
    assert [sum(part.quantity for part in parts) for parts in landed] == [line.quantity for line in came]
    total = sum(part.quantity * part.cost_minor for parts in landed for part in parts)
    assert total == extra + sum(line.quantity * line.unit_cost_minor for line in came)


def test_what_comes_into_stock_is_worth_what_was_paid(till: Till, supplier: str) -> None:
    before = worth(till)
    phones = [{"imei1": imei} for imei in NEW_IMEIS]
    receive(
        till,
        {"product_id": till.phone, "quantity": 3, "unit_cost_minor": 500_000, "phones": phones},
        {"product_id": till.glass, "quantity": 7, "unit_cost_minor": 1_234},
        supplier_id=supplier, extra_cost_minor=10_001,
    )  # fmt: skip
    assert worth(till) - before == 3 * 500_000 + 7 * 1_234 + 10_001
    costs = [row.cost_minor for row in till.shop.rows(StockUnit) if row.supplier_id == supplier]
    rows = till.shop.rows(GoodsReceiptLine)
    assert sum(costs) + sum(row.quantity * row.landed_cost_minor for row in rows if row.product_id == till.glass) >= (
        3 * 500_000 + 7 * 1_234 + 10_001 - 7
    )
    assert max(costs) - min(costs) <= 1


def test_phones_come_in_by_their_numbers_each_with_its_cost_and_supplier(till: Till, supplier: str) -> None:
    order = an_order(till, supplier, {"product_id": till.phone, "quantity": 2, "unit_cost_minor": 550_000})
    phones = [{"imei1": NEW_IMEIS[0], "colour": "Black"}, {"imei1": NEW_IMEIS[1], "grade": "B"}]
    line = {"product_id": till.phone, "quantity": 2, "phones": phones}
    receive(till, line, order_id=order, extra_cost_minor=4_001, delivery_note="DN 7")
    with till.shop.reading() as ctx:
        units = {unit.number: unit for unit in units_in_stock(ctx, till.phone)}
    assert units[NEW_IMEIS[0]].cost_minor == 552_001
    assert units[NEW_IMEIS[1]].cost_minor == 552_000
    assert units[NEW_IMEIS[0]].source == "Kampala Mobile Wholesale, KLA1-G000001"
    assert till.shop.row(StockUnit, units[NEW_IMEIS[1]].unit_id).supplier_id == supplier
    assert (hand(till, till.phone), average(till, till.phone)) == (4, None)


def test_rule_10_phones_do_not_come_in_by_quantity(till: Till, supplier: str) -> None:
    with pytest.raises(Invalid, match="needs the IMEI of each phone: 1 of 2 are named"):
        receive(till, {"product_id": till.phone, "quantity": 2, "phones": [{"imei1": NEW_IMEIS[0]}]})
    with pytest.raises(Invalid, match="is not counted by IMEI"):
        receive(till, {"product_id": till.glass, "quantity": 1, "phones": [{"imei1": NEW_IMEIS[0]}]})
    with pytest.raises(Invalid, match=r"lines\.0\.phones"):
        receive(till, {"product_id": till.phone, "quantity": 1, "phones": [{"imei1": "004401251000391"}]})
    with pytest.raises(AlreadyInStock):
        receive(till, {"product_id": till.phone, "quantity": 1, "phones": [{"imei1": IMEIS[0]}]})
    assert hand(till, till.phone) == 2


def test_a_delivery_comes_without_an_order_and_without_a_supplier(till: Till, supplier: str) -> None:
    bought = receive(till, {"product_id": till.glass, "quantity": 10, "unit_cost_minor": 2_500})
    assert (bought["bill"], average(till, till.glass), till.shop.rows(SupplierEntry)) == (None, 2_000, [])
    glass = {"product_id": till.glass, "quantity": 10}
    done = receive(till, glass, supplier_id=supplier, extra_cost_minor=500, extra_on_bill=True)
    assert done["bill"] == 10 * 2_000 + 500
    with till.shop.reading() as ctx:
        page = list_receipts(ctx, supplier_id=supplier)
        assert [view.number for view in page.rows] == ["KLA1-G000002"]
        assert page.rows[0].lines[0].landed_cost_minor == 2_050
    with till.shop.reading(Role.SUPERVISOR) as ctx:
        line = receipt_view(ctx, done["receipt_id"]).lines[0]
        assert (line.unit_cost_minor, line.landed_cost_minor) == (None, None)


@pytest.mark.parametrize(
    ("form", "refusal", "says"),
    [
        ({"lines": []}, Invalid, "lines"),
        ({"quantity": 0}, Invalid, "nothing came"),
        ({"quantity": 0, "damaged": 2, "extra_cost_minor": 5}, Invalid, "no good piece"),
        ({"product_id": "0190a000-0000-7000-8000-00000000dead"}, Invalid, "not found"),
        ({"quantity": -1}, Invalid, "at least 0"),
        ({"role": Role.STAFF}, NotPermitted, "role"),
    ],
)
def test_a_delivery_that_makes_no_sense_leaves_nothing(
    till: Till, form: dict[str, Any], refusal: type[ShopError], says: str
) -> None:
    line = {"product_id": till.glass, "quantity": 1}
    line |= {name: form.pop(name) for name in ("quantity", "damaged", "product_id") if name in form}
    role = form.pop("role", Role.OWNER)
    with pytest.raises(refusal, match=says):
        till.shop.do("goods.receive", {"lines": [line], **form}, role=role)
    assert hand(till, till.glass) == 10
    assert receive(till, {"product_id": till.glass, "quantity": 1})["number"] == "KLA1-G000001"
