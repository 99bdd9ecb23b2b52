"""A node's job table, a fake printer, and a worker that loses no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shopnode.devices.fake_printer import FakePrinter
from shopnode.devices.printing import Patience
from shopnode.devices.spool import PrinterWorker
from shopnode.devices.transports import TcpTransport, Timeouts
from shopnode.documents.escpos import PAPER_80, Escpos, Paper, Style
from shopnode.domain.clock import ManualClock, new_id, to_datetime
from shopnode.domain.db import Base
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.printing.models import JobKind, JobState, Printer, PrintJob
from shopnode.domain.printing.rules import LIFE
from shopnode.domain.printing.store import Job, JobStore

QUICK = Timeouts(connect_s=0.5, answer_s=0.3, stall_s=0.4, job_s=5.0)
IMPATIENT = Patience(answer_s=0.3, one_way_s=0.1, settle_share=0)


class Spool:
    """The table with one printer in it, and what a test wants to know of it."""

    def __init__(self, database: NodeDatabase, clock: ManualClock):
        self.database, self.clock = database, clock
        self.store = JobStore(database, clock)

    def add_printer(self, address: str, **settings: Any) -> str:
        row = Printer(
            id=new_id(self.clock.wall_ms()), name="Counter", transport="tcp", address=address, paper_mm=80, columns=48,
            code_page="cp1252", is_default=True, kicks_drawer=True, cuts=True, asks_status=True, qr_as_image=False,
            created_at=to_datetime(self.clock.wall_ms()),
        )  # fmt: skip
        for name, value in settings.items():
            setattr(row, name, value)
        with self.database.writing() as session:
            session.add(row)
        return row.id

    def add_job(self, printer_id: str, kind: JobKind = JobKind.RECEIPT, subject: str | None = None) -> str:
        self.clock.advance(1)
        now = to_datetime(self.clock.wall_ms())
        row = PrintJob(
            id=new_id(self.clock.wall_ms()), printer_id=printer_id, kind=kind.value, state=JobState.QUEUED.value,
            subject_id=subject, copy_no=0, tries=0, created_at=now, next_try_at=now, expires_at=now + LIFE[kind],
        )  # fmt: skip
        with self.database.writing() as session:
            session.add(row)
        return row.id

    def job(self, job_id: str) -> PrintJob:
        with self.database.reading() as session:
            return session.get_one(PrintJob, job_id)

    def worker(self, printer_id: str, render: Callable[..., bytes] | None = None, **how: Any) -> PrinterWorker:
        how.setdefault("patience", IMPATIENT)
        how.setdefault("transport_of", quick_transport)
        return PrinterWorker(printer_id, self.store, render or render_numbered, **how)


def quick_transport(printer: Printer) -> TcpTransport:
    host, port = printer.address.split(":")
    return TcpTransport(host, int(port), QUICK)


def render_numbered(job: Job, printer: Printer, paper: Paper) -> bytes:
    """A little document that says which job it is and which copy."""
    sheet = Escpos(paper)
    sheet.line(f"job {job.id}", Style(bold=True))
    if job.copy_no:
        sheet.line(f"COPY {job.copy_no}")
    for number in range(40):
        sheet.line(f"line {number} of something that was sold here")
    sheet.cut()
    return sheet.getvalue()


def empty_database(folder: Path) -> NodeDatabase:
    """A node's file with nothing but the spool's tables."""
    database = NodeDatabase(folder / "node.db", bytes(32))
    Base.metadata.create_all(database.raw_writer(), tables=[Printer.__table__, PrintJob.__table__])  # type: ignore[list-item]
    return database


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    database = empty_database(tmp_path)
    yield Spool(database, ManualClock())
    database.close()


@pytest.fixture
def printer() -> Iterator[FakePrinter]:
    with FakePrinter(paper=PAPER_80) as fake:
        yield fake


@pytest.fixture
def counter(spool: Spool, printer: FakePrinter) -> str:
    """The id of the row of the fake printer."""
    return spool.add_printer(printer.address)
