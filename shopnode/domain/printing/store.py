"""The spool's side of the job table: which job is next, and what became of it.

Each step is a short transaction of its own, so that what is on disk is never ahead of what the printer was told:
`start_sending` commits before the first byte, `printed` after the last answer.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shopnode.domain.clock import Clock, to_datetime
from shopnode.domain.printing.models import JobKind, JobState, Printer, PrintJob
from shopnode.domain.printing.rules import DRAWER_DELAY, is_due, is_in_time, retry_delay

TOO_LATE = {
    JobKind.RECEIPT: "Not printed: the printer was not ready in time. The sale is saved. Print it again from the sale.",
    JobKind.DRAWER: "Drawer not opened: the printer was not ready in time. Open it with its key.",
    JobKind.TEST: "Not printed: the printer was not ready in time.",
}
CUT_SHORT = "The computer stopped while this was printing. It is printed again, marked COPY."
DRAWER_CUT_SHORT = "The computer stopped while the drawer was opening. It is not opened a second time."


@dataclass(frozen=True)
class Job:
    """One job as the worker sees it; a copy, so nothing it does changes the row."""

    id: str
    printer_id: str
    kind: JobKind
    subject_id: str | None
    copy_no: int
    payload: str | None
    tries: int
    was_sent: bool


class _Database(Protocol):
    def reading(self) -> AbstractContextManager[Session]: ...

    def writing(self) -> AbstractContextManager[Session]: ...


class JobStore:
    """Jobs in the node's own file. Safe to use from several threads: every call opens its own session."""

    def __init__(self, database: _Database, clock: Clock):
        self._database, self._clock = database, clock

    def printers(self) -> list[Printer]:
        with self._database.reading() as session:
            return list(session.execute(select(Printer).where(Printer.archived_at.is_(None))).scalars())

    def find(self, printer_id: str) -> Printer:
        with self._database.reading() as session:
            return session.get_one(Printer, printer_id)

    def recover(self) -> None:
        """Settle what an earlier run left behind. Call once at start-up, before any worker.

        A receipt that was being sent is printed again as a COPY, because paper may have come out. A drawer never
        opens for an earlier run.
        """
        with self._database.writing() as session:
            for job in session.execute(select(PrintJob).where(PrintJob.state == JobState.SENDING)).scalars():
                if job.kind == JobKind.DRAWER:
                    job.state, job.error = JobState.FAILED.value, DRAWER_CUT_SHORT
                else:
                    job.state, job.error = JobState.QUEUED.value, CUT_SHORT
                    job.copy_no += 1
            waiting = select(PrintJob).where(PrintJob.state == JobState.QUEUED, PrintJob.kind == JobKind.DRAWER)
            for job in session.execute(waiting).scalars():
                job.state, job.error = JobState.EXPIRED.value, TOO_LATE[JobKind.DRAWER]

    def next_due(self, printer_id: str) -> Job | None:
        """The job to try now: a drawer first, then the oldest. Any job that is due lets the oldest have its turn,
        so receipts keep their order and a new sale wakes a printer that was given up for a while.
        """
        now = self._now()
        with self._database.reading() as session:
            found = list(session.execute(_waiting(printer_id)).scalars())
        waiting = [job for job in found if _is_in_time(job, now)]
        if len(waiting) < len(found):
            self._expire(printer_id, now)
        due = [job for job in waiting if is_due(now, job.next_try_at)]
        if not due:
            return None
        drawer = next((job for job in due if job.kind == JobKind.DRAWER), None)
        return _job(drawer or next(job for job in waiting if job.kind != JobKind.DRAWER))

    def wait_ms(self, printer_id: str) -> int | None:
        """Milliseconds until a waiting job is due; None when none waits."""
        with self._database.reading() as session:
            times = [job.next_try_at for job in session.execute(_waiting(printer_id)).scalars()]
        if not times:
            return None
        now = self._now()
        if any(is_due(now, time) for time in times):
            return 0
        return (min(times) - now) // timedelta(milliseconds=1)

    def start_sending(self, job_id: str) -> bool:
        """Commit that bytes are about to go out. False if the job is settled, taken or too late: send nothing."""
        with self._database.writing() as session:
            job = session.get_one(PrintJob, job_id)
            now = self._now()
            if job.state != JobState.QUEUED or not _is_in_time(job, now):
                return False
            job.state = JobState.SENDING.value
            job.sent_at = job.sent_at or now
            return True

    def printed(self, job_id: str, *, is_confirmed: bool) -> None:
        """It is out. What waited behind it because the printer was in trouble is due at once."""
        with self._database.writing() as session:
            job = session.get_one(PrintJob, job_id)
            job.state, job.error = JobState.PRINTED.value, None
            job.tries += 1
            job.printed_at, job.is_confirmed = self._now(), is_confirmed
            session.flush()
            for waiting in session.execute(_waiting(job.printer_id)).scalars():
                waiting.next_try_at = min(waiting.next_try_at, self._now())

    def try_later(self, job_id: str, error: str) -> None:
        """The printer was not ready, or stopped half-way: keep the job, later and marked COPY if paper may be out.

        What stands behind a receipt waits as long: one that was due would otherwise let the first try again at once.
        """
        with self._database.writing() as session:
            job = session.get_one(PrintJob, job_id)
            if job.state == JobState.SENDING:
                job.copy_no += 1
            job.tries += 1
            job.state, job.error = JobState.QUEUED.value, error
            if job.kind == JobKind.DRAWER:
                job.next_try_at = self._now() + DRAWER_DELAY
                return
            session.flush()
            behind = _waiting(job.printer_id).where(PrintJob.kind != JobKind.DRAWER)
            for waiting in session.execute(behind).scalars():
                waiting.next_try_at = self._now() + retry_delay(job.tries)

    def failed(self, job_id: str, error: str) -> None:
        """Given up for good; the words say what to do."""
        with self._database.writing() as session:
            job = session.get_one(PrintJob, job_id)
            job.tries += 1
            job.state, job.error = JobState.FAILED.value, error

    def _expire(self, printer_id: str, now: datetime) -> None:
        with self._database.writing() as session:
            for job in session.execute(_waiting(printer_id)).scalars():
                if not _is_in_time(job, now):
                    words = TOO_LATE[JobKind.TEST if job.payload is not None else JobKind(job.kind)]
                    job.state, job.error = JobState.EXPIRED.value, words

    def _now(self) -> datetime:
        return to_datetime(self._clock.wall_ms())


def _is_in_time(job: PrintJob, now: datetime) -> bool:
    return is_in_time(JobKind(job.kind), now, job.created_at, job.expires_at)


def _waiting(printer_id: str) -> Select[PrintJob]:
    query = select(PrintJob).where(PrintJob.printer_id == printer_id, PrintJob.state == JobState.QUEUED)
    return query.order_by(PrintJob.created_at, PrintJob.id)


def _job(row: PrintJob) -> Job:
    return Job(
        row.id, row.printer_id, JobKind(row.kind), row.subject_id, row.copy_no, row.payload, row.tries,
        row.sent_at is not None,
    )  # fmt: skip
