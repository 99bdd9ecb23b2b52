"""The side roads of repairs on the counter's screens."""

from __future__ import annotations

from typing import Any

import pytest

from shopnode.domain.permissions import Role
from shopnode.domain.repairs.models import RepairOutwork, RepairTicket
from tests.domain.bench import IMEIS, Bench, open_bench
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, words


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def walk(browser: Browser, ticket_id: str, name: str, **fields: Any) -> str:
    drawn = browser.get(f"/repairs/{ticket_id}/roads")
    return words(browser.tap(f"/repairs/{ticket_id}/roads/{name}", action_id=action_id(drawn), **fields))


def status(bench: Bench, ticket_id: str) -> str:
    return bench.shop.row(RepairTicket, ticket_id).status


def test_only_the_roads_that_are_open_are_shown(aisha: Browser, brian: Browser, bench: Bench) -> None:
    ticket_id = bench.take_in()
    page = words(brian.get(f"/repairs/{ticket_id}/roads"))
    assert "Somebody else mends it" in page and "It is stolen" in page and "Remind its owner" not in page
    staff = words(aisha.get(f"/repairs/{ticket_id}/roads"))
    assert "Lend a phone meanwhile" in staff and "It is stolen" not in staff
    assert aisha.tap(f"/repairs/{ticket_id}/roads/stolen", reason="mine").status_code == 403


def test_a_device_goes_out_and_comes_back(brian: Browser, bench: Bench) -> None:
    ticket_id = bench.take_in()
    refused = walk(brian, ticket_id, "send-out", sent_to="Moses", due_on="2020-01-01")
    assert "Has passed" in refused
    assert status(bench, ticket_id) == "Pending"
    walk(brian, ticket_id, "send-out", sent_to="Moses", due_on="2026-09-30", cost="40,000")
    assert status(bench, ticket_id) == "Outsourced"
    assert "With Moses" in words(brian.get(f"/repairs/{ticket_id}/roads"))
    walk(brian, ticket_id, "back-in", outcome="repaired", cost="45,000")
    assert status(bench, ticket_id) == "Quality Check"


def test_rule_69_a_workshop_that_is_a_supplier_is_chosen_and_what_it_said_is_put_right(
    brian: Browser, sarah: Browser, bench: Bench
) -> None:
    supplier = bench.shop.do("suppliers.create", name="Fix-It Workshop")
    supplier_id = str(supplier.get("supplier_id") or supplier["id"])
    ticket_id = bench.take_in()
    assert "say who has the device now" in walk(brian, ticket_id, "send-out", sent_to="", supplier_id="")
    assert "Put right what the others said" not in words(brian.get(f"/repairs/{ticket_id}/roads"))
    walk(brian, ticket_id, "send-out", supplier_id=supplier_id, cost="40,000")
    assert "With Fix-It Workshop" in words(brian.get(f"/repairs/{ticket_id}/roads"))
    walk(brian, ticket_id, "outwork-right", cost="45,000", reason="they rang")
    (work,) = bench.shop.rows(RepairOutwork)
    assert (work.supplier_id, work.cost_minor) == (supplier_id, 45_000)


def test_a_phone_is_lent_by_its_number_and_taken_back(aisha: Browser, bench: Bench) -> None:
    ticket_id = bench.take_in()
    assert "scan the phone" in walk(aisha, ticket_id, "lend", number="")
    assert "was not found" in walk(aisha, ticket_id, "lend", number="356938035643809")
    walk(aisha, ticket_id, "lend", number=IMEIS[0])
    assert bench.shop.row(RepairTicket, ticket_id).loaner_unit_id == bench.till.units[0]
    walk(aisha, ticket_id, "loaner-back", outcome="resell")
    assert bench.shop.row(RepairTicket, ticket_id).loaner_unit_id is None


def test_what_nobody_fetches_is_listed_marked_with_a_second_person_and_sold(
    brian: Browser, sarah: Browser, bench: Bench
) -> None:
    ticket_id = bench.mended()
    bench.later(days=4)
    brian.sign_in("Brian")
    listed = words(brian.get("/repairs/waiting"))
    assert "Remind the owner" in listed and "Nakato Prossy" in listed
    walk(brian, ticket_id, "remind", via="call")
    assert "4 days, and not 30" in walk(brian, ticket_id, "unclaimed")
    sarah_id = bench.shop.actor(Role.OWNER).id
    walk(brian, ticket_id, "unclaimed", approver_id=sarah_id, approver_pin=PINS["Sarah"])
    assert status(bench, ticket_id) == "Unclaimed"
    walk(brian, ticket_id, "final-notice", via="call")
    bench.later(days=61)
    sarah.sign_in("Sarah")
    walk(sarah, ticket_id, "sell-off", amount="200,000", reason="to Musa")
    assert status(bench, ticket_id) == "Disposed"
    assert "Everything that is ready was fetched" in words(sarah.get("/repairs/waiting"))


def test_a_stolen_device_is_held_and_the_owner_lets_it_go_on(brian: Browser, sarah: Browser, bench: Bench) -> None:
    ticket_id = bench.take_in()
    walk(brian, ticket_id, "stolen", reason="police case 114")
    assert status(bench, ticket_id) == "Stolen"
    assert "Nothing beside mending it" in words(brian.get(f"/repairs/{ticket_id}/roads"))
    walk(sarah, ticket_id, "clear", reason="she brought the receipt")
    assert status(bench, ticket_id) == "Pending"
    assert sarah.tap(f"/repairs/{ticket_id}/roads/nowhere").status_code == 404
