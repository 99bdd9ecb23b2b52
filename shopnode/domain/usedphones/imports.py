"""The valuation table from a spreadsheet: model, storage, grade, what is paid. Importing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import offered
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import Planned, in_words, run_import
from shopnode.domain.money import format_minor
from shopnode.domain.people.queries import currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.sheets import LineResult, Row, Verdict, open_sheet, read_amount, shown
from shopnode.domain.usedphones.models import Valuation
from shopnode.domain.usedphones.rules import plain_storage, read_grade
from shopnode.domain.usedphones.valuations import valuation_id

COLUMNS = {
    "item": ("model", "item", "product", "phone", "name", "sku"),
    "storage": ("storage", "memory", "capacity", "size"),
    "grade": ("grade", "condition", "quality"),
    "offer": ("offer", "we pay", "buying price", "price", "value", "amount"),
}


def import_valuations(
    ctx: Context, file: IO[bytes], *, dry_run: bool = False, whole: bool = False
) -> Iterator[LineResult]:
    """Read a CSV file into the table; each line's result as it is done. A dry run changes nothing.

    whole  all lines, or none when one is wrong

    Raises Invalid when the file is no such table, NotPermitted for those who may not write it.
    """
    if not ctx.may(Permission.PRODUCTS_UPDATE):
        raise NotPermitted
    sheet = open_sheet(file, COLUMNS, ("item", "grade", "offer"))
    with ctx.home.reading() as session:
        plan = _Plan(sheet.titles, currency_of(session))
    return run_import(ctx, sheet.rows, plan.lines, dry_run=dry_run, whole=whole)


class _Plan:
    """What each line asks for, in view of the table and of the lines before it."""

    def __init__(self, titles: Mapping[str, str], currency: str):
        self.titles, self.currency = titles, currency
        self.seen: dict[str, int] = {}  # line of the table → the line of the file it stood on
        self.products: dict[str, tuple[str, str]] | None = None  # folded name or SKU → id, name; read when needed

    def lines(self, ctx: Context, rows: list[Row]) -> list[Planned]:
        return [self._line(ctx, row) for row in rows]

    def _line(self, ctx: Context, row: Row) -> Planned:
        about = shown(" ".join(row.cells.get(name, "") for name in ("item", "storage", "grade")))

        def answer(verdict: Verdict, *says: str, act: tuple[str, Mapping[str, Any]] | None = None) -> Planned:
            return Planned(LineResult(row.line_no, verdict, about, says), act)

        if row.fault is not None:
            return answer(Verdict.WRONG, row.fault)
        if row.is_empty:
            return answer(Verdict.SKIPPED, "This line is empty.")
        try:
            form, name = self._read(ctx, row)
        except Invalid as wrong:
            return answer(Verdict.WRONG, *in_words(wrong, self.titles))
        row_id = valuation_id(form["product_id"], form["storage"], form["grade"])
        first = self.seen.setdefault(row_id, row.line_no)
        if first != row.line_no:
            return answer(Verdict.WRONG, f"“{shown(name)}” in this storage and grade stands on line {first} already.")
        known = row_or_none(ctx.session, Valuation, row_id)
        act = ("usedphones.set_valuation", form)
        if known is None or known.archived_at is not None:
            return answer(Verdict.NEW, act=act)
        if known.offer_minor == form["offer"]:
            return answer(Verdict.UNCHANGED, "Already there, unchanged.")
        before, after = (format_minor(amount, self.currency) for amount in (known.offer_minor, form["offer"]))
        return answer(Verdict.CHANGED, f"{self.titles['offer']}: {before} → {after}.", act=act)

    def _read(self, ctx: Context, row: Row) -> tuple[dict[str, Any], str]:
        """The line as the form of the action, and the product's name. Raises Invalid, naming every wrong cell."""
        faults: dict[str, str] = {}
        values: dict[str, Any] = {"storage": plain_storage(row.cells.get("storage"))}
        readers: dict[str, Callable[[str], Any]] = {
            "grade": read_grade, "offer": lambda text: read_amount(text, self.currency),
        }  # fmt: skip
        for name, read in readers.items():
            try:
                values[name] = read(row.cells.get(name, ""))
            except ValueError as fault:
                faults[name] = str(fault) if row.cells.get(name) else "is missing"
        found = self._products(ctx).get(fold(row.cells.get("item", "")))
        if found is None:
            faults["item"] = "is no phone of the catalogue: write its name or SKU as it stands there"
        if faults or found is None:
            raise Invalid(faults)
        return {"product_id": found[0], **values}, found[1]

    def _products(self, ctx: Context) -> dict[str, tuple[str, str]]:
        if self.products is None:
            query = select(Product.id, Product.name, Product.sku).where(offered(None), Product.is_serialised)
            rows = ctx.session.execute(query.order_by(Product.id)).all()
            self.products = {fold(row.sku): (row.id, row.name) for row in rows if row.sku}
            self.products |= {fold(row.name): (row.id, row.name) for row in rows}
        return self.products
