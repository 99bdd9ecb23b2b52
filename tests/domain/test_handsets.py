"""Phones in stock: one identity, many stays, and no number in stock twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.actions import AlreadyInStock, NotInStock
from shopnode.domain.handsets.history import life_of
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.queries import find_unit_by_number, units_in_stock
from shopnode.domain.permissions import Role
from shopnode.domain.stock.queries import on_hand
from tests.shop import Shop

ONE, TWO, THREE = "004401231000130", "004401241000260", "004401251000390"
SPARK = {
    "name": "Tecno Spark 40 8/256", "category": "New phones", "price_minor": 640_000, "cost_minor": 560_000,
    "floor_minor": 610_000, "is_serialised": True, "warranty_days": 365,
}  # fmt: skip


@pytest.fixture
def spark(shop: Shop) -> str:
    product_id: str = shop.do("products.create", SPARK)["id"]
    return product_id


def test_a_received_phone_is_in_stock_by_both_its_numbers(shop: Shop, spark: str) -> None:
    done = shop.do("handsets.receive", product_id=spark, imei1="004401-231000-130", imei2=TWO, colour="Green")

    assert done["number"] == ONE
    unit = shop.row(StockUnit, done["unit_id"])
    assert (unit.status, unit.cost_minor, unit.received_by) == ("in_stock", 560_000, shop.owner.id)
    (moved,) = shop.changes("stock_movement")
    assert (moved.fields["kind"], moved.fields["quantity"], moved.fields["unit_id"]) == ("received", 1, unit.id)
    with shop.reading() as ctx:
        assert on_hand(ctx.session, shop.home.shop_id or "", [spark]) == {spark: 1}
        assert find_unit_by_number(ctx, ONE).unit_id == find_unit_by_number(ctx, TWO).unit_id == unit.id
        assert [piece.number for piece in units_in_stock(ctx, spark)] == [ONE]


def test_what_had_to_be_mended_is_told(shop: Shop, spark: str) -> None:
    done = shop.do("handsets.receive", product_id=spark, imei1=ONE[:14])
    assert done["notes"] == [f"{ONE}: 14 digits were given, the check digit 0 was added"]


@pytest.mark.parametrize(("imei1", "imei2"), [(ONE, None), (TWO, None), (THREE, ONE), (THREE, TWO), (TWO, ONE)])
def test_no_number_is_in_stock_twice_in_whichever_column(shop: Shop, spark: str, imei1: str, imei2: str) -> None:
    shop.do("handsets.receive", product_id=spark, imei1=ONE, imei2=TWO)
    with pytest.raises(AlreadyInStock) as refusal:
        shop.do("handsets.receive", product_id=spark, imei1=imei1, imei2=imei2)
    assert str(refusal.value) == f"The phone {ONE} is already in stock as “Tecno Spark 40 8/256”."
    assert len(shop.rows(StockUnit)) == 1


def test_eight_tablets_receive_one_phone_once(shop: Shop, spark: str) -> None:
    def receive(_: int) -> bool:
        try:
            shop.do("handsets.receive", product_id=spark, imei1=ONE)
        except AlreadyInStock:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(receive, range(8))) == 1
    assert len(shop.rows(StockUnit)) == 1


def test_a_phone_that_left_may_come_back_as_another_product(shop: Shop, spark: str) -> None:
    used = shop.do("products.create", SPARK | {"name": "Tecno Spark 40 (UK used, grade B)"})["id"]
    first = shop.do("handsets.receive", product_id=spark, imei1=ONE)
    shop.clock.advance(60_000)
    shop.do("handsets.write_off", unit_id=first["unit_id"], reason="sold by hand")
    shop.clock.advance(60_000)
    again = shop.do("handsets.receive", product_id=used, imei1=ONE, imei2=TWO, cost_minor=300_000)

    assert again["handset_id"] == first["handset_id"]
    assert again["unit_id"] != first["unit_id"]
    handset = shop.row(Handset, first["handset_id"])
    assert (handset.imei1, handset.imei2) == (ONE, TWO)
    assert shop.row(StockUnit, again["unit_id"]).grade == "B"
    with shop.reading() as ctx:
        assert find_unit_by_number(ctx, ONE).unit_id == again["unit_id"]
        assert [event.kind for event in life_of(ctx, handset.id)] == ["received", "state", "received"]


def test_numbers_of_two_phones_are_not_one_phone(shop: Shop, spark: str) -> None:
    for number in (ONE, TWO):
        unit_id = shop.do("handsets.receive", product_id=spark, imei1=number)["unit_id"]
        shop.do("handsets.write_off", unit_id=unit_id, reason="gone from the shelf")
    with pytest.raises(Conflict):
        shop.do("handsets.receive", product_id=spark, imei1=ONE, imei2=TWO)


def test_a_tablet_has_a_serial_instead(shop: Shop, spark: str) -> None:
    done = shop.do("handsets.receive", product_id=spark, serial="dmp-xk 1234")
    assert done["number"] == "DMPXK1234"
    with shop.reading() as ctx:
        assert find_unit_by_number(ctx, "dmpxk1234").unit_id == done["unit_id"]


@pytest.mark.parametrize(
    ("form", "field"),
    [({}, "imei1"), ({"imei1": "123456789012345"}, "imei1"), ({"imei1": ONE, "imei2": "1"}, "imei2")],
)
def test_a_phone_without_a_right_number_is_not_received(shop: Shop, spark: str, form: dict, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        shop.do("handsets.receive", {"product_id": spark, **form})
    assert set(refusal.value.fields) == {field}
    assert shop.rows(Handset) == []


def test_what_is_counted_by_the_piece_is_not_received_by_imei(shop: Shop) -> None:
    cable = shop.do("products.create", name="Cable", category="Accessories", price_minor=8_000)["id"]
    with pytest.raises(Invalid) as refusal:
        shop.do("handsets.receive", product_id=cable, imei1=ONE)
    assert set(refusal.value.fields) == {"product_id"}


def test_an_unknown_product_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.do("handsets.receive", product_id="0190a000-0000-7000-8000-000000000bad", imei1=ONE)


def test_a_phone_written_off_is_off_hand_and_cannot_be_written_off_again(shop: Shop, spark: str) -> None:
    unit_id = shop.do("handsets.receive", product_id=spark, imei1=ONE)["unit_id"]
    shop.do("handsets.write_off", unit_id=unit_id, reason="screen broken", role=Role.SUPERVISOR)
    with shop.reading() as ctx:
        assert on_hand(ctx.session, shop.home.shop_id or "", [spark]) == {spark: 0}
    with pytest.raises(NotInStock):
        shop.do("handsets.write_off", unit_id=unit_id, reason="again")
    with pytest.raises(NotPermitted):
        shop.do("handsets.write_off", unit_id=unit_id, reason="by a cashier", role=Role.STAFF)


def test_only_a_phone_that_came_back_is_inspected(shop: Shop, spark: str) -> None:
    unit_id = shop.do("handsets.receive", product_id=spark, imei1=ONE)["unit_id"]
    with pytest.raises(NotInStock):
        shop.do("handsets.finish_inspection", unit_id=unit_id, outcome="resell", reason="looks fine")


def test_a_correction_keeps_both_values_in_the_history(shop: Shop, spark: str) -> None:
    handset_id = shop.do("handsets.receive", product_id=spark, imei1=ONE)["handset_id"]
    shop.do("handsets.correct", handset_id=handset_id, imei1=TWO, reason="read off the wrong box")
    assert shop.row(Handset, handset_id).imei1 == TWO
    assert f'["{handset_id}",["{ONE}","{TWO}",0]]' in shop.entries()[-1].body


def test_a_correction_does_not_take_another_phones_number(shop: Shop, spark: str) -> None:
    shop.do("handsets.receive", product_id=spark, imei1=ONE)
    handset_id = shop.do("handsets.receive", product_id=spark, imei1=TWO)["handset_id"]
    with pytest.raises(Conflict):
        shop.do("handsets.correct", handset_id=handset_id, imei1=ONE, reason="typed wrong")


def test_what_a_phone_cost_is_the_owners_to_see(shop: Shop, spark: str) -> None:
    shop.do("handsets.receive", product_id=spark, imei1=ONE, cost_minor=500_000)
    seen = {}
    for role in Role:
        with shop.reading(role) as ctx:
            seen[role] = find_unit_by_number(ctx, ONE).cost_minor
    assert seen == {Role.OWNER: 500_000, Role.SUPERVISOR: None, Role.STAFF: None}
