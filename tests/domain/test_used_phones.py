"""Buying a phone from a person: what is asked, what is written, what leaves the drawer, and how it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.accounts.models import AccountAllocation, AccountEntry
from shopnode.domain.capture import begin_capture
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.financiers.models import Financier, FinancierEntry
from shopnode.domain.guard import forget_touched
from shopnode.domain.handsets.errors import AlreadyInStock
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.plans.models import Plan, PlanLine
from shopnode.domain.sales.errors import ReferenceUsed, UnitNotForSale
from shopnode.domain.sales.models import Sale
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from shopnode.domain.usedphones.checks import PhoneOnPlan
from shopnode.domain.usedphones.models import SellerIdentity, UsedPurchase
from shopnode.domain.usedphones.queries import PurchaseFilter, list_purchases, purchase_view
from tests.domain.seller import IMEI, SECOND, brought, buy, hand, in_drawer, picture, seller, value_phone
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop

DAY_MS = 86_400_000


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    value_phone(made)
    return made


def stands(shop: Shop, *rows: object) -> None:
    """Rows of another area, as they would stand in the books."""
    with shop.home.writing() as session:
        begin_capture(session)
        for row in rows:
            session.add(row)
            session.flush()
        forget_touched(session.connection())
        session.info["capture"] = None


# --- buying


def test_a_phone_is_bought_into_stock_and_held_back(till: Till) -> None:
    done = buy(till, has_box=True, battery_pct=88, network_lock="MTN").result

    unit = till.shop.row(StockUnit, done["unit_id"])
    assert (unit.status, unit.cost_minor, unit.grade, unit.condition) == ("in_stock", 250_000, "B", "used")
    assert (unit.has_box, unit.battery_pct, unit.lock_state) == (True, 88, "network MTN")
    assert (unit.purchase_id, unit.source) == (done["purchase_id"], "Used phone KLA1-U000001")
    assert unit.hold_until is not None and (unit.hold_until - unit.received_at).days == 7
    assert hand(till, till.phone) == 3
    purchase = till.shop.row(UsedPurchase, done["purchase_id"])
    assert (purchase.number, purchase.valued_minor, purchase.offer_minor) == ("KLA1-U000001", 300_000, 250_000)
    assert (purchase.network_lock, purchase.locks_removed, purchase.by_id) == ("MTN", True, till.shop.cashier.id)
    assert till.shop.changes("used_purchase")[-1].fields["offer_minor"] == 250_000
    assert [change.op for change in till.shop.changes("stock_unit") if change.id == unit.id] == ["i"]


def test_rule_21_what_a_person_sold_us_is_marked_for_the_margin_scheme(till: Till) -> None:
    assert till.shop.row(StockUnit, buy(till).result["unit_id"]).vat_scheme == "margin"
    assert till.shop.row(StockUnit, till.units[0]).vat_scheme != "margin"


def test_rule_17_the_payout_leaves_the_open_drawer_with_a_slip(till: Till) -> None:
    done = buy(till).result

    (move,) = till.shop.rows(MoneyMove)
    assert (move.kind, move.method, move.amount_minor, move.about_id) == (
        "used_phone", "cash", -250_000, done["purchase_id"]
    )  # fmt: skip
    assert (move.number, done["slip"], done["paid_out"]) == ("KLA1-M000001", "KLA1-M000001", 250_000)
    assert in_drawer(till) == FLOAT - 250_000


def test_rule_17_the_payout_leaves_a_wallet_by_its_transaction(till: Till) -> None:
    buy(till, payout={"method": "mtn", "reference": "2718-3141"})

    assert till.shop.rows(MoneyMove)[0].reference == "27183141"
    assert in_drawer(till) == FLOAT
    with pytest.raises(ReferenceUsed):
        buy(till, imei1=SECOND, payout={"method": "mtn", "reference": "27183141"})
    with pytest.raises(Invalid, match="transaction id"):
        buy(till, imei1=SECOND, payout={"method": "airtel"})
    assert len(till.shop.rows(UsedPurchase)) == 1


def test_nothing_is_bought_while_the_drawer_is_closed(till: Till) -> None:
    till.shop.do("cash.close_drawer", counted=FLOAT)
    with pytest.raises(DrawerClosed):
        buy(till)
    assert till.shop.rows(UsedPurchase) == till.shop.rows(SellerIdentity) == []


def test_the_same_purchase_sent_twice_pays_once(till: Till) -> None:
    form, key = brought(till), till.shop.home.new_id()
    first = till.shop.perform("usedphones.buy", form, role=Role.STAFF, action_id=key)
    second = till.shop.perform("usedphones.buy", form, role=Role.STAFF, action_id=key)
    assert (second.replayed, first.result) == (True, second.result)
    assert len(till.shop.rows(MoneyMove)) == 1


# --- rule 13, 15: who sells, and what was seen


@pytest.mark.parametrize("field", ["locks_removed", "was_reset", "states_ownership"])
def test_rule_15_what_was_not_seen_nobody_approves_away(till: Till, field: str) -> None:
    brian = till.shop.approval_by(Role.SUPERVISOR)
    with pytest.raises(Invalid) as refusal:
        buy(till, approval=brian, **{field: False})
    assert list(refusal.value.fields) == [field]
    with pytest.raises(Invalid):
        buy(till, role=Role.OWNER, **{field: False})
    assert till.shop.rows(MoneyMove) == []


@pytest.mark.parametrize("field", ["network_lock", "locks_removed", "was_reset", "states_ownership", "seller"])
def test_rule_15_nothing_is_assumed(till: Till, field: str) -> None:
    form = brought(till)
    del form[field]
    with pytest.raises(Invalid) as refusal:
        till.shop.do("usedphones.buy", form)
    assert field in refusal.value.fields


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"name": ""}, "seller.name"), ({"phone": "12"}, "seller.phone"), ({"id_number": ""}, "seller.id_number"),
        ({"id_type": "library card"}, "seller.id_type"), ({"photos": []}, "seller.photos"),
        ({"signature": None}, "seller.signature"), ({"photos": ["AAAA"]}, "seller.photos.0"),
        ({"signature": "not base64!"}, "seller.signature"),
    ],
)  # fmt: skip
def test_rule_13_the_seller_is_known_before_paying(till: Till, missing: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        buy(till, seller=seller(**missing))
    assert list(refusal.value.fields) == [field]
    assert till.shop.rows(SellerIdentity) == []


def test_rule_13_the_agreement_may_be_signed_on_paper_and_the_shop_says_how_many_photos(till: Till) -> None:
    till.shop.do("settings.change", key="used_id_photos", value=2)
    with pytest.raises(Invalid, match="at least 2"):
        buy(till, seller=seller(signature=None, signed_on_paper=True))
    buy(till, seller=seller(signature=None, signed_on_paper=True, photos=[picture(), picture("red")]))


def test_an_odd_national_id_number_is_told_to_the_buyer(till: Till) -> None:
    done = buy(till, seller=seller(id_number="1234")).result
    assert any("NIN" in note for note in done["notes"])


# --- rule 14: checks before paying


def test_rule_14_a_blocked_phone_is_not_bought(till: Till) -> None:
    till.shop.do("usedphones.block_number", number=IMEI, reason="reported stolen at Kira Road")
    with pytest.raises(PhoneBlocked, match="reported stolen"):
        buy(till, approval=till.shop.approval_by(Role.SUPERVISOR))
    with pytest.raises(PhoneBlocked):
        buy(till, imei1=SECOND, imei2=IMEI)
    assert till.shop.rows(MoneyMove) == []


def test_rule_14_a_phone_in_stock_is_not_bought_again(till: Till) -> None:
    with pytest.raises(AlreadyInStock):
        buy(till, imei1=IMEIS[0])
    buy(till)
    with pytest.raises(AlreadyInStock):
        buy(till)


def test_a_phone_that_was_sold_here_keeps_its_identity_and_its_past_is_told(till: Till) -> None:
    sold = till.sell({"device_id": till.units[0]}).result
    done = buy(till, imei1=IMEIS[0]).result
    assert done["handset_id"] == till.shop.row(StockUnit, till.units[0]).handset_id
    assert done["notes"] == [f"Sold here before, on {sold['number']}."]
    assert done["unit_id"] != till.units[0]


def test_rule_14_a_phone_that_is_still_owed_needs_a_second_person(till: Till) -> None:
    shop = till.shop
    sale_id = till.sell({"device_id": till.units[0]}).result["sale_id"]
    who, charge, payment = (shop.home.new_id() for _ in range(3))
    common: dict[str, Any] = {
        "customer_id": who,
        "shop_id": shop.home.shop_id,
        "account": "credit",
        "at": shop.ctx().now,
    }
    stands(
        shop,
        Customer(id=who, name="Okello", created_at=shop.ctx().now),
        AccountEntry(id=charge, kind="charge", amount=640_000, sale_id=sale_id, **common),
        AccountEntry(id=payment, kind="payment", amount=-600_000, **common),
        AccountAllocation(
            id=shop.home.new_id(), payment_id=payment, charge_id=charge, shop_id=shop.home.shop_id,
            amount_minor=600_000, at=shop.ctx().now,
        ),
    )  # fmt: skip
    with pytest.raises(ApprovalNeeded, match="40,000 is still owed"):
        buy(till, imei1=IMEIS[0])
    buy(till, imei1=IMEIS[0], approval=shop.approval_by(Role.SUPERVISOR))
    assert shop.entries()[-1].action == "usedphones.buy"


def test_rule_14_a_phone_its_financier_has_not_settled_needs_a_second_person(till: Till) -> None:
    shop = till.shop
    till.sell({"device_id": till.units[0]})
    firm = shop.home.new_id()
    stands(
        shop,
        Financier(id=firm, name="Watu", created_at=shop.ctx().now),
        FinancierEntry(
            id=shop.home.new_id(), financier_id=firm, shop_id=shop.home.shop_id, kind="receivable",
            amount_minor=500_000, imei=IMEIS[0], at=shop.ctx().now,
        ),
    )  # fmt: skip
    with pytest.raises(ApprovalNeeded, match="financier"):
        buy(till, imei1=IMEIS[0])


def test_rule_14_a_phone_of_an_unfinished_plan_is_not_bought(till: Till) -> None:
    shop = till.shop
    till.sell({"device_id": till.units[0]})
    who, plan = shop.home.new_id(), shop.home.new_id()
    stands(
        shop,
        Customer(id=who, name="Okello", created_at=shop.ctx().now),
        Plan(
            id=plan, shop_id=shop.home.shop_id, number="KLA1-L000001", kind="instalment", customer_id=who,
            status="open", total_minor=640_000, deposit_minor=0, forfeit_bp=0, opened_at=shop.ctx().now,
        ),
        PlanLine(
            id=shop.home.new_id(), plan_id=plan, shop_id=shop.home.shop_id, line_no=1, product_id=till.phone,
            unit_id=till.units[0], quantity=1, unit_price_minor=640_000,
        ),
    )  # fmt: skip
    with pytest.raises(PhoneOnPlan, match="KLA1-L000001"):
        buy(till, imei1=IMEIS[0], approval=shop.approval_by(Role.SUPERVISOR))


# --- rule 16


def test_rule_16_above_the_table_a_second_person_decides(till: Till) -> None:
    buy(till, offer=300_000)
    with pytest.raises(ApprovalNeeded, match=r"350,000 is more than the table's 300,000"):
        buy(till, imei1=SECOND, offer=350_000)
    buy(till, imei1=SECOND, offer=350_000, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert till.shop.rows(UsedPurchase, offer_minor=350_000)[0].valued_minor == 300_000


def test_rule_16_what_the_table_does_not_know_needs_a_second_person(till: Till) -> None:
    with pytest.raises(ApprovalNeeded, match="no value for this phone"):
        buy(till, grade="A")
    assert buy(till, grade="A", role=Role.OWNER).result["valued"] == 0


def test_rule_16_nobody_approves_their_own_offer(till: Till) -> None:
    with pytest.raises(NotPermitted, match="their own"):
        buy(till, role=Role.SUPERVISOR, offer=350_000, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_rule_16_the_grade_may_stand_in_the_products_name(till: Till) -> None:
    used = till.shop.do(
        "products.create", category="Phones", name="iPhone 8 64 (UK used, grade C)", price_minor=370_000,
        is_serialised=True,
    )["id"]  # fmt: skip
    till.shop.do("usedphones.set_valuation", product_id=used, grade="C", offer=260_000)
    assert buy(till, product_id=used, grade=None).result["valued"] == 260_000
    with pytest.raises(Invalid, match="the table pays by grade"):
        buy(till, imei1=SECOND, grade=None)


# --- rule 19


def test_rule_19_a_held_phone_is_not_sold_until_its_time_has_passed(till: Till) -> None:
    unit_id = buy(till).result["unit_id"]
    with pytest.raises(UnitNotForSale, match="held"):
        till.sell({"device_id": unit_id}, role=Role.OWNER)
    till.shop.clock.advance(7 * DAY_MS - 1)
    with pytest.raises(UnitNotForSale, match="held"):
        till.sell({"device_id": unit_id}, role=Role.OWNER)
    till.shop.clock.advance(1)
    till.sell({"device_id": unit_id})
    assert till.shop.row(StockUnit, unit_id).status == "sold"


def test_rule_19_a_shop_may_hold_none_back(till: Till) -> None:
    till.shop.do("settings.change", key="used_hold_days", value=0)
    till.sell({"device_id": buy(till).result["unit_id"]})


def test_rule_14_a_phone_that_is_blocked_later_is_not_sold(till: Till) -> None:
    second = "004401271000651"
    unit_id = till.shop.do("handsets.receive", product_id=till.phone, imei1=SECOND, imei2=second)["unit_id"]
    till.shop.do("usedphones.block_number", number=second, reason="police asked for it")
    with pytest.raises(UnitNotForSale, match="blocked: police asked for it"):
        till.sell({"device_id": unit_id}, role=Role.OWNER)
    till.sell({"device_id": till.units[0]})
    till.shop.do("usedphones.lift_block", number=second)
    till.sell({"device_id": unit_id})


# --- reading


def test_purchases_are_listed_and_found(till: Till) -> None:
    first = buy(till).result
    till.shop.clock.advance(1_000)
    second = buy(till, imei1=SECOND).result
    till.shop.do("usedphones.reverse", purchase_id=first["purchase_id"], reason="wants it back")

    def found(**wanted: Any) -> list[str]:
        with till.shop.reading(Role.STAFF) as ctx:
            return [view.number for view in list_purchases(ctx, PurchaseFilter(**wanted)).rows]

    assert found() == [second["number"], first["number"]]
    assert found(text=IMEI) == found(text="kla1-u000001") == found(reversed=True) == [first["number"]]
    assert found(reversed=False) == [second["number"]]
    assert found(traded_in=True) == [] == found(text="nothing")
    with till.shop.reading() as ctx:
        page = list_purchases(ctx, PurchaseFilter(), limit=1)
        rest = list_purchases(ctx, PurchaseFilter(), limit=1, cursor=page.next_cursor)
        assert [view.number for view in (*page.rows, *rest.rows)] == [second["number"], first["number"]]
        assert rest.next_cursor is None
        view = purchase_view(ctx, first["purchase_id"])
        assert (view.by, view.phone_number, view.reversed_because) == ("Aisha", IMEI, "wants it back")
        with pytest.raises(NotFound):
            purchase_view(ctx, till.phone)
    assert len(till.shop.rows(Handset)) == 4
    assert till.shop.rows(Sale) == []


def test_rule_14_a_blocked_phone_is_not_received_by_whichever_of_its_numbers(till: Till) -> None:
    till.shop.do("usedphones.block_number", number=IMEI, reason="reported stolen at Kira Road")
    for verb in ("handsets.receive", "handsets.expect"):
        with pytest.raises(PhoneBlocked, match="reported stolen"):
            till.shop.do(verb, product_id=till.phone, imei1=SECOND, imei2=IMEI)
    with pytest.raises(Invalid) as refused:
        till.shop.do("handsets.receive_many", product_id=till.phone, numbers=[SECOND, IMEI])
    assert list(refused.value.fields) == ["numbers.1"]
    assert hand(till, till.phone) == 2
