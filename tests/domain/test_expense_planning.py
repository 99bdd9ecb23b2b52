"""Budgets and expenses that come again: what an owner plans, at the shop or in the portal."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.expenses.models import Expense, ExpenseBudget, ExpenseStatus, RecurringExpense
from shopnode.domain.expenses.planning import due_now
from shopnode.domain.expenses.queries import expense_view, recurring
from shopnode.domain.expenses.rules import BudgetUse, days_due, fold_status, month_of
from shopnode.domain.people.models import Shop as ShopRow
from tests.shop import Shop

DAY_MS = 86_400_000
RENT = {
    "category": "Rent", "description": "The shop on Kampala Road", "amount": 900_000, "payment_method": "bank",
    "day_of_month": 25, "starts_on": "2026-09-01",
}  # fmt: skip
NOBODY = "0190a000-0000-7000-8000-000000000001"


def due(shop: Shop) -> list[date]:
    with shop.reading() as ctx:
        return [day for _, day in due_now(ctx)]


def test_what_comes_again_is_asked_for_once_a_month_and_is_agreed(shop: Shop) -> None:
    shop.do("expenses.add_recurring", RENT)
    assert due(shop) == []
    shop.clock.advance(4 * DAY_MS)
    assert due(shop) == [date(2026, 9, 25)]
    assert shop.do("expenses.raise_recurring") == {"numbers": ["KLA1-E000001"]}
    assert (due(shop), shop.do("expenses.raise_recurring")) == ([], {"numbers": []})
    (made,) = shop.rows(Expense)
    assert (made.amount_minor, made.method, made.expense_on, made.created_by) == (
        900_000, "bank", date(2026, 9, 25), None,
    )  # fmt: skip
    with shop.reading() as ctx:
        assert expense_view(ctx, made.id).status is ExpenseStatus.APPROVED


def test_a_month_in_which_the_shop_was_shut_is_made_up_for(shop: Shop) -> None:
    shop.do("expenses.add_recurring", RENT)
    shop.clock.advance(36 * DAY_MS)
    assert due(shop) == [date(2026, 9, 25), date(2026, 10, 25)]
    shop.do("expenses.raise_recurring")
    assert due(shop) == []


def test_what_was_withdrawn_in_its_month_does_not_come_back_by_itself(shop: Shop) -> None:
    shop.do("expenses.add_recurring", RENT)
    shop.clock.advance(4 * DAY_MS)
    shop.do("expenses.raise_recurring")
    (made,) = shop.rows(Expense)
    shop.do("expenses.remove", expense_id=made.id)
    assert due(shop) == []


def test_what_was_ended_or_changed_holds_from_the_next_time_on(shop: Shop) -> None:
    rent = shop.do("expenses.add_recurring", RENT)["recurring_id"]
    guard = shop.do("expenses.add_recurring", {**RENT, "category": "Guard"})["recurring_id"]
    shop.do("expenses.change_recurring", recurring_id=rent, amount=950_000, day_of_month=24, payment_method="cash")
    shop.do("expenses.end_recurring", recurring_id=guard)
    with pytest.raises(Invalid, match="has ended"):
        shop.do("expenses.change_recurring", recurring_id=guard, amount=1)
    with pytest.raises(Invalid, match="is needed"):
        shop.do("expenses.change_recurring", recurring_id=rent, amount=None)
    shop.clock.advance(4 * DAY_MS)
    shop.do("expenses.raise_recurring")
    (made,) = shop.rows(Expense)
    assert (made.amount_minor, made.method, made.expense_on) == (950_000, "cash", date(2026, 9, 24))


def test_budgets_and_recurring_expenses_are_planned_at_either_home(anywhere: Shop) -> None:
    shop = anywhere
    (place,) = shop.rows(ShopRow)
    for amount in (1_000_000, 800_000):
        shop.do("expenses.set_budget", category="Rent", month_amount=amount)
    shop.do("expenses.set_budget", category="rent", shop_id=place.id, month_amount=0)
    assert sorted((row.only_shop_id or "", row.month_minor) for row in shop.rows(ExpenseBudget)) == [
        ("", 800_000), (place.id, 0),
    ]  # fmt: skip
    shop.do("expenses.add_recurring", RENT)
    with shop.reading() as ctx:
        assert [row.only_shop_id for row in recurring(ctx)] == [place.id]
    for wrong in ({"shop_id": NOBODY}, {"shop_id": NOBODY, "category": "Rent"}):
        with pytest.raises(NotFound):
            shop.do("expenses.add_recurring", {**RENT, **wrong})
    with pytest.raises(Invalid):
        shop.do("expenses.add_recurring", {**RENT, "day_of_month": 29})
    assert len(shop.rows(RecurringExpense)) == 1


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 1, 9), [date(2025, 12, 10)]),
        (date(2026, 1, 10), [date(2025, 12, 10), date(2026, 1, 10)]),
        (date(2025, 12, 10), [date(2025, 12, 10)]),
        (date(2025, 12, 9), []),
    ],
)
def test_days_come_due_in_their_month_and_never_before_the_start(today: date, expected: list[date]) -> None:
    assert days_due(10, date(2025, 12, 1), today) == expected


def test_every_day_lies_in_its_month() -> None:
    day = date(2027, 12, 1)
    for _ in range(800):
        first, last = month_of(day)
        assert (first.day, first <= day <= last, (last + timedelta(days=1)).day) == (1, True, 1)
        day += timedelta(days=1)
    assert month_of(date.max) == (date(9999, 12, 1), date.max)


def test_paid_stays_paid_whatever_is_decided_later() -> None:
    assert fold_status(["approve", "reject"], is_paid=True, is_withdrawn=False) is ExpenseStatus.PAID
    assert fold_status(["approve", "reject"], is_paid=False, is_withdrawn=False) is ExpenseStatus.REJECTED
    assert fold_status(["approve"], is_paid=False, is_withdrawn=True) is ExpenseStatus.WITHDRAWN


def test_a_budget_speaks_up_when_little_is_left() -> None:
    month = date(2026, 9, 1)
    assert BudgetUse("Rent", None, 1_000, 799).warning(month, 8_000) is None
    assert BudgetUse("Rent", None, 1_000, 800).warning(month, 8_000) == (
        "Rent: 200 are left of the budget of 1,000 for September 2026."
    )
    assert BudgetUse("Rent", None, 0, 1).warning(month, 8_000) == ("Rent: 1 above the budget of 0 for September 2026.")
