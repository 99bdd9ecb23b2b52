"""Financed sales: what a firm owes is known phone by phone (rule 48)."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.financiers.actions import AlreadyFinancier
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.financiers.queries import financier_entries, financier_view, list_financiers
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment
from tests.domain.test_accounts import days_later, has
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def nakato(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Nakato Prossy")["id"]
    return made


@pytest.fixture
def watu(till: Till) -> str:
    made: str = till.shop.do("financiers.create", name="Watu", agreement="KLA-77")["id"]
    return made


def finance(till: Till, who: str | None, firm: str | None, *, both: bool = False) -> dict[str, Any]:
    """A phone (or both) for 100,000 cash and the rest from the financier."""
    items = [{"device_id": unit} for unit in (till.units if both else till.units[:1])]
    rest = 640_000 * len(items) - 100_000
    pay = [
        {"method": "cash", "amount": 100_000},
        {"method": "financed", "amount": rest, "about_id": firm, "reference": "w-123"},
    ]
    return till.sell(*items, pay=pay, customer_id=who).result


def owes(till: Till, firm: str) -> int:
    with till.shop.reading() as ctx:
        return financier_view(ctx, firm).owes_minor


def test_rule_48_a_financed_sale_is_a_receivable_by_imei(till: Till, nakato: str, watu: str) -> None:
    sold = finance(till, nakato, watu, both=True)
    with till.shop.reading() as ctx:
        (view,) = list_financiers(ctx)
        entries = financier_entries(ctx, watu, limit=1)
    assert {item.imei: item.open_minor for item in view.phones} == dict.fromkeys(IMEIS, 590_000)
    assert {(item.sale_id, item.reference) for item in view.phones} == {(sold["sale_id"], "W123")}
    assert (view.owes_minor, entries.next_cursor is not None) == (1_180_000, True)
    assert len(till.shop.changes("financier_entry")) == 2


def test_rule_36_a_financed_sale_needs_customer_financier_and_phone(till: Till, nakato: str, watu: str) -> None:
    with pytest.raises(Invalid) as refusal:
        finance(till, None, watu)
    assert set(refusal.value.fields) == {"customer_id"}
    for firm in (None, nakato):
        with pytest.raises(Invalid, match="needs its financier"):
            finance(till, nakato, firm)
    pay = {"method": "financed", "amount": 5_000, "about_id": watu}
    with pytest.raises(Invalid, match="needs a phone on the ticket"):
        till.sell(pay=[{**pay, "reference": "W9"}], customer_id=nakato)
    till.shop.do("financiers.archive", financier_id=watu)
    with pytest.raises(Invalid, match="needs its financier"):
        finance(till, nakato, watu)


def test_rule_48_a_financed_phone_needs_the_number_of_its_contract(till: Till, nakato: str, watu: str) -> None:
    pay = {"method": "financed", "amount": 640_000, "about_id": watu}
    for odd in ({}, {"reference": "  "}):
        with pytest.raises(Invalid) as refusal:
            till.sell({"device_id": till.units[0]}, pay=[{**pay, **odd}], customer_id=nakato)
        assert "number of the contract" in refusal.value.fields["payments.0.reference"]
    till.sell({"device_id": till.units[0]}, pay=[{**pay, "reference": "W-1"}], customer_id=nakato)
    assert till.shop.rows(FinancierEntry)[0].reference == "W1"


def test_a_settlement_pays_the_phones_named_then_the_oldest(till: Till, nakato: str, watu: str) -> None:
    finance(till, nakato, watu, both=True)
    form = {"financier_id": watu, "method": "bank", "amount": 600_000, "reference": "B1", "imeis": [IMEIS[1]]}
    done = till.shop.do("financiers.settle", form)
    assert done["phones"] == [{"imei": IMEIS[1], "amount": 590_000}, {"imei": IMEIS[0], "amount": 10_000}]
    assert owes(till, watu) == 580_000
    with pytest.raises(Invalid, match="owes nothing for"):
        till.shop.do("financiers.settle", {**form, "reference": "B2"})
    done = till.shop.do("financiers.settle", financier_id=watu, method="bank", amount=600_000, reference="B3")
    assert (done["paid_ahead"], owes(till, watu)) == (20_000, -20_000)


def test_what_a_financier_takes_back_may_be_the_customers_debt(till: Till, nakato: str, watu: str) -> None:
    finance(till, nakato, watu)
    form = {"financier_id": watu, "imei": IMEIS[0], "reason": "contract refused"}
    with pytest.raises(Invalid) as refusal:
        till.shop.do("financiers.charge_back", form, amount=540_001)
    assert set(refusal.value.fields) == {"amount"}
    till.shop.do("financiers.charge_back", form, amount=40_000)
    assert (owes(till, watu), has(till.shop, nakato)) == (500_000, (0, 0, 0))
    till.shop.do("financiers.charge_back", form, amount=500_000, charge_customer=True)
    assert (owes(till, watu), has(till.shop, nakato)) == (0, (500_000, 0, 0))


def test_a_financed_phone_that_comes_back_is_owed_no_more(till: Till, nakato: str, watu: str) -> None:
    sold = finance(till, nakato, watu)
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="came back", restock="inspect")
    assert owes(till, watu) == 0
    assert sum(row.amount_minor for row in till.shop.rows(Payment)) == 0


def test_a_phone_that_was_charged_back_and_comes_back_is_nobodys_debt(till: Till, nakato: str, watu: str) -> None:
    sold = finance(till, nakato, watu)
    form = {"financier_id": watu, "imei": IMEIS[0], "reason": "contract refused", "charge_customer": True}
    till.shop.do("financiers.charge_back", form, amount=500_000)
    till.shop.do("accounts.take_payment", customer_id=nakato, method="cash", amount=70_000)
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="came back", restock="inspect")
    assert (owes(till, watu), has(till.shop, nakato)) == (0, (0, 70_000, 0))


def test_a_phone_that_was_settled_and_comes_back_is_owed_to_the_financier(till: Till, nakato: str, watu: str) -> None:
    sold = finance(till, nakato, watu)
    till.shop.do("financiers.settle", financier_id=watu, method="bank", amount=540_000, reference="B1")
    till.shop.do("sales.void", sale_id=sold["sale_id"], reason="came back", restock="inspect")
    assert owes(till, watu) == -540_000


def test_what_a_financier_owes_grows_old(till: Till, nakato: str, watu: str) -> None:
    finance(till, nakato, watu)
    days_later(till, 45)
    with till.shop.reading() as ctx:
        assert financier_view(ctx, watu).ageing.days_60_minor == 540_000


def test_a_firm_is_listed_once_and_changed_by_the_owner_alone(till: Till, watu: str) -> None:
    with pytest.raises(AlreadyFinancier):
        till.shop.do("financiers.create", name="WATU")
    till.shop.do("financiers.update", financier_id=watu, name="Watu Credit", notes="pays on Fridays")
    assert till.shop.row(Financier, watu).name == "Watu Credit"
    with pytest.raises(Invalid):
        till.shop.do("financiers.update", financier_id=watu, name=None)
    for role in (Role.STAFF, Role.SUPERVISOR):
        with pytest.raises(NotPermitted):
            till.shop.do("financiers.archive", financier_id=watu, role=role)
    till.shop.do("financiers.archive", financier_id=watu)
    with till.shop.reading() as ctx:
        assert (list_financiers(ctx), len(list_financiers(ctx, archived=True))) == ([], 1)
    assert till.shop.rows(FinancierEntry) == []


def test_the_list_is_kept_in_the_portal_too(anywhere: Shop) -> None:
    made = anywhere.do("financiers.create", name="M-KOPA")
    anywhere.do("financiers.update", financier_id=made["id"], agreement="MK-9")
    assert anywhere.row(Financier, made["id"]).agreement == "MK-9"
