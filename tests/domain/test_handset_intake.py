"""Phones in: rules 1 to 4, 7, 9 and 12, by one form, by scanning, and announced before they come."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid
from shopnode.domain.handsets.actions import AlreadyInStock
from shopnode.domain.handsets.models import Handset, StockUnit, UnitEvent
from shopnode.domain.handsets.queries import find_unit_by_number, units_in_stock
from shopnode.domain.handsets.rules import read_eid, same_model, tac_of
from shopnode.domain.handsets.tac import model_by_imei
from shopnode.domain.permissions import Role
from shopnode.domain.stock.queries import on_hand, stock_differences
from tests.shop import Shop

ONE, TWO, THREE = "004401231000130", "004401241000260", "004401251000390"
SAME_TAC = ("004401231000148", "004401231000155", "004401231000163")  # as ONE
EID = "89049032004008882600057152841232"
SPARK = {
    "name": "Tecno Spark 40 8/256", "category": "New phones", "brand": "Tecno", "price_minor": 640_000,
    "cost_minor": 560_000, "is_serialised": True,
}  # fmt: skip


@pytest.fixture
def spark(shop: Shop) -> str:
    product_id: str = shop.do("products.create", SPARK)["id"]
    return product_id


def receive(shop: Shop, product_id: str, **fields: Any) -> dict[str, Any]:
    shop.clock.advance(1_000)
    return shop.do("handsets.receive", {"product_id": product_id, **fields})


def hand(shop: Shop, product_id: str) -> int:
    with shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, shop.home.shop_id or "", [product_id])[product_id]


# --- what is known of it


def test_rule_7_a_unit_carries_all_that_was_seen_of_it(shop: Shop, spark: str) -> None:
    told = {
        "condition": "refurbished", "grade": "B", "has_box": True, "has_charger": False, "battery_pct": 87,
        "lock_state": "network MTN", "region": "Dubai", "vat_scheme": "margin", "colour": "Green", "storage": "256",
        "cost_minor": 410_000,
    }  # fmt: skip
    unit_id = receive(shop, spark, imei1=ONE, eid=EID, hold_until="2026-10-01T09:00:00+03:00", **told)["unit_id"]

    unit = shop.row(StockUnit, unit_id)
    for name in told.keys() - {"colour", "storage"}:
        assert getattr(unit, name) == told[name], name
    assert unit.hold_until == datetime(2026, 10, 1, 6, tzinfo=UTC)
    with shop.reading() as ctx:
        view = find_unit_by_number(ctx, EID)
    assert (view.unit_id, view.colour, view.battery_pct, view.brand) == (unit_id, "Green", 87, "Tecno")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("condition", "good as new"), ("battery_pct", 101), ("vat_scheme", "none"), ("eid", EID[:-1] + "3"),
        ("eid", "8" * 32), ("hold_until", "tomorrow"), ("hold_until", "2026-10-01T09:00:00"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_name(shop: Shop, spark: str, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        receive(shop, spark, imei1=ONE, **{field: value})
    assert set(refusal.value.fields) == {field}
    assert shop.rows(StockUnit) == []


def test_without_a_word_a_phone_is_new_and_a_graded_one_used(shop: Shop, spark: str) -> None:
    used = shop.do("products.create", SPARK | {"name": "Tecno Spark 40 (UK used, grade B)"})["id"]
    assert shop.row(StockUnit, receive(shop, spark, imei1=ONE)["unit_id"]).condition == "new"
    assert shop.row(StockUnit, receive(shop, used, imei1=TWO)["unit_id"]).condition == "used"


def test_rule_3_an_esims_number_belongs_to_one_phone_in_stock(shop: Shop, spark: str) -> None:
    receive(shop, spark, imei1=ONE, eid=EID)
    with pytest.raises(AlreadyInStock):
        receive(shop, spark, imei1=TWO, eid=EID)


def test_an_eid_has_its_own_check() -> None:
    assert read_eid("8904 9032 0040 0888 2600 0571 5284 1232") == EID
    for at in range(2, 32):
        wrong = EID[:at] + str((int(EID[at]) + 1) % 10) + EID[at + 1 :]
        with pytest.raises(ValueError, match="wrong digit"):
            read_eid(wrong)


# --- no readable number (rule 2)


def test_rule_2_a_phone_without_a_readable_number_gets_one_of_ours(shop: Shop, spark: str) -> None:
    done = shop.do(
        "handsets.receive", product_id=spark, unreadable="board swapped, *#06# shows zeros", role=Role.SUPERVISOR
    )

    assert done["number"] == "KLA1N000001"
    (event,) = shop.rows(UnitEvent)
    assert event.reason == "No readable IMEI: board swapped, *#06# shows zeros"
    with shop.reading() as ctx:
        assert find_unit_by_number(ctx, "kla1-n000001").unit_id == done["unit_id"]
    assert receive(shop, spark, unreadable="as the other one")["number"] == "KLA1N000002"


def test_rule_2_staff_need_a_supervisor_for_it(shop: Shop, spark: str) -> None:
    form = {"product_id": spark, "unreadable": "sticker is gone"}
    with pytest.raises(ApprovalNeeded):
        shop.do("handsets.receive", form, role=Role.STAFF)
    assert shop.rows(StockUnit) == []
    approval = shop.approval_by(Role.SUPERVISOR)
    assert shop.perform("handsets.receive", form, role=Role.STAFF, approval=approval).result["number"]
    assert f'"approver":"{shop.supervisor.id}"' in shop.entries()[-1].body


def test_rule_2_a_dummy_is_no_way_round_and_a_reason_needs_no_number_beside_it(shop: Shop, spark: str) -> None:
    for form in ({"imei1": "000000000000000"}, {"imei1": "123456789012345"}, {"imei1": ONE, "unreadable": "lazy"}):
        with pytest.raises(Invalid):
            receive(shop, spark, **form)


def test_rule_1_sixteen_digits_are_trimmed_and_told(shop: Shop, spark: str) -> None:
    done = receive(shop, spark, imei1=ONE[:14] + "07")
    assert done["number"] == ONE
    assert "16 digits were given (IMEISV)" in done["notes"][0]


# --- the box (rule 12)


def test_rule_12_another_number_on_the_box_is_a_named_exception(shop: Shop, spark: str) -> None:
    form = {"product_id": spark, "imei1": ONE, "box_imei": TWO}
    with pytest.raises(ApprovalNeeded, match=f"it says {TWO}"):
        shop.do("handsets.receive", form, role=Role.STAFF)
    done = shop.perform("handsets.receive", form, role=Role.STAFF, approval=shop.approval_by(Role.SUPERVISOR)).result

    said = f"Box and phone differ: the box says {TWO}, the phone {ONE}"
    assert done["notes"] == [said]
    (event,) = shop.rows(UnitEvent)
    assert (event.unit_id, event.reason) == (done["unit_id"], said)


def test_rule_12_a_box_that_agrees_with_either_number_says_nothing(shop: Shop, spark: str) -> None:
    done = shop.do("handsets.receive", product_id=spark, imei1=ONE, imei2=TWO, box_imei=TWO, role=Role.STAFF)
    assert (done["notes"], shop.rows(UnitEvent)) == ([], [])
    with pytest.raises(Invalid) as refusal:
        receive(shop, spark, imei1=THREE, box_imei="12")
    assert set(refusal.value.fields) == {"box_imei"}


# --- the model (rule 9)


def test_rule_9_another_model_than_these_digits_were_is_warned_of(shop: Shop, spark: str) -> None:
    galaxy = shop.do("products.create", SPARK | {"name": "Samsung Galaxy A05 4/64"})["id"]
    assert receive(shop, spark, imei1=ONE)["notes"] == []
    assert receive(shop, spark, imei1=SAME_TAC[0])["notes"] == []
    (note,) = receive(shop, galaxy, imei1=SAME_TAC[1])["notes"]
    assert note == (
        "00440123 at the beginning of the IMEI was “Tecno Spark 40 8/256” so far (2 of the last 2):"
        " is this really “Samsung Galaxy A05 4/64”?"
    )
    assert receive(shop, galaxy, imei1=TWO)["notes"] == []


def test_rule_9_the_same_model_in_another_storage_or_state_is_no_surprise(shop: Shop, spark: str) -> None:
    used = shop.do("products.create", SPARK | {"name": "Tecno Spark 40 4/128 (UK used, grade B)"})["id"]
    receive(shop, spark, imei1=ONE)
    assert receive(shop, used, imei1=SAME_TAC[0])["notes"] == []


def test_rule_9_the_model_is_learned_from_what_came_in(shop: Shop, spark: str) -> None:
    with shop.reading() as ctx:
        assert model_by_imei(ctx.session, ONE) is None
    receive(shop, spark, imei1=ONE)
    with shop.reading() as ctx:
        learned = model_by_imei(ctx.session, SAME_TAC[2])
        assert model_by_imei(ctx.session, TWO) is None
        assert model_by_imei(ctx.session, None) is None
    assert learned is not None
    assert (learned.product_id, learned.phones, learned.of) == (spark, 1, 1)
    assert tac_of(ONE) == "00440123"


def test_names_of_one_model_are_known_as_one() -> None:
    assert same_model("iPhone 11 Pro 64GB", "IPHONE 11 PRO (UK used, grade C) 256")
    assert same_model("Tecno Spark 40 8/256", "Tecno Spark 40")
    assert not same_model("Tecno Spark 40", "Tecno Spark 30")
    assert not same_model("iPhone 11", "Galaxy A05")
    assert not same_model("8/256", "Tecno Spark 40")


# --- many at once


def test_phones_are_scanned_one_after_another(shop: Shop, spark: str) -> None:
    numbers = [ONE, TWO[:14], "dmp-xk 1234", *SAME_TAC]
    done = shop.do(
        "handsets.receive_many", product_id=spark, numbers=numbers, cost_minor=500_000, source="Simba Telecom"
    )
    assert [phone["number"] for phone in done["phones"]] == [ONE, TWO, "DMPXK1234", *SAME_TAC]
    assert (done["received"], hand(shop, spark)) == (6, 6)
    assert any("check digit 0 was added" in note for note in done["notes"])
    with shop.reading() as ctx:
        assert {unit.cost_minor for unit in units_in_stock(ctx, spark)} == {500_000}
        assert {unit.source for unit in units_in_stock(ctx, spark)} == {"Simba Telecom"}


def test_one_wrong_number_and_none_is_received_each_named_by_its_place(shop: Shop, spark: str) -> None:
    receive(shop, spark, imei1=TWO)
    with pytest.raises(Invalid) as refusal:
        shop.do("handsets.receive_many", product_id=spark, numbers=[ONE, "004401231000131", THREE, ONE])
    assert refusal.value.fields == {
        "numbers.1": "“004401231000131” has a wrong digit: compare it with the box, or with *#06# on the phone",
        "numbers.3": f"“{ONE}” was scanned before, as number 1",
    }
    with pytest.raises(Invalid) as refusal:
        shop.do("handsets.receive_many", product_id=spark, numbers=[ONE, TWO])
    assert refusal.value.fields == {"numbers.1": f"The phone {TWO} is already in stock as “Tecno Spark 40 8/256”."}
    assert (len(shop.rows(Handset)), hand(shop, spark)) == (1, 1)


@pytest.mark.parametrize("numbers", [[], [""], ["1"] * 201])
def test_nothing_or_too_many_are_not_received(shop: Shop, spark: str, numbers: list[str]) -> None:
    with pytest.raises(Invalid):
        shop.do("handsets.receive_many", product_id=spark, numbers=numbers)


# --- expected


def test_rule_6_an_expected_phone_is_not_on_hand_until_it_is_received(shop: Shop, spark: str) -> None:
    told = {"product_id": spark, "imei1": ONE, "imei2": TWO}
    expected = shop.do("handsets.expect", told, source="Simba Telecom", cost_minor=500_000)
    assert hand(shop, spark) == 0
    with shop.reading() as ctx:
        assert units_in_stock(ctx, spark) == []

    done = receive(shop, spark, imei1=TWO, colour="Blue")
    assert (done["unit_id"], done["number"]) == (expected["unit_id"], ONE)
    unit = shop.row(StockUnit, done["unit_id"])
    assert (unit.status, unit.cost_minor, unit.source) == ("in_stock", 500_000, "Simba Telecom")
    assert [(event.from_status, event.to_status) for event in shop.rows(UnitEvent)] == [
        (None, "expected"), ("expected", "in_stock"),
    ]  # fmt: skip
    assert hand(shop, spark) == 1
    with pytest.raises(AlreadyInStock):
        receive(shop, spark, imei1=ONE)


def test_an_expected_phone_is_received_as_what_it_was_expected_as(shop: Shop, spark: str) -> None:
    other = shop.do("products.create", SPARK | {"name": "Tecno Camon"})["id"]
    shop.do("handsets.expect", product_id=spark, imei1=ONE)
    with pytest.raises(AlreadyInStock, match="already here as .*expected from its supplier"):
        shop.do("handsets.expect", product_id=spark, imei1=ONE)
    with pytest.raises(Conflict, match="expected as “Tecno Spark 40 8/256”"):
        receive(shop, other, imei1=ONE)


# --- corrections (rule 8)


def test_rule_8_a_correction_after_the_sale_keeps_both_values(shop: Shop) -> None:
    from shopnode.domain.sales.models import SaleLine
    from tests.domain.till import IMEIS, open_till

    till = open_till(shop)
    till.sell({"device_id": till.units[0]})
    handset_id = shop.row(StockUnit, till.units[0]).handset_id
    shop.do("handsets.correct", handset_id=handset_id, imei1=THREE, reason="the box was another phone's")

    assert shop.row(Handset, handset_id).imei1 == THREE
    (line,) = shop.rows(SaleLine)
    assert line.imei == IMEIS[0]  # what the receipt says
    (event,) = shop.rows(UnitEvent)
    assert (event.from_status, event.to_status) == ("sold", "sold")
    assert event.reason == f"IMEI 1: {IMEIS[0]} → {THREE}. the box was another phone's"
    with shop.reading() as ctx:
        assert find_unit_by_number(ctx, THREE).unit_id == till.units[0]


def test_how_a_phone_looks_may_be_written_down_later(shop: Shop, spark: str) -> None:
    unit_id = receive(shop, spark, imei1=ONE, battery_pct=90, has_box=True)["unit_id"]
    shop.do("handsets.describe", unit_id=unit_id, battery_pct=81, has_box=None, condition="open_box")
    unit = shop.row(StockUnit, unit_id)
    assert (unit.battery_pct, unit.has_box, unit.condition, unit.cost_minor) == (81, None, "open_box", 560_000)
