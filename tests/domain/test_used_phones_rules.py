"""The law of buying from people, and the page that tells it: each row of its tables is a case."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.permissions import Role
from shopnode.domain.usedphones.rules import (
    TableLine,
    hold_end,
    identity_note,
    margin_vat,
    months_later,
    network_lock,
    offer_objection,
    plain_id_number,
    plain_storage,
    read_grade,
    split_offer,
    unseen,
    valued_at,
)

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "valuation.md"
NOW = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
AMOUNT = st.integers(0, 10**12)


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def number(cell: str) -> int | None:
    return None if cell == "none" else int(cell)


@pytest.mark.parametrize(("says", "storage", "grade", "value"), table("The table"))
def test_rule_16_the_line_of_the_own_storage_counts_before_the_one_for_any(
    says: str, storage: str, grade: str, value: str
) -> None:
    read = re.findall(r"(\w[+-]?) (\w+) = (\d+)", says)
    lines = [TableLine(None if kept == "any" else kept, of, int(offer)) for of, kept, offer in read]
    assert lines and valued_at(lines, storage or None, grade) == number(value)


@pytest.mark.parametrize(("role", "valued", "offer", "second"), table("Who may offer what"))
def test_rule_16_an_offer_above_the_table_needs_a_second_person(
    role: str, valued: str, offer: str, second: str
) -> None:
    assert (offer_objection(Role(role), int(offer), number(valued)) is not None) is (second == "yes")


@pytest.mark.parametrize(("offer", "ticket", "pays", "due", "out"), table("A trade-in"))
def test_rule_18_the_net_of_a_trade_in(offer: str, ticket: str, pays: str, due: str, out: str) -> None:
    used, rest = split_offer(int(offer), int(ticket))
    assert (used, int(ticket) - used, rest) == (int(pays), int(due), int(out))


@pytest.mark.parametrize(("price", "paid", "rate", "vat"), table("VAT on a margin"))
def test_rule_21_vat_inside_a_margin(price: str, paid: str, rate: str, vat: str) -> None:
    assert margin_vat(int(price), int(paid), int(rate)) == int(vat)


@given(AMOUNT, AMOUNT)
def test_rule_18_nothing_of_an_offer_is_lost(offer: int, total: int) -> None:
    used, rest = split_offer(offer, total)
    assert used + rest == offer and 0 <= used <= total and rest >= 0
    assert rest == 0 or used == total  # money leaves the drawer only when the ticket is paid whole


@given(AMOUNT, AMOUNT)
def test_rule_16_the_owner_alone_is_never_asked(offer: int, valued: int) -> None:
    assert offer_objection(Role.OWNER, offer, valued) is None
    assert (offer_objection(Role.STAFF, offer, valued) is None) is (offer <= valued)


@pytest.mark.parametrize(("typed", "kept"), [("a+", "A+"), (" b ", "B"), ("F-", "F-")])
def test_a_grade_is_a_letter(typed: str, kept: str) -> None:
    assert read_grade(typed) == kept


@pytest.mark.parametrize("typed", ["", "G", "A++", "AB", "good", "+"])
def test_what_is_no_grade_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="a letter from A to F"):
        read_grade(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("128 gb", "128GB"), ("128", "128GB"), ("8/256", "8/256GB"), ("1TB", "1TB"), ("", None), (None, None)],
)
def test_a_storage_is_compared_however_it_is_written(typed: str | None, kept: str | None) -> None:
    assert plain_storage(typed) == kept


def test_rule_15_what_was_not_seen_is_named_field_by_field() -> None:
    assert unseen(locks_removed=True, was_reset=True, states_ownership=True) == {}
    wrong = unseen(locks_removed=False, was_reset=False, states_ownership=False)
    assert set(wrong) == {"locks_removed", "was_reset", "states_ownership"}
    assert "Google and iCloud" in wrong["locks_removed"]


@pytest.mark.parametrize(("typed", "kept"), [("none", None), ("None ", None), ("MTN", "MTN"), ("unlocked", None)])
def test_rule_15_the_network_lock_is_noted(typed: str, kept: str | None) -> None:
    assert network_lock(typed) == kept


def test_rule_19_a_phone_is_held_for_whole_days() -> None:
    assert hold_end(NOW, 7) == NOW + timedelta(days=7)
    assert hold_end(NOW, 0) is None


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 9, 21), 60, (2031, 9, 21)), ((2026, 1, 31), 1, (2026, 2, 28)), ((2027, 12, 31), 2, (2028, 2, 29)),
        ((2026, 12, 1), 1, (2027, 1, 1)),
    ],
)  # fmt: skip
def test_rule_13_identities_are_kept_for_whole_months(
    start: tuple[int, int, int], months: int, end: tuple[int, int, int]
) -> None:
    assert months_later(datetime(*start, 10, tzinfo=UTC), months) == datetime(*end, 10, tzinfo=UTC)


def test_an_odd_national_id_number_is_noted_and_not_refused() -> None:
    assert plain_id_number("cf 9203-4105 qx7k") == "CF92034105QX7K"
    assert identity_note("national_id", "CF92034105QX7K") is None
    assert "NIN" in str(identity_note("national_id", "B1234567"))
    assert identity_note("passport", "B1234567") is None
