"""Claims under a warranty: any number within it, and none of them starts it anew (rules 56 and 57)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.returns.claims import _figures
from shopnode.domain.returns.errors import NothingLeft, NoWarranty
from shopnode.domain.returns.finding import what_may_come_back
from shopnode.domain.returns.forms import ClaimWarranty
from shopnode.domain.returns.models import SaleReturn, WarrantyClaim
from shopnode.domain.sales.models import SaleLine
from tests.domain.counting import expected_cash, lines, on_hand, paid, summary
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop

DAY_MS = 86_400_000
THIRD = "004401251000390"


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def phone(till: Till, which: int = 0) -> str:
    pay = [{"method": "cash", "amount": 640_000}]
    return str(till.sell({"device_id": till.units[which]}, pay=pay).result["sale_id"])


def claim(till: Till, outcome: str, role: Role = Role.OWNER, **more):
    return till.shop.do(
        "returns.claim_warranty", role=role, outcome=outcome, reason="does not charge", **{"imei": IMEIS[0], **more}
    )


def days_pass(till: Till, days: int) -> None:
    till.shop.clock.advance(days * DAY_MS)


def test_rule_57_claims_are_unlimited_and_none_starts_the_period_anew(till):
    phone(till)
    ends = []
    for _ in range(3):
        days_pass(till, 100)
        ends.append(claim(till, "repair", role=Role.STAFF)["covered_until"])
    assert len(set(ends)) == 1
    assert len(till.shop.rows(WarrantyClaim)) == 3
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"  # it stays the customer's
    days_pass(till, 66)
    with pytest.raises(ApprovalNeeded, match="warranty ended"):
        claim(till, "repair", role=Role.STAFF)


def test_the_last_day_of_a_warranty_counts(till):
    phone(till)
    days_pass(till, 365)
    claim(till, "repair", role=Role.STAFF)


def test_rule_56_a_replacement_inherits_the_days_that_are_left(till):
    first = phone(till)
    days_pass(till, 100)
    done = claim(till, "replace", new_imei=IMEIS[1])

    (new,) = till.shop.rows(SaleLine, id=done["new_line_id"])
    assert (new.warranty_days, new.unit_id, new.imei) == (265, till.units[1], IMEIS[1])
    (row,) = till.shop.rows(WarrantyClaim)
    assert (row.unit_id, row.new_unit_id, row.new_line_id) == (till.units[0], till.units[1], new.id)
    assert row.sale_line_id == lines(till, first)[0].id
    assert [till.shop.row(StockUnit, unit).status for unit in till.units] == ["inspect", "sold"]
    assert on_hand(till, till.phone) == 0


def test_a_replacement_moves_no_money_and_both_tickets_add_up(till):
    first = phone(till)
    done = claim(till, "replace", new_imei=IMEIS[1])
    assert expected_cash(till) == FLOAT + 640_000
    assert paid(till, first) == {"cash": 640_000, "exchange": -640_000}
    assert paid(till, done["sale_id"]) == {"exchange": 640_000}
    assert summary(till, done["sale_id"]).total_minor == 640_000
    (back,) = till.shop.rows(SaleReturn)
    assert back.exchange_sale_id == done["sale_id"]


def test_a_replacement_of_a_replacement_still_ends_on_the_first_day(till):
    phone(till)
    days_pass(till, 100)
    until = claim(till, "replace", new_imei=IMEIS[1])["covered_until"]
    till.shop.do("handsets.receive", product_id=till.phone, imei1=THIRD)
    days_pass(till, 50)
    again = claim(till, "replace", imei=IMEIS[1], new_imei=THIRD)

    assert again["covered_until"] == until
    (new,) = till.shop.rows(SaleLine, id=again["new_line_id"])
    assert new.warranty_days == 215


def test_an_accessory_is_replaced_by_one_of_the_same(till):
    till.shop.do("products.update", product_id=till.charger, warranty_days=30)
    till.shop.do("stock.adjust", product_id=till.charger, quantity=5, reason="opening stock", kind="opening")
    sale_id = till.sell({"product_id": till.charger}).result["sale_id"]
    asked = {"outcome": "replace", "reason": "dead", "sale_line_id": lines(till, sale_id)[0].id}
    with pytest.raises(ApprovalNeeded, match="Writing goods off"):
        till.shop.do("returns.claim_warranty", asked, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    till.shop.perform("returns.claim_warranty", asked, role=Role.STAFF, approval=approval)
    assert on_hand(till, till.charger) == 3  # the broken one is scrapped


def test_a_replacement_above_the_limit_needs_a_second_person(till):
    phone(till)
    with pytest.raises(ApprovalNeeded, match="640,000"):
        claim(till, "replace", role=Role.STAFF, new_imei=IMEIS[1])


def power_bank(till: Till) -> str:
    """Sold for 50,000, with a warranty: the id of its line."""
    form = {"name": "Power bank", "category": "Accessories", "price_minor": 50_000, "cost_minor": 20_000}
    bank = till.shop.do("products.create", form, warranty_days=90)["id"]
    pay = [{"method": "cash", "amount": 50_000}]
    return lines(till, till.sell({"product_id": bank, "unit_price": 50_000}, pay=pay).result["sale_id"])[0].id


def test_another_product_is_given_under_a_warranty_with_a_second_person_within_their_own_limits(till):
    asked = {"imei": None, "sale_line_id": power_bank(till), "new_imei": IMEIS[0], "restock": "scrap"}
    with pytest.raises(ApprovalNeeded, match="Tecno Spark 40” for 640,000 is not the “Power bank"):
        claim(till, "replace", role=Role.STAFF, **asked)
    form = {**asked, "outcome": "replace", "reason": "dead"}
    with pytest.raises(NotPermitted, match="640,000"):
        approval = till.shop.approval_by(Role.SUPERVISOR)
        till.shop.perform("returns.claim_warranty", form, role=Role.STAFF, approval=approval)
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"
    till.shop.perform("returns.claim_warranty", form, role=Role.STAFF, approval=till.shop.approval_by(Role.OWNER))


def test_a_piece_marked_dearer_than_the_one_that_came_back_needs_a_second_person(till):
    till.shop.do("settings.change", key="refund_limit_staff_minor", value=640_000)
    phone(till)
    till.shop.do("handsets.receive", product_id=till.phone, imei1=THIRD, price_minor=900_000)
    with pytest.raises(ApprovalNeeded, match="900,000"):
        claim(till, "replace", role=Role.STAFF, new_imei=THIRD)
    claim(till, "replace", role=Role.STAFF, new_imei=IMEIS[1])


def test_a_dearer_catalogue_price_and_a_merged_product_are_the_like_of_what_came_back(till):
    till.shop.do("settings.change", key="refund_limit_staff_minor", value=640_000)
    phone(till)
    kept = till.shop.do(
        "products.create", name="Tecno Spark 40 (2025)", category="Phones", price_minor=800_000, is_serialised=True
    )["id"]
    till.shop.do("handsets.receive", product_id=kept, imei1=THIRD)
    with pytest.raises(ApprovalNeeded, match="is not the"):
        claim(till, "replace", role=Role.STAFF, new_imei=THIRD)
    till.shop.do("products.merge", duplicate_id=till.phone, into_id=kept)
    claim(till, "replace", role=Role.STAFF, new_imei=THIRD)


def test_the_owner_hears_what_the_dearer_piece_of_a_claim_is_worth(till):
    form = {"sale_line_id": power_bank(till), "outcome": "replace", "new_imei": IMEIS[0], "reason": "dead"}
    with till.shop.reading() as ctx:
        assert _figures(ctx, ClaimWarranty(**form))[0] == 640_000


def test_what_was_corrected_away_has_no_warranty_to_claim(till):
    line = power_bank(till)
    sale_id = till.shop.rows(SaleLine, id=line)[0].sale_id
    till.shop.do("sales.amend", sale_id=sale_id, reason="was a charger", items=[{"product_id": till.charger}])
    with pytest.raises(NothingLeft):
        claim(till, "repair", role=Role.STAFF, imei=None, sale_line_id=line)


def test_rule_53_a_replacement_does_not_open_the_window_for_returns_again(till):
    till.shop.do("settings.change", key="refund_limit_supervisor_minor", value=1_000_000)
    phone(till)
    till.shop.do("cash.close_drawer", counted=FLOAT + 640_000)
    days_pass(till, 300)
    till.shop.do("cash.open_drawer", opening_float=FLOAT)
    new = claim(till, "replace", new_imei=IMEIS[1])["sale_id"]
    form = {"lines": [{"imei": IMEIS[1], "restock": "new"}], "reason": "not wanted"}
    with pytest.raises(ApprovalNeeded, match="too long ago"):
        till.shop.do("returns.take_back", form, role=Role.SUPERVISOR)
    with till.shop.reading() as ctx:
        day = summary(till, new).business_on
        assert what_may_come_back(ctx, new, day).days_late == 293  # the screen says so, too


@pytest.mark.parametrize("restock", ["new", "bench", "scrap"])
def test_of_a_bundle_the_customer_keeps_what_was_beside_the_phone(till, restock):
    made = {"name": "Spark with glass", "category": "Phones", "price_minor": 650_000, "warranty_days": 90}
    bundle = till.shop.do("products.create", made)["id"]
    parts = [{"product_id": till.phone}, {"product_id": till.glass, "quantity": 2}]
    till.shop.do("products.set_bundle", product_id=bundle, parts=parts)
    till.sell({"product_id": bundle, "imeis": [IMEIS[0]]}, pay=[{"method": "cash", "amount": 650_000}])
    claim(till, "replace", new_imei=IMEIS[1], restock=restock)
    assert on_hand(till, till.glass) == 8
    assert on_hand(till, till.phone) == (1 if restock == "new" else 0)


def test_a_refused_claim_is_written_down(till):
    sale_id = phone(till)
    claim(till, "refuse", role=Role.STAFF)
    (row,) = till.shop.rows(WarrantyClaim)
    assert (row.outcome, row.new_line_id) == ("refuse", None)
    assert row.covered_until == summary(till, sale_id).business_on + timedelta(days=365)


def test_a_claim_needs_the_phone_itself_and_a_warranty(till):
    sale_id = phone(till)
    with pytest.raises(Invalid, match="scan the IMEI"):
        claim(till, "repair", imei=None, sale_line_id=lines(till, sale_id)[0].id)
    with pytest.raises(NotFound):
        claim(till, "repair", imei=IMEIS[1])
    glass = till.sell({"product_id": till.glass}).result["sale_id"]
    with pytest.raises(NoWarranty):
        claim(till, "repair", imei=None, sale_line_id=lines(till, glass)[0].id)
    with pytest.raises(Invalid, match="given instead"):
        claim(till, "replace")


def test_what_came_back_for_its_money_has_no_warranty_left_to_claim(till):
    till.shop.do("products.update", product_id=till.charger, warranty_days=30)
    sale_id = till.sell({"product_id": till.charger}).result["sale_id"]
    line_id = lines(till, sale_id)[0].id
    asked = [{"sale_line_id": line_id, "restock": "new"}]
    till.shop.do("returns.take_back", sale_id=sale_id, lines=asked, reason="not wanted")
    with pytest.raises(NothingLeft):
        claim(till, "repair", imei=None, sale_line_id=line_id)
