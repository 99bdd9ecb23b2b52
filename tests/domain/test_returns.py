"""Goods that come back: by their own number, never more than was sold, and the money the way it came."""

from __future__ import annotations

import pytest

from shopnode.domain.buying.models import SupplierReturn
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.models import StockUnit, UnitEvent
from shopnode.domain.permissions import Role
from shopnode.domain.returns.errors import NoSuchReceipt, NothingLeft, WrongPhone
from shopnode.domain.returns.models import SaleReturn, SaleReturnLine
from shopnode.domain.returns.rules import worth_back
from shopnode.domain.sales.errors import PartlyReturned, ReferenceUsed
from shopnode.domain.sales.models import Payment
from shopnode.domain.stock.queries import stock_differences
from tests.domain.counting import expected_cash, lines, on_hand, paid, summary, table
from tests.domain.till import FLOAT, IMEIS, Till, open_till
from tests.shop import Shop

DAY_MS = 86_400_000


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def back(till: Till, sale_id: str | None, *what, role: Role = Role.SUPERVISOR, approval=None, **more):
    """Take goods back: (line id, quantity) or an IMEI each, as new unless told."""
    restock = more.pop("restock", "new")
    asked = [
        {"imei": one, "restock": restock}
        if isinstance(one, str)
        else {"sale_line_id": one[0], "quantity": one[1], "restock": restock}
        for one in what
    ]
    form = {"lines": asked, "reason": "not wanted", **({"sale_id": sale_id} if sale_id else {}), **more}
    return till.shop.perform("returns.take_back", form, role=role, approval=approval).result


def glasses(till: Till, quantity: int = 3, **more) -> tuple[str, str]:
    sale_id = till.sell({"product_id": till.glass, "quantity": quantity}, **more).result["sale_id"]
    return sale_id, lines(till, sale_id)[0].id


def phone(till: Till, pay=None) -> str:
    pay = pay or [{"method": "cash", "amount": 640_000}]
    return str(till.sell({"device_id": till.units[0]}, pay=pay).result["sale_id"])


# --- 51: the unit itself


def test_rule_51_a_phone_comes_back_by_its_own_number(till):
    sale_id = phone(till)
    done = back(till, sale_id, IMEIS[0], role=Role.OWNER)

    assert (done["refund"], done["number"]) == (640_000, "KLA1-R000001")
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"
    assert on_hand(till, till.phone) == 2
    assert expected_cash(till) == FLOAT
    assert summary(till, sale_id).paid_minor == 0


def test_rule_51_another_phone_is_refused(till):
    sale_id = phone(till)
    with pytest.raises(WrongPhone, match=IMEIS[1]):
        back(till, sale_id, IMEIS[1])
    assert till.shop.rows(SaleReturn) == []


def test_rule_51_a_phone_is_not_taken_back_without_scanning_it(till):
    sale_id = phone(till)
    with pytest.raises(Invalid, match="scan the IMEI"):
        back(till, sale_id, (lines(till, sale_id)[0].id, 1))


def test_rule_51_fourteen_digits_and_blanks_are_the_same_phone(till):
    sale_id = phone(till)
    typed = f"{IMEIS[0][:6]} {IMEIS[0][6:14]}"
    assert back(till, sale_id, typed, role=Role.OWNER)["refund"] == 640_000


def test_a_phone_comes_back_once_and_can_be_sold_again(till):
    sale_id = phone(till)
    back(till, sale_id, IMEIS[0], role=Role.OWNER)
    with pytest.raises(Conflict):
        back(till, sale_id, IMEIS[0], role=Role.OWNER)
    phone(till)


# --- pieces and money


def test_never_more_pieces_come_back_than_were_sold(till):
    sale_id, line_id = glasses(till)
    back(till, sale_id, (line_id, 2))
    with pytest.raises(NothingLeft, match="Only 1"):
        back(till, sale_id, (line_id, 2))
    back(till, sale_id, (line_id, 1))
    with pytest.raises(NothingLeft, match="Nothing"):
        back(till, sale_id, (line_id, 1))


def test_one_line_named_twice_in_a_return_is_counted_together(till):
    sale_id, line_id = glasses(till)
    with pytest.raises(NothingLeft):
        back(till, sale_id, (line_id, 2), (line_id, 2))


