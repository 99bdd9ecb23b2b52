"""What is done with one repair beside walking it along: photos, parts from elsewhere, money back, labels."""

from __future__ import annotations

import re

import pytest

from shopnode.domain.permissions import Role
from shopnode.domain.printing.models import PrintJob
from shopnode.domain.repairs.models import RepairEvent, RepairPart, RepairTicket
from shopnode.domain.sales.models import Sale
from tests.domain.bench import IMEIS, Bench, open_bench, picture
from tests.shop import PINS, Shop
from tests.web.conftest import Browser, action_id, photo, words


@pytest.fixture
def bench(shop: Shop) -> Bench:
    return open_bench(shop)


def walk(browser: Browser, ticket_id: str, name: str, **fields: str) -> str:
    drawn = browser.get(f"/repairs/{ticket_id}/roads")
    return words(browser.tap(f"/repairs/{ticket_id}/roads/{name}", action_id=action_id(drawn), **fields))


def test_rule_60_photos_are_added_to_a_note_and_seen_by_whoever_may(
    aisha: Browser, visitor: Browser, shop: Shop, bench: Bench
) -> None:
    ticket_id = bench.take_in(signature=picture())
    other = bench.take_in(customer_phone="0701 555 777", customer_name="Musa")
    at = f"/repairs/{ticket_id}"
    assert "needs words or a photo" in words(aisha.upload(f"{at}/note", notes="")).lower()
    shown = aisha.upload(f"{at}/note", notes="dent on the corner", photos=[photo()])
    assert "dent on the corner" in words(shown)
    (event,) = shop.rows(RepairEvent, ticket_id=ticket_id, kind="photo")
    seen = aisha.get(f"{at}/photos/{event.id}")
    assert seen.status_code == 200 and seen.mimetype == "image/webp" and f"/photos/{event.id}" in shown.text
    assert aisha.get(f"/repairs/{other}/photos/{event.id}").status_code == 404
    assert visitor.get(f"{at}/photos/{event.id}").status_code == 303


def test_rule_68_the_customers_own_part_and_one_bought_for_it_are_put_on_the_repair(
    aisha: Browser, brian: Browser, shop: Shop, bench: Bench
) -> None:
    ticket_id = bench.take_in()
    at = f"/repairs/{ticket_id}/parts/named"
    assert aisha.tap(at, name="Battery", whose="customer").status_code == 403
    refused = brian.tap(at, name="Battery", whose="ours", serial="B-9")
    assert refused.status_code == 422 and words(refused).count("Is needed.") == 2 and 'value="B-9"' in refused.text
    brian.tap(at, name="Battery", whose="ours", unit_cost="20,000", unit_price="35,000", quantity="1", serial="B-9")
    shown = words(brian.tap(at, name="Back glass", whose="customer", unit_cost="", unit_price=""))
    assert "Back glass (the customer's own)" in shown
    parts = {part.name: (part.is_customers, part.unit_cost_minor, part.unit_price_minor, part.serial)
             for part in shop.rows(RepairPart)}  # fmt: skip
    assert parts == {"Battery": (False, 20_000, 35_000, "B-9"), "Back glass": (True, 0, 0, None)}


def test_rule_46_money_goes_back_within_limits_and_a_ticket_with_money_is_not_crossed_out(
    aisha: Browser, sarah: Browser, shop: Shop, bench: Bench
) -> None:
    ticket_id = bench.take_in()
    bench.do("take_deposit", ticket_id, role=Role.STAFF, amount=400_000, method="cash")
    assert "400,000 were paid" in walk(sarah, ticket_id, "cancel", reason="twice")
    assert "is needed" in walk(aisha, ticket_id, "give-back", amount="", method="cash", reason="too dear").lower()
    above = walk(aisha, ticket_id, "give-back", amount="500,000", method="cash", reason="too dear")
    assert "Is more than the 400,000 that were paid" in above
    asked = walk(aisha, ticket_id, "give-back", amount="400,000", method="cash", reason="too dear")
    assert "more than you may give alone" in asked
    walk(aisha, ticket_id, "give-back", amount="400,000", method="cash", reason="too dear",
         approver_id=shop.supervisor.id, approver_pin=PINS["Brian"])  # fmt: skip
    assert "Give money back" not in words(aisha.get(f"/repairs/{ticket_id}/roads"))
    assert aisha.tap(f"/repairs/{ticket_id}/roads/cancel", reason="twice").status_code == 403
    walk(sarah, ticket_id, "cancel", reason="written twice")
    assert shop.row(RepairTicket, ticket_id).status == "Cancelled"


