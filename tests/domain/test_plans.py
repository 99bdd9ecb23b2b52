"""Layaway, instalments and reservations: goods kept or gone, money owed until they are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid
from shopnode.domain.handsets.errors import HeldForPlan
from shopnode.domain.handsets.models import StockUnit, UnitEvent
from shopnode.domain.permissions import Role
from shopnode.domain.plans.actions import PlanEnded
from shopnode.domain.plans.keeping import kept_pieces
from shopnode.domain.plans.models import Plan, PlanStatus
from shopnode.domain.plans.queries import deposits_owed, list_plans, plan_view
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.sales.models import Payment, SaleLine, SaleSummary
from shopnode.domain.stock.queries import on_hand
from tests.domain.test_accounts import days_later, has
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def nakato(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    return made


def plan(till: Till, who: str, kind: str = "layaway", deposit: int = 128_000, **more: Any) -> dict[str, Any]:
    """The phone of 640,000 for a fifth of it."""
    payments = [{"method": "cash", "amount": deposit}] if deposit else []
    form = {
        "kind": kind, "customer_id": who, "items": [{"device_id": till.units[0]}], "payments": payments,
        "role": Role.STAFF, **more,
    }  # fmt: skip
    return till.shop.perform("plans.open", **form).result


def pay(till: Till, plan_id: str, amount: int, **more: Any) -> dict[str, Any]:
    form = {"plan_id": plan_id, "method": "cash", "amount": amount, "role": Role.STAFF, **more}
    return till.shop.perform("plans.pay", **form).result


def owed(till: Till) -> int:
    with till.shop.reading() as ctx:
        return deposits_owed(ctx.session).owed_minor


def test_rule_24_a_phone_of_a_plan_is_sold_to_nobody_else(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    unit = till.shop.row(StockUnit, till.units[0])
    assert (unit.status, unit.held_for) == ("reserved", made["plan_id"])
    with pytest.raises(UnitNotForSale):
        till.sell({"device_id": till.units[0]})
    with pytest.raises(UnitNotForSale):
        plan(till, nakato)
    assert [event.about_id for event in till.shop.rows(UnitEvent)] == [made["plan_id"]]


def test_rule_45_a_layaway_asks_for_its_deposit(till: Till, nakato: str) -> None:
    with pytest.raises(ApprovalNeeded, match="The deposit is 127,999; 128,000 is asked for"):
        plan(till, nakato, deposit=127_999)
    made = plan(till, nakato, deposit=1_000, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert (made["paid"], made["open"]) == (1_000, 639_000)


def test_rule_45_a_layaway_is_paid_bit_by_bit_and_becomes_one_sale(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    with till.shop.reading() as ctx:
        assert plan_view(ctx, made["plan_id"]).row.keep_until == date(2026, 12, 20)
    done = pay(till, made["plan_id"], 500_000)
    assert done["open"] == 12_000
    with pytest.raises(Invalid) as refusal:
        pay(till, made["plan_id"], 12_001)
    assert set(refusal.value.fields) == {"amount"}
    with pytest.raises(Invalid, match="12,000 is still to be paid"):
        till.shop.do("plans.complete", plan_id=made["plan_id"])

    last = [{"method": "cash", "amount": 15_000}]
    sold = till.shop.do("plans.complete", plan_id=made["plan_id"], payments=last, role=Role.STAFF)
    assert (sold["paid_before"], sold["change"]) == (628_000, 3_000)

    (sale,) = till.shop.rows(SaleSummary)
    assert (sale.sale_id, sale.total_minor, sale.paid_minor) == (sold["sale_id"], 640_000, 640_000)
    assert {row.method: row.amount_minor for row in till.shop.rows(Payment)} == {"plan": 628_000, "cash": 12_000}
    unit = till.shop.row(StockUnit, till.units[0])
    assert (unit.status, unit.held_for) == ("sold", None)
    row = till.shop.row(Plan, made["plan_id"])
    assert (row.status, row.sale_id) == ("completed", sold["sale_id"])
    with pytest.raises(PlanEnded):
        pay(till, made["plan_id"], 1)


def test_rule_45_the_agreed_price_holds_though_the_tag_rises(till: Till, nakato: str) -> None:
    made = plan(till, nakato, deposit=640_000)
    till.shop.do("products.update", product_id=till.phone, price_minor=900_000, floor_minor=890_000)
    till.shop.do("plans.complete", plan_id=made["plan_id"], role=Role.STAFF)
    (sale,) = till.shop.rows(SaleSummary)
    assert sale.total_minor == 640_000


def test_rule_25_a_plan_below_the_floor_needs_a_second_person_too(till: Till, nakato: str) -> None:
    items = [{"device_id": till.units[0], "unit_price": 500_000}]
    with pytest.raises(ApprovalNeeded):
        plan(till, nakato, items=items)


def test_rule_45_instalments_leave_at_once_and_are_due_by_their_days(till: Till, nakato: str) -> None:
    till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=600_000)
    made = plan(till, nakato, "instalment", 140_000, instalments=3, every_days=30)
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"
    charges = sorted((entry.due_on, entry.amount) for entry in till.shop.rows(AccountEntry))
    assert charges == [(date(2026, 10, 21), 166_667), (date(2026, 11, 20), 166_667), (date(2026, 12, 20), 166_666)]
    assert has(till.shop, nakato) == (500_000, 0, 0)
    assert {row.method: row.amount_minor for row in till.shop.rows(Payment)} == {
        "plan": 140_000, "on_account": 500_000,
    }  # fmt: skip
    assert till.shop.row(Plan, made["plan_id"]).status == "completed"
    till.shop.do("accounts.take_payment", customer_id=nakato, method="cash", amount=166_667)
    assert has(till.shop, nakato) == (333_333, 0, 0)


def test_rule_44_instalments_count_towards_the_limit(till: Till, nakato: str) -> None:
    with pytest.raises(ApprovalNeeded, match="no credit agreed"):
        plan(till, nakato, "instalment", 140_000, instalments=3)
    assert till.shop.rows(Plan) == []


def test_rule_45_the_days_of_a_plan_come_to_what_is_left(till: Till, nakato: str) -> None:
    for dues, word in (([("2026-10-01", 1)], "come to"), ([("2020-01-01", 512_000)], "passed"), ([], "are needed")):
        with pytest.raises(Invalid, match=word) as refusal:
            parts = [{"due_on": day, "amount": amount} for day, amount in dues]
            plan(till, nakato, "instalment", dues=parts)
        assert set(refusal.value.fields) == {"dues"}


def test_a_cashier_cannot_name_another_plan_for_its_days(till: Till, nakato: str) -> None:
    till.shop.do("accounts.set_credit", customer_id=nakato, credit_limit=10**6)
    made = plan(till, nakato, "instalment", 140_000, instalments=3)
    pay_by = [{"method": "on_account", "amount": 5_000, "about_id": made["plan_id"]}]
    with pytest.raises(Invalid, match="names a plan"):
        till.sell(pay=pay_by, customer_id=nakato)


def test_rule_46_deposits_are_owed_until_the_goods_leave(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    assert owed(till) == 128_000
    pay(till, made["plan_id"], 512_000)
    assert owed(till) == 640_000
    till.shop.do("plans.complete", plan_id=made["plan_id"])
    assert owed(till) == 0


def test_rule_45_who_gives_up_loses_the_agreed_part(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    till.shop.do("settings.change", key="plan_forfeit_bp", value=9_999)  # agreed is what was agreed
    form = {"plan_id": made["plan_id"], "reason": "moved away"}
    with pytest.raises(ApprovalNeeded, match="12,800 is kept"):
        till.shop.do("plans.forfeit", form, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    done = till.shop.perform("plans.forfeit", form, role=Role.STAFF, approval=approval).result
    assert (done["kept"], done["to_store_credit"]) == (12_800, 115_200)
    assert (has(till.shop, nakato), owed(till)) == ((0, 115_200, 0), 0)
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"
    till.sell({"device_id": till.units[0]})


def test_rule_46_a_plan_is_called_off_with_a_second_person_and_all_goes_back(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    form = {"plan_id": made["plan_id"], "reason": "we broke it"}
    with pytest.raises(ApprovalNeeded):
        till.shop.do("plans.cancel", form, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    done = till.shop.perform("plans.cancel", form, role=Role.STAFF, approval=approval, method="cash").result
    assert done["given_back"] == 128_000
    assert sum(row.amount_minor for row in till.shop.rows(MoneyMove)) == 0
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"

    other = plan(till, nakato)
    done = till.shop.do("plans.cancel", plan_id=other["plan_id"], reason="we broke it")
    assert (done["to_store_credit"], has(till.shop, nakato)) == (128_000, (0, 128_000, 0))


def test_a_reservation_needs_no_money_and_passes_with_its_day(till: Till, nakato: str) -> None:
    made = plan(till, nakato, "reservation", 0)
    days_later(till, 8)
    with till.shop.reading() as ctx:
        (row,) = list_plans(ctx, passed=True).rows
    assert (row.id, row.has_passed, row.open_minor, row.customer) == (made["plan_id"], True, 640_000, "Nakato Prossy")
    till.shop.do("plans.forfeit", plan_id=made["plan_id"], reason="never came")
    with till.shop.reading() as ctx:
        assert list_plans(ctx, passed=True).rows == []
        assert [row.id for row in list_plans(ctx, status=PlanStatus.FORFEITED).rows] == [made["plan_id"]]


def test_a_plan_may_hold_what_is_counted_by_quantity(till: Till, nakato: str) -> None:
    items = [{"product_id": till.glass, "quantity": 3}, {"product_id": till.phone, "imeis": ["004401231000130"]}]
    made = plan(till, nakato, deposit=655_000, items=items)
    with till.shop.reading() as ctx:
        view = plan_view(ctx, made["plan_id"])
    assert [(line.name, line.quantity, line.imei) for line in view.goods] == [
        ("Tempered glass", 3, None), ("Tecno Spark 40", 1, "004401231000130"),
    ]  # fmt: skip
    till.shop.do("plans.complete", plan_id=made["plan_id"])
    (sale,) = till.shop.rows(SaleSummary)
    assert sale.total_minor == 655_000


def test_undoing_the_sale_of_a_plan_gives_store_credit(till: Till, nakato: str) -> None:
    made = plan(till, nakato, deposit=640_000)
    sold = till.shop.do("plans.complete", plan_id=made["plan_id"])
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="broken", restock="inspect")
    assert has(till.shop, nakato) == (0, 640_000, 0)
    assert sum(row.amount_minor for row in till.shop.rows(Payment)) == 0


def test_another_shops_or_no_plan_is_not_found(till: Till) -> None:
    with pytest.raises(Exception, match="This plan was not found"):
        pay(till, till.units[0], 5)
    assert issubclass(PlanEnded, Conflict)


def test_a_phones_bundle_on_a_plan_leaves_with_all_its_parts(till: Till, nakato: str) -> None:
    kit = till.shop.do("products.create", name="Spark with glass", category="Phones", price_minor=650_000)["id"]
    parts = [{"product_id": till.phone}, {"product_id": till.glass, "quantity": 2}]
    till.shop.do("products.set_bundle", product_id=kit, parts=parts)
    made = plan(till, nakato, deposit=650_000, items=[{"product_id": kit, "imeis": [IMEIS[0]]}])
    sale_id = till.shop.do("plans.complete", plan_id=made["plan_id"], role=Role.STAFF)["sale_id"]
    (line,) = till.shop.rows(SaleLine, sale_id=sale_id)
    assert (line.product_id, line.unit_id, line.unit_price_minor) == (kit, till.units[0], 650_000)
    assert line.cost_minor == 563_000
    with till.shop.reading() as ctx:
        here = on_hand(ctx.session, till.shop.home.shop_id or "", [till.glass, till.phone])
    assert here == {till.glass: 8, till.phone: 1}


def test_what_is_no_longer_on_offer_is_handed_over_to_who_paid_for_it(till: Till, nakato: str) -> None:
    made = plan(till, nakato, deposit=645_000, items=[{"device_id": till.units[0]}, {"product_id": till.glass}])
    for product_id in (till.phone, till.glass):
        till.shop.do("products.archive", product_id=product_id)
    till.shop.do("plans.complete", plan_id=made["plan_id"], role=Role.STAFF)
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"
    with pytest.raises(Invalid, match="no longer sold"):
        till.sell({"product_id": till.glass})


def test_rule_24_pieces_of_a_plan_are_sold_to_others_with_a_second_person_alone(till: Till, nakato: str) -> None:
    kit = till.shop.do("products.create", name="Two glasses", category="Glass", price_minor=9_000)["id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.glass, "quantity": 2}])
    items = [{"product_id": till.glass, "quantity": 3}, {"product_id": kit, "quantity": 2}]
    made = plan(till, nakato, deposit=33_000, items=items)
    till.sell({"product_id": till.glass, "quantity": 2})
    till.sell({"product_id": till.glass})  # seven are left, and kept
    for item, price in (({"product_id": till.glass}, 5_000), ({"product_id": kit}, 9_000)):
        with pytest.raises(ApprovalNeeded, match="7 of the 7 “Tempered glass” here are kept for plan KLA1-L000001"):
            till.sell(item, pay=[{"method": "cash", "amount": price}])
    with pytest.raises(ApprovalNeeded, match="are kept for plan KLA1-L000001"):
        plan(till, nakato, kind="reservation", deposit=0, items=[{"product_id": till.glass}])
    till.sell({"product_id": till.glass}, approval=till.shop.approval_by(Role.SUPERVISOR))
    till.sell({"product_id": till.charger})  # none are here by the books, which then do not know
    till.shop.do("plans.complete", plan_id=made["plan_id"], role=Role.STAFF)
    with till.shop.reading() as ctx:
        assert on_hand(ctx.session, till.shop.home.shop_id or "", [till.glass]) == {till.glass: -1}
        assert kept_pieces(ctx.session, till.shop.home.shop_id or "") == {}


def test_rule_24_a_plans_phone_is_not_written_off_before_the_plan_is_ended(till: Till, nakato: str) -> None:
    made = plan(till, nakato)
    with pytest.raises(HeldForPlan):
        till.shop.do("handsets.write_off", unit_id=till.units[0], reason="fell down")
    till.shop.do("handsets.report_missing", unit_id=till.units[0], reason="not found")
    with pytest.raises(HeldForPlan):
        till.shop.do("handsets.change_status", unit_id=till.units[0], status="scrapped", reason="lost for good")
    till.shop.do("plans.cancel", plan_id=made["plan_id"], reason="the phone is lost", method="cash")
    till.shop.do("handsets.write_off", unit_id=till.units[0], reason="lost for good")
    assert till.shop.row(StockUnit, till.units[0]).status == "scrapped"
