"""What the demo's customers owe, pay bit by bit, bring back, or sell to the shop."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from shopnode.domain.demo_story import Story
from shopnode.domain.sales.models import SaleLine

CASH = "cash"
SELLER_ID = {"id_type": "national_id", "id_number": "CM90042105QX7K", "signed_on_paper": True}


def agree_credit(story: Story) -> None:
    """Two customers may owe, a financier pays for others, and the shop says what used phones are worth."""
    for n, limit in ((10, 500_000), (11, 1_500_000)):
        story.do(story.owner, "accounts.set_credit", customer_id=story.customers[n], credit_limit=limit, credit_days=7)
    story.things["financier"] = story.do(story.owner, "financiers.create", name="Watu Simu", agreement="KLA-17")["id"]
    story.do(story.owner, "financiers.create", name="M-KOPA")
    used = story.ware("iPhone XR 64 (UK used, grade B)")
    story.things["used"] = used.id
    for grade, offer in (("A", 300_000), ("B", 270_000), ("C", 230_000)):
        story.do(story.owner, "usedphones.set_valuation", product_id=used.id, grade=grade, offer=offer)


def sell_on_credit(story: Story) -> None:
    """Goods on account, some of it paid since; a phone that a financier pays for; and credit bought ahead."""
    charger = story.ware("Oraimo 18 W charger")
    owed = charger.price_minor * 3
    _sell(story, {"product_id": charger.id, "quantity": 3}, [{"method": "on_account", "amount": owed}], 10)
    story.do(story.ivan, "accounts.take_payment", customer_id=story.customers[10], method=CASH, amount=owed // 3)
    phone = story.phone(below_minor=700_000)
    deposit = phone.price_minor // 4 // 1_000 * 1_000
    financed = {
        "method": "financed", "amount": phone.price_minor - deposit, "about_id": story.things["financier"],
        "reference": f"W{story.chance.number(10**5, 10**6 - 1)}",
    }  # fmt: skip
    _sell(story, {"device_id": phone.id}, [{"method": CASH, "amount": deposit}, financed], 3)
    story.do(story.ivan, "accounts.sell_store_credit", customer_id=story.customers[4], method=CASH, amount=50_000)
    lost = story.chance.reference("mtn_momo")
    story.do(story.ivan, "accounts.receive_unallocated", method="mtn_momo", amount=15_000, reference=lost)


def begin_plans(story: Story) -> None:
    """A layaway that is paid on, instalments, and a reservation."""
    for kind, customer, below, share in (("layaway", 5, 900_000, 3), ("instalment", 11, 500_000, 2),
                                         ("reservation", 7, 350_000, 5)):  # fmt: skip
        phone = story.phone(below_minor=below)
        paid = phone.price_minor // share // 1_000 * 1_000
        form: dict[str, Any] = {"instalments": 3} if kind != "reservation" else {}
        made = story.do(story.grace, "plans.open", kind=kind, customer_id=story.customers[customer],
                        items=[{"device_id": phone.id}], payments=[{"method": CASH, "amount": paid}],
                        **form)  # fmt: skip
        if kind == "layaway":
            story.do(story.ivan, "plans.pay", plan_id=made["plan_id"], method=CASH, amount=60_000)


def buy_used(story: Story) -> None:
    """A phone bought over the counter, and one traded in for another."""
    for n, grade, offer in ((0, "B", 260_000), (1, "C", 220_000)):
        phone = {
            "product_id": story.things["used"], "imei1": story.chance.imei(), "grade": grade, "offer": offer,
            "colour": "Black", "battery_pct": 84, "has_charger": bool(n), "locks_removed": True, "was_reset": True,
            "network_lock": "none", "states_ownership": True,
            "seller": {**SELLER_ID, "name": "Okot Denis", "phone": f"079840010{n}"},
        }  # fmt: skip
        if n == 0:
            paid = {"method": "mtn_momo", "reference": story.chance.reference("mtn_momo")}
            story.do(story.grace, "usedphones.buy", **phone, payout=paid)
            continue
        wanted = story.phone(below_minor=800_000)
        rest = [{"method": "mtn_momo", "amount": wanted.price_minor - offer,
                 "reference": story.chance.reference("mtn_momo")}]  # fmt: skip
        story.do(story.grace, "usedphones.trade_in", phone=phone,
                 sale={"items": [{"device_id": wanted.id}], "payments": rest, "print_receipt": False})  # fmt: skip


def take_back(story: Story) -> None:
    """A case that did not fit comes back; a phone is mended under its warranty."""
    case, phone = story.ware("Silicone case"), story.phone(below_minor=150_000)
    sold = _sell(story, {"product_id": case.id}, [{"method": CASH, "amount": case.price_minor}], 8)
    story.do(story.grace, "returns.take_back", sale_id=sold, reason="Wrong size", refund_to=CASH,
             lines=[{"sale_line_id": _line_of(story, sold), "restock": "new"}])  # fmt: skip
    _sell(story, {"device_id": phone.id}, [{"method": CASH, "amount": phone.price_minor}], 9)
    story.do(story.grace, "returns.claim_warranty", imei=phone.imei, outcome="repair",
             reason="Does not charge since Sunday")  # fmt: skip


def _sell(story: Story, item: dict[str, Any], payments: list[dict[str, Any]], customer: int) -> str:
    done = story.do(story.ivan, "sales.sell", items=[item], payments=payments, customer_id=story.customers[customer],
                    print_receipt=False)  # fmt: skip
    return str(done["sale_id"])


def _line_of(story: Story, sale_id: str) -> str:
    with story.home.reading() as session:
        return session.scalars(select(SaleLine.id).where(SaleLine.sale_id == sale_id)).one()
