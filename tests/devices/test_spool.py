"""The spool against a printer that is off, empty, open, stalled or no printer at all (fault 34, pains 50 to 54).

What is asserted is what lies on the paper and what the table says of it, never just "no exception".
"""

from __future__ import annotations

import threading
import time

import pytest

from shopnode.devices.fake_printer import FakePrinter
from shopnode.devices.printing import Patience
from shopnode.devices.spool import PrinterWorker, Spooler
from shopnode.documents.escpos_reader import Happening
from shopnode.domain.clock import SystemClock
from shopnode.domain.printing.store import JobStore
from tests.devices.conftest import IMPATIENT, Spool, quick_transport, render_numbered


def papers(printer: FakePrinter) -> list[list[str]]:
    return [tape.texts() for tape in printer.tapes()]


def soon(condition, timeout_s: float = 5.0) -> bool:  # type: ignore[no-untyped-def]
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())


def test_a_job_is_printed_and_confirmed_by_the_printer(spool: Spool, printer: FakePrinter, counter: str) -> None:
    job = spool.add_job(counter)

    assert spool.worker(counter).run_once()

    row = spool.job(job)
    assert (row.state, row.is_confirmed, row.tries, row.error) == ("printed", True, 1, None)
    assert papers(printer)[0][0] == f"job {job}"
    assert printer.questions >= 4  # printer and paper, before and after
    assert not printer.tapes()[0].happened(Happening.UNKNOWN)


def test_two_jobs_come_out_in_order(spool: Spool, printer: FakePrinter, counter: str) -> None:
    """Pain 52: only the first of several prints."""
    first, second = spool.add_job(counter), spool.add_job(counter)
    worker = spool.worker(counter)

    assert worker.run_once() and worker.run_once() and not worker.run_once()

    assert [paper[0] for paper in papers(printer)] == [f"job {first}", f"job {second}"]


def test_a_later_receipt_does_not_overtake_one_that_waits(spool: Spool, printer: FakePrinter, counter: str) -> None:
    worker = spool.worker(counter)
    first = spool.add_job(counter)
    printer.turn_off()
    worker.run_once()
    second = spool.add_job(counter)  # due now, so the first has another try
    assert worker.run_once()
    assert not worker.run_once()  # and then both wait: a printer that is off is not hammered
    assert spool.job(first).tries == 2 and spool.job(second).tries == 0

    printer.turn_on()
    spool.clock.advance(4_000)
    assert worker.run_once()
    assert worker.run_once()  # at once, now that the printer is back

    assert [paper[0] for paper in papers(printer)] == [f"job {first}", f"job {second}"]


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("paper", "out", "Not printed: the printer is out of paper. The sale is saved. Load paper and press Print."),
        (
            "is_cover_open",
            True,
            "Not printed: the printer's cover is open. The sale is saved. Close it and press Print.",
        ),
        ("has_fault", True, "Not printed: the printer reports a fault."),
        ("is_stalled", True, "Not printed: the printer has stopped answering."),
        ("is_mute", True, "Not printed: the printer has stopped answering."),
        ("garbage", b"HTTP/1.1 400 Bad Request\r\n\r\n", "Not printed: what answers at the printer's address"),
    ],
)
def test_a_printer_that_is_not_ready_gets_nothing(
    spool: Spool, printer: FakePrinter, counter: str, attribute: str, value: object, words: str
) -> None:
    setattr(printer, attribute, value)
    job = spool.add_job(counter)

    spool.worker(counter).run_once()

    row = spool.job(job)
    assert row.state == "queued"
    assert row.error is not None and row.error.startswith(words)
    assert (row.tries, row.sent_at, row.copy_no) == (1, None, 0)
    assert printer.received == b""


