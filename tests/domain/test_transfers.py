"""Phones between shops, as one shop's node does it: sent, received, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shopnode.domain.capture import begin_capture
from shopnode.domain.clock import act_id
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted, ShopError
from shopnode.domain.guard import forget_touched
from shopnode.domain.handsets.actions import NotInStock
from shopnode.domain.handsets.history import life_of
from shopnode.domain.handsets.models import StockUnit, Transfer, TransferLine, TransferReceipt
from shopnode.domain.handsets.queries import find_unit_by_number, units_in_stock
from shopnode.domain.handsets.transfers import NotInTransit
from shopnode.domain.handsets.transit import Way, in_transit, list_transfers, transfer_view
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.permissions import Role
from shopnode.domain.sales.errors import UnitNotForSale
from shopnode.domain.stock.queries import on_hand, stock_differences
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from tests.domain.till import IMEIS, Till, open_till
from tests.domain.trade import worth
from tests.shop import Shop

ELSEWHERE = act_id("tests", "jinja")


@pytest.fixture
def till(shop: Shop) -> Till:
    """A shop that knows of another one in Jinja."""
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def hear_of(shop: Shop, *rows: object) -> None:
    """Rows that came from the hub."""
    with shop.home.writing() as session:
        begin_capture(session)
        for row in rows:
            session.add(row)
            session.flush()
        forget_touched(session.connection())
        session.info["capture"] = None


def send(till: Till, *unit_ids: str, **more: object) -> str:
    done = till.shop.do("handsets.send", {"to_shop_id": ELSEWHERE, "unit_ids": list(unit_ids), **more})
    transfer_id: str = done["transfer_id"]
    return transfer_id


def hand(till: Till) -> int:
    with till.shop.reading() as ctx:
        return on_hand(ctx.session, till.shop.home.shop_id or "", [till.phone])[till.phone]


def test_a_sent_phone_is_out_of_stock_and_in_transit(till: Till) -> None:
    transfer_id = send(till, till.units[0], note="with the boda")

    unit = till.shop.row(StockUnit, till.units[0])
    assert (unit.status, hand(till)) == ("sent", 1)
    with till.shop.reading() as ctx:
        (view,) = in_transit(ctx)
        assert (view.id, view.number, view.to_shop_id) == (transfer_id, "KLA1-T000001", ELSEWHERE)
        assert (view.note, view.sent_by) == ("with the boda", "Sarah")
        assert [line.number for line in view.on_the_way] == [IMEIS[0]]
        assert [piece.number for piece in units_in_stock(ctx, till.phone)] == [IMEIS[1]]
        assert stock_differences(ctx.session) == []
    assert [change.fields["kind"] for change in till.shop.changes("stock_movement")][-1] == "sent"
    assert till.shop.changes("transfer_line")[-1].fields["cost_minor"] == 560_000


def test_nobody_sells_or_sends_a_phone_that_is_on_its_way(till: Till) -> None:
    send(till, till.units[0])
    with pytest.raises(UnitNotForSale, match="sent to another shop"):
        till.sell({"device_id": till.units[0]})
    with pytest.raises(NotInStock, match="sent to another shop"):
        send(till, till.units[0])


def test_a_phone_that_never_arrived_is_taken_back_and_is_for_sale_again(till: Till) -> None:
    transfer_id = send(till, *till.units)
    till.shop.do("handsets.take_back", transfer_id=transfer_id, unit_ids=[till.units[0]], reason="driver came back")

    assert hand(till) == 1
    with till.shop.reading() as ctx:
        unit = find_unit_by_number(ctx, IMEIS[0])
        assert (unit.status.value, unit.source) == ("in_stock", "Transfer KLA1-T000001")
        assert [event.kind for event in life_of(ctx, unit.handset_id)] == ["received", "sent", "back"]
        assert [line.number for line in transfer_view(ctx, transfer_id).on_the_way] == [IMEIS[1]]
    assert unit.unit_id != till.units[0]
    till.sell({"imeis": [IMEIS[0]], "quantity": 1, "product_id": till.phone})
    assert till.shop.row(StockUnit, unit.unit_id).status == "sold"


def test_a_way_ends_once(till: Till) -> None:
    transfer_id = send(till, till.units[0])
    form = {"transfer_id": transfer_id, "unit_ids": [till.units[0]], "reason": "never left"}
    till.shop.do("handsets.take_back", form)
    with pytest.raises(NotInTransit, match="taken back by its sender"):
        till.shop.do("handsets.take_back", form)
    with till.shop.reading() as ctx:
        assert in_transit(ctx) == []
        assert [view.id for view in list_transfers(ctx, (Way.ENDED,)).rows] == [transfer_id]


def test_only_the_shop_it_was_sent_to_receives_it(till: Till) -> None:
    transfer_id = send(till, till.units[0])
    with pytest.raises(Conflict, match="goes to another shop"):
        till.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[till.units[0]])


def coming(till: Till, handset_id: str, **known: object) -> tuple[str, str]:
    """A phone that Jinja sent here; answers transfer and its stay there."""
    shop_id, stay = till.shop.home.shop_id or "", act_id("tests", "stay")
    transfer = act_id("tests", "transfer")
    line = {"transfer_id": transfer, "shop_id": ELSEWHERE, "handset_id": handset_id, "product_id": till.phone, **known}
    now = till.shop.ctx().now
    hear_of(
        till.shop,
        Transfer(id=transfer, shop_id=ELSEWHERE, to_shop_id=shop_id, number="JJA1-T000004", sent_at=now),
        TransferLine(id=act_id("send", stay), unit_id=stay, cost_minor=500_000, grade="B", **line),
    )
    return transfer, stay


def test_what_arrives_begins_a_stay_at_the_cost_it_had(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    till.sell({"device_id": till.units[0]})
    transfer_id, stay = coming(till, handset_id)

    done = till.shop.do("handsets.receive_transfer", {"transfer_id": transfer_id, "unit_ids": [stay]}, role=Role.STAFF)

    assert (done["received"], hand(till)) == (1, 2)
    (receipt,) = till.shop.rows(TransferReceipt)
    unit = till.shop.row(StockUnit, receipt.unit_id)
    assert (unit.cost_minor, unit.grade, unit.source) == (500_000, "B", "Transfer JJA1-T000004")
    assert (unit.status, unit.received_by) == ("in_stock", till.shop.cashier.id)


def test_a_phone_received_by_its_number_before_its_transfer_was_heard_of_is_counted_once(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    transfer_id, stay = coming(till, handset_id)

    till.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[stay])

    assert [row.unit_id for row in till.shop.rows(TransferReceipt)] == [till.units[0]]
    assert (hand(till), len(till.shop.rows(StockUnit))) == (2, 2)


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"to_shop_id": "here"}, Invalid),
        ({"to_shop_id": act_id("tests", "nowhere")}, NotFound),
        ({"unit_ids": []}, Invalid),
        ({"unit_ids": [act_id("tests", "no phone")]}, NotFound),
        ({"role": Role.STAFF}, NotPermitted),
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused_and_leaves_nothing(
    till: Till, form: dict[str, object], refusal: type[ShopError]
) -> None:
    asked = {"to_shop_id": ELSEWHERE, "unit_ids": [till.units[0]], **form}
    role = asked.pop("role", Role.OWNER)
    if asked["to_shop_id"] == "here":
        asked["to_shop_id"] = till.shop.home.shop_id
    with pytest.raises(refusal):
        till.shop.do("handsets.send", asked, role=role)
    assert till.shop.rows(Transfer) == []
    assert send(till, till.units[0]) and till.shop.rows(Transfer)[0].number == "KLA1-T000001"


def test_rule_19_a_held_phone_that_is_sent_and_taken_back_is_still_held(till: Till) -> None:
    unit_id = till.shop.do(
        "handsets.receive", product_id=till.phone, imei1="004401251000390", condition="used", battery_pct=81,
        vat_scheme="margin", hold_until="2026-10-20T09:00:00Z",
    )["unit_id"]  # fmt: skip
    transfer_id = send(till, unit_id)
    till.shop.do("handsets.take_back", transfer_id=transfer_id, unit_ids=[unit_id], reason="driver came back")

    before, (now,) = till.shop.row(StockUnit, unit_id), till.shop.rows(StockUnit, status="in_stock", battery_pct=81)
    assert now.id != unit_id
    assert (now.condition, now.vat_scheme, now.hold_until) == ("used", "margin", before.hold_until)
    with pytest.raises(UnitNotForSale):
        till.sell({"device_id": now.id})


def test_an_expected_phone_that_comes_by_transfer_is_in_stock_once(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    till.sell({"device_id": till.units[0]})
    stay = till.shop.do("handsets.expect", product_id=till.phone, imei1=IMEIS[0], cost_minor=0)["unit_id"]
    transfer_id, sent = coming(till, handset_id)
    assert (hand(till), worth(till, till.phone)) == (1, 560_000)
    till.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[sent])

    assert (till.shop.row(StockUnit, stay).status, hand(till)) == ("in_stock", 2)
    assert till.shop.row(StockUnit, stay).cost_minor == 500_000  # as it left its sender
    till.sell({"device_id": stay})
    assert worth(till, till.phone) == 560_000
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []


HELD = {
    "condition": "used", "grade": "B", "battery_pct": 81, "lock_state": "network MTN", "region": "UK", "has_box": False,
    "vat_scheme": "margin", "hold_until": "2026-10-20T09:00:00Z",
}  # fmt: skip


def test_what_is_known_of_a_phone_travels_on_its_line(till: Till) -> None:
    unit_id = till.shop.do("handsets.receive", product_id=till.phone, imei1="004401251000390", **HELD)["unit_id"]
    send(till, unit_id)

    fields = till.shop.changes("transfer_line")[-1].fields
    unit = till.shop.changes("stock_unit")[-2].fields
    assert {name: fields[name] for name in HELD} == {name: unit[name] for name in HELD}


def test_rule_19_a_phone_that_is_held_is_held_where_it_arrives(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    till.sell({"device_id": till.units[0]})
    later = till.shop.ctx().now + timedelta(days=3)
    transfer_id, stay = coming(
        till, handset_id, condition="used", vat_scheme="margin", battery_pct=81, hold_until=later
    )
    till.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[stay])

    (unit,) = till.shop.rows(StockUnit, handset_id=handset_id, status="in_stock")
    assert (unit.condition, unit.vat_scheme, unit.battery_pct, unit.hold_until) == ("used", "margin", 81, later)
    with pytest.raises(UnitNotForSale, match="held until"):
        till.sell({"device_id": unit.id})


def test_rule_14_a_phone_that_was_blocked_on_its_way_is_not_received_and_can_be_taken_back(till: Till) -> None:
    handset_id = till.shop.row(StockUnit, till.units[0]).handset_id
    till.sell({"device_id": till.units[0]})
    transfer_id, stay = coming(till, handset_id)
    mine = send(till, till.units[1])
    for imei in IMEIS:
        till.shop.do("usedphones.block_number", number=imei, reason="reported stolen at Kira Road")

    with pytest.raises(PhoneBlocked, match="reported stolen"):
        till.shop.do("handsets.receive_transfer", transfer_id=transfer_id, unit_ids=[stay])
    with pytest.raises(PhoneBlocked):
        till.shop.do("transfers.receive", transfer_id=transfer_id, unit_ids=[stay])
    assert hand(till) == 0
    till.shop.do("handsets.take_back", transfer_id=mine, unit_ids=[till.units[1]], reason="stopped at the gate")
    assert hand(till) == 1
