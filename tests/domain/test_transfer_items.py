"""Goods between shops by quantity: sent, received, taken back, in parts, beside the phones of the same transfer."""

from __future__ import annotations

import pytest

from shopnode.domain.clock import act_id
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.models import StockUnit, Transfer
from shopnode.domain.handsets.transit import Way, in_transit, list_transfers, transfer_sums, transfer_view
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.permissions import Role
from shopnode.domain.stock.models import StockMovement, TransferItem, TransferItemReceipt
from shopnode.domain.stock.queries import on_hand, stock_differences
from shopnode.domain.stock.transfers import NotSoMany
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.domain.till import Till, open_till
from tests.domain.trade import average
from tests.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_till(shop)


def send(till: Till, **form: object) -> str:
    transfer_id: str = till.shop.do("transfers.send", {"to_shop_id": ELSEWHERE, **form})["transfer_id"]
    return transfer_id


def hand(till: Till, product_id: str) -> int:
    with till.shop.reading() as ctx:
        assert stock_differences(ctx.session) == []
        return on_hand(ctx.session, till.shop.home.shop_id or "", [product_id])[product_id]


def glasses(till: Till, quantity: int = 6) -> dict[str, object]:
    return {"items": [{"product_id": till.glass, "quantity": quantity}]}


def test_sent_pieces_are_out_of_stock_and_in_transit_beside_phones(till: Till) -> None:
    transfer_id = send(till, unit_ids=[till.units[0]], **glasses(till))

    assert (hand(till, till.glass), hand(till, till.phone)) == (4, 1)
    assert till.shop.row(StockUnit, till.units[0]).status == "sent"
    with till.shop.reading() as ctx:
        (view,) = in_transit(ctx)
        (item,) = view.items
    assert (view.id, view.number, len(view.lines)) == (transfer_id, "KLA1-T000001", 1)
    assert (item.quantity, item.under_way, item.cost_minor) == (6, 6, 1_500)
    assert till.shop.changes("transfer_item")[-1].fields["quantity"] == 6


def test_pieces_are_taken_back_in_parts_at_the_cost_they_left_with(till: Till) -> None:
    transfer_id = send(till, **glasses(till))
    (row,) = till.shop.rows(TransferItem)
    back = {"transfer_id": transfer_id, "reason": "the driver came back"}
    done = till.shop.do("transfers.take_back", {**back, "items": [{"item_id": row.id, "quantity": 2}]})
    assert (done["pieces"], hand(till, till.glass), average(till, till.glass)) == (2, 6, 1_500)
    with till.shop.reading() as ctx:
        (item,) = transfer_view(ctx, transfer_id).items
        assert (item.received, item.taken_back, item.under_way) == (0, 2, 4)
        assert list_transfers(ctx, (Way.ENDED,)).rows == []
    with pytest.raises(NotSoMany, match="only 4 are on their way"):
        till.shop.do("transfers.take_back", {**back, "items": [{"item_id": row.id, "quantity": 5}]})
    twice = [{"item_id": row.id, "quantity": 3}, {"item_id": row.id, "quantity": 2}]
    with pytest.raises(NotSoMany):
        till.shop.do("transfers.take_back", {**back, "items": twice})
    till.shop.do("transfers.take_back", {**back, "items": [{"item_id": row.id, "quantity": 4}]})
    with till.shop.reading() as ctx:
        assert in_transit(ctx) == []
        assert [view.id for view in list_transfers(ctx, (Way.ENDED,)).rows] == [transfer_id]
    assert hand(till, till.glass) == 10


def coming(till: Till, quantity: int) -> tuple[str, str]:
    """Chargers that Jinja sent here at 24,000; answers transfer and line."""
    shop_id, transfer, item = till.shop.home.shop_id or "", act_id("tests", "transfer"), act_id("tests", "item")
    now = till.shop.ctx().now
    hear_of(
        till.shop,
        Transfer(id=transfer, shop_id=ELSEWHERE, to_shop_id=shop_id, number="JJA1-T000004", sent_at=now),
        TransferItem(
            id=item, transfer_id=transfer, shop_id=ELSEWHERE, product_id=till.charger, quantity=quantity,
            cost_minor=24_000,
        ),
    )  # fmt: skip
    return transfer, item


