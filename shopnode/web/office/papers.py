"""Papers for the shelf and the hand: invoices, statements, orders, manifests and agreements as PDF, slips through the
printer, and labels of whatever was scanned. What each says is decided in shopnode/papers and shopnode/labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from shopnode.documents.label import Label, LabelSize
from shopnode.documents.label_escpos import DOTS_PER_MM, draw_label
from shopnode.documents.label_pdf import label_roll_pdf, label_sheet_pdf, sheet_places
from shopnode.documents.letter import Letter
from shopnode.documents.letter_pdf import letter_pdf
from shopnode.documents.raster import to_png
from shopnode.domain.catalogue.queries import products_by_code
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.queries import unit_by_number_or_none
from shopnode.domain.permissions import Permission
from shopnode.domain.printing.papers import LABELS_MAX, LabelChoice, label_wishes
from shopnode.domain.printing.queries import printers
from shopnode.labels import labels_for
from shopnode.papers import agreement_of_purchase, invoice_of, manifest_of_transfer, order_of, statement_of
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.forms import posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx

SIZES = [("50x30", "50 × 30 mm"), ("38x25", "38 × 25 mm")]
LAYOUTS = [("roll", "One to a page, for a label printer"), ("sheet", "Sheets of A4, to cut apart")]
PAPERS = [("labels", "Label roll"), ("receipt", "Receipt roll, to cut apart")]
MANY = re.compile(r"^(.*?)\s*(?:\s[x*×]|×|\*)\s*(\d{1,4})$", re.IGNORECASE)
COUNT = re.compile(r"[1-9]\d{0,2}")


@bp.get("/sales/<id:sale_id>/invoice.pdf")
def invoice_pdf(sale_id: str) -> Response:
    """The sale as an invoice."""
    return _letter(invoice_of(g.ctx, sale_id))


@bp.get("/customers/<id:customer_id>/statement.pdf")
def statement_pdf(customer_id: str) -> Response:
    """What a customer owes, to hand out."""
    return _letter(statement_of(g.ctx, customer_id, _day("from"), _day("to")))


@bp.get("/orders/<id:order_id>/order.pdf")
def order_pdf(order_id: str) -> Response:
    """A purchase order, to send to the supplier."""
    return _letter(order_of(g.ctx, order_id))


@bp.get("/transfers/<id:transfer_id>/manifest.pdf")
def manifest_pdf(transfer_id: str) -> Response:
    """What travels with a transfer."""
    return _letter(manifest_of_transfer(g.ctx, transfer_id))


@bp.get("/used-phones/<id:purchase_id>/agreement.pdf")
def agreement_pdf(purchase_id: str) -> Response:
    """The agreement of a phone bought from a person."""
    return _letter(agreement_of_purchase(g.ctx, purchase_id))


@bp.post("/slips/<slip>/<id:subject_id>")
def print_slip(slip: str, subject_id: str) -> ResponseReturnValue:
    """A slip from the receipt printer: of a transfer, an agreement, a return, or money in or out."""
    form = {"slip": slip, "subject_id": subject_id}
    act("printing.print_slip", form, action_id=posted_action_id(dict(request.form)))
    if is_htmx():
        return part("office/_slip_state.html")
    return redirect(url_for("devices.printers"), 303)


@bp.get("/labels")
def labels() -> str:
    """Labels: what was scanned or chosen, how many, on what."""
    return _labels_page(request.args)


@bp.get("/labels.pdf")
def labels_pdf() -> ResponseReturnValue:
    """The chosen labels as a PDF."""
    asked = request.args
    on_refusal(lambda error: _labels_page(asked, field_errors(error, {"codes", "copies"})))
    found, size = _labels(_choice(asked)), _size(asked)
    if asked.get("layout") == "sheet":
        skip = int(asked["skip"]) if COUNT.fullmatch(asked.get("skip", "")) else 0
        return _pdf(label_sheet_pdf(found, size, skip), "labels")
    return _pdf(label_roll_pdf(found, size), "labels")


@bp.get("/labels.png")
def label_png() -> Response:
    """The first of the chosen labels, as a label printer prints it."""
    size = _size(request.args)
    found = _labels(_choice(request.args))[:1] or [Label("", "", "")]
    picture = draw_label(found[0], size, round(size.width_mm * DOTS_PER_MM))
    return Response(to_png(picture, 2), content_type="image/png")


@bp.post("/labels/print")
def print_labels() -> ResponseReturnValue:
    """Print the chosen labels."""
    asked = request.form
    on_refusal(lambda error: _labels_page(asked, field_errors(error, {"codes", "copies", "size"})))
    form = {**_choice(asked), "size": _size(asked).value, "paper": asked.get("paper", "labels")}
    if asked.get("printer_id"):
        form["printer_id"] = asked["printer_id"]
    done = act("printing.print_labels", form, action_id=posted_action_id(dict(asked)))
    kept: dict[str, Any] = {name: asked.getlist(name) for name in asked if name not in ("action_id", "codes")}
    return redirect(url_for("office.labels", **kept, printed=done.result["labels"]), 303)


def _labels_page(asked: MultiDict[str, str], errors: Mapping[str, str] | None = None) -> str:
    wrong, chosen, form = dict(errors or {}), [], {}
    try:
        form = _choice(asked)
        chosen = _labels(form) if form["products"] or form["unit_ids"] or form.get("receipt_id") else []
    except Invalid as fault:
        wrong = {**field_errors(fault, {"codes", "copies"}), **wrong}
    rows: dict[tuple[str, str, str, str], int] = {}
    for label in chosen:
        key = (label.name, label.detail, label.price, label.number or label.code)
        rows[key] = rows.get(key, 0) + 1
    across, down = sheet_places(_size(asked))
    typed = {name: asked.get(name, "") for name in ("codes", "size", "layout", "paper", "printer_id", "skip", "copies")}
    may_print = g.ctx.home.is_shop and g.ctx.may(Permission.PRINTERS_USE)
    return page(
        "office/labels.html", rows=[(*key, count) for key, count in rows.items()], count=len(chosen), errors=wrong,
        typed=typed, sizes=SIZES, layouts=LAYOUTS, papers=PAPERS, on_a_sheet=across * down,
        hidden=[(name, value) for name in ("product_id", "unit_id", "receipt_id") for value in asked.getlist(name)],
        printers=[(row.id, row.name) for row in printers(g.ctx.session)] if may_print else [], may_print=may_print,
        preview=url_for("office.label_png", **_shown(asked)) if chosen else None,
        printed=asked.get("printed") if COUNT.fullmatch(asked.get("printed", "")) else None,
        crumbs=[("Labels", None)],
    )  # fmt: skip


def _shown(asked: MultiDict[str, str]) -> dict[str, Any]:
    """What the preview needs: the choice and the size."""
    return {
        name: asked.getlist(name)
        for name in ("codes", "product_id", "unit_id", "receipt_id", "size")
        if asked.get(name)
    }


def _labels(form: Mapping[str, Any]) -> list[Label]:
    wishes = label_wishes(g.ctx, LabelChoice.model_validate(form))
    return labels_for(g.ctx.session, wishes, g.ctx.shop_id)


def _choice(asked: MultiDict[str, str]) -> dict[str, Any]:
    """What gets a label, by what was scanned and what links named. Raises Invalid, naming the first that is unknown."""
    copies = asked.get("copies", "").strip() or "1"
    if not COUNT.fullmatch(copies) or int(copies) > 10:
        raise Invalid({"copies": "is a number from 1 to 10"})
    products = [(product_id, int(copies)) for product_id in asked.getlist("product_id")[:LABELS_MAX]]
    units = asked.getlist("unit_id")[:LABELS_MAX]
    for line in [line.strip() for line in asked.get("codes", "").splitlines() if line.strip()][: LABELS_MAX + 1]:
        found = MANY.match(line)
        code, count = (found[1], int(found[2])) if found else (line, int(copies))
        unit = unit_by_number_or_none(g.ctx, code)
        if unit is not None:
            units.append(unit.unit_id)
            continue
        product = next(iter(products_by_code(g.ctx, code)), None)
        if product is None:
            raise Invalid({"codes": f"{code[:40]} is no barcode, SKU or phone known here; correct it or take it out"})
        if not count:
            raise Invalid({"codes": f"{code[:40]}: how many? Write a number above nothing"})
        products.append((product.id, count))
    form: dict[str, Any] = {
        "products": [{"product_id": product_id, "copies": count} for product_id, count in products],
        "unit_ids": units, "copies": int(copies),
    }  # fmt: skip
    if asked.get("receipt_id"):
        form["receipt_id"] = asked["receipt_id"]
    return form


def _size(asked: MultiDict[str, str]) -> LabelSize:
    return LabelSize(asked["size"]) if asked.get("size") in dict(SIZES) else LabelSize.LARGE


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def _letter(letter: Letter) -> Response:
    return _pdf(letter_pdf(letter), letter.number or letter.title)


def _pdf(pdf: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(pdf, content_type="application/pdf", headers=headers)
