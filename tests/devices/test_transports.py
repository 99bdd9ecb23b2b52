"""The ways to a printer: a TCP port and a device file, with every wait ended."""

from __future__ import annotations

import os
import pty
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shopnode.devices.fake_printer import FakePrinter
from shopnode.devices.printing import Paper, PrinterStatus, read_status, send_job, trouble_of
from shopnode.devices.setup import look_at, paper_of, transport_of
from shopnode.devices.transports import DeviceTransport, TcpTransport
from shopnode.devices.trouble import (
    ConnectionLost,
    Interrupted,
    NotAPrinter,
    PrinterOff,
    PrinterTrouble,
    Stalled,
)
from shopnode.domain.printing.models import Printer
from tests.devices.conftest import IMPATIENT, QUICK

GO = threading.Event()  # never set: nobody stops


def tcp(printer: FakePrinter) -> TcpTransport:
    return TcpTransport(printer.host, printer.port, QUICK)


def status_of(printer: FakePrinter) -> PrinterStatus:
    link = tcp(printer).open(GO)
    try:
        return read_status(link, 0.3)
    finally:
        link.close()


def send(transport: TcpTransport | DeviceTransport, data: bytes, *, must_answer: bool = True) -> bool | None:
    return send_job(
        transport, data, must_answer=must_answer, before_first_byte=lambda: True, stop=GO, patience=IMPATIENT
    )


def test_a_ready_printer_says_so(printer: FakePrinter) -> None:
    assert status_of(printer) == PrinterStatus(is_known=True, is_online=True, paper=Paper.OK)


def test_low_paper_is_no_reason_to_stop(printer: FakePrinter) -> None:
    printer.paper = "low"

    assert status_of(printer).paper is Paper.LOW
    assert trouble_of(status_of(printer)) is None
    assert status_of(printer).words == "Ready, paper is low"


def test_a_printer_that_never_answers_is_unknown_not_ready(printer: FakePrinter) -> None:
    printer.is_mute = True

    assert not status_of(printer).is_known
    assert "does not report" in status_of(printer).words


@pytest.mark.parametrize("garbage", [b"\xff\xff", b"HTTP/1.1 200 OK\r\n\r\n", b"\x00" * 9])
def test_another_device_is_recognised(printer: FakePrinter, garbage: bytes) -> None:
    printer.garbage = garbage

    with pytest.raises(NotAPrinter):
        status_of(printer)


def test_nothing_listening_is_a_printer_that_is_off(printer: FakePrinter) -> None:
    printer.turn_off()

    with pytest.raises(PrinterOff):
        send(tcp(printer), b"x")


def test_a_name_nobody_knows_is_a_printer_that_is_off() -> None:
    with pytest.raises(PrinterOff):
        TcpTransport("no-such-printer.invalid", 9100, QUICK).open(GO)


def test_an_address_that_swallows_everything_ends_in_time() -> None:
    """A full queue of connections: the third is neither accepted nor refused."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        started = time.monotonic()
        with pytest.raises(PrinterTrouble):
            send(TcpTransport("127.0.0.1", deaf.getsockname()[1], QUICK), b"x")
        assert time.monotonic() - started < 2
        for one in waiting:
            one.close()


def test_nothing_is_sent_when_the_job_is_no_longer_wanted(printer: FakePrinter) -> None:
    done = send_job(tcp(printer), b"x", must_answer=True, before_first_byte=lambda: False, stop=GO, patience=IMPATIENT)

    assert done is None
    assert printer.received == b""


def test_stop_ends_a_wait_at_once(printer: FakePrinter) -> None:
    printer.is_stalled = True
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    patient = TcpTransport(printer.host, printer.port)
    started = time.monotonic()

    with pytest.raises(Interrupted):
        send_job(patient, b"x", must_answer=True, before_first_byte=lambda: True, stop=stop)

    assert time.monotonic() - started < 1


def test_paper_that_runs_out_while_it_prints_is_noticed(printer: FakePrinter) -> None:
    """Status is answered at once, so one answer after the last byte is not yet the truth."""
    patience = replace(IMPATIENT, settle_share=1.0)
    threading.Timer(0.3, lambda: setattr(printer, "paper", "out")).start()

    with pytest.raises(PrinterTrouble, match="out of paper"):
        send_job(
            tcp(printer), b"line\n" * 40, must_answer=True, before_first_byte=lambda: True, stop=GO, patience=patience
        )


def test_what_a_stalled_printer_did_not_take_is_thrown_away() -> None:
    """A drawer must not open when the printer comes back to its senses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        with pytest.raises(Stalled):
            send(TcpTransport(host, port, QUICK), b"x")
        connection, _ = server.accept()
        with connection, pytest.raises(ConnectionResetError):
            connection.recv(100)
            connection.recv(100)


