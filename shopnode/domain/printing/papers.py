"""Slips and labels from the shop's printers: what may be printed by whom, asked for as an action, so that it is known
who printed a seller's agreement or fifty price labels.

A job of the kind `receipt` with a payload is one of these; the payload names the paper, and its words are read from the
books when it is printed. Labels go out in small jobs, so that a printer that runs empty repeats few of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.buying.models import GoodsReceipt, GoodsReceiptLine
from shopnode.domain.cash.models import DrawerSession, MoneyMove
from shopnode.domain.catalogue.models import Product
from shopnode.domain.closures.models import ZReport
from shopnode.domain.context import Context
from shopnode.domain.db import SyncedRow
from shopnode.domain.errors import Conflict, Invalid, NotFound, NotPermitted
from shopnode.domain.handsets.models import StockUnit, Transfer
from shopnode.domain.params import IdText, Optionally, Params
from shopnode.domain.permissions import Permission
from shopnode.domain.printing.models import Printer
from shopnode.domain.printing.queries import find_printer, receipt_printer_or_none
from shopnode.domain.printing.queue import queue_numbered, queue_paper
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.usedphones.models import UsedPurchase

LABELS_MAX = 300  # of one call
LABELS_A_JOB = 20
DOTS_PER_MM, DOTS_PER_COLUMN, MARGIN_DOTS = 8, 12, 16  # of a thermal printer, and what a label may lose at its sides
A_DELIVERY = timedelta(hours=1)  # from its own row to its last phone's; the clock may be set meanwhile


class Slip(StrEnum):
    """Papers that come out of a receipt printer."""

    TRANSFER = "transfer"
    AGREEMENT = "agreement"
    RETURN = "return"
    MONEY = "money"
    REPAIR = "repair"
    REPAIR_DELIVERY = "repair_delivery"
    X_REPORT = "x_report"
    Z_REPORT = "z_report"


@dataclass(frozen=True)
class _Source:
    """The rows a slip is about, and who may see them."""

    model: type[SyncedRow]
    needs: Permission
    what: str


SOURCES: Mapping[Slip, _Source] = {
    Slip.TRANSFER: _Source(Transfer, Permission.DEVICES_READ, "This transfer"),
    Slip.AGREEMENT: _Source(UsedPurchase, Permission.USED_BUY, "This purchase"),
    Slip.RETURN: _Source(SaleReturn, Permission.SALES_RETURN, "This return"),
    Slip.MONEY: _Source(MoneyMove, Permission.ACCOUNTS_COLLECT, "This payment"),
    Slip.REPAIR: _Source(RepairTicket, Permission.REPAIRS_READ, "This repair"),
    Slip.REPAIR_DELIVERY: _Source(RepairTicket, Permission.REPAIRS_READ, "This repair"),
    Slip.X_REPORT: _Source(DrawerSession, Permission.CLOSURES_READ, "This drawer session"),
    Slip.Z_REPORT: _Source(ZReport, Permission.CLOSURES_READ, "This Z report"),
}

LabelSizeName = Literal["38x25", "50x30"]
Copies = Annotated[int, Field(ge=1, le=LABELS_MAX)]


class NoPrinter(Conflict):
    code = "no-printer"

    def __init__(self) -> None:
        super().__init__("This shop has no printer. Set one up under Printers, or take the PDF.")


class ProductLabels(Params):
    """Labels of one product."""

    product_id: IdText
    copies: Copies = 1


class LabelChoice(Params):
    """What gets a label: products, phones, a whole delivery, and repairs; in this order."""

    products: Annotated[list[ProductLabels], Field(max_length=LABELS_MAX)] = Field(default_factory=list)
    unit_ids: Annotated[list[IdText], Field(max_length=LABELS_MAX)] = Field(default_factory=list)
    receipt_id: Annotated[IdText | None, Optionally] = None
    repair_ids: Annotated[list[IdText], Field(max_length=LABELS_MAX)] = Field(default_factory=list)
    copies: Annotated[int, Field(ge=1, le=10)] = 1  # of each phone's label: one for the box, one for the phone


class PrintLabels(LabelChoice):
    """Labels for a printer. `paper` says what is in it: die-cut labels, or a plain roll to cut."""

    size: LabelSizeName = "50x30"
    paper: Literal["labels", "receipt"] = "labels"
    printer_id: Annotated[IdText | None, Optionally] = None


class PrintSlip(Params):
    """A slip of something that is in the books."""

    slip: Literal[
        "transfer", "agreement", "return", "money", "repair", "repair_delivery", "x_report", "z_report"
    ]  # fmt: skip
    subject_id: IdText
    printer_id: Annotated[IdText | None, Optionally] = None


@dataclass(frozen=True)
class LabelWish:
    """So many labels of one product, one phone or one repair."""

    copies: int
    product_id: str | None = None
    unit_id: str | None = None
    ticket_id: str | None = None


@action("printing.print_slip", needs=Permission.PRINTERS_USE)
def print_slip(ctx: Context, form: PrintSlip) -> dict[str, Any]:
    """Print a slip: a transfer, an agreement, a return, money, a repair, an X or a Z; a Z printed again is a COPY.

    Raises NotFound, NotPermitted, NoPrinter.
    """
    slip = Slip(form.slip)
    check_slip(ctx, slip, form.subject_id)
    printer = _printer(ctx, form.printer_id)
    queue = queue_numbered if slip is Slip.Z_REPORT else queue_paper
    job = queue(ctx, printer, {"slip": slip.value}, form.subject_id)
    ctx.about(SOURCES[slip].model.__tablename__, form.subject_id)
    return {"job_id": job.id}


@action("printing.print_labels", needs=Permission.PRINTERS_USE)
def print_labels(ctx: Context, form: PrintLabels) -> dict[str, Any]:
    """Print labels of products and phones, or of all that came with a delivery.

    Raises NotFound, NotPermitted, Invalid, NoPrinter.
    """
    wishes = label_wishes(ctx, form)
    printer = _printer(ctx, form.printer_id)
    _check_width(form.size, printer)
    jobs = [
        queue_paper(ctx, printer, {"labels": part, "size": form.size, "paper": form.paper}, place=place).id
        for place, part in enumerate(_in_jobs(wishes))
    ]
    return {"jobs": jobs, "labels": sum(wish.copies for wish in wishes)}


def check_slip(ctx: Context, slip: Slip, subject_id: str) -> None:
    """Raises NotFound, NotPermitted."""
    source = SOURCES[slip]
    if not ctx.may(source.needs):
        raise NotPermitted
    find_row(ctx.session, source.model, subject_id, source.what)


def label_wishes(ctx: Context, chosen: LabelChoice) -> list[LabelWish]:
    """Which labels these are, each thing once. Raises NotFound, NotPermitted, Invalid."""
    wishes = [LabelWish(item.copies, product_id=item.product_id) for item in chosen.products]
    wishes += [LabelWish(chosen.copies, unit_id=unit_id) for unit_id in dict.fromkeys(chosen.unit_ids)]
    if chosen.receipt_id is not None:
        wishes += _of_delivery(ctx, chosen.receipt_id, chosen.copies)
    wishes += [LabelWish(chosen.copies, ticket_id=ticket_id) for ticket_id in dict.fromkeys(chosen.repair_ids)]
    if not wishes:
        raise Invalid({"products": "name what gets a label: products, phones, a delivery or repairs"})
    if sum(wish.copies for wish in wishes) > LABELS_MAX:
        raise Invalid({"copies": f"are more than {LABELS_MAX} labels in all: print them in parts"})
    if any(wish.unit_id for wish in wishes) and not ctx.may(Permission.DEVICES_READ):
        raise NotPermitted
    if chosen.repair_ids and not ctx.may(Permission.REPAIRS_READ):
        raise NotPermitted
    if not ctx.may(Permission.PRODUCTS_READ):
        raise NotPermitted
    _check_here(ctx.session, Product, {wish.product_id for wish in wishes if wish.product_id}, "One of these products")
    _check_here(ctx.session, StockUnit, {wish.unit_id for wish in wishes if wish.unit_id}, "One of these phones")
    _check_here(ctx.session, RepairTicket, set(chosen.repair_ids), "One of these repairs")
    return wishes


def _of_delivery(ctx: Context, receipt_id: str, copies: int) -> list[LabelWish]:
    """Every good piece that came with a delivery: phones by their numbers, the rest by quantity."""
    receipt = find_row(ctx.session, GoodsReceipt, receipt_id, "This delivery")
    if not ctx.may(Permission.SUPPLIERS_READ):
        raise NotPermitted
    query = (
        select(GoodsReceiptLine.product_id, GoodsReceiptLine.quantity)
        .join(Product, Product.id == GoodsReceiptLine.product_id)
        .where(GoodsReceiptLine.receipt_id == receipt.id, GoodsReceiptLine.quantity > 0, ~Product.is_serialised)
        .order_by(GoodsReceiptLine.line_no)
    )
    goods = [LabelWish(quantity, product_id=product_id) for product_id, quantity in ctx.session.execute(query)]
    came_with_it = or_(
        StockUnit.source == receipt.number, StockUnit.source.endswith(f", {receipt.number}", autoescape=True)
    )
    phones = select(StockUnit.id).where(
        StockUnit.shop_id == receipt.shop_id, came_with_it,
        StockUnit.received_at.between(receipt.received_at - A_DELIVERY, receipt.received_at + A_DELIVERY),
    )  # fmt: skip
    found = ctx.session.scalars(phones.order_by(StockUnit.product_id, StockUnit.id))
    return goods + [LabelWish(copies, unit_id=unit_id) for unit_id in found]


def _check_here(
    session: Session, model: type[Product] | type[StockUnit] | type[RepairTicket], ids: set[str], what: str
) -> None:
    found = set(session.scalars(select(model.id).where(model.id.in_(ids)))) if ids else set()
    if found != ids:
        raise NotFound(what)


def _printer(ctx: Context, printer_id: str | None) -> Printer:
    printer = find_printer(ctx.session, printer_id) if printer_id else receipt_printer_or_none(ctx.session)
    if printer is None:
        raise NoPrinter
    return printer


def _check_width(size: str, printer: Printer) -> None:
    """Raises Invalid where the label would lose more than its margin."""
    wide = int(size.partition("x")[0])
    if wide * DOTS_PER_MM > printer.columns * DOTS_PER_COLUMN + MARGIN_DOTS:
        raise Invalid(
            {"size": f"of {wide} mm is wider than the line of “{printer.name}”: take the smaller, or the PDF"}
        )


def _in_jobs(wishes: Sequence[LabelWish]) -> list[list[dict[str, Any]]]:
    """Split into jobs of a few labels each."""
    jobs: list[list[dict[str, Any]]] = []
    room = 0
    for wish in wishes:
        left = wish.copies
        while left:
            if not room:
                jobs.append([])
                room = LABELS_A_JOB
            now = min(left, room)
            named = {"product_id": wish.product_id, "unit_id": wish.unit_id, "ticket_id": wish.ticket_id}
            jobs[-1].append({"copies": now, **{name: value for name, value in named.items() if value}})
            left, room = left - now, room - now
    return jobs


def read_wishes(payload: str) -> tuple[list[LabelWish], str, str]:
    """What a label job prints: the wishes, the size, the paper."""
    told = orjson.loads(payload)
    return [LabelWish(**wish) for wish in told["labels"]], told["size"], told["paper"]
