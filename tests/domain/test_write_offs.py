"""Goods that leave the books as worthless: who may say so alone, and at what they are counted out."""

from __future__ import annotations

import json

import pytest

from shopnode.domain.errors import ApprovalNeeded, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.stock.value import stock_value
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    shop.do("settings.change", key="write_off_limit_supervisor_minor", value=100_000)
    return open_till(shop)


def do(till: Till, action: str, form: dict[str, object], approver: Role | None = None) -> None:
    approval = till.shop.approval_by(approver) if approver else None
    till.shop.perform(action, form, role=Role.SUPERVISOR, approval=approval)


WAYS = ["write_off", "change_status", "finish_inspection"]


@pytest.mark.parametrize("way", WAYS)
def test_a_phone_above_a_supervisors_limit_is_written_off_with_the_owner_alone(till: Till, way: str) -> None:
    form = {"unit_id": till.units[0], "reason": "fell into the lake"}
    if way == "change_status":
        form["status"] = "scrapped"
    if way == "finish_inspection":
        till.shop.do("handsets.change_status", unit_id=till.units[0], status="inspect", reason="wet")
        form["outcome"] = "scrap"
    with pytest.raises(ApprovalNeeded):
        do(till, f"handsets.{way}", form)
    with pytest.raises(NotPermitted):
        do(till, f"handsets.{way}", form, Role.SUPERVISOR)
    assert till.shop.row(StockUnit, till.units[0]).status != "scrapped"

    do(till, f"handsets.{way}", form, Role.OWNER)
    assert till.shop.row(StockUnit, till.units[0]).status == "scrapped"
    assert json.loads(till.shop.entries()[-1].body)["approver"] == till.shop.owner.id


def test_pieces_are_taken_off_within_the_limit_and_above_it_with_the_owner(till: Till) -> None:
    till.shop.do("stock.adjust", product_id=till.charger, quantity=9, reason="opening stock", kind="opening")
    form = {"product_id": till.charger, "quantity": -5, "reason": "burnt in the rain"}
    with pytest.raises(ApprovalNeeded):
        do(till, "stock.adjust", form)  # 110,000
    do(till, "stock.adjust", {**form, "quantity": -4})
    do(till, "stock.adjust", form, Role.OWNER)
    do(till, "stock.adjust", {**form, "quantity": 500})  # finding goods needs nobody


def test_goods_written_off_one_by_one_are_no_less_than_all_at_once(till: Till) -> None:
    till.shop.do("stock.adjust", product_id=till.charger, quantity=9, reason="opening stock", kind="opening")
    one = {"product_id": till.charger, "quantity": -1, "reason": "lost"}
    do(till, "stock.adjust", one, Role.OWNER)  # within the limit, it needs nobody and counts
    for _ in range(3):
        do(till, "stock.adjust", one)  # 88,000 of 100,000
    with pytest.raises(ApprovalNeeded, match="with those of today"):
        do(till, "stock.adjust", one)
    with pytest.raises(ApprovalNeeded, match="with those of today"):
        do(till, "stock.adjust", {**one, "product_id": till.glass, "quantity": -10})
    do(till, "stock.adjust", one, Role.OWNER)
    # What the owner agreed to does not count: 12,000 more are exactly the limit.
    do(till, "stock.adjust", {**one, "product_id": till.glass, "quantity": -8})
    till.shop.clock.advance(86_400_000)
    do(till, "stock.adjust", one)


def test_a_count_that_misses_more_than_a_supervisor_may_write_off_is_the_owners(till: Till) -> None:
    count = till.shop.do("stocktakes.start", role=Role.STAFF)["stocktake_id"]
    till.shop.do("stocktakes.submit", role=Role.STAFF, stocktake_id=count)
    with pytest.raises(ApprovalNeeded, match="Writing goods off"):
        do(till, "stocktakes.approve", {"stocktake_id": count})
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"
    do(till, "stocktakes.approve", {"stocktake_id": count}, Role.OWNER)
    assert till.shop.row(StockUnit, till.units[0]).status == "missing"


def test_what_is_taken_off_leaves_at_the_average_and_its_worth_with_it(till: Till) -> None:
    till.shop.do("products.update", product_id=till.glass, cost_minor=2_500)
    till.shop.do("stock.adjust", product_id=till.glass, quantity=10, reason="bought on the market", kind="received")
    till.shop.do("stock.adjust", product_id=till.glass, quantity=-20, reason="the shelf came down")

    assert till.shop.rows(StockMovement, quantity=-20)[0].unit_cost_minor == 2_000
    with till.shop.reading() as ctx:
        assert [row for row in stock_value(ctx).categories if row.category == "Accessories" and row.pieces != 2] == []
        assert stock_value(ctx).value_minor == 2 * 560_000
