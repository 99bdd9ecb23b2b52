"""A second person hears of everything that is objected to, before they say yes, and the entry keeps all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from shopnode.domain.actions import ACTIONS
from shopnode.domain.context import PhoneApproval
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.params import read_params
from shopnode.domain.people.telephone import FiguresChanged, answer, ask
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Sale
from tests.domain.seller import brought, value_phone
from tests.domain.till import IMEIS, Till, open_till
from tests.domain.trade import a_supplier, an_order
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def a_customer(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Okello", phone="0772 000 111")["id"]
    return made


def glass_and_phone(till: Till) -> dict[str, Any]:
    """A glass a little below its lowest price, and a phone on account for somebody without credit."""
    items = [{"product_id": till.glass, "unit_price": 3_900}, {"device_id": till.units[0]}]
    pay = [{"method": "cash", "amount": 3_900}, {"method": "on_account", "amount": 640_000}]
    return {"items": items, "payments": pay, "customer_id": a_customer(till)}


def test_rule_89_one_yes_is_asked_for_everything_that_is_objected_to(till: Till) -> None:
    with pytest.raises(ApprovalNeeded) as asked:
        till.shop.do("sales.sell", glass_and_phone(till), role=Role.STAFF)
    assert len(asked.value.reasons) == 2
    assert "Tempered glass" in asked.value.reason and "Okello has no credit agreed." in asked.value.reason
    assert asked.value.details["reasons"] == list(asked.value.reasons)
    assert not till.shop.rows(Sale)


def test_rule_89_the_entry_keeps_everything_a_second_person_said_yes_to_and_names_nobody(till: Till) -> None:
    form = glass_and_phone(till)
    till.shop.perform("sales.sell", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    body = orjson.loads(till.shop.entries()[-1].body)
    assert body["approver"] == till.shop.supervisor.id
    assert len(body["approved"]) == 2 and body["approved"][1] == "The customer has no credit agreed."
    assert "Tempered glass" in body["approved"][0] and "Okello" not in " ".join(body["approved"])
    till.sell()
    assert "approved" not in orjson.loads(till.shop.entries()[-1].body)


def test_rule_89_a_yes_to_the_one_is_not_taken_for_the_other(till: Till) -> None:
    """A supervisor may let the credit through, and not a phone far below what anybody but the owner may give."""
    form = glass_and_phone(till)
    form["items"][1]["unit_price"] = form["payments"][1]["amount"] = 300_000
    with pytest.raises(NotPermitted, match="above the limit of Brian, too"):
        till.shop.perform("sales.sell", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert not till.shop.rows(Sale)


def test_what_is_wrong_is_said_before_anybody_is_called(till: Till) -> None:
    form = glass_and_phone(till)
    form["payments"] = [{"method": "cash", "amount": 3_900}]
    with pytest.raises(Invalid):
        till.shop.do("sales.sell", form, role=Role.STAFF)


def by_phone(till: Till, action: str, form: dict[str, Any], role: Role, between: Callable[[], Any]) -> Any:
    """The owner is called, something happens, and then the code is typed in."""
    told = ask(till.shop.ctx(role), action, read_params(ACTIONS[action].params, form)).question
    typed = {"challenge": told.challenge, "action": action, "amount": told.amount_minor, "document": told.document}
    with till.shop.reading(Role.OWNER) as ctx:
        digits = answer(ctx, None, typed)
    between()
    return till.shop.perform(action, form, role=role, approval=PhoneApproval(told.challenge, digits)).result


def heard(till: Till, action: str, form: dict[str, Any], role: Role = Role.STAFF) -> tuple[int, str]:
    told = ask(till.shop.ctx(role), action, read_params(ACTIONS[action].params, form)).question
    return told.amount_minor, told.document


def test_the_owner_hears_what_leaves_unpaid_with_a_plan(till: Till) -> None:
    form = {"kind": "instalment", "customer_id": a_customer(till), "items": [{"device_id": till.units[0]}]}
    form |= {"payments": [{"method": "cash", "amount": 128_000}], "instalments": 3}
    assert heard(till, "plans.open", form) == (512_000, "NEW")
    form["items"][0]["unit_price"] = 400_000  # what is taken off the price is no smaller matter than what is owed
    assert heard(till, "plans.open", form) == (512_000, "NEW")


def test_the_owner_hears_all_that_is_given_for_a_phone_that_is_traded_in(till: Till) -> None:
    value_phone(till, 300_000)
    sale: dict[str, Any] = {
        "items": [{"device_id": till.units[0]}],
        "payments": [{"method": "cash", "amount": 390_000}],
    }
    form = {"phone": brought(till, offer=250_000), "sale": sale}
    assert heard(till, "usedphones.trade_in", form)[0] == 250_000
    sale |= {"items": [{"device_id": till.units[0], "unit_price": 250_000}], "payments": []}
    assert heard(till, "usedphones.trade_in", form)[0] == 640_000


def test_the_owner_hears_what_a_delivery_is_billed_at(till: Till) -> None:
    order = an_order(
        till, a_supplier(till.shop), {"product_id": till.charger, "quantity": 1, "unit_cost_minor": 22_000}
    )
    form = {"order_id": order, "lines": [{"product_id": till.charger, "quantity": 500, "unit_cost_minor": 90_000}]}
    assert heard(till, "goods.receive", form, Role.SUPERVISOR) == (45_000_000, "KLA1-P000001")


def a_plan(till: Till) -> str:
    till.shop.do("approvals.set_up_phone")
    form = {"kind": "layaway", "items": [{"device_id": till.units[0]}]}
    deposit = [{"method": "cash", "amount": 128_000}]
    opened = till.shop.do("plans.open", form, customer_id=a_customer(till), payments=deposit, role=Role.STAFF)
    plan_id: str = opened["plan_id"]
    return plan_id


def test_a_code_for_a_small_plan_gives_no_large_one_back(till: Till) -> None:
    plan_id = a_plan(till)
    form = {"plan_id": plan_id, "reason": "called off", "method": "cash"}

    def pay() -> None:
        till.shop.do("plans.pay", plan_id=plan_id, method="cash", amount=500_000, role=Role.STAFF)

    with pytest.raises(FiguresChanged, match="said yes to 128,000, and now it is 628,000"):
        by_phone(till, "plans.cancel", form, Role.STAFF, pay)
    assert by_phone(till, "plans.cancel", form, Role.STAFF, lambda: None)["given_back"] == 628_000


def test_a_code_for_a_small_difference_of_a_count_takes_no_large_one_into_the_books(till: Till) -> None:
    shop = till.shop
    shop.do("approvals.set_up_phone")
    shop.do("stock.adjust", product_id=till.charger, quantity=100, reason="opening", kind="opening")
    count = shop.do("stocktakes.start", role=Role.SUPERVISOR, category="Accessories")["stocktake_id"]

    def tell(counted: int) -> None:
        form = {"stocktake_id": count, "product_id": till.charger, "counted": counted}
        shop.do("stocktakes.count", form, role=Role.SUPERVISOR)
        shop.do("stocktakes.submit", role=Role.SUPERVISOR, stocktake_id=count)

    def again() -> None:
        shop.do("stocktakes.reopen", role=Role.SUPERVISOR, stocktake_id=count)
        tell(0)

    for imei in IMEIS:
        shop.do("stocktakes.scan", role=Role.SUPERVISOR, stocktake_id=count, number=imei)
    tell(97)
    with pytest.raises(FiguresChanged, match="Put the question again"):
        by_phone(till, "stocktakes.approve", {"stocktake_id": count}, Role.SUPERVISOR, again)