def test_parts_of_a_discounted_line_add_up_to_what_was_paid(till):
    sale_id, line_id = glasses(till, discount_amount=1_000)  # 14,000 for three
    parts = [back(till, sale_id, (line_id, 1))["refund"] for _ in range(3)]

    assert sum(parts) == 14_000
    assert max(parts) - min(parts) <= 1
    assert summary(till, sale_id).paid_minor == 0
    assert expected_cash(till) == FLOAT


def test_a_line_of_another_sale_is_not_found(till):
    sale_id, _ = glasses(till)
    _, other_line = glasses(till)
    with pytest.raises(NotFound):
        back(till, sale_id, (other_line, 1))


@pytest.mark.parametrize(("amount", "sold", "before", "now", "worth"), table("returns.md", 1))
def test_the_page_on_what_pieces_are_worth(amount, sold, before, now, worth):
    assert worth_back(int(amount), int(sold), int(before), int(now)) == int(worth)


# --- 52: where the goods go


@pytest.mark.parametrize(
    ("restock", "status", "level"),
    [
        ("new", "in_stock", 2),
        ("open_box", "in_stock", 2),
        ("bench", "bench", 1),
        ("supplier", "inspect", 1),  # nobody knows whom it came from
        ("scrap", "scrapped", 1),
    ],
)
def test_rule_52_stock_follows_the_decision(till, restock, status, level):
    sale_id = phone(till)
    back(till, sale_id, IMEIS[0], role=Role.OWNER, restock=restock)

    unit = till.shop.row(StockUnit, till.units[0])
    assert (unit.status, on_hand(till, till.phone)) == (status, level)
    assert (unit.condition == "open_box") is (restock == "open_box")
    (line,) = till.shop.rows(SaleReturnLine)
    assert (line.restock, line.unit_id) == (restock, unit.id)
    (event,) = till.shop.rows(UnitEvent, unit_id=unit.id)
    assert (event.from_status, event.to_status, event.about_id) == ("sold", status, line.return_id)
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []


def test_rules_52_and_58_a_phone_whose_supplier_is_known_goes_back_to_them(till):
    supplier = till.shop.do("suppliers.create", name="Banana Phones")["id"]
    number = "004401251000390"
    unit = till.shop.do("handsets.receive", product_id=till.phone, imei1=number, supplier_id=supplier)["unit_id"]
    sale_id = till.sell({"device_id": unit}, pay=[{"method": "cash", "amount": 640_000}]).result["sale_id"]
    back(till, sale_id, number, role=Role.OWNER, restock="supplier")
    (sent,) = till.shop.rows(SupplierReturn)
    assert (sent.unit_id, sent.supplier_id, till.shop.row(StockUnit, unit).status) == (unit, supplier, "supplier")


@pytest.mark.parametrize("restock", ["bench", "supplier"])
def test_rule_52_what_is_counted_goes_back_on_the_shelf_or_is_scrapped(till, restock):
    sale_id, line_id = glasses(till)
    with pytest.raises(Invalid, match="counted by the piece"):
        back(till, sale_id, (line_id, 2), restock=restock)
    back(till, sale_id, (line_id, 2), restock="scrap")
    assert on_hand(till, till.glass) == 7
    back(till, sale_id, (line_id, 1), restock="new")
    assert on_hand(till, till.glass) == 8


def test_staff_scrap_nothing_alone(till):
    sale_id, line_id = glasses(till)
    with pytest.raises(ApprovalNeeded, match="Writing goods off"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF, restock="scrap")
    approval = till.shop.approval_by(Role.SUPERVISOR)
    back(till, sale_id, (line_id, 1), role=Role.STAFF, restock="scrap", approval=approval)


# --- 53: window and fee


def test_rule_53_outside_the_window_a_second_person_is_needed(till):
    sale_id, line_id = glasses(till)
    till.shop.do("cash.close_drawer", counted=FLOAT + 15_000)
    till.shop.clock.advance(8 * DAY_MS)
    till.shop.do("cash.open_drawer", opening_float=FLOAT)
    with pytest.raises(ApprovalNeeded, match="1 days after"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF)
    back(till, sale_id, (line_id, 1), role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))


def test_rule_53_a_drawer_left_open_does_not_stop_the_days(till):
    sale_id, line_id = glasses(till)
    till.shop.clock.advance(8 * DAY_MS)
    with pytest.raises(ApprovalNeeded, match="1 days after"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF)


