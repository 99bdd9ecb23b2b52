"""Rule 58: phones that go back to their supplier, and each way that ends."""

from __future__ import annotations

import pytest

from shopnode.domain.buying.models import SupplierEntry, SupplierReturn
from shopnode.domain.buying.returns import NotWithSupplier, ReturnEnded, StillOut
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.handsets.actions import NotInStock
from shopnode.domain.handsets.models import StockUnit, UnitEvent
from shopnode.domain.permissions import Role
from shopnode.domain.stock.queries import on_hand, stock_differences
from tests.domain.till import Till, open_till
from tests.domain.trade import NEW_IMEIS, a_supplier, receive, worth
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


@pytest.fixture
def bought(till: Till) -> tuple[str, str]:
    """A phone that came from a supplier for 500,000; the unit and the supplier."""
    supplier = a_supplier(till.shop)
    line = {"product_id": till.phone, "quantity": 1, "unit_cost_minor": 500_000, "phones": [{"imei1": NEW_IMEIS[0]}]}
    receive(till, line, supplier_id=supplier)
    (unit,) = [row for row in till.shop.rows(StockUnit) if row.supplier_id == supplier]
    return unit.id, supplier


def send(till: Till, unit_id: str, **more: str) -> str:
    done = till.shop.do("suppliers.send_back", {"unit_id": unit_id, "reason": "dead on arrival", **more})
    return_id: str = done["return_id"]
    return return_id


def hand(till: Till) -> int:
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, till.shop.home.shop_id or "", [till.phone])[till.phone]


def test_rule_58_a_phone_with_its_supplier_is_off_the_shelf(till: Till, bought: tuple[str, str]) -> None:
    unit_id, supplier = bought
    before = worth(till)
    send(till, unit_id)
    (row,) = till.shop.rows(SupplierReturn)
    assert (row.number, row.supplier_id, row.outcome) == ("KLA1-B000001", supplier, None)
    assert (till.shop.row(StockUnit, unit_id).status, hand(till), worth(till)) == ("supplier", 2, before - 500_000)
    (event,) = [row for row in till.shop.rows(UnitEvent) if row.to_status == "supplier"]
    assert (event.about_id, event.reason) == (row.id, "dead on arrival")
    with pytest.raises(NotInStock):
        send(till, unit_id)


def test_rule_58_a_mended_phone_is_for_sale_again(till: Till, bought: tuple[str, str]) -> None:
    before = worth(till)
    sent = send(till, bought[0])
    till.shop.do("suppliers.end_return", return_id=sent, outcome="repaired")
    assert (till.shop.row(StockUnit, bought[0]).status, hand(till), worth(till)) == ("in_stock", 3, before)
    with pytest.raises(ReturnEnded, match="repaired"):
        till.shop.do("suppliers.end_return", return_id=sent, outcome="refused")


def test_rule_58_a_replacement_takes_the_place_and_the_cost(till: Till, bought: tuple[str, str]) -> None:
    unit_id, supplier = bought
    before = worth(till)
    form = {"return_id": send(till, unit_id), "outcome": "replaced", "replacement": {"imei1": NEW_IMEIS[1]}}
    till.shop.do("suppliers.end_return", form)
    (row,) = till.shop.rows(SupplierReturn)
    fresh = till.shop.row(StockUnit, row.replaced_by_unit_id or "")
    assert (fresh.status, fresh.cost_minor, fresh.supplier_id) == ("in_stock", 500_000, supplier)
    assert (till.shop.row(StockUnit, unit_id).status, hand(till), worth(till)) == ("scrapped", 3, before)


def test_rule_58_a_credit_note_lowers_what_is_owed(till: Till, bought: tuple[str, str]) -> None:
    unit_id, _ = bought
    till.shop.do("suppliers.end_return", return_id=send(till, unit_id), outcome="credited", credited_minor=480_000)
    entries = [(row.kind, row.amount_minor, row.reference) for row in till.shop.rows(SupplierEntry)]
    assert entries == [("bill", 500_000, None), ("credit_note", -480_000, "KLA1-B000001")]
    assert (till.shop.row(StockUnit, unit_id).status, hand(till)) == ("scrapped", 2)
    assert till.shop.rows(SupplierReturn)[0].credited_minor == 480_000


