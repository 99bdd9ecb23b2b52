"""Rule 6: the states of a phone during its stay. Each change is told, and what is on hand follows."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.handsets.errors import STATUS_WORDS, HeldForPlan, NotInStock
from shopnode.domain.handsets.models import StockUnit, UnitEvent, UnitStatus
from shopnode.domain.handsets.states import MAY_FOLLOW, own_unit, reserve_unit
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.stock.queries import on_hand, stock_differences
from tests.domain.till import Till, open_till
from tests.shop import Shop

PLAN = "0190a000-0000-7000-8000-00000000f1a4"


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def hand(till: Till) -> int:
    """Phones on hand; the level is the sum of its movements."""
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, till.shop.home.shop_id or "", [till.phone])[till.phone]


def status(till: Till, which: int = 0) -> str:
    return till.shop.row(StockUnit, till.units[which]).status


def do(till: Till, verb: str, which: int = 0, **more: Any) -> None:
    till.shop.clock.advance(1_000)
    till.shop.do(f"handsets.{verb}", {"unit_id": till.units[which], "reason": "as told", **more})


@pytest.mark.parametrize(
    ("away", "status_then", "on_hand_then", "home"),
    [
        ("set_aside", "bench", 1, "put_back"),
        ("lend", "lent", 1, "give_back"),
        ("report_missing", "missing", 1, "report_found"),
        ("reserve", "reserved", 2, "release"),
    ],
)
def test_rule_6_a_phone_leaves_the_shelf_and_comes_back(
    till: Till, away: str, status_then: str, on_hand_then: int, home: str
) -> None:
    do(till, away)
    assert (status(till), hand(till)) == (status_then, on_hand_then)
    with pytest.raises(UnitNotForSale):
        till.sell({"device_id": till.units[0]})

    do(till, home, **({"outcome": "resell"} if home == "give_back" else {}))
    assert (status(till), hand(till)) == ("in_stock", 2)
    till.sell({"device_id": till.units[0]})


def test_rule_6_every_change_is_an_event_with_who_where_and_why(till: Till) -> None:
    do(till, "set_aside", reason="the back glass is cracked")

    (event,) = till.shop.rows(UnitEvent)
    assert (event.unit_id, event.shop_id) == (till.units[0], till.shop.home.shop_id)
    assert (event.from_status, event.to_status) == ("in_stock", "bench")
    assert (event.reason, event.by_id) == ("the back glass is cracked", till.shop.owner.id)
    moved = till.shop.changes("stock_movement")[-1].fields
    assert (moved["kind"], moved["quantity"], moved["unit_id"]) == ("aside", -1, till.units[0])


def test_a_lent_phone_is_looked_at_before_it_is_sold_again(till: Till) -> None:
    do(till, "lend")
    do(till, "give_back", reason="")
    assert (status(till), hand(till)) == ("inspect", 1)
    do(till, "finish_inspection", outcome="resell", grade="B")
    assert (status(till), hand(till)) == ("in_stock", 2)
    assert till.shop.row(StockUnit, till.units[0]).grade == "B"


@pytest.mark.parametrize(("before", "after"), [("set_aside", "bench"), ("reserve", "in_stock"), ("lend", "inspect")])
def test_a_phone_that_is_found_is_where_it_was_missed_from(till: Till, before: str, after: str) -> None:
    do(till, before)
    do(till, "report_missing")
    assert hand(till) == 1
    do(till, "report_found")
    assert status(till) == after


@pytest.mark.parametrize("before", ["set_aside", "lend", "report_missing", "reserve"])
def test_a_phone_is_written_off_from_wherever_it_is_and_counted_out_once(till: Till, before: str) -> None:
    do(till, before)
    do(till, "write_off")
    assert (status(till), hand(till)) == ("scrapped", 1)
    with pytest.raises(NotInStock, match="written off"):
        do(till, "write_off")


def test_what_may_not_follow_is_refused_in_words(till: Till) -> None:
    till.sell({"device_id": till.units[0]})
    for verb in ("set_aside", "lend", "report_missing", "reserve", "write_off"):
        with pytest.raises(NotInStock, match="a phone that is sold"):
            do(till, verb)
    for verb in ("put_back", "give_back", "report_found", "release", "finish_inspection"):
        with pytest.raises(NotInStock, match="a phone that is in stock"):
            do(till, verb, 1, **({"outcome": "resell"} if verb == "finish_inspection" else {}))
    assert till.shop.rows(UnitEvent) == []


def test_every_state_has_its_words_and_its_ways_on() -> None:
    assert set(STATUS_WORDS) == set(MAY_FOLLOW) == set(UnitStatus)


def test_rule_24_a_phone_kept_for_a_plan_is_let_go_by_the_plan_alone(till: Till) -> None:
    with till.shop.home.writing() as session:
        from shopnode.domain.capture import begin_capture
        from shopnode.domain.guard import forget_touched

        begin_capture(session)
        ctx = till.shop.ctx().inside(session)
        reserve_unit(ctx, own_unit(ctx, till.units[0]), PLAN, "layaway for Grace")
        session.flush()
        forget_touched(session.connection())
        session.info["capture"] = None
    with pytest.raises(HeldForPlan):
        do(till, "release")
    assert till.shop.row(StockUnit, till.units[0]).held_for == PLAN
    (event,) = till.shop.rows(UnitEvent)
    assert (event.to_status, event.about_id) == ("reserved", PLAN)

    do(till, "report_missing")
    do(till, "report_found")
    assert (status(till), till.shop.row(StockUnit, till.units[0]).held_for) == ("reserved", PLAN)


def test_staff_do_not_move_phones_off_the_shelf(till: Till) -> None:
    for verb in ("set_aside", "lend", "report_missing", "reserve", "write_off"):
        with pytest.raises(NotPermitted):
            do_as = {"unit_id": till.units[0], "reason": "mine"}
            till.shop.do(f"handsets.{verb}", do_as, role=Role.STAFF)


def test_another_shops_phone_is_not_found(till: Till) -> None:
    with pytest.raises(NotFound):
        till.shop.do("handsets.set_aside", unit_id=PLAN, reason="not ours")