# ── device files ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def device() -> Iterator[tuple[int, str]]:
    """A terminal stands in for /dev/usb/lp0: a character device that can be read and written."""
    import tty

    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_device_that_does_not_answer_prints_unconfirmed(device: tuple[int, str]) -> None:
    master, path = device

    assert send(DeviceTransport(path, QUICK), b"receipt\n", must_answer=False) is False
    assert b"receipt\n" in os.read(master, 100)


def test_a_device_that_answers_is_believed(device: tuple[int, str]) -> None:
    master, path = device
    got = bytearray()

    def answer() -> None:
        questions = 0
        while questions < 4:
            got.extend(os.read(master, 100))
            while got.count(b"\x10\x04") > questions:
                questions += 1
                os.write(master, b"\x12")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()

    assert send(DeviceTransport(path, QUICK), b"receipt\n") is True
    thread.join(2)
    assert b"receipt\n" in got


def test_an_unplugged_device_is_a_printer_that_is_off() -> None:
    with pytest.raises(PrinterOff):
        DeviceTransport("/dev/usb/lp77", QUICK).open(GO)


def test_an_ordinary_file_is_never_written_to(tmp_path: Path) -> None:
    """Whoever may change printer settings must not be able to overwrite files with them."""
    file = tmp_path / "books.db"
    file.write_bytes(b"the books")

    with pytest.raises(NotAPrinter):
        DeviceTransport(str(file), QUICK).open(GO)
    with pytest.raises(PrinterOff):
        DeviceTransport(str(tmp_path / "new"), QUICK).open(GO)

    assert file.read_bytes() == b"the books"
    assert not (tmp_path / "new").exists()


def test_a_device_that_stalls_is_given_up(device: tuple[int, str]) -> None:
    _, path = device

    with pytest.raises(Stalled):
        send(DeviceTransport(path, QUICK), b"x" * 1_000_000, must_answer=False)


def test_a_link_that_breaks_says_so(printer: FakePrinter) -> None:
    link = tcp(printer).open(GO)
    read_status(link, 0.3)
    printer.turn_off()

    with pytest.raises(ConnectionLost):
        read_status(link, 0.3)
    link.close(discard=True)


# ── settings ────────────────────────────────────────────────────────────────────────────────────────────────


def row(**settings: object) -> Printer:
    plain = {"transport": "tcp", "address": "127.0.0.1:9100", "columns": 42, "code_page": "cp858"}
    return Printer(**{**plain, "cuts": False, "qr_as_image": True, "asks_status": True, **settings})


def test_settings_become_paper_and_transport() -> None:
    assert (paper_of(row()).columns, paper_of(row()).page, paper_of(row()).cuts) == (42, "cp858", False)
    assert transport_of(row()) == TcpTransport("127.0.0.1", 9100)
    assert transport_of(row(transport="device", address="/dev/usb/lp0")) == DeviceTransport("/dev/usb/lp0")


def test_a_look_at_a_printer_speaks_in_words(printer: FakePrinter) -> None:
    here = row(address=printer.address)
    assert look_at(here, IMPATIENT) == (True, "Ready")

    printer.paper = "out"
    assert look_at(here, IMPATIENT) == (False, "The printer is out of paper")

    printer.turn_off()
    assert look_at(here, IMPATIENT) == (False, "The printer cannot be reached")
