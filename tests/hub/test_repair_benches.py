"""A repair between two branches through the hub (rule 77): each writes its own half, and both read the same at last."""

from __future__ import annotations

import pytest

from cloudhub.merge.conflicts import open_exceptions
from cloudhub.merge.inboxes import count_open
from shopnode.domain.context import Context
from shopnode.domain.repairs.benches import WayEnded, repair_ways
from shopnode.domain.repairs.models import RepairPart, RepairTicket, RepairTransfer, RepairTransferReceipt
from tests.hub.world import Node, World

IMEI = "356938035643809"


@pytest.fixture
def kampala(world: World) -> Node:
    return world.enrol("KLA")


@pytest.fixture
def jinja(world: World) -> Node:
    return world.enrol("JJA")


def go(node: Node, ticket_id: str, *path: str) -> None:
    for status in path:
        node.clock.advance(1)
        node.do("repairs.change_status", ticket_id=ticket_id, status=status)


def both_hear(*nodes: Node) -> None:
    for _ in range(2):
        for node in nodes:
            node.sync()


def sent(kampala: Node, jinja: Node) -> tuple[str, str]:
    """A device on its way to Jinja: the ticket, and the transfer both have heard of."""
    form = {
        "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_brand": "Tecno",
        "device_model": "Spark 10", "issue_description": "board", "imei_serial": IMEI, "estimated_cost": 150_000,
        "agreed_via": "in_person", "passcode_way": "stored", "passcode": "2580",
    }  # fmt: skip
    both_hear(kampala, jinja)
    ticket_id = kampala.do("repairs.take_in", form)["ticket_id"]
    go(kampala, ticket_id, "Diagnosed")
    there = jinja.home.shop_id
    done = kampala.do("repairs.send_to_branch", ticket_id=ticket_id, to_shop_id=there)
    both_hear(kampala, jinja)
    return ticket_id, done["transfer_id"]


def test_rule_77_a_device_goes_to_another_branch_and_comes_home_with_its_cost(
    world: World, kampala: Node, jinja: Node
) -> None:
    ticket_id, transfer_id = sent(kampala, jinja)
    assert jinja.rows(RepairTicket) == []  # a ticket is its shop's own; only the way is known to both
    theirs = jinja.do("repairs.receive_from_branch", transfer_id=transfer_id)["ticket_id"]
    go(jinja, theirs, "Diagnosed", "In Progress")
    part = jinja.do("repairs.reserve_part", ticket_id=theirs, name="Board", unit_cost=40_000, unit_price=0)["part_id"]
    jinja.do("repairs.use_part", part_id=part, old_part="recycled")
    go(jinja, theirs, "Quality Check", "Completed")
    back = jinja.do("repairs.send_home", ticket_id=theirs, labor_cost=15_000)["transfer_id"]
    both_hear(jinja, kampala)

    home = kampala.do("repairs.receive_from_branch", transfer_id=back)
    assert (home["ticket_id"], home["status"]) == (ticket_id, "Quality Check")
    both_hear(kampala, jinja)
    (cost,) = kampala.rows(RepairPart)
    assert cost.unit_cost_minor == 55_000
    (ticket,) = kampala.rows(RepairTicket)
    assert (ticket.agreed_minor, ticket.status) == (150_000, "Quality Check")
    for node in (kampala, jinja):
        assert len(node.rows(RepairTransfer)) == len(node.rows(RepairTransferReceipt)) == 2
    assert {row[0] for row in world.rows("SELECT status FROM repair_ticket")} == {"Quality Check", "Delivered"}
    assert world.count("repair_passcode") == 0  # it never leaves its shop
    with world.session() as session:
        assert count_open(session).open == 0


def test_rule_77_of_two_that_both_say_they_have_it_the_first_stands(world: World, kampala: Node, jinja: Node) -> None:
    """Jinja received it, and Kampala, which had not heard of that, took it back."""
    ticket_id, transfer_id = sent(kampala, jinja)
    theirs = jinja.do("repairs.receive_from_branch", transfer_id=transfer_id)["ticket_id"]
    kampala.do("repairs.recall_transfer", transfer_id=transfer_id, reason="the boda says it came back")
    both_hear(jinja, kampala)
    receipts = [node.rows(RepairTransferReceipt) for node in (kampala, jinja)]
    assert [len(found) for found in receipts] == [1, 1]
    assert {found[0].shop_id for found in receipts} == {jinja.home.shop_id}
    with pytest.raises(WayEnded):
        kampala.do("repairs.recall_transfer", transfer_id=transfer_id, reason="once more")
    assert kampala.row(RepairTicket, ticket_id).status == "Diagnosed"  # its own book says so, and people see both
    number = kampala.row(RepairTicket, ticket_id).number
    with world.session() as session:
        assert [told.sentence for told in open_exceptions(session)] == [
            f"Repair {number} was sent to another bench, and both Shop KLA and Shop JJA say that they have the device. "
            "Only one of them can."
        ]

    go(jinja, theirs, "Cannot Repair")
    back = jinja.do("repairs.send_home", ticket_id=theirs, labor_cost=5_000)["transfer_id"]
    both_hear(jinja, kampala)
    assert kampala.do("repairs.receive_from_branch", transfer_id=back)["status"] == "Diagnosed"
    assert [part.unit_cost_minor for part in kampala.rows(RepairPart)] == [5_000]


def test_rule_77_the_owner_sees_every_way(world: World, kampala: Node, jinja: Node) -> None:
    _, transfer_id = sent(kampala, jinja)
    owner = world.owner()
    with owner.home.reading() as session:
        (way,) = repair_ways(Context(owner.home, owner.actor, None).inside(session), arrived=False).rows
    assert (way.id, way.from_shop, way.to_shop, way.device) == (transfer_id, "Shop KLA", "Shop JJA", "Tecno Spark 10")
