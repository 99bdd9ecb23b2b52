"""What a print job prints: from its row to bytes, before anything is sent."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.devices.spool import Render
from shopnode.documents.escpos import Paper
from shopnode.documents.printer_check import printer_check_bytes
from shopnode.documents.receipt_escpos import receipt_bytes
from shopnode.domain.people.models import Business, Shop
from shopnode.domain.printing.models import JobKind, Printer, PrintJob
from shopnode.domain.printing.store import Job
from shopnode.receipts import local_time, receipt_of


class _Database(Protocol):
    def reading(self) -> AbstractContextManager[Session]: ...


def render_job(database: _Database) -> Render:
    """A renderer that reads the books as they stand when the job is printed."""

    def render(job: Job, printer: Printer, paper: Paper) -> bytes:
        with database.reading() as session:
            if job.kind is JobKind.TEST:
                return _check_page(session, job, printer, paper)
            if job.subject_id is None:
                raise ValueError("a receipt needs a sale")
            return receipt_bytes(receipt_of(session, job.subject_id, job.copy_no), paper)

    return render


def _check_page(session: Session, job: Job, printer: Printer, paper: Paper) -> bytes:
    business = session.scalars(select(Business)).first()
    shop = session.scalars(select(Shop)).first()
    zone = ZoneInfo(shop.timezone if shop else "UTC")
    asked_at = session.get_one(PrintJob, job.id).created_at
    return printer_check_bytes(
        paper,
        shop_name=business.name if business else "",
        printer_name=printer.name,
        address=printer.address,
        at=local_time(asked_at, zone),
    )