def test_rule_58_a_refused_phone_comes_back_to_be_looked_at(till: Till, bought: tuple[str, str]) -> None:
    till.shop.do("suppliers.end_return", return_id=send(till, bought[0]), outcome="refused", note="water inside")
    assert (till.shop.row(StockUnit, bought[0]).status, hand(till)) == ("inspect", 2)


def test_a_customers_return_may_go_straight_to_the_supplier(till: Till, bought: tuple[str, str]) -> None:
    sale = till.sell({"device_id": bought[0]}, pay=[{"method": "cash", "amount": 640_000}]).result["sale_id"]
    line = {"imei": NEW_IMEIS[0], "restock": "supplier"}
    till.shop.do("returns.take_back", sale_id=sale, lines=[line], reason="does not charge")
    (sent,) = till.shop.rows(SupplierReturn)
    with pytest.raises(NotInStock):
        send(till, bought[0])
    till.shop.do("suppliers.end_return", return_id=sent.id, outcome="repaired")
    assert (till.shop.row(StockUnit, bought[0]).status, hand(till)) == ("in_stock", 3)


def test_a_return_that_makes_no_sense_is_refused(till: Till, bought: tuple[str, str]) -> None:
    with pytest.raises(Invalid, match="not known whom this phone came from"):
        send(till, till.units[0])
    sent = send(till, till.units[0], supplier_id=bought[1])
    with pytest.raises(Invalid, match="replacement"):
        till.shop.do("suppliers.end_return", return_id=sent, outcome="replaced")
    with pytest.raises(NotPermitted):
        till.shop.do("suppliers.end_return", return_id=sent, outcome="credited", role=Role.SUPERVISOR)
    assert till.shop.rows(SupplierReturn)[0].outcome is None


def missing_and_found(till: Till, unit_id: str) -> None:
    till.shop.do("handsets.report_missing", unit_id=unit_id, reason="they say it never came")
    till.shop.do("handsets.report_found", unit_id=unit_id, reason="it was in the bag")


def test_of_a_phone_one_return_is_open_at_most(till: Till, bought: tuple[str, str]) -> None:
    first = send(till, bought[0])
    missing_and_found(till, bought[0])
    with pytest.raises(StillOut, match="KLA1-B000001"):
        send(till, bought[0])
    with pytest.raises(NotWithSupplier, match="repaired or refused"):
        till.shop.do("suppliers.end_return", return_id=first, outcome="credited")
    till.shop.do("suppliers.end_return", return_id=first, outcome="refused")
    assert till.shop.row(StockUnit, bought[0]).status == "inspect"
    send(till, bought[0])


def test_a_return_can_be_ended_when_its_phone_was_sold_meanwhile(till: Till, bought: tuple[str, str]) -> None:
    sent = send(till, bought[0])
    missing_and_found(till, bought[0])
    till.shop.do("handsets.change_status", unit_id=bought[0], status="in_stock", reason="fine")
    till.sell({"device_id": bought[0]}, pay=[{"method": "cash", "amount": 640_000}])
    till.shop.do("suppliers.end_return", return_id=sent, outcome="repaired")
    assert (till.shop.row(StockUnit, bought[0]).status, hand(till)) == ("sold", 2)


def test_a_phone_lost_at_its_supplier_is_credited_with_its_cost_at_most(till: Till, bought: tuple[str, str]) -> None:
    sent = send(till, bought[0])
    till.shop.do("handsets.report_missing", unit_id=bought[0], reason="they lost it")
    with pytest.raises(Invalid, match="more than this phone cost, 500,000"):
        till.shop.do("suppliers.end_return", return_id=sent, outcome="credited", credited_minor=500_001)
    till.shop.do("suppliers.end_return", return_id=sent, outcome="credited", credited_minor=450_000)
    assert till.shop.row(StockUnit, bought[0]).status == "scrapped"
    assert till.shop.rows(SupplierReturn)[0].credited_minor == 450_000
