"""A phone is in one place and sold once; where shops, or one that was restored, say otherwise, the owner is told."""

from __future__ import annotations

from typing import Any

import pytest

from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.oddities import let_go, oddity_of_repeat
from shopnode.domain.handsets.models import arrival_id, sent_line_id
from tests.hub.raw import RawNode, change, product, raw_node, sale
from tests.hub.world import World

IMEI = "004401231000130"
AT = 1_790_000_000_000


@pytest.fixture
def raw(world: World) -> RawNode:
    return raw_node(world)


@pytest.fixture
def other(world: World) -> RawNode:
    return raw_node(world, "JJA")


def told(world: World) -> dict[str, str]:
    with world.session() as session:
        return {e.kind: e.sentence for e in open_exceptions(session)}


class Phone:
    """One handset with a stay in the first shop."""

    def __init__(self, raw: RawNode):
        self.raw, self.model, self.id = raw, raw.new_id(), raw.new_id()
        self.unit = raw.new_id()
        raw.write(
            product(self.model, is_serialised=True),
            ["handset", "i", ["id", "product_id", "imei1", "created_at"], [[self.id, self.model, IMEI, AT]]],
            self.stay(self.unit, raw.shop),
        )
        assert raw.push().verdicts == {}

    def stay(self, unit: str, shop: str) -> list[Any]:
        columns = ["id", "handset_id", "product_id", "shop_id", "status", "cost_minor", "received_at"]
        return ["stock_unit", "i", columns, [[unit, self.id, self.model, shop, "in_stock", 1, AT]]]

    def sold(self, number: str, before: str | None = None) -> str:
        """A ticket with this phone; `before` is the line its stay was sold with, as the writer knows."""
        raw = self.raw
        sale_id, line_id = raw.new_id(), raw.new_id()
        columns = {
            "id": line_id, "sale_id": sale_id, "shop_id": raw.shop, "line_no": 1, "product_id": self.model,
            "unit_id": self.unit, "item_name": "Spark", "quantity": 1, "unit_price_minor": 1, "list_price_minor": 1,
            "discount_minor": 0, "cost_minor": 1, "tax_rate_bp": 0, "warranty_days": 0, "imei": IMEI,
        }  # fmt: skip
        raw.write(
            sale(sale_id, raw.shop, number),
            ["sale_line", "i", list(columns), [list(columns.values())]],
            change("stock_unit", self.unit, status=("in_stock", "sold"), sold_line_id=(before, line_id)),
        )
        return sale_id

    def sent(self, to: RawNode, transfer: str) -> list[list[Any]]:
        line = sent_line_id(self.unit)
        lines = ["id", "transfer_id", "shop_id", "unit_id", "handset_id", "product_id", "cost_minor"]
        return [
            ["transfer", "i", ["id", "shop_id", "to_shop_id", "number", "sent_at"],
             [[transfer, self.raw.shop, to.shop, f"KLA1-T{transfer[-6:]}", AT]]],
            ["transfer_line", "i", lines, [[line, transfer, self.raw.shop, self.unit, self.id, self.model, 1]]],
            change("stock_unit", self.unit, status=("in_stock", "sent")),
        ]  # fmt: skip

    def arrived(self, shop: RawNode, kind: str = "received") -> list[Any]:
        columns = ["id", "line_id", "shop_id", "kind", "unit_id", "at"]
        line = sent_line_id(self.unit)
        return ["transfer_receipt", "i", columns, [[arrival_id(line), line, shop.shop, kind, shop.new_id(), AT]]]


def test_a_restored_shop_that_sells_a_phone_it_had_sent_away_is_told(
    world: World, raw: RawNode, other: RawNode
) -> None:
    phone = Phone(raw)
    raw.write(*phone.sent(other, raw.new_id()))
    phone.sold("KLA1-000001")

    assert raw.push().verdicts == {}
    assert told(world) == {
        "let_go": f"Shop KLA acted on the phone {IMEI} and did not know that it had been sent to another shop "
        "already. What it did last stands; find out where the phone is."
    }
    assert world.rows("SELECT status FROM stock_unit") == [("sold",)]


def test_a_phone_on_two_receipts_that_stand_is_told(world: World, raw: RawNode) -> None:
    phone = Phone(raw)
    phone.sold("KLA1-000001")
    phone.sold("KLA1-K7Q2M-000001")

    assert raw.push().verdicts == {}
    assert told(world) == {
        "sold_twice": f"The phone {IMEI} was sold twice, on receipts KLA1-000001 and KLA1-K7Q2M-000001. "
        "Both stand; undo the wrong one."
    }


def test_a_phone_sold_again_after_its_sale_was_undone_is_not_told(world: World, raw: RawNode) -> None:
    phone = Phone(raw)
    first = phone.sold("KLA1-000001")
    columns = ["id", "sale_id", "shop_id", "kind", "at", "nth"]
    raw.write(
        ["sale_decision", "i", columns, [[raw.new_id(), first, raw.shop, "void", AT, 1]]],
        change("stock_unit", phone.unit, status=("sold", "in_stock")),
    )
    phone.sold("KLA1-000002")
    raw.push()
    assert told(world) == {}


