"""The law of a ticket, as pure functions: worked tables from docs/rules, and what must hold for any ticket."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.money import format_minor, spread, vat_inside
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import DecisionKind, SaleStatus, Tender
from shopnode.domain.sales.rules import (
    Handed,
    LineSum,
    NotSettled,
    PriceCheck,
    fold_status,
    in_feed_order,
    normal_reference,
    price_objection,
    settle,
    tender_named,
    ticket_totals,
)

RULES = Path(__file__).parents[2] / "docs" / "rules"
LIMITS = {"discount_limit_staff_bp": 500, "discount_limit_supervisor_bp": 1500, "custom_line_limit_minor": 200_000}


def table(name: str) -> list[list[str]]:
    """The last table of a rules page, without its head."""
    lines = [line for line in (RULES / name).read_text().splitlines() if line.startswith("|")]
    tables = "\n".join(lines).split("|---")
    rows = tables[-1].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


@pytest.mark.parametrize(("gross", "rate", "inside"), table("vat.md"))
def test_vat_inside_a_price_is_as_the_worked_table_says(gross, rate, inside):
    assert vat_inside(int(gross), int(rate)) == int(inside)


@pytest.mark.parametrize(("role", "floor", "price", "second"), table("discounts.md"))
def test_who_may_give_which_price_is_as_the_worked_table_says(role, floor, price, second):
    line = PriceCheck("Glass", 1, int(price), list_minor=5000, floor_minor=int(floor), cost_minor=3000)
    assert (price_objection(Role(role), line, LIMITS) is not None) == (second == "yes")


def test_a_custom_line_above_its_limit_needs_a_second_person():
    line = PriceCheck("Old radio", 1, 200_001, 200_001, 0, 0, is_custom=True)
    assert price_objection(Role.SUPERVISOR, line, LIMITS)
    assert price_objection(Role.OWNER, line, LIMITS) is None


@pytest.mark.parametrize("gross", [-1, -5000])
def test_vat_is_never_taken_out_of_a_negative_price(gross):
    with pytest.raises(ValueError, match="negative"):
        vat_inside(gross, 1800)


amounts = st.integers(0, 10**9)
lines = st.lists(
    st.builds(
        LineSum,
        st.integers(1, 50),
        amounts,
        st.just(0),
        st.sampled_from([0, 600, 1800]),
        st.just(0),
        st.none() | amounts,
    ),
    min_size=1,
    max_size=20,
)


@given(lines, st.integers(0, 100))
def test_a_ticket_adds_up(ticket, percent):
    gross = sum(line.quantity * line.unit_price_minor for line in ticket)
    discount = gross * percent // 100
    totals = ticket_totals(ticket, discount)
    assert totals.gross_minor - totals.discount_minor == totals.total_minor
    assert totals.total_minor == gross - discount
    assert 0 <= totals.tax_minor <= totals.total_minor


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_a_spread_discount_loses_no_shilling(total, weights):
    parts = spread(total, weights)
    assert sum(parts) == total
    assert len(parts) == len(weights)
    assert all(part >= 0 for part in parts)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=30), st.integers(0, 100))
def test_no_line_gives_more_than_its_own_net(nets, percent):
    shares = spread(sum(nets) * percent // 100, nets)
    assert all(share <= net for share, net in zip(shares, nets, strict=True))


def test_a_discount_larger_than_the_ticket_is_refused():
    with pytest.raises(ValueError, match="larger than the ticket"):
        ticket_totals([LineSum(1, 5000, 0, 0)], 5001)
    with pytest.raises(ValueError, match="larger than the line"):
        ticket_totals([LineSum(1, 5000, 5001, 0)], 0)


tenders = st.lists(
    st.builds(Handed, st.sampled_from(list(Tender)), st.integers(1, 10**7), st.none()), min_size=1, max_size=6
)


@given(tenders, st.integers(1, 10**7))
def test_what_is_booked_is_what_is_due_and_change_comes_from_cash_alone(handed, total):
    try:
        booked = settle(total, handed)
    except NotSettled:
        exact = sum(tender.amount_minor for tender in handed if tender.method is not Tender.CASH)
        assert exact > total or sum(tender.amount_minor for tender in handed) < total
        return
    assert sum(tender.amount_minor for tender in booked) == total
    assert all(not tender.change_minor for tender in booked if tender.method is not Tender.CASH)
    given_minor = sum(tender.amount_minor for tender in handed)
    assert given_minor - sum(tender.change_minor or 0 for tender in booked) == total


def test_mobile_money_gives_no_change():
    with pytest.raises(NotSettled, match="Only cash gives change"):
        settle(5_000, [Handed(Tender.MTN_MOMO, 6_000, "ABC")])


def test_what_is_still_due_is_named():
    with pytest.raises(NotSettled, match="1,000 is still to be paid"):
        settle(5_000, [Handed(Tender.CASH, 4_000, None)])


@pytest.mark.parametrize(
    ("text", "tender"),
    [
        ("cash", Tender.CASH),
        ("Cash", Tender.CASH),
        ("MTN MoMo", Tender.MTN_MOMO),
        ("mtn", Tender.MTN_MOMO),
        ("Airtel Money", Tender.AIRTEL_MONEY),
        ("bank transfer", Tender.BANK),
        ("Card", Tender.CARD),
    ],
)
def test_tenders_are_known_by_the_names_people_use(text, tender):
    assert tender_named(text) is tender


def test_a_transaction_id_is_one_however_it_is_typed():
    assert normal_reference(" mp210603.1234 l06941") == "MP210603.1234L06941"
    assert normal_reference("MP210603.1234-L06941") == "MP210603.1234L06941"
    assert normal_reference("  ") is None


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([], SaleStatus.SUBMITTED),
        ([DecisionKind.APPROVE], SaleStatus.APPROVED),
        ([DecisionKind.APPROVE, DecisionKind.LOCK], SaleStatus.LOCKED),
        ([DecisionKind.LOCK, DecisionKind.UNLOCK], SaleStatus.APPROVED),
        ([DecisionKind.REJECT, DecisionKind.APPROVE], SaleStatus.APPROVED),
        ([DecisionKind.VOID, DecisionKind.APPROVE], SaleStatus.VOIDED),
        ([DecisionKind.LOCK, DecisionKind.REVERSE, DecisionKind.UNLOCK], SaleStatus.REVERSED),
    ],
)
def test_decisions_fold_to_what_holds_now(kinds, status):
    assert fold_status(kind.value for kind in kinds) is status


def test_decisions_hold_in_feed_order_and_unsent_ones_come_last():
    places = [("d", None, 2, 1), ("c", None, 1, 1), ("b", 9, 1, 2), ("a", 4, 3, 7)]
    rows = [SimpleNamespace(id=i, feed_no=no, nth=nth, at=at) for i, no, nth, at in places]
    assert [row.id for row in in_feed_order(rows)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1_500_000, "UGX", "1,500,000"), (-5, "UGX", "−5"), (150, "USD", "1.50"), (1234, "TND", "1.234"), (0, "UGX", "0")],
)
def test_money_is_written_with_its_own_decimals(amount, currency, text):
    assert format_minor(amount, currency) == text


def test_rule_21_vat_on_a_margin_goes_into_the_sum_of_its_rate_and_a_loss_lowers_no_other_lines_tax():
    plain, used = LineSum(1, 118_000, 0, 1800), LineSum(1, 520_000, 2_000, 1800, 385_000, 300_000)
    assert ticket_totals([plain], 0).tax_minor == 18_000
    assert ticket_totals([plain, used], 0).tax_minor == vat_inside(118_000 + 218_000, 1800)
    assert ticket_totals([plain, used._replace(unit_price_minor=250_000)], 0).tax_minor == 18_000
    # The ticket's discount is taken off in proportion before the margin is.
    assert ticket_totals([used._replace(discount_minor=0)], 20_000).tax_minor == vat_inside(200_000, 1800)
