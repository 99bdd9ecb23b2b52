"""The drawer: sessions, counts and reports (rules 78-81, 84-86)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shopnode.domain.cash.actions import AlreadyTheirs
from shopnode.domain.cash.counting import CountedTwice, NotCounted
from shopnode.domain.cash.errors import DrawerAlreadyOpen, DrawerClosed, DrawerForgotten, TakerNeeded
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import forgotten_sessions
from shopnode.domain.closures.models import DrawerCount, ZReport
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import CounterEvent, Sale
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

HOUR_MS = 3_600_000
NOTES = [{"value": 50_000, "pieces": 1}, {"value": 5_000, "pieces": 1}]


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def close(till: Till, **form: Any) -> dict[str, Any]:
    return till.shop.do("cash.close_drawer", form, role=Role.STAFF)


def body_of(till: Till, number: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(till.shop.rows(ZReport)[number].body)
    return told


def momo(amount: int, reference: str) -> dict[str, Any]:
    return {"method": "mtn_momo", "amount": amount, "reference": reference}


def test_rule_78_each_cashier_sells_into_their_own_drawer(till: Till) -> None:
    second = till.shop.do("cash.open_drawer", opening_float=10_000, till="Till 2", role=Role.SUPERVISOR)
    till.sell()
    till.sell(role=Role.SUPERVISOR)
    mine, theirs = (till.shop.rows(Sale, cashier_id=actor.id) for actor in (till.shop.cashier, till.shop.supervisor))
    assert [sale.drawer_session_id for sale in theirs] == [second["drawer_session_id"]]
    assert mine[0].drawer_session_id != theirs[0].drawer_session_id
    closed = till.shop.do("cash.close_drawer", counted=15_000, role=Role.SUPERVISOR)
    assert (closed["difference"], closed["drawer_session_id"]) == (0, second["drawer_session_id"])
    assert close(till, counted=FLOAT + 5_000)["difference"] == 0


def test_rule_78_a_till_and_a_cashier_have_one_open_session_each(till: Till) -> None:
    with pytest.raises(DrawerAlreadyOpen):
        till.shop.do("cash.open_drawer", opening_float=0, role=Role.SUPERVISOR)
    with pytest.raises(DrawerAlreadyOpen, match="This cashier"):
        till.shop.do("cash.open_drawer", opening_float=0, till="Till 2", role=Role.STAFF)


def test_rule_78_a_day_has_many_sessions(till: Till) -> None:
    close(till, counted=FLOAT)
    till.shop.do("cash.open_drawer", opening_float=1_000, role=Role.STAFF)
    close(till, counted=1_000)
    first, second = till.shop.rows(ZReport)
    assert (first.business_on, first.number, second.number) == (second.business_on, "KLA1-Z000001", "KLA1-Z000002")


def test_rule_78_a_drawer_is_handed_over_by_a_count_that_is_the_next_ones_float(till: Till) -> None:
    till.sell()
    form = {"denominations": NOTES, "wallets": [{"tender": "agent_float", "amount": 400_000}]}
    done = till.shop.do("cash.hand_over", form, role=Role.SUPERVISOR)
    before, after = (till.shop.row(DrawerSession, done[name]) for name in ("drawer_session_id", "next_session_id"))
    assert (before.counted_minor, before.is_open, after.opening_float_minor) == (FLOAT + 5_000, False, FLOAT + 5_000)
    assert (after.handed_from_id, after.is_open, done["cashier_id"]) == (before.id, True, till.shop.supervisor.id)
    counts = {(row.drawer_session_id, row.kind): row for row in till.shop.rows(DrawerCount)}
    assert counts[before.id, "handover"].notes_counted == counts[after.id, "opening"].notes_counted
    assert orjson.loads(counts[after.id, "opening"].others_counted) == {"agent_float": 400_000}
    till.sell(role=Role.SUPERVISOR)
    assert till.shop.do("cash.close_drawer", counted=FLOAT + 10_000, role=Role.SUPERVISOR)["difference"] == 0


def test_rule_78_nobody_is_given_a_drawer_without_their_own_pin(till: Till) -> None:
    form = {"counted": FLOAT, "to_id": till.shop.supervisor.id}
    with pytest.raises(TakerNeeded, match="Brian takes the drawer with their own PIN"):
        till.shop.do("cash.hand_over", form, role=Role.STAFF)
    with pytest.raises(NotPermitted):
        till.shop.perform("cash.hand_over", form, role=Role.STAFF, approval=till.shop.approval_by(Role.OWNER))
    with pytest.raises(AlreadyTheirs):
        till.shop.do("cash.hand_over", counted=FLOAT, role=Role.STAFF)
    till.shop.perform("cash.hand_over", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    (now,) = till.shop.rows(DrawerSession, closed_at=None)
    assert now.cashier_id == till.shop.supervisor.id


def test_rule_79_a_count_is_kept_and_says_only_whether_it_agrees(till: Till) -> None:
    told = till.shop.do("cash.count_drawer", counted=FLOAT + 90_000, role=Role.STAFF)
    assert told.keys() == {"drawer_session_id", "drawer_count_id", "nth", "agrees", "may_count_again"}
    assert (told["agrees"], told["may_count_again"]) == (False, True)
    again = till.shop.do("cash.count_drawer", counted=FLOAT, role=Role.STAFF)
    assert (again["nth"], again["agrees"], again["may_count_again"]) == (2, True, False)
    with pytest.raises(CountedTwice):
        till.shop.do("cash.count_drawer", counted=1, role=Role.STAFF)
    with pytest.raises(CountedTwice):
        close(till, counted=1)
    assert close(till)["counted"] == FLOAT
    assert [row.cash_minor for row in till.shop.rows(DrawerCount, kind="closing")] == [FLOAT + 90_000, FLOAT]
    assert [(told["kind"], told["cash"]) for told in body_of(till)["counts"]] == [
        ("opening", FLOAT), ("closing", FLOAT + 90_000), ("closing", FLOAT),
    ]  # fmt: skip


def test_rule_79_a_count_holds_until_money_moves(till: Till) -> None:
    till.shop.do("cash.count_drawer", counted=FLOAT, role=Role.STAFF)
    till.sell()
    with pytest.raises(NotCounted):
        close(till)
    till.shop.do("cash.count_drawer", counted=FLOAT, role=Role.STAFF)
    till.shop.do("cash.count_drawer", counted=FLOAT + 5_000, role=Role.STAFF)
    assert close(till)["difference"] == 0


def test_rule_79_notes_and_coins_come_to_the_count(till: Till) -> None:
    with pytest.raises(Invalid, match="what the notes come to, 55,000"):
        close(till, counted=50_000, denominations=NOTES)
    with pytest.raises(Invalid, match="on the list already"):
        close(till, denominations=[*NOTES, {"value": 5_000, "pieces": 2}])
    assert close(till, denominations=NOTES)["difference"] == 5_000
    (count,) = till.shop.rows(DrawerCount, kind="closing")
    assert orjson.loads(count.notes_counted) == {"50000": 1, "5000": 1}


def test_rule_79_each_wallet_is_counted_by_its_own_messages(till: Till) -> None:
    till.sell(pay=[momo(5_000, "27183141592")])
    closed = close(till, counted=FLOAT, wallets=[{"tender": "mtn_momo", "amount": 4_000}])
    assert (closed["difference"], closed["difference_in_all"], closed["is_within_limit"]) == (0, -1_000, True)
    (z_report,) = till.shop.rows(ZReport)
    assert body_of(till)["difference"] == {"cash": 0, "foreign": {}, "others": {"mtn_momo": -1_000}}
    assert z_report.difference_minor == -1_000


def test_a_surplus_here_makes_up_for_no_shortage_there(till: Till) -> None:
    till.sell(pay=[momo(5_000, "27183141592")], action_id=None)
    till.shop.do("settings.change", key="variance_limit_minor", value=9_000)
    closed = close(till, counted=FLOAT + 5_000, wallets=[{"tender": "mtn_momo", "amount": 0}])
    assert (closed["difference_in_all"], closed["is_within_limit"]) == (0, False)


def test_rule_80_a_z_report_carries_what_its_series_took_since_its_beginning(till: Till) -> None:
    till.sell()
    close(till, counted=FLOAT + 5_000)
    till.shop.clock.advance(-50 * HOUR_MS)  # the number orders them, not the clock
    till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    till.sell(pay=[momo(5_000, "27183141592")])
    till.shop.do("cash.pay_in", amount=700, reason="coins from the bank", role=Role.STAFF)
    close(till, counted=700)
    told = {row.number: row.since_inception_minor for row in till.shop.rows(ZReport)}
    assert told == {"KLA1-Z000001": 5_000, "KLA1-Z000002": 10_000}


def test_rule_80_what_comes_later_never_changes_a_z(till: Till) -> None:
    sold = till.sell().result["sale_id"]
    close(till, counted=FLOAT + 5_000)
    (before,) = till.shop.rows(ZReport)
    till.shop.do("cash.open_drawer", opening_float=FLOAT, role=Role.STAFF)
    till.shop.do("sales.void", sale_id=sold, reason="wrong goods")
    (after,) = till.shop.rows(ZReport)
    assert (after.body, after.expected_minor) == (before.body, before.expected_minor)
    assert [change.op for change in till.shop.changes("z_report")] == ["i"]
    assert close(till, counted=FLOAT - 5_000)["difference"] == 0
    assert {"kind": "refund", "method": "cash", "count": 1, "amount": -5_000} in body_of(till, 1)["payments"]


def test_rule_81_an_opening_without_a_sale_needs_a_reason_and_is_on_the_z(till: Till) -> None:
    with pytest.raises(Invalid, match="reason"):
        till.shop.do("cash.open_without_sale", role=Role.STAFF)
    till.shop.do("cash.open_without_sale", reason="change for a customer", role=Role.STAFF)
    till.shop.clock.advance(-30 * HOUR_MS)
    till.shop.do("cash.open_without_sale", reason="counted the coins", role=Role.STAFF)
    assert len(till.shop.rows(CounterEvent, kind="no_sale")) == 2
    close(till, counted=FLOAT)
    assert [told["reason"] for told in body_of(till)["no_sales"]] == ["change for a customer", "counted the coins"]
    till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    close(till, counted=0)
    assert body_of(till, 1)["no_sales"] == []


def test_rule_85_a_forgotten_session_is_told_at_the_next_opening_and_taken_over(till: Till) -> None:
    till.shop.clock.advance(15 * HOUR_MS)
    with pytest.raises(DrawerAlreadyOpen) as early:
        till.shop.do("cash.open_drawer", opening_float=0, role=Role.SUPERVISOR)
    assert not isinstance(early.value, DrawerForgotten)
    till.shop.clock.advance(2 * HOUR_MS)
    with pytest.raises(DrawerForgotten, match=r"since 21\.09\.2026 17:14, by Aisha"):
        till.shop.do("cash.open_drawer", opening_float=0, role=Role.SUPERVISOR)
    other = till.shop.do("cash.open_drawer", opening_float=0, till="Till 2", role=Role.OWNER)
    (left,) = other["forgotten"]
    with till.shop.reading() as ctx:
        assert [row.id for row in forgotten_sessions(ctx.session, ctx.shop_id or "", ctx.now)] == [left]
    with pytest.raises(NotPermitted):
        till.shop.do("cash.take_over", drawer_session_id=left, reason="Aisha went home", role=Role.STAFF)
    till.shop.do("cash.take_over", drawer_session_id=left, reason="Aisha went home", role=Role.SUPERVISOR)
    row = till.shop.row(DrawerSession, left)
    assert (row.cashier_id, row.notes) == (till.shop.supervisor.id, "Taken over from Aisha: Aisha went home")
    closed = till.shop.do("cash.close_drawer", counted=FLOAT, role=Role.SUPERVISOR)
    assert closed["drawer_session_id"] == left
    assert till.shop.row(DrawerSession, left).opened_by == till.shop.cashier.id


def test_rule_86_floats_of_airtime_and_agent_stand_on_the_same_z(till: Till) -> None:
    close(till, counted=FLOAT)
    wallets = [{"tender": "airtime_float", "amount": 80_000}, {"tender": "agent_float", "amount": 900_000}]
    till.shop.do("cash.open_drawer", opening_float=0, wallets=wallets, role=Role.STAFF)
    after = [{"tender": "airtime_float", "amount": 30_000}, {"tender": "mtn_momo", "amount": 0}]
    closed = close(till, counted=0, wallets=after)
    assert (closed["difference_in_all"], closed["is_within_limit"]) == (0, True)
    assert body_of(till, 1)["floats"] == {
        "airtime_float": {"before": 80_000, "after": 30_000}, "agent_float": {"before": 900_000, "after": None},
    }  # fmt: skip


def test_only_floats_are_there_when_a_drawer_opens(till: Till) -> None:
    close(till, counted=FLOAT)
    with pytest.raises(Invalid, match="only floats"):
        till.shop.do("cash.open_drawer", opening_float=0, wallets=[{"tender": "card", "amount": 1}])


def test_two_who_close_at_once_close_once(till: Till) -> None:
    (drawer,) = till.shop.rows(DrawerSession)
    close(till, counted=FLOAT, drawer_session_id=drawer.id)
    with pytest.raises(DrawerClosed):
        till.shop.do("cash.close_drawer", counted=FLOAT, drawer_session_id=drawer.id, role=Role.SUPERVISOR)
    assert len(till.shop.rows(ZReport)) == 1


def test_money_that_has_not_come_is_not_expected_on_the_phone(till: Till) -> None:
    till.shop.do("settings.change", key="momo_pending_max_minor", value=100_000)
    till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "state": "pending"}])
    closed = close(till, counted=FLOAT, wallets=[{"tender": "mtn_momo", "amount": 0}])
    assert closed["difference_in_all"] == 0
    assert body_of(till)["coming"] == {"mtn_momo": 5_000}
