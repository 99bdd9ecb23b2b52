"""Dollars in cash, at the rate that was set; change in the shop's own notes; counted apart (rule 49)."""

from __future__ import annotations

import pytest

from shopnode.domain.cash.models import ForeignCash
from shopnode.domain.errors import Invalid
from shopnode.domain.sales.errors import PaidOtherwise
from shopnode.domain.sales.models import Payment
from tests.domain.counting import figures, summary
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop

RATE = 3_700


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    shop.do("settings.change", key="usd_rate_minor", value=RATE)
    return made


def dollars(cents: int, **more) -> dict:
    return {"method": "cash", "amount": cents * RATE // 100, "currency": "USD", "foreign_amount": cents, **more}


def test_rule_49_dollars_count_at_the_set_rate_and_change_is_in_shillings(till):
    done = till.sell({"product_id": till.charger}, pay=[dollars(10_00)])  # 37,000 for 35,000

    assert done.result["change"] == 2_000
    (row,) = till.shop.rows(Payment)
    (notes,) = till.shop.rows(ForeignCash)
    assert (row.amount_minor, row.tendered_minor, row.change_minor) == (35_000, 37_000, 2_000)
    assert (notes.currency, notes.amount_minor, notes.rate_minor, notes.worth_minor) == ("USD", 10_00, RATE, 37_000)
    assert (notes.payment_id, notes.drawer_session_id) == (row.id, row.drawer_session_id)
    assert summary(till, done.result["sale_id"]).paid_minor == 35_000


def test_rule_49_the_drawer_counts_its_own_notes_and_the_others_apart(till):
    till.sell({"product_id": till.charger}, pay=[dollars(10_00)])
    till.sell()
    told = figures(till)
    assert told.expected_minor == FLOAT - 2_000 + 5_000
    assert told.foreign == {"USD": 10_00}
    closed = till.shop.do("cash.close_drawer", counted=FLOAT + 3_000)
    assert closed["difference"] == 0


def test_dollars_and_shillings_pay_one_ticket(till):
    pay = [dollars(5_00), {"method": "cash", "amount": 20_000}]
    assert till.sell({"product_id": till.charger}, pay=pay).result["change"] == 3_500
    assert figures(till).expected_minor == FLOAT + 20_000 - 3_500


@pytest.mark.parametrize(
    ("pay", "words"),
    [
        ({"method": "cash", "amount": 37_000, "currency": "EUR", "foreign_amount": 10_00}, "must be USD"),
        ({"method": "cash", "amount": 37_000, "currency": "USD"}, "must be USD"),
        ({"method": "card", "amount": 37_000, "currency": "USD", "foreign_amount": 10_00}, "cash alone"),
        ({"method": "cash", "amount": 38_000, "currency": "USD", "foreign_amount": 10_00}, "must be 37,000"),
    ],
)
def test_what_is_wrong_with_foreign_notes_is_said(till, pay, words):
    with pytest.raises(Invalid, match=words):
        till.sell({"product_id": till.charger}, pay=[pay])


def test_without_a_rate_no_dollars_are_taken(till):
    till.shop.do("settings.change", key="usd_rate_minor", value=None)
    with pytest.raises(Invalid, match="no rate"):
        till.sell({"product_id": till.charger}, pay=[dollars(10_00)])


def test_a_void_gives_shillings_back(till):
    sale_id = till.sell({"product_id": till.charger}, pay=[dollars(10_00)]).result["sale_id"]
    till.shop.do("sales.void", sale_id=sale_id, reason="wrong", restock="resell")
    assert figures(till).expected_minor == FLOAT - 37_000
    assert figures(till).foreign == {"USD": 10_00}


def test_the_money_of_a_sale_with_dollars_is_not_corrected_in_place(till):
    sale_id = till.sell({"product_id": till.charger}, pay=[dollars(10_00)]).result["sale_id"]
    with pytest.raises(PaidOtherwise, match="USD"):
        pay = [{"method": "cash", "amount": 35_000}]
        till.shop.do("sales.amend", sale_id=sale_id, reason="were shillings", payments=pay)
