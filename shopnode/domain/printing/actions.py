"""Setting printers up.

Printers are local rows, so these entries carry none; they are in the journal all the same, because who sent the
receipts elsewhere, and when, is what an owner asks about.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import update

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.params import IdText, Name, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.printing.models import CodePage, Printer, Transport
from shopnode.domain.printing.queries import find_printer, printers
from shopnode.domain.printing.rules import check_address

PRINTERS_MAX = 20
COLUMNS_OF = {58: 32, 80: 48}


class SavePrinter(Params):
    """A printer, new or changed; without `printer_id` a new one."""

    printer_id: IdText | None = None
    name: Annotated[Name, Field(max_length=80)]
    transport: Transport
    address: Annotated[Name, Field(max_length=120)]
    paper_mm: Literal[58, 80] = 80
    columns: Annotated[int, Field(ge=24, le=64)] | None = None
    code_page: CodePage = CodePage.CP1252
    is_default: bool = True
    kicks_drawer: bool = False
    cuts: bool = True
    asks_status: bool | None = None
    qr_as_image: bool = False


class OnePrinter(Params):
    printer_id: IdText


@action("printing.save_printer", needs=Permission.PRINTERS_MANAGE)
def save_printer(ctx: Context, new: SavePrinter) -> dict[str, Any]:
    """Set a printer up, or change one.

    Raises NotFound, Invalid.
    """
    try:
        address = check_address(new.transport, new.address)
    except ValueError as wrong:
        raise Invalid({"address": str(wrong)}) from None
    in_use = printers(ctx.session)
    if new.printer_id is None:
        if len(in_use) >= PRINTERS_MAX:
            raise Invalid({"": f"There are {PRINTERS_MAX} printers already. Remove one first."})
        printer = Printer(id=ctx.new_id(), created_at=ctx.now)
    else:
        printer = find_printer(ctx.session, new.printer_id)
    is_default = new.is_default or not any(row.is_default for row in in_use if row.id != printer.id)
    if is_default:
        ctx.session.execute(update(Printer).where(Printer.id != printer.id).values(is_default=False))
    printer.name, printer.transport, printer.address = new.name, new.transport.value, address
    printer.paper_mm, printer.columns = new.paper_mm, new.columns or COLUMNS_OF[new.paper_mm]
    printer.code_page, printer.is_default = new.code_page.value, is_default
    printer.kicks_drawer, printer.cuts, printer.qr_as_image = new.kicks_drawer, new.cuts, new.qr_as_image
    # A device file need not answer; a network printer that is silent is stalled, unless somebody says otherwise.
    printer.asks_status = new.transport is Transport.TCP if new.asks_status is None else new.asks_status
    ctx.session.add(printer)
    ctx.about("printer", printer.id)
    return {"id": printer.id}


@action("printing.remove_printer", needs=Permission.PRINTERS_MANAGE)
def remove_printer(ctx: Context, which: OnePrinter) -> dict[str, Any]:
    """Take a printer out of use; another one becomes the default.

    Raises NotFound.
    """
    printer = find_printer(ctx.session, which.printer_id)
    printer.archived_at = ctx.now
    heirs = [row for row in printers(ctx.session) if row.id != printer.id]
    if printer.is_default and heirs:
        heirs[0].is_default = True
    printer.is_default = False
    ctx.about("printer", printer.id)
    return {"id": printer.id}
