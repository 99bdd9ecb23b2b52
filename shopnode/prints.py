"""From a print job to the bytes of its paper: where the spool, the books and the documents meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from shopnode.documents.escpos import Paper
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.node import NodeHome
from shopnode.domain.people.models import Shop
from shopnode.domain.printing.models import JobKind, Printer
from shopnode.domain.printing.store import Job
from shopnode.domain.queries import row_or_none


def renderer(home: NodeHome) -> Callable[[Job, Printer, Paper], bytes]:
    """What the spool asks for a job's bytes: all of them, before the first is sent."""

    def render(job: Job, printer: Printer, paper: Paper) -> bytes:
        with home.reading() as session:
            ctx = Context(home, CONSOLE, home.shop_id, db=session)
            return _test_page(ctx, printer, paper) if job.kind is JobKind.TEST else _receipt(ctx, job, paper)

    return render


def _receipt(ctx: Context, job: Job, paper: Paper) -> bytes:
    from shopnode.api.receipts import receipt_of_sale
    from shopnode.documents.receipt_escpos import receipt_bytes

    receipt = receipt_of_sale(ctx, job.subject_id or "")
    return receipt_bytes(replace(receipt, copy_no=job.copy_no), paper)


def _test_page(ctx: Context, printer: Printer, paper: Paper) -> bytes:
    from shopnode.documents.printer_check import printer_check_bytes

    shop = row_or_none(ctx.session, Shop, ctx.shop_id or "")
    at = ctx.now.astimezone(ZoneInfo(shop.timezone if shop else "UTC")).strftime("%d %b %Y, %H:%M")
    name = shop.name if shop else ""
    return printer_check_bytes(paper, shop_name=name, printer_name=printer.name, address=printer.address, at=at)
