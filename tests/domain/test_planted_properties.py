"""The property tests are tested: each of these mistakes, planted into the real code, must be noticed.

Stories that were told until it was (of 2,000 at most), the first time it was measured:

| Mistake | Property | Stories |
|---|---|---|
| a return that is restocked twice | stock | 49 |
| a transfer that is received twice | stock | 17 |
| a bundle that takes one part only | stock | 4 |
| a stocktake that is applied twice | stock | 34 |
| an amendment that leaves the goods away | stock | 4 |
| a write-off without an event | units | 5 |
| a phone whose way ends twice (the key of the receipt refuses) | units | 558 |
| a phone sold from wherever it is | units | 410 |
| a refund of one shilling too much | accounts | 4 |
| store credit that can be spent twice | accounts | 328 |
| a payment whose rest is lost | accounts | 21 |
| a plan that keeps all when given up | accounts | 170 |
| a reversal that forgets the drawer | accounts | 66 |
| a refund of one shilling too much | tickets | 4 |
| goods exchanged on one side only | tickets | 9 |
| an exchange that goes back by its largest tender alone | tickets | 151 |
| money that leaves no drawer | staff | 66 |
| staff who refund without limit | staff | 458 |
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, settings
from sqlcipher3.dbapi2 import IntegrityError

from tests.domain import planted
from tests.domain.stories import STORY_SETTINGS, World, hold
from tests.domain.story_accounts import ACCOUNT_PLANS
from tests.domain.story_phones import stocked_world
from tests.domain.story_staff import STAFF_PLANS
from tests.domain.story_tickets import TICKET_PLANS
from tests.domain.test_account_properties import accounts_world, check_money
from tests.domain.test_handset_properties import UNIT_PLANS, check_lives, check_places
from tests.domain.test_shop_properties import Watched, check_books, check_drawer
from tests.domain.test_stock_properties import GOODS_PLANS, check_costs, check_stock
from tests.domain.test_ticket_properties import check_counter, tickets_world

LONG = pytest.mark.skipif(not os.environ.get("PHONESHOP_LONG"), reason="a minute: PHONESHOP_LONG=1")
FIRST_ONLY = settings(STORY_SETTINGS, phases=[Phase.generate])  # found is enough: nobody reads the shortest story
PROPERTIES: dict[str, tuple[Callable[[], World], tuple[Any, ...]]] = {
    "stock": (stocked_world, (GOODS_PLANS, check_stock, check_costs)),
    "units": (stocked_world, (UNIT_PLANS, check_places, check_lives)),
    "accounts": (accounts_world, (ACCOUNT_PLANS, check_money, None)),
    "tickets": (tickets_world, (TICKET_PLANS, check_counter, None)),
    "staff": (Watched, (STAFF_PLANS, check_drawer, check_books)),
}
PLANTED: dict[str, tuple[planted.Plant, ...]] = {
    "stock": (
        planted.a_return_that_is_restocked_twice, planted.a_transfer_that_is_received_twice,
        planted.a_bundle_that_takes_one_part_only, planted.a_stocktake_that_is_applied_twice,
        planted.an_amendment_that_leaves_the_goods_away,
    ),
    "units": (
        planted.a_write_off_without_an_event, planted.a_phone_whose_way_ends_twice,
        planted.a_phone_sold_from_wherever_it_is,
    ),
    "accounts": (
        planted.a_refund_of_one_shilling_too_much, planted.store_credit_that_can_be_spent_twice,
        planted.a_payment_whose_rest_is_lost, planted.a_plan_that_keeps_all_when_given_up,
        planted.a_reversal_that_forgets_the_drawer,
    ),
    "tickets": (
        planted.a_refund_of_one_shilling_too_much, planted.goods_exchanged_on_one_side_only,
        planted.an_exchange_that_goes_back_by_its_largest_tender_alone,
    ),
    "staff": (planted.money_that_leaves_no_drawer, planted.staff_who_refund_without_limit),
}  # fmt: skip


def stories_until_noticed(plant: planted.Plant, name: str, patch: pytest.MonkeyPatch) -> int:
    """How many stories were told until the property failed. Raises Failed when it holds all the same."""
    make, (plans, check, at_end) = PROPERTIES[name]
    world = make()
    with patch.context() as planting:
        plant(planting)
        with pytest.raises((AssertionError, IntegrityError)):  # some the keys of the tables refuse by themselves
            hold(world, plans, check, at_end, FIRST_ONLY)
    return world.counts.stories


@LONG
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("plant", "name"),
    [pytest.param(plant, name, id=f"{plant.__name__}-{name}") for name in PLANTED for plant in PLANTED[name]],
)
def test_what_is_planted_is_noticed(plant: planted.Plant, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = stories_until_noticed(plant, name, monkeypatch)
    print(f"| {plant.__name__.replace('_', ' ')} | {name} | {told} |")
