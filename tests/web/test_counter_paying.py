"""Ways to pay beyond money in the hand: rounding, accounts, points, financiers, dollars, and a code by telephone."""

from __future__ import annotations

import re

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.cash.models import ForeignCash
from shopnode.domain.financiers.models import FinancierEntry
from shopnode.domain.people.telephone import answer
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, Sale
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words
from tests.web.goods import Goods, begin_payment, stock_up


@pytest.fixture
def goods(shop: Shop) -> Goods:
    return stock_up(shop)


@pytest.fixture
def grace(shop: Shop) -> str:
    made: str = shop.do("customers.create", name="Grace Akello", phone="0772 123 456")["id"]
    return made


def tenders(shop: Shop) -> dict[str, int]:
    return {row.method: row.amount_minor for row in shop.rows(Payment)}


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no field {name}"
    return found.group(1)


def hand_over(browser: Browser, **tender: str) -> None:
    """A part of what is due."""
    browser.get("/sell/pay", htmx=True)
    browser.tap("/sell/tenders", **tender)


def charger(shop: Shop, price: int) -> str:
    made: str = shop.do("products.create", name="Odd price", category="Cables", price_minor=price, cost_minor=1)["id"]
    shop.do("stock.adjust", product_id=made, quantity=5, reason="opening count", kind="opening")
    return made


@pytest.mark.parametrize(("price", "cash", "line"), [(10_250, "10,500", "+250"), (10_200, "10,000", "−200")])
def test_rule_38_the_suggested_cash_is_rounded_and_the_rounding_is_its_own_line(
    aisha: Browser, shop: Shop, goods: Goods, price: int, cash: str, line: str
) -> None:
    shop.do("settings.change", key="cash_rounding_minor", value=500)
    aisha.tap("/sell/lines", product_id=charger(shop, price))
    shown = words(aisha.get("/sell/pay", htmx=True))
    assert f"To pay {cash}" in shown and f"Rounding of cash {line}".replace("−", "-") in shown.replace("−", "-")

    done = aisha.tap("/sell/complete", action_id=action_id(aisha.tap("/sell/tenders", method="cash")))

    assert "Sale saved" in words(done) and "No change" in words(done)
    paid = int(cash.replace(",", ""))
    assert tenders(shop) == {"cash": paid, "rounding": price - paid}


