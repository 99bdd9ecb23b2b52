"""Printers of this shop: add, change, test, and what became of the last prints."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from shopnode.devices.setup import paper_of
from shopnode.documents.escpos_preview import preview_png
from shopnode.documents.printer_check import printer_check_bytes
from shopnode.domain.errors import ShopError
from shopnode.domain.people.models import Shop
from shopnode.domain.printing.models import JobKind, JobState, Printer, PrintJob
from shopnode.domain.printing.queries import find_printer
from shopnode.domain.printing.queries import printers as printers_in_use
from shopnode.domain.printing.queue import queue_test_print
from shopnode.domain.queries import row_or_none
from shopnode.domain.sales.models import Sale
from shopnode.web.ui.forms import posted, posted_action_id, read_form, without_action_id
from shopnode.web.ui.frame import manner, page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, read_again

bp = Blueprint("devices", __name__, template_folder="templates")

JOBS_SHOWN = 12
NEW = "new"
WAITS = (JobState.QUEUED.value, JobState.SENDING.value)
BOXES = ("has_drawer", "is_default")


@bp.get("/printers")
def printers() -> str:
    """What is set up, and a form for the one that is edited."""
    return _screen(request.args.get("edit"))


def _screen(edit: str | None, errors: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
    session = g.ctx.session
    editing = None if edit is None else {} if edit == NEW else _view(find_printer(session, edit))
    views = [_view(printer) for printer in printers_in_use(session)]
    if typed is not None and editing is not None:  # boxes come back as they were ticked
        editing = {**editing, "has_drawer": "has_drawer" in typed, "is_default": "is_default" in typed}
    return page(
        "office/printers.html", printers=views, editing=editing, errors=errors or {}, typed=typed or {},
        crumbs=[("Printers", None)], preview_url=_preview_url(editing, views), **_jobs(),
    )  # fmt: skip


def _preview_url(editing: dict[str, Any] | None, views: list[dict[str, Any]]) -> str | None:
    """The test print of the printer that is edited, else of the first."""
    shown = editing if editing and editing.get("id") else next(iter(views), None)
    return url_for("devices.preview", printer_id=shown["id"]) if shown else None


@bp.get("/printers/<id:printer_id>/preview.png")
def preview(printer_id: str) -> Response:
    """The test print, as this printer would print it."""
    printer = find_printer(g.ctx.session, printer_id)
    shop = row_or_none(g.ctx.session, Shop, g.ctx.shop_id)
    data = printer_check_bytes(
        paper_of(printer), shop_name=shop.name if shop else "", printer_name=printer.name, address=printer.address,
        at=f"{manner().now:%d %b %Y, %H:%M}",
    )  # fmt: skip
    return Response(preview_png(data, paper_of(printer)), content_type="image/png")


def _view(printer: Printer) -> dict[str, Any]:
    session = g.ctx.session
    waits = session.scalar(select(func.count()).where(PrintJob.printer_id == printer.id, PrintJob.state.in_(WAITS)))
    last = session.scalars(
        select(PrintJob).where(PrintJob.printer_id == printer.id).order_by(PrintJob.created_at.desc()).limit(1)
    ).first()
    return {
        "id": printer.id, "name": printer.name, "address": printer.address, "columns": printer.columns,
        "transport": "file" if printer.transport == "device" else printer.transport,
        "has_drawer": printer.kicks_drawer, "is_default": printer.is_default, "jobs": waits,
        **_state(last),
    }  # fmt: skip


def _state(last: PrintJob | None) -> dict[str, str]:
    """How the printer is, by what became of its newest job."""
    if last is None:
        return {"state": "unknown", "words": ""}
    if last.state == JobState.PRINTED:
        return {"state": "ready", "words": ""}
    if last.error:
        return {"state": "failed", "words": last.error}
    return {"state": "printing" if last.state in WAITS else "unknown", "words": ""}


def _jobs() -> dict[str, Any]:
    query = (
        select(PrintJob, Printer.name, Sale.number)
        .join(Printer, Printer.id == PrintJob.printer_id)
        .outerjoin(Sale, Sale.id == PrintJob.subject_id)
        .where(PrintJob.kind != JobKind.DRAWER.value)
        .order_by(PrintJob.created_at.desc(), PrintJob.id.desc())
        .limit(JOBS_SHOWN)
    )
    rows = g.ctx.session.execute(query).all()
    jobs = [
        {"what": _what(job, number), "state": job.state, "words": job.error or "", "printer": printer,
         "at": job.printed_at or job.created_at}
        for job, printer, number in rows
    ]  # fmt: skip
    return {"jobs": jobs, "busy": any(job.state in WAITS for job, _, _ in rows)}


def _what(job: PrintJob, number: str | None) -> str:
    if job.kind == JobKind.TEST:
        return "Test page"
    if job.payload is not None:
        named = "Labels" if job.subject_id is None else "Slip"
    else:
        named = f"Receipt {number or ''}".strip()
    return named + (f", COPY {job.copy_no}" if job.copy_no else "")


@bp.get("/printers/jobs")
def jobs() -> str:
    """The last prints, while one is under way."""
    return part("office/_print_jobs.html", **_jobs())


@bp.post("/printers/new", defaults={"printer_id": NEW})
@bp.post("/printers/<id:printer_id>")
def save_printer(printer_id: str) -> ResponseReturnValue:
    """Add a printer, or change one."""
    typed = posted()
    on_refusal(lambda error: _screen(printer_id, _errors(error), typed))
    fields = read_form(without_action_id(typed), boxes=BOXES)
    fields["kicks_drawer"] = fields.pop("has_drawer")
    fields["transport"] = "device" if fields.get("transport") == "file" else fields.get("transport", "tcp")
    fields["paper_mm"] = 58 if fields.get("columns") == "32" else 80
    if printer_id != NEW:
        fields["printer_id"] = printer_id
    act("printing.save_printer", fields, action_id=posted_action_id(typed))
    return redirect(url_for("devices.printers"), 303)


def _errors(error: ShopError) -> dict[str, str]:
    names = {"kicks_drawer": "has_drawer", "printer_id": ""}
    return {names.get(name, name): text for name, text in field_errors(error).items()}


@bp.post("/printers/<id:printer_id>/remove")
def remove_printer(printer_id: str) -> ResponseReturnValue:
    """Take a printer out of use."""
    act("printing.remove_printer", {"printer_id": printer_id}, action_id=posted_action_id(posted()))
    return redirect(url_for("devices.printers"), 303)


@bp.post("/printers/<id:printer_id>/test")
def test_print(printer_id: str) -> str:
    """Print a test page."""
    ctx = g.ctx
    with ctx.home.writing() as session:
        queue_test_print(ctx.inside(session), find_printer(session, printer_id))
    ctx.home.committed()
    read_again()
    return part("office/_print_jobs.html", **_jobs())
