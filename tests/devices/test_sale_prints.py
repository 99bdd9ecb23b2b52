"""From the sale to the paper: what the door wrote is what comes out, once, with the drawer before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from shopnode.devices.fake_printer import FakePrinter
from shopnode.devices.jobs import render_job
from shopnode.devices.spool import PrinterWorker
from shopnode.domain.context import Actor
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.permissions import Role
from shopnode.domain.printing import actions as printing_actions  # noqa: F401 — the door knows them
from shopnode.domain.printing.models import JobKind, Printer, PrintJob
from shopnode.domain.printing.queries import printer_trouble_or_none, receipt_state
from shopnode.domain.printing.queue import queue_receipt, queue_test_print
from shopnode.domain.printing.store import JobStore
from shopnode.receipts import receipt_of
from tests.devices.conftest import IMPATIENT, quick_transport
from tests.domain.till import IMEIS, Till, open_till
from tests.shop import Shop, build_template, open_copy


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("template")
    return folder, build_template(folder)


@pytest.fixture
def till(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Till]:
    shop, database = open_copy(template[0], tmp_path, template[1])
    yield open_till(shop)
    database.close()


def set_up(shop: Shop, printer: FakePrinter, **more: object) -> str:
    form = {"name": "Counter", "transport": "tcp", "address": printer.address, "kicks_drawer": True, **more}
    made: str = shop.do("printing.save_printer", form)["id"]
    return made


def print_all(shop: Shop, printer_id: str) -> None:
    store = JobStore(shop.home, shop.clock)  # type: ignore[arg-type]
    how = {"patience": IMPATIENT, "transport_of": quick_transport}
    worker = PrinterWorker(printer_id, store, render_job(shop.home), **how)  # type: ignore[arg-type]
    while worker.run_once():
        pass


def reprint(shop: Shop, sale_id: str) -> None:
    with shop.home.writing() as session:
        queue_receipt(shop.ctx().inside(session), sale_id)


def test_a_cash_sale_opens_the_drawer_once_and_prints_its_receipt(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    sale = till.sell({"product_id": till.phone, "imeis": [IMEIS[0]]}, pay=[{"method": "cash", "amount": 700_000}])

    print_all(till.shop, counter)

    texts = printer.tapes()[-1].texts()
    assert printer.drawer_kicks == 1
    assert len(printer.tapes()) == 1
    assert texts[0] == "Kisura Phones"
    assert any(text.startswith("Tecno Spark 40") and text.endswith("640,000") for text in texts)
    assert f"IMEI {IMEIS[0]}" in texts
    assert "Warranty until 21 Sep 2027" in texts
    assert any(text.startswith("Cash") and text.endswith("700,000") for text in texts)
    assert any(text.startswith("Change") and text.endswith("60,000") for text in texts)
    assert any(text.endswith(sale.result["number"]) for text in texts)
    with till.shop.home.reading() as session:
        state = receipt_state(session, sale.result["sale_id"])
        assert state is not None and state.words == "Printed"


def test_a_receipt_carries_the_code_of_its_place_in_the_chain(till: Till) -> None:
    from sync_protocol.chain import short_code

    sale = till.sell()
    entry = till.shop.entries()[-1]

    with till.shop.home.reading() as session:
        assert receipt_of(session, sale.result["sale_id"]).chain_code == short_code(entry.hash)


def test_a_sale_by_telephone_money_leaves_the_drawer_shut(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    till.sell(pay=[{"method": "mtn_momo", "amount": 5_000, "reference": "27183141592"}])

    print_all(till.shop, counter)

    assert printer.drawer_kicks == 0
    assert "Ref 27183141592" in printer.tapes()[0].texts()


def test_the_same_sale_again_prints_and_opens_nothing_more(till: Till, printer: FakePrinter) -> None:
    """A double click, a lost answer: the door replays the first result and queues nothing."""
    counter = set_up(till.shop, printer)
    action_id = till.shop.home.new_id()
    till.sell(action_id=action_id)
    till.sell(action_id=action_id)

    print_all(till.shop, counter)

    assert (len(printer.tapes()), printer.drawer_kicks) == (1, 1)


def test_a_refused_sale_queues_nothing(till: Till, printer: FakePrinter) -> None:
    set_up(till.shop, printer)
    with pytest.raises(Invalid):
        till.sell(pay=[{"method": "cash", "amount": 1}])

    assert till.shop.rows(PrintJob) == []


def test_a_shop_without_a_printer_sells_all_the_same(till: Till) -> None:
    assert till.sell().result["number"] == "KLA1-000001"
    assert till.shop.rows(PrintJob) == []


def test_reprints_count_their_copies(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    sale_id = till.sell().result["sale_id"]
    for _ in range(3):
        print_all(till.shop, counter)
        reprint(till.shop, sale_id)
    print_all(till.shop, counter)

    said = [[text for text in tape.texts() if text.startswith("COPY")] for tape in printer.tapes()]
    assert said == [[], ["COPY 1"] * 2, ["COPY 2"] * 2, ["COPY 3"] * 2]


def test_pressing_print_while_it_waits_prints_one_original(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    printer.paper = "out"
    sale_id = till.sell().result["sale_id"]
    print_all(till.shop, counter)
    with till.shop.home.reading() as session:
        assert printer_trouble_or_none(session) == receipt_state(session, sale_id).words  # type: ignore[union-attr]

    printer.load_paper()
    reprint(till.shop, sale_id)
    reprint(till.shop, sale_id)
    print_all(till.shop, counter)

    assert len(printer.tapes()) == 1
    assert not any(text.startswith("COPY") for text in printer.tapes()[0].texts())


def test_a_void_sale_is_printed_void(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    sale_id = till.sell().result["sale_id"]
    print_all(till.shop, counter)
    till.shop.do("sales.void", sale_id=sale_id, reason="wrong model", restock="resell")
    reprint(till.shop, sale_id)
    print_all(till.shop, counter)

    texts = printer.tapes()[-1].texts()
    assert texts.count("VOID") == 2
    assert any("by Sarah: wrong model" in text for text in texts)
    assert not any(text.startswith("Balance due") for text in texts)


def test_a_hostile_customer_name_prints_as_text(till: Till, printer: FakePrinter) -> None:
    """Threat 16 through the whole house; names that came by sync were not checked by our forms."""
    from dataclasses import replace

    from shopnode.documents.escpos_reader import Happening, read_escpos
    from shopnode.documents.receipt_escpos import receipt_bytes

    sale_id = till.sell().result["sale_id"]
    with till.shop.home.reading() as session:
        receipt = replace(
            receipt_of(session, sale_id), customer_name="Okello\x1bp\x00\x32\xfa", cashier="手机\x10\x14\x01"
        )
    tape = read_escpos(receipt_bytes(receipt, printer.format), printer.format)

    assert {event.what for event in tape.events} == {Happening.RESET, Happening.CUT}


def test_a_test_print_names_the_printer(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer, name="Back office", columns=42)
    with till.shop.home.writing() as session:
        queue_test_print(till.shop.ctx().inside(session), session.get_one(Printer, counter))

    print_all(till.shop, counter)

    assert any(text.endswith("Back office") for text in printer.tapes()[0].texts())
    assert "X" * 42 in printer.tapes()[0].texts()


# ── printer settings ────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_printer_is_the_default_and_a_new_default_replaces_it(till: Till) -> None:
    first = till.shop.do("printing.save_printer", name="A", transport="tcp", address="192.168.1.5", is_default=False)
    assert till.shop.row(Printer, first["id"]).is_default
    second = till.shop.do("printing.save_printer", name="B", transport="device", address="/dev/usb/lp0", paper_mm=58)

    old, new = till.shop.row(Printer, first["id"]), till.shop.row(Printer, second["id"])
    assert (old.is_default, new.is_default) == (False, True)
    assert (old.address, old.columns, old.asks_status) == ("192.168.1.5:9100", 48, True)
    assert (new.columns, new.asks_status) == (32, False)

    till.shop.do("printing.remove_printer", printer_id=second["id"])
    assert till.shop.row(Printer, first["id"]).is_default
    with pytest.raises(NotFound):
        till.shop.do("printing.save_printer", printer_id=second["id"], name="B", transport="tcp", address="10.0.0.9")


@pytest.mark.parametrize(
    ("transport", "address"),
    [
        ("device", "/etc/passwd"),
        ("device", "/dev/../etc/passwd"),
        ("device", "/dev/sda"),
        ("tcp", "10.0.0.1:99999"),
        ("tcp", "http://10.0.0.1"),
        ("tcp", "999.1.1.1"),
        ("tcp", "0.0.0.0"),
        ("tcp", "printer name"),
        ("tcp", "224.0.0.1"),
    ],
)
def test_an_address_no_printer_can_have_is_refused_in_words(till: Till, transport: str, address: str) -> None:
    with pytest.raises(Invalid) as refused:
        till.shop.do("printing.save_printer", name="A", transport=transport, address=address)

    assert set(refused.value.fields) == {"address"}
    assert till.shop.rows(Printer) == []


def test_setting_a_printer_up_is_in_the_journal(till: Till, printer: FakePrinter) -> None:
    counter = set_up(till.shop, printer)
    entry = till.shop.entries()[-1]

    assert (entry.action, entry.subject_id, entry.actor_id) == ("printing.save_printer", counter, till.shop.owner.id)


def test_staff_may_not_change_printers(till: Till) -> None:
    from shopnode.domain.errors import NotPermitted

    with pytest.raises(NotPermitted):
        till.shop.do("printing.save_printer", role=Role.STAFF, name="A", transport="tcp", address="10.0.0.9")


def test_drawer_jobs_are_jobs_of_their_own(till: Till, printer: FakePrinter) -> None:
    set_up(till.shop, printer)
    till.sell()

    with till.shop.home.reading() as session:
        kinds = session.scalars(select(PrintJob.kind).order_by(PrintJob.created_at, PrintJob.id)).all()
    assert sorted(kinds) == [JobKind.DRAWER, JobKind.RECEIPT]