def test_rule_38_what_is_paid_by_card_is_exact(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("settings.change", key="cash_rounding_minor", value=500)
    aisha.tap("/sell/lines", product_id=charger(shop, 10_200))

    aisha.tap("/sell/complete", action_id=begin_payment(aisha, method="card"))

    assert tenders(shop) == {"card": 10_200}


def test_cash_after_another_tender_is_rounded_for_what_is_left(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("settings.change", key="cash_rounding_minor", value=500)
    aisha.tap("/sell/lines", product_id=charger(shop, 10_200))
    hand_over(aisha, method="mtn_momo", amount_minor="5111", reference="M1")
    aisha.tap("/sell/complete", action_id=action_id(aisha.tap("/sell/tenders", method="cash")))

    assert tenders(shop) == {"mtn_momo": 5_111, "cash": 5_000, "rounding": 89}


def test_rule_36_an_account_needs_its_customer_and_nothing_typed_is_lost(aisha: Browser, goods: Goods) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    aisha.get("/sell/pay", htmx=True)

    answer = aisha.tap("/sell/tenders", method="on_account", amount_minor="3000")

    assert answer.status_code == 422 and "Choose or add the customer first" in words(answer)
    assert 'value="3,000"' in answer.get_data(as_text=True)


def test_rule_36_what_a_sale_still_needs_is_said_as_a_sentence(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("settings.change", key="customer_above_minor", value=100_000)
    shop.do("products.update", product_id=goods.phone, warranty_days=365)
    aisha.tap("/sell/lines", unit_id=goods.units[0])

    refused = aisha.tap("/sell/complete", action_id=begin_payment(aisha))

    assert refused.status_code == 422 and "The customer is needed: “Tecno Spark 40” has a warranty" in words(refused)


def test_choosing_the_customer_while_paying_stays_at_the_payment(aisha: Browser, goods: Goods, grace: str) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    hand_over(aisha, method="cash", amount_minor="3000")

    text = words(aisha.tap("/sell/customer", customer_id=grace))

    assert "Still due 5,000" in text and "Grace Akello" in text


def test_rule_44_a_sale_on_account_is_owed_and_above_the_limit_a_second_person_decides(
    aisha: Browser, shop: Shop, goods: Goods, grace: str
) -> None:
    shop.do("accounts.set_credit", customer_id=grace, credit_limit=10_000)
    for _ in range(2):
        aisha.tap("/sell/lines", product_id=goods.cable)
        aisha.tap("/sell/customer", customer_id=grace)
        sale_id = begin_payment(aisha, method="on_account")
        last = aisha.tap("/sell/complete", action_id=sale_id)

    assert last.status_code == 403 and "more than the limit of 10,000" in words(last)
    assert [row.amount for row in shop.rows(AccountEntry)] == [8_000]
    approver = {"approver_id": shop.supervisor.id, "approver_pin": PINS["Brian"], "approval_reason": "pays tomorrow"}
    assert "Sale saved" in words(aisha.tap("/sell/complete", action_id=sale_id, **approver))
    assert [row.amount for row in shop.rows(AccountEntry)] == [8_000, 8_000]


def test_store_credit_pays_up_to_what_there_is(aisha: Browser, shop: Shop, goods: Goods, grace: str) -> None:
    shop.do("accounts.sell_store_credit", customer_id=grace, method="cash", amount=5_000)
    aisha.tap("/sell/lines", product_id=goods.cable)
    aisha.tap("/sell/customer", customer_id=grace)
    assert "Has 5,000" in words(aisha.get("/sell/pay", htmx=True))

    refused = aisha.tap("/sell/tenders", method="store_credit", amount_minor="6000")
    aisha.tap("/sell/tenders", method="store_credit", amount_minor="5000")
    aisha.tap("/sell/complete", action_id=action_id(aisha.tap("/sell/tenders", method="cash")))

    assert "more than the 5,000 of store credit" in words(refused)
    assert tenders(shop) == {"store_credit": 5_000, "cash": 3_000}


def test_points_pay_what_they_are_worth(aisha: Browser, shop: Shop, goods: Goods, grace: str) -> None:
    shop.do("settings.change", key="point_worth_minor", value=10)
    shop.do("accounts.correct", customer_id=grace, account="points", amount=300, reason="brought over")
    aisha.tap("/sell/lines", product_id=goods.cable)
    aisha.tap("/sell/customer", customer_id=grace)
    assert "300 points, worth 3,000" in words(aisha.get("/sell/pay", htmx=True))

    aisha.tap("/sell/tenders", method="points", amount_minor="3000")
    aisha.tap("/sell/complete", action_id=action_id(aisha.tap("/sell/tenders", method="cash")))

    assert tenders(shop) == {"points": 3_000, "cash": 5_000}


def test_rule_48_a_financed_phone_is_owed_by_its_financier(
    aisha: Browser, shop: Shop, goods: Goods, grace: str
) -> None:
    firm = shop.do("financiers.create", name="Watu")["id"]
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    aisha.tap("/sell/customer", customer_id=grace)
    hand_over(aisha, method="cash", amount_minor="100000")
    unnamed = aisha.tap("/sell/tenders", method="financed", about_id="", amount_minor="540000")
    asked = aisha.tap("/sell/tenders", method="financed", about_id=firm, amount_minor="540000", reference=" ")
    last = aisha.tap("/sell/tenders", method="financed", about_id=firm, amount_minor="540000", reference="W-77")
    aisha.tap("/sell/complete", action_id=action_id(last))

    assert unnamed.status_code == 422 and "Choose who finances it" in words(unnamed)
    assert asked.status_code == 422 and "Needs the number of the contract" in words(asked)
    assert "Watu" in words(last)
    (entry,) = shop.rows(FinancierEntry)
    assert (entry.amount_minor, entry.reference) == (540_000, "W77")


def test_financing_is_offered_for_a_phone_alone(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("financiers.create", name="Watu")
    aisha.tap("/sell/lines", product_id=goods.cable)
    assert "Financed" not in words(aisha.get("/sell/pay", htmx=True))


def test_rule_49_dollars_are_worth_todays_rate_and_change_is_in_shillings(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:
    aisha.tap("/sell/lines", product_id=goods.cable)
    assert "US dollars" not in words(aisha.get("/sell/pay", htmx=True))
    shop.do("settings.change", key="usd_rate_minor", value=3_700)
    assert "US dollars" in words(aisha.get("/sell/pay", htmx=True))

    last = aisha.tap("/sell/tenders", method="usd", dollars="300")
    aisha.tap("/sell/complete", action_id=action_id(last))

    assert "Change 3,100" in words(last)
    (notes,) = shop.rows(ForeignCash)
    assert (notes.amount_minor, notes.worth_minor) == (300, 11_100)


def dear_discount(aisha: Browser, goods: Goods) -> str:
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    aisha.tap("/sell/discount", discount_minor="50000", reason="old customer")
    return begin_payment(aisha, method="cash", amount_minor="590000")


def test_the_owner_approves_by_telephone(aisha: Browser, shop: Shop, goods: Goods) -> None:
    shop.do("approvals.set_up_phone")
    sale_id = dear_discount(aisha, goods)
    assert "Ask the owner by telephone" in words(aisha.tap("/sell/complete", action_id=sale_id))

    asked = aisha.tap("/sell/complete", action_id=sale_id, ask_phone="1", approval_reason="bargain")
    html = asked.get_data(as_text=True)
    assert asked.headers["HX-Retarget"] == "#sheet" and "590,000" in words(asked) and "NEW" in words(asked)
    carried = {name: hidden(html, name) for name in ("phone_challenge", "phone_amount", "phone_document")}
    told = {"challenge": carried["phone_challenge"], "action": "sales.sell", "amount": 590_000, "document": "NEW"}
    with shop.reading(Role.OWNER) as ctx:
        code = answer(ctx, None, told)

    form = {"action_id": sale_id, "approval_reason": "bargain", **carried}
    wrong = aisha.tap("/sell/complete", phone_code="00000000" if code != "00000000" else "1", **form)
    assert wrong.status_code == 403 and "code is not right" in words(wrong)
    assert hidden(wrong.get_data(as_text=True), "phone_challenge") == carried["phone_challenge"]
    assert shop.rows(Sale) == []
    assert "Sale saved" in words(aisha.tap("/sell/complete", phone_code=code, **form))
    assert shop.owner.id in shop.entries()[-1].body


def test_rule_25_below_cost_the_reason_is_asked_for_beside_its_field(
    aisha: Browser, shop: Shop, goods: Goods
) -> None:  # fmt: skip
    shop.do("approvals.set_up_phone")
    aisha.tap("/sell/lines", product_id=goods.cable)
    aisha.tap("/sell/discount", discount_minor="7000", reason="")
    sale_id = begin_payment(aisha, method="cash", amount_minor="1000")
    aisha.tap("/sell/complete", action_id=sale_id)
    sarah = {"approver_id": shop.owner.id, "approver_pin": PINS["Sarah"]}
    unsaid = aisha.tap("/sell/complete", action_id=sale_id, approval_reason="", **sarah)
    assert "Is needed: say why “USB-C cable” is sold for less than it cost." in words(unsaid)
    assert 'name="approval_reason"' in unsaid.get_data(as_text=True) and shop.rows(Sale) == []
    assert "Sale saved" in words(aisha.tap("/sell/complete", action_id=sale_id, approval_reason="torn box", **sarah))
    assert "torn box" in (shop.rows(Sale)[0].notes or "")


def test_no_telephone_is_offered_where_no_owner_set_one_up(aisha: Browser, goods: Goods) -> None:
    assert "by telephone" not in words(aisha.tap("/sell/complete", action_id=dear_discount(aisha, goods)))
