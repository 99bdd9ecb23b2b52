"""Papers over the API: what each says comes from the books, and who may have it is asked for each."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from shopnode.devices.jobs import render_job
from shopnode.documents.escpos import Paper
from shopnode.documents.escpos_reader import Happening, PictureLine, read_escpos
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.clock import ManualClock
from shopnode.domain.people.models import Shop as ShopRow
from shopnode.domain.printing.models import PrintJob
from shopnode.domain.printing.store import JobStore
from tests.api.client import Client
from tests.api.goods import IMEI, NOBODY, PHONE, open_for_business, sale_of
from tests.domain.seller import ID_NUMBER, NAME, seller
from tests.domain.test_transfers import ELSEWHERE, hear_of
from tests.shop import Shop

OLD = "004401251000390"
LARGE = {"columns": 33, "paper_mm": 58}


@pytest.fixture
def cable(owner: Client) -> dict[str, Any]:
    return open_for_business(owner)


@pytest.fixture
def phone(owner: Client) -> dict[str, Any]:
    made = owner.post("/products", PHONE)
    told = {"product_id": made["id"], "imei1": IMEI, "color": "Black", "storage": "8/256", "grade": "B"}
    device: dict[str, Any] = owner.post("/devices", told)
    return device


def words_of(client: Client, path: str, body: Any = None, pages: int = 1) -> str:
    """The text of a paper, page after page."""
    answer = client.call("POST" if body else "GET", path, body)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf"), answer.text
    assert answer.headers["Content-Disposition"].startswith("inline; filename=")
    found = PdfReader(io.BytesIO(answer.data)).pages
    assert len(found) == pages
    return " ".join(" ".join(page.extract_text() for page in found).split())


def tapes(shop: Shop) -> list[Any]:
    """What the printer would print of every job, the oldest first."""
    with shop.home.reading() as session:
        printer_ids = set(session.scalars(select(PrintJob.printer_id)))
    (printer_id,) = printer_ids
    assert isinstance(shop.clock, ManualClock)
    store = JobStore(shop.home, shop.clock)  # type: ignore[arg-type]
    printer, found = store.find(printer_id), []
    while (job := store.next_due(printer_id)) is not None:
        paper = Paper(printer.columns)
        found.append(read_escpos(render_job(shop.home)(job, printer, paper), paper))
        assert store.start_sending(job.id)
        store.printed(job.id, is_confirmed=True)
    return found


def with_printer(owner: Client, shop: Shop, **more: Any) -> None:
    form = {"name": "Labels", "transport": "tcp", "address": "192.168.1.50", **more}
    shop.do("printing.save_printer", form)


def test_an_invoice_says_what_was_sold_and_staff_see_only_their_own(
    owner: Client, staff: Client, cable: dict[str, Any]
) -> None:
    sold = owner.post("/sales", sale_of(cable, 2))
    words = words_of(owner, f"/sales/{sold['id']}/invoice")

    assert all(fact in words for fact in ("Invoice", sold["sale_number"], "USB-C cable", "16,000", "Walk-in customer"))
    staff.get(f"/sales/{sold['id']}/invoice", 404)
    owner.get(f"/sales/{NOBODY}/invoice", 404)


def test_a_statement_names_the_days_the_debt_and_its_age(owner: Client, cable: dict[str, Any]) -> None:
    customer = owner.post("/customers", {"name": "Nakato Grace", "phone": "0772555123"})
    owner.put(f"/customers/{customer['id']}/credit", {"credit_limit": 100_000, "credit_days": 30})
    ticket = {**sale_of(cable, 5), "customer_id": customer["id"]}
    ticket["payments"] = [{"method": "on_account", "amount": 40_000}]
    sold = owner.post("/sales", ticket)
    invoice = words_of(owner, f"/sales/{sold['id']}/invoice")
    assert "Balance due UGX 40,000" in invoice and "Paid" not in invoice
    assert "Due 21 Oct 2026" in invoice and "Nakato Grace" in invoice
    words = words_of(owner, f"/customers/{customer['id']}/statement/paper")

    assert all(fact in words for fact in ("Statement", "Nakato Grace", "0772 555123", sold["sale_number"], "40,000"))
    assert "Not due yet" in words
    owner.get(f"/customers/{customer['id']}/statement/paper?date_from=2026-09-02&date_to=2026-09-01", 422)


def test_an_order_is_printed_once_it_has_its_number(
    owner: Client, supervisor: Client, staff: Client, cable: dict[str, Any]
) -> None:
    supplier = owner.post("/suppliers", {"name": "Simba Telecom", "phone": "0772123456", "terms_days": 30})
    lines = [{"product_id": cable["id"], "quantity": 10, "unit_cost_minor": 2_000}]
    order = owner.post("/purchase-orders", {"supplier_id": supplier["id"], "lines": lines})
    assert owner.get(f"/purchase-orders/{order['id']}/paper", 409)["code"] == "draft-order"
    owner.post(f"/purchase-orders/{order['id']}/order", status=200)
    words = words_of(owner, f"/purchase-orders/{order['id']}/paper")

    for fact in ("KLA1-P000001", "Simba Telecom", "0772 123456", "20,000", "30 days"):
        assert fact in words, (fact, words)
    seen = words_of(supervisor, f"/purchase-orders/{order['id']}/paper")
    assert "USB-C cable" in seen and "2,000" not in seen and "20,000" not in seen  # costs are the owner's
    staff.get(f"/purchase-orders/{order['id']}/paper", 403)


@pytest.fixture
def sent(owner: Client, shop: Shop, cable: dict[str, Any], phone: dict[str, Any]) -> dict[str, Any]:
    hear_of(shop, ShopRow(id=ELSEWHERE, name="Jinja", code="JJA", timezone="Africa/Kampala", vat_rate_bp=0))
    form = {"to_shop_id": ELSEWHERE, "unit_ids": [phone["id"]], "items": [{"product_id": cable["id"], "quantity": 4}]}
    made: dict[str, Any] = owner.post("/transfers", form)
    return made


def test_a_manifest_names_every_phone_and_piece(owner: Client, staff: Client, sent: dict[str, Any]) -> None:
    words = words_of(staff, f"/transfers/{sent['id']}/manifest")

    for fact in ("KLA1-T000001", "Kampala Road", "Jinja", f"IMEI {IMEI}", "USB-C cable", "Received by", "Sarah"):
        assert fact in words, fact


def test_an_agreement_names_the_seller_to_the_buyer_alone(
    owner: Client, staff: Client, phone: dict[str, Any], cable: dict[str, Any]
) -> None:
    owner.post("/valuations", {"product_id": phone["product_id"], "grade": "b", "offer": 300_000})
    bought = staff.post("/trade-ins", {
        "product_id": phone["product_id"], "imei1": OLD, "grade": "B", "offer": 40_000, "locks_removed": True,
        "was_reset": True, "states_ownership": True, "network_lock": "none", "seller": seller(),
    })  # fmt: skip
    words = words_of(staff, f"/trade-ins/{bought['id']}/agreement")

    assert all(fact in words for fact in (NAME, ID_NUMBER, "40,000", f"IMEI {OLD}", "KLA1-U000001"))
    shown = words_of(owner, f"/trade-ins/{bought['id']}/agreement")
    assert NAME not in shown and ID_NUMBER not in shown and "On file" in shown
    owner.get(f"/trade-ins/{bought['id']}/identity")  # a look that is written down
    assert NAME in words_of(owner, f"/trade-ins/{bought['id']}/agreement")


def test_labels_of_a_choice_come_in_its_order_and_number(
    owner: Client, cable: dict[str, Any], phone: dict[str, Any]
) -> None:
    chosen = {"products": [{"product_id": cable["id"], "copies": 2}], "unit_ids": [phone["id"]], "size": "38x25"}
    words = words_of(owner, "/labels", chosen, pages=3)

    assert words.count("USB-C cable") == 2 and words.count("UGX 8,000") == 2
    assert all(fact in words for fact in ("Tecno Spark 40", "8/256", "Black", "Grade B", "UGX 640,000", IMEI))
    assert words.index("USB-C cable") < words.index("Tecno Spark 40")
    words_of(owner, "/labels", {**chosen, "layout": "sheet", "skip": 39}, pages=1)
    words_of(owner, "/labels", {**chosen, "layout": "sheet", "skip": 54}, pages=2)


def test_labels_are_refused_for_nothing_for_the_unknown_and_for_too_many(owner: Client, cable: dict[str, Any]) -> None:
    assert owner.post("/labels", {}, 422)["fields"]
    owner.post("/labels", {"unit_ids": [NOBODY]}, 404)
    owner.post("/labels", {"products": [{"product_id": NOBODY}]}, 404)
    many = [{"product_id": cable["id"], "copies": 200}] * 2
    assert "300" in str(owner.post("/labels", {"products": many}, 422)["fields"])


def test_a_delivery_gets_a_label_for_every_good_piece(owner: Client, cable: dict[str, Any]) -> None:
    made = owner.post("/products", {**PHONE, "name": "Itel A70"})
    supplier = owner.post("/suppliers", {"name": "Simba, Telecom"})
    lines = [
        {"product_id": cable["id"], "quantity": 3, "damaged": 2},
        {"product_id": made["id"], "quantity": 1, "phones": [{"imei1": IMEI}]},
    ]
    receipt = owner.post("/goods-receipts", {"supplier_id": supplier["id"], "lines": lines})
    words = words_of(owner, "/labels", {"receipt_id": receipt["id"], "copies": 2}, pages=5)

    assert words.count("USB-C cable") == 3 and words.count(f"IMEI {IMEI}") == 2


def test_labels_are_printed_in_jobs_of_a_few_and_who_did_is_written_down(
    owner: Client, staff: Client, shop: Shop, cable: dict[str, Any]
) -> None:
    chosen = {"products": [{"product_id": cable["id"], "copies": 45}], "size": "50x30"}
    assert staff.post("/labels/print", chosen, 409)["code"] == "no-printer"
    with_printer(owner, shop, **LARGE)
    done = staff.post("/labels/print", chosen, key="fifty-labels")
    assert (done["labels"], len(done["jobs"])) == (45, 3)
    assert staff.post("/labels/print", chosen, key="fifty-labels") == done  # asked twice, printed once

    printed = tapes(shop)
    assert [len([line for line in tape.printed if isinstance(line, PictureLine)]) for tape in printed] == [20, 20, 5]
    assert all(not tape.happened(Happening.CUT) and not tape.happened(Happening.DRAWER) for tape in printed)
    (entry,) = [entry for entry in shop.entries() if entry.action == "printing.print_labels"]
    assert entry.actor_id == shop.cashier.id


def test_a_label_wider_than_the_printers_line_is_refused_when_it_is_asked_for(
    owner: Client, shop: Shop, cable: dict[str, Any]
) -> None:
    with_printer(owner, shop, columns=24, paper_mm=58)
    chosen = {"products": [{"product_id": cable["id"]}]}

    assert "50 mm" in owner.post("/labels/print", {**chosen, "size": "50x30"}, 422)["fields"]["size"]
    assert owner.post("/labels/print", {**chosen, "size": "38x25"})["labels"] == 1
    (printed,) = tapes(shop)
    assert not printed.happened(Happening.WRAPPED)


def test_labels_that_were_not_printed_in_time_say_so_and_nothing_of_a_sale(
    owner: Client, shop: Shop, cable: dict[str, Any]
) -> None:
    with_printer(owner, shop, **LARGE)
    owner.post("/labels/print", {"products": [{"product_id": cable["id"]}]})
    shop.clock.advance(31 * 60_000)
    assert tapes(shop) == []
    with shop.reading() as ctx:
        (job,) = ctx.session.scalars(select(PrintJob))
    assert job.error == "Not printed: the printer was not ready in time."


def test_slips_are_printed_with_what_the_one_who_asked_may_see(
    owner: Client, staff: Client, shop: Shop, sent: dict[str, Any], phone: dict[str, Any]
) -> None:
    with_printer(owner, shop, columns=48)
    owner.post("/valuations", {"product_id": phone["product_id"], "grade": "b", "offer": 300_000})
    bought = staff.post("/trade-ins", {
        "product_id": phone["product_id"], "imei1": OLD, "grade": "B", "offer": 40_000, "locks_removed": True,
        "was_reset": True, "states_ownership": True, "network_lock": "none", "seller": seller(),
    })  # fmt: skip
    for client in (staff, owner):
        shop.clock.advance(5)
        client.post("/slips/print", {"slip": "agreement", "subject_id": bought["id"]})
    staff.post("/slips/print", {"slip": "transfer", "subject_id": sent["id"]})
    staff.post("/slips/print", {"slip": "transfer", "subject_id": bought["id"]}, 404)

    printed = ["\n".join(tape.texts()) for tape in tapes(shop)]
    by_staff, by_owner = [text for text in printed if bought["number"] in text]
    (transfer,) = [text for text in printed if sent["number"] in text]
    assert NAME in by_staff and NAME not in by_owner and "On file" in by_owner
    assert "KLA1-T000001" in transfer and IMEI in transfer


def test_slips_of_returns_and_of_money_say_what_the_books_say(owner: Client, shop: Shop, cable: dict[str, Any]) -> None:
    with_printer(owner, shop, columns=48)
    sold = owner.post("/sales", sale_of(cable, 2))
    item = {"sale_line_id": sold["items"][0]["id"], "quantity": 1, "restock": "new"}
    back = owner.post("/returns", {"sale_id": sold["id"], "lines": [item], "reason": "not needed after all"})
    customer = owner.post("/customers", {"name": "Nakato Grace", "phone": "0772555123"})
    owner.post(f"/customers/{customer['id']}/store-credit", {"method": "cash", "amount": 30_000})
    with shop.reading() as ctx:
        move_id = ctx.session.scalars(select(MoneyMove.id).where(MoneyMove.amount_minor == 30_000)).one()
    owner.post("/slips/print", {"slip": "return", "subject_id": back["id"]})
    owner.post("/slips/print", {"slip": "money", "subject_id": move_id})

    printed = ["\n".join(tape.texts()) for tape in tapes(shop)]
    (returned,) = [text for text in printed if back["number"] in text]
    (money,) = [text for text in printed if "Store credit" in text]
    assert sold["sale_number"] in returned and "8,000" in returned and "Sold again as new" in returned
    assert "Cash" in returned and returned.count("8,000") == 3  # the goods, the sum, how it went back
    assert "30,000" in money and "Nakato Grace" in money and "Store credit" in money
