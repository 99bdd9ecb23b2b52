"""Rule 11: any number of a phone shows its whole life, and a sold one its sale, customer, warranty and seller."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.history import LifeEvent, LifeKind, find_handset, life_of
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.numbers import handsets_searched
from shopnode.domain.handsets.queries import UnitFilter, UnitSort, find_unit_by_number, list_units
from shopnode.domain.permissions import Role
from tests.domain.test_transfers import ELSEWHERE, hear_of, send
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop

EID = "89049032004008882600057152841232"


@pytest.fixture
def till(shop: Shop) -> Till:
    from shopnode.domain.people.models import Shop as ShopRow

    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def life(till: Till, number: str = IMEIS[0], role: Role = Role.OWNER) -> list[LifeEvent]:
    with till.shop.reading(role) as ctx:
        return life_of(ctx, number)


def later(till: Till, action: str, **form: Any) -> dict[str, Any]:
    till.shop.clock.advance(60_000)
    return till.shop.do(action, form)


def test_rule_11_a_sold_number_shows_sale_customer_warranty_and_seller(till: Till) -> None:
    customer = later(till, "customers.create", name="Grace Nansubuga", phone="0772 123 456")
    sale = till.sell({"device_id": till.units[0]}, customer_id=customer["id"]).result

    with till.shop.reading(Role.STAFF) as ctx:
        sold = find_unit_by_number(ctx, IMEIS[0]).sold
    assert sold is not None
    assert (sold.sale_id, sold.number, sold.customer, sold.seller) == (
        sale["sale_id"], sale["number"], "Grace Nansubuga", "Aisha",
    )  # fmt: skip
    assert sold.covered_until == sold.sold_at.date() + timedelta(days=365)
    event = life(till)[-1]
    assert (event.kind, event.words, event.number, event.by) == (
        LifeKind.SOLD, "Sold to Grace Nansubuga", sale["number"], "Aisha",
    )  # fmt: skip
    assert event.sold == sold


def test_the_life_of_a_phone_is_told_in_the_order_it_was_lived(till: Till) -> None:
    unit = {"unit_id": till.units[0], "reason": "as told"}
    later(till, "handsets.set_aside", **unit)
    later(till, "handsets.put_back", **unit)
    later(till, "handsets.reserve", **unit)
    later(till, "handsets.release", **unit)
    till.shop.clock.advance(60_000)
    sale = till.sell({"device_id": till.units[0]}).result
    later(till, "sales.void", sale_id=sale["sale_id"], reason="came back", restock="inspect")
    later(till, "handsets.finish_inspection", **unit, outcome="resell")
    later(till, "handsets.report_missing", **unit)
    later(till, "handsets.report_found", **unit)
    till.shop.clock.advance(60_000)
    transfer_id = send(till, till.units[0])
    later(till, "handsets.take_back", transfer_id=transfer_id, unit_ids=[till.units[0]], reason="driver came back")

    told = life(till)
    assert [event.words for event in told] == [
        "Received", "Set aside to the bench", "Put on sale again", "Reserved", "Released", "Sold",
        f"Came back: sale {sale['number']} was undone", "Put on sale again", "Missing", "Found again, in stock",
        "Sent to Jinja", "Taken back: it never reached Jinja",
    ]  # fmt: skip
    assert [event.at for event in told] == sorted(event.at for event in told)
    assert {event.shop for event in told} == {"Kampala Road"}
    assert all(event.by for event in told)


def test_a_sale_undone_onto_the_shelf_is_told_once(till: Till) -> None:
    sale = till.sell({"device_id": till.units[0]}).result
    later(till, "sales.void", sale_id=sale["sale_id"], reason="came back", restock="resell")
    assert [event.kind.value for event in life(till)] == ["received", "sold", "undone"]


def test_what_it_cost_is_in_its_life_for_the_owner_alone(till: Till) -> None:
    assert [event.amount_minor for event in life(till)] == [560_000]
    assert [event.amount_minor for event in life(till, role=Role.SUPERVISOR)] == [None]


def test_a_correction_is_part_of_its_life_and_the_old_number_is_read_there(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    later(till, "handsets.correct", handset_id=handset_id, imei1="004401251000390", reason="read off a wrong box")
    event = life(till, "004401251000390")[-1]
    assert (event.kind, event.words) == (LifeKind.CORRECTED, "Corrected")
    assert event.note == f"IMEI 1: {IMEIS[0]} → 004401251000390. read off a wrong box"


# --- found by any number


def test_a_phone_is_found_by_each_of_its_numbers_and_by_their_last_digits(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    later(till, "handsets.correct", handset_id=handset_id, imei2="004401251000390", serial="dmp-xk 1234", eid=EID,
          reason="seen now")  # fmt: skip
    names = (IMEIS[0], IMEIS[0][:14], "00440125-1000390", "dmpxk1234", EID, "0130", "00130", "000130", "1234", "xk1234")
    with till.shop.reading() as ctx:
        for name in names:
            assert handsets_searched(ctx.session, name) == [handset_id], name
            assert find_handset(ctx.session, name).id == handset_id
        for unit_or_phone in (till.units[0], handset_id):
            assert find_handset(ctx.session, unit_or_phone).id == handset_id
        for nothing in ("130", "9999", "", "x" * 61, "%%%%", "____"):
            assert handsets_searched(ctx.session, nothing) == [], nothing


def test_last_digits_of_several_phones_ask_for_more(till: Till) -> None:
    later(till, "handsets.receive", product_id=till.phone, imei1="004401231010139")
    later(till, "handsets.receive", product_id=till.phone, serial="AAA10139")
    with till.shop.reading() as ctx:
        with pytest.raises(Invalid, match="fits 2 phones"):
            find_handset(ctx.session, "0139")
        with pytest.raises(NotFound):
            find_handset(ctx.session, "004401999999999")
        with pytest.raises(NotFound):
            find_handset(ctx.session, ELSEWHERE)


# --- lists


@pytest.fixture
def several(till: Till) -> Till:
    used = till.shop.do(
        "products.create", name="iPhone 11 (UK used, grade B)", category="Used", brand="Apple", price_minor=900_000,
        cost_minor=700_000, is_serialised=True,
    )["id"]  # fmt: skip
    for number in ("004401251000390", "004401261000521"):
        later(till, "handsets.receive", product_id=used, imei1=number, condition="used")
    later(till, "handsets.set_aside", unit_id=till.units[0], reason="cracked")
    return till


def numbers(till: Till, limit: int = 30, **wanted: Any) -> list[str]:
    """The numbers of a list, page by page."""
    found, cursor = [], None
    with till.shop.reading() as ctx:
        for _ in range(9):
            page = list_units(ctx, UnitFilter(**wanted), limit=limit, cursor=cursor)
            found += [view.number for view in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
    return found


def test_phones_are_listed_by_whatever_is_asked_and_in_pages(several: Till) -> None:
    from shopnode.domain.handsets.models import UnitStatus

    new, used = list(IMEIS), ["004401251000390", "004401261000521"]
    assert numbers(several, brand="Apple") == used[::-1]
    assert numbers(several, condition="used", number="0521") == [used[1]]
    assert numbers(several, status=UnitStatus.BENCH) == [IMEIS[0]]
    assert numbers(several, product_id=several.phone, sort=UnitSort.OLDEST) in (new, new[::-1])
    for limit in (1, 2, 3, 30):
        assert sorted(numbers(several, limit)) == sorted(new + used)
        assert numbers(several, limit)[:2] == used[::-1]
        assert numbers(several, limit, sort=UnitSort.OLDEST)[2:] == used
        assert sorted(numbers(several, limit, sort=UnitSort.MODEL)[2:]) == sorted(new)
    assert len(several.shop.rows(Handset)) == 4


def test_a_cursor_of_another_list_is_refused(several: Till) -> None:
    with several.shop.reading() as ctx:
        cursor = list_units(ctx, UnitFilter(), limit=1).next_cursor
        with pytest.raises(Invalid):
            list_units(ctx, UnitFilter(sort=UnitSort.MODEL), cursor=cursor)
