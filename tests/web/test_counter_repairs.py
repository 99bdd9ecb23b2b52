"""Repairs at the counter: taken in on one form, walked along, handed over; what is refused stays in its field."""

from __future__ import annotations

import io

import pytest

from shopnode.domain.repairs.models import RepairEvent, RepairPart, RepairTicket
from shopnode.domain.sales.models import Payment
from tests.domain.bench import Bench, open_bench
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, photo, words

INTAKE = {
    "customer_phone": "0772 123 456", "customer_name": "Nakato Prossy", "device_type": "phone",
    "device_brand": "Tecno", "device_model": "Spark 10", "repair_type": "Screen", "priority": "Normal",
    "issue_description": "fell, screen is black", "passcode_way": "none", "passcode": "", "data_consent": "keep",
    "estimated_cost": "150,000", "agreed_via": "in_person", "estimated_completion": "2026-09-22T17:00",
    "deposit": "50,000", "method": "cash", "check_display": "fault", "left_SIM": "true",
}  # fmt: skip


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def test_a_device_is_taken_in_on_one_form(aisha: Browser, shop: Shop, bench: Bench) -> None:
    assert "No repair here" in words(aisha.get("/repairs"))
    assert "Screen glass" in words(aisha.get("/repairs/new"))
    assert "Keyboard" in words(aisha.get("/repairs/new/checklist?device_type=laptop", htmx=True))
    done = aisha.tap("/repairs/new", **INTAKE)
    (ticket,) = shop.rows(RepairTicket)
    assert done.headers["HX-Redirect"] == f"/repairs/{ticket.id}?taken=1"
    assert (ticket.agreed_minor, ticket.promised_at.isoformat() if ticket.promised_at else "") == (
        150_000, "2026-09-22T14:00:00+00:00",
    )  # fmt: skip
    page = words(aisha.get(done.headers["HX-Redirect"]))
    assert "Taken in" in page and "Nakato Prossy" in page and "SIM" in page and "50,000" in page
    assert ticket.number in words(aisha.get("/repairs"))
    assert ticket.number in words(aisha.get("/repairs?q=0772123", htmx=True))
    assert "Nothing found" in words(aisha.get("/repairs?q=0701999999", htmx=True))


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(aisha: Browser, shop: Shop, bench: Bench) -> None:
    wrong = aisha.tap("/repairs/new", **{**INTAKE, "imei_serial": "356938035643808", "passcode": "2580"})
    shown = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert "passcode is given with" in shown and 'value="Spark 10"' in shown and "2580" not in shown
    wrong = aisha.tap("/repairs/new", **{**INTAKE, "imei_serial": "356938035643808"})
    assert "Has a wrong digit" in wrong.get_data(as_text=True)
    assert shop.rows(RepairTicket) == []


def test_rule_60_photos_and_the_signature_come_with_the_intake_and_are_seen_on_the_ticket(
    aisha: Browser, shop: Shop, bench: Bench
) -> None:
    sent = {**INTAKE, "issue_description": "", "fault_Broken glass": "true", "fault_No picture": "true"}
    shown = aisha.get("/repairs/new")
    form = {**sent, "action_id": action_id(shown), "photos": [photo(), photo("navy")], "signature": photo("black")}
    refused = aisha.upload("/repairs/new", **{**form, "photos": [photo(), (io.BytesIO(b"no photo"), "a.png")]})
    assert refused.status_code == 422 and "Is not a photo" in words(refused)
    said = refused.get_data(as_text=True)
    assert f'id="photos-{form["action_id"]}"' in said  # what was chosen stays in the browser, by this name
    form["photos"], form["signature"] = [photo(), photo("navy")], photo("black")
    assert aisha.upload("/repairs/new", **form).status_code == 200
    (ticket,) = shop.rows(RepairTicket)
    assert ticket.issue == "Broken glass, No picture" and ticket.faults == '["Broken glass","No picture"]'
    kinds = sorted(event.kind for event in shop.rows(RepairEvent) if event.photo)
    assert kinds == ["photo", "photo", "signature"]


