"""Points: earned with a sale, used as money, clawed back with the goods. Off until the owner sets a rate."""

from __future__ import annotations

import pytest

from shopnode.domain.accounts.ledger import TooLittle
from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.accounts.rules import points_lost
from shopnode.domain.actions import perform
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Role
from tests.domain.counting import lines
from tests.domain.test_accounts import has
from tests.domain.till import Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    till = open_till(shop)
    for key, value in (("points_per_1000_minor", 2), ("point_worth_minor", 10)):
        shop.do("settings.change", key=key, value=value)
    return till


@pytest.fixture
def nakato(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Nakato Prossy")["id"]
    return made


def test_a_sale_earns_points_by_the_owners_rate(till: Till, nakato: str) -> None:
    till.sell({"product_id": till.charger}, customer_id=nakato)
    assert has(till.shop, nakato) == (0, 0, 70)
    till.sell({"product_id": till.charger})
    assert len(till.shop.rows(AccountEntry)) == 1  # nobody's sale earns nothing


def test_no_rate_no_points_and_no_rows(till: Till, nakato: str) -> None:
    till.shop.do("settings.change", key="points_per_1000_minor", value=0)
    till.sell({"product_id": till.charger}, customer_id=nakato)
    assert till.shop.rows(AccountEntry) == []


def test_points_pay_a_sale_and_are_never_below_zero(till: Till, nakato: str) -> None:
    till.sell({"product_id": till.charger}, customer_id=nakato)
    pay = [{"method": "points", "amount": 695}, {"method": "cash", "amount": 4_305}]
    till.sell(pay=pay, customer_id=nakato)
    assert has(till.shop, nakato) == (0, 0, 70 - 70 + 8)  # a started point is taken whole; points earn no points
    with pytest.raises(TooLittle, match="has 8 of points"):
        till.sell(pay=[{"method": "points", "amount": 90}, {"method": "cash", "amount": 4_910}], customer_id=nakato)


def test_points_pay_nothing_until_they_are_worth_something(till: Till, nakato: str) -> None:
    till.sell({"product_id": till.charger}, customer_id=nakato)
    pay = [{"method": "points", "amount": 500}, {"method": "cash", "amount": 4_500}]
    till.shop.do("settings.change", key="points_spend_min", value=51)
    with pytest.raises(Invalid, match="points are taken from 51 on"):
        till.sell(pay=pay, customer_id=nakato)
    till.shop.do("settings.change", key="point_worth_minor", value=0)
    with pytest.raises(Invalid, match="points cannot be used as money here"):
        till.sell(pay=pay, customer_id=nakato)
    with pytest.raises(Invalid) as refusal:
        till.sell(pay=pay)
    assert set(refusal.value.fields) == {"customer_id"}


def test_rule_59_undoing_a_sale_claws_its_points_back(till: Till, nakato: str) -> None:
    till.sell({"product_id": till.charger}, customer_id=nakato)
    pay = [{"method": "points", "amount": 700}, {"method": "cash", "amount": 4_300}]
    sold = till.sell(pay=pay, customer_id=nakato).result
    assert has(till.shop, nakato) == (0, 0, 8)
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="came back", restock="resell")
    assert has(till.shop, nakato) == (0, 0, 70)  # 8 clawed back, the 70 that were used are here again


def test_rule_59_points_that_were_used_cannot_be_clawed_back(till: Till, nakato: str) -> None:
    first = till.sell({"product_id": till.charger}, customer_id=nakato).result
    till.sell(pay=[{"method": "points", "amount": 500}, {"method": "cash", "amount": 4_500}], customer_id=nakato)
    till.shop.do("sales.void", sale_id=first["sale_id"], reason="came back", restock="resell")
    assert has(till.shop, nakato) == (0, 0, 0)
    assert [row.note for row in till.shop.rows(AccountEntry, kind="clawed_back")] == ["41 were spent already"]


