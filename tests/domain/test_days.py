"""Days as people go through them: by state, those that nobody submitted, and one with all it is made of."""

from __future__ import annotations

from datetime import date, datetime
from itertools import product
from typing import Any

import pytest
from sqlalchemy.orm import Session

from shopnode.domain.capture import insert_wire, to_wire, wire_columns
from shopnode.domain.clock import act_id
from shopnode.domain.closures.days import DayChoice, DayState, count_days, list_days, unsubmitted_days, whole_day
from shopnode.domain.closures.models import ClosureDecision, ClosureStatus, DayClosure
from shopnode.domain.closures.queries import closure_view
from shopnode.domain.closures.rules import fold_status
from shopnode.domain.db import SyncedRow
from shopnode.domain.permissions import Role
from tests.domain.test_closures import DAY, close, decide, late_sale, submit
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

STATES = {
    ClosureStatus.SUBMITTED: DayState.WAITING, ClosureStatus.REVIEWED: DayState.WAITING,
    ClosureStatus.APPROVED: DayState.APPROVED, ClosureStatus.REJECTED: DayState.REJECTED,
    ClosureStatus.LOCKED: DayState.LOCKED,
}  # fmt: skip


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def keep(session: Session, model: type[SyncedRow], rows: list[dict[str, Any]]) -> None:
    """Rows as they come from another home."""
    names = wire_columns(model)
    insert_wire(session, model.__tablename__, names, [tuple(to_wire(row[name]) for name in names) for row in rows])


def closure_row(row_id: str, shop_id: str, day: date, now: datetime) -> dict[str, Any]:
    money = dict.fromkeys(
        ("cash_minor", "mtn_minor", "airtel_minor", "card_minor", "bank_minor", "other_minor", "collected_minor",
         "expected_minor", "variance_minor"), 0,
    )  # fmt: skip
    return {
        "id": row_id, "shop_id": shop_id, "business_on": day, "nth": 1, "corrects_id": None, **money,
        "body": '{"z_reports":[]}', "notes": None, "at": now, "by_id": None,
    }  # fmt: skip


def listed(till: Till, state: DayState | None = None) -> list[str]:
    with till.shop.reading() as ctx:
        rows = [view.row.id for view in list_days(ctx, DayChoice(state)).rows]
        assert count_days(ctx, DayChoice(state)) == len(rows)
        return rows


def test_a_day_is_found_by_its_state_and_stands_there_once(till: Till) -> None:
    close(till, FLOAT - 100)
    with till.shop.reading() as ctx:
        (waits,) = unsubmitted_days(ctx)
    assert (waits.shop_id, waits.business_on, waits.z_reports) == (till.shop.home.shop_id, DAY, 1)
    first = submit(till)
    with till.shop.reading() as ctx:
        assert unsubmitted_days(ctx) == []
    assert listed(till) == listed(till, DayState.WAITING) == listed(till, DayState.OFF) == [first]
    decide(till, "approve", first)
    assert (listed(till, DayState.WAITING), listed(till, DayState.APPROVED)) == ([], [first])
    decide(till, "lock", first)
    assert (listed(till, DayState.APPROVED), listed(till, DayState.LOCKED)) == ([], [first])
    late_sale(till)
    second = submit(till)
    assert listed(till) == listed(till, DayState.WAITING) == [second]
    assert listed(till, DayState.LOCKED) == []
    decide(till, "reject", second, reason="count it again")
    assert (listed(till, DayState.WAITING), listed(till, DayState.REJECTED)) == ([], [second])


def test_the_list_says_the_same_as_the_fold_whatever_was_decided_unseen(till: Till) -> None:
    """Every order of three decisions in which a lock follows an approval its writer knew of."""
    shop_id, now = till.shop.home.shop_id or "", till.shop.ctx().now
    told = [
        kinds for kinds in product(("review", "approve", "reject", "lock"), repeat=3)
        if all("approve" in kinds[:place] for place, kind in enumerate(kinds) if kind == "lock")
    ]  # fmt: skip
    expected = {}
    with till.shop.home.writing() as session:
        for day, kinds in enumerate(told):
            row_id = act_id("a day", str(day))
            expected[row_id] = STATES[fold_status(kinds)]
            keep(session, DayClosure, [closure_row(row_id, shop_id, date.fromordinal(739_000 + day), now)])
            decisions = [
                {"id": act_id(row_id, str(nth)), "closure_id": row_id, "shop_id": shop_id, "kind": kind,
                 "reason": None, "at": now, "by_id": None, "nth": nth, "feed_no": None}
                for nth, kind in enumerate(kinds)
            ]  # fmt: skip
            keep(session, ClosureDecision, decisions)
    found = {}
    with till.shop.reading() as ctx:
        for state in set(STATES.values()):
            found |= {view.row.id: state for view in list_days(ctx, DayChoice(state), limit=200).rows}
    assert found == expected


def test_a_day_is_told_with_its_z_reports_what_was_expected_and_how_it_was_explained(till: Till) -> None:
    till.sell(pay=[{"method": "card", "amount": 5_000}])
    drawer = close(till, FLOAT - 45_000, wallets=[{"tender": "card", "amount": 4_000}])["drawer_session_id"]
    late_sale(till)
    closure = submit(till)
    form = {"drawer_session_id": drawer, "explanation": "Change given twice"}
    with till.shop.reading() as ctx:
        assert [one.waits for one in whole_day(ctx, closure_view(ctx, closure)).z_reports] == [True, False]
    till.shop.do("cash.accept_difference", form, role=Role.SUPERVISOR)
    with till.shop.reading() as ctx:
        day = whole_day(ctx, closure_view(ctx, closure))
        first, second = day.z_reports
    assert day.expected and (day.expected.cash_minor, day.expected.card_minor) == (5_000, 5_000)
    assert (first.explanation, first.accepted_by) == ("Change given twice", till.shop.supervisor.id)
    assert (first.waits, second.waits, day.others) == (False, False, [])
    again = till.shop.do("closures.update", closure_id=closure, card_amount=5_000, reason="the slip was found")
    with till.shop.reading() as ctx:
        day = whole_day(ctx, closure_view(ctx, again["closure_id"]))
    assert [view.row.id for view in day.others] == [closure]
