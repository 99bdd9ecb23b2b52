"""What a print job prints: from its row to bytes, before anything is sent."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.devices.spool import Render
from shopnode.documents.escpos import Paper
from shopnode.documents.label import LabelSize
from shopnode.documents.label_escpos import LabelPaper, labels_bytes
from shopnode.documents.printer_check import printer_check_bytes
from shopnode.documents.receipt_escpos import receipt_bytes
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.homes import Home
from shopnode.domain.people.models import Business, Shop
from shopnode.domain.people.queries import actor_for
from shopnode.domain.printing.models import JobKind, Printer, PrintJob
from shopnode.domain.printing.papers import Slip, read_wishes
from shopnode.domain.printing.store import Job
from shopnode.drawer_papers import x_slip, z_slip
from shopnode.labels import labels_for
from shopnode.papers import slip_bytes
from shopnode.receipts import local_time, receipt_of
from shopnode.repair_papers import delivery_slip, repair_slip


def render_job(home: Home) -> Render:
    """A renderer that reads the books as they stand when the job is printed."""

    def render(job: Job, printer: Printer, paper: Paper) -> bytes:
        with home.reading() as session:
            if job.kind is JobKind.TEST:
                return _check_page(session, job, printer, paper)
            if job.payload is not None:
                return _from_payload(home, session, job, job.payload, paper)
            if job.subject_id is None:
                raise ValueError("a receipt needs a sale")
            return receipt_bytes(receipt_of(session, job.subject_id, job.copy_no), paper)

    return render


def _from_payload(home: Home, session: Session, job: Job, payload: str, paper: Paper) -> bytes:
    """Labels, or a slip as the person who asked for it may see it."""
    told = orjson.loads(payload)
    if "labels" in told:
        wishes, size, on = read_wishes(payload)
        labels = labels_for(session, wishes, home.shop_id)
        return labels_bytes(labels, LabelSize(size), paper, LabelPaper(on))
    asked_by = session.get_one(PrintJob, job.id).asked_by
    actor = actor_for(session, asked_by, home.shop_id) if asked_by else CONSOLE
    if actor is None or job.subject_id is None:
        raise ValueError("whoever asked for this slip does not work here any more")
    ctx = Context(home, actor, home.shop_id).inside(session)
    slip = Slip(told["slip"])
    if slip is Slip.REPAIR:
        return repair_slip(ctx, job.subject_id, paper)
    if slip is Slip.REPAIR_DELIVERY:
        return delivery_slip(ctx, job.subject_id, paper)
    if slip is Slip.X_REPORT:
        return x_slip(ctx, job.subject_id, paper)
    if slip is Slip.Z_REPORT:
        return z_slip(ctx, job.subject_id, paper, job.copy_no)
    return slip_bytes(ctx, slip, job.subject_id, paper)


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
