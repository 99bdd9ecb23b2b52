"""Claims under a warranty: any number within it, and none of them starts it anew (rules 56 and 57)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.permissions import Role
from shopnode.domain.returns.errors import NothingLeft, NoWarranty
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
    claim(till, "replace", role=Role.STAFF, imei=None, sale_line_id=lines(till, sale_id)[0].id)
    assert on_hand(till, till.charger) == 3  # the broken one is with the supplier


def test_a_replacement_above_the_limit_needs_a_second_person(till):
    phone(till)
    with pytest.raises(ApprovalNeeded, match="640,000"):
        claim(till, "replace", role=Role.STAFF, new_imei=IMEIS[1])


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