@pytest.mark.parametrize(("back", "taken"), [(0, 0), (1, 1), (17_500, 35), (17_501, 36), (35_000, 70), (99_999, 70)])
def test_rule_59_a_part_that_comes_back_takes_its_share(back: int, taken: int) -> None:
    assert points_lost(70, 0, back, 35_000) == taken
    assert points_lost(70, 60, back, 35_000) == min(taken, 10)


def test_staff_cannot_give_points(till: Till, nakato: str) -> None:
    form = {"customer_id": nakato, "account": "points", "amount": 5, "reason": "for me"}
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(Exception, match="Your role does not allow this"):
            perform(till.shop.ctx(role), "accounts.correct", form)


def _swap(till: Till, sale_id: str, who: str | None, sells: str, pay: list | None = None) -> str:
    line = lines(till, sale_id)[0]
    sale = {"items": [{"product_id": sells}], "payments": pay or [], "customer_id": who}
    asked = [{"sale_line_id": line.id, "restock": "new"}]
    form = {"sale_id": sale_id, "lines": asked, "reason": "another one", "sale": sale}
    done: str = till.shop.do("returns.exchange", form)["sale_id"]
    return done


def _bring_back(till: Till, sale_id: str) -> None:
    asked = [{"sale_line_id": lines(till, sale_id)[0].id, "restock": "new"}]
    till.shop.do("returns.take_back", sale_id=sale_id, lines=asked, reason="not wanted")


@pytest.mark.parametrize("names_the_customer", [True, False])
def test_points_go_on_with_the_goods_through_exchanges_and_come_back_with_them(
    till: Till, nakato: str, names_the_customer: bool
) -> None:
    sale = till.sell({"product_id": till.charger}, customer_id=nakato).result["sale_id"]
    for _ in range(2):
        sale = _swap(till, sale, nakato if names_the_customer else None, till.charger)
        assert has(till.shop, nakato) == (0, 0, 70)
    _bring_back(till, sale)
    assert has(till.shop, nakato) == (0, 0, 0)


def test_of_a_cheaper_thing_only_its_share_of_the_points_stays(till: Till, nakato: str) -> None:
    sale = till.sell({"product_id": till.charger}, customer_id=nakato).result["sale_id"]
    new = _swap(till, sale, nakato, till.glass)
    assert has(till.shop, nakato) == (0, 0, 10)
    _bring_back(till, new)
    assert has(till.shop, nakato) == (0, 0, 0)


def test_an_exchange_earns_no_points_for_what_earned_none(till: Till, nakato: str) -> None:
    sale = till.sell({"product_id": till.glass}).result["sale_id"]
    _swap(till, sale, nakato, till.charger, [{"method": "cash", "amount": 30_000}])
    assert has(till.shop, nakato) == (0, 0, 60)


def test_a_replacement_under_warranty_keeps_its_points_until_it_comes_back(till: Till, nakato: str) -> None:
    till.shop.do("products.update", product_id=till.charger, warranty_days=30)
    sale = till.sell({"product_id": till.charger}, customer_id=nakato).result["sale_id"]
    form = {"sale_line_id": lines(till, sale)[0].id, "outcome": "replace", "reason": "dead", "restock": "new"}
    new = till.shop.do("returns.claim_warranty", form)["sale_id"]
    assert has(till.shop, nakato) == (0, 0, 70)
    _bring_back(till, new)
    assert has(till.shop, nakato) == (0, 0, 0)


@pytest.mark.parametrize("way", ["return", "void"])
def test_points_of_a_merged_customer_are_never_below_zero(till: Till, nakato: str, way: str) -> None:
    twice = till.shop.do("customers.create", name="Nakato P.")["id"]
    sale = till.sell({"product_id": till.charger}, customer_id=twice).result["sale_id"]
    till.shop.do("customers.merge", duplicate_id=twice, into_id=nakato)
    pay = [{"method": "points", "amount": 500}, {"method": "cash", "amount": 4_500}]
    till.sell(pay=pay, customer_id=nakato)  # 50 of the 70 are spent, and 9 earned
    if way == "return":
        _bring_back(till, sale)
    else:
        till.shop.do("sales.void", sale_id=sale, reason="wrong", restock="resell")
    assert has(till.shop, nakato) == (0, 0, 0)
