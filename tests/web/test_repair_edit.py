"""A repair's particulars put right, what is known before they are typed, and a repair that a claim leads to."""

from __future__ import annotations

import pytest

from shopnode.domain.repairs.models import RepairEvent, RepairTicket
from shopnode.domain.sales.models import SaleLine
from tests.domain.bench import IMEIS, Bench, open_bench
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, words


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def filled(browser: Browser, at: str) -> dict[str, str]:
    """The form as it is drawn: what was taken down."""
    browser.get(at)
    return {
        "device_type": "phone", "device_brand": "Tecno", "device_model": "Spark 10", "colour": "", "imei_serial": "",
        "repair_type": "Screen", "priority": "Normal", "issue_description": "fell, screen is black",
        "data_consent": "keep", "notes": "", "labor_cost": "0", "diagnosis_fee": "0", "warranty_days": "30",
        "estimated_completion": "", "fault_Locked": "true", "left_SIM": "true",
    }  # fmt: skip


def test_only_what_was_changed_is_put_right_and_told(aisha: Browser, brian: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in(faults=["Locked", "it smells"], accessories=["SIM"], diagnosis_fee=0)
    at = f"/repairs/{ticket_id}/edit"
    assert aisha.get(at).status_code == 403
    form = filled(brian, at)
    wrong = brian.tap(at, **{**form, "imei_serial": "356938035643808", "notes": "blue case"})
    assert wrong.status_code == 422 and "Has a wrong digit" in words(wrong) and "blue case" in wrong.text
    brian.tap(at, **{**form, "priority": "Urgent", "notes": "blue case", "fault_Locked": "", "left_Case": "true"})
    ticket = shop.row(RepairTicket, ticket_id)
    assert (ticket.priority, ticket.notes, ticket.faults) == ("Urgent", "blue case", '["it smells"]')
    (told,) = shop.rows(RepairEvent, ticket_id=ticket_id, kind="changed")
    assert told.note == "accessories, faults, notes, priority"


def test_a_longer_warranty_asks_for_a_second_person(brian: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in(diagnosis_fee=0)
    at = f"/repairs/{ticket_id}/edit"
    form = {**filled(brian, at), "warranty_days": "90", "left_SIM": "", "fault_Locked": ""}
    assert "becomes 90 days" in words(brian.tap(at, **form))
    brian.tap(at, **form, approver_id=str(shop.owner.id), approver_pin=PINS["Sarah"])
    assert shop.row(RepairTicket, ticket_id).warranty_days == 90


def test_what_is_known_of_customer_and_phone_is_said_before_the_rest_is_typed(aisha: Browser, bench: Bench) -> None:
    bench.take_in()
    known = words(aisha.get(f"/repairs/new/known?customer_phone=0772123456&imei_serial={IMEIS[0]}", htmx=True))
    assert "Nakato Prossy is known here" in known and "Tecno Spark 40" in known
    assert "New here" in words(aisha.get("/repairs/new/known?customer_phone=0701999999", htmx=True))
    assert words(aisha.get("/repairs/new/known?customer_phone=07&imei_serial=1", htmx=True)) == ""


def test_a_claim_that_was_accepted_leads_to_a_repair_that_costs_nothing(
    aisha: Browser, shop: Shop, bench: Bench
) -> None:
    bench.till.sell({"device_id": bench.till.units[0]})
    claim = {"imei": IMEIS[0], "outcome": "repair", "reason": "screen went dark"}
    claim_id = shop.do("returns.claim_warranty", claim)["claim_id"]
    (line_id,) = (row.id for row in shop.rows(SaleLine))
    assert f"claim_id={claim_id}" in aisha.get(f"/returns/claim/{line_id}").text
    drawn = aisha.get(f"/repairs/new?claim_id={claim_id}")
    assert "Under its warranty" in words(drawn) and IMEIS[0] in drawn.text and "Deposit" not in words(drawn)
    form = {"customer_phone": "0772 123 456", "customer_name": "Nakato", "issue_description": "screen went dark",
            "imei_serial": IMEIS[0], "device_type": "phone", "claim_id": claim_id, "passcode_way": "none",
            "data_consent": "keep", "repair_type": "Screen", "priority": "Normal"}  # fmt: skip
    aisha.tap("/repairs/new", **form)
    (ticket,) = shop.rows(RepairTicket)
    assert (ticket.claim_id, ticket.agreed_minor) == (claim_id, 0)
    assert ticket.number in words(aisha.get(f"/returns/claim/{line_id}"))
