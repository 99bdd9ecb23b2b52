"""The owner answers a counter that calls, and the code does at the counter what it says."""

from __future__ import annotations

import re

from shopnode.domain.people.models import PhoneApprover
from shopnode.domain.people.telephone_rules import Question, answer_for
from tests.hub.world import Node
from tests.shop import Shop
from tests.web.conftest import Browser, Owner, words
from tests.web.goods import begin_payment, stock_up


def asked_at_the_counter(aisha: Browser, sale_id: str) -> dict[str, str]:
    html = aisha.tap("/sell/complete", action_id=sale_id, ask_phone="1").get_data(as_text=True)
    found = dict(re.findall(r'name="phone_(challenge|amount|document)" value="([^"]+)"', html))
    assert set(found) == {"challenge", "amount", "document"}
    return found


def test_a_code_read_back_lets_the_sale_through(aisha: Browser, sarah: Browser, shop: Shop) -> None:
    goods = stock_up(shop)
    assert "No shop may call you yet" in words(sarah.get("/approvals"))
    assert sarah.post("/approvals/set-up", shop_id=shop.home.shop_id or "").status_code == 303
    assert "May call" in words(sarah.get("/approvals"))
    aisha.tap("/sell/lines", unit_id=goods.units[0])
    aisha.tap("/sell/discount", discount_minor="50000")
    sale_id = begin_payment(aisha)
    asked = asked_at_the_counter(aisha, sale_id)

    told = {**asked, "action": "sales.sell", "shop_id": shop.home.shop_id or ""}
    shown = sarah.post("/approvals", **told).get_data(as_text=True)
    code = re.search(r'<b class="mono">(\d{4}) (\d{4})</b>', shown)

    assert code
    typed = {f"phone_{name}": value for name, value in asked.items()}
    wrong_amount = sarah.post("/approvals", **{**told, "amount": "580000"}).get_data(as_text=True)
    assert code.group(0) not in wrong_amount
    done = aisha.tap("/sell/complete", action_id=sale_id, phone_code=f"{code.group(1)} {code.group(2)}", **typed)
    assert "Sale saved" in words(done)


def test_what_cannot_be_a_question_is_said_in_place(sarah: Browser, shop: Shop) -> None:
    sarah.post("/approvals/set-up", shop_id=shop.home.shop_id or "")
    wrong = sarah.post("/approvals", challenge="abc", action="sales.sell", amount="5000", document="NEW")
    assert wrong.status_code == 422 and "8 letters and digits" in words(wrong) and 'value="abc"' in wrong.text
    nothing = sarah.post("/approvals", challenge="7K2MP0QX", action="sales.sell", amount="5000", document="")
    assert nothing.status_code == 422 and "the counter reads it out" in words(nothing)


def test_a_shop_that_was_removed_gets_no_code(sarah: Browser, shop: Shop) -> None:
    sarah.post("/approvals/set-up", shop_id=shop.home.shop_id or "")
    sarah.post("/approvals/remove", shop_id=shop.home.shop_id or "")
    refused = sarah.post("/approvals", challenge="7K2MP0QX", action="sales.sell", amount="5000", document="NEW")
    assert refused.status_code == 404 and "Your telephone for this shop" in words(refused)


def test_only_the_owner_answers(aisha: Browser, brian: Browser) -> None:
    assert aisha.get("/approvals").status_code == brian.get("/approvals").status_code == 403


def test_the_owner_answers_in_the_portal_what_a_shop_reads_out(owner: Owner, joined: Node) -> None:
    """Set up in the portal, known to the shop with the next exchange; both ends then need no network."""
    shop_id = joined.home.shop_id or ""
    assert owner.post("/approvals/set-up", shop_id=shop_id).status_code == 303
    told = {"challenge": "7K2MP0QX", "action": "sales.sell", "amount": "540000", "document": "NEW", "shop_id": shop_id}
    shown = owner.post("/approvals", **told).get_data(as_text=True)
    assert re.search(r'<b class="mono">\d{4} \d{4}</b>', shown)
    joined.sync()
    (row,) = joined.rows(PhoneApprover)
    code = answer_for(row.secret or "", Question("7K2MP0QX", "sales.sell", 540_000, "NEW"))
    assert f"{code[:4]} {code[4:]}" in shown
