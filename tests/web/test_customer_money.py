"""Customers' money on the office's screens: payments, store credit, statements, who owes."""

from __future__ import annotations

import pytest

from shopnode.domain.accounts.models import Account, AccountAllocation, AccountEntry
from tests.domain.till import Till, open_till
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def nakato(till: Till) -> str:
    """She owes 5,000 for a glass and 645,000 for a phone, due later."""
    made: str = till.shop.do("customers.create", name="Nakato Prossy", phone="0772 123 456")["id"]
    till.shop.do("accounts.set_credit", customer_id=made, credit_limit=900_000, credit_days=7)
    till.sell({"product_id": till.glass}, pay=[{"method": "on_account", "amount": 5_000}], customer_id=made)
    till.shop.clock.advance(60_000)
    pay = [{"method": "on_account", "amount": 640_000}]
    till.sell({"device_id": till.units[0]}, pay=pay, customer_id=made)
    return made


def charge(shop: Shop, number: str) -> str:
    (row,) = [row for row in shop.rows(AccountEntry) if row.number == number and row.account == Account.CREDIT]
    return row.id


def test_a_payment_goes_to_the_oldest_charge_first(aisha: Browser, till: Till, nakato: str) -> None:
    answer = aisha.post(f"/customers/{nakato}/payments", amount="10,000", method="cash")

    told = words(aisha.get(answer.headers["Location"]))
    assert "The payment is booked KLA1-M000001" in told
    paid = {row.charge_id: row.amount_minor for row in till.shop.rows(AccountAllocation)}
    assert paid == {charge(till.shop, "KLA1-000001"): 5_000, charge(till.shop, "KLA1-000002"): 5_000}


def test_a_payment_goes_where_it_was_ticked(aisha: Browser, till: Till, nakato: str) -> None:
    chosen = charge(till.shop, "KLA1-000002")
    assert chosen in aisha.get(f"/customers/{nakato}").get_data(as_text=True)

    aisha.post(f"/customers/{nakato}/payments", amount="10,000", method="cash", charge_id=chosen)

    assert {row.charge_id: row.amount_minor for row in till.shop.rows(AccountAllocation)} == {chosen: 10_000}


def test_a_payment_pressed_twice_is_taken_once(aisha: Browser, till: Till, nakato: str) -> None:
    form = {"amount": "10,000", "method": "cash", "action_id": action_id(aisha.get(f"/customers/{nakato}"))}
    for _ in range(2):
        assert aisha.post(f"/customers/{nakato}/payments", **form).status_code == 303
    assert len([row for row in till.shop.rows(AccountEntry) if row.kind == "payment"]) == 1


def test_a_refused_payment_keeps_what_was_ticked_and_typed(aisha: Browser, till: Till, nakato: str) -> None:
    chosen = charge(till.shop, "KLA1-000002")
    form = {"amount": "10,000", "method": "mtn_momo", "note": "by her brother", "charge_id": chosen}
    page = aisha.post(f"/customers/{nakato}/payments", **form)
    text = page.get_data(as_text=True)
    assert page.status_code == 422 and "needs the transaction id" in words(page)
    assert "by her brother" in text and f'value="{chosen}" checked' in text and '"10,000"' in text


