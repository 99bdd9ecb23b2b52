"""Devices that another branch's bench mends (rule 77), as one shop's node does either half of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from shopnode.domain.clock import act_id, to_datetime
from shopnode.domain.errors import Invalid, NotFound, NotPermitted
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.benches import WayEnded, find_way, repair_ways
from shopnode.domain.repairs.events import StatusJump
from shopnode.domain.repairs.models import RepairPart, RepairTransfer, RepairTransferReceipt
from shopnode.domain.sales.models import SaleLine
from tests.domain.bench import Bench, open_bench
from tests.domain.test_transfers import hear_of
from tests.shop import Shop

JINJA = act_id("tests", "jinja")
IMEI = "356938035643809"


@pytest.fixture
def bench(shop: Shop) -> Bench:
    """A shop that knows of another one in Jinja."""
    hear_of(shop, ShopRow(id=JINJA, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    return open_bench(shop)


def sent(bench: Bench) -> tuple[str, str]:
    """A repair for 150,000 that went to Jinja: its ticket and its transfer."""
    ticket_id = bench.take_in(imei_serial=IMEI, accessories=["SIM card"], passcode_way="stored", passcode="2580")
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    done = bench.do("send_to_branch", ticket_id, to_shop_id=JINJA, notes="board work")
    return ticket_id, str(done["transfer_id"])


def from_jinja(bench: Bench, **more: Any) -> RepairTransfer:
    """A row as Jinja's node wrote it."""
    row = RepairTransfer(
        id=bench.shop.home.new_id(), ticket_id=act_id("tests", "ticket"), number="JJA1-J000007",
        from_shop_id=JINJA, to_shop_id=bench.shop.home.shop_id, cost_minor=0,
        sent_at=to_datetime(bench.shop.clock.now_ms), **more,
    )  # fmt: skip
    hear_of(bench.shop, row)
    return bench.shop.rows(RepairTransfer, number="JJA1-J000007")[-1]


def answer(bench: Bench, transfer_id: str, outcome: str = "repaired", cost: int = 62_000) -> RepairTransfer:
    row = RepairTransfer(
        id=bench.shop.home.new_id(), ticket_id=act_id("tests", "there"), number="JJA1-J000009", answers_id=transfer_id,
        from_shop_id=JINJA, to_shop_id=bench.shop.home.shop_id, cost_minor=cost,
        details=orjson.dumps({"outcome": outcome, "device": "Tecno Spark 10", "notes": "new board"}).decode(),
        sent_at=to_datetime(bench.shop.clock.now_ms),
    )  # fmt: skip
    hear_of(bench.shop, row)
    return bench.shop.rows(RepairTransfer, number="JJA1-J000009")[-1]


def receive(bench: Bench, transfer_id: str, role: Role = Role.STAFF) -> dict[str, Any]:
    return bench.shop.do("repairs.receive_from_branch", transfer_id=transfer_id, role=role)


def test_rule_77_what_travels_names_nobody_and_carries_no_passcode(bench: Bench) -> None:
    ticket_id, transfer_id = sent(bench)
    ticket = bench.ticket(ticket_id)
    assert ticket.status == "Transferred"
    details = bench.shop.row(RepairTransfer, transfer_id).details
    assert "Nakato" not in details and "772" not in details and "2580" not in details
    told = orjson.loads(details)
    assert (told["imei_serial"], told["accessories"], told["notes"]) == (IMEI, ["SIM card"], "board work")
    with bench.shop.reading() as ctx:
        way = find_way(ctx, transfer_id)
    assert (way.to_shop, way.device, way.received_at, way.is_return) == ("Jinja", "Tecno Spark 10", None, False)
    with pytest.raises(StatusJump):  # it is not here
        bench.deliver(ticket_id, 150_000)


def test_rule_77_what_comes_home_goes_on_and_bears_what_the_other_bench_cost(bench: Bench) -> None:
    ticket_id, transfer_id = sent(bench)
    hear_of(bench.shop, RepairTransferReceipt(
        id=act_id("repair-arrival", transfer_id), transfer_id=transfer_id, shop_id=JINJA,
        ticket_id=act_id("tests", "there"), at=to_datetime(bench.shop.clock.now_ms),
    ))  # fmt: skip
    back = answer(bench, transfer_id)
    assert receive(bench, back.id, Role.SUPERVISOR)["ticket_id"] == ticket_id
    assert bench.ticket(ticket_id).status == "Quality Check"
    (part,) = bench.shop.rows(RepairPart, ticket_id=ticket_id)
    assert (part.name, part.unit_cost_minor, part.unit_price_minor) == ("Bench of Jinja", 62_000, 0)
    with pytest.raises(WayEnded):
        receive(bench, back.id, Role.SUPERVISOR)
    bench.go(ticket_id, "Completed")
    done = bench.deliver(ticket_id, 150_000)
    (line,) = bench.shop.rows(SaleLine, sale_id=done["sale_id"])
    assert (line.unit_price_minor, line.cost_minor) == (150_000, 62_000)