def test_a_supervisor_walks_it_to_the_door_and_staff_hand_it_over(
    aisha: Browser, brian: Browser, shop: Shop, bench: Bench
) -> None:
    ticket_id = bench.take_in(passcode_way="stored", passcode="2580")
    at = f"/repairs/{ticket_id}"
    assert "What comes next" not in words(aisha.get(at))
    assert aisha.tap(f"{at}/status", status="Diagnosed").status_code == 403
    assert "Parts Ordered" in words(brian.tap(f"{at}/status", status="Diagnosed"))
    brian.tap(f"{at}/assign", technician_id=shop.cashier.id)
    assert "Waiting for Approval" in words(brian.tap(f"{at}/estimate", amount="150,000"))
    said = brian.tap(f"{at}/answer", amount="150000", accepted="yes", via="call", answered_by="Nakato")
    assert "The customer said yes to 150,000" in words(said)
    assert "Screen for Spark 10" in words(brian.get(f"{at}/parts?product=screen", htmx=True))
    brian.tap(f"{at}/parts", product_id=bench.screen)
    (part,) = shop.rows(RepairPart)
    brian.tap(f"{at}/status", status="In Progress")
    assert "old one recycled" in words(brian.tap(f"{at}/parts/{part.id}/use", old_part="recycled", serial="S-1"))
    assert "2580" in words(brian.tap(f"{at}/passcode"))
    for status in ("Quality Check", "Completed"):
        brian.tap(f"{at}/status", status=status)
    assert "Due when it is fetched 150,000" in words(aisha.get(at))

    handing = {"taken_by": "Nakato", "slip_code": "WRONGCODE1", "amount": "150,000", "method": "cash"}
    refused = aisha.tap(f"{at}/deliver", **handing)
    assert refused.status_code == 409
    assert "That is not the code of this slip" in words(refused) and "WRONGCODE1" in refused.get_data(as_text=True)
    asked = aisha.tap(f"{at}/deliver", **{**handing, "slip_code": ""})
    assert "without its slip" in words(asked)
    done = aisha.tap(f"{at}/deliver", **{
        **handing, "slip_code": "", "approver_id": str(shop.supervisor.id), "approver_pin": PINS["Brian"],
    })  # fmt: skip
    assert done.headers["HX-Redirect"] == at
    assert [row.amount_minor for row in shop.rows(Payment)] == [150_000]
    page = words(aisha.get(at))
    assert "Delivery receipt" in page and "Hand it over" not in page and "Passcode destroyed" in page


def test_notes_deposits_and_messages_are_written_down(aisha: Browser, brian: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in()
    at = f"/repairs/{ticket_id}"
    assert "calls after six" in words(aisha.tap(f"{at}/note", notes="calls after six"))
    assert "Paid before 20,000" in words(aisha.tap(f"{at}/deposit", amount="20,000", method="cash"))
    assert "Customer told" in words(brian.tap(f"{at}/notify", message="It is ready", via="sms"))
    wrong = aisha.tap(f"{at}/deposit", amount="20,000", method="mtn_momo")
    assert "MTN MoMo needs the transaction id" in words(wrong)
    assert {event.kind for event in shop.rows(RepairEvent)} == {"status", "note", "notified"}


def test_the_lists_of_the_desk(aisha: Browser, shop: Shop, bench: Bench) -> None:
    late = bench.take_in(estimated_completion="2026-09-21T18:00:00+03:00", imei_serial="356938035643809")
    bench.mended()
    bench.later(hours=5)
    aisha.sign_in("Aisha")
    shown = {show: words(aisha.get(f"/repairs?show={show}")) for show in ("open", "late", "ready", "mine", "all")}
    numbers = {show: text.count("KLA1-J") for show, text in shown.items()}
    assert numbers == {"open": 2, "late": 1, "ready": 1, "mine": 0, "all": 2}
    assert bench.ticket(late).number in words(aisha.get("/repairs?show=late"))