def test_store_credit_is_paid_in_used_and_paid_out_with_a_second_person(
    aisha: Browser, till: Till, nakato: str
) -> None:
    here = f"/customers/{nakato}/account"
    assert aisha.post(here, deed="gift", amount="20,000", method="cash").status_code == 303
    assert aisha.post(here, deed="use", amount="5,000").status_code == 303
    assert "Store credit 15,000" in words(aisha.get(here)) and "Owes 640,000" in words(aisha.get(here))

    refused = aisha.post(here, deed="out", amount="15,000", method="cash", note="moved away")
    assert refused.status_code == 403 and "Somebody else must say yes" in words(refused)
    assert "moved away" in refused.get_data(as_text=True) and "Brian" in words(refused)
    wrong = {"approver_id": till.shop.supervisor.id, "approver_pin": "0000"}
    again = aisha.post(here, deed="out", amount="15,000", method="cash", note="moved away", **wrong)
    assert again.status_code == 403 and "Somebody else must say yes" in words(again)
    right = {**wrong, "approver_pin": PINS["Brian"]}
    assert aisha.post(here, deed="out", amount="15,000", method="cash", **right).status_code == 303

    assert "Store credit 0" in words(aisha.get(here))
    assert till.shop.entries()[-1].action == "accounts.pay_out_store_credit"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"deed": "gift", "amount": ""}, "Is needed, such as 15,000"), ({"deed": "steal", "amount": "1"}, "chosen"),
        ({"deed": "use", "amount": "5,000"}, "has 0 of store credit"), ({"deed": "gift", "amount": "-5"}, "5"),
    ],
)  # fmt: skip
def test_what_cannot_be_booked_is_said(
    aisha: Browser, till: Till, nakato: str, form: dict[str, str], said: str
) -> None:
    before = len(till.shop.rows(AccountEntry))

    answer = aisha.post(f"/customers/{nakato}/account", method="cash", **form)

    assert answer.status_code in (409, 422) and said in words(answer)
    assert len(till.shop.rows(AccountEntry)) == before


def test_a_correction_is_an_entry_with_a_reason_by_owners_only(
    sarah: Browser, brian: Browser, till: Till, nakato: str
) -> None:
    here, form = f"/customers/{nakato}/corrections", {"account": "credit", "way": "less", "amount": "40,000"}
    assert brian.post(here, **form, reason="by hand").status_code == 403
    missing = sarah.post(here, **form, reason="")
    assert missing.status_code == 422 and 'value="40,000"' in missing.get_data(as_text=True)

    assert sarah.post(here, **form, reason="counted twice").status_code == 303

    told = words(sarah.get(f"/customers/{nakato}/account?account=credit", htmx=True))
    assert "Corrected counted twice" in told and "-40,000" in told.replace("−", "-")


def test_a_statement_tells_how_it_came_and_goes_along_as_a_file(brian: Browser, till: Till, nakato: str) -> None:
    text = words(brian.get(f"/customers/{nakato}/statement"))
    assert "KLA1-000001" in text and "+5,000" in text and "+640,000" in text and "Not due yet 645,000" in text
    later = words(brian.get(f"/customers/{nakato}/statement?from=2026-09-22&to=2026-09-22"))
    assert "Owed before" in later and "645,000" in later and "KLA1-00000" not in later
    wrong = brian.get(f"/customers/{nakato}/statement?from=yesterday")
    assert (
        wrong.status_code == 200
        and "Is not a day such as" in words(wrong)
        and "yesterday" in wrong.get_data(as_text=True)
    )

    file = brian.get(f"/customers/{nakato}/statement?format=csv").get_data(as_text=True)

    assert "KLA1-000002" in file and till.shop.entries()[-1].action == "lists.export"


def test_who_owes_is_listed_with_the_age_of_the_debt(aisha: Browser, till: Till, nakato: str) -> None:
    text = words(aisha.get("/customers/owing"))
    assert "Nakato Prossy" in text and "645,000" in text and "Due within a week" in text
    assert "Nothing is overdue" in words(aisha.get("/customers/owing?state=overdue"))

    till.shop.clock.advance(40 * 86_400_000)
    aisha.sign_in("Aisha")

    late = words(aisha.get("/customers/owing?state=overdue", htmx=True))
    assert "Nakato Prossy" in late and "645,000 overdue since" in late
    assert "of it is overdue" in words(aisha.get(f"/customers/{nakato}"))


def test_who_owes_goes_along_as_a_file_for_those_who_may(aisha: Browser, brian: Browser, nakato: str) -> None:
    assert aisha.get("/customers/owing?format=csv").status_code == 403
    assert "Nakato Prossy" in brian.get("/customers/owing?format=csv").get_data(as_text=True)
