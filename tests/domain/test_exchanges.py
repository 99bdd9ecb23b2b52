"""An exchange is a return and a sale in one ticket: only the difference changes hands (rule 54)."""

from __future__ import annotations

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.errors import PaidOtherwise
from tests.domain.counting import expected_cash, lines, on_hand, paid, summary
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def exchange(till: Till, sale_id: str, asked: dict, items: list, pay: list | None = None, **more):
    form = {
        "sale_id": sale_id, "lines": [{"restock": "new", **asked}], "reason": "another one",
        "sale": {"items": items, "payments": pay or []},
    }  # fmt: skip
    return till.shop.perform("returns.exchange", form, **{"role": Role.STAFF, **more}).result


def glasses(till: Till, quantity: int = 2, pay=None) -> tuple[str, str]:
    sale_id = till.sell({"product_id": till.glass, "quantity": quantity}, pay=pay).result["sale_id"]
    return sale_id, lines(till, sale_id)[0].id


def test_rule_54_the_customer_pays_the_difference(till):
    sale_id, line_id = glasses(till)
    cash = [{"method": "cash", "amount": 30_000}]
    done = exchange(till, sale_id, {"sale_line_id": line_id, "quantity": 2}, [{"product_id": till.charger}], cash)

    assert (done["exchanged"], done["due"], done["change"], done["refund"]) == (10_000, 25_000, 5_000, 0)
    assert paid(till, done["sale_id"]) == {"exchange": 10_000, "cash": 25_000}
    assert paid(till, sale_id) == {"cash": 10_000, "exchange": -10_000}
    assert summary(till, done["sale_id"]).paid_minor == summary(till, done["sale_id"]).total_minor == 35_000
    assert summary(till, sale_id).paid_minor == 0
    assert expected_cash(till) == FLOAT + 35_000
    assert (on_hand(till, till.glass), on_hand(till, till.charger)) == (10, -1)
    (row,) = till.shop.rows(SaleReturn)
    assert (row.exchange_sale_id, row.sale_id) == (done["sale_id"], sale_id)


def test_rule_54_the_customer_gets_the_difference_by_the_tender_it_came_by(till):
    pay = [{"method": "mtn", "amount": 10_000, "reference": "T1"}]
    sale_id, line_id = glasses(till, pay=pay)
    done = exchange(till, sale_id, {"sale_line_id": line_id, "quantity": 2}, [{"product_id": till.glass}])

    assert (done["exchanged"], done["due"], done["refund"]) == (5_000, 0, 5_000)
    assert done["paid_back"] == [{"method": "mtn_momo", "amount": 5_000}]
    assert paid(till, sale_id) == {"mtn_momo": 5_000, "exchange": -5_000}
    assert expected_cash(till) == FLOAT


def test_an_even_exchange_moves_no_money(till):
    sale_id, line_id = glasses(till, 1)
    done = exchange(till, sale_id, {"sale_line_id": line_id}, [{"product_id": till.glass}])
    assert (done["due"], done["refund"]) == (0, 0)
    assert expected_cash(till) == FLOAT + 5_000


def test_a_phone_is_exchanged_for_another(till):
    pay = [{"method": "cash", "amount": 640_000}]
    sale_id = till.sell({"device_id": till.units[0]}, pay=pay).result["sale_id"]
    exchange(till, sale_id, {"imei": IMEIS[0], "restock": "bench"}, [{"device_id": till.units[1]}])
    assert [till.shop.row(StockUnit, unit).status for unit in till.units] == ["bench", "sold"]


def test_only_the_difference_counts_against_the_refund_limit(till):
    pay = [{"method": "cash", "amount": 640_000}]
    sale_id = till.sell({"device_id": till.units[0]}, pay=pay).result["sale_id"]
    with pytest.raises(ApprovalNeeded, match="635,000"):
        exchange(till, sale_id, {"imei": IMEIS[0]}, [{"product_id": till.glass}])
    assert till.shop.rows(SaleReturn) == []


def test_what_was_bought_by_exchange_goes_back_as_the_money_of_the_first_sale(till):
    pay = [{"method": "airtel", "amount": 5_000, "reference": "A1"}]
    first, line_id = glasses(till, 1, pay=pay)
    done = exchange(till, first, {"sale_line_id": line_id}, [{"product_id": till.glass}])
    again = {"sale_id": done["sale_id"], "reason": "neither", "lines": [
        {"sale_line_id": lines(till, done["sale_id"])[0].id, "restock": "new"}
    ]}  # fmt: skip
    answer = till.shop.perform("returns.take_back", again, role=Role.STAFF).result

    assert answer["paid_back"] == [{"method": "airtel_money", "amount": 5_000}]
    assert summary(till, first).paid_minor == summary(till, done["sale_id"]).paid_minor == 0
    assert expected_cash(till) == FLOAT


def test_undoing_the_second_sale_gives_money_and_not_the_goods_of_the_first(till):
    sale_id, line_id = glasses(till, 1)
    done = exchange(till, sale_id, {"sale_line_id": line_id}, [{"product_id": till.glass}])
    till.shop.do("sales.void", sale_id=done["sale_id"], reason="wrong", restock="resell")
    assert expected_cash(till) == FLOAT
    assert on_hand(till, till.glass) == 10


def test_the_money_of_an_exchange_is_not_corrected_in_place(till):
    sale_id, line_id = glasses(till, 1)
    done = exchange(till, sale_id, {"sale_line_id": line_id}, [{"product_id": till.glass}])
    pay = [{"method": "cash", "amount": 5_000}]
    with pytest.raises(PaidOtherwise, match="Exchange"):
        till.shop.do("sales.amend", sale_id=done["sale_id"], reason="was cash", payments=pay)
    till.shop.do(
        "sales.amend", sale_id=done["sale_id"], reason="the other kind", items=[{"product_id": till.glass}]
    )  # lines alone, and nothing is due


def test_the_tender_of_an_exchange_cannot_be_typed(till):
    with pytest.raises(Invalid, match="must be one of"):
        till.sell(pay=[{"method": "exchange", "amount": 5_000}])
