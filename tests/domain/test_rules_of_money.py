"""Rules of selling and of money that have no page of their own, each by its number."""

from __future__ import annotations

import json

import pytest

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.cash.queries import drawer_figures, open_session_or_none
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.sales.models import Payment, SaleLine
from shopnode.receipts import receipt_of_sale
from tests.domain.till import FLOAT, Till, open_till
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def expected(till: Till) -> int:
    with till.shop.reading() as ctx:
        drawer = open_session_or_none(ctx.session, ctx.shop_id or "")
        assert drawer is not None
        return drawer_figures(ctx.session, drawer).expected_minor


def test_rule_25_who_the_old_and_the_new_price_and_the_reason_stand_in_the_audit(till: Till) -> None:
    low = {"product_id": till.glass, "unit_price": 3_900}
    approval = till.shop.approval_by(Role.SUPERVISOR)
    till.sell(low, approval=approval, notes="scratched in the window")

    entry = json.loads(till.shop.entries()[-1].body)
    assert (entry["actor"], entry["approver"]) == (till.shop.cashier.id, till.shop.supervisor.id)
    line, sale = till.shop.changes("sale_line")[-1].fields, till.shop.changes("sale")[-1].fields
    assert (line["list_price_minor"], line["unit_price_minor"]) == (5_000, 3_900)
    assert sale["notes"] == "scratched in the window"


def test_rule_25_a_price_below_cost_says_why(till: Till) -> None:
    low = {"product_id": till.glass, "unit_price": 100}
    approval = till.shop.approval_by(Role.OWNER)
    with pytest.raises(ApprovalNeeded):
        till.sell(low)
    with pytest.raises(Invalid, match="say why “Tempered glass” is sold for less than it cost"):
        till.sell(low, approval=approval)
    with pytest.raises(Invalid, match="say why"):
        till.sell(discount_amount=4_000, approval=approval)
    till.sell(low, approval=approval, notes="the last one, cracked")
    till.sell(low, role=Role.OWNER)  # nobody asks the owner


def test_rule_29_the_terms_copied_on_the_lines_are_printed_once_with_the_end_date(till: Till) -> None:
    terms = "Not for water.\nNot for a broken screen."
    till.shop.do("products.update", product_id=till.phone, warranty_terms=terms)
    sold = till.sell({"device_id": till.units[0]}, {"device_id": till.units[1]}, {"product_id": till.glass}).result
    till.shop.do("products.update", product_id=till.phone, warranty_terms="Nothing at all.")
    bare = till.sell().result
    with till.shop.reading() as ctx:
        receipt, plain = (receipt_of_sale(ctx, one["sale_id"]) for one in (sold, bare))
    assert receipt.warranty_text.startswith("Not for water. Not for a broken screen. For warranty service")
    assert sorted(line.warranty for line in receipt.lines) == ["", "until 21 Sep 2027", "until 21 Sep 2027"]
    assert plain.warranty_text == ""


@pytest.mark.parametrize(("left_out", "field"), [("category", "items.0.category"), ("unit_cost", "items.0.unit_cost")])
def test_rule_26_a_custom_item_needs_its_category_and_about_what_it_cost(till: Till, left_out: str, field: str) -> None:
    radio = {"item_name": "Radio", "unit_price": 50_000, "category": "Used", "unit_cost": 30_000}
    with pytest.raises(Invalid) as refused:
        till.sell({name: value for name, value in radio.items() if name != left_out})
    assert list(refused.value.fields) == [field]
    sold = till.sell(radio).result

    (line,) = till.shop.rows(SaleLine, sale_id=sold["sale_id"])
    assert (line.product_id, line.category, line.cost_minor) == (None, "Used", 30_000)


def test_rule_37_amounts_far_above_32_bits_are_kept_to_the_shilling(till: Till) -> None:
    tower = {"item_name": "All of it", "unit_price": 900_000_000_001, "category": "Other", "unit_cost": 800_000_000_000}
    sold = till.sell(tower, role=Role.OWNER).result
    assert sold["total"] == 900_000_000_001
    assert expected(till) == FLOAT + 900_000_000_001