def test_rule_53_a_fee_is_kept_of_what_comes_back_opened(till):
    till.shop.do("settings.change", key="open_box_fee_bp", value=1_000)
    sale_id, line_id = glasses(till)
    done = back(till, sale_id, (line_id, 1), restock="open_box")

    assert (done["worth"], done["fee"], done["refund"]) == (5_000, 500, 4_500)
    assert summary(till, sale_id).paid_minor == 10_500
    assert expected_cash(till) == FLOAT + 10_500
    with pytest.raises(ApprovalNeeded, match="500 is kept"):
        back(till, sale_id, (line_id, 1), restock="open_box", fee_amount=0)


def test_a_fee_is_never_more_than_the_goods_are_worth(till):
    sale_id, line_id = glasses(till)
    with pytest.raises(Invalid, match="more than the goods"):
        back(till, sale_id, (line_id, 1), fee_amount=5_001)


# --- 55: without a receipt


def test_rule_55_without_a_receipt_a_phone_is_found_by_its_imei(till):
    sale_id = phone(till)
    done = back(till, None, IMEIS[0], role=Role.OWNER, had_receipt=False)
    assert done["sale_id"] == sale_id
    assert till.shop.rows(SaleReturn)[0].had_receipt is False


def test_rule_55_without_a_receipt_nothing_else_comes_back_but_with_the_owner(till):
    sale_id, line_id = glasses(till)
    with pytest.raises(NoSuchReceipt):
        back(till, None, (line_id, 1))
    with pytest.raises(ApprovalNeeded, match="Without a receipt"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF, had_receipt=False)
    with pytest.raises(NotPermitted, match="Ask the owner"):
        approval = till.shop.approval_by(Role.SUPERVISOR)
        back(till, sale_id, (line_id, 1), role=Role.STAFF, had_receipt=False, approval=approval)
    owner = till.shop.approval_by(Role.OWNER)
    back(till, sale_id, (line_id, 1), role=Role.STAFF, had_receipt=False, approval=owner)


def test_a_phone_that_was_never_sold_has_no_sale_to_go_back_to(till):
    with pytest.raises(NotFound):
        back(till, None, IMEIS[0], had_receipt=False)


def test_a_receipt_is_found_by_its_number(till):
    glasses(till)
    sale_id, line_id = glasses(till)
    done = back(till, None, (line_id, 1), sale_number="kla1-000002")
    assert done["sale_id"] == sale_id


# --- 47: where the money goes


MOMO = [{"method": "mtn", "amount": 15_000, "reference": "T1"}]


def test_rule_47_money_goes_back_by_the_tender_it_came_by(till):
    sale_id, line_id = glasses(till, pay=MOMO)
    back(till, sale_id, (line_id, 1), role=Role.STAFF)
    assert paid(till, sale_id, kind="refund") == {"mtn_momo": -5_000}
    assert expected_cash(till) == FLOAT


def test_rule_41_money_is_sent_back_by_a_transaction_of_its_own(till):
    pay = [{"method": "mtn", "amount": 10_000, "reference": "T1"}, {"method": "cash", "amount": 15_000}]
    sale_id, line_id = glasses(till, 5, pay=pay)
    with pytest.raises(ReferenceUsed):
        back(till, sale_id, (line_id, 5), role=Role.STAFF, refund_reference="t 1")
    with pytest.raises(Invalid, match="is for money of a network"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF, refund_reference="OUT1")
    back(till, sale_id, (line_id, 4), role=Role.STAFF, refund_reference="out-1")
    got = {(row.method, row.reference): row.amount_minor for row in till.shop.rows(Payment, kind="refund")}
    assert got == {("cash", None): -15_000, ("mtn_momo", "OUT1"): -5_000}
    with pytest.raises(ReferenceUsed):  # nobody pays a sale by the message that sent our money away
        glasses(till, 1, pay=[{"method": "mtn", "amount": 5_000, "reference": "OUT1"}])

    done = back(till, sale_id, (line_id, 1), role=Role.STAFF)
    assert done["paid_back"] == [{"method": "mtn_momo", "amount": 5_000}]
    assert till.shop.rows(Payment, kind="refund")[-1].reference is None
    assert paid(till, sale_id) == {"mtn_momo": 0, "cash": 0}


def test_rule_47_cash_for_mobile_money_needs_a_second_person(till):
    sale_id, line_id = glasses(till, pay=MOMO)
    with pytest.raises(ApprovalNeeded, match="MTN MoMo"):
        back(till, sale_id, (line_id, 1), role=Role.STAFF, refund_to="cash")
    approval = till.shop.approval_by(Role.SUPERVISOR)
    back(till, sale_id, (line_id, 1), role=Role.STAFF, refund_to="cash", approval=approval)
    assert paid(till, sale_id, kind="refund") == {"cash": -5_000}
    assert expected_cash(till) == FLOAT - 5_000


