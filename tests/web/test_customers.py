"""Customers on the office's screens: found while typing, what they owe, and taking what they pay."""

from __future__ import annotations

import re

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.web.office import customer_money
from tests.domain.till import Till, open_till
from tests.shop import Shop
from tests.web.conftest import Browser, words


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def nakato(till: Till) -> str:
    made: str = till.shop.do("customers.create", name="Nakato <Prossy>", phone="0772 123 456")["id"]
    till.shop.do("accounts.set_credit", customer_id=made, credit_limit=900_000)
    pay = [{"method": "on_account", "amount": 645_000}]
    till.sell({"device_id": till.units[0]}, {"product_id": till.glass}, pay=pay, customer_id=made)
    return made


def test_customers_are_found_while_typing(aisha: Browser, till: Till, nakato: str) -> None:
    till.shop.do("customers.create", name="Okello James")
    listed = words(aisha.get("/customers"))
    assert "Nakato &lt;Prossy&gt;" in listed and "0772 123456" in listed and "645,000" in listed and "Okello" in listed
    found = words(aisha.get("/customers?q=3456"))
    assert "Nakato" in found and "Okello" not in found
    assert "Nobody fits" in words(aisha.get("/customers?q=nobody"))


def test_a_customers_page_tells_what_they_owe_and_have(aisha: Browser, nakato: str) -> None:
    page = aisha.get(f"/customers/{nakato}")
    text = words(page)
    for said in ("Nakato &lt;Prossy&gt;", "MTN", "645,000", "900,000", "KLA1-000001", "Tecno Spark 40"):
        assert said in text
    assert "<Prossy>" not in page.get_data(as_text=True)


def test_a_payment_is_taken_and_told_in_the_statement(aisha: Browser, till: Till, nakato: str) -> None:
    answer = aisha.post(f"/customers/{nakato}/payments", amount="45,000", method="cash", reference="")
    assert answer.status_code == 303
    text = words(aisha.get(answer.headers["Location"]))
    assert "600,000" in text and "KLA1-M000001" in text


def test_a_wrong_payment_is_said_beside_its_field(aisha: Browser, till: Till, nakato: str) -> None:
    answer = aisha.post(f"/customers/{nakato}/payments", amount="45,000", method="mtn_momo", reference="")
    assert answer.status_code == 422 and "needs the transaction id" in words(answer)
    assert len(till.shop.rows(AccountEntry)) == 1


def test_more_purchases_come_page_by_page(aisha: Browser, till: Till, nakato: str) -> None:
    for _ in range(11):
        till.shop.clock.advance(1_000)
        till.sell({"product_id": till.charger}, customer_id=nakato)
    page = aisha.get(f"/customers/{nakato}").get_data(as_text=True)
    (more,) = re.findall(r'hx-get="(/customers/[^"]+/purchases[^"]+)"', page)
    rest = words(aisha.get(more.replace("&amp;", "&"), htmx=True))
    assert re.findall(r"KLA1-0000\d\d", rest) == ["KLA1-000002", "KLA1-000001"]


def test_a_duplicate_shows_the_one_who_is_kept(sarah: Browser, till: Till, nakato: str) -> None:
    twin = till.shop.do("customers.create", name="N. Prossy")["id"]
    till.shop.do("customers.merge", duplicate_id=twin, into_id=nakato)
    assert "Nakato &lt;Prossy&gt;" in words(sarah.get(f"/customers/{twin}"))


def test_a_statement_says_how_many_entries_it_does_not_list_and_its_file_has_all(
    sarah: Browser, till: Till, nakato: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        till.shop.do("accounts.correct", customer_id=nakato, account="credit", amount=1_000 + n, reason="an old debt")
        till.shop.clock.advance(1_000)
    monkeypatch.setattr(customer_money.statement, "__defaults__", (None, None, 1))
    seen = words(sarah.get(f"/customers/{nakato}/statement"))
    assert "the first 3 are summed up in “Owed before”" in seen and "648,003" in seen and "+1,001" not in seen
    file = sarah.get(f"/customers/{nakato}/statement?format=csv").get_data(as_text=True)
    assert file.count("an old debt") == 3 and "with" not in file.splitlines()[1]
