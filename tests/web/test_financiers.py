"""Financiers on the office's screens, plans as the office sees them, and who took which list out."""

from __future__ import annotations

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.plans.models import Plan
from tests.domain.till import Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def watu(sarah: Browser, till: Till) -> str:
    """The page of a firm that financed two phones for 440,000 each."""
    address = sarah.post("/financiers", name="Watu", agreement="KLA-17").headers["Location"]
    firm, who = address.rpartition("/")[2], till.shop.do("customers.create", name="Nakato Prossy")["id"]
    for number, unit in enumerate(till.units):
        pay = [{"method": "cash", "amount": 200_000},
               {"method": "financed", "amount": 440_000, "about_id": firm, "reference": f"W-{number}"}]  # fmt: skip
        till.sell({"device_id": unit}, pay=pay, customer_id=who)
    return address


def numbers(till: Till) -> list[str]:
    return sorted({row.imei for row in till.shop.rows(FinancierEntry) if row.imei})


def test_what_a_firm_owes_is_told_phone_by_phone(sarah: Browser, till: Till, watu: str) -> None:
    assert "Watu KLA-17 2 880,000" in words(sarah.get("/financiers"))
    told = words(sarah.get(watu))
    assert all(number in told for number in numbers(till))
    assert "Nakato Prossy" in told and "contract W0" in told and "KLA1-000001" in told


def test_a_payout_pays_the_ticked_phone_and_what_is_missing_stays_open(sarah: Browser, till: Till, watu: str) -> None:
    _, second = numbers(till)
    answer = sarah.post(f"{watu}/settlements", amount="400,000", method="bank", reference="TT-1", imeis=second)

    told = words(sarah.get(answer.headers["Location"]))
    assert "The payout is booked" in told and "480,000" in told and "40,000" in told
    paid = {row.imei: row.amount_minor for row in till.shop.rows(FinancierEntry) if row.kind == "settlement"}
    assert paid == {second: -400_000}


def test_a_refused_payout_keeps_what_was_ticked_and_typed(sarah: Browser, till: Till, watu: str) -> None:
    chosen = numbers(till)[0]
    answer = sarah.post(f"{watu}/settlements", amount="a lot", method="bank", note="for May", imeis=chosen)

    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "for May" in text and "a lot" in text and f'value="{chosen}" checked' in text
    gone = sarah.post(f"{watu}/settlements", amount="1,000", method="bank", imeis="999")
    assert gone.status_code == 422 and "owes nothing for 999" in words(gone)


def test_what_they_will_not_pay_is_written_off_or_owed_by_the_customer(sarah: Browser, till: Till, watu: str) -> None:
    first, second = numbers(till)
    form = {"imei": first, "amount": "40,000", "reason": "fee they kept"}
    too_much = sarah.post(f"{watu}/chargebacks", **{**form, "amount": "900,000"})
    assert too_much.status_code == 422 and "is more than" in words(too_much).lower()
    assert sarah.post(f"{watu}/chargebacks", **form).status_code == 303
    assert till.shop.rows(AccountEntry) == []

    sarah.post(f"{watu}/chargebacks", imei=second, amount="440,000", reason="contract ended", charge_customer="true")

    assert "400,000" in words(sarah.get(watu))
    assert [row.amount for row in till.shop.rows(AccountEntry)] == [440_000]


def test_a_firm_is_changed_and_taken_off_the_list_but_still_pays(sarah: Browser, till: Till, watu: str) -> None:
    assert sarah.post("/financiers", name="watu").status_code == 409
    sarah.post(watu, name="Watu Credit", agreement="", notes="")
    sarah.post(f"{watu}/archive")

    told = words(sarah.get("/financiers"))
    assert "Watu Credit Off the list" in told and "880,000" in told
    assert [row.agreement for row in till.shop.rows(Financier)] == [None]
    assert "Watu Credit" in sarah.get("/financiers?format=csv").get_data(as_text=True)


def test_financiers_are_for_owners(brian: Browser, aisha: Browser, watu: str) -> None:
    for who in (brian, aisha):
        assert who.get("/financiers").status_code == 403 and who.get(watu).status_code == 403


# --- plans


@pytest.fixture
def plan(till: Till) -> str:
    who = till.shop.do("customers.create", name="Okello James", phone="0772 123 456")["id"]
    form = {"kind": "layaway", "customer_id": who, "items": [{"device_id": till.units[0]}],
            "payments": [{"method": "cash", "amount": 200_000}]}  # fmt: skip
    return str(till.shop.do("plans.open", form)["plan_id"])


def test_plans_are_listed_with_what_is_left_and_whose_day_has_gone_by(
    aisha: Browser, brian: Browser, till: Till, plan: str
) -> None:
    assert "KLA1-L000001" in words(aisha.get("/plans")) and "440,000" in words(aisha.get("/plans"))
    assert "No plans here" in words(aisha.get("/plans?state=passed", htmx=True))
    assert "owed to customers" not in words(aisha.get("/plans")) and "200,000" in words(brian.get("/plans"))
    assert "Okello James" in brian.get("/plans?format=csv").get_data(as_text=True)

    till.shop.clock.advance(200 * 86_400_000)
    aisha.sign_in("Aisha")

    assert "Day gone by" in words(aisha.get("/plans?state=passed"))
    told = words(aisha.get(f"/plans/{plan}"))
    assert "Late" in told and "Left to pay UGX 440,000" in told and "Okello James" in told


def test_an_open_plan_stands_on_its_customers_page(aisha: Browser, till: Till, plan: str) -> None:
    who = till.shop.row(Plan, plan).customer_id
    assert "KLA1-L000001" in words(aisha.get(f"/customers/{who}"))


# --- who took what


def test_who_took_a_list_out_is_told_by_name_and_never_what_was_typed(
    sarah: Browser, brian: Browser, aisha: Browser, shop: Shop
) -> None:
    shop.do("customers.create", name="Nakato Prossy")
    brian.get("/customers?q=nakato&format=csv")
    brian.get("/customers/owing?format=xlsx")

    told = words(sarah.get("/exports"))

    assert "Customers Brian" in told and "CSV" in told and "Customers owing Brian" in told and "XLSX" in told
    assert "nakato" not in told.lower() and "(typed)" in told
    assert brian.get("/exports").status_code == 403 and aisha.get("/exports").status_code == 403
