"""Goods exchanged for goods, and then brought back: money leaves by the tenders it came by, and by no others."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.accounts.ledger import balance_now
from shopnode.domain.accounts.models import Account
from shopnode.domain.errors import ApprovalNeeded
from shopnode.domain.financiers.ledger import receivables
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment
from tests.domain.counting import expected_cash, lines, paid, summary
from tests.domain.seller import brought, value_phone
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def okello(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Okello", phone="0772 000 111")["id"]
    till.shop.do("accounts.set_credit", customer_id=made, credit_limit=10_000_000)
    return made


def other_phone(till: Till, sale_id: str, who: str | None, role: Role = Role.OWNER) -> str:
    """The first phone comes back and the second one leaves for it."""
    form = {
        "sale_id": sale_id, "lines": [{"restock": "new", "imei": IMEIS[0]}], "reason": "another one",
        "sale": {"items": [{"device_id": till.units[1]}], "payments": [], "customer_id": who},
    }  # fmt: skip
    done: str = till.shop.do("returns.exchange", form, role=role)["sale_id"]
    return done


def same_again(till: Till, sale_id: str, quantity: int = 1) -> str:
    """Pieces come back, and as many of the same leave for them."""
    line = lines(till, sale_id)[0]
    items = [{"product_id": line.product_id, "quantity": quantity, "unit_price": line.unit_price_minor}]
    form = {
        "sale_id": sale_id, "reason": "another one", "lines": [_of(line.id, quantity)],
        "sale": {"items": items, "payments": [], "customer_id": summary(till, sale_id).customer_id},
    }  # fmt: skip
    done: str = till.shop.do("returns.exchange", form)["sale_id"]
    return done


def _of(line_id: str, quantity: int) -> dict[str, Any]:
    return {"sale_line_id": line_id, "quantity": quantity, "restock": "new"}


def back(till: Till, sale_id: str, *asked: dict[str, Any], role: Role = Role.OWNER, **more: Any) -> dict[str, int]:
    """Bring it back: by which tender how much left."""
    form = {"sale_id": sale_id, "lines": list(asked), "reason": "not wanted", **more}
    done = till.shop.perform("returns.take_back", form, role=role).result
    return {part["method"]: part["amount"] for part in done["paid_back"]}


SECOND = {"imei": IMEIS[1], "restock": "new"}


def has(till: Till, who: str, account: Account) -> int:
    with till.shop.reading() as ctx:
        return balance_now(ctx.session, who, account)


def phone_for(till: Till, who: str, *pay: dict[str, Any]) -> str:
    return str(till.sell({"device_id": till.units[0]}, pay=list(pay), customer_id=who).result["sale_id"])


def test_rule_47_a_debt_is_not_turned_into_cash_by_an_exchange(till: Till, okello: str) -> None:
    sale = phone_for(
        till, okello, {"method": "cash", "amount": 330_000}, {"method": "on_account", "amount": 310_000}
    )  # fmt: skip
    new = other_phone(till, sale, okello, Role.STAFF)
    assert back(till, new, SECOND) == {"on_account": 310_000, "cash": 330_000}
    assert (expected_cash(till), has(till, okello, Account.CREDIT)) == (FLOAT, 0)
    assert summary(till, sale).paid_minor == summary(till, new).paid_minor == 0


def test_what_a_financier_and_the_customer_paid_goes_back_to_each(till: Till, okello: str) -> None:
    financier = till.shop.do("financiers.create", name="Watu")["id"]
    financed = {"method": "financed", "amount": 500_000, "about_id": financier, "reference": "W1"}
    sale = phone_for(till, okello, financed, {"method": "cash", "amount": 140_000})
    assert back(till, other_phone(till, sale, okello), SECOND) == {"financed": 500_000, "cash": 140_000}
    assert expected_cash(till) == FLOAT


@pytest.mark.parametrize("way", ["exchange", "claim"])
def test_rule_48_a_financier_owes_for_the_phone_the_customer_has_now(till: Till, okello: str, way: str) -> None:
    financier = till.shop.do("financiers.create", name="Watu")["id"]
    financed = {"method": "financed", "amount": 500_000, "about_id": financier, "reference": "W1"}
    sale = phone_for(till, okello, financed, {"method": "cash", "amount": 140_000})

    def owed() -> list[tuple[str | None, str | None, int]]:
        with till.shop.reading() as ctx:
            return [(row.imei, row.reference, row.open_minor) for row in receivables(ctx.session)]

    if way == "exchange":
        new = other_phone(till, sale, okello)
    else:
        form = {"imei": IMEIS[0], "new_imei": IMEIS[1], "outcome": "replace", "reason": "dead", "restock": "bench"}
        new = till.shop.do("returns.claim_warranty", form)["sale_id"]
    assert owed() == [(IMEIS[1], "W1", 500_000)]
    assert back(till, new, SECOND) == {"financed": 500_000, "cash": 140_000}
    assert owed() == []


def test_cash_beside_points_goes_back_as_cash_and_the_points_as_points(till: Till, okello: str) -> None:
    till.shop.do("settings.change", key="point_worth_minor", value=10)
    till.shop.do("accounts.correct", customer_id=okello, account="points", amount=33_000, reason="start")
    sale = phone_for(till, okello, {"method": "points", "amount": 330_000}, {"method": "cash", "amount": 310_000})
    assert back(till, other_phone(till, sale, okello), SECOND) == {"points": 330_000, "cash": 310_000}
    assert (expected_cash(till), has(till, okello, Account.POINTS)) == (FLOAT, 33_000)


def test_two_part_returns_after_an_exchange_bring_all_points_back(till: Till, okello: str) -> None:
    till.shop.do("settings.change", key="point_worth_minor", value=10)
    till.shop.do("accounts.correct", customer_id=okello, account="points", amount=10_000, reason="start")
    pay = [{"method": "points", "amount": 70_000}]
    sale = till.sell({"product_id": till.charger, "quantity": 2}, pay=pay, customer_id=okello).result["sale_id"]
    new = same_again(till, sale, 2)
    for _ in range(2):
        assert back(till, new, _of(lines(till, new)[0].id, 1)) == {"points": 35_000}
    assert has(till, okello, Account.POINTS) == 10_000


def test_rule_47_mobile_money_stays_mobile_money_through_two_exchanges(till: Till) -> None:
    pay = [{"method": "cash", "amount": 36_000}, {"method": "mtn", "amount": 34_000, "reference": "A1"}]
    sale = till.sell({"product_id": till.charger, "quantity": 2}, pay=pay).result["sale_id"]
    last = same_again(till, same_again(till, sale, 2), 2)
    all_of_it = _of(lines(till, last)[0].id, 2)
    with pytest.raises(ApprovalNeeded, match="MTN MoMo"):
        back(till, last, all_of_it, role=Role.STAFF, refund_to="cash")
    assert back(till, last, all_of_it, role=Role.STAFF) == {"cash": 36_000, "mtn_momo": 34_000}
    assert expected_cash(till) == FLOAT
    assert sum(row.amount_minor for row in till.shop.rows(Payment)) == 0


def test_halves_of_a_sale_that_went_different_ways_come_to_what_was_paid(till: Till, okello: str) -> None:
    pay = [{"method": "cash", "amount": 40_000}, {"method": "on_account", "amount": 30_000}]
    sale = till.sell({"product_id": till.charger, "quantity": 2}, pay=pay, customer_id=okello).result["sale_id"]
    new = same_again(till, sale, 1)
    assert back(till, sale, _of(lines(till, sale)[0].id, 1)) == {"on_account": 30_000, "cash": 5_000}
    assert back(till, new, _of(lines(till, new)[0].id, 1)) == {"cash": 35_000}
    assert (expected_cash(till), has(till, okello, Account.CREDIT)) == (FLOAT, 0)


def test_rule_38_cash_of_an_exchange_leaves_in_whole_notes(till: Till) -> None:
    till.shop.do("settings.change", key="cash_rounding_minor", value=500)
    pay = [{"method": "cash", "amount": 35_500}]
    sale = till.sell({"product_id": till.charger, "unit_price": 35_250}, pay=pay).result["sale_id"]
    new = same_again(till, sale)
    assert back(till, new, _of(lines(till, new)[0].id, 1)) == {"cash": 35_500, "rounding": -250}
    assert expected_cash(till) == FLOAT


def test_undoing_the_second_sale_gives_back_as_the_first_was_paid(till: Till, okello: str) -> None:
    sale = phone_for(
        till, okello, {"method": "cash", "amount": 330_000}, {"method": "on_account", "amount": 310_000}
    )  # fmt: skip
    new = other_phone(till, sale, okello)
    till.shop.do("sales.void", sale_id=new, reason="wrong", restock="resell")
    assert (expected_cash(till), has(till, okello, Account.CREDIT)) == (FLOAT, 0)
    assert paid(till, new) == {"exchange": 0, "cash": 0}
    assert paid(till, sale) == {"cash": 0, "on_account": 0, "exchange": 0}


def test_store_credit_that_was_asked_for_is_no_cash_after_an_exchange_or_a_trade_in(till: Till, okello: str) -> None:
    sale = till.sell({"product_id": till.charger}, customer_id=okello).result["sale_id"]
    new = same_again(till, sale)
    got = back(till, new, _of(lines(till, new)[0].id, 1), refund_to="store_credit")
    assert got == {"store_credit": 35_000}

    value_phone(till, 900_000)
    items = {"items": [{"device_id": till.units[0]}], "payments": [], "customer_id": okello}
    traded = till.shop.do("usedphones.trade_in", {"phone": brought(till, offer=640_000), "sale": items})["sale_id"]
    got = back(till, traded, {"imei": IMEIS[0], "restock": "new"}, refund_to="store_credit")
    assert got == {"store_credit": 640_000}
    assert has(till, okello, Account.STORE_CREDIT) == 675_000


def test_store_credit_goes_to_whom_each_return_names(till: Till, okello: str) -> None:
    musoke = till.shop.do("customers.create", name="Musoke", phone="0772 000 112")["id"]
    sale = till.sell({"product_id": till.charger, "quantity": 2}).result["sale_id"]
    for who in (okello, musoke):
        back(till, sale, _of(lines(till, sale)[0].id, 1), refund_to="store_credit", customer_id=who)
    assert [has(till, who, Account.STORE_CREDIT) for who in (okello, musoke)] == [35_000, 35_000]


def test_what_is_still_owed_for_the_sale_gets_smaller_before_cash_leaves(till: Till, okello: str) -> None:
    pay = [{"method": "cash", "amount": 400_000}, {"method": "on_account", "amount": 275_000}]
    sold = till.sell({"device_id": till.units[0]}, {"product_id": till.charger}, pay=pay, customer_id=okello)
    sale = sold.result["sale_id"]
    charger = next(line for line in lines(till, sale) if not line.unit_id)
    assert back(till, sale, _of(charger.id, 1), role=Role.STAFF) == {"on_account": 35_000}
    assert (expected_cash(till), has(till, okello, Account.CREDIT)) == (FLOAT + 400_000, 240_000)

    till.shop.do("accounts.take_payment", customer_id=okello, method="cash", amount=240_000)
    got = back(till, sale, {"imei": IMEIS[0], "restock": "new"})
    assert got == {"cash": 400_000, "on_account": 240_000}  # the debt was paid: that part becomes store credit
    assert has(till, okello, Account.STORE_CREDIT) == 240_000


# --- limits: in pieces it is no less


def test_a_refund_in_pieces_counts_together_whoever_gives_them(till: Till) -> None:
    sale = till.sell({"product_id": till.charger, "quantity": 8}).result["sale_id"]
    one = _of(lines(till, sale)[0].id, 1)
    for _ in range(2):
        back(till, sale, one, role=Role.STAFF)
    with pytest.raises(ApprovalNeeded, match="35,000, with 70,000 that went back before it"):
        back(till, sale, one, role=Role.STAFF)
    till.shop.clock.advance(86_400_000)
    with pytest.raises(ApprovalNeeded, match="70,000"):  # on another day, too: it is the same sale
        back(till, sale, one, role=Role.STAFF)


def test_what_staff_give_back_on_one_day_counts_together(till: Till) -> None:
    sales = [till.sell({"product_id": till.charger, "quantity": 2}).result["sale_id"] for _ in range(2)]
    back(till, sales[0], _of(lines(till, sales[0])[0].id, 2), role=Role.STAFF)
    with pytest.raises(ApprovalNeeded, match="with 70,000 that went back before it"):
        back(till, sales[1], _of(lines(till, sales[1])[0].id, 2), role=Role.STAFF)
    back(till, sales[1], _of(lines(till, sales[1])[0].id, 2), role=Role.SUPERVISOR)  # theirs is another limit


def test_what_had_its_second_person_does_not_count_again(till: Till) -> None:
    pay = [{"method": "cash", "amount": 675_000}]
    sale = till.sell({"device_id": till.units[0]}, {"product_id": till.charger}, pay=pay).result["sale_id"]
    back(till, sale, {"imei": IMEIS[0], "restock": "new"}, role=Role.OWNER)
    charger = next(line for line in lines(till, sale) if not line.unit_id)
    back(till, sale, _of(charger.id, 1), role=Role.STAFF)


def test_money_drawn_by_one_exchange_after_another_counts_together(till: Till) -> None:
    sale = till.sell({"product_id": till.charger, "quantity": 10}).result["sale_id"]
    asked, given = _of(lines(till, sale)[0].id, 10), []
    with pytest.raises(ApprovalNeeded, match="70,000, with 70,000 that went back before it"):
        for pieces in (8, 6, 4):
            items = {"items": [{"product_id": till.charger, "quantity": pieces}], "payments": []}
            form = {"sale_id": sale, "lines": [asked], "reason": "fewer", "sale": items}
            done = till.shop.do("returns.exchange", form, role=Role.STAFF)
            sale, given = done["sale_id"], [*given, done["refund"]]
            asked = _of(lines(till, sale)[0].id, pieces)
    assert given == [70_000]