def test_a_phone_in_stock_in_two_shops_is_told(world: World, raw: RawNode, other: RawNode) -> None:
    phone = Phone(raw)
    other.write(phone.stay(other.new_id(), other.shop))

    assert other.push().verdicts == {}
    said = told(world)
    assert set(said) == {"two_stays"}
    assert said["two_stays"].startswith(f"The phone {IMEI} is in stock in two places: at Shop ")


def test_a_phone_received_and_taken_back_is_told_and_the_first_stands(
    world: World, raw: RawNode, other: RawNode
) -> None:
    phone = Phone(raw)
    raw.write(*phone.sent(other, raw.new_id()))
    raw.push()
    other.write(phone.arrived(other))
    other.push()
    raw.write(phone.arrived(raw, "taken_back"))

    assert raw.push().verdicts == {3: "merged"}
    assert world.rows("SELECT kind FROM transfer_receipt") == [("received",)]
    assert told(world) == {
        "received_and_taken_back": f"The phone {IMEI} was received at Shop JJA and taken back at Shop KLA. Only one of "
        "them can have it."
    }


def test_a_phone_sent_twice_is_told_and_the_first_transfer_stands(world: World, raw: RawNode, other: RawNode) -> None:
    phone = Phone(raw)
    for _ in range(2):
        raw.write(*phone.sent(other, raw.new_id()))

    assert raw.push().verdicts == {3: "merged"}
    assert told(world) == {
        "sent_twice": f"Shop KLA sent the phone {IMEI} twice, under two numbers. The first transfer stands."
    }


def test_pieces_that_arrive_and_are_taken_back_as_well_are_told(world: World, raw: RawNode, other: RawNode) -> None:
    """Simulated: two shops that did not hear each other both had the box of five, and nobody was told."""
    glass, transfer, item = raw.new_id(), raw.new_id(), raw.new_id()
    columns = ["id", "transfer_id", "shop_id", "product_id", "quantity", "cost_minor"]
    raw.write(
        product(glass),
        ["transfer", "i", ["id", "shop_id", "to_shop_id", "number", "sent_at"],
         [[transfer, raw.shop, other.shop, "KLA1-T000001", AT]]],
        ["transfer_item", "i", columns, [[item, transfer, raw.shop, glass, 5, 1]]],
        schema=3,
    )  # fmt: skip
    raw.push()

    def ended(shop: RawNode, kind: str, pieces: int) -> dict[str, Any]:
        names = ["id", "item_id", "shop_id", "kind", "quantity", "at"]
        shop.write(
            ["transfer_item_receipt", "i", names, [[shop.new_id(), item, shop.shop, kind, pieces, AT]]], schema=3
        )
        verdicts: dict[str, Any] = shop.push().verdicts
        return verdicts

    assert ended(other, "received", 2) == ended(raw, "taken_back", 3) == {}
    assert told(world) == {}
    assert ended(raw, "taken_back", 1) == ended(other, "received", 1) == {}
    assert told(world) == {
        "more_than_sent": "Of Tempered glass on transfer KLA1-T000001 more pieces arrived or were taken back than "
        "were sent. Count them in both shops."
    }
    assert world.count("hub_exception") == 1  # listed once, however many


def test_a_receipt_waits_for_the_transfer_it_ends(world: World, raw: RawNode, other: RawNode) -> None:
    phone = Phone(raw)
    other.write(phone.arrived(other))
    assert other.push().verdicts == {1: "held"}
    raw.write(*phone.sent(other, raw.new_id()))
    raw.push()
    assert (world.count("transfer_receipt"), world.count("waiting_entry")) == (1, 0)


def test_a_node_says_nothing_in_another_shops_name(world: World, raw: RawNode, other: RawNode) -> None:
    phone = Phone(raw)
    raw.write(*phone.sent(other, raw.new_id()))
    raw.push()
    raw.write(phone.arrived(other))  # as if Jinja had received it
    assert set(raw.push().verdicts.values()) == {"quarantined"}
    assert world.count("transfer_receipt") == 0


@pytest.mark.parametrize(
    ("before", "after", "stands", "gone"),
    [
        ("in_stock", "sold", "sent", "sent"),
        ("inspect", "scrapped", "sold", "sold"),
        ("in_stock", "scrapped", "scrapped", None),  # it says what stands
        ("sold", "in_stock", "sent", None),  # it did not take it for being there
        ("in_stock", "sold", "inspect", "inspect"),  # it is there, and off the shelf already
        ("inspect", "in_stock", "in_stock", "in_stock"),  # and onto it
        ("inspect", "scrapped", "bench", None),  # off the shelf for both
        ("in_stock", "reserved", "in_stock", None),  # as it stands
    ],
)
def test_a_shop_has_let_go_of_a_phone_whose_stay_had_ended(
    before: str, after: str, stands: str, gone: str | None
) -> None:
    assert let_go("stock_unit", {"status": [before, after]}, {"status": stands}) == gone


def test_doing_the_same_twice_is_odd_only_where_something_else_was_chosen() -> None:
    same = {"kind": "received", "shop_id": "1", "at": 1}
    assert oddity_of_repeat("transfer_receipt", same, {**same, "at": 2}) is None
    assert oddity_of_repeat("stock_movement", {"at": 1}, {"at": 2}) is None
