"""A used phone as part of the payment: one ticket, its net amount, two legs (rule 18)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopnode.domain.actions import Done
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.errors import ApprovalNeeded, Invalid, ShopError
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, Sale
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase
from shopnode.domain.usedphones.queries import PurchaseFilter, agreement_of, list_purchases
from shopnode.domain.usedphones.trade_in import SoldHere
from tests.domain.seller import IMEI, brought, hand, in_drawer, value_phone
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop, build_template, open_copy


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    value_phone(made, 900_000)
    return made


def swap(
    till: Till, *, pay: int | None = None, items: Any = None, role: Role = Role.STAFF, approval: Any = None,
    payout: Any = None, discount: int = 0, **phone: Any,
) -> Done:  # fmt: skip
    """The first phone on the shelf for 640,000, against one that somebody brought."""
    payments = [] if pay is None else [{"method": "cash", "amount": pay}]
    sale = {"items": items or [{"device_id": till.units[0]}], "payments": payments, "discount_amount": discount}
    form = {"phone": brought(till, **phone), "sale": sale, **({"payout": payout} if payout else {})}
    return till.shop.perform("usedphones.trade_in", form, role=role, approval=approval)


def tenders(till: Till) -> list[tuple[str, str, int]]:
    return sorted((row.kind, row.method, row.amount_minor) for row in till.shop.rows(Payment))


def test_rule_18_one_ticket_two_legs_and_the_net_is_paid(till: Till) -> None:
    done = swap(till, pay=400_000).result

    assert (done["total"], done["traded_in"], done["due"], done["change"]) == (640_000, 250_000, 390_000, 10_000)
    assert (done["paid_out"], done["slip"]) == (0, None)
    (purchase,) = till.shop.rows(UsedPurchase)
    assert (purchase.sale_id, purchase.offer_minor, purchase.number) == (done["sale_id"], 250_000, done["number"])
    assert tenders(till) == [("payment", "cash", 390_000), ("payment", "trade_in", 250_000)]
    (leg,) = till.shop.rows(Payment, method="trade_in")
    assert leg.reference == purchase.number
    assert till.shop.rows(MoneyMove) == []
    assert in_drawer(till) == FLOAT + 390_000
    assert hand(till, till.phone) == 2  # one left, one came
    assert till.shop.row(StockUnit, done["unit_id"]).hold_until is not None
    assert len({entry.entry_id for entry in till.shop.entries()[-1:]}) == 1
    assert till.shop.entries()[-1].action == "usedphones.trade_in"


def test_rule_18_a_negative_net_is_paid_out(till: Till) -> None:
    done = swap(till, offer=700_000).result

    assert (done["traded_in"], done["due"], done["paid_out"]) == (640_000, 0, 60_000)
    assert tenders(till) == [("payment", "trade_in", 640_000)]
    (move,) = till.shop.rows(MoneyMove)
    assert (move.amount_minor, move.method, move.about_id) == (-60_000, "cash", done["purchase_id"])
    assert in_drawer(till) == FLOAT - 60_000


def test_rule_18_the_rest_may_leave_a_wallet(till: Till) -> None:
    swap(till, offer=700_000, payout={"method": "airtel", "reference": "AB12"})
    assert in_drawer(till) == FLOAT


def test_rule_18_the_offer_pays_after_the_tickets_discount(till: Till) -> None:
    done = swap(till, pay=370_000, discount=20_000).result
    assert (done["total"], done["due"]) == (620_000, 370_000)


def test_rule_18_too_little_money_books_neither_leg(till: Till) -> None:
    with pytest.raises(Invalid, match="still to be paid"):
        swap(till, pay=300_000)
    assert till.shop.rows(Sale) == till.shop.rows(UsedPurchase) == till.shop.rows(SellerIdentity) == []
    assert (hand(till, till.phone), in_drawer(till)) == (2, FLOAT)
    assert swap(till, pay=390_000).result["number"] == "KLA1-U000001"  # no number was lost


def test_rule_16_the_table_holds_in_a_trade_in_too(till: Till) -> None:
    with pytest.raises(ApprovalNeeded):
        swap(till, offer=900_001)
    assert till.shop.rows(Sale) == []
    swap(till, offer=900_001, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_nobody_types_a_trade_in_at_the_counter(till: Till) -> None:
    with pytest.raises(Invalid, match="must be one of"):
        till.sell({"device_id": till.units[0]}, pay=[{"method": "trade_in", "amount": 640_000}])


def test_the_phone_that_comes_is_not_the_one_that_goes(till: Till) -> None:
    with pytest.raises(ShopError):
        swap(till, items=[{"product_id": till.phone, "imeis": [IMEI]}])
    assert till.shop.rows(UsedPurchase) == []


def test_an_undone_sale_gives_the_trade_in_back_as_cash_and_the_phone_stays_bought(till: Till) -> None:
    done = swap(till, pay=390_000).result
    till.shop.do("sales.reverse", sale_id=done["sale_id"], reason="dead on arrival", restock="inspect")

    assert in_drawer(till) == FLOAT - 250_000
    assert till.shop.row(StockUnit, done["unit_id"]).status == "in_stock"
    assert [row for row in tenders(till) if row[1] == "trade_in"] == [("payment", "trade_in", 250_000)]
    till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="wants his own again")
    assert in_drawer(till) == FLOAT


def test_the_list_and_the_agreement_name_the_sale(till: Till) -> None:
    done = swap(till, pay=390_000).result
    with till.shop.reading(Role.STAFF) as ctx:
        (view,) = list_purchases(ctx, PurchaseFilter(traded_in=True)).rows
        assert (view.sale_id, view.sale_number) == (done["sale_id"], done["sale_number"])
        assert agreement_of(ctx, done["purchase_id"]).traded_in_for == done["sale_number"]


# --- money in = money out + what is owed, whatever is offered, sold and paid


_TEMPLATE: dict[str, Any] = {}


def fresh_till() -> tuple[Till, Any, Path]:
    if not _TEMPLATE:
        folder = Path(tempfile.mkdtemp(prefix="shop-template-"))
        _TEMPLATE["made"] = (folder, build_template(folder))
    folder, people = _TEMPLATE["made"]
    place = Path(tempfile.mkdtemp(prefix="shop-"))
    shop, database = open_copy(folder, place, people)
    till = open_till(shop)
    value_phone(till, 10**9)
    shop.do("settings.change", key="used_id_photos", value=0)
    return till, database, place


OneTicket = tuple[int, tuple[str, int], int, int, bool]
TICKETS = st.tuples(
    st.integers(0, 1_000_000),  # the offer
    st.sampled_from([("glass", 1), ("glass", 7), ("charger", 3), ("phone", 1)]),
    st.integers(0, 5_000),  # the discount
    st.integers(-1_000, 200_000),  # cash above or below what is due
    st.booleans(),  # undone afterwards
)


@settings(max_examples=25)
@given(st.lists(TICKETS, min_size=1, max_size=4))
def test_rule_18_money_in_is_money_out_for_every_trade_in(tickets: list[OneTicket]) -> None:
    till, database, place = fresh_till()
    try:
        expected = FLOAT
        for position, ticket in enumerate(tickets):
            expected += _one(till, position, *ticket)
            assert in_drawer(till) == expected
        for purchase in till.shop.rows(UsedPurchase):
            legs = sum(row.amount_minor for row in till.shop.rows(Payment, sale_id=purchase.sale_id, method="trade_in"))
            out = sum(row.amount_minor for row in till.shop.rows(MoneyMove, about_id=purchase.id))
            assert legs - out == purchase.offer_minor
            assert till.shop.row(StockUnit, purchase.unit_id).cost_minor == purchase.offer_minor
    finally:
        database.close()
        shutil.rmtree(place)


def _one(till: Till, position: int, offer: int, goods: tuple[str, int], discount: int, over: int, undo: bool) -> int:
    """One trade-in; answers what the drawer should gain by it, reckoned without the shop's own rules."""
    name, quantity = goods
    item = (
        {"device_id": till.units[0]} if name == "phone" else {"product_id": getattr(till, name), "quantity": quantity}
    )
    price = {"glass": 5_000, "charger": 35_000, "phone": 640_000}[name] * quantity - discount
    due = max(0, price - offer)
    cash = due + over if due else 0
    serial = f"SN{position:04d}X"
    try:
        done = swap(
            till, items=[item], pay=cash if cash > 0 else None, discount=discount, offer=offer, imei1=None,
            serial=serial, role=Role.OWNER,
        ).result  # fmt: skip
    except ShopError:
        assert cash < due or name == "phone"  # too little, or the phone was sold before
        return 0
    assert (done["total"], done["due"], done["paid_out"]) == (price, due, max(0, offer - price))
    if not undo:
        return price - offer
    till.shop.do("sales.reverse", sale_id=done["sale_id"], reason="brought back", restock="resell")
    return -offer


def test_rule_34_who_trades_a_phone_in_buys_at_their_own_price_list(till: Till) -> None:
    list_id = till.shop.do("price_lists.create", name="Wholesale")["id"]
    price = {"list_id": list_id, "product_id": till.phone, "min_quantity": 1, "price_minor": 600_000}
    till.shop.do("price_lists.set_price", price)
    trader = till.shop.do("customers.create", name="Kato Traders", phone="0798 123 457")["id"]
    till.shop.do("price_lists.assign", customer_id=trader, list_id=list_id)

    done = swap(till, pay=350_000, customer_id=trader).result

    assert (done["total"], done["due"]) == (600_000, 350_000)
    assert till.shop.row(Sale, done["sale_id"]).customer_id == trader


def test_a_phone_that_is_sold_on_a_ticket_does_not_pay_for_it(till: Till) -> None:
    with pytest.raises(SoldHere, match=IMEIS[0]):
        swap(till, pay=390_000, imei1=IMEIS[0])
    assert (till.shop.rows(Sale), till.shop.rows(UsedPurchase)) == ([], [])
    till.sell({"device_id": till.units[0]})
    swap(till, pay=390_000, imei1=IMEIS[0], items=[{"device_id": till.units[1]}])  # what was bought here before does
