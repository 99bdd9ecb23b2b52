"""Repairs that leave: money paid before, parts, the sale they become, against which code (rules 46, 67, 68, 70, 72)."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.customers.erasing import StillOwed
from shopnode.domain.errors import ApprovalNeeded, Conflict, Invalid, NotPermitted
from shopnode.domain.people.telephone import ask
from shopnode.domain.permissions import ROLE_PERMISSIONS, Permission, Role
from shopnode.domain.repairs.delivery import LoanerOut, WrongCode
from shopnode.domain.repairs.events import PartsWaiting, StatusJump, TicketLocked
from shopnode.domain.repairs.forms import Deliver, GiveBack
from shopnode.domain.repairs.models import RepairPart, RepairTicket
from shopnode.domain.repairs.parts import NotFree, PartNotHere
from shopnode.domain.repairs.queries import paid_so_far
from shopnode.domain.sales.models import Payment, SaleLine, SaleSummary
from shopnode.domain.stock.models import StockLevel, StockMovement
from tests.domain.bench import IMEIS, Bench, open_bench, picture
from tests.shop import Shop


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


@pytest.fixture
def agreed(bench: Bench) -> str:
    """A ticket in work, for 150,000."""
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress")
    return ticket_id


def finish(bench: Bench, ticket_id: str) -> None:
    bench.go(ticket_id, "Quality Check", "Completed")


def on_shelf(bench: Bench) -> int:
    (level,) = bench.shop.rows(StockLevel, product_id=bench.screen)
    return level.on_hand


def use(bench: Bench, part_id: str, **more: Any) -> None:
    bench.shop.do("repairs.use_part", role=Role.SUPERVISOR, part_id=part_id, **{"old_part": "scrapped", **more})


def reserve(bench: Bench, ticket_id: str, **more: Any) -> str:
    return str(bench.do("reserve_part", ticket_id, **(more or {"product_id": bench.screen}))["part_id"])


# --- 67: parts ---


def test_rule_67_a_part_is_kept_fitted_with_its_serial_and_the_old_one_has_a_fate(bench: Bench, agreed: str) -> None:
    part_id = reserve(bench, agreed)
    assert on_shelf(bench) == 3  # kept, and still there
    use(bench, part_id, serial="SCR-9917", old_part="recycled")
    part = bench.shop.row(RepairPart, part_id)
    assert (part.state, part.serial, part.old_part, part.unit_cost_minor) == ("used", "SCR-9917", "recycled", 55_000)
    assert on_shelf(bench) == 2
    (moved,) = bench.shop.rows(StockMovement, kind="used")
    assert (moved.quantity, moved.unit_cost_minor, moved.note) == (-1, 55_000, "Repair KLA1-J000001")
    with pytest.raises(PartNotHere, match="used already"):
        use(bench, part_id)


def test_rule_67_a_part_that_was_not_needed_goes_back(bench: Bench, agreed: str) -> None:
    kept, fitted = reserve(bench, agreed), reserve(bench, agreed, product_id=bench.till.glass)
    use(bench, fitted)
    assert bench.ticket(agreed).labour_minor == 55_000
    for part_id in (kept, fitted):
        bench.shop.do("repairs.return_part", role=Role.SUPERVISOR, part_id=part_id)
        with pytest.raises(PartNotHere, match="returned already"):
            bench.shop.do("repairs.return_part", role=Role.SUPERVISOR, part_id=part_id)
    assert on_shelf(bench) == 3
    assert sum(move.quantity for move in bench.shop.rows(StockMovement, kind="used")) == 0
    assert bench.ticket(agreed).labour_minor == 150_000  # the price stands


def test_rule_67_what_is_kept_for_one_repair_is_not_promised_to_another(bench: Bench, agreed: str) -> None:
    reserve(bench, agreed)
    other = bench.take_in()
    with pytest.raises(NotFree, match="3 on the shelf, 1 of them kept"):
        reserve(bench, other, product_id=bench.screen, quantity=3)
    reserve(bench, other, product_id=bench.screen, quantity=2)
    with pytest.raises(Invalid, match="counted by IMEI"):
        reserve(bench, other, product_id=bench.till.phone)


def test_rule_67_a_job_is_not_done_while_a_part_waits_and_a_declined_one_lets_it_go(bench: Bench, agreed: str) -> None:
    part_id = reserve(bench, agreed)
    bench.go(agreed, "Quality Check")
    with pytest.raises(PartsWaiting, match="Screen for Spark 10"):
        bench.go(agreed, "Completed")
    bench.go(agreed, "In Progress", "Cannot Repair")
    assert bench.shop.row(RepairPart, part_id).state == "returned"


def test_rule_67_a_part_bought_for_the_job_costs_what_it_cost(bench: Bench, agreed: str) -> None:
    with pytest.raises(Invalid, match="unit_cost"):
        reserve(bench, agreed, name="Flex cable from Kiyembe")
    part_id = reserve(bench, agreed, name="Flex cable from Kiyembe", unit_cost=8_000, unit_price=15_000)
    use(bench, part_id)
    finish(bench, agreed)
    bench.deliver(agreed, 150_000)
    (line,) = bench.shop.rows(SaleLine)
    assert line.cost_minor == 8_000
    assert bench.shop.rows(StockMovement, kind="used") == []


# --- 68: the customer's own part ---


def test_rule_68_the_customers_own_part_costs_nothing_and_has_no_warranty(bench: Bench, agreed: str) -> None:
    with pytest.raises(Invalid, match="neither cost nor price"):
        reserve(bench, agreed, name="Her own screen", is_customers=True, unit_price=1)
    use(bench, reserve(bench, agreed, name="Her own screen", is_customers=True))
    finish(bench, agreed)
    bench.deliver(agreed, 150_000)
    (line,) = bench.shop.rows(SaleLine)
    assert (line.unit_price_minor, line.cost_minor, line.warranty_days) == (150_000, 0, 30)
    assert line.warranty_terms is not None
    assert "No warranty on the customer's own parts: Her own screen." in line.warranty_terms


# --- 70: not mended ---


@pytest.mark.parametrize("end", ["Declined", "Cannot Repair"])
def test_rule_70_what_was_not_mended_costs_its_diagnosis_and_goes_back_as_it_came(bench: Bench, end: str) -> None:
    ticket_id = bench.take_in(diagnosis_fee=10_000, imei_serial="356938035643809")
    bench.go(ticket_id, "Diagnosed", end)
    with pytest.raises(Invalid, match="10,000 is still to be paid"):
        bench.deliver(ticket_id)
    done = bench.deliver(ticket_id, 20_000)
    assert (done["total"], done["change"]) == (10_000, 10_000)
    (line,) = bench.shop.rows(SaleLine)
    assert (line.item_name, line.warranty_days, line.imei) == ("Diagnosis KLA1-J000001: Tecno Spark 10", 0, None)
    assert bench.ticket(ticket_id).status == "Delivered"


def test_rule_70_where_nothing_is_due_nothing_is_sold_and_what_was_paid_goes_back(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 30_000}])
    bench.go(ticket_id, "Diagnosed", "Cannot Repair")
    done = bench.deliver(ticket_id, refund_method="cash")
    assert (done["sale_id"], done["given_back"], done["paid_before"]) == (None, 30_000, 30_000)
    assert bench.shop.rows(SaleSummary) == []
    assert bench.ticket(ticket_id).delivered_at is not None
    with bench.shop.reading() as ctx:
        assert paid_so_far(ctx.session, ticket_id) == 0


def test_rule_46_a_deposit_is_owed_until_delivery_and_may_become_store_credit(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 30_000}])
    bench.do("give_back", ticket_id, role=Role.STAFF, amount=10_000, reason="asked for it")
    with pytest.raises(Invalid, match="20,000 that were paid"):
        bench.do("give_back", ticket_id, role=Role.STAFF, amount=20_001, reason="asked for it")
    bench.go(ticket_id, "Diagnosed", "Declined")
    bench.deliver(ticket_id)
    assert sum(entry.amount for entry in bench.shop.rows(AccountEntry, account="store_credit")) == 30_000
    with pytest.raises(Invalid, match="0 that were paid"):
        bench.do("give_back", ticket_id, role=Role.STAFF, amount=1, reason="asked for it")


def test_rule_46_money_back_above_ones_limit_needs_a_second_person(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 100_001}])
    with pytest.raises(ApprovalNeeded, match="100,001"):
        bench.do("give_back", ticket_id, role=Role.STAFF, amount=100_001, method="cash", reason="went elsewhere")
    bench.go(ticket_id, "Diagnosed", "Declined")
    with pytest.raises(ApprovalNeeded):
        bench.deliver(ticket_id, refund_method="cash")
    assert bench.ticket(ticket_id).status == "Declined"


def test_a_deposit_is_not_more_than_the_repair_costs(bench: Bench) -> None:
    with pytest.raises(Invalid, match="comes to 150,001, and the repair costs 150,000"):
        bench.take_in(estimated_cost=150_000, deposit=[{"method": "cash", "amount": 150_001}])
    assert bench.shop.rows(RepairTicket) == []


# --- 72: handing over ---


def test_rule_72_a_repair_becomes_one_sale_at_its_parts_cost_with_its_warranty(bench: Bench) -> None:
    ticket_id = bench.take_in(imei_serial="356938035643809", deposit=[{"method": "cash", "amount": 50_000}])
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress")
    use(bench, reserve(bench, ticket_id))
    finish(bench, ticket_id)
    done = bench.deliver(ticket_id, 110_000)
    assert (done["total"], done["paid_before"], done["change"]) == (150_000, 50_000, 10_000)
    (line,) = bench.shop.rows(SaleLine)
    assert line.item_name == "Repair KLA1-J000001: Tecno Spark 10"
    assert (line.unit_price_minor, line.cost_minor, line.category) == (150_000, 55_000, "Repairs")
    assert (line.warranty_days, line.imei) == (30, "356938035643809")
    assert {row.method: row.amount_minor for row in bench.shop.rows(Payment)} == {"plan": 50_000, "cash": 100_000}
    (sale,) = bench.shop.rows(SaleSummary)
    ticket = bench.ticket(ticket_id)
    assert (ticket.sale_id, ticket.status, ticket.delivered_by) == (sale.sale_id, "Delivered", bench.shop.cashier.id)
    assert (sale.total_minor, sale.paid_minor, sale.cost_minor) == (150_000, 150_000, 55_000)


def test_rule_72_it_is_handed_over_against_its_code_and_to_somebody_with_a_name(bench: Bench) -> None:
    first, second, third = (bench.mended() for _ in range(3))
    with pytest.raises(WrongCode):
        bench.deliver(first, 150_000, slip_code=bench.slips[second])
    code = bench.slips[first]
    bench.deliver(first, 150_000, slip_code=f" {code[:5].lower()}-{code[5:]}", taken_by="Okello, her brother")
    assert bench.told(first, "status")[-1].note == "Fetched by Okello, her brother, by slip"
    with pytest.raises(WrongCode):
        bench.deliver(second, 150_000, slip_code=None, phone="0772 123 457")
    bench.deliver(second, 150_000, slip_code=None, phone="0772 123 456", signature=picture())
    assert bench.told(second, "status")[-1].note == "Fetched by the customer, by telephone"
    assert [event.note for event in bench.told(second, "signature")] == ["Fetched by the customer"]
    with pytest.raises(ApprovalNeeded, match="without its slip"):
        bench.deliver(third, 150_000, slip_code=None)
    assert bench.ticket(third).status == "Completed"
    form = {"ticket_id": third, "taken_by": "Nakato", "payments": [{"method": "cash", "amount": 150_000}]}
    approval = bench.shop.approval_by(Role.SUPERVISOR)
    bench.shop.perform("repairs.deliver", form, role=Role.STAFF, approval=approval)
    assert bench.ticket(third).status == "Delivered"


def test_rule_72_the_balance_is_paid_or_credit_is_approved(bench: Bench) -> None:
    ticket_id = bench.mended()
    with pytest.raises(Invalid, match="50,000 is still to be paid"):
        bench.deliver(ticket_id, 100_000)
    on_account = [{"method": "on_account", "amount": 150_000}]
    with pytest.raises(ApprovalNeeded, match="no credit agreed"):
        bench.deliver(ticket_id, payments=on_account)
    assert bench.ticket(ticket_id).status == "Completed"
    customer_id = bench.ticket(ticket_id).customer_id
    bench.shop.do("accounts.set_credit", customer_id=customer_id, credit_limit=200_000)
    bench.deliver(ticket_id, payments=on_account)
    assert [row.method for row in bench.shop.rows(Payment)] == ["on_account"]


def test_rule_72_it_is_handed_over_once(bench: Bench) -> None:
    ticket_id = bench.mended()
    bench.deliver(ticket_id, 150_000)
    with pytest.raises(TicketLocked):
        bench.deliver(ticket_id, 150_000)
    assert len(bench.shop.rows(SaleSummary)) == 1


def test_a_device_in_work_is_not_handed_over(bench: Bench, agreed: str) -> None:
    with pytest.raises(StatusJump):
        bench.deliver(agreed, 150_000)
    assert bench.shop.rows(SaleSummary) == []


def test_storage_is_a_line_of_its_own_without_warranty(bench: Bench) -> None:
    ticket_id = bench.mended()
    with bench.shop.home.writing() as session:
        session.connection().exec_driver_sql("UPDATE repair_ticket SET storage_fee_minor = 5000")
    bench.deliver(ticket_id, 155_000)
    lines = {line.item_name: line.warranty_days for line in bench.shop.rows(SaleLine)}
    assert lines == {"Repair KLA1-J000001: Tecno Spark 10": 30, "Storage, repair KLA1-J000001": 0}


def test_who_takes_no_money_hands_nothing_over_that_is_paid(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket_id = bench.mended()
    monkeypatch.setitem(ROLE_PERMISSIONS, Role.STAFF, ROLE_PERMISSIONS[Role.STAFF] - {Permission.SALES_CREATE})
    with pytest.raises(NotPermitted, match="takes no money"):
        bench.deliver(ticket_id, 150_000)


def test_a_warranty_claim_is_mended_at_no_cost_and_starts_no_warranty(bench: Bench) -> None:
    bench.till.sell({"device_id": bench.till.units[0]})
    claim = bench.shop.do("returns.claim_warranty", imei=IMEIS[0], outcome="repair", reason="microphone is dead")
    form = {"claim_id": claim["claim_id"], "imei_serial": IMEIS[0]}
    ticket_id = bench.take_in(**form, diagnosis_fee=5_000)
    with pytest.raises(Conflict):
        bench.take_in(claim_id=claim["claim_id"])
    bench.go(ticket_id, "Diagnosed", "In Progress")
    use(bench, reserve(bench, ticket_id))
    finish(bench, ticket_id)
    before = len(bench.shop.rows(SaleSummary))
    done = bench.deliver(ticket_id)
    assert (done["total"], done["sale_id"], bench.ticket(ticket_id).warranty_days) == (0, None, 0)
    assert len(bench.shop.rows(SaleSummary)) == before


def test_rule_71_a_ticket_is_not_closed_while_its_loaner_is_out(bench: Bench) -> None:
    ticket_id = bench.mended()
    with bench.shop.home.writing() as session:
        session.connection().exec_driver_sql(f"UPDATE repair_ticket SET loaner_unit_id = '{bench.till.units[1]}'")
    with pytest.raises(LoanerOut):
        bench.deliver(ticket_id, 150_000)


def test_nobody_is_erased_while_a_device_of_theirs_is_here(bench: Bench) -> None:
    ticket_id = bench.mended()
    who = {"customer_id": bench.ticket(ticket_id).customer_id, "reason": "asked for it"}
    with pytest.raises(StillOwed, match="on repair KLA1-J000001"):
        bench.shop.do("customers.erase", **who)
    bench.deliver(ticket_id, 150_000)
    bench.shop.do("customers.erase", **who)


def test_over_the_telephone_the_owner_hears_what_is_due_and_of_which_repair(bench: Bench) -> None:
    ticket_id = bench.mended()
    asked = ask(bench.shop.ctx(Role.STAFF), "repairs.deliver", Deliver(ticket_id=ticket_id, taken_by="Nakato"))
    assert (asked.question.amount_minor, asked.question.document) == (150_000, "KLA1-J000001")
    back = GiveBack(ticket_id=ticket_id, amount=5_000, reason="asked for it")
    asked = ask(bench.shop.ctx(Role.STAFF), "repairs.give_back", back)
    assert (asked.question.amount_minor, asked.question.document) == (5_000, "KLA1-J000001")