def test_what_arrives_moves_the_average_of_this_shop(till: Till) -> None:
    till.shop.do("stock.adjust", product_id=till.charger, quantity=2, reason="opening stock", kind="opening")
    transfer, item = coming(till, 5)
    form = {"transfer_id": transfer, "items": [{"item_id": item, "quantity": 2}]}
    till.shop.do("transfers.receive", form, role=Role.STAFF)

    assert (hand(till, till.charger), average(till, till.charger)) == (4, 23_000)
    (receipt,) = till.shop.rows(TransferItemReceipt)
    assert (receipt.kind, receipt.quantity, receipt.by_id) == ("received", 2, till.shop.cashier.id)
    with till.shop.reading() as ctx:
        assert [view.items[0].under_way for view in in_transit(ctx)] == [3]
    with pytest.raises(Conflict, match="sent by another shop"):
        till.shop.do("transfers.take_back", {**form, "reason": "not ours to say"})


def test_only_the_shop_it_was_sent_to_receives_it(till: Till) -> None:
    transfer_id = send(till, **glasses(till))
    item = till.shop.rows(TransferItem)[0].id
    with pytest.raises(Conflict, match="goes to another shop"):
        till.shop.do("transfers.receive", transfer_id=transfer_id, items=[{"item_id": item, "quantity": 1}])


def test_no_more_is_sent_than_there_is(till: Till) -> None:
    with pytest.raises(NotSoMany, match="Of “Tempered glass” only 10 are in stock here"):
        send(till, **glasses(till, 11))
    assert (till.shop.rows(Transfer), hand(till, till.glass)) == ([], 10)


def test_a_transfer_that_makes_no_sense_is_refused_and_leaves_nothing(till: Till) -> None:
    nobody = "0190a000-0000-7000-8000-00000000dead"
    before = len(till.shop.rows(StockMovement))
    with pytest.raises(Invalid, match="phones, goods or both"):
        send(till)
    with pytest.raises(Invalid, match="sent by IMEI"):
        send(till, items=[{"product_id": till.phone, "quantity": 1}])
    with pytest.raises(Invalid, match="not found in the catalogue"):
        send(till, items=[{"product_id": nobody, "quantity": 1}])
    with pytest.raises(Invalid, match="listed twice"):
        send(till, items=[{"product_id": till.glass, "quantity": 1}] * 2)
    with pytest.raises(NotFound):
        till.shop.do("transfers.send", to_shop_id=nobody, **glasses(till))
    with pytest.raises(NotPermitted):
        till.shop.do("transfers.send", {"to_shop_id": ELSEWHERE, **glasses(till)}, role=Role.STAFF)
    transfer_id = send(till, **glasses(till, 1))
    assert till.shop.rows(Transfer)[0].number == "KLA1-T000001"
    with pytest.raises(Invalid, match="no line of this transfer"):
        form = {"transfer_id": transfer_id, "reason": "came back", "items": [{"item_id": nobody, "quantity": 1}]}
        till.shop.do("transfers.take_back", form)
    assert len(till.shop.rows(StockMovement)) == before + 1


def test_every_transfer_is_on_one_page_of_the_list_those_under_way_first(till: Till) -> None:
    sent = []
    for _ in range(5):
        sent.append(send(till, **glasses(till, 1)))
        till.shop.clock.advance(1_000)
    for transfer_id in (sent[0], sent[3]):
        (row,) = till.shop.rows(TransferItem, transfer_id=transfer_id)
        back = [{"item_id": row.id, "quantity": 1}]
        till.shop.do("transfers.take_back", transfer_id=transfer_id, items=back, reason="never left")
    shown, cursor = [], None
    with till.shop.reading() as ctx:
        while True:
            page = list_transfers(ctx, limit=2, cursor=cursor)
            shown += [view.id for view in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        ended = transfer_sums(ctx, (Way.ENDED,), limit=1)
        last = transfer_sums(ctx, (Way.ENDED,), limit=1, cursor=ended.next_cursor)
    assert shown == [sent[4], sent[2], sent[1], sent[3], sent[0]]
    assert [(one.id, one.under_way) for one in (*ended.rows, *last.rows)] == [(sent[3], 0), (sent[0], 0)]
    assert last.next_cursor is None