def test_rule_71_a_lent_phone_that_is_kept_is_paid_for(aisha: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in()
    walk(aisha, ticket_id, "lend", number=IMEIS[0])
    assert "is needed" in walk(aisha, ticket_id, "loaner-kept", amount="", reason="lost it").lower()
    walk(aisha, ticket_id, "loaner-kept", amount="640,000", method="cash", reason="lost it")
    assert len(shop.rows(Sale)) == 1 and shop.row(RepairTicket, ticket_id).loaner_unit_id is None


def test_rule_72_the_signature_of_who_fetches_it_is_kept(aisha: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.mended()
    at = f"/repairs/{ticket_id}"
    form = {"taken_by": "Nakato", "slip_code": "WRONGCODE1", "amount": "150,000", "method": "cash"}
    form["action_id"] = action_id(aisha.get(at))
    refused = aisha.upload(f"{at}/deliver", **form, signature=photo("black"))
    assert refused.status_code == 409 and f'id="signature-{form["action_id"]}"' in refused.text
    done = aisha.upload(f"{at}/deliver", **{**form, "slip_code": bench.slips[ticket_id]}, signature=photo("black"))
    assert done.headers["HX-Redirect"] == at
    (signed,) = shop.rows(RepairEvent, ticket_id=ticket_id, kind="signature")
    assert signed.note == "Fetched by Nakato"
    assert "is-signature" in aisha.get(at).text


def test_rule_65_the_customer_signs_for_the_estimate(brian: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in()
    bench.go(ticket_id, "Diagnosed")
    bench.do("estimate", ticket_id, amount=150_000)
    form = {"amount": "150000", "accepted": "yes", "via": "signature", "answered_by": "Nakato"}
    brian.upload(f"/repairs/{ticket_id}/answer", **form, signature=photo("black"))
    assert shop.row(RepairTicket, ticket_id).agreed_minor == 150_000
    assert len(shop.rows(RepairEvent, ticket_id=ticket_id, kind="signature")) == 1


def test_a_passcode_told_later_is_kept_and_never_drawn(aisha: Browser, shop: Shop, bench: Bench) -> None:
    ticket_id = bench.take_in()
    walk(aisha, ticket_id, "passcode", passcode="2580")
    assert shop.row(RepairTicket, ticket_id).passcode_way == "stored"
    refused = aisha.tap(f"/repairs/{ticket_id}/roads/passcode", passcode="7" * 101)
    assert refused.status_code == 422 and "7" * 101 not in refused.text


def test_the_label_and_the_way_to_its_history_are_on_the_ticket(
    aisha: Browser, sarah: Browser, shop: Shop, bench: Bench
) -> None:
    ticket_id = bench.take_in()
    no_printer = aisha.tap(f"/repairs/{ticket_id}/label", paper="receipt")
    assert no_printer.status_code == 409 and shop.rows(PrintJob) == []
    shop.do("printing.save_printer", {"name": "Counter", "transport": "tcp", "address": "192.168.1.50"})
    assert "On its way to the printer" in words(aisha.tap(f"/repairs/{ticket_id}/label", paper="receipt"))
    assert len(shop.rows(PrintJob)) == 1
    assert "All its history" not in words(aisha.get(f"/repairs/{ticket_id}"))
    assert f"/audit-logs?record={ticket_id}" in sarah.get(f"/repairs/{ticket_id}").text
    history = sarah.get(f"/audit-logs?record={ticket_id}")
    assert "Take a device in" in words(history)
    (entry,) = set(re.findall(r'href="(/audit-logs/[0-9a-f-]{36})"', history.text))
    assert f'href="/repairs/{ticket_id}"' in sarah.get(entry).text


def test_the_list_is_narrowed_by_state_technician_number_and_imei(brian: Browser, shop: Shop, bench: Bench) -> None:
    screen = bench.take_in(imei_serial="356938035643809")
    ready = bench.mended(customer_phone="0701 555 777", customer_name="Musa")
    bench.do("assign", screen, technician_id=shop.cashier.id)
    gone = bench.mended(customer_phone="0701 555 778", customer_name="Ssali")
    bench.deliver(gone, 150_000)
    number = {name: bench.ticket(one).number for name, one in (("screen", screen), ("ready", ready), ("gone", gone))}

    def shown(**asked: str) -> set[str]:
        text = words(brian.client.get("/repairs", query_string=asked, headers={"HX-Request": "true"}))
        return {name for name, value in number.items() if value in text}

    assert shown() == {"screen", "ready"}
    assert shown(status="Completed") == {"ready"} and shown(status="Delivered") == {"gone"}
    assert shown(technician=shop.cashier.id) == {"screen"}
    assert shown(q="356938035643809") == {"screen"} and shown(q=number["ready"]) == {"ready"}
    assert shown(q="0701555777") == {"ready"} and shown(show="all", q="Ssali") == {"gone"}
    assert shown(status="nonsense", technician="x") == {"screen", "ready"}
