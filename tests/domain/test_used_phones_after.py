"""What a bought phone costs until it is sold, and how a purchase is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.actions import ACTIONS
from shopnode.domain.errors import ApprovalNeeded, Invalid
from shopnode.domain.handsets.errors import NotInStock
from shopnode.domain.handsets.history import LifeKind, life_of
from shopnode.domain.handsets.models import StockUnit, UnitEvent, UnitStatus
from shopnode.domain.money import vat_inside
from shopnode.domain.params import read_params
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.people.telephone import ask
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import SaleLine, SaleSummary
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.stock.queries import stock_differences
from shopnode.domain.stock.value import stock_value
from shopnode.domain.usedphones.actions import PhoneMovedOn, PurchaseReversed
from shopnode.domain.usedphones.models import UnitCost, UsedPurchaseReversal
from shopnode.domain.usedphones.rules import margin_vat
from tests.domain.seller import IMEI, brought, buy, hand, in_drawer, value_phone
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    made = open_till(shop)
    value_phone(made)
    return made


def value(till: Till) -> int:
    with till.shop.reading() as ctx:
        return stock_value(ctx).value_minor


# --- rule 20


def test_rule_20_parts_and_labour_are_added_to_what_the_phone_cost(till: Till) -> None:
    unit_id = buy(till).result["unit_id"]
    till.shop.do("handsets.set_aside", unit_id=unit_id, reason="new glass")
    till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="part", product_id=till.glass, quantity=2)
    till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="labour", amount=20_000, note="Moses, one hour")

    unit = till.shop.row(StockUnit, unit_id)
    assert (unit.cost_minor, unit.refurbished_minor) == (273_000, 23_000)
    assert [(cost.kind, cost.amount_minor) for cost in till.shop.rows(UnitCost)] == [
        ("part", 3_000),
        ("labour", 20_000),
    ]
    assert hand(till, till.glass) == 8
    move = till.shop.rows(StockMovement, kind="used")[0]
    assert (move.quantity, move.unit_cost_minor, move.note) == (-2, 1_500, f"Used in {IMEI}")
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []


def test_rule_20_the_margin_of_a_sale_counts_from_the_whole_cost(till: Till) -> None:
    till.shop.do("settings.change", key="used_hold_days", value=0)
    unit_id = buy(till).result["unit_id"]
    till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="other", amount=5_000)
    sale_id = till.sell({"device_id": unit_id}).result["sale_id"]
    assert till.shop.rows(SaleLine, sale_id=sale_id)[0].cost_minor == 255_000
    with pytest.raises(NotInStock):
        till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="other", amount=5_000)


@pytest.mark.parametrize("on_the_bench", [False, True])
def test_rule_20_what_was_spent_on_a_phone_is_in_the_worth_of_the_stock(till: Till, on_the_bench: bool) -> None:
    till.shop.do("settings.change", key="used_hold_days", value=0)
    before = value(till)
    unit_id = buy(till).result["unit_id"]
    if on_the_bench:
        till.shop.do("handsets.set_aside", unit_id=unit_id, reason="new screen")
    till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="labour", amount=80_000)
    if on_the_bench:
        assert value(till) == before
        till.shop.do("handsets.put_back", unit_id=unit_id, reason="ready")
    assert value(till) == before + 330_000
    with till.shop.reading() as ctx:
        assert LifeKind.MOVED not in [event.kind for event in life_of(ctx, IMEI)]  # the phone itself did not
    till.sell({"device_id": unit_id})
    assert (value(till), hand(till, till.phone)) == (before, 2)


def test_rule_22_a_refurbished_purchase_that_is_taken_back_leaves_no_worth_behind(till: Till) -> None:
    before = value(till)
    done = buy(till).result
    till.shop.do("usedphones.add_cost", unit_id=done["unit_id"], kind="labour", amount=80_000)
    till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="wants it back")
    assert value(till) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "part"}, {"kind": "labour"}, {"kind": "part", "amount": 5, "product_id": "glass"},
        {"kind": "labour", "amount": 5, "product_id": "glass"}, {"kind": "part", "product_id": "phone"},
        {"kind": "part", "product_id": "glass", "quantity": 0},
    ],
)  # fmt: skip
def test_a_cost_is_a_part_or_an_amount(till: Till, wrong: dict[str, Any]) -> None:
    if "product_id" in wrong:
        wrong = {**wrong, "product_id": till.glass if wrong["product_id"] == "glass" else till.phone}
    with pytest.raises(Invalid):
        till.shop.do("usedphones.add_cost", {"unit_id": till.units[0], **wrong})
    assert till.shop.rows(UnitCost) == []


# --- rule 22


def test_rule_22_a_purchase_is_taken_back_and_the_money_comes_in(till: Till) -> None:
    done = buy(till).result
    answer = till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="seller changed his mind")

    assert (answer["received"], answer["lost"]) == (250_000, 0)
    assert till.shop.row(StockUnit, done["unit_id"]).status == UnitStatus.SCRAPPED.value
    (event,) = till.shop.rows(UnitEvent, unit_id=done["unit_id"])
    assert (event.about_id, event.to_status) == (done["purchase_id"], "scrapped")
    assert "taken back: seller changed his mind" in str(event.reason)
    assert (hand(till, till.phone), in_drawer(till)) == (2, FLOAT)
    with pytest.raises(PurchaseReversed):
        till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="once more")
    assert buy(till).result["handset_id"] == done["handset_id"]  # it may come again


def test_rule_22_after_refurbishing_the_cost_stays_as_loss(till: Till) -> None:
    done = buy(till).result
    till.shop.do("usedphones.add_cost", unit_id=done["unit_id"], kind="part", product_id=till.glass)
    answer = till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="it was his brother's")

    assert (answer["received"], answer["lost"]) == (250_000, 1_500)
    assert till.shop.rows(UsedPurchaseReversal)[0].lost_minor == 1_500
    assert (hand(till, till.glass), in_drawer(till)) == (9, FLOAT)


def test_rule_22_after_resale_a_purchase_is_not_taken_back(till: Till) -> None:
    till.shop.do("settings.change", key="used_hold_days", value=0)
    done = buy(till).result
    till.sell({"device_id": done["unit_id"]})
    with pytest.raises(PhoneMovedOn, match="its phone is sold"):
        till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="wants it back")
    assert till.shop.rows(UsedPurchaseReversal) == []


def test_rule_22_a_phone_that_was_sent_and_came_back_goes_back_to_its_seller(till: Till) -> None:
    hear_of(till.shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    done = buy(till).result
    before = value(till)
    form = {"purchase_id": done["purchase_id"], "reason": "it was his brother's"}
    sent = till.shop.do("transfers.send", to_shop_id=ELSEWHERE, unit_ids=[done["unit_id"]])
    with pytest.raises(PhoneMovedOn, match="sent"):
        till.shop.do("usedphones.reverse", form)
    ways = {"transfer_id": sent["transfer_id"], "unit_ids": [done["unit_id"]], "reason": "never left"}
    till.shop.do("transfers.take_back", ways)
    assert till.shop.do("usedphones.reverse", form)["received"] == 250_000
    assert (value(till), hand(till, till.phone)) == (before - 250_000, 2)
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []


@pytest.mark.parametrize(("action", "word"), [("handsets.lend", "lent"), ("handsets.reserve", "reserved")])
def test_rule_22_only_a_phone_that_stands_here_goes_back(till: Till, action: str, word: str) -> None:
    till.shop.do("settings.change", key="used_hold_days", value=0)  # what is held back is neither lent nor kept
    done = buy(till).result
    till.shop.do(action, unit_id=done["unit_id"], reason="for Moses")
    with pytest.raises(PhoneMovedOn, match=word):
        till.shop.do("usedphones.reverse", purchase_id=done["purchase_id"], reason="wants it back")


def test_staff_take_a_purchase_back_with_a_second_person(till: Till) -> None:
    done = buy(till).result
    form = {"purchase_id": done["purchase_id"], "reason": "wants it back"}
    with pytest.raises(ApprovalNeeded):
        till.shop.perform("usedphones.reverse", form, role=Role.STAFF)
    till.shop.perform("usedphones.reverse", form, role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    assert in_drawer(till) == FLOAT


# --- by telephone


def test_the_owner_is_told_offer_and_phone_over_the_telephone(till: Till) -> None:
    done = buy(till).result
    sale = {"items": [{"device_id": till.units[0]}]}
    forms: list[tuple[str, dict[str, Any]]] = [
        ("usedphones.buy", brought(till, offer=700_000)),
        ("usedphones.trade_in", {"phone": brought(till, offer=700_000), "sale": sale}),
        ("usedphones.reverse", {"purchase_id": done["purchase_id"], "reason": "wants it back"}),
    ]
    told = []
    for action, form in forms:
        asked = ask(till.shop.ctx(Role.STAFF), action, read_params(ACTIONS[action].params, form))
        told.append((asked.question.amount_minor, asked.question.document))
    assert told == [(700_000, IMEI), (700_000, IMEI), (250_000, "KLA1-U000001")]


def sold_with_vat(till: Till, on_margin: int) -> tuple[SaleLine, int]:
    """A phone bought for 250,000, refurbished for 5,000 and sold for 640,000; its line, and the ticket's VAT."""
    till.shop.do("shops.update", shop_id=till.shop.home.shop_id, vat_rate_bp=1_800)
    for key, value in (("used_hold_days", 0), ("vat_on_margin", on_margin)):
        till.shop.do("settings.change", key=key, value=value)
    unit_id = buy(till).result["unit_id"]
    till.shop.do("usedphones.add_cost", unit_id=unit_id, kind="other", amount=5_000)
    done = till.sell({"device_id": unit_id}).result
    (summary,) = till.shop.rows(SaleSummary, sale_id=done["sale_id"])
    assert summary.tax_minor == done["tax"]
    return till.shop.rows(SaleLine, sale_id=done["sale_id"])[0], done["tax"]


def test_rule_21_a_phone_bought_from_a_person_is_taxed_on_what_is_above_what_the_person_was_paid(till: Till) -> None:
    line, tax = sold_with_vat(till, on_margin=1)
    assert (line.margin_paid_minor, tax) == (250_000, margin_vat(640_000, 250_000, 1_800))

    amended = till.shop.do("settings.change", key="vat_on_margin", value=0)
    assert amended["value"] == 0
    items = [{"device_id": line.unit_id, "unit_price": 600_000}]
    paid = [{"method": "cash", "amount": 600_000}]
    till.shop.do("sales.amend", sale_id=line.sale_id, reason="price agreed", items=items, payments=paid)
    (summary,) = till.shop.rows(SaleSummary, sale_id=line.sale_id)
    assert summary.tax_minor == margin_vat(600_000, 250_000, 1_800)  # as it was said then


def test_rule_21_without_the_owners_choice_a_used_phone_is_taxed_in_full(till: Till) -> None:
    line, tax = sold_with_vat(till, on_margin=0)
    assert (line.margin_paid_minor, tax) == (None, vat_inside(640_000, 1_800))
