"""Printing a receipt again: every later print says COPY n, and is written down with who asked for it (rule 33)."""

from __future__ import annotations

from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.params import IdText, Params
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.printing.queue import queue_receipt
from shopnode.domain.queries import find_row
from shopnode.domain.sales.counter_events import tell_reprint
from shopnode.domain.sales.models import Sale
from shopnode.domain.settings.queries import number_setting


class PrintReceipt(Params):
    """Whose receipt."""

    sale_id: IdText


@action("printing.print_receipt", needs=Permission.PRINTERS_USE)
def print_receipt(ctx: Context, which: PrintReceipt) -> dict[str, Any]:
    """Print a receipt: the original if it never came out, else the next COPY. A shop without a printer prints none.

    Raises ApprovalNeeded, NotFound.
    """
    sale = find_row(ctx.session, Sale, which.sale_id, "This sale")
    job = queue_receipt(ctx, sale.id)
    if job is not None and job.copy_no:
        _check_copies(ctx, sale.number, job.copy_no)
        tell_reprint(ctx, sale.id, job.copy_no)
    ctx.about("sale", sale.id)
    return {"sale_id": sale.id, "copy": job.copy_no if job is not None else None}


def _check_copies(ctx: Context, number: str, copy_no: int) -> None:
    """Staff print so many copies of one receipt alone. Raises ApprovalNeeded."""
    alone = number_setting(ctx.session, "receipt_copies_staff")
    if alone and copy_no > alone and ctx.actor.role is Role.STAFF:
        ctx.require_approval(f"This would be copy {copy_no} of receipt {number}.")
