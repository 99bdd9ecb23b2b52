"""The drawer's page: blind until it was counted, whoever looks; a count that is kept; money in and out; the day."""

from __future__ import annotations

import pytest

from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.closures.models import DayClosure, DrawerCount
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import CounterEvent
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, words
from tests.web.goods import stock_up


@pytest.fixture
def sold(shop: Shop) -> int:
    """A sale of 8,000 in the open drawer; answers what must be in it."""
    goods = stock_up(shop)
    pay = [{"method": "cash", "amount": 8_000}]
    shop.do("sales.sell", items=[{"product_id": goods.cable}], payments=pay, role=Role.STAFF)
    return 58_000


def test_rule_79_the_owner_sees_no_sum_of_an_open_drawer_either(sarah: Browser, aisha: Browser, sold: int) -> None:
    for person in (sarah, aisha):
        told = words(person.get("/drawer"))
        assert "Sales so far 1" in told and "58,000" not in told and "8,000" not in told.replace("58,000", "")


def test_rule_79_a_kept_count_says_whether_it_agrees_and_is_closed_by(aisha: Browser, shop: Shop, sold: int) -> None:
    assert aisha.post("/drawer/count", n_20000="1").status_code == 303
    told = words(aisha.get("/drawer"))
    assert "It does not agree" in told and "Count once more" in told and "58,000" not in told
    assert aisha.post("/drawer/count", n_50000="1", n_5000="1", n_1000="3").status_code == 303
    told = words(aisha.get("/drawer"))
    assert "It agrees" in told and "Count once more" not in told
    assert aisha.post("/drawer/close", kept="1").status_code == 303
    assert "Counted 58,000, expected 58,000. It agrees." in words(aisha.get("/drawer"))
    assert [row.cash_minor for row in shop.rows(DrawerCount, kind="closing")] == [20_000, 58_000]


def test_what_was_typed_comes_back_with_the_error(aisha: Browser, sold: int) -> None:
    wrong = aisha.post("/drawer/close", counted_minor="1,000", n_1000="2", w_mtn_momo="3,000")
    told = wrong.get_data(as_text=True)
    assert wrong.status_code == 422 and "not what the notes come to, 2,000" in words(wrong)
    assert 'value="3,000"' in told and "58,000" not in words(wrong)
    empty = aisha.post("/drawer/close")
    assert empty.status_code == 422 and "Is needed; write 0" in words(empty)


def test_rule_82_money_goes_in_and_out_with_a_reason(aisha: Browser, shop: Shop, sold: int) -> None:
    aisha.post("/drawer/moves", kind="pay_in", amount="2,000", reason="coins from the bank")
    aisha.post("/drawer/moves", kind="bank", amount="5,000", reason="STB-7781")
    aisha.post("/drawer/moves", kind="no_sale", reason="change for the neighbour")
    assert [(row.amount_minor, row.note) for row in shop.rows(MoneyMove)] == [
        (2_000, "coins from the bank"), (-5_000, "Slip STB-7781"),
    ]  # fmt: skip
    assert len(shop.rows(CounterEvent, kind="no_sale")) == 1
    wrong = aisha.post("/drawer/moves", kind="pay_out", amount="2,000", reason="")
    assert wrong.status_code == 422 and "at least 3" in words(wrong)
    assert aisha.post("/drawer/moves", kind="everything", reason="all of it").status_code == 422


def test_rule_83_a_second_person_accepts_on_the_same_screen(aisha: Browser, shop: Shop, sold: int) -> None:
    aisha.post("/drawer/close", counted_minor="8,000")
    (row,) = shop.rows(DrawerSession)
    form = {"drawer_session_id": row.id, "explanation": "The float was left in the safe"}
    asked = aisha.tap("/drawer/accept", **form)
    assert "Who approves" in words(asked)
    said = {**form, "approver_id": shop.supervisor.id or "", "approver_pin": PINS["Brian"]}
    assert aisha.tap("/drawer/accept", **said).status_code == 200
    assert shop.row(DrawerSession, row.id).approved_by == shop.supervisor.id
    told = words(aisha.get("/drawer"))
    assert "Explain the difference" not in told and "The float was left in the safe" in told


def test_the_day_is_submitted_from_the_drawer(aisha: Browser, shop: Shop, sold: int) -> None:
    assert "Submit the day" not in words(aisha.get("/drawer"))
    aisha.post("/drawer/close", counted_minor="58,000", w_card="0")
    assert "Submit the day" in words(aisha.get("/drawer"))
    aisha.post("/drawer/day", business_on="2026-09-21", notes="quiet")
    (day,) = shop.rows(DayClosure)
    assert (day.collected_minor, day.variance_minor, day.notes) == (8_000, 0, "quiet")
    assert "The day is submitted." in words(aisha.get("/drawer"))
    again = aisha.post("/drawer/day", business_on="2026-09-21")
    assert again.status_code == 409 and "submitted already" in words(again)