def test_a_refund_into_store_credit_needs_to_know_whose(till):
    sale_id, line_id = glasses(till)
    with pytest.raises(Invalid, match="customer"):
        back(till, sale_id, (line_id, 1), refund_to="store_credit")


def test_a_refund_may_go_into_store_credit_and_no_cash_leaves(till):
    customer = till.shop.do("customers.create", name="Okello", phone="0798 123 456")["id"]
    sale_id, line_id = glasses(till)
    back(till, sale_id, (line_id, 2), refund_to="store_credit", customer_id=customer)
    assert paid(till, sale_id, kind="refund") == {"store_credit": -10_000}
    assert expected_cash(till) == FLOAT + 15_000
    pay = [{"method": "store_credit", "amount": 10_000}]
    till.sell({"product_id": till.glass, "quantity": 2}, pay=pay, customer_id=customer)


def test_rule_59_points_of_what_came_back_are_taken_again(till):
    from shopnode.domain.accounts.models import AccountEntry

    till.shop.do("settings.change", key="points_per_1000_minor", value=1)
    customer = till.shop.do("customers.create", name="Okello", phone="0798 123 456")["id"]
    sale_id, line_id = glasses(till, customer_id=customer)
    earned = sum(row.amount for row in till.shop.rows(AccountEntry, account="points"))
    back(till, sale_id, (line_id, 3))
    left = sum(row.amount for row in till.shop.rows(AccountEntry, account="points"))
    assert (earned, left) == (15, 0)


# --- who may, and what no longer goes


def test_staff_give_back_up_to_their_limit(till):
    sale_id = phone(till)
    with pytest.raises(ApprovalNeeded, match="640,000"):
        back(till, sale_id, IMEIS[0], role=Role.STAFF)


def test_a_supervisor_approves_no_more_than_they_may_give_themselves(till):
    sale_id = phone(till)
    with pytest.raises(NotPermitted, match="Ask the owner"):
        back(till, sale_id, IMEIS[0], role=Role.STAFF, approval=till.shop.approval_by(Role.SUPERVISOR))
    back(till, sale_id, IMEIS[0], role=Role.STAFF, approval=till.shop.approval_by(Role.OWNER))


def test_a_colleague_s_sale_comes_back_at_any_counter(till):
    sale_id, line_id = glasses(till, role=Role.OWNER)
    back(till, sale_id, (line_id, 1), role=Role.STAFF)


@pytest.mark.parametrize("action", ["sales.void", "sales.reverse"])
def test_what_partly_came_back_is_not_undone_as_a_whole(till, action):
    sale_id, line_id = glasses(till)
    back(till, sale_id, (line_id, 1))
    with pytest.raises(PartlyReturned, match="KLA1-R000001"):
        till.shop.do(action, sale_id=sale_id, reason="wrong")


def test_what_partly_came_back_keeps_its_lines_and_money_but_takes_a_note(till):
    sale_id, line_id = glasses(till)
    back(till, sale_id, (line_id, 1))
    with pytest.raises(PartlyReturned):
        till.shop.do("sales.amend", sale_id=sale_id, reason="fewer", items=[{"product_id": till.glass}])
    till.shop.do("sales.amend", sale_id=sale_id, reason="a word", notes="came back with the box")


def test_an_undone_sale_has_nothing_to_come_back(till):
    sale_id, line_id = glasses(till)
    till.shop.do("sales.void", sale_id=sale_id, reason="wrong")
    with pytest.raises(Conflict):
        back(till, sale_id, (line_id, 1))


def test_a_locked_sale_takes_its_goods_back(till):
    sale_id, line_id = glasses(till)
    till.shop.do("sales.lock", sale_id=sale_id)
    back(till, sale_id, (line_id, 1))


def test_a_return_sent_twice_is_one(till):
    sale_id, line_id = glasses(till)
    action_id = till.shop.home.new_id()
    form = {"sale_id": sale_id, "reason": "not wanted"}
    form["lines"] = [{"sale_line_id": line_id, "quantity": 1, "restock": "new"}]
    answers = [till.shop.perform("returns.take_back", form, action_id=action_id).result for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(till.shop.rows(Payment, kind="refund")) == 1
