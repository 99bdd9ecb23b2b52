"""Counting: blind, with set semantics, approved by another; what is sold meanwhile is no difference."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.handsets.models import StockUnit, UnitEvent
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.stock.models import StockMovement
from shopnode.domain.stock.queries import on_hand, stock_differences
from shopnode.domain.stocktakes.actions import CountNotSo, CountRunning
from shopnode.domain.stocktakes.models import Stocktake, StocktakeLine
from shopnode.domain.stocktakes.queries import count_review, list_counts
from tests.domain.till import IMEIS, Till, open_till
from tests.domain.trade import NEW_IMEIS
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    return open_till(shop)


def start(till: Till, **form: Any) -> str:
    made: str = till.shop.do("stocktakes.start", form, role=Role.STAFF)["stocktake_id"]
    return made


def tally(till: Till, count: str, product: str, pieces: int) -> dict[str, Any]:
    form = {"stocktake_id": count, "product_id": product, "counted": pieces}
    return till.shop.do("stocktakes.count", form, role=Role.STAFF)


def scan(till: Till, count: str, number: str) -> dict[str, Any]:
    return till.shop.do("stocktakes.scan", {"stocktake_id": count, "number": number}, role=Role.STAFF)


def finish(till: Till, count: str, **form: Any) -> dict[str, Any]:
    till.shop.do("stocktakes.submit", stocktake_id=count, role=Role.STAFF)
    return till.shop.do("stocktakes.approve", stocktake_id=count, **form)


def hand(till: Till, product: str) -> int:
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, till.shop.home.shop_id or "", [product])[product]


def test_a_difference_moves_the_stock_when_it_is_approved(till: Till) -> None:
    count = start(till)
    tally(till, count, till.glass, 7)
    for imei in IMEIS:
        scan(till, count, imei)
    assert hand(till, till.glass) == 10
    done = finish(till, count)
    assert (done["difference"], done["missing"], hand(till, till.glass)) == (-4_500, 0, 7)
    (move,) = till.shop.rows(StockMovement, kind="counted")
    assert (move.quantity, move.unit_cost_minor, move.note) == (-3, 1_500, "Stocktake KLA1-C000001")
    row = till.shop.row(Stocktake, count)
    assert (row.status, row.approved_by, row.difference_minor) == ("approved", till.shop.owner.id, -4_500)


def test_counting_again_replaces_the_count(till: Till) -> None:
    count = start(till)
    assert tally(till, count, till.glass, 7)["replaced"] is False
    assert tally(till, count, till.glass, 12)["replaced"] is True
    finish(till, count)
    assert hand(till, till.glass) == 12
    assert len(till.shop.rows(StocktakeLine)) == 1


def test_a_phone_counts_once_however_often_it_is_scanned(till: Till) -> None:
    count = start(till)
    first, again = scan(till, count, IMEIS[0]), scan(till, count, f" {IMEIS[0][:14]} ")
    assert (first["already"], again["already"]) == (False, True)
    assert (first["kind"], first["product_name"], first["note"]) == ("phone", "Tecno Spark 40", None)
    assert len(till.shop.rows(StocktakeLine)) == 1


def test_what_is_sold_meanwhile_is_no_difference(till: Till) -> None:
    count = start(till)
    tally(till, count, till.glass, 9)
    scan(till, count, IMEIS[0])
    till.sell({"product_id": till.glass, "quantity": 4})
    till.sell({"device_id": till.units[0]})
    till.sell({"device_id": till.units[1]})
    till.shop.clock.advance(1_000)
    till.shop.do("handsets.receive", product_id=till.phone, imei1=NEW_IMEIS[0])
    done = finish(till, count)
    assert (done["missing"], hand(till, till.glass), hand(till, till.phone)) == (0, 5, 1)


def test_phones_that_nobody_scanned_are_missing_and_are_found_again(till: Till) -> None:
    count = start(till)
    scan(till, count, IMEIS[0])
    with till.shop.reading() as ctx:
        assert count_review(ctx, count).not_found == ()
    till.shop.do("stocktakes.submit", stocktake_id=count)
    with till.shop.reading() as ctx:
        assert [phone.number for phone in count_review(ctx, count).not_found] == [IMEIS[1]]
    done = till.shop.do("stocktakes.approve", stocktake_id=count)
    assert (done["missing"], done["difference"], hand(till, till.phone)) == (1, -560_000, 1)
    assert till.shop.row(StockUnit, till.units[1]).status == "missing"
    (event,) = till.shop.rows(UnitEvent, to_status="missing")
    assert (event.about_id, event.reason) == (count, "Not found in stocktake KLA1-C000001")

    second = start(till)
    scan(till, second, IMEIS[0])
    assert scan(till, second, IMEIS[1])["note"] == "This phone was missing and is found."
    done = finish(till, second)
    assert (done["found"], hand(till, till.phone)) == (1, 2)


def test_an_unknown_number_is_kept_and_a_phone_that_was_sold_is_named(till: Till) -> None:
    till.sell({"device_id": till.units[0]})
    count = start(till)
    unknown = scan(till, count, "356938035643809")
    sold = scan(till, count, IMEIS[0])
    assert (unknown["kind"], unknown["already"]) == ("unknown", False)
    assert scan(till, count, "356938035643809")["already"] is True
    assert sold["note"] == "The books say this phone was sold, on receipt KLA1-000001."
    till.shop.do("stocktakes.submit", stocktake_id=count)
    with till.shop.reading() as ctx:
        lines = count_review(ctx, count).lines
    assert {(line.number, line.unit_id, line.expected) for line in lines} == {
        ("356938035643809", None, 0),
        (IMEIS[0], till.units[0], 0),
    }


def test_a_products_code_asks_how_many_there_are(till: Till) -> None:
    till.shop.do("products.update", product_id=till.glass, barcode="6001234567890")
    count = start(till)
    found = scan(till, count, "6001234567890")
    assert (found["kind"], found["product_id"], found["product_name"]) == ("product", till.glass, "Tempered glass")
    assert till.shop.rows(StocktakeLine) == []


def test_a_count_is_blind_until_it_is_submitted_and_to_those_who_may_not_approve(till: Till) -> None:
    count = start(till)
    tally(till, count, till.glass, 7)
    with till.shop.reading() as ctx:
        assert [line.expected for line in count_review(ctx, count).lines] == [None]
    till.shop.do("stocktakes.submit", stocktake_id=count)
    with till.shop.reading(Role.STAFF) as ctx:
        assert [line.expected for line in count_review(ctx, count).lines] == [None]
    with till.shop.reading(Role.SUPERVISOR) as ctx:
        assert [line.expected for line in count_review(ctx, count).lines] == [10]
        assert count_review(ctx, count).head.difference_minor is None


def test_what_nobody_counted_stays_unless_it_is_said_not_to_be_there(till: Till) -> None:
    till.shop.do("stock.adjust", product_id=till.charger, quantity=3, reason="opening stock", kind="opening")
    for uncounted, left in (("leave", 3), ("zero", 0)):
        count = start(till)
        tally(till, count, till.glass, 10)
        for imei in IMEIS:
            scan(till, count, imei)
        till.shop.do("stocktakes.submit", stocktake_id=count)
        with till.shop.reading() as ctx:
            assert count_review(ctx, count).uncounted == ((till.charger, "Oraimo charger", 3),)
        till.shop.do("stocktakes.approve", stocktake_id=count, uncounted=uncounted)
        assert (hand(till, till.charger), hand(till, till.glass)) == (left, 10)


def test_a_category_is_counted_alone(till: Till) -> None:
    cable = till.shop.do("products.create", name="Cable", category="Cables", price_minor=5_000)["id"]
    count = start(till, category="Cables")
    with pytest.raises(Invalid, match="is not in “Cables”"):
        tally(till, count, till.glass, 1)
    tally(till, count, cable, 4)
    with pytest.raises(CountRunning, match="KLA1-C000001"):
        start(till)
    start(till, category="Accessories")
    done = finish(till, count, uncounted="zero")
    assert (done["missing"], hand(till, cable), hand(till, till.glass)) == (0, 4, 10)


def test_nobody_approves_a_large_difference_of_their_own_count(till: Till) -> None:
    def counted(pieces: int) -> str:
        count = start(till)
        form = {"stocktake_id": count, "product_id": till.glass, "counted": pieces}
        till.shop.do("stocktakes.count", form, role=Role.SUPERVISOR)
        for imei in IMEIS:
            scan(till, count, imei)
        till.shop.do("stocktakes.submit", stocktake_id=count, role=Role.STAFF)
        return count

    count = counted(50)
    with pytest.raises(ApprovalNeeded, match="Your own count differs from the books by 60,000"):
        till.shop.do("stocktakes.approve", stocktake_id=count, role=Role.SUPERVISOR)
    approval = till.shop.approval_by(Role.OWNER)
    till.shop.do("stocktakes.approve", stocktake_id=count, role=Role.SUPERVISOR, approval=approval)
    assert hand(till, till.glass) == 50
    till.shop.do("stocktakes.approve", stocktake_id=counted(51), role=Role.SUPERVISOR)
    assert hand(till, till.glass) == 51
    with pytest.raises(NotPermitted):
        till.shop.do("stocktakes.approve", stocktake_id=counted(50), role=Role.STAFF)


def test_a_stocktake_goes_one_way(till: Till) -> None:
    count = start(till)
    with pytest.raises(CountNotSo, match="submit it first"):
        till.shop.do("stocktakes.approve", stocktake_id=count)
    till.shop.do("stocktakes.submit", stocktake_id=count)
    with pytest.raises(CountNotSo, match="reopen it"):
        tally(till, count, till.glass, 3)
    till.shop.do("stocktakes.reopen", stocktake_id=count)
    tally(till, count, till.glass, 3)
    till.shop.do("stocktakes.cancel", stocktake_id=count, reason="wrong shelf")
    with pytest.raises(CountNotSo, match="cancelled"):
        till.shop.do("stocktakes.submit", stocktake_id=count)
    assert hand(till, till.glass) == 10
    with till.shop.reading() as ctx:
        (view,) = list_counts(ctx).rows
    assert (view.status.value, view.notes) == ("cancelled", "Cancelled: wrong shelf")


def test_phones_and_bundles_are_not_counted_by_quantity(till: Till) -> None:
    count = start(till)
    with pytest.raises(Invalid, match="scan each phone"):
        tally(till, count, till.phone, 2)
    kit = till.shop.do("products.create", name="Kit", category="Kits", price_minor=9_000)["id"]
    till.shop.do("products.set_bundle", product_id=kit, parts=[{"product_id": till.glass}])
    with pytest.raises(Invalid, match="count its parts"):
        tally(till, count, kit, 2)


def test_a_phone_that_is_brought_back_during_a_count_is_not_missing(till: Till) -> None:
    sale = till.sell({"device_id": till.units[0]}).result["sale_id"]
    count = start(till)
    till.shop.clock.advance(60_000)
    scan(till, count, IMEIS[1])
    till.shop.do("sales.void", sale_id=sale, reason="came back", restock="resell")
    assert finish(till, count)["missing"] == 0
    assert till.shop.row(StockUnit, till.units[0]).status == "in_stock"


def count_all(till: Till, *numbers: str) -> dict[str, Any]:
    """A whole count in which these phones were seen."""
    till.shop.clock.advance(1_000)
    count = start(till)
    for number in numbers:
        scan(till, count, number)
    done = finish(till, count)
    till.shop.clock.advance(1_000)
    return done


def test_rule_24_a_plans_phone_that_a_count_finds_again_is_the_plans(till: Till) -> None:
    who = till.shop.do("customers.create", name="Nakato", phone="0772 123 456")["id"]
    plan = till.shop.do(
        "plans.open", kind="layaway", customer_id=who, items=[{"device_id": till.units[0]}],
        payments=[{"method": "cash", "amount": 128_000}],
    )["plan_id"]  # fmt: skip
    assert count_all(till, IMEIS[1])["missing"] == 1
    done = count_all(till, *IMEIS)
    assert (done["found"], done["difference"], hand(till, till.phone)) == (1, 560_000, 2)
    unit = till.shop.row(StockUnit, till.units[0])
    assert (unit.status, unit.held_for) == ("reserved", plan)
    with pytest.raises(UnitNotForSale, match="reserved"):
        till.sell({"device_id": till.units[0]})
    till.shop.do("plans.complete", plan_id=plan, payments=[{"method": "cash", "amount": 512_000}])
    assert till.shop.row(StockUnit, till.units[0]).status == "sold"


def test_a_phone_that_a_count_finds_again_is_where_it_was_missed_from(till: Till) -> None:
    bench, supplied = till.units
    till.shop.do("handsets.set_aside", unit_id=bench, reason="battery")
    supplier = till.shop.do("suppliers.create", name="Kampala Mobile")["id"]
    till.shop.do("suppliers.send_back", unit_id=supplied, supplier_id=supplier, reason="dead")
    for unit_id in till.units:
        till.shop.do("handsets.report_missing", unit_id=unit_id, reason="gone")
    done = count_all(till, *IMEIS)
    assert (done["found"], done["difference"], hand(till, till.phone)) == (2, 0, 0)
    assert [till.shop.row(StockUnit, unit_id).status for unit_id in till.units] == ["bench", "inspect"]