def test_rule_39_change_comes_from_cash_alone(till: Till) -> None:
    momo = {"method": "mtn_momo", "amount": 6_000, "reference": "MP1"}
    with pytest.raises(Invalid, match="more than is due"):
        till.sell(pay=[momo])
    done = till.sell(pay=[momo | {"amount": 3_000}, {"method": "cash", "amount": 5_000}]).result
    assert done["change"] == 3_000


FEE = {"fee": 150, "fee_borne_by": "customer"}


def test_rule_43_who_bears_a_networks_fee_is_recorded_and_it_is_no_part_of_the_amount(till: Till) -> None:
    sold = till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "reference": "MP1", **FEE}]).result
    (payment,) = till.shop.rows(Payment, sale_id=sold["sale_id"])
    assert (payment.amount_minor, payment.fee_minor, payment.fee_borne_by) == (5_000, 150, "customer")

    customer = till.shop.do("customers.create", name="Grace", phone="0772 123 456")["id"]
    gift = {"customer_id": customer, "method": "airtel_money", "amount": 20_000, "reference": "AM1"}
    till.shop.do("accounts.sell_store_credit", {**gift, "fee": 500, "fee_borne_by": "shop"})
    (moved,) = till.shop.rows(MoneyMove)
    assert (moved.amount_minor, moved.fee_minor, moved.fee_borne_by) == (20_000, 500, "shop")


@pytest.mark.parametrize(
    ("pay", "field"),
    [
        ({"method": "cash", **FEE}, "payments.0.fee"),
        ({"method": "mtn_momo", "reference": "MP1", "fee": 150}, "payments.0.fee_borne_by"),
        ({"method": "mtn_momo", "reference": "MP1", "fee_borne_by": "shop"}, "payments.0.fee"),
    ],
)
def test_rule_43_a_fee_names_who_bears_it_and_cash_has_none(till: Till, pay: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        till.sell(pay=[{"amount": 5_000, **pay}])
    assert list(refused.value.fields) == [field]


NOTES = [{"amount": 50_000, "serial": "AB 1234567"}, {"amount": 20_000, "serial": "CD 7654321"}]


def test_rule_50_counterfeit_notes_are_a_loss_with_the_number_of_each(till: Till) -> None:
    till.sell({"product_id": till.charger, "quantity": 2})
    with pytest.raises(ApprovalNeeded):
        till.shop.do("cash.book_counterfeits", notes=NOTES, role=Role.STAFF)
    approval = till.shop.approval_by(Role.SUPERVISOR)
    done = till.shop.perform("cash.book_counterfeits", notes=NOTES, role=Role.STAFF, approval=approval).result

    assert (done["lost"], len(done["slips"])) == (70_000, 2)
    assert expected(till) == FLOAT
    told = sorted((row.kind, row.method, row.amount_minor, row.note) for row in till.shop.rows(MoneyMove))
    assert told == [
        ("counterfeit", "cash", -50_000, "Note AB 1234567"), ("counterfeit", "cash", -20_000, "Note CD 7654321"),
    ]  # fmt: skip


def test_rule_50_one_note_is_booked_once_and_a_large_loss_is_the_owners(till: Till) -> None:
    with pytest.raises(Invalid, match="each note is booked once"):
        till.shop.do("cash.book_counterfeits", notes=[NOTES[0], NOTES[0] | {"serial": "ab 1234567"}])
    many = [{"amount": 50_000, "serial": f"AB {number}"} for number in range(1_000, 1_030)]
    approval = till.shop.approval_by(Role.SUPERVISOR)
    with pytest.raises(NotPermitted):
        till.shop.perform("cash.book_counterfeits", notes=many, role=Role.STAFF, approval=approval)
    assert till.shop.rows(MoneyMove) == []
