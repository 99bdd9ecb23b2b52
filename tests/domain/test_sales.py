"""Selling: what a ticket must be, and what it leaves behind."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotFound, NotPermitted, ShopError
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.handsets.rules import spellings
from shopnode.domain.people.approvals import WrongPin
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import ReferenceUsed, UnitNotForSale
from shopnode.domain.sales.models import Cart, Payment, Sale, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel, StockMovement
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import PINS, Shop

EID = "89049032004008882600003456789076"


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def on_hand(till: Till, product_id: str) -> int:
    return till.shop.rows(StockLevel, product_id=product_id)[0].on_hand


def test_a_sale_is_whole_sale_lines_money_stock_and_entry_together(till):
    done = till.sell({"product_id": till.glass, "quantity": 2}, pay=[{"method": "cash", "amount": 20_000}])

    assert done.result == {
        "sale_id": done.action_id, "number": "KLA1-000001", "total": 10_000, "tax": 0, "paid": 10_000, "change": 10_000,
    }  # fmt: skip
    sale = till.shop.row(Sale, done.result["sale_id"])
    assert sale.cashier_id == sale.seller_id == till.shop.cashier.id
    (line,) = till.shop.rows(SaleLine, sale_id=sale.id)
    assert (line.item_name, line.quantity, line.unit_price_minor, line.cost_minor) == (
        "Tempered glass",
        2,
        5_000,
        1_500,
    )
    (money,) = till.shop.rows(Payment, sale_id=sale.id)
    assert (money.amount_minor, money.tendered_minor, money.change_minor) == (10_000, 20_000, 10_000)
    assert on_hand(till, till.glass) == 8
    entry = till.shop.entries()[-1]
    assert (entry.action, entry.subject_id) == ("sales.sell", sale.id)
    assert [row[0] for row in json.loads(entry.body)["rows"]] == [
        "sale", "payment", "sale_line", "stock_movement",
    ]  # fmt: skip


def test_receipt_numbers_are_gapless_and_a_refused_sale_takes_none(till):
    till.sell()
    with pytest.raises(ShopError):
        till.sell(pay=[{"method": "cash", "amount": 1}])
    assert till.sell().result["number"] == "KLA1-000002"


def test_a_sale_needs_an_open_drawer(till):
    till.shop.do("cash.close_drawer", counted=50_000)
    with pytest.raises(Conflict, match="open it first"):
        till.sell()


def test_price_name_cost_and_warranty_are_copied_on_the_line(till):
    done = till.sell()
    till.shop.do("products.update", product_id=till.glass, name="Glass, new", price_minor=9_000)
    (line,) = till.shop.rows(SaleLine, sale_id=done.result["sale_id"])
    assert (line.item_name, line.unit_price_minor) == ("Tempered glass", 5_000)


def test_vat_is_inside_the_price(till):
    till.shop.do("shops.update", shop_id=till.shop.home.shop_id, vat_rate_bp=1800)
    done = till.sell({"product_id": till.glass, "quantity": 2}, discount_amount=2_000)
    assert (done.result["total"], done.result["tax"]) == (8_000, 1_220)


def test_selling_a_handset_demands_its_imei(till):
    with pytest.raises(Invalid) as refusal:
        till.sell({"product_id": till.phone})
    assert "needs the IMEI" in refusal.value.fields["items.0"]


def test_two_handsets_are_two_distinct_imeis(till):
    two = {"product_id": till.phone, "quantity": 2}
    with pytest.raises(Invalid, match="twice"):
        till.sell({**two, "imeis": [IMEIS[0], IMEIS[0]]})
    done = till.sell({**two, "imeis": list(IMEIS)})
    assert sorted(line.imei for line in till.shop.rows(SaleLine, sale_id=done.result["sale_id"])) == sorted(IMEIS)


def test_a_sold_handset_cannot_be_sold_again(till):
    till.sell({"device_id": till.units[0]})
    with pytest.raises(UnitNotForSale, match="already been sold"):
        till.sell({"product_id": till.phone, "imeis": [IMEIS[0]]})
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"


def test_two_tablets_can_never_sell_one_unit(till):
    start = Barrier(8)

    def attempt(_: int) -> str:
        start.wait()
        try:
            return till.sell({"device_id": till.units[0]}).result["number"]
        except UnitNotForSale:
            return "refused"

    with ThreadPoolExecutor(8) as tablets:
        answers = list(tablets.map(attempt, range(8)))
    assert sorted(answers) == ["KLA1-000001"] + ["refused"] * 7
    assert len(till.shop.rows(Sale)) == 1


def test_twenty_posts_of_one_sale_are_one_sale(till):
    action_id = till.shop.home.new_id()
    with ThreadPoolExecutor(8) as tablets:
        answers = list(tablets.map(lambda _: till.sell(action_id=action_id).result, range(20)))
    assert {answer["number"] for answer in answers} == {"KLA1-000001"}
    assert len(till.shop.rows(Sale)) == len(till.shop.rows(Payment)) == 1
    assert on_hand(till, till.glass) == 9


def test_a_network_reference_is_unique_for_ever_however_it_is_typed(till):
    pay = [{"method": "MTN MoMo", "amount": 5_000, "reference": "mp 2106 03.1234"}]
    till.sell(pay=pay)
    with pytest.raises(ReferenceUsed, match="KLA1-000001"):
        till.sell(pay=[{**pay[0], "reference": "MP210603.1234"}])
    till.sell(pay=[{**pay[0], "method": "airtel"}])  # another network may have the same id


def test_mobile_money_needs_its_transaction_id(till):
    with pytest.raises(Invalid) as refusal:
        till.sell(pay=[{"method": "mtn_momo", "amount": 5_000}])
    assert "transaction id" in refusal.value.fields["payments.0.reference"]


def test_split_tender_with_change_from_the_cash(till):
    pay = [{"method": "airtel", "amount": 3_000, "reference": "A1"}, {"method": "cash", "amount": 5_000}]
    assert till.sell(pay=pay).result["change"] == 3_000


def test_every_wrong_field_is_named_and_nothing_is_kept(till):
    before = len(till.shop.entries())
    with pytest.raises(Invalid) as refusal:
        till.shop.do(
            "sales.sell",
            items=[{"product_id": till.glass, "quantity": -1}, {"unit_price": 5}, {"item_name": "x" * 10_000}],
            payments=[{"method": "cash", "amount": 10**30}],
            price=1,
        )
    assert set(refusal.value.fields) >= {
        "items.0.quantity",
        "items.1",
        "items.2.item_name",
        "payments.0.amount",
        "price",
    }
    assert len(till.shop.entries()) == before


def test_staff_may_go_down_to_the_floor_alone(till):
    till.sell({"product_id": till.glass, "unit_price": 4_000})


def test_below_the_floor_a_second_person_enters_their_own_pin(till):
    low = {"product_id": till.glass, "unit_price": 3_900}
    with pytest.raises(ApprovalNeeded, match="lowest price"):
        till.sell(low)
    done = till.sell(low, approval=till.shop.approval_by(Role.SUPERVISOR))
    body = json.loads(till.shop.entries()[-1].body)
    assert (body["actor"], body["approver"]) == (till.shop.cashier.id, till.shop.supervisor.id)
    assert done.result["total"] == 3_900


def test_a_ticket_discount_counts_against_the_floor_too(till):
    with pytest.raises(ApprovalNeeded):
        till.sell({"product_id": till.glass}, discount_amount=1_100)


def test_nobody_approves_their_own(till):
    low = {"product_id": till.glass, "unit_price": 100}
    with pytest.raises(NotPermitted, match="their own"):
        till.sell(low, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_a_cashier_cannot_approve_for_another(till):
    low = {"product_id": till.glass, "unit_price": 100}
    with pytest.raises(NotPermitted):
        till.sell(low, role=Role.SUPERVISOR, approval=till.shop.approval_by(Role.STAFF))


def test_a_wrong_pin_changes_nothing(till):
    from shopnode.domain.context import Approval

    with pytest.raises(WrongPin):
        till.sell({"product_id": till.glass, "unit_price": 100}, approval=Approval(till.shop.owner.id, "9999"))
    assert till.shop.rows(Sale) == []
    assert PINS["Sarah"] not in "".join(entry.body for entry in till.shop.entries())


def test_an_approval_is_not_written_where_none_was_needed(till):
    till.sell(approval=till.shop.approval_by(Role.SUPERVISOR))
    assert "approver" not in json.loads(till.shop.entries()[-1].body)


def test_goods_the_books_do_not_know_can_still_be_sold(till):
    till.sell({"product_id": till.charger, "quantity": 2})
    assert on_hand(till, till.charger) == -2


def test_a_custom_line_names_itself_and_moves_no_stock(till):
    moved = len(till.shop.rows(StockMovement))
    wipe = {"item_name": "Screen wipe", "unit_price": 2_000, "category": "Services", "unit_cost": 300}
    done = till.sell(wipe, pay=[{"method": "cash", "amount": 2_000}])
    assert done.result["total"] == 2_000
    assert len(till.shop.rows(StockMovement)) == moved


def test_somebody_elses_ids_are_not_found(till):
    stranger = "0190a000-0000-7000-8000-00000000dead"
    with pytest.raises(NotFound):
        till.sell(customer_id=stranger)
    with pytest.raises(Invalid, match="not found in the catalogue"):
        till.sell({"product_id": stranger, "unit_price": 100}, pay=[{"method": "cash", "amount": 100}])
    with pytest.raises(Invalid, match="not in this shop"):
        till.sell({"device_id": stranger, "unit_price": 100}, pay=[{"method": "cash", "amount": 100}])


def test_the_summary_says_what_the_rows_add_up_to(till):
    till.sell({"product_id": till.glass, "quantity": 2}, {"product_id": till.charger, "discount_amount": 1_000})
    (summary,) = till.shop.rows(SaleSummary)
    assert (summary.items, summary.gross_minor, summary.discount_minor) == (3, 45_000, 1_000)
    assert (summary.total_minor, summary.paid_minor, summary.cost_minor) == (44_000, 44_000, 25_000)
    assert (summary.status, summary.methods) == ("Submitted", "cash")


def test_no_cart_is_among_what_travels(till):
    assert not hasattr(Cart, "__sync__")


@pytest.mark.parametrize("reference", ["A\x00B", "ß" * 40, "é1", "x" * 61])
def test_a_reference_is_of_the_signs_networks_use(till, reference):
    with pytest.raises(Invalid) as refusal:
        till.sell(pay=[{"method": "mtn", "amount": 5_000, "reference": reference}])
    assert set(refusal.value.fields) == {"payments.0.reference"}


def test_an_archived_product_and_an_unknown_seller_are_refused(till):
    with pytest.raises(NotFound):
        till.sell(seller_id="0190a000-0000-7000-8000-00000000dead")
    till.shop.do("products.archive", product_id=till.glass)
    with pytest.raises(Invalid, match="no longer sold"):
        till.sell()


def test_custom_lines_count_together_against_their_limit(till):
    radio = {"item_name": "Radio", "unit_price": 150_000, "category": "Used", "unit_cost": 90_000}
    till.sell(radio, pay=[{"method": "cash", "amount": 150_000}])
    with pytest.raises(ApprovalNeeded, match="not in the catalogue"):
        till.sell(radio, radio, pay=[{"method": "cash", "amount": 300_000}])
    assert [line.category for line in till.shop.rows(SaleLine)] == ["Used"]


def test_a_reference_corrected_away_is_free_for_its_real_owner(till):
    wrong = till.sell(pay=[{"method": "mtn", "amount": 5_000, "reference": "T9"}]).result["sale_id"]
    pay = [{"method": "mtn", "amount": 5_000, "reference": "T8"}]
    till.shop.do("sales.amend", sale_id=wrong, reason="typed the other one", payments=pay)
    till.sell(pay=[{"method": "mtn", "amount": 5_000, "reference": "T9"}])


@pytest.mark.parametrize(
    "typed",
    [
        IMEIS[0][:14], IMEIS[0][:14] + "07", f"IMEI: {IMEIS[0]}", f"imei1 {IMEIS[0]}", f"{IMEIS[0][:6]}-{IMEIS[0][6:]}",
        "abc12345", "S/N: AbC-12345", EID, f"EID:{EID}",
    ],
)  # fmt: skip
def test_rule_3_a_phone_is_sold_by_any_of_its_numbers_however_it_is_read(till: Till, typed: str) -> None:
    if not typed.lower().startswith(("imei", "0044")):
        tablet = {"product_id": till.phone, "serial": "AbC12345", "imei1": "004401251000390", "eid": EID}
        till.shop.do("handsets.receive", tablet)
    assert till.sell({"product_id": till.phone, "imeis": [typed]}).result["total"] == 640_000


def test_a_serial_that_begins_like_a_label_is_a_serial() -> None:
    assert spellings("SN12345") == ["SN12345"]
    assert spellings("EIDER500") == ["EIDER500"]
    assert spellings("IMEI: A1") == ["IMEIA1"]


def test_rule_34_a_merged_customer_buys_as_the_one_who_is_kept(till: Till) -> None:
    wholesale = till.shop.do("price_lists.create", name="Wholesale")["id"]
    till.shop.do("price_lists.set_price", list_id=wholesale, product_id=till.charger, price_minor=30_000)
    first, kept = (till.shop.do("customers.create", name="Okello", phone=f"077200011{n}")["id"] for n in (1, 2))
    till.shop.do("price_lists.assign", customer_id=kept, list_id=wholesale)
    till.shop.do("customers.merge", duplicate_id=first, into_id=kept)
    pay = [{"method": "cash", "amount": 30_000}]
    done = till.sell({"product_id": till.charger}, pay=pay, customer_id=first).result  # as a parked cart still says
    assert (done["total"], till.shop.row(Sale, done["sale_id"]).customer_id) == (30_000, kept)


def test_rule_91_who_was_erased_is_neither_sold_to_nor_merged_into_a_living_customer(till: Till) -> None:
    gone, other = (till.shop.do("customers.create", name="Okello", phone=f"077200011{n}")["id"] for n in (1, 2))
    till.shop.do("customers.erase", customer_id=gone, reason="asked")
    with pytest.raises(Invalid, match="was erased at their own wish"):
        till.sell(customer_id=gone)
    for duplicate, into in ((gone, other), (other, gone)):
        with pytest.raises(Conflict, match="was erased at their own wish"):
            till.shop.do("customers.merge", duplicate_id=duplicate, into_id=into)
    till.sell(customer_id=other)
