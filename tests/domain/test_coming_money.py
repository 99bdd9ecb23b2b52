"""Rule 40: mobile money is initiated, pending, confirmed, failed or reversed; a sale waits for it by choice alone."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound
from shopnode.domain.permissions import Role
from shopnode.domain.sales.coming import ComingMoney, MoneyComing, MoneyMissing, coming_money, outcomes_of
from shopnode.domain.sales.errors import ReferenceUsed
from shopnode.domain.sales.models import MoneyState, Payment, SaleSummary
from shopnode.domain.sales.telling_money import MoneyTold
from tests.domain.till import Till, open_till
from tests.shop import Shop

PENDING = {"method": "mtn_momo", "amount": 5_000, "state": "pending"}


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    shop.do("settings.change", key="momo_pending_max_minor", value=10_000)
    return made


def sold(till: Till, **more: Any) -> tuple[str, str]:
    """A glass for money that is still coming: the sale and the payment."""
    sale_id = till.sell(pay=[PENDING | more]).result["sale_id"]
    (payment,) = till.shop.rows(Payment, sale_id=sale_id)
    return sale_id, payment.id


def tell(till: Till, payment_id: str, state: str, **more: Any) -> None:
    till.shop.perform("sales.tell_money", {"payment_id": payment_id, "state": state, **more.pop("form", {})}, **more)


def waiting(till: Till) -> list[ComingMoney]:
    with till.shop.reading() as ctx:
        return coming_money(ctx).rows


def paid(till: Till, sale_id: str) -> int:
    (summary,) = till.shop.rows(SaleSummary, sale_id=sale_id)
    return summary.paid_minor


def test_rule_40_a_sale_completes_on_pending_money_only_where_the_owner_allows_it(till: Till) -> None:
    for most, words in ((0, "wait until the money has come"), (4_999, "up to 4,999")):
        till.shop.do("settings.change", key="momo_pending_max_minor", value=most)
        with pytest.raises(Invalid, match=words):
            sold(till)
    till.shop.do("settings.change", key="momo_pending_max_minor", value=9_999)
    with pytest.raises(Invalid) as two:
        till.sell({"product_id": till.glass, "quantity": 2}, pay=[PENDING, PENDING])
    assert list(two.value.fields) == ["payments.0.state", "payments.1.state"]
    with pytest.raises(Invalid, match="for mobile money alone"):
        till.sell(pay=[{"method": "card", "amount": 5_000, "state": "pending"}])
    sold(till)


@pytest.mark.parametrize("state", ["initiated", "pending"])
def test_rule_40_money_that_is_still_coming_is_a_receivable(till: Till, state: str) -> None:
    sale_id, payment_id = sold(till, state=state)
    (row,) = waiting(till)
    assert (row.payment_id, row.sale_id, row.sale_number) == (payment_id, sale_id, "KLA1-000001")
    assert (row.amount_minor, row.state, row.reference) == (5_000, MoneyState(state), None)


def test_rule_40_money_that_came_has_its_transaction_id_and_is_waited_for_no_more(till: Till) -> None:
    sale_id, payment_id = sold(till)
    with pytest.raises(Invalid, match="transaction id"):
        tell(till, payment_id, "confirmed")
    tell(till, payment_id, "confirmed", form={"reference": "mp 1"}, role=Role.STAFF)
    assert (waiting(till), paid(till, sale_id)) == ([], 5_000)
    with till.shop.reading() as ctx:
        assert outcomes_of(ctx.session, [payment_id]) == {payment_id: MoneyState.CONFIRMED}
    with pytest.raises(MoneyTold):
        tell(till, payment_id, "failed")


def test_rule_41_the_transaction_of_money_that_came_is_good_once_for_ever(till: Till) -> None:
    _, first = sold(till)
    _, second = sold(till)
    tell(till, first, "confirmed", form={"reference": "MP1"})
    with pytest.raises(ReferenceUsed):
        tell(till, second, "confirmed", form={"reference": "MP-1"})
    with pytest.raises(ReferenceUsed):
        till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "reference": "MP1"}])
    customer = till.shop.do("customers.create", name="Grace", phone="0772 123 456")["id"]
    gift = {"customer_id": customer, "method": "mtn_momo", "amount": 5_000, "reference": "MP1"}
    with pytest.raises(ReferenceUsed):
        till.shop.do("accounts.sell_store_credit", gift)


def test_rule_40_money_that_failed_leaves_the_sale_unpaid_until_it_is_amended(till: Till) -> None:
    sale_id, payment_id = sold(till, reference="MP1")
    (line,) = [{"sale_line_id": row.id, "quantity": 1, "restock": "new"} for row in lines(till, sale_id)]
    back = {"sale_id": sale_id, "lines": [line], "reason": "does not fit"}
    with pytest.raises(MoneyComing):
        till.shop.do("returns.take_back", back)
    tell(till, payment_id, "failed", role=Role.STAFF)
    assert (waiting(till), paid(till, sale_id)) == ([], 0)
    with pytest.raises(MoneyMissing, match="5,000 of KLA1-000001 never came"):
        till.shop.do("returns.take_back", back)

    cash = [{"method": "cash", "amount": 5_000}]
    till.shop.do("sales.amend", sale_id=sale_id, reason="paid in cash", payments=cash)
    assert paid(till, sale_id) == 5_000
    done = till.shop.do("returns.take_back", back)
    assert done["paid_back"] == [{"method": "cash", "amount": 5_000}]
    till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "reference": "MP1"}])  # nobody's, so it may be another's


def lines(till: Till, sale_id: str) -> Any:
    from tests.domain.counting import lines as lines_of

    return lines_of(till, sale_id)


def test_rule_40_while_money_is_coming_a_sale_is_not_undone_and_after_it_failed_nothing_is_given_back(
    till: Till,
) -> None:
    sale_id, payment_id = sold(till)
    undo = {"sale_id": sale_id, "reason": "changed his mind"}
    with pytest.raises(MoneyComing):
        till.shop.do("sales.void", undo)
    with pytest.raises(MoneyComing):
        till.shop.do("sales.amend", sale_id=sale_id, reason="cash after all", payments=[])
    tell(till, payment_id, "failed")
    assert till.shop.do("sales.void", undo)["refunded"] == 0
    assert paid(till, sale_id) == 0


def test_rule_40_a_network_may_take_money_back_that_had_come_and_staff_say_so_with_a_second_person(till: Till) -> None:
    sale_id = till.sell(pay=[{"method": "airtel_money", "amount": 5_000, "reference": "AM1"}]).result["sale_id"]
    (payment,) = till.shop.rows(Payment, sale_id=sale_id)
    with pytest.raises(ApprovalNeeded):
        tell(till, payment.id, "reversed", role=Role.STAFF)
    tell(till, payment.id, "reversed", role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert paid(till, sale_id) == 0
    with pytest.raises(MoneyTold):
        tell(till, payment.id, "reversed")


def test_nobody_says_of_cash_or_of_what_is_not_coming_that_it_came(till: Till) -> None:
    sale_id = till.sell().result["sale_id"]
    (cash,) = till.shop.rows(Payment, sale_id=sale_id)
    with pytest.raises(NotFound):
        tell(till, cash.id, "reversed")
    sale_id = till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "reference": "MP1"}]).result["sale_id"]
    (momo,) = till.shop.rows(Payment, sale_id=sale_id)
    for state in ("confirmed", "failed"):
        with pytest.raises(MoneyTold):
            tell(till, momo.id, state)
    _, waited = sold(till)
    with pytest.raises(Invalid):
        tell(till, waited, "reversed")
