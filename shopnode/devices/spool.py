"""The spool: one worker thread for each printer takes jobs from the database and prints them.

Invariants:
  * All bytes of a job exist before the first is sent.
  * `sending` is committed before the first byte, so a crash never prints a second original: what may have been on
    paper comes again marked COPY.
  * A drawer is kicked at most once for each job, never late and never for an earlier run.
  * A printer that is off, empty or stalled holds up nothing but its own jobs; nobody at the counter waits for it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from shopnode.devices.printing import Patience, send_job
from shopnode.devices.setup import paper_of, transport_of
from shopnode.devices.transports import Transport
from shopnode.devices.trouble import Interrupted, PrinterTrouble
from shopnode.documents.escpos import RESYNC, Paper, drawer_kick
from shopnode.domain import failpoints
from shopnode.domain.printing.models import JobKind, Printer
from shopnode.domain.printing.store import Job, JobStore

log = logging.getLogger(__name__)

Render = Callable[[Job, Printer, Paper], bytes]
IDLE_S = 15.0  # how often a worker looks without being woken
STUMBLE_S = 1.0  # after an error of our own
SETTLE_TRIES = 20
CANNOT_LAY_OUT = "Not printed: this document could not be laid out. The sale is saved. Please report this."


class PrinterWorker:
    """Prints one printer's jobs, one after the other."""

    def __init__(
        self,
        printer_id: str,
        store: JobStore,
        render: Render,
        *,
        patience: Patience | None = None,
        transport_of: Callable[[Printer], Transport] = transport_of,
    ):
        self.printer_id = printer_id
        self._store, self._render, self._patience, self._transport_of = store, render, patience, transport_of
        self._stop, self._wake = threading.Event(), threading.Event()
        self._cut_off = False  # the last job broke off: the printer may still wait for the rest of a picture
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"printer-{self.printer_id[-6:]}")
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self, wait_s: float = 5.0) -> None:
        """End soon, in the middle of a job if need be; what was on its way comes again marked COPY."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def run_once(self) -> bool:
        """Try the job whose turn it is. Returns whether there was one."""
        job = self._store.next_due(self.printer_id)
        if job is None:
            return False
        printer = self._store.find(self.printer_id)
        try:
            data = self._bytes(job, printer)
        except Exception:
            log.exception("print job %s could not be laid out", job.id)
            self._store.failed(job.id, CANNOT_LAY_OUT)
            return True
        self._try(job, printer, data)
        return True

    def _bytes(self, job: Job, printer: Printer) -> bytes:
        data = drawer_kick() if job.kind is JobKind.DRAWER else self._render(job, printer, paper_of(printer))
        return RESYNC + data if self._cut_off or job.was_sent else data

    def _try(self, job: Job, printer: Printer, data: bytes) -> None:
        started = False

        def start_sending() -> bool:
            nonlocal started
            failpoints.hit("print.rendered")
            started = self._store.start_sending(job.id)
            failpoints.hit("print.sending")
            return started

        try:
            is_confirmed = send_job(
                self._transport_of(printer),
                data,
                must_answer=printer.asks_status,
                before_first_byte=start_sending,
                stop=self._stop,
                patience=self._patience,
            )
        except Interrupted:
            return  # at the next start `recover` finds it as it is
        except Exception as problem:
            self._cut_off = self._cut_off or started
            self._give_back(job, started, problem)
            return
        failpoints.hit("print.sent")
        if is_confirmed is not None:
            self._cut_off = False
            self._settle(lambda: self._store.printed(job.id, is_confirmed=is_confirmed))

    def _give_back(self, job: Job, started: bool, problem: Exception) -> None:
        if not isinstance(problem, PrinterTrouble):
            log.error("print job %s stumbled", job.id, exc_info=problem)
            if not started:
                raise problem
        trouble = problem if isinstance(problem, PrinterTrouble) else PrinterTrouble()
        if job.kind is JobKind.DRAWER:
            words = f"Drawer not opened: {trouble.reason}. Open it with its key."
            keep = self._store.failed if started else self._store.try_later
        else:
            words, keep = str(trouble), self._store.try_later
        self._settle(lambda: keep(job.id, words))

    def _settle(self, write: Callable[[], None]) -> None:
        """Write what became of a job, though the database may be busy: left as `sending` it would print again."""
        for left in reversed(range(SETTLE_TRIES)):
            try:
                return write()
            except Exception:
                log.exception("the outcome of a print could not be written")
                if not left or self._stop.wait(STUMBLE_S / 2):
                    return None
        return None

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.run_once():
                    continue
                wait_ms = self._store.wait_ms(self.printer_id)
            except Exception:
                log.exception("the printer's worker stumbled")
                self._stop.wait(STUMBLE_S)
                continue
            self._wake.wait(IDLE_S if wait_ms is None else min(IDLE_S, max(wait_ms, 20) / 1000))
            self._wake.clear()


class Spooler:
    """All printers of this node. `wake` after every commit; it returns at once."""

    def __init__(
        self,
        store: JobStore,
        render: Render,
        *,
        patience: Patience | None = None,
        transport_of: Callable[[Printer], Transport] = transport_of,
    ):
        self._store = store
        self._make = partial(PrinterWorker, store=store, render=render, patience=patience, transport_of=transport_of)
        self._workers: dict[str, PrinterWorker] = {}
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Settle what an earlier run left, then keep one worker for each printer."""
        self._store.recover()
        self._wake.set()
        self._thread = threading.Thread(target=self._run, daemon=True, name="spooler")
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self, wait_s: float = 5.0) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(wait_s)
        for worker in self._workers.values():
            worker.stop(0)
        for worker in self._workers.values():
            worker.stop(wait_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._stop.is_set():
                return
            try:
                self._hire()
            except Exception:
                log.exception("the spooler stumbled")
                self._stop.wait(STUMBLE_S)
                self._wake.set()
            for worker in self._workers.values():
                worker.wake()

    def _hire(self) -> None:
        """A worker for each printer in use; printers taken out of use lose theirs."""
        wanted = {printer.id for printer in self._store.printers()}
        for printer_id in wanted - self._workers.keys():
            self._workers[printer_id] = self._make(printer_id)
            self._workers[printer_id].start()
        for printer_id in self._workers.keys() - wanted:
            self._workers.pop(printer_id).stop(0)
