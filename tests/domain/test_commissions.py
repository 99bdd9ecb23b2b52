"""Commissions: which rule holds, what it earns, and that everything that comes back takes the same away again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.commissions.earned import earnings
from shopnode.domain.commissions.models import CommissionRule, StaffEntry
from shopnode.domain.commissions.performance import performance
from shopnode.domain.commissions.queries import commissions_of, entries_of, owed_by
from shopnode.domain.commissions.rules import Terms, earned_by, taken_back, terms_for
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleLine
from tests.domain.till import Till, open_till
from tests.shop import Shop

MONDAY = date(2026, 9, 21)
SUNDAY = MONDAY + timedelta(days=6)
DAY_MS = 24 * 3_600_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def rule(shop: Shop, **terms: Any) -> str:
    made: str = shop.do("commissions.add_rule", {"rate_bp": 0, **terms})["id"]
    return made


def earned(shop: Shop, since: date = MONDAY, until: date = SUNDAY) -> dict[str, int]:
    with shop.reading() as ctx:
        return {row.name: row.earned_minor + row.taken_back_minor for row in commissions_of(ctx, since, until)}


def test_a_sale_earns_for_who_sold_it_without_vat_and_after_discounts(till: Till) -> None:
    shop = till.shop
    (place,) = [shop.home.shop_id]
    shop.do("shops.update", shop_id=place, vat_rate_bp=1_800)
    rule(shop, rate_bp=1_000)
    till.sell({"product_id": till.charger, "discount_amount": 1_600})  # 33,400 − 5,095 VAT = 28,305
    with shop.reading() as ctx:
        (one,) = earnings(ctx, MONDAY, SUNDAY)
    assert (one.staff_id, one.day, one.kind, one.net_minor, one.amount_minor) == (
        shop.cashier.id, MONDAY, "sale", 28_305, 2_831
    )  # fmt: skip


def test_rule_35_each_line_earns_for_its_own_seller(till: Till) -> None:
    rule(till.shop, rate_bp=1_000)
    till.sell({"product_id": till.glass}, {"product_id": till.charger, "seller_id": till.shop.supervisor.id})
    assert earned(till.shop) == {"Aisha": 500, "Brian": 3_500}


def test_the_most_particular_rule_holds_alone(till: Till) -> None:
    shop = till.shop
    rule(shop, rate_bp=100)
    rule(shop, rate_bp=200, category="accessories")
    till.sell({"product_id": till.glass})
    assert earned(shop) == {"Aisha": 100}
    rule(shop, per_piece_minor=700, staff_id=shop.cashier.id)
    assert earned(shop) == {"Aisha": 700}
    assert terms_for([], "Phones", "x", MONDAY) is None


def test_rule_59_what_comes_back_takes_the_commission_back(till: Till) -> None:
    shop = till.shop
    rule(shop, rate_bp=333)
    sold = till.sell({"product_id": till.glass, "quantity": 3}).result  # 15,000: 500
    (line,) = shop.rows(SaleLine, sale_id=sold["sale_id"])
    assert earned(shop) == {"Aisha": 500}
    shop.clock.advance(2 * DAY_MS)
    for left in (334, 167, 0):
        _take_back(shop, sold["sale_id"], line.id)
        assert earned(shop) == {"Aisha": left}
    assert earned(shop, MONDAY, MONDAY) == {"Aisha": 500}  # it was taken back on the day it came back
    assert earned(shop, MONDAY + timedelta(days=2), SUNDAY) == {"Aisha": -500}


@pytest.mark.parametrize("undo", ["sales.void", "sales.reverse"])
def test_rule_59_an_undone_sale_takes_its_commission_back(till: Till, undo: str) -> None:
    shop = till.shop
    rule(shop, rate_bp=1_000)
    sold = till.sell({"product_id": till.glass, "quantity": 3}).result
    shop.clock.advance(DAY_MS)
    shop.do(undo, sale_id=sold["sale_id"], reason="a mistake", restock="resell")
    assert earned(shop) == {"Aisha": 0}
    assert earned(shop, MONDAY + timedelta(days=1)) == {"Aisha": -1_500}


@given(st.integers(0, 10**9), st.lists(st.integers(1, 20), min_size=1, max_size=10))
def test_rule_59_all_pieces_together_take_back_exactly_what_was_earned(whole: int, parts: list[int]) -> None:
    quantity, before, back = sum(parts), 0, 0
    for part in parts:
        piece = taken_back(whole, quantity, before, part)
        assert piece >= 0
        before, back = before + part, back + piece
    assert back == whole


def test_what_was_earned_stays_when_the_rule_changes(till: Till) -> None:
    shop = till.shop
    first = rule(shop, rate_bp=1_000)
    till.sell({"product_id": till.glass})
    with pytest.raises(Invalid):
        rule(shop, rate_bp=2_000, starts_on=(MONDAY - timedelta(days=1)).isoformat())
    with pytest.raises(Invalid):
        shop.do("commissions.end_rule", rule_id=first, ends_on=MONDAY.isoformat())
    rule(shop, rate_bp=2_000, starts_on=(MONDAY + timedelta(days=1)).isoformat())
    assert shop.row(CommissionRule, first).ends_on == MONDAY + timedelta(days=1)
    assert earned(shop) == {"Aisha": 500}
    with pytest.raises(Conflict):  # one about the same begins tomorrow
        rule(shop, rate_bp=3_000)


def test_an_ended_rule_earns_nothing_from_that_day_on() -> None:
    terms = Terms("1", None, None, False, 100, 0, MONDAY, SUNDAY)
    assert [terms.holds(day) for day in (MONDAY - timedelta(days=1), MONDAY, SUNDAY)] == [False, True, False]
    assert earned_by(terms, 10_050, 1) == 101  # halves up
    assert earned_by(terms, -5, 1) == 0


def test_a_rule_about_labour_is_for_repairs_alone(till: Till) -> None:
    rule(till.shop, rate_bp=1_000, of_repairs=True)
    till.sell({"product_id": till.glass})
    assert earned(till.shop) == {}
    with pytest.raises(Invalid):
        rule(till.shop, rate_bp=1_000, of_repairs=True, category="Phones")
    with pytest.raises(Invalid):
        rule(till.shop)


@pytest.mark.parametrize("role", [Role.STAFF, Role.SUPERVISOR])
def test_only_owners_make_rules(anywhere: Shop, role: Role) -> None:
    with pytest.raises(NotPermitted):
        anywhere.do("commissions.add_rule", rate_bp=1_000, role=role)
    anywhere.do("commissions.add_rule", rate_bp=1_000)
    with anywhere.reading() as ctx:
        assert commissions_of(ctx, MONDAY, SUNDAY) == [] and performance(ctx, MONDAY, SUNDAY) == []


def test_staff_see_their_own_commission_alone(till: Till) -> None:
    shop = till.shop
    rule(shop, rate_bp=1_000)
    till.sell({"product_id": till.glass}, role=Role.SUPERVISOR)
    with shop.reading(Role.STAFF) as ctx:
        assert commissions_of(ctx, MONDAY, SUNDAY) == []
    with shop.reading(Role.SUPERVISOR) as ctx:
        assert [row.name for row in commissions_of(ctx, MONDAY, SUNDAY)] == ["Brian"]


def test_a_paid_commission_leaves_the_drawer_and_is_no_longer_due(till: Till) -> None:
    shop = till.shop
    rule(shop, rate_bp=1_000)
    till.sell({"product_id": till.charger})
    pay = {"staff_id": shop.cashier.id, "kind": "commission_paid", "amount": 3_000, "method": "cash"}
    shop.do("staff.book", pay)
    (move,) = shop.rows(MoneyMove)
    assert (move.kind, move.amount_minor, move.about_id) == ("staff", -3_000, shop.cashier.id)
    with shop.reading() as ctx:
        (row,) = commissions_of(ctx, MONDAY, SUNDAY)
        assert (row.earned_minor, row.paid_minor, row.due_minor) == (3_500, 3_000, 500)
        assert owed_by(ctx.session, shop.cashier.id or "") == 0


def test_an_advance_is_owed_until_it_is_paid_back_kept_or_forgiven(till: Till) -> None:
    shop = till.shop

    def book(kind: str, amount: int, **more: Any) -> None:
        shop.do("staff.book", {"staff_id": shop.cashier.id, "kind": kind, "amount": amount, **more})

    book("advance", 30_000, method="cash")
    for kind, amount, more in (("repaid", 10_000, {"method": "cash"}), ("kept_from_pay", 15_000, {})):
        book(kind, amount, **more)
    with pytest.raises(Invalid, match="more than Aisha owes, 5,000"):
        book("forgiven", 5_001)
    with pytest.raises(Invalid):
        book("forgiven", 5_000, method="cash")
    book("forgiven", 5_000)
    with pytest.raises(Invalid):
        book("advance", 1_000)  # how?
    with shop.reading() as ctx:
        assert owed_by(ctx.session, shop.cashier.id or "") == 0
        kinds = {row.kind for row in entries_of(ctx.session, shop.cashier.id or "").rows}
    assert kinds == {"advance", "repaid", "kept_from_pay", "forgiven"}
    assert sum(move.amount_minor for move in shop.rows(MoneyMove)) == -20_000


def test_rule_89_nobody_pays_themselves(till: Till) -> None:
    shop = till.shop
    form = {"kind": "advance", "amount": 1_000, "method": "cash"}
    with pytest.raises(NotPermitted):
        shop.do("staff.book", {**form, "staff_id": shop.cashier.id}, role=Role.STAFF)
    with pytest.raises(ApprovalNeeded):
        shop.do("staff.book", {**form, "staff_id": shop.cashier.id}, role=Role.SUPERVISOR)
    with pytest.raises(ApprovalNeeded):
        shop.do("staff.book", {**form, "staff_id": shop.owner.id})
    with pytest.raises(NotPermitted):
        shop.do("staff.book", {**form, "staff_id": shop.owner.id}, approval=shop.approval_by(Role.OWNER))
    shop.do(
        "staff.book", {**form, "staff_id": shop.supervisor.id}, role=Role.SUPERVISOR,
        approval=shop.approval_by(Role.OWNER),
    )  # fmt: skip
    assert len(shop.rows(StaffEntry)) == 1


def test_performance_counts_what_stood_what_came_back_and_what_was_undone(till: Till) -> None:
    shop = till.shop
    sold = till.sell({"product_id": till.glass, "quantity": 3}).result
    till.sell({"product_id": till.charger, "discount_amount": 1_000})
    wrong = till.sell({"product_id": till.glass}).result
    shop.do("sales.void", sale_id=wrong["sale_id"], reason="a mistake", restock="resell")
    (line,) = shop.rows(SaleLine, sale_id=sold["sale_id"])
    _take_back(shop, sold["sale_id"], line.id)
    with shop.reading() as ctx:
        (one,) = performance(ctx, MONDAY, SUNDAY)
    assert (one.name, one.sales, one.items, one.sold, one.average) == ("Aisha", 2, 4, 49_000, 24_500)
    assert (one.discounts, one.returned, one.undone) == (1_000, 5_000, 1)
    assert one.margin == 49_000 - 3 * 1_500 - 22_000
    with shop.reading(Role.SUPERVISOR) as ctx:
        assert performance(ctx, MONDAY, SUNDAY)[0].margin is None


def _take_back(shop: Shop, sale_id: str, line_id: str) -> None:
    """One piece comes back as new."""
    lines = [{"sale_line_id": line_id, "quantity": 1, "restock": "new"}]
    shop.do("returns.take_back", {"sale_id": sale_id, "lines": lines, "reason": "not wanted"})
