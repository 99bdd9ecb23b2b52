"""Repairs, the main road: taken in, estimated, agreed, mended, checked (rules 60 to 66)."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import ApprovalNeeded, Invalid, NotFound, NotPermitted
from shopnode.domain.permissions import ROLE_PERMISSIONS, Role
from shopnode.domain.photos.models import Blob
from shopnode.domain.repairs.checklists import CHECKLISTS, DeviceType, filled_in
from shopnode.domain.repairs.events import StatusJump, TicketLocked
from shopnode.domain.repairs.intake import AlreadyHere
from shopnode.domain.repairs.models import RepairEvent, RepairPasscode, RepairStatus, RepairTicket
from shopnode.domain.repairs.passcodes import NoPasscode, PasscodeShut, passcode_of
from shopnode.domain.repairs.queries import events_of
from shopnode.domain.repairs.rules import (
    BY_THEIR_OWN_ACTION,
    ENDED,
    STEPS,
    labour_within,
    slip_code,
    stays_of,
    steps_from,
    time_in,
    turnaround,
)
from shopnode.domain.repairs.status import MoneyTaken
from shopnode.domain.usedphones.blocklist import PhoneBlocked
from tests.domain.bench import IMEIS, Bench, open_bench, picture
from tests.shop import Shop

ROOT = Path(__file__).parents[2]
S = RepairStatus


def in_hours(lasted: timedelta | None) -> int:
    """Whole hours: the clock of a test moves on a little with every act."""
    return round(lasted / timedelta(hours=1)) if lasted is not None else -1


def page_rows(first: str) -> list[list[str]]:
    """The rows of the table on the page of repairs whose first column is called so."""
    lines = (ROOT / "docs" / "rules" / "repairs.md").read_text(encoding="utf-8").splitlines()
    begin = next(place for place, line in enumerate(lines) if line.startswith(f"| {first} |")) + 2
    rows = list(takewhile(lambda line: line.startswith("|"), lines[begin:]))
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


# --- 60: everything at the counter is one form ---


def test_rule_60_one_call_takes_a_device_in_with_all_that_was_told(bench: Bench) -> None:
    done = bench.shop.do(
        "repairs.take_in", role=Role.STAFF, customer_phone="0772 123 456", customer_name="Nakato Prossy",
        device_brand="Tecno", device_model="Spark 10", imei_serial="356938035643809", colour="blue",
        repair_type="Screen", priority="Urgent", faults=["screen", "touch"], issue_description="fell on the road",
        checklist={"powers_on": "ok", "display": "fault"}, accessories=["SIM", "case"], passcode_way="stored",
        passcode="2580", data_consent="may_be_lost", estimated_cost=150_000, agreed_via="signature",
        estimated_completion="2026-09-22T17:00:00+03:00", deposit=[{"method": "cash", "amount": 50_000}],
        photos=[picture()], signature=picture(), notes="calls after six",
    )  # fmt: skip
    (customer,) = bench.shop.rows(Customer)
    assert (customer.name, customer.phone) == ("Nakato Prossy", "+256772123456")
    ticket = bench.ticket(done["ticket_id"])
    assert (ticket.number, ticket.status, ticket.customer_id) == ("KLA1-J000001", "Pending", customer.id)
    assert (ticket.priority, ticket.imei_serial) == ("Urgent", "356938035643809")
    assert (json.loads(ticket.faults), json.loads(ticket.accessories)) == (["screen", "touch"], ["SIM", "case"])
    assert (ticket.estimate_minor, ticket.agreed_minor, ticket.warranty_days) == (150_000, 150_000, 30)
    assert ticket.promised_at is not None
    assert ticket.promised_at.isoformat() == "2026-09-22T14:00:00+00:00"
    (money,) = bench.shop.rows(MoneyMove, about_id=ticket.id)
    assert (money.kind, money.amount_minor, done["slips"]) == ("repair", 50_000, [money.number])
    assert len(done["slip_code"]) == 10 == len(ticket.slip_code)
    kinds = sorted(event.kind for event in bench.shop.rows(RepairEvent))
    assert kinds == ["answer", "estimate", "passcode_stored", "photo", "signature", "status"]
    pictures = {event.photo for event in bench.shop.rows(RepairEvent) if event.photo}
    assert pictures == {blob.sha256 for blob in bench.shop.rows(Blob)}


def test_rule_60_the_number_finds_the_customer_and_adds_nobody_twice(bench: Bench) -> None:
    first = bench.take_in()
    second = bench.take_in(customer_phone="+256 772 123456", customer_name=None)
    (customer,) = bench.shop.rows(Customer)
    assert {bench.ticket(row).customer_id for row in (first, second)} == {customer.id}
    with pytest.raises(Invalid, match="nobody is known by this number") as refusal:
        bench.take_in(customer_phone="0701 000 001", customer_name=None)
    assert set(refusal.value.fields) == {"customer_name"}


def test_rule_60_a_phone_that_is_known_here_says_what_it_is(bench: Bench) -> None:
    ticket = bench.ticket(bench.take_in(device_brand=None, device_model=None, imei_serial=IMEIS[0]))
    assert (ticket.brand, ticket.model, ticket.handset_id is not None) == ("Tecno", "Tecno Spark 40", True)
    with pytest.raises(Invalid, match="no phone with this number is known"):
        bench.take_in(device_brand=None, device_model=None, imei_serial="356938035643809")


def test_rule_60_one_device_is_on_one_open_ticket(bench: Bench) -> None:
    bench.take_in(imei_serial=IMEIS[0])
    with pytest.raises(AlreadyHere, match="KLA1-J000001"):
        bench.take_in(imei_serial=IMEIS[0])
    assert len(bench.shop.rows(RepairTicket)) == 1


def test_a_wrong_imei_and_a_blocked_phone_are_not_taken_in(bench: Bench) -> None:
    with pytest.raises(Invalid, match="wrong digit"):
        bench.take_in(imei_serial="356938035643808")
    bench.shop.do("usedphones.block_number", number="356938035643809", reason="stolen in Wandegeya")
    with pytest.raises(PhoneBlocked):
        bench.take_in(imei_serial="356938035643809")
    assert bench.shop.rows(RepairTicket) == []
    assert bench.shop.rows(Customer) == []  # a refused ticket adds nobody


# --- 61: the checklist ---


@pytest.mark.parametrize("kind", DeviceType)
def test_rule_61_every_kind_of_device_has_its_list_and_what_nobody_answered_was_not_tested(kind: DeviceType) -> None:
    assert set(filled_in(kind, {}).values()) == {"not_tested"}
    assert list(filled_in(kind, {})) == list(CHECKLISTS[kind])
    assert len(set(CHECKLISTS[kind])) == len(CHECKLISTS[kind])


def test_rule_61_could_not_test_is_an_answer_and_a_dead_phone_has_nothing_that_works(bench: Bench) -> None:
    ticket = bench.ticket(bench.take_in(is_dead=True, checklist={"powers_on": "fault", "body": "ok"}))
    answers = json.loads(ticket.checklist)
    assert (answers["powers_on"], answers["body"], answers["microphone"]) == ("fault", "ok", "not_tested")
    with pytest.raises(Invalid, match="could not be tested"):
        bench.take_in(is_dead=True, checklist={"microphone": "ok"})
    with pytest.raises(Invalid, match="has no “hinges”"):
        bench.take_in(checklist={"hinges": "ok"})


def test_rule_61_what_is_disputed_at_delivery_is_written_down(bench: Bench) -> None:
    ticket_id = bench.mended(checklist={"back_camera": "ok"})
    bench.deliver(ticket_id, 150_000, disputed=[{"item": "back_camera", "notes": "there is a scratch on it"}])
    assert [event.note for event in bench.told(ticket_id, "disputed")] == ["back_camera: there is a scratch on it"]


# --- 62: the passcode ---


def test_rule_62_a_passcode_is_sealed_for_its_ticket_and_stands_nowhere_else(bench: Bench) -> None:
    ticket_id = bench.take_in(passcode_way="stored", passcode="horse-battery-77")
    (kept,) = bench.shop.rows(RepairPasscode)
    assert (kept.ticket_id, "horse" in kept.sealed) == (ticket_id, False)
    told = [entry.body + (entry.result or "") for entry in bench.shop.entries()]
    assert [text for text in told if "horse-battery" in text] == []
    assert "repair_passcode" not in "".join(told)
    with pytest.raises(NotPermitted), bench.shop.reading(Role.SUPERVISOR) as ctx:
        passcode_of(ctx, ticket_id)


def test_rule_62_every_look_is_written_down_before_it_is_shown_and_lasts_minutes(bench: Bench) -> None:
    ticket_id = bench.take_in(passcode_way="stored", passcode="2580")
    with pytest.raises(NotPermitted):
        bench.do("look_at_passcode", ticket_id, role=Role.STAFF)
    answer = bench.do("look_at_passcode", ticket_id)
    assert "2580" not in json.dumps(answer)
    with bench.shop.reading(Role.SUPERVISOR) as ctx:
        assert passcode_of(ctx, ticket_id) == "2580"
    with pytest.raises(NotPermitted), bench.shop.reading(Role.OWNER) as ctx:
        passcode_of(ctx, ticket_id)  # a look of somebody else's is not theirs
    (look,) = bench.told(ticket_id, "passcode_viewed")
    assert look.by_id == bench.shop.supervisor.id
    bench.later(minutes=11)
    with pytest.raises(NotPermitted), bench.shop.reading(Role.SUPERVISOR) as ctx:
        passcode_of(ctx, ticket_id)


def test_rule_62_a_passcode_is_destroyed_at_delivery_and_when_a_ticket_is_crossed_out(bench: Bench) -> None:
    fetched = bench.mended(passcode_way="stored", passcode="2580")
    bench.deliver(fetched, 150_000)
    mistaken = bench.take_in(passcode_way="stored", passcode="1111")
    bench.do("cancel", mistaken, role=Role.OWNER, reason="typed twice")
    assert bench.shop.rows(RepairPasscode) == []
    assert len(bench.told(fetched, "passcode_destroyed")) == len(bench.told(mistaken, "passcode_destroyed")) == 1
    with pytest.raises(NoPasscode):
        bench.do("look_at_passcode", fetched)


def test_rule_62_a_sealed_passcode_that_is_moved_to_another_ticket_does_not_open(bench: Bench) -> None:
    mine, other = (bench.take_in(passcode_way="stored", passcode=word) for word in ("2580", "1470"))
    with bench.shop.home.writing() as session:
        rows = {row.ticket_id: row for row in session.query(RepairPasscode)}
        rows[mine].sealed = rows[other].sealed
    bench.do("look_at_passcode", mine)
    with pytest.raises(PasscodeShut), bench.shop.reading(Role.SUPERVISOR) as ctx:
        passcode_of(ctx, mine)


@pytest.mark.parametrize("form", [{"passcode_way": "stored"}, {"passcode": "2580"}])
def test_rule_62_stored_is_said_with_a_passcode_and_only_then(bench: Bench, form: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="passcode"):
        bench.take_in(**form)
    ticket = bench.ticket(bench.take_in(passcode_way="customer_present"))
    assert ticket.passcode_way == "customer_present"


# --- 63, 64: what was agreed about data, and the terms ---


def test_rule_63_what_may_happen_to_data_is_recorded_and_a_change_is_told(bench: Bench) -> None:
    ticket_id = bench.take_in()
    assert bench.ticket(ticket_id).data_consent == "keep"  # nobody's data is lost by silence
    bench.do("update", ticket_id, data_consent="may_be_lost")
    assert bench.ticket(ticket_id).data_consent == "may_be_lost"
    assert [event.note for event in bench.told(ticket_id, "changed")] == ["data_consent"]


def test_rule_64_water_and_opened_devices_have_terms_of_their_own_and_keep_them(bench: Bench) -> None:
    plain, wet, opened = (
        bench.ticket(bench.take_in(**flag)) for flag in ({}, {"water_damage": True}, {"opened_before": True})
    )
    assert plain.terms is not None and wet.terms is not None and opened.terms is not None
    assert "Water was in it" in wet.terms and "Water" not in plain.terms and "opened before" in opened.terms
    assert (plain.warranty_days, wet.warranty_days) == (30, 0)
    bench.shop.do("settings.change", key="repair_terms_water", value="Nothing is promised.")
    assert bench.ticket(wet.id).terms == wet.terms  # as they were printed


# --- 66: the road ---


def test_rule_66_the_main_road_is_walked_step_by_step_and_every_step_is_timed(bench: Bench) -> None:
    ticket_id = bench.take_in(estimated_cost=100_000, agreed_via="in_person")
    road = ["Diagnosed", "Parts Ordered", "In Progress", "Quality Check", "Completed"]
    for status in road:
        bench.later(hours=1)
        bench.go(ticket_id, status)
    bench.later(hours=1)
    bench.deliver(ticket_id, 100_000)
    told = bench.told(ticket_id, "status")
    assert [event.new_status for event in told] == ["Pending", *road, "Delivered"]
    assert {in_hours(after.at - before.at) for before, after in pairwise(told)} == {1}
    assert {event.by_id for event in told[1:-1]} == {bench.shop.supervisor.id}


@pytest.mark.parametrize("target", ["Parts Ordered", "In Progress", "Quality Check", "Completed"])
def test_rule_66_a_jump_is_refused_and_says_what_may_follow(bench: Bench, target: str) -> None:
    ticket_id = bench.take_in(estimated_cost=1, agreed_via="in_person")
    with pytest.raises(StatusJump, match="After that comes: Diagnosed"):
        bench.go(ticket_id, target)
    assert bench.ticket(ticket_id).status == "Pending"
    with pytest.raises(StatusJump):
        bench.deliver(ticket_id, 1)


def test_rule_66_skipping_quality_check_needs_permission(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket_id = bench.take_in(estimated_cost=100_000, agreed_via="in_person")
    bench.go(ticket_id, "Diagnosed", "In Progress")
    without = ROLE_PERMISSIONS[Role.SUPERVISOR] - {STEPS[S.IN_PROGRESS, S.COMPLETED]}
    with monkeypatch.context() as patched:
        patched.setitem(ROLE_PERMISSIONS, Role.SUPERVISOR, without)
        with pytest.raises(NotPermitted, match="Completed"):
            bench.go(ticket_id, "Completed")
        bench.go(ticket_id, "Quality Check", "Completed", "In Progress")
    bench.go(ticket_id, "Completed")
    assert STEPS[S.IN_PROGRESS, S.COMPLETED] not in ROLE_PERMISSIONS[Role.STAFF]


def test_rule_66_staff_take_in_and_hand_over_and_change_no_status(bench: Bench) -> None:
    ticket_id = bench.take_in()
    for action, form in (
        ("change_status", {"status": "Diagnosed"}), ("assign", {}), ("update", {"notes": "x"}),
        ("estimate", {"amount": 1}), ("cancel", {"reason": "mistake"}),
    ):  # fmt: skip
        with pytest.raises(NotPermitted):
            bench.do(action, ticket_id, role=Role.STAFF, **form)
    with pytest.raises(NotPermitted):
        bench.do("cancel", ticket_id, reason="mistake")  # nor does a supervisor


def test_rule_66_a_status_with_an_action_of_its_own_is_not_set_by_a_word(bench: Bench) -> None:
    ticket_id = bench.take_in()
    for status in sorted(BY_THEIR_OWN_ACTION):
        with pytest.raises(Invalid, match="action of its own"):
            bench.go(ticket_id, status, role=Role.OWNER)
    with pytest.raises(Invalid, match="must be one of"):
        bench.go(ticket_id, "Mended")


def test_rule_66_every_status_leads_on_and_the_ends_lead_nowhere() -> None:
    assert [status for status in S if bool(steps_from(status)) is (status in ENDED)] == []
    assert set(S) - {after for _, after in STEPS} == set()  # the owner may put even a pending one right that was locked


def test_rule_66_turnaround_and_waiting_for_parts_follow_from_the_events(bench: Bench) -> None:
    ticket_id = bench.take_in(estimated_cost=100_000, agreed_via="in_person")
    for hours, status in ((1, "Diagnosed"), (2, "Parts Ordered"), (30, "In Progress"), (3, "Parts Ordered"),
                          (5, "In Progress"), (1, "Quality Check"), (1, "Completed")):  # fmt: skip
        bench.later(hours=hours)
        bench.go(ticket_id, status)
    bench.later(days=4)
    with bench.shop.reading() as ctx:
        changes = [(event.at, S(event.new_status)) for event in events_of(ctx.session, ticket_id) if event.new_status]
        stays, now = stays_of(changes), ctx.now
    assert in_hours(time_in(stays, S.PARTS_ORDERED, now)) == 35
    assert in_hours(time_in(stays, S.COMPLETED, now)) == 4 * 24
    assert in_hours(turnaround(stays)) == 43
    assert turnaround(stays[:-1]) is None


def test_rule_66_the_page_on_repairs_has_every_step_and_what_it_needs() -> None:
    told = {
        (old, new, needs.strip("`")) for old, needs, after in page_rows("From") for new in after.split(", ")
    }  # fmt: skip
    assert told == {(old.value, new.value, needs.value) for (old, new), needs in STEPS.items()}


@pytest.mark.parametrize(("agreed", "labour", "parts", "left"), page_rows("agreed"))
def test_the_page_on_repairs_says_what_is_left_for_labour(agreed: str, labour: str, parts: str, left: str) -> None:
    assert labour_within(int(agreed) if agreed else None, int(labour), int(parts)) == int(left)


def test_the_seeds_is_editable_is_a_lock_after_delivery(bench: Bench) -> None:
    ticket_id = bench.mended()
    assert bench.ticket(ticket_id).is_editable
    bench.deliver(ticket_id, 150_000)
    assert not bench.ticket(ticket_id).is_editable
    for action, form in (
        ("change_status", {"status": "In Progress"}), ("update", {"notes": "x"}), ("note", {"notes": "xxx"}),
        ("estimate", {"amount": 1}), ("assign", {}), ("reserve_part", {"product_id": bench.screen}),
        ("take_deposit", {"method": "cash", "amount": 1}), ("cancel", {"reason": "mistake"}),
        ("store_passcode", {"passcode": "1"}), ("notify", {"message": "come again"}),
    ):  # fmt: skip
        with pytest.raises(TicketLocked):
            bench.do(action, ticket_id, role=Role.OWNER, **form)


def test_a_ticket_written_by_mistake_is_crossed_out_while_nothing_was_paid(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.do("take_deposit", ticket_id, role=Role.STAFF, method="cash", amount=20_000)
    with pytest.raises(MoneyTaken, match="20,000"):
        bench.do("cancel", ticket_id, role=Role.OWNER, reason="typed twice")
    bench.do("give_back", ticket_id, amount=20_000, method="cash", reason="typed twice")
    bench.do("cancel", ticket_id, role=Role.OWNER, reason="typed twice")
    assert bench.ticket(ticket_id).status == "Cancelled"
    assert bench.told(ticket_id, "status")[-1].note == "typed twice"


def test_a_technician_is_somebody_who_works_here(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.do("assign", ticket_id, technician_id=bench.shop.cashier.id)
    assert bench.ticket(ticket_id).technician_id == bench.shop.cashier.id
    bench.shop.do("staff.suspend", staff_id=bench.shop.cashier.id)
    for nobody in (bench.shop.cashier.id, bench.screen):
        with pytest.raises(Invalid, match="nobody who works in this shop"):
            bench.do("assign", ticket_id, technician_id=nobody)
    bench.do("assign", ticket_id)
    assert [event.staff_id for event in bench.told(ticket_id, "assigned")] == [bench.shop.cashier.id, None]


def test_telling_the_customer_is_written_down_and_needs_a_number(bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.do("notify", ticket_id, message="Your phone is ready.")
    (told,) = bench.told(ticket_id, "notified")
    assert (told.via, told.note) == ("sms", "Your phone is ready.")
    with pytest.raises(Invalid, match="no e-mail address"):
        bench.do("notify", ticket_id, via="email", message="Your phone is ready.")


def test_another_warranty_than_the_shops_needs_a_second_person(bench: Bench) -> None:
    with pytest.raises(ApprovalNeeded, match="90 days, and not 30"):
        bench.take_in(warranty_days=90)
    assert bench.ticket(bench.take_in(role=Role.OWNER, warranty_days=90)).warranty_days == 90


def test_a_ticket_nobody_knows_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.do("change_status", bench.screen, status="Diagnosed")


def test_a_slip_code_has_no_signs_that_are_misread() -> None:
    assert len(slip_code(bytes(range(10)))) == 10
    assert not set(slip_code(bytes(range(0, 250, 25)))) & set("01OIL")
