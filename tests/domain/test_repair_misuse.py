"""What somebody at the repair desk might try, to keep money, goods or evidence for themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shopnode.domain.accounts.models import AccountEntry
from shopnode.domain.actions import perform
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotPermitted
from shopnode.domain.permissions import Role
from shopnode.domain.repairs.delivery import OfAnotherBranch
from shopnode.domain.repairs.intake import AlreadyHere
from shopnode.domain.repairs.models import RepairEvent
from shopnode.domain.repairs.passcodes import passcode_of
from shopnode.domain.repairs.queries import paid_so_far
from shopnode.domain.repairs.unclaimed import NotWaiting, take_steps
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from tests.domain.bench import Bench, open_bench
from tests.domain.counting import expected_cash
from tests.shop import Shop

IMEI = "356938035643809"


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def momo(amount: int, reference: str = "MP260921.1613.A1") -> dict[str, Any]:
    return {"method": "mtn_momo", "amount": amount, "reference": reference}


def paid(bench: Bench, ticket_id: str) -> int:
    with bench.shop.reading() as ctx:
        return paid_so_far(ctx.session, ticket_id)


def test_rule_47_a_deposit_by_mobile_money_does_not_leave_as_cash_alone(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[momo(60_000)])
    with pytest.raises(ApprovalNeeded, match="MTN"):
        bench.do("give_back", ticket_id, role=Role.STAFF, amount=60_000, method="cash", reason="went elsewhere")
    bench.do("give_back", ticket_id, role=Role.STAFF, amount=60_000, method="mtn_momo", reference="MP9", reason="went")
    assert paid(bench, ticket_id) == 0


def test_rule_46_what_goes_back_in_pieces_counts_together(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 300_000}])
    bench.do("give_back", ticket_id, role=Role.STAFF, amount=99_000, method="cash", reason="asked for it")
    with pytest.raises(ApprovalNeeded):
        bench.do("give_back", ticket_id, role=Role.STAFF, amount=99_000, method="cash", reason="asked for it")


def test_rule_46_a_deposit_of_a_customer_who_was_merged_goes_back_once(bench: Bench) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 50_000}])
    kept = bench.shop.do("customers.create", name="Nakato P.", phone="0772 999 999")["id"]
    bench.shop.do("customers.merge", into_id=kept, duplicate_id=bench.ticket(ticket_id).customer_id)
    bench.do("give_back", ticket_id, amount=50_000, reason="asked for it")
    assert paid(bench, ticket_id) == 0
    with pytest.raises(Invalid):
        bench.do("give_back", ticket_id, amount=50_000, method="cash", reason="asked for it")


@pytest.mark.parametrize("how", ["void", "return"])
def test_rule_46_what_was_paid_for_a_repair_goes_back_once_after_its_sale_was_undone(bench: Bench, how: str) -> None:
    ticket_id = bench.take_in(deposit=[{"method": "cash", "amount": 100_000}])
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress", "Quality Check", "Completed")
    before = expected_cash(bench.till)
    sale_id = bench.deliver(ticket_id, 50_000)["sale_id"]
    if how == "void":
        bench.shop.do("sales.void", sale_id=sale_id, reason="wrong ticket")
    else:
        (line,) = bench.shop.rows(SaleLine)
        told = [{"sale_line_id": line.id, "restock": "new"}]
        bench.shop.do("returns.take_back", sale_id=sale_id, lines=told, reason="it broke again")
    assert expected_cash(bench.till) == before
    assert [entry.amount for entry in bench.shop.rows(AccountEntry, account="store_credit")] == [100_000]
    with pytest.raises(Invalid, match="part of a sale"):
        bench.do("give_back", ticket_id, amount=100_000, method="cash", reason="asked for it")


def test_rule_70_parts_that_stay_in_what_was_not_mended_are_paid_for_or_written_off(bench: Bench) -> None:
    ticket_id = fitted_and_given_up(bench)
    with pytest.raises(ApprovalNeeded, match="second person"):
        bench.deliver(ticket_id)
    with pytest.raises(NotPermitted):
        deliver_with(bench, ticket_id, Role.STAFF)
    deliver_with(bench, ticket_id, Role.SUPERVISOR)
    (note,) = bench.told(ticket_id, "note")
    assert (note.amount_minor, note.note) == (55_000, "Fitted and not paid for: Screen for Spark 10")


def test_rule_70_a_part_that_came_out_again_needs_nobody(bench: Bench) -> None:
    ticket_id = fitted_and_given_up(bench, out_again=True)
    bench.deliver(ticket_id)
    assert bench.told(ticket_id, "note") == []


def fitted_and_given_up(bench: Bench, *, out_again: bool = False) -> str:
    """A new screen is in the device, and then it is said that it cannot be mended."""
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    bench.go(ticket_id, "In Progress")
    part_id = bench.do("reserve_part", ticket_id, product_id=bench.screen)["part_id"]
    bench.shop.do("repairs.use_part", role=Role.SUPERVISOR, part_id=part_id, old_part="scrapped")
    if out_again:
        bench.shop.do("repairs.return_part", role=Role.SUPERVISOR, part_id=part_id)
    bench.go(ticket_id, "Cannot Repair")
    return ticket_id


def deliver_with(bench: Bench, ticket_id: str, second: Role) -> None:
    form = {"ticket_id": ticket_id, "taken_by": "Nakato", "slip_code": bench.slips[ticket_id]}
    bench.shop.perform("repairs.deliver", form, role=Role.STAFF, approval=bench.shop.approval_by(second))


def test_rule_75_a_blocked_number_is_not_written_onto_a_ticket_later(bench: Bench) -> None:
    bench.shop.do("usedphones.block_number", number=IMEI, reason="police, CRB 12/9")
    ticket_id = bench.take_in()
    with pytest.raises(PhoneBlocked):
        bench.do("update", ticket_id, imei_serial=IMEI)
    assert bench.ticket(ticket_id).imei_serial is None


def test_rule_60_one_device_has_one_open_ticket_however_its_number_came_to_it(bench: Bench) -> None:
    first, other = bench.take_in(imei_serial=IMEI), bench.take_in()
    bench.do("update", first, imei_serial=IMEI, colour="black")
    with pytest.raises(AlreadyHere, match="KLA1-J000001"):
        bench.do("update", other, imei_serial=IMEI)


def test_rule_65_a_technician_lowers_no_price_by_another_estimate_or_a_smaller_fee(bench: Bench) -> None:
    bench.shop.do("staff.choose", staff_id=bench.shop.cashier.id, permissions={"repairs:update": True})
    technician = replace(bench.shop.cashier, choices=(("repairs:update", "yes"),))
    ticket_id = bench.take_in(diagnosis_fee=10_000)
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000)
    ctx = replace(bench.shop.ctx(Role.STAFF), actor=technician)
    with pytest.raises(NotPermitted, match="does not lower"):
        perform(ctx, "repairs.estimate", {"ticket_id": ticket_id, "amount": 5_000})
    with pytest.raises(NotPermitted, match="does not lower"):
        perform(ctx, "repairs.update", {"ticket_id": ticket_id, "diagnosis_fee": 0})
    perform(ctx, "repairs.estimate", {"ticket_id": ticket_id, "amount": 160_000})
    perform(ctx, "repairs.update", {"ticket_id": ticket_id, "diagnosis_fee": 12_000})
    bench.do("update", ticket_id, diagnosis_fee=0)


def test_rule_77_the_other_bench_hands_nothing_over_and_takes_no_money(bench: Bench) -> None:
    """A mended phone would leave there for nothing, while its own branch waits for it and for its price."""
    ticket_id = bench.mended()
    with bench.shop.home.writing() as session:
        session.connection().exec_driver_sql("UPDATE repair_ticket SET came_by_id = slip_code")
    with pytest.raises(OfAnotherBranch):
        bench.deliver(ticket_id, 150_000)
    with pytest.raises(NotWaiting):
        bench.do("mark_unclaimed", ticket_id)
    with pytest.raises(Invalid, match="money is taken there"):
        bench.do("take_deposit", ticket_id, method="cash", amount=1_000)


def test_rule_62_a_look_by_a_clock_that_was_set_on_lasts_for_no_minute(bench: Bench) -> None:
    ticket_id = bench.take_in(passcode_way="stored", passcode="2580")
    bench.later(days=365)
    bench.do("look_at_passcode", ticket_id)
    bench.later(days=-365)
    with bench.shop.reading(Role.SUPERVISOR) as ctx, pytest.raises(NotPermitted):
        passcode_of(ctx, ticket_id)
    bench.do("look_at_passcode", ticket_id)
    with bench.shop.reading(Role.SUPERVISOR) as ctx:
        assert passcode_of(ctx, ticket_id) == "2580"


def test_rule_91_a_ticket_does_not_go_on_naming_a_customer_who_was_erased(bench: Bench) -> None:
    """Who agreed and who fetched it is written for ever; where it was the customer, it says no more than that."""
    agreed_at_once = bench.take_in(estimated_cost=90_000, agreed_via="in_person", passcode_way="none")
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.agree(ticket_id, 150_000, answered_by="nakato  Prossy", notes="call before noon")
    bench.go(ticket_id, "In Progress", "Quality Check", "Completed")
    bench.deliver(ticket_id, 150_000, taken_by="Nakato Prossy")
    bench.go(agreed_at_once, "Diagnosed", "In Progress", "Quality Check", "Completed")
    bench.deliver(agreed_at_once, 90_000, taken_by="Okello, her brother")
    assert bench.told(ticket_id, "answer")[-1].note == "the customer: call before noon"
    bench.shop.do("customers.erase", customer_id=bench.ticket(ticket_id).customer_id, reason="asked for it")
    bodies = "".join(entry.body + (entry.personal or "") for entry in bench.shop.entries())
    assert "Prossy" not in bodies
    assert "Prossy" not in "".join(event.note or "" for event in bench.shop.rows(RepairEvent))
    assert bench.told(agreed_at_once, "status")[-1].note == "Fetched by Okello, her brother, by slip"


def test_rule_73_one_job_is_done_again_on_one_ticket_at_a_time(bench: Bench) -> None:
    """Parts of a rework are free: a second open ticket for the same device would be a shelf to help oneself from."""
    ticket_id = bench.mended()
    bench.deliver(ticket_id, 150_000)
    again = bench.do("take_in_rework", ticket_id, role=Role.STAFF, issue_description="black again")["ticket_id"]
    with pytest.raises(AlreadyHere):
        bench.do("take_in_rework", ticket_id, role=Role.STAFF, issue_description="black again")
    bench.do("cancel", again, role=Role.OWNER, reason="the wrong device")
    bench.do("take_in_rework", ticket_id, role=Role.STAFF, issue_description="black again")


def test_rule_74_what_somebody_waived_is_not_asked_for_again_by_night(bench: Bench) -> None:
    bench.shop.do("settings.change", key="repair_storage_per_day_minor", value=500)
    ticket_id, other = bench.mended(), bench.mended()
    bench.later(days=20)
    bench.do("charge_storage", ticket_id, amount=0, reason="we broke the promise")
    bench.do("charge_storage", other)
    bench.do("charge_storage", other, amount=0, reason="we broke the promise")
    bench.later(days=15)
    take_steps(Context(bench.shop.home, CONSOLE, bench.shop.home.shop_id))
    assert (bench.ticket(ticket_id).storage_fee_minor, bench.ticket(other).storage_fee_minor) == (0, 0)
    assert bench.told(ticket_id, "storage_fee")[-1].note == "we broke the promise"
