"""A part of many that were cheaper because they were many comes back: what stays is held against its own price."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import ApprovalNeeded
from shopnode.domain.permissions import Role
from tests.domain.counting import lines
from tests.domain.test_returns import back
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def test_rule_34_what_stays_of_many_at_their_lower_price_needs_who_might_sell_it_at_that(till):
    till.shop.do("settings.change", key="refund_limit_staff_minor", value=1_000_000)
    till.shop.do("price_lists.set_price", product_id=till.charger, min_quantity=10, price_minor=23_000)
    pay = [{"method": "cash", "amount": 230_000}]
    sale_id = till.sell({"product_id": till.charger, "quantity": 10}, pay=pay).result["sale_id"]
    line_id = lines(till, sale_id)[0].id
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(ApprovalNeeded, match="the 1 that stay were 23,000, and cost 35,000"):
            back(till, sale_id, (line_id, 9), role=role)
    back(till, sale_id, (line_id, 10), role=Role.STAFF)  # nothing stays


def test_rule_34_what_reaches_the_break_still_and_what_was_sold_at_its_own_price_may_stay(till):
    till.shop.do("settings.change", key="refund_limit_staff_minor", value=1_000_000)
    till.shop.do("price_lists.set_price", product_id=till.charger, min_quantity=3, price_minor=30_000)
    pay = [{"method": "cash", "amount": 120_000}]
    sale_id = till.sell({"product_id": till.charger, "quantity": 4}, pay=pay).result["sale_id"]
    back(till, sale_id, (lines(till, sale_id)[0].id, 1), role=Role.STAFF)
    pay = [{"method": "cash", "amount": 105_000}]
    full = till.sell({"product_id": till.charger, "quantity": 3, "unit_price": 35_000}, pay=pay).result["sale_id"]
    back(till, full, (lines(till, full)[0].id, 2), role=Role.STAFF)
