"""The day of a shop: added up from its Z reports, submitted, decided, corrected by what came late (rules 83, 84)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.closures.errors import (
    DayCorrected,
    DayNotSo,
    DayStands,
    DifferenceWaits,
    DrawersOpen,
    LateReports,
    NothingToClose,
)
from shopnode.domain.closures.models import ClosureDecisionKind, ClosureStatus, DayClosure
from shopnode.domain.closures.queries import closure_of_day, closure_view, last_closed_day, list_closures
from shopnode.domain.closures.rules import fold_status
from shopnode.domain.errors import ApprovalNeeded, NotPermitted
from shopnode.domain.permissions import Role
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

DAY = date(2026, 9, 21)
DAY_MS = 86_400_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def close(till: Till, counted: int, **form: Any) -> dict[str, Any]:
    return till.shop.do("cash.close_drawer", {"counted": counted, **form}, role=Role.STAFF)


def submit(till: Till, day: date = DAY, role: Role = Role.STAFF, **form: Any) -> str:
    made: str = till.shop.do("closures.submit", {"business_on": day, **form}, role=role)["closure_id"]
    return made


def decide(till: Till, verb: str, closure: str, role: Role = Role.OWNER, **form: Any) -> str:
    approval = form.pop("approval", None)
    told = {"closure_id": closure, **form}
    done: str = till.shop.perform(f"closures.{verb}", told, role=role, approval=approval).result["status"]
    return done


def late_sale(till: Till) -> None:
    """One more session on the same day, with a sale."""
    till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    till.sell()
    close(till, 5_000)


def test_a_day_is_what_its_z_reports_come_to(till: Till) -> None:
    till.sell()
    till.sell(pay=[{"method": "airtel_money", "amount": 5_000, "reference": "9931007"}])
    close(till, FLOAT + 4_000, wallets=[{"tender": "airtel_money", "amount": 5_000}])
    late_sale(till)
    row = till.shop.row(DayClosure, submit(till))
    assert (row.cash_minor, row.airtel_minor, row.mtn_minor, row.other_minor) == (9_000, 5_000, 0, 0)
    assert (row.collected_minor, row.expected_minor, row.variance_minor) == (14_000, 15_000, -1_000)


def test_foreign_notes_count_at_their_worth(till: Till) -> None:
    till.shop.do("settings.change", key="usd_rate_minor", value=3_700)
    pay = [{"method": "cash", "amount": 37_000, "currency": "USD", "foreign_amount": 10_00}]
    till.sell({"product_id": till.charger}, pay=pay)
    close(till, FLOAT - 2_000, foreign=[{"currency": "USD", "amount": 9_00}])
    row = till.shop.row(DayClosure, submit(till))
    assert (row.cash_minor, row.other_minor, row.expected_minor) == (-2_000, 33_300, 35_000)
    assert row.variance_minor == -3_700


def test_a_day_goes_from_submitted_to_locked(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till, notes="A quiet Monday")
    assert decide(till, "review", closure, Role.SUPERVISOR) == "Reviewed"
    with pytest.raises(NotPermitted):
        decide(till, "approve", closure, Role.STAFF)
    assert decide(till, "approve", closure, Role.SUPERVISOR) == "Approved"
    assert decide(till, "lock", closure) == "Locked"
    for verb in ("review", "approve", "lock"):
        with pytest.raises(DayNotSo):
            decide(till, verb, closure)
    with pytest.raises(DayNotSo):
        decide(till, "reject", closure, reason="too late for that")
    with till.shop.reading() as ctx:
        view = closure_of_day(ctx, DAY)
        reviewed = view.last(ClosureDecisionKind.REVIEW)
    assert (view.status, view.row.notes, view.row.by_id) == ("Locked", "A quiet Monday", till.shop.cashier.id)
    assert reviewed and reviewed.by_id == till.shop.supervisor.id


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], "Submitted"), (["lock"], "Submitted"), (["review", "review", "approve"], "Approved"),
        (["approve", "reject", "approve"], "Rejected"), (["approve", "lock", "reject"], "Locked"),
    ],
)  # fmt: skip
def test_decisions_made_unseen_add_up_to_one_state(kinds: list[str], status: str) -> None:
    assert fold_status(kinds) == ClosureStatus(status)


def test_rule_89_who_submitted_a_day_neither_rejects_nor_locks_it(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted, match="Nobody decides about their own"):
        decide(till, "reject", closure, Role.SUPERVISOR, reason="found a slip")
    decide(till, "approve", closure)
    with pytest.raises(NotPermitted, match="Nobody decides about their own"):
        decide(till, "lock", closure, Role.SUPERVISOR)


def test_a_day_with_an_open_drawer_is_not_submitted(till: Till) -> None:
    with pytest.raises(DrawersOpen, match="A drawer is still open on 2026-09-21"):
        submit(till)
    close(till, FLOAT)
    with pytest.raises(NothingToClose):
        submit(till, date(2026, 9, 20))


def test_nobody_reviews_their_own_day(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted, match="own"):
        decide(till, "review", closure, Role.SUPERVISOR)
    assert decide(till, "review", closure) == "Reviewed"


def test_rule_83_a_day_that_is_far_off_is_approved_by_the_owner(till: Till) -> None:
    drawer = close(till, FLOAT + 200_001)["drawer_session_id"]
    till.shop.do("cash.accept_difference", drawer_session_id=drawer, explanation="The float was put in twice")
    closure = submit(till)
    with pytest.raises(ApprovalNeeded, match="off by 200,001"):
        decide(till, "approve", closure, Role.SUPERVISOR)
    decide(till, "approve", closure, Role.SUPERVISOR, approval=till.shop.approval_by(Role.OWNER))


def test_nobody_approves_their_own_day_but_the_owner(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till, role=Role.SUPERVISOR)
    with pytest.raises(NotPermitted, match="own"):
        decide(till, "approve", closure, Role.SUPERVISOR)
    with pytest.raises(NotPermitted, match="own"):
        decide(till, "approve", closure, Role.SUPERVISOR, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert decide(till, "approve", closure) == "Approved"


def test_a_day_is_taken_back_by_the_owner_and_stays(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till)
    with pytest.raises(NotPermitted):
        decide(till, "withdraw", closure, Role.SUPERVISOR, reason="counted another shop's drawer")
    assert decide(till, "withdraw", closure, reason="counted another shop's drawer") == "Rejected"
    assert len(till.shop.rows(DayClosure)) == 1


def test_two_who_submit_at_once_submit_one_day(till: Till) -> None:
    close(till, FLOAT)
    submit(till)
    with pytest.raises(DayStands, match="submitted already"):
        submit(till, role=Role.SUPERVISOR)
    assert len(till.shop.rows(DayClosure)) == 1


def test_a_rejected_day_is_submitted_again(till: Till) -> None:
    close(till, FLOAT)
    first = submit(till)
    decide(till, "reject", first, reason="the card slips are missing")
    second = submit(till)
    assert till.shop.row(DayClosure, second).corrects_id == first
    with pytest.raises(DayCorrected):
        decide(till, "approve", first)
    assert decide(till, "approve", second) == "Approved"


def test_rule_83_a_day_is_approved_when_each_large_difference_was_accepted(till: Till) -> None:
    drawer = close(till, FLOAT - 45_000)["drawer_session_id"]
    closure = submit(till)
    decide(till, "review", closure, Role.SUPERVISOR)
    with pytest.raises(DifferenceWaits, match="KLA1-Z000001"):
        decide(till, "approve", closure)
    form = {"drawer_session_id": drawer, "explanation": "Change given twice"}
    till.shop.do("cash.accept_difference", form, role=Role.SUPERVISOR)
    assert decide(till, "approve", closure) == "Approved"


def test_rule_84_a_late_sale_in_a_closed_day_is_a_correction_and_no_edit(till: Till) -> None:
    till.sell()
    close(till, FLOAT + 5_000)
    first = submit(till)
    decide(till, "approve", first)
    decide(till, "lock", first)
    before = till.shop.row(DayClosure, first)
    till.shop.clock.advance(60_000)
    late_sale(till)
    with till.shop.reading() as ctx:
        assert closure_view(ctx, first).late_z_numbers == ["KLA1-Z000002"]
    second = submit(till)
    after, again = till.shop.row(DayClosure, first), till.shop.row(DayClosure, second)
    assert (after.body, after.collected_minor) == (before.body, before.collected_minor) == (before.body, 5_000)
    assert (again.collected_minor, again.corrects_id, again.nth) == (10_000, first, 2)
    with till.shop.reading() as ctx:
        assert [view.status for view in list_closures(ctx).rows] == ["Submitted", "Locked"]
    assert {change.op for change in till.shop.changes("day_closure")} == {"i"}


def test_rule_84_a_day_is_not_approved_while_a_late_z_is_not_in_it(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till)
    late_sale(till)
    with pytest.raises(LateReports, match="KLA1-Z000002"):
        decide(till, "approve", closure)


def test_a_supervisor_corrects_what_was_counted_wrong(till: Till) -> None:
    till.sell(pay=[{"method": "card", "amount": 5_000}])
    close(till, FLOAT, wallets=[{"tender": "card", "amount": 0}])
    first = submit(till)
    form = {"closure_id": first, "card_amount": 5_000, "reason": "a card slip lay under the drawer"}
    with pytest.raises(NotPermitted):
        till.shop.do("closures.update", form, role=Role.STAFF)
    done = till.shop.do("closures.update", form, role=Role.SUPERVISOR)
    assert (done["variance"], done["nth"]) == (0, 2)
    assert till.shop.row(DayClosure, first).variance_minor == -5_000
    decide(till, "approve", done["closure_id"])
    with pytest.raises(DayNotSo):
        till.shop.do("closures.update", {**form, "closure_id": done["closure_id"]}, role=Role.SUPERVISOR)


def test_midnight_changes_no_sessions_day(till: Till) -> None:
    till.shop.clock.advance(10 * 3_600_000)  # Tuesday, 2:14 in Kampala
    till.sell()
    close(till, FLOAT + 5_000)
    till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    assert [row.business_on for row in till.shop.rows(DrawerSession)] == [DAY, date(2026, 9, 22)]
    assert till.shop.row(DayClosure, submit(till)).collected_minor == 5_000


def test_the_clock_goes_back_and_the_day_does_not_go_behind_a_closed_one(till: Till) -> None:
    close(till, FLOAT)
    closure = submit(till)
    till.shop.clock.advance(-3 * DAY_MS)
    opened = till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    assert opened["business_on"] == DAY.isoformat()
    close(till, 0)
    decide(till, "reject", closure, reason="the clock was wrong all day")
    with till.shop.reading() as ctx:
        assert last_closed_day(ctx.session, ctx.shop_id or "") is None
    opened = till.shop.do("cash.open_drawer", opening_float=0, role=Role.STAFF)
    assert opened["business_on"] == "2026-09-18"
