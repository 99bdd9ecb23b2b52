"""What somebody at the drawer might try, to take cash out of it and to be found to be right all the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shopnode.domain.cash.forms import AcceptDifference
from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.reading import x_report
from shopnode.domain.cash.reports import last_z_of_series
from shopnode.domain.closures.models import ZReport
from shopnode.domain.errors import ApprovalNeeded, Invalid
from shopnode.domain.people.telephone import ask
from shopnode.domain.permissions import Role
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def close(till: Till, **form: Any) -> dict[str, Any]:
    return till.shop.do("cash.close_drawer", form, role=Role.STAFF)


def test_rule_82_what_staff_take_out_in_pieces_counts_together_for_the_day(till: Till) -> None:
    take = {"reason": "lunch for all", "role": Role.STAFF}
    till.shop.do("cash.pay_out", amount=60_000, **take)
    with pytest.raises(ApprovalNeeded, match="today"):
        till.shop.do("cash.pay_out", amount=60_000, **take)
    till.shop.do("cash.pay_out", amount=40_000, **take)
    close(till, counted=0)
    till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    with pytest.raises(ApprovalNeeded):
        till.shop.do("cash.pay_out", amount=1, **take)
    form = {"amount": 300_000, "reason": "rent"}
    till.shop.perform("cash.pay_out", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_rule_82_what_a_second_person_agreed_to_is_not_counted_against_one(till: Till) -> None:
    form = {"amount": 300_000, "reason": "rent"}
    till.shop.perform("cash.pay_out", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    till.shop.do("cash.pay_out", amount=100_000, reason="water", role=Role.STAFF)


def test_rule_49_dollars_that_nobody_counts_are_missing(till: Till) -> None:
    till.shop.do("settings.change", key="usd_rate_minor", value=3_700)
    pay = [{"method": "cash", "amount": 740_000, "currency": "USD", "foreign_amount": 200_00}]
    till.shop.do("cash.pay_in", amount=50_000, reason="more coins", role=Role.STAFF)
    till.sell({"device_id": till.units[0]}, pay=pay)  # the change of 100,000 is given in shillings
    closed = close(till, counted=0)
    assert closed["is_within_limit"] is False
    assert closed["difference_in_all"] == -740_000
    (z_report,) = till.shop.rows(ZReport)
    body = orjson.loads(z_report.body)
    assert (body["difference"]["foreign"], body["size"]) == ({"USD": -200_00}, 740_000)


def test_rule_50_one_false_note_is_booked_again_by_two_people_alone(till: Till) -> None:
    one = {"notes": [{"amount": 50_000, "serial": "AA 1234567"}]}
    again = {"notes": [{"amount": 50_000, "serial": "aa-1234567"}]}
    till.shop.do("cash.book_counterfeits", one, role=Role.SUPERVISOR)
    with pytest.raises(ApprovalNeeded, match="before"):
        till.shop.do("cash.book_counterfeits", again, role=Role.SUPERVISOR)
    with pytest.raises(Invalid):
        till.shop.do("cash.book_counterfeits", {"notes": [*one["notes"], *again["notes"]]})
    till.shop.perform("cash.book_counterfeits", again, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.OWNER))


def test_rule_83_over_the_telephone_a_surplus_on_the_phone_hides_no_missing_cash(till: Till) -> None:
    closed = close(till, counted=FLOAT - 45_000, wallets=[{"tender": "mtn_momo", "amount": 45_000}])
    form = AcceptDifference(drawer_session_id=closed["drawer_session_id"], explanation="They changed money")
    asked = ask(till.shop.ctx(Role.SUPERVISOR), "cash.accept_difference", form)
    assert (asked.question.amount_minor, asked.question.document) == (90_000, closed["z_number"])


def test_rule_80_a_copys_series_is_not_taken_for_ones_own(till: Till) -> None:
    """KLA1 restored may go on as KLA1-ZQ2MK, whose Z reports begin like those of KLA1."""
    close(till, counted=FLOAT)
    with till.shop.home.writing() as session:
        (row,) = session.query(ZReport)
        copy = {column.name: getattr(row, column.name) for column in ZReport.__table__.columns}
        copy |= {"id": till.shop.home.new_id(), "number": "KLA1-ZQ2MK-Z000001", "since_inception_minor": 10**9}
        session.connection().execute(ZReport.__table__.insert(), [copy])
    with till.shop.reading() as ctx:
        found = last_z_of_series(ctx.session, "KLA1")
        assert found is not None
        assert found.number == "KLA1-Z000001"
    assert len(till.shop.rows(DrawerSession)) == 1


def test_rule_79_nobody_counts_again_by_what_an_x_told_them(till: Till) -> None:
    """The first count is a guess; an X would tell the rest, and the recount would agree with less in the drawer."""
    drawer = till.shop.rows(DrawerSession)[0].id

    def sums() -> bool:
        with till.shop.reading() as ctx:
            return x_report(ctx, drawer).report is not None

    till.sell()
    for guess in (FLOAT + 25_000, 7):  # that agrees within the limit, and that does not
        till.shop.do("cash.count_drawer", counted=guess, role=Role.STAFF)
        assert not sums()
    till.shop.do("cash.pay_in", amount=100, reason="a coin, to count anew", role=Role.STAFF)
    assert not sums()
    till.shop.do("cash.count_drawer", counted=FLOAT + 5_100, role=Role.STAFF)
    assert sums()


@pytest.mark.parametrize(
    "told",
    [
        {"denominations": [{"value": 10**12, "pieces": 1_000_000}]},
        {"denominations": [{"value": 10**12 - n, "pieces": 1_000_000} for n in range(30)]},
        {"counted": 0, "foreign": [{"currency": "USD", "amount": 10**12}]},
    ],
)
def test_rule_79_a_count_beyond_all_money_is_refused_in_words(till: Till, told: dict[str, Any]) -> None:
    till.shop.do("settings.change", key="usd_rate_minor", value=10**7)
    with pytest.raises(Invalid):
        close(till, **told)
    most = [{"currency": "USD", "amount": 10**9}]
    assert not close(till, counted=10**12, foreign=most, wallets=[{"tender": "mtn_momo", "amount": 10**12}])[
        "is_within_limit"
    ]


def test_rule_84_a_day_that_was_rejected_many_times_opens_none_before_it(till: Till) -> None:
    """Else a clock that is set back would bring a session behind a day that is closed."""
    shop = till.shop
    close(till, counted=FLOAT)
    first = shop.do("closures.submit", business_on="2026-09-21", role=Role.STAFF)["closure_id"]
    shop.do("closures.approve", closure_id=first)
    shop.clock.advance(86_400_000)
    shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    close(till, counted=0)
    for _ in range(12):
        again = shop.do("closures.submit", business_on="2026-09-22", role=Role.STAFF)["closure_id"]
        shop.do("closures.reject", closure_id=again, reason="not yet")
    shop.clock.advance(-10 * 86_400_000)
    opened = shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    assert opened["business_on"] == "2026-09-21"


@pytest.mark.parametrize("hand", ["took it over", "sold into it", "took money out"])
def test_rule_83_whoever_had_a_hand_in_a_drawer_accepts_nothing_of_it_alone(till: Till, hand: str) -> None:
    """Its row names who opened it, who answers for it last and who closed it. Those between were there as well."""
    shop, drawer = till.shop, till.shop.rows(DrawerSession)[0].id
    if hand == "took it over":
        shop.do("cash.take_over", drawer_session_id=drawer, reason="Aisha left", role=Role.SUPERVISOR)
        shop.do("cash.take_over", drawer_session_id=drawer, reason="Brian left, too", role=Role.OWNER)
    elif hand == "sold into it":
        till.sell(role=Role.SUPERVISOR)
    else:
        shop.do("cash.pay_out", amount=1_000, reason="water", role=Role.SUPERVISOR)
    shop.do("cash.close_drawer", drawer_session_id=drawer, counted=FLOAT - 45_000)
    told = {"drawer_session_id": drawer, "explanation": "Nobody knows"}
    with pytest.raises(ApprovalNeeded):
        shop.do("cash.accept_difference", told, role=Role.SUPERVISOR)
    shop.do("cash.accept_difference", told)
