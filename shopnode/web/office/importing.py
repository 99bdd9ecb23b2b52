"""Importing a price list: what each line would do, then doing it, with a word on every line."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue

from shopnode.documents.workbooks import UnreadableWorkbook, as_table
from shopnode.domain.catalogue.imports import COLUMNS
from shopnode.domain.catalogue.imports import import_products as read_products
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.sheets import LineResult, Verdict
from shopnode.web.office.blueprint import bp
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import is_htmx, read_again

ROWS_SHOWN = 1_000
OUTCOMES = {
    Verdict.WRONG: "refused", Verdict.CHANGED: "changed", Verdict.NEW: "added", Verdict.UNCHANGED: "same",
    Verdict.SKIPPED: "same",
}  # fmt: skip
ORDER = ["refused", "changed", "added", "same"]
NEEDED = frozenset({"name", "price_minor"})
WORDS = {
    "name": "What it is called", "sku": "Your own code", "barcode": "The number under the bars",
    "category": "The group it is listed in", "brand": "Who makes it", "description": "More about it",
    "price_minor": "What it sells for, VAT included", "cost_minor": "What it costs you",
    "floor_minor": "The lowest price a seller may give", "min_stock_level": "Warn when fewer are left",
    "warranty_days": "Days of warranty", "is_serialised": "yes, if each piece has an IMEI",
    "is_preloaded": "yes, for a quick tile on the counter",
}  # fmt: skip


@bp.route("/products/import", methods=["GET", "POST"])
def import_products() -> ResponseReturnValue:
    """Read a CSV file or a workbook into the catalogue, or only say what it would do."""
    if request.method == "GET":
        return _form({})
    is_check = "check" in request.form
    on_refusal(lambda error: _refused(error))
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "is needed: choose a CSV or Excel file"})
    try:
        with as_table(file.stream) as table:
            results = list(read_products(g.ctx, table, dry_run=is_check))
    except UnreadableWorkbook as wrong:
        raise Invalid({"file": str(wrong)}) from None
    read_again()
    values = {"result": _result(file.filename[:100], results), "is_check": is_check, "only": "", "next_url": None}
    if is_htmx():
        return part("office/_import_lines.html", **values)
    crumbs = [("Products", url_for("office.products")), ("Import", None)]
    return page("office/import_result.html", crumbs=crumbs, **values)


def _refused(error: ShopError) -> str:
    errors = field_errors(error)
    if is_htmx():
        return part("office/_import_refused.html", words=" ".join(errors.values()))
    return _form(errors)


def _form(errors: dict[str, str]) -> str:
    columns = [(names[0].replace(" ", "_"), WORDS[name], name in NEEDED) for name, names in COLUMNS.items()]
    crumbs = [("Products", url_for("office.products")), ("Import", None)]
    return page("office/product_import.html", columns=columns, errors=errors, crumbs=crumbs)


def _result(file_name: str, results: list[LineResult]) -> dict[str, Any]:
    """The results as the screen shows them, what needs a person first."""
    rows: list[dict[str, Any]] = [
        {"line_no": line.line_no, "label": line.about, "outcome": OUTCOMES[line.verdict], "words": " ".join(line.says)}
        for line in results
    ]
    rows.sort(key=lambda row: (ORDER.index(row["outcome"]), row["line_no"]))
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ORDER}
    return {"file_name": file_name, "rows": rows[:ROWS_SHOWN], "hidden": max(0, len(rows) - ROWS_SHOWN), **counts}
