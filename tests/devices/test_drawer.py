"""The cash drawer: opened at most once for each job, at once or never."""

from __future__ import annotations

from shopnode.devices.fake_printer import FakePrinter
from shopnode.domain.printing.models import JobKind
from tests.devices.conftest import Spool


def papers(printer: FakePrinter) -> list[list[str]]:
    return [tape.texts() for tape in printer.tapes()]


def test_the_drawer_opens_before_the_receipt_prints(spool: Spool, printer: FakePrinter, counter: str) -> None:
    spool.add_job(counter)
    drawer = spool.add_job(counter, JobKind.DRAWER)

    spool.worker(counter).run_once()

    assert spool.job(drawer).state == "printed"
    assert printer.drawer_kicks == 1
    assert papers(printer) == []


def test_a_drawer_never_opens_late(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.turn_off()
    job = spool.add_job(counter, JobKind.DRAWER)
    worker = spool.worker(counter)
    worker.run_once()
    printer.turn_on()
    spool.clock.advance(5_000)

    assert not worker.run_once()

    assert spool.job(job).state == "expired"
    assert spool.job(job).error == "Drawer not opened: the printer was not ready in time. Open it with its key."
    assert printer.drawer_kicks == 0


def test_a_drawer_that_waited_a_moment_still_opens(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.is_cover_open = True
    job = spool.add_job(counter, JobKind.DRAWER)
    worker = spool.worker(counter)
    worker.run_once()
    printer.is_cover_open = False
    spool.clock.advance(500)

    worker.run_once()

    assert spool.job(job).state == "printed"
    assert printer.drawer_kicks == 1


def test_a_clock_set_back_gives_a_drawer_no_more_time(spool: Spool, printer: FakePrinter, counter: str) -> None:
    job = spool.add_job(counter, JobKind.DRAWER)
    spool.clock.advance(-3_600_000)

    assert not spool.worker(counter).run_once()

    assert spool.job(job).state == "expired"
    assert printer.drawer_kicks == 0


def test_a_clock_set_back_does_not_hold_receipts_up(spool: Spool, printer: FakePrinter, counter: str) -> None:
    job = spool.add_job(counter)
    spool.clock.advance(-3_600_000)

    spool.worker(counter).run_once()

    assert spool.job(job).state == "printed"


def test_a_drawer_is_not_kicked_again_when_the_answer_is_lost(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.stalls_after = 5  # takes the pulse, then says nothing
    job = spool.add_job(counter, JobKind.DRAWER)
    worker = spool.worker(counter)

    worker.run_once()
    printer.is_stalled, printer.stalls_after = False, None
    while worker.run_once():
        pass

    assert spool.job(job).state == "failed"
    assert (spool.job(job).error or "").startswith("Drawer not opened: the printer has stopped answering.")
    assert printer.drawer_kicks <= 1


def test_a_receipt_never_opens_the_drawer(spool: Spool, printer: FakePrinter, counter: str) -> None:
    spool.add_job(counter)
    spool.worker(counter).run_once()

    assert printer.drawer_kicks == 0


def test_after_a_crash_no_drawer_opens(spool: Spool, printer: FakePrinter, counter: str) -> None:
    sending, waiting = spool.add_job(counter, JobKind.DRAWER), spool.add_job(counter, JobKind.DRAWER)
    assert spool.store.start_sending(sending)

    spool.store.recover()

    assert not spool.worker(counter).run_once()
    assert (spool.job(sending).state, spool.job(waiting).state) == ("failed", "expired")
    assert printer.drawer_kicks == 0
