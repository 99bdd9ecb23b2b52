"""Coming and going by the shop's clock, and corrections that another person decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.attendance.models import Attendance
from shopnode.domain.attendance.queries import here_now, hours_of, list_attendance, list_corrections
from shopnode.domain.attendance.rules import Stretch, overlapping, wrong_times
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.permissions import Role
from tests.shop import Shop

HOUR = 3_600_000
MONDAY = date(2026, 9, 21)


def now(shop: Shop) -> datetime:
    return to_datetime(shop.clock.wall_ms())


def work(shop: Shop, hours: int, role: Role = Role.STAFF) -> str:
    done: str = shop.do("attendance.come", role=role)["id"]
    shop.clock.advance(hours * HOUR)
    shop.do("attendance.go", role=role)
    return done


def test_a_stretch_runs_from_coming_to_going_and_belongs_to_the_day_it_began(shop: Shop) -> None:
    began = now(shop)  # 17:14 in Kampala
    work(shop, 9)  # past midnight
    (row,) = shop.rows(Attendance)
    assert (row.staff_id, row.came_at, row.went_at) == (shop.cashier.id, began, began + timedelta(hours=9))
    assert (row.business_on, row.is_corrected) == (MONDAY, False)
    with shop.reading() as ctx:
        (hours,) = hours_of(ctx, MONDAY, MONDAY)
    assert (hours.name, hours.days, hours.minutes, hours.forgotten) == ("Aisha", 1, 540, 0)


def test_nobody_comes_twice_or_goes_without_having_come(shop: Shop) -> None:
    with pytest.raises(Conflict, match="not come yet"):
        shop.do("attendance.go", role=Role.STAFF)
    shop.do("attendance.come", role=Role.STAFF)
    with pytest.raises(Conflict, match="came at 17:14"):
        shop.do("attendance.come", role=Role.STAFF)
    with shop.reading() as ctx:
        assert [row.name for row in here_now(ctx, shop.home.shop_id)] == ["Aisha"]


def test_who_forgot_to_go_comes_again_the_next_day_and_asks_for_a_correction(shop: Shop) -> None:
    first = shop.do("attendance.come", role=Role.STAFF)["id"]
    came = now(shop)
    shop.clock.advance(17 * HOUR)
    with pytest.raises(Conflict, match="really went"):
        shop.do("attendance.go", role=Role.STAFF)
    with shop.reading() as ctx:
        assert here_now(ctx, shop.home.shop_id) == []
    shop.do("attendance.come", role=Role.STAFF)
    form = {"attendance_id": first, "came_at": came, "went_at": came + timedelta(hours=5), "reason": "forgot to go"}
    asked = shop.do("attendance.ask_correction", form, role=Role.STAFF)["id"]
    shop.do("attendance.decide_correction", correction_id=asked, outcome="accepted")
    with shop.reading() as ctx:
        rows = list_attendance(ctx, staff_id=shop.cashier.id).rows
    assert [(row.minutes, row.is_corrected, row.is_forgotten) for row in rows] == [
        (0, False, False),
        (300, True, False),
    ]


def test_rule_89_nobody_decides_their_own_correction_or_one_they_asked_for(shop: Shop) -> None:
    went = now(shop)
    form = {"came_at": went - timedelta(hours=8), "went_at": went, "reason": "the tablet was flat"}
    own = shop.do("attendance.ask_correction", form, role=Role.SUPERVISOR)["id"]
    for_aisha = {**form, "staff_id": shop.cashier.id}
    asked = shop.do("attendance.ask_correction", for_aisha, role=Role.SUPERVISOR)["id"]
    for correction in (own, asked):
        with pytest.raises(NotPermitted):
            shop.do("attendance.decide_correction", correction_id=correction, outcome="accepted", role=Role.SUPERVISOR)
        with pytest.raises(NotPermitted):
            shop.do("attendance.decide_correction", correction_id=correction, outcome="accepted", role=Role.STAFF)
        shop.do("attendance.decide_correction", correction_id=correction, outcome="accepted")
    assert {row.staff_id for row in shop.rows(Attendance)} == {shop.supervisor.id, shop.cashier.id}


def test_a_refused_correction_changes_nothing_and_is_decided_once(shop: Shop) -> None:
    stretch = work(shop, 4)
    (row,) = shop.rows(Attendance)
    form = {
        "attendance_id": stretch, "came_at": row.came_at - timedelta(hours=2), "went_at": row.went_at,
        "reason": "came earlier",
    }  # fmt: skip
    asked = shop.do("attendance.ask_correction", form, role=Role.STAFF)["id"]
    shop.do("attendance.decide_correction", correction_id=asked, outcome="refused")
    with pytest.raises(Conflict):
        shop.do("attendance.decide_correction", correction_id=asked, outcome="accepted")
    assert shop.rows(Attendance)[0].came_at == row.came_at
    with shop.reading(Role.STAFF) as ctx:
        (told,) = list_corrections(ctx).rows
    assert (told.outcome, told.decided_by_name, told.clocked_came_at) == ("refused", "Sarah", row.came_at)


def test_staff_correct_their_own_times_and_see_their_own_alone(shop: Shop) -> None:
    work(shop, 1, Role.SUPERVISOR)
    form = {"staff_id": shop.supervisor.id, "came_at": now(shop), "reason": "for Brian"}
    with pytest.raises(NotPermitted):
        shop.do("attendance.ask_correction", form, role=Role.STAFF)
    with shop.reading(Role.STAFF) as ctx:
        assert list_attendance(ctx, staff_id=shop.supervisor.id).rows == []
        assert hours_of(ctx, MONDAY, MONDAY) == []
    with shop.reading(Role.SUPERVISOR) as ctx:
        assert len(list_attendance(ctx).rows) == 1


@pytest.mark.parametrize(
    ("came_h", "went_h", "field"),
    [(1, None, "came_at"), (-2, 1, "went_at"), (-2, -2, "went_at"), (-2, -3, "went_at"), (-30, -1, "went_at")],
)
def test_times_that_cannot_be_are_refused_by_name(shop: Shop, came_h: int, went_h: int | None, field: str) -> None:
    went = None if went_h is None else now(shop) + timedelta(hours=went_h)
    form = {"came_at": now(shop) + timedelta(hours=came_h), "went_at": went, "reason": "a mistake"}
    with pytest.raises(Invalid) as refusal:
        shop.do("attendance.ask_correction", form, role=Role.STAFF)
    assert set(refusal.value.fields) == {field}


def test_no_two_stretches_of_one_person_overlap(shop: Shop) -> None:
    work(shop, 4)
    form = {"came_at": now(shop) - timedelta(hours=2), "went_at": now(shop), "reason": "came again"}
    with pytest.raises(Conflict, match="Correct that one"):
        shop.do("attendance.ask_correction", form, role=Role.STAFF)
    shop.do("attendance.ask_correction", form, role=Role.SUPERVISOR)  # somebody else


INSTANTS = st.integers(0, 200).map(lambda hour: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour))


@given(INSTANTS, st.integers(1, 24), INSTANTS, st.integers(1, 24))
def test_overlapping_is_having_an_hour_in_common(a: datetime, a_h: int, b: datetime, b_h: int) -> None:
    one, other = Stretch("1", a, a + timedelta(hours=a_h)), Stretch("2", b, b + timedelta(hours=b_h))
    hours_a = {a + timedelta(hours=n) for n in range(a_h)}
    hours_b = {b + timedelta(hours=n) for n in range(b_h)}
    assert (overlapping(one, [other]) is not None) is bool(hours_a & hours_b)
    assert overlapping(one, [Stretch("1", b, None)]) is None
    assert wrong_times(a, a + timedelta(hours=a_h), a + timedelta(hours=a_h)) == {}