def test_rule_77_a_device_that_was_not_mended_there_is_diagnosed_here_again(bench: Bench) -> None:
    ticket_id, transfer_id = sent(bench)
    receive(bench, answer(bench, transfer_id, "not_repaired", 0).id, Role.SUPERVISOR)
    assert bench.ticket(ticket_id).status == "Diagnosed"
    assert bench.shop.rows(RepairPart) == []


def test_rule_77_the_other_bench_works_on_a_ticket_of_its_own_and_bills_nobody(bench: Bench) -> None:
    mine, transfer_id = sent(bench)
    told = orjson.loads(bench.shop.row(RepairTransfer, transfer_id).details)
    told["imei_serial"] = "004401231000130"
    came = from_jinja(bench, details=orjson.dumps(told).decode())
    done = receive(bench, came.id)
    ticket = bench.ticket(done["ticket_id"])
    assert (ticket.came_by_id, ticket.customer_id, ticket.status) == (came.id, told["customer_id"], "Pending")
    assert (ticket.agreed_minor, ticket.warranty_days, ticket.diagnosis_fee_minor) == (0, 0, 0)
    with pytest.raises(Invalid, match="came from another branch"):
        bench.do("send_to_branch", ticket.id, to_shop_id=JINJA)
    bench.go(ticket.id, "Diagnosed", "In Progress")
    with pytest.raises(Invalid, match="finish it"):
        bench.do("send_home", ticket.id)
    part = bench.do("reserve_part", ticket.id, name="Board", unit_cost=20_000, unit_price=0)["part_id"]
    bench.shop.do("repairs.use_part", part_id=part, old_part="scrapped", role=Role.SUPERVISOR)
    bench.go(ticket.id, "Quality Check", "Completed")
    home = bench.do("send_home", ticket.id, labor_cost=15_000)
    assert home["cost"] == 35_000
    row = bench.shop.row(RepairTransfer, home["transfer_id"])
    assert (row.answers_id, row.to_shop_id, row.cost_minor) == (came.id, JINJA, 35_000)
    assert orjson.loads(row.details)["outcome"] == "repaired"
    ended = bench.ticket(ticket.id)
    assert (ended.status, ended.sale_id, ended.is_editable) == ("Delivered", None, False)
    assert bench.ticket(mine).status == "Transferred"
    with bench.shop.reading() as ctx:
        assert len(repair_ways(ctx).rows) == 3
        assert {way.id for way in repair_ways(ctx, arrived=True).rows} == {came.id}


def test_rule_77_what_never_arrived_is_taken_back_once(bench: Bench) -> None:
    ticket_id, transfer_id = sent(bench)
    recall = {"transfer_id": transfer_id, "reason": "the boda came back"}
    with pytest.raises(NotPermitted):
        bench.shop.do("repairs.recall_transfer", recall, role=Role.STAFF)
    bench.shop.do("repairs.recall_transfer", recall, role=Role.SUPERVISOR)
    assert bench.ticket(ticket_id).status == "Diagnosed"
    with pytest.raises(WayEnded):
        bench.shop.do("repairs.recall_transfer", recall, role=Role.SUPERVISOR)
    with pytest.raises(NotFound):  # it was never meant for us
        receive(bench, transfer_id)


def test_rule_77_only_another_open_branch_is_sent_to(bench: Bench) -> None:
    ticket_id = bench.take_in()
    with pytest.raises(Invalid, match="is this shop"):
        bench.do("send_to_branch", ticket_id, to_shop_id=bench.shop.home.shop_id)
    with pytest.raises(NotFound):
        bench.do("send_to_branch", ticket_id, to_shop_id=act_id("tests", "nowhere"))
    with pytest.raises(Invalid, match="did not come from another branch"):
        bench.do("send_home", bench.mended(customer_phone="0772 999 000", customer_name="Okello"))