def test_a_printer_that_is_off_is_tried_again_later_and_later(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.turn_off()
    job = spool.add_job(counter)
    worker = spool.worker(counter)
    waits = []
    for _ in range(7):
        assert worker.run_once()
        waits.append(spool.store.wait_ms(counter))
        assert not worker.run_once()  # not before its time
        spool.clock.advance(waits[-1] or 0)

    assert waits == [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
    assert (spool.job(job).error or "").startswith("Not printed: the printer cannot be reached.")

    printer.turn_on()
    worker.run_once()
    assert spool.job(job).state == "printed"
    assert "COPY 1" not in papers(printer)[0]  # nothing had come out: this is the original


def test_paper_that_ends_in_the_middle_gives_a_whole_copy_afterwards(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    """Fault 34 and pain 54: the second print starts clean, and says that it is one."""
    printer.paper_ends_after = 600
    job = spool.add_job(counter)
    worker = spool.worker(counter)

    worker.run_once()
    row = spool.job(job)
    assert (row.state, row.copy_no) == ("queued", 1)
    assert (row.error or "").startswith("Not printed: the printer is out of paper.")

    printer.load_paper()
    spool.clock.advance(2_000)
    worker.run_once()

    assert spool.job(job).state == "printed"
    again = printer.tapes()[-1]
    assert again.texts()[:2] == [f"job {job}", "COPY 1"]
    assert again.texts()[-1].startswith("line 39")
    assert [event.what for event in again.events] == [Happening.RESET, Happening.CUT]


def test_power_lost_in_the_middle_gives_a_copy(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.dies_after = 500
    printer.bytes_per_s = 20_000
    job = spool.add_job(counter)
    worker = spool.worker(counter)

    worker.run_once()
    assert (spool.job(job).state, spool.job(job).copy_no) == ("queued", 1)

    printer.dies_after, printer.bytes_per_s = None, 0
    printer.turn_on()
    spool.clock.advance(2_000)
    worker.run_once()

    assert spool.job(job).state == "printed"
    assert printer.tapes()[-1].texts()[:2] == [f"job {job}", "COPY 1"]


def test_what_was_broken_off_inside_a_picture_does_not_eat_the_next_print(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    """The printer still waits for the rest of a picture; zeros fill it, and then the receipt starts with a reset."""
    from shopnode.documents.escpos_reader import read_escpos

    broken_off = b"\x1dv0\x00\x48\x00\x20\x00" + b"\xff" * 100  # a band that says 2304 bytes and gave 100
    printer.dies_after = 500
    job = spool.add_job(counter)
    worker = spool.worker(counter)
    worker.run_once()
    printer.dies_after = None
    printer.turn_on()
    spool.clock.advance(2_000)
    worker.run_once()

    tape = read_escpos(broken_off + printer.jobs[-1], printer.format)
    assert tape.texts()[0] == f"job {job}"
    assert not tape.happened(Happening.UNKNOWN)


def test_a_printer_that_stalls_in_the_middle_is_given_up_in_time(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    """With small buffers the sender blocks after some kilobytes; without a time-out for ever."""
    printer.stalls_after = 1_000

    def render_long(*asked: object) -> bytes:
        return render_numbered(*asked) * 4_000  # type: ignore[arg-type]

    job = spool.add_job(counter)
    started = time.monotonic()

    spool.worker(counter, render_long).run_once()

    assert time.monotonic() - started < 3
    row = spool.job(job)
    assert (row.state, row.copy_no) == ("queued", 1)
    assert (row.error or "").startswith("Not printed: the printer has stopped answering.")


def test_a_small_job_to_a_stalled_printer_is_not_called_printed(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    """The kernel takes a small job from us at once; only the printer's answer counts."""
    printer.stalls_after = 10
    job = spool.add_job(counter)

    spool.worker(counter).run_once()

    assert spool.job(job).state == "queued"


def test_a_slow_printer_is_waited_for(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.bytes_per_s = 4_000
    job = spool.add_job(counter)
    patience = Patience(answer_s=2.0, settle_share=0)

    spool.worker(counter, patience=patience).run_once()

    assert spool.job(job).state == "printed"


def test_a_one_way_printer_prints_and_is_honest_about_it(spool: Spool, printer: FakePrinter) -> None:
    printer.is_mute = True
    job = spool.add_job(spool.add_printer(printer.address, asks_status=False))

    spool.worker(spool.job(job).printer_id).run_once()

    assert (spool.job(job).state, spool.job(job).is_confirmed) == ("printed", False)
    assert len(papers(printer)) == 1


def test_a_document_that_cannot_be_laid_out_fails_alone(spool: Spool, printer: FakePrinter, counter: str) -> None:
    """Nothing of it reaches the paper, and the next one prints."""
    bad, good = spool.add_job(counter), spool.add_job(counter)

    def render(job, printer, paper) -> bytes:  # type: ignore[no-untyped-def]
        if job.id == bad:
            raise KeyError("no such sale")
        return render_numbered(job, printer, paper)

    worker = spool.worker(counter, render)
    worker.run_once()
    worker.run_once()

    assert spool.job(bad).state == "failed"
    assert "could not be laid out" in (spool.job(bad).error or "")
    assert [paper[0] for paper in papers(printer)] == [f"job {good}"]


def test_a_receipt_nobody_waits_for_any_more_is_not_printed(spool: Spool, printer: FakePrinter, counter: str) -> None:
    """A printer switched on in the evening must not print the day."""
    job = spool.add_job(counter)
    spool.clock.advance(30 * 60_000)

    assert not spool.worker(counter).run_once()

    assert spool.job(job).state == "expired"
    assert "Print it again from the sale" in (spool.job(job).error or "")
    assert printer.received == b""


# ── restarts and threads ────────────────────────────────────────────────────────────────────────────────────


def test_after_a_crash_while_sending_the_receipt_comes_as_a_copy(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    job = spool.add_job(counter)
    assert spool.store.start_sending(job)  # and here the power goes

    spool.store.recover()
    spool.worker(counter).run_once()

    assert (spool.job(job).state, spool.job(job).copy_no) == ("printed", 1)
    assert papers(printer)[0][:2] == [f"job {job}", "COPY 1"]


def test_a_job_that_another_worker_has_taken_is_not_sent_again(
    spool: Spool, printer: FakePrinter, counter: str
) -> None:
    job = spool.add_job(counter)

    def render(asked, row, paper) -> bytes:  # type: ignore[no-untyped-def]
        spool.store.start_sending(job)  # the other one was faster
        return render_numbered(asked, row, paper)

    spool.worker(counter, render).run_once()

    assert printer.received == b""


def test_stopping_in_the_middle_ends_soon_and_loses_nothing(spool: Spool, printer: FakePrinter, counter: str) -> None:
    printer.stalls_after = 500

    def render_long(*asked: object) -> bytes:
        return render_numbered(*asked) * 4_000  # type: ignore[arg-type]

    job = spool.add_job(counter)
    worker = PrinterWorker(counter, spool.store, render_long, patience=IMPATIENT)  # patient for eight seconds
    worker.start()
    assert soon(lambda: spool.job(job).state == "sending")
    started = time.monotonic()

    worker.stop()

    assert time.monotonic() - started < 1
    assert spool.job(job).state == "sending"  # the next start makes a COPY of it
    spool.store.recover()
    assert (spool.job(job).state, spool.job(job).copy_no) == ("queued", 1)


def test_the_spooler_prints_what_is_queued_while_it_runs(spool: Spool, printer: FakePrinter) -> None:
    spool.clock = SystemClock()  # type: ignore[assignment]
    spool.clock.advance = lambda ms: time.sleep(ms / 1000)  # type: ignore[method-assign]
    store = JobStore(spool.database, spool.clock)
    spooler = Spooler(store, render_numbered, patience=IMPATIENT, transport_of=quick_transport)
    spooler.start()
    try:
        counter = spool.add_printer(printer.address)  # after the start: it gets its worker with the next commit
        jobs = [spool.add_job(counter) for _ in range(5)]
        spooler.wake()
        assert soon(lambda: all(spool.job(job).state == "printed" for job in jobs))
    finally:
        spooler.stop()

    assert [paper[0] for paper in papers(printer)] == [f"job {job}" for job in jobs]


def test_one_stalled_printer_holds_up_no_other(spool: Spool, printer: FakePrinter) -> None:
    spool.clock = SystemClock()  # type: ignore[assignment]
    spool.clock.advance = lambda ms: time.sleep(ms / 1000)  # type: ignore[method-assign]
    store = JobStore(spool.database, spool.clock)
    with FakePrinter() as stalled:
        stalled.is_stalled = True
        slow, quick = spool.add_printer(stalled.address), spool.add_printer(printer.address)
        spool.add_job(slow)
        job = spool.add_job(quick)
        spooler = Spooler(store, render_numbered, patience=IMPATIENT)
        spooler.start()
        try:
            assert soon(lambda: spool.job(job).state == "printed", 2)
        finally:
            started = time.monotonic()
            spooler.stop()
            assert time.monotonic() - started < 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("printer-")]


def test_an_outcome_is_written_though_the_database_is_busy_at_first(
    spool: Spool, printer: FakePrinter, counter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left as `sending` it would be printed again."""
    job = spool.add_job(counter)
    real, refusals = JobStore.printed, [RuntimeError("busy"), RuntimeError("busy")]

    def printed(store: JobStore, job_id: str, *, is_confirmed: bool) -> None:
        if refusals:
            raise refusals.pop()
        real(store, job_id, is_confirmed=is_confirmed)

    monkeypatch.setattr(JobStore, "printed", printed)
    monkeypatch.setattr("shopnode.devices.spool.STUMBLE_S", 0.02)
    spool.worker(counter).run_once()

    assert spool.job(job).state == "printed"
    assert len(papers(printer)) == 1
