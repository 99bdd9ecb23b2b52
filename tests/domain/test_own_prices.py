"""A phone's own price, what its supplier covers, and what is noted about it."""

from __future__ import annotations

from datetime import date

import pytest

from shopnode.domain.errors import ApprovalNeeded, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.queries import unit_view
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleLine
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def mark(till: Till, price_minor: int | None, role: Role = Role.OWNER, approver: Role | None = None) -> None:
    approval = till.shop.approval_by(approver) if approver else None
    form = {"unit_id": till.units[0], "price_minor": price_minor}
    till.shop.perform("handsets.describe", form, role=role, approval=approval)


def shown(till: Till) -> int:
    with till.shop.reading() as ctx:
        return unit_view(ctx, till.units[0]).price_minor


def test_a_phone_is_sold_at_its_own_price_and_it_is_no_discount(till: Till) -> None:
    mark(till, 590_000)  # below the product's floor of 610,000
    assert shown(till) == 590_000
    sold = till.sell({"device_id": till.units[0]}, pay=[{"method": "cash", "amount": 590_000}], role=Role.STAFF)

    (line,) = till.shop.rows(SaleLine, sale_id=sold.result["sale_id"])
    assert (line.unit_price_minor, line.list_price_minor) == (590_000, 590_000)
    assert till.sell({"device_id": till.units[1]}).result["total"] == 640_000


def test_without_its_own_price_a_phone_costs_what_its_product_does(till: Till) -> None:
    mark(till, 700_000)
    mark(till, None)
    assert shown(till) == 640_000
    assert till.sell({"device_id": till.units[0]}).result["total"] == 640_000


def test_a_correction_keeps_the_price_a_phone_was_sold_at(till: Till) -> None:
    mark(till, 590_000)
    sold = till.sell({"device_id": till.units[0]}, pay=[{"method": "cash", "amount": 590_000}]).result
    items = [{"device_id": till.units[0]}, {"product_id": till.glass}]
    paid = [{"method": "cash", "amount": 595_000}]
    done = till.shop.do("sales.amend", sale_id=sold["sale_id"], reason="a glass, too", items=items, payments=paid)
    assert done["total"] == 595_000


def test_rule_25_nobody_marks_a_phone_cheaper_than_they_might_sell_it(till: Till) -> None:
    mark(till, 570_000, Role.SUPERVISOR)  # with a floor a supervisor goes down to the cost
    with pytest.raises(ApprovalNeeded):
        mark(till, 559_999, Role.SUPERVISOR)
    with pytest.raises(NotPermitted):
        mark(till, 559_999, Role.SUPERVISOR, approver=Role.SUPERVISOR)
    mark(till, 559_999, Role.SUPERVISOR, approver=Role.OWNER)
    assert shown(till) == 559_999
    form = {"product_id": till.phone, "imei1": "004401251000390", "price_minor": 100_000}
    with pytest.raises(ApprovalNeeded):
        till.shop.do("handsets.receive", form, role=Role.STAFF)


NOKIA = {"name": "Nokia 105", "category": "Phones", "price_minor": 1_000_000, "cost_minor": 500_000}


@pytest.mark.parametrize(
    ("marked", "marker", "sold_for", "asks"),
    [
        (950_000, Role.STAFF, 950_000, False),  # 5 % is what they may give: marked or given, once
        (950_000, Role.STAFF, 949_999, True),
        (970_000, Role.STAFF, 950_000, False),
        (970_000, Role.STAFF, 949_999, True),
        (600_000, Role.OWNER, 570_000, False),  # decided by somebody above them: they bargain from there
        (600_000, Role.OWNER, 569_999, True),
        (1_200_000, Role.STAFF, 1_140_000, False),
    ],
)
def test_rule_25_a_mark_and_a_discount_are_given_once(
    till: Till, marked: int, marker: Role, sold_for: int, asks: bool
) -> None:
    nokia = till.shop.do("products.create", NOKIA, is_serialised=True)["id"]
    form = {"product_id": nokia, "imei1": "004401251000390", "price_minor": marked}
    item = {"device_id": till.shop.do("handsets.receive", form, role=marker)["unit_id"], "unit_price": sold_for}
    pay = [{"method": "cash", "amount": sold_for}]
    if asks:
        with pytest.raises(ApprovalNeeded, match="more than you may give alone"):
            till.sell(item, pay=pay)
    else:
        till.sell(item, pay=pay)


def test_rule_58_what_the_supplier_covers_is_kept_apart_from_what_the_shop_promises(till: Till) -> None:
    form = {"product_id": till.phone, "imei1": "004401251000390", "notes": "small scratch",
            "supplier_warranty_until": "2026-12-31"}  # fmt: skip
    unit_id = till.shop.do("handsets.receive", form)["unit_id"]
    sold = till.sell({"device_id": unit_id}).result

    unit = till.shop.row(StockUnit, unit_id)
    assert (unit.supplier_warranty_until, unit.notes) == (date(2026, 12, 31), "small scratch")
    with till.shop.reading() as ctx:
        view = unit_view(ctx, unit_id)
    assert view.sold is not None and view.sold.sale_id == sold["sale_id"]
    assert view.sold.covered_until == date(2027, 9, 21)
    assert view.supplier_warranty_until == date(2026, 12, 31)
