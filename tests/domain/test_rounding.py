"""Cash is rounded to the smallest note, and nothing else is (rule 38)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopnode.domain.errors import Invalid
from shopnode.domain.sales.models import Payment, Tender
from shopnode.domain.sales.rules import Handed, refund_tenders, settle
from shopnode.receipts import receipt_of
from tests.domain.counting import expected_cash, lines, paid, summary, table
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    shop.do("settings.change", key="cash_rounding_minor", value=500)
    return made


def sell(till: Till, price: int, *pay) -> str:
    item = {"item_name": "Cable", "unit_price": price, "category": "Services", "unit_cost": 0}
    return str(till.sell(item, pay=list(pay)).result["sale_id"])


def cash(amount: int) -> dict:
    return {"method": "cash", "amount": amount}


def momo(amount: int) -> dict:
    return {"method": "mtn", "amount": amount, "reference": "T1"}


def test_rule_38_cash_is_rounded_and_the_difference_is_its_own_line(till):
    down = sell(till, 10_200, cash(20_000))
    assert paid(till, down) == {"cash": 10_000, "rounding": 200}
    up = sell(till, 10_300, cash(10_500))
    assert paid(till, up) == {"cash": 10_500, "rounding": -200}
    assert summary(till, up).paid_minor == summary(till, up).total_minor == 10_300
    assert summary(till, up).methods == "cash"
    assert expected_cash(till) == FLOAT + 20_500


def test_rule_38_mobile_money_is_exact_and_only_the_cash_part_is_rounded(till):
    assert paid(till, sell(till, 10_200, momo(10_200))) == {"mtn_momo": 10_200}
    till.shop.clock.advance(1)
    split = sell(till, 10_200, {"method": "airtel", "amount": 5_111, "reference": "A1"}, cash(5_000))
    assert paid(till, split) == {"airtel_money": 5_111, "cash": 5_000, "rounding": 89}


def test_what_is_still_due_is_said_in_whole_notes(till):
    with pytest.raises(Invalid, match="200 is still to be paid"):
        sell(till, 10_300, cash(10_300))


def test_goods_are_not_given_away_by_rounding(till):
    assert paid(till, sell(till, 200, cash(500))) == {"cash": 200}


def test_without_the_setting_nothing_is_rounded(till):
    till.shop.do("settings.change", key="cash_rounding_minor", value=0)
    assert paid(till, sell(till, 10_230, cash(10_230))) == {"cash": 10_230}


@pytest.mark.parametrize("price", [10_200, 10_300])
def test_all_that_was_rounded_goes_back_as_it_came(till, price):
    sale_id = sell(till, price, cash(20_000))
    till.shop.do("sales.void", sale_id=sale_id, reason="wrong")
    assert set(paid(till, sale_id).values()) == {0}
    assert expected_cash(till) == FLOAT


def test_a_part_that_comes_back_is_rounded_again(till):
    item = {"item_name": "Cable", "unit_price": 3_400, "quantity": 3, "category": "Services", "unit_cost": 0}
    sale_id = till.sell(item, pay=[cash(10_000)]).result["sale_id"]
    asked = [{"sale_line_id": lines(till, sale_id)[0].id, "quantity": 1, "restock": "new"}]
    till.shop.do("returns.take_back", sale_id=sale_id, lines=asked, reason="not wanted")
    back = {row.method: row.amount_minor for row in till.shop.rows(Payment, sale_id=sale_id, kind="refund")}
    assert back == {"cash": -3_500, "rounding": 100}
    assert summary(till, sale_id).paid_minor == 6_800


def test_the_receipt_shows_rounding_as_its_own_line_and_nothing_due(till):
    sale_id = sell(till, 10_300, cash(20_000))
    with till.shop.reading() as ctx:
        receipt = receipt_of(ctx.session, sale_id)
    assert [(row.label, row.amount_minor) for row in receipt.payments] == [("Cash", 10_500), ("Rounding", -200)]
    assert (receipt.due_minor, receipt.change_minor) == (0, 9_500)


@pytest.mark.parametrize(("due", "momo", "note", "in_cash", "rounding"), table("rounding.md", 0))
def test_the_page_on_rounding(due, momo, note, in_cash, rounding):
    handed = [Handed(Tender.CASH, 20_000, None)]
    if int(momo):
        handed.append(Handed(Tender.MTN_MOMO, int(momo), "T1"))
    booked = {part.method: part.amount_minor for part in settle(int(due), handed, int(note))}
    assert (booked[Tender.CASH], booked.get(Tender.ROUNDING, 0)) == (int(in_cash), int(rounding))


amounts = st.integers(1, 10**7)


@given(amounts, st.integers(0, 10**7), st.sampled_from([0, 50, 100, 500, 1_000]))
def test_rounded_tickets_add_up_and_never_by_more_than_half_a_note(total, exact, step):
    exact = min(exact, total - 1)
    handed = [Handed(Tender.CASH, 2 * 10**7, None)]
    if exact:
        handed.append(Handed(Tender.MTN_MOMO, exact, "T1"))
    booked = settle(total, handed, step)
    assert sum(part.amount_minor for part in booked) == total
    rounding = sum(part.amount_minor for part in booked if part.method is Tender.ROUNDING)
    assert 2 * abs(rounding) <= step
    assert sum(part.amount_minor for part in booked if part.method is Tender.MTN_MOMO) == exact


@given(st.integers(1, 2_000), st.integers(1, 12), st.sampled_from([50, 500, 1_000]))
def test_refunds_of_many_small_parts_give_no_more_cash_than_was_paid_and_take_none(each, pieces, step):
    net: dict = {}
    for part in settle(each * pieces, [Handed(Tender.CASH, 10**7, None)], step):
        net[part.method.value, part.reference] = part.amount_minor
    for _ in range(pieces):
        back = refund_tenders(net, each, step)
        assert sum(part.amount_minor for part in back) == each
        assert all(part.amount_minor > 0 for part in back if part.method is Tender.CASH)
        for part in back:
            key = part.method.value, part.reference
            net[key] = net.get(key, 0) - part.amount_minor
        assert net["cash", None] >= 0
    assert set(net.values()) == {0}


@given(amounts, st.integers(0, 10**7), st.integers(1, 100), st.sampled_from([0, 50, 100, 500, 1_000]))
def test_any_refund_of_a_rounded_ticket_adds_up(total, exact, percent, step):
    exact = min(exact, total - 1)
    handed = [Handed(Tender.CASH, 2 * 10**7, None), *([Handed(Tender.MTN_MOMO, exact, "T1")] if exact else [])]
    net: dict = {}
    for part in settle(total, handed, step):
        net[part.method.value, part.reference] = part.amount_minor
    amount = max(1, total * percent // 100)
    back = refund_tenders(net, amount, step)
    assert sum(part.amount_minor for part in back) == amount
    if percent == 100:
        assert {(part.method.value, part.reference): part.amount_minor for part in back} == {
            key: value for key, value in net.items() if value
        }
