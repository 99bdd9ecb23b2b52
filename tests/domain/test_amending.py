"""A correction of a sale is no way round the rules of what comes back, of prices and of what customers owe."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.accounts.ledger import balance_now
from shopnode.domain.accounts.models import Account
from shopnode.domain.actions import perform
from shopnode.domain.context import Actor, Context
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import PaidOtherwise
from tests.domain.counting import expected_cash, on_hand, summary
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop

DAY_MS = 86_400_000
CASH = [{"method": "cash", "amount": 640_000}]


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def customer(till: Till, phone: str = "0772 000 111", name: str = "Okello") -> str:
    made: str = till.shop.do("customers.create", name=name, phone=phone)["id"]
    return made


def balance(till: Till, customer_id: str, account: Account) -> int:
    with till.shop.reading() as ctx:
        return balance_now(ctx.session, customer_id, account)


def amend(till: Till, sale_id: str, *, role: Role = Role.SUPERVISOR, by: Role | None = None, **change: Any) -> Any:
    approval = till.shop.approval_by(by) if by else None
    form = {"sale_id": sale_id, "reason": "typed wrong", **change}
    return till.shop.perform("sales.amend", form, role=role, approval=approval).result


def second_supervisor(till: Till) -> Context:
    added = till.shop.do("staff.add", {"name": "Esther", "role": "Supervisor", "phone": "+256798000009"})["id"]
    return Context(till.shop.home, Actor(added, "Esther", Role.SUPERVISOR), till.shop.home.shop_id)


def test_rule_51_a_phone_leaves_a_ticket_by_its_own_number(till: Till) -> None:
    sale_id = till.sell({"device_id": till.units[0]}).result["sale_id"]
    other = {"items": [{"device_id": till.units[1]}]}
    with pytest.raises(Invalid, match="scan the IMEI of the “Tecno Spark 40”"):
        amend(till, sale_id, **other)
    with pytest.raises(Invalid, match="scan the IMEI"):
        amend(till, sale_id, **other, came_back=[IMEIS[1]])
    with pytest.raises(Invalid, match="is no phone that leaves this ticket"):
        amend(till, sale_id, **other, came_back=list(IMEIS))
    amend(till, sale_id, **other, came_back=[IMEIS[0][:14]])  # as an old box prints it
    assert [till.shop.row(StockUnit, unit).status for unit in till.units] == ["in_stock", "sold"]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.OWNER])
def test_rule_53_goods_leave_a_ticket_after_the_window_with_a_second_person_alone(till: Till, role: Role) -> None:
    pay = [{"method": "card", "amount": 70_000}]
    sale_id = till.sell({"product_id": till.charger, "quantity": 2}, pay=pay).result["sale_id"]
    till.shop.clock.advance(60 * DAY_MS)
    one = {"items": [{"product_id": till.charger}]}
    with pytest.raises(ApprovalNeeded, match="too long ago"):
        amend(till, sale_id, role=role, **one)
    amend(till, sale_id, role=role, by=Role.OWNER if role is Role.SUPERVISOR else Role.SUPERVISOR, **one)
    assert on_hand(till, till.charger) == -1


def test_what_stays_on_an_old_ticket_is_corrected_at_any_time(till: Till) -> None:
    sale_id = till.sell({"device_id": till.units[0]}).result["sale_id"]
    till.shop.clock.advance(60 * DAY_MS)
    paid = [{"method": "cash", "amount": 645_000}]
    amend(till, sale_id, items=[{"device_id": till.units[0]}, {"product_id": till.glass}], payments=paid)
    assert summary(till, sale_id).total_minor == 645_000


def test_rule_89_what_leaves_a_ticket_of_ones_own_is_anothers_to_see(till: Till) -> None:
    pay = [{"method": "card", "amount": 10_000}]
    glasses = {"product_id": till.glass, "quantity": 2}
    own = till.sell(glasses, pay=pay, role=Role.SUPERVISOR).result["sale_id"]
    others = till.sell(glasses, pay=pay).result["sale_id"]
    one = {"items": [{"product_id": till.glass}]}
    with pytest.raises(ApprovalNeeded, match="You sold this"):
        amend(till, own, **one)
    amend(till, own, by=Role.OWNER, **one)
    amend(till, others, **one)


def test_rule_89_who_sold_it_is_no_second_person_for_its_correction(till: Till) -> None:
    sale_id = till.sell({"product_id": till.glass, "quantity": 2}, role=Role.SUPERVISOR).result["sale_id"]
    form = {"sale_id": sale_id, "reason": "typed wrong", "items": [{"product_id": till.glass}]}
    esther = second_supervisor(till)
    with pytest.raises(NotPermitted, match="Brian"):
        perform(esther, "sales.amend", form, approval=till.shop.approval_by(Role.SUPERVISOR))
    perform(esther, "sales.amend", form, approval=till.shop.approval_by(Role.OWNER))


def test_less_cash_in_the_drawer_is_seen_by_two(till: Till) -> None:
    sale_id = till.sell({"device_id": till.units[0]}).result["sale_id"]
    card = [{"method": "card", "amount": 640_000}]
    with pytest.raises(ApprovalNeeded, match="640,000 less of cash"):
        amend(till, sale_id, payments=card)
    amend(till, sale_id, payments=card, by=Role.OWNER)
    assert expected_cash(till) == FLOAT
    amend(till, sale_id, payments=CASH)  # what was cash after all
    assert expected_cash(till) == FLOAT + 640_000


def test_what_goes_back_by_corrections_in_pieces_counts_together(till: Till) -> None:
    pay = [{"method": "card", "amount": 350_000}]
    sale_id = till.sell({"product_id": till.charger, "quantity": 10}, pay=pay).result["sale_id"]
    till.shop.do("settings.change_all", values={"refund_limit_supervisor_minor": 100_000})
    for left in (9, 8):
        amend(till, sale_id, items=[{"product_id": till.charger, "quantity": left}])
    with pytest.raises(ApprovalNeeded, match="105,000"):
        amend(till, sale_id, items=[{"product_id": till.charger, "quantity": 7}])


@pytest.mark.parametrize("with_items", [True, False])
def test_a_lower_price_on_a_finished_sale_is_seen_by_two_in_whichever_form(till: Till, with_items: bool) -> None:
    pay = [{"method": "card", "amount": 35_000}]
    sale_id = till.sell({"product_id": till.charger}, pay=pay).result["sale_id"]
    lower: dict[str, Any] = {"discount_amount": 1_000}
    if with_items:
        lower["items"] = [{"product_id": till.charger}]
    with pytest.raises(ApprovalNeeded, match="larger discount"):
        amend(till, sale_id, **lower)
    amend(till, sale_id, by=Role.OWNER, **lower)
    amend(till, sale_id, role=Role.OWNER, **lower | {"discount_amount": 2_000})
    assert summary(till, sale_id).total_minor == 33_000


def test_nobody_approves_a_later_discount_they_could_not_have_given(till: Till) -> None:
    pay = [{"method": "card", "amount": 35_000}]
    sale_id = till.sell({"product_id": till.charger}, pay=pay).result["sale_id"]
    form = {"sale_id": sale_id, "reason": "typed wrong", "discount_amount": 20_000}
    with pytest.raises(NotPermitted, match="would be sold below what it cost"):
        perform(second_supervisor(till), "sales.amend", form, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_rule_48_a_financed_phone_is_not_changed_for_another_in_place(till: Till) -> None:
    okello, watu = customer(till), till.shop.do("financiers.create", name="Watu")["id"]
    pay = [{"method": "financed", "amount": 640_000, "about_id": watu, "reference": "W1"}]
    sale_id = till.sell({"device_id": till.units[0]}, pay=pay, customer_id=okello).result["sale_id"]
    with pytest.raises(PaidOtherwise, match="Financed"):
        amend(till, sale_id, role=Role.OWNER, items=[{"device_id": till.units[1]}], came_back=[IMEIS[0]])
    amend(till, sale_id, notes="contract in the folder")


def test_rule_44_what_a_customer_owes_does_not_move_to_another(till: Till) -> None:
    okello, musoke = customer(till), customer(till, "0772 000 112", "Musoke")
    till.shop.do("accounts.set_credit", customer_id=okello, credit_limit=10_000_000)
    owed = [{"method": "on_account", "amount": 640_000}]
    sale_id = till.sell({"device_id": till.units[0]}, pay=owed, customer_id=okello).result["sale_id"]
    with pytest.raises(PaidOtherwise, match="On account"):
        amend(till, sale_id, customer_id=musoke)
    paid = till.sell({"device_id": till.units[1]}, customer_id=okello).result["sale_id"]
    amend(till, paid, customer_id=musoke)
    assert summary(till, paid).customer_id == musoke


def test_rule_36_a_ticket_becomes_one_of_a_dear_phone_with_its_customer_alone(till: Till) -> None:
    till.shop.do("settings.change_all", values={"customer_above_minor": 100_000})
    sale_id = till.sell().result["sale_id"]
    phone = {"items": [{"device_id": till.units[0]}], "payments": CASH}
    with pytest.raises(Invalid, match="has a warranty and costs more"):
        amend(till, sale_id, **phone)
    amend(till, sale_id, **phone, customer_id=customer(till))


def test_rule_59_points_follow_a_correction(till: Till) -> None:
    till.shop.do("settings.change_all", values={"points_per_1000_minor": 1})
    okello, musoke = customer(till), customer(till, "0772 000 112", "Musoke")
    sale_id = till.sell({"product_id": till.charger, "quantity": 10}, customer_id=okello).result["sale_id"]
    assert balance(till, okello, Account.POINTS) == 350
    amend(till, sale_id, role=Role.OWNER, items=[{"product_id": till.charger}])
    assert balance(till, okello, Account.POINTS) == 35
    amend(till, sale_id, role=Role.OWNER, customer_id=musoke)
    assert [balance(till, who, Account.POINTS) for who in (okello, musoke)] == [0, 35]
    amend(till, sale_id, role=Role.OWNER, notes="brought by his brother")
    till.shop.do("sales.void", sale_id=sale_id, reason="wrong", restock="resell")
    assert [balance(till, who, Account.POINTS) for who in (okello, musoke)] == [0, 0]


def test_rule_59_who_is_named_later_has_the_points_then(till: Till) -> None:
    till.shop.do("settings.change_all", values={"points_per_1000_minor": 1})
    sale_id = till.sell({"product_id": till.charger}).result["sale_id"]
    okello = customer(till)
    amend(till, sale_id, customer_id=okello)
    assert balance(till, okello, Account.POINTS) == 35
