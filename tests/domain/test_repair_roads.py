"""The side roads of a repair: others' work, loaners, rework, stolen, bought (rules 69, 71, 73, 75, 76)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.buying.models import SupplierEntry
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.handsets.errors import NotInStock
from shopnode.domain.handsets.models import StockUnit, UnitEvent
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.delivery import LoanerOut
from shopnode.domain.repairs.events import StatusJump, TicketLocked
from shopnode.domain.repairs.intake import AlreadyHere
from shopnode.domain.repairs.loaners import NoLoaner
from shopnode.domain.repairs.models import RepairOutwork, RepairPart
from shopnode.domain.repairs.outwork import NotAway, is_late
from shopnode.domain.repairs.rework import NoRework, reworks_by_technician
from shopnode.domain.repairs.stolen import NotLocked
from shopnode.domain.sales.models import Sale, SaleLine
from shopnode.domain.stock.models import StockLevel
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from shopnode.domain.usedphones.checks import PhoneInRepair
from shopnode.domain.usedphones.models import BlockedNumber, UnitCost, UsedPurchase
from tests.domain.bench import Bench, open_bench, picture
from tests.shop import Shop

IMEI = "356938035643809"


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def status(bench: Bench, ticket_id: str) -> str:
    return bench.ticket(ticket_id).status


# --- 69: somebody else mends it ---


def test_rule_69_outside_work_keeps_who_has_it_until_when_and_what_it_cost(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.do("send_out", ticket_id, sent_to="Moses, board repairs", due_on="2026-09-25", cost=40_000, notes="by boda")
    assert status(bench, ticket_id) == "Outsourced"
    (work,) = bench.shop.rows(RepairOutwork, ticket_id=ticket_id)
    assert (work.sent_to, str(work.due_on), work.back_at) == ("Moses, board repairs", "2026-09-25", None)
    assert "Moses" in str(bench.told(ticket_id, "status")[-1].note)
    assert not is_late(work, to_datetime(bench.shop.clock.now_ms).date())
    bench.later(days=5)
    assert is_late(work, to_datetime(bench.shop.clock.now_ms).date())

    bench.do("take_back_in", ticket_id, outcome="repaired", cost=45_000)
    (work,) = bench.shop.rows(RepairOutwork, ticket_id=ticket_id)
    assert (work.outcome, work.cost_minor, work.back_by) == ("repaired", 45_000, bench.shop.supervisor.id)
    assert status(bench, ticket_id) == "Quality Check"  # what others mended is tried here
    bench.go(ticket_id, "Completed")
    sale_id = bench.deliver(ticket_id, 150_000)["sale_id"]
    (line,) = bench.shop.rows(SaleLine, sale_id=sale_id)
    assert (line.unit_price_minor, line.cost_minor) == (150_000, 45_000)  # a cost, and no line of the bill


def test_rule_69_a_workshop_with_an_account_is_owed_what_it_took(bench: Bench) -> None:
    supplier_id = bench.shop.do("suppliers.create", name="Board Lab", phone="0772 555 111")["id"]
    ticket_id = bench.take_in()
    bench.do("send_out", ticket_id, supplier_id=supplier_id, cost=30_000)
    assert bench.shop.rows(SupplierEntry) == []
    bench.do("take_back_in", ticket_id, outcome="not_repaired")
    assert status(bench, ticket_id) == "Diagnosed"
    (work,) = bench.shop.rows(RepairOutwork)
    correct = {"outwork_id": work.id, "cost": 10_000, "reason": "they only looked at it"}
    bench.shop.do("repairs.correct_outwork", correct, role=Role.SUPERVISOR)
    entries = sorted((entry.kind, entry.amount_minor) for entry in bench.shop.rows(SupplierEntry))
    assert entries == [("bill", 30_000), ("correction", -20_000)]


def test_rule_69_what_is_away_is_not_delivered_and_what_is_here_does_not_come_back(bench: Bench) -> None:
    ticket_id = bench.mended()
    with pytest.raises(StatusJump):
        bench.do("send_out", ticket_id, sent_to="Moses")
    with pytest.raises(NotAway):
        bench.do("take_back_in", ticket_id, outcome="repaired")
    other = bench.take_in(customer_phone="0772 999 000", customer_name="Okello")
    with pytest.raises(Invalid, match="who has the device"):
        bench.do("send_out", other)
    with pytest.raises(Invalid, match="has passed"):
        bench.do("send_out", other, sent_to="Moses", due_on="2026-01-01")
    bench.do("send_out", other, sent_to="Moses")
    with pytest.raises(StatusJump):
        bench.deliver(other)


# --- 71: loaner phones ---


def test_rule_71_a_ticket_is_not_closed_while_its_loaner_is_out(bench: Bench) -> None:
    ticket_id = bench.mended()
    unit_id = bench.till.units[0]
    bench.do("lend_phone", ticket_id, unit_id=unit_id, notes="scratch on the back", role=Role.STAFF)
    unit = bench.shop.row(StockUnit, unit_id)
    assert (unit.status, bench.ticket(ticket_id).loaner_unit_id) == ("lent", unit_id)
    (event,) = bench.shop.rows(UnitEvent, unit_id=unit_id)
    assert event.about_id == ticket_id
    with pytest.raises(LoanerOut):
        bench.deliver(ticket_id, 150_000)
    with pytest.raises(LoanerOut):  # one at a time
        bench.do("lend_phone", ticket_id, unit_id=bench.till.units[1])

    bench.do("take_loaner_back", ticket_id, outcome="inspect", notes="charger missing", role=Role.STAFF)
    assert bench.shop.row(StockUnit, unit_id).status == "inspect"
    bench.deliver(ticket_id, 150_000)
    assert status(bench, ticket_id) == "Delivered"
    assert [len(bench.told(ticket_id, kind)) for kind in ("loaner_out", "loaner_back")] == [1, 1]


def test_rule_71_a_loaner_that_is_kept_is_sold_and_frees_the_ticket(bench: Bench) -> None:
    ticket_id = bench.mended()
    unit_id = bench.till.units[0]
    bench.do("lend_phone", ticket_id, unit_id=unit_id)
    charge = {"amount": 640_000, "payments": [{"method": "cash", "amount": 640_000}], "reason": "lost in a taxi"}
    done = bench.do("charge_loaner", ticket_id, role=Role.STAFF, **charge)
    sale = bench.shop.row(Sale, done["sale_id"])
    assert (bench.shop.row(StockUnit, unit_id).status, sale.customer_id) == (
        "sold", bench.ticket(ticket_id).customer_id,
    )  # fmt: skip
    (event,) = bench.told(ticket_id, "loaner_charged")
    assert (event.amount_minor, sale.number in str(event.note)) == (640_000, True)
    (level,) = bench.shop.rows(StockLevel, product_id=bench.till.phone)
    assert level.on_hand == 1
    bench.deliver(ticket_id, 150_000)
    with pytest.raises(TicketLocked):
        bench.do("lend_phone", ticket_id, unit_id=bench.till.units[1])


def test_rule_71_only_a_phone_from_the_shelf_is_lent_and_only_a_lent_one_comes_back(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.till.sell({"device_id": bench.till.units[0]}, customer_id=bench.ticket(ticket_id).customer_id)
    with pytest.raises(NotInStock):
        bench.do("lend_phone", ticket_id, unit_id=bench.till.units[0])
    with pytest.raises(NoLoaner):
        bench.do("take_loaner_back", ticket_id)
    with pytest.raises(NoLoaner):
        charge = {"amount": 1_000, "payments": [{"method": "cash", "amount": 1_000}], "reason": "lost"}
        bench.do("charge_loaner", ticket_id, **charge)


# --- 73: done again under its warranty ---


def delivered(bench: Bench, **more: Any) -> str:
    """A repair by Aisha that was fetched and paid."""
    ticket_id = bench.take_in(imei_serial=IMEI, **more)
    bench.do("assign", ticket_id, technician_id=bench.shop.cashier.id)
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress", "Quality Check", "Completed")
    bench.deliver(ticket_id, 150_000)
    return ticket_id


def again(bench: Bench, first_id: str) -> str:
    done = bench.do("take_in_rework", first_id, role=Role.STAFF, issue_description="screen flickers again")
    bench.slips[done["ticket_id"]] = done["slip_code"]
    return str(done["ticket_id"])


def test_rule_73_rework_is_linked_free_and_keeps_what_is_left_of_the_warranty(bench: Bench) -> None:
    first_id = delivered(bench)
    bench.later(days=10)
    second_id = again(bench, first_id)
    second = bench.ticket(second_id)
    assert (second.rework_of_id, second.agreed_minor, second.warranty_days) == (first_id, 0, 20)  # of 30
    bench.go(second_id, "Diagnosed", "In Progress")
    part = bench.do("reserve_part", second_id, product_id=bench.screen)["part_id"]
    bench.shop.do("repairs.use_part", part_id=part, old_part="scrapped", role=Role.SUPERVISOR)
    bench.go(second_id, "Quality Check", "Completed")
    done = bench.deliver(second_id)
    assert (done["total"], done["sale_id"]) == (0, None)


def test_rule_73_rework_costs_are_seen_with_whoever_did_the_first_job(bench: Bench) -> None:
    first_id = delivered(bench)
    second_id = again(bench, first_id)
    bench.do("assign", second_id, technician_id=bench.shop.supervisor.id)
    bench.go(second_id, "Diagnosed", "In Progress")
    part = bench.do("reserve_part", second_id, product_id=bench.screen)["part_id"]
    bench.shop.do("repairs.use_part", part_id=part, old_part="scrapped", role=Role.SUPERVISOR)
    bench.do("send_out", second_id, sent_to="Moses", cost=5_000)
    with bench.shop.reading() as ctx:
        found = reworks_by_technician(ctx, ctx.now - timedelta(days=1), ctx.now + timedelta(days=1))
        earlier = reworks_by_technician(ctx, ctx.now - timedelta(days=9), ctx.now - timedelta(days=8))
    assert [(one.technician, one.delivered, one.reworks, one.cost_minor) for one in found] == [
        ("Aisha", 1, 1, 60_000)  # 55,000 for the screen, 5,000 for Moses: not with Brian, who did it again
    ]
    assert earlier == []


def test_rule_73_without_warranty_nothing_is_done_again_for_nothing(bench: Bench) -> None:
    open_id = bench.take_in(imei_serial=IMEI)
    with pytest.raises(NoRework, match="not delivered"):
        again(bench, open_id)
    bench.do("cancel", open_id, role=Role.OWNER, reason="written twice")
    first_id = delivered(bench)
    again(bench, first_id)
    with pytest.raises(AlreadyHere):
        again(bench, first_id)
    wet = bench.mended(water_damage=True, customer_phone="0772 999 000", customer_name="Okello")
    bench.deliver(wet, 150_000, taken_by="Okello")
    with pytest.raises(NoRework, match="no warranty"):
        again(bench, wet)


def test_rule_73_after_the_warranty_it_is_a_new_repair(bench: Bench) -> None:
    first_id = delivered(bench)
    bench.later(days=30)
    bench.later(minutes=1)
    with pytest.raises(NoRework, match="had its warranty until"):
        again(bench, first_id)


# --- 75: found to be stolen ---


def test_rule_75_a_stolen_device_is_locked_and_delivered_to_nobody(bench: Bench) -> None:
    ticket_id = bench.mended(imei_serial=IMEI)
    with pytest.raises(NotPermitted):
        bench.do("lock_stolen", ticket_id, role=Role.STAFF, reason="police case 114/26")
    bench.do("lock_stolen", ticket_id, reason="police case 114/26")
    with pytest.raises(TicketLocked):
        bench.deliver(ticket_id, 150_000)
    for act, form in {
        "note": {"notes": "he came"}, "take_deposit": {"method": "cash", "amount": 1_000},
        "change_status": {"status": "Completed"}, "update": {"notes": "x"}, "send_out": {"sent_to": "Moses"},
    }.items():  # fmt: skip
        with pytest.raises(TicketLocked):
            bench.do(act, ticket_id, role=Role.OWNER, **form)
    assert bench.told(ticket_id, "status")[-1].note == "police case 114/26"
    with pytest.raises(PhoneBlocked):
        bench.shop.do("handsets.receive", product_id=bench.till.phone, imei1=IMEI)


def test_rule_75_the_owner_alone_lets_it_go_on_from_where_it_was(bench: Bench) -> None:
    ticket_id = bench.mended(imei_serial=IMEI)
    bench.do("lock_stolen", ticket_id, reason="somebody claims it")
    with pytest.raises(NotPermitted):
        bench.do("clear_stolen", ticket_id, reason="it is hers")
    bench.do("clear_stolen", ticket_id, role=Role.OWNER, reason="she brought the receipt")
    assert status(bench, ticket_id) == "Completed"
    (block,) = bench.shop.rows(BlockedNumber)
    assert block.lifted_at is not None
    bench.deliver(ticket_id, 150_000)
    with pytest.raises(NotLocked):
        bench.do("clear_stolen", ticket_id, role=Role.OWNER, reason="once more")


def test_rule_75_a_block_that_stood_before_stays(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial=IMEI)
    bench.do("lock_stolen", ticket_id, reason="somebody claims it")
    bench.shop.do("usedphones.block_number", number=IMEI, reason="police list")
    bench.do("clear_stolen", ticket_id, role=Role.OWNER, reason="not this one")
    (block,) = bench.shop.rows(BlockedNumber)
    assert (block.lifted_at, block.reason) == (None, "police list")


# --- 76: the shop buys it ---


def purchase(bench: Bench, offer: int = 100_000, **more: Any) -> dict[str, Any]:
    seller = {
        "name": "Nakato Prossy", "phone": "0772 123 456", "id_type": "national_id", "id_number": "CF90012345ABCD",
        "photos": [picture()], "signed_on_paper": True,
    }  # fmt: skip
    return {
        "product_id": bench.till.phone, "imei1": IMEI, "grade": "B", "offer": offer, "locks_removed": True,
        "was_reset": True, "network_lock": "none", "states_ownership": True, "seller": seller, **more,
    }  # fmt: skip


def test_rule_76_a_repair_becomes_a_purchase_and_part_of_its_cost(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial=IMEI, deposit=[{"method": "cash", "amount": 30_000}])
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress")
    part = bench.do("reserve_part", ticket_id, product_id=bench.screen)["part_id"]
    bench.shop.do("repairs.use_part", part_id=part, old_part="scrapped", role=Role.SUPERVISOR)

    done = bench.do("buy_device", ticket_id, role=Role.OWNER, **purchase(bench, deposit_method="cash"))

    unit = bench.shop.row(StockUnit, done["unit_id"])
    assert (unit.cost_minor, unit.refurbished_minor, unit.condition) == (155_000, 55_000, "used")
    (cost,) = bench.shop.rows(UnitCost, unit_id=unit.id)
    assert (cost.kind, cost.amount_minor, cost.product_id) == ("part", 55_000, bench.screen)
    (level,) = bench.shop.rows(StockLevel, product_id=bench.screen)
    assert level.on_hand == 2  # it left the shelf once
    (bought,) = bench.shop.rows(UsedPurchase)
    ticket = bench.ticket(ticket_id)
    assert (ticket.status, ticket.sale_id, bought.customer_id) == ("Bought", None, ticket.customer_id)
    moves = sorted((move.kind, move.amount_minor) for move in bench.shop.rows(MoneyMove))
    assert moves == [("repair", -30_000), ("repair", 30_000), ("used_phone", -100_000)]
    assert done["given_back"] == 30_000
    with pytest.raises(TicketLocked):
        bench.deliver(ticket_id)


def test_rule_76_only_the_device_of_the_ticket_is_bought_on_it(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial="004401231000130")
    with pytest.raises(Invalid, match="is not the device"):
        bench.do("buy_device", ticket_id, role=Role.OWNER, **purchase(bench))
    with pytest.raises(NotPermitted):
        bench.do("buy_device", ticket_id, role=Role.STAFF, **purchase(bench, imei1="004401231000130"))
    assert bench.shop.rows(UsedPurchase) == []


def test_rule_14_a_phone_on_the_bench_is_bought_on_its_repair_alone(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial=IMEI)
    with pytest.raises(PhoneInRepair, match="Buy it on that repair"):
        bench.shop.do("usedphones.buy", purchase(bench))
    bench.go(ticket_id, "Cannot Repair")
    bench.deliver(ticket_id)
    bench.shop.do("usedphones.buy", purchase(bench))
    assert len(bench.shop.rows(UsedPurchase)) == 1


def test_rule_76_a_deposit_becomes_store_credit_unless_a_tender_is_named(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial=IMEI, deposit=[{"method": "cash", "amount": 30_000}])
    bench.do("buy_device", ticket_id, role=Role.OWNER, **purchase(bench))
    (entry,) = bench.shop.rows(AccountEntry)
    assert (entry.account, entry.amount) == ("store_credit", 30_000)
    assert bench.shop.rows(RepairPart) == []
