"""The law of accounts and plans, and the pages in docs/rules that tell it: each row of their tables is a case."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shopnode.domain.accounts.rules import (
    OpenCharge,
    age,
    allocate,
    credit_objection,
    less_prepaid,
    points_for,
    points_lost,
    points_to_spend,
)
from shopnode.domain.plans.rules import forfeited, instalments, least_deposit
from tests.domain.test_rules_pages import rows

TODAY = date(2026, 9, 21)
CHARGES = [OpenCharge("a", 100, TODAY), OpenCharge("b", 50, TODAY), OpenCharge("c", 70, TODAY)]


@pytest.mark.parametrize(("limit", "owes", "more", "asked"), rows("credit.md"))
def test_rule_44_the_page_on_credit(limit: str, owes: str, more: str, asked: str) -> None:
    words = credit_objection("Nakato", None if limit == "none" else int(limit), int(owes), int(more))
    assert (words is not None) is (asked == "yes")


@pytest.mark.parametrize(("back", "taken"), rows("loyalty.md"))
def test_rule_59_the_page_on_points(back: str, taken: str) -> None:
    assert points_lost(points_for(35_000, 2), 0, int(back), 35_000) == int(taken)


@pytest.mark.parametrize(("left", "parts", "amounts", "last"), [row for row in rows("plans.md") if row[0].isdigit()])
def test_rule_45_the_page_on_plans(left: str, parts: str, amounts: str, last: str) -> None:
    made = instalments(int(left), int(parts), TODAY + timedelta(days=30), 30)
    assert [amount for _, amount in made] == [int(amount) for amount in amounts.split()]
    assert made[-1][0].isoformat() == last


@pytest.mark.parametrize(
    ("amount", "parts", "rest"),
    [
        (0, [], 0),
        (100, [("a", 100)], 0),
        (120, [("a", 100), ("b", 20)], 0),
        (220, [("a", 100), ("b", 50), ("c", 70)], 0),
        (221, [("a", 100), ("b", 50), ("c", 70)], 1),
    ],
)
def test_a_payment_goes_to_charges_in_their_order(amount: int, parts: list[tuple[str, int]], rest: int) -> None:
    assert allocate(amount, CHARGES) == (parts, rest)


@pytest.mark.parametrize(
    ("days", "box"),
    [(-1, "not_due"), (0, "days_30"), (30, "days_30"), (31, "days_60"), (60, "days_60"), (61, "days_90"),
     (90, "days_90"), (91, "older")],
)  # fmt: skip
def test_a_debt_is_as_old_as_the_days_since_it_was_due(days: int, box: str) -> None:
    found = age([OpenCharge("a", 7, TODAY - timedelta(days=days))], TODAY)
    assert getattr(found, f"{box}_minor") == found.total_minor == 7
    assert found.overdue_minor == (0 if days < 0 else 7)


def test_what_was_paid_twice_counts_against_the_oldest() -> None:
    assert [(charge.id, charge.open_minor) for charge in less_prepaid(CHARGES, 90)] == [("b", 20), ("c", 70)]
    assert less_prepaid(CHARGES, 220) == CHARGES
    assert less_prepaid(CHARGES, -5) == []


def test_points_are_taken_whole_and_pay_nothing_without_a_worth() -> None:
    assert [points_to_spend(amount, 10) for amount in (1, 10, 11)] == [1, 1, 2]
    with pytest.raises(ValueError, match="cannot be used"):
        points_to_spend(10, 0)
    with pytest.raises(ValueError, match="negative"):
        points_for(-1, 1)


def test_a_deposit_and_what_is_kept_are_shares_of_the_price() -> None:
    assert (least_deposit(640_000, 2_000), forfeited(128_000, 1_000), forfeited(1, 5_000)) == (128_000, 12_800, 1)
    with pytest.raises(ValueError, match="less to pay"):
        instalments(2, 3, TODAY, 30)
