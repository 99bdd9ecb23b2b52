"""Putting work in front of a printer, in the transaction of whatever asked for it.

A job is a row, so it exists exactly if the sale exists; the worker in `shopnode/devices/spool.py` finds it after the
commit. Nothing here waits for hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.context import Context
from shopnode.domain.printing.models import JobKind, JobState, Printer, PrintJob
from shopnode.domain.printing.queries import drawer_printer_or_none, receipt_printer_or_none
from shopnode.domain.printing.rules import LIFE


def queue_sale_prints(ctx: Context, sale_id: str, *, receipt: bool, kick: bool) -> None:
    """A sale's drawer kick and receipt; a shop without a printer gets neither and sells all the same."""
    if kick:
        queue_drawer_kick(ctx, sale_id)
    if receipt:
        queue_receipt(ctx, sale_id)


def queue_drawer_kick(ctx: Context, subject_id: str | None = None) -> PrintJob | None:
    """Open the drawer within a few seconds, or not at all. None where no printer has a drawer."""
    printer = drawer_printer_or_none(ctx.session)
    return _add(ctx, printer, JobKind.DRAWER, subject_id) if printer else None


def queue_receipt(ctx: Context, sale_id: str, printer: Printer | None = None) -> PrintJob | None:
    """A sale's receipt; None where the shop has no printer."""
    printer = printer or receipt_printer_or_none(ctx.session)
    return queue_numbered(ctx, printer, None, sale_id) if printer else None


def queue_numbered(ctx: Context, printer: Printer, what: Mapping[str, Any] | None, subject_id: str) -> PrintJob:
    """A paper there is one original of: that, or the next COPY. One that still waits is tried at once instead.

    what  which slip it is, see papers; None for a receipt
    """
    waiting = _waiting_or_none(ctx.session, subject_id)
    if waiting is not None:
        waiting.printer_id = printer.id
        waiting.next_try_at, waiting.created_at = ctx.now, ctx.now
        waiting.expires_at = ctx.now + LIFE[JobKind.RECEIPT]
        return waiting
    job = _add(ctx, printer, JobKind.RECEIPT, subject_id, copy_no=next_copy_no(ctx.session, subject_id))
    job.payload = orjson.dumps(what).decode() if what else None
    return job


def queue_paper(
    ctx: Context, printer: Printer, what: Mapping[str, Any], subject_id: str | None = None, place: int = 0
) -> PrintJob:
    """A slip or labels, see papers: the payload says which.

    place  of several that are asked for at once, in the order they are to come out
    """
    job = _add(ctx, printer, JobKind.RECEIPT, subject_id)
    job.created_at += timedelta(milliseconds=place)
    job.payload = orjson.dumps(what).decode()
    return job


def queue_test_print(ctx: Context, printer: Printer) -> PrintJob:
    return _add(ctx, printer, JobKind.TEST, None)


def next_copy_no(session: Session, subject_id: str) -> int:
    """0 if nothing of this paper ever reached a printer from here, else one more than the last."""
    query = select(func.max(PrintJob.copy_no)).where(
        PrintJob.subject_id == subject_id, PrintJob.kind == JobKind.RECEIPT, PrintJob.sent_at.is_not(None)
    )
    last = session.execute(query).scalar_one()
    return 0 if last is None else last + 1


def _waiting_or_none(session: Session, subject_id: str) -> PrintJob | None:
    query = select(PrintJob).where(
        PrintJob.subject_id == subject_id, PrintJob.kind == JobKind.RECEIPT, PrintJob.state == JobState.QUEUED
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def _add(ctx: Context, printer: Printer, kind: JobKind, subject_id: str | None, copy_no: int = 0) -> PrintJob:
    job = PrintJob(
        id=ctx.new_id(),
        printer_id=printer.id,
        kind=kind.value,
        subject_id=subject_id,
        copy_no=copy_no,
        state=JobState.QUEUED.value,
        tries=0,
        created_at=ctx.now,
        next_try_at=ctx.now,
        expires_at=ctx.now + LIFE[kind],
        asked_by=ctx.actor.id,
    )
    ctx.session.add(job)
    return job
