"""Papers and labels over the API: as PDF to file and send, or as slips and labels on the shop's own printers."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Response
from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.documents.drawer_papers import drawer_letter
from shopnode.documents.label import LabelSize
from shopnode.documents.label_pdf import label_roll_pdf, label_sheet_pdf
from shopnode.documents.letter import Letter
from shopnode.documents.letter_pdf import letter_pdf
from shopnode.domain.errors import Invalid
from shopnode.domain.permissions import Permission
from shopnode.domain.printing.papers import LabelChoice, LabelSizeName, PrintLabels, PrintSlip, label_wishes
from shopnode.drawer_papers import x_paper, z_paper
from shopnode.labels import labels_for
from shopnode.papers import agreement_of_purchase, invoice_of, manifest_of_transfer, order_of, statement_of

PDF = "application/pdf"


class StatementPaperQuery(BaseModel):
    """Which days; the last 90 when none are named."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    date_from: QueryDay | None = None
    date_to: QueryDay | None = None


class LabelsIn(LabelChoice):
    """Labels as a PDF."""

    size: LabelSizeName = "50x30"
    layout: Literal["roll", "sheet"] = "roll"
    skip: Annotated[int, Field(ge=0, le=100, description="Places of the first sheet that are used up.")] = 0


class PrintedOut(BaseModel):
    """Where the print is: ask the printers' page what became of it."""

    jobs: list[str]
    labels: int = 0


@route("GET", "/sales/<sale_id>/invoice", needs=Permission.SALES_READ, media_type=PDF)
def get_invoice(call: Call, sale_id: str) -> Response:
    """A sale as an invoice on A4, a PDF."""
    return paper_response(invoice_of(call.ctx, sale_id))


@route("GET", "/customers/<customer_id>/statement/paper", needs=Permission.CUSTOMERS_READ, media_type=PDF)
def get_statement_paper(call: Call, customer_id: str, query: StatementPaperQuery) -> Response:
    """A customer's statement of account on A4, a PDF."""
    if query.date_from and query.date_to and query.date_from > query.date_to:
        raise Invalid({"date_from": "is after date_to"})
    return paper_response(statement_of(call.ctx, customer_id, query.date_from, query.date_to))


@route(
    "GET", "/purchase-orders/<order_id>/paper", needs=Permission.SUPPLIERS_READ, media_type=PDF, other_statuses=(409,)
)
def get_order_paper(call: Call, order_id: str) -> Response:
    """A purchase order on A4, a PDF; a draft has none yet."""
    return paper_response(order_of(call.ctx, order_id))


@route("GET", "/transfers/<transfer_id>/manifest", needs=Permission.DEVICES_READ, media_type=PDF)
def get_manifest(call: Call, transfer_id: str) -> Response:
    """A transfer's manifest on A4, a PDF: it travels with the goods."""
    return paper_response(manifest_of_transfer(call.ctx, transfer_id))


@route("GET", "/trade-ins/<purchase_id>/agreement", needs=Permission.USED_BUY, media_type=PDF)
def get_agreement(call: Call, purchase_id: str) -> Response:
    """The agreement of a phone bought from a person on A4, a PDF; who sold it is named to those who may see it."""
    return paper_response(agreement_of_purchase(call.ctx, purchase_id))


@route("GET", "/drawer-sessions/<drawer_id>/x/paper", needs=Permission.CLOSURES_READ, media_type=PDF)
def get_x_paper(call: Call, drawer_id: str) -> Response:
    """A drawer session's X report on A4, a PDF; it tells no sum before the count is in."""
    return paper_response(drawer_letter(x_paper(call.ctx, drawer_id)))


@route("GET", "/z-reports/<z_report_id>/paper", needs=Permission.CLOSURES_READ, media_type=PDF)
def get_z_paper(call: Call, z_report_id: str) -> Response:
    """One Z report on A4, a PDF."""
    return paper_response(drawer_letter(z_paper(call.ctx, z_report_id)))


@route("POST", "/labels", needs=Permission.PRODUCTS_READ, media_type=PDF, other_statuses=(404,))
def make_labels(call: Call, body: LabelsIn) -> Response:
    """Labels of products, phones or a whole delivery, a PDF: a page for each, or sheets of A4 to cut."""
    labels = labels_for(call.ctx.session, label_wishes(call.ctx, body), call.ctx.shop_id)
    size = LabelSize(body.size)
    pdf = label_sheet_pdf(labels, size, body.skip) if body.layout == "sheet" else label_roll_pdf(labels, size)
    return pdf_response(pdf, "labels")


@route("POST", "/labels/print", action="printing.print_labels", status=201)
def print_labels(call: Call, body: PrintLabels) -> PrintedOut:
    """Print labels on a printer of the shop."""
    return PrintedOut(**call.perform(body).result)


@route("POST", "/slips/print", action="printing.print_slip", status=201)
def print_slip(call: Call, body: PrintSlip) -> PrintedOut:
    """Print a slip on a printer of the shop: a transfer, an agreement, a return, money, a repair, an X or a Z."""
    return PrintedOut(jobs=[call.perform(body).result["job_id"]])


def paper_response(letter: Letter) -> Response:
    """A letter to look at in the browser, named after its number."""
    return pdf_response(letter_pdf(letter), letter.number or letter.title)


def pdf_response(pdf: bytes, name: str) -> Response:
    """A PDF to look at in the browser."""
    return Response(pdf, content_type=PDF, headers={"Content-Disposition": f'inline; filename="{name}.pdf"'})
