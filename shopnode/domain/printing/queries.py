"""What printers there are, and what became of a print: the words screens show."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.capture import driver_cursor
from shopnode.domain.errors import NotFound
from shopnode.domain.printing.models import JobKind, JobState, Printer, PrintJob


@dataclass(frozen=True)
class PrintState:
    """The third mark of the header and of the done screen: printed, on its way, or why not."""

    state: JobState
    words: str
    copy_no: int = 0
    is_held: bool = False  # waits because the printer is in trouble; the words say which

    @property
    def is_settled(self) -> bool:
        return self.state not in (JobState.QUEUED, JobState.SENDING)


def printers(session: Session) -> list[Printer]:
    """Printers in use, the default one first."""
    return list(session.execute(_IN_USE).scalars())


_HAS_DRAWER = "SELECT 1 FROM printer WHERE archived_at IS NULL AND kicks_drawer LIMIT 1"
_IN_USE = select(Printer).where(Printer.archived_at.is_(None)).order_by(Printer.is_default.desc(), Printer.name)


def find_printer(session: Session, printer_id: str) -> Printer:
    """Raises NotFound."""
    printer = session.get(Printer, printer_id)
    if printer is None or printer.archived_at is not None:
        raise NotFound("This printer")
    return printer


def receipt_printer_or_none(session: Session) -> Printer | None:
    return next(iter(printers(session)), None)


def drawer_printer_or_none(session: Session) -> Printer | None:
    """The printer with the drawer. Every cash sale asks, and most shops have none or one."""
    if not driver_cursor(session).execute(_HAS_DRAWER).fetchone():
        return None
    return next((printer for printer in printers(session) if printer.kicks_drawer), None)


def receipt_state(session: Session, sale_id: str) -> PrintState | None:
    """What became of the newest receipt of a sale; None if none was asked for."""
    query = select(PrintJob).where(PrintJob.subject_id == sale_id, PrintJob.kind == JobKind.RECEIPT)
    job = session.execute(query.order_by(PrintJob.created_at.desc(), PrintJob.id.desc()).limit(1)).scalar_one_or_none()
    return None if job is None else _state(job)


def job_state(session: Session, job_id: str) -> PrintState:
    """Raises NotFound."""
    job = session.get(PrintJob, job_id)
    if job is None:
        raise NotFound("This print")
    return _state(job)


def printer_trouble_or_none(session: Session) -> str | None:
    """Why receipts wait, in the words of the oldest one; None when nothing is held up."""
    query = select(PrintJob.error).where(
        PrintJob.state == JobState.QUEUED, PrintJob.kind != JobKind.DRAWER, PrintJob.error.is_not(None)
    )
    return session.execute(query.order_by(PrintJob.created_at).limit(1)).scalar_one_or_none()


def _state(job: PrintJob) -> PrintState:
    state = JobState(job.state)
    if state is JobState.PRINTED:
        words = "Printed" if job.is_confirmed else "Sent to the printer, which does not report back"
    elif state is JobState.QUEUED:
        words = job.error or "Waiting for the printer"
    elif state is JobState.SENDING:
        words = "Printing"
    else:
        words = job.error or "Not printed"
    return PrintState(state, words, job.copy_no, is_held=state is JobState.QUEUED and job.error is not None)
