"""A catalogue from a spreadsheet. Importing it twice changes nothing.

A line is known by its SKU, else its barcode, else its name. A cell that is empty leaves a known product as it is, and
a new one with the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from sqlalchemy import select

from shopnode.domain.capture import wire_columns
from shopnode.domain.catalogue.actions import CreateProduct, UpdateProduct, check_product
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product, offered
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import Planned, in_words, run_import
from shopnode.domain.money import format_minor
from shopnode.domain.params import read_params
from shopnode.domain.people.queries import currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.sheets import (
    LineResult,
    Row,
    Verdict,
    open_sheet,
    read_amount,
    read_code,
    read_number,
    read_yes_no,
    shown,
)

COLUMNS = {
    "name": ("name", "product", "product name", "item", "item name", "model"),
    "sku": ("sku", "code", "item code", "product code"),
    "barcode": ("barcode", "bar code", "ean", "upc"),
    "category": ("category", "group", "department"),
    "brand": ("brand", "make"),
    "description": ("description", "details"),
    "price_minor": ("selling price", "price", "retail price", "unit price", "price ugx", "selling price ugx"),
    "cost_minor": ("cost price", "cost", "buying price", "cost ugx", "cost price ugx"),
    "floor_minor": ("floor price", "floor", "minimum price", "lowest price"),
    "min_stock_level": ("min stock level", "minimum stock", "reorder level", "min stock"),
    "warranty_days": ("warranty days", "warranty"),
    "is_serialised": ("serialised", "serialized", "imei", "has imei", "is serialised"),
    "is_preloaded": ("preloaded", "quick tile", "tile", "is preloaded"),
}
AMOUNTS = ("price_minor", "cost_minor", "floor_minor")
NO_CATEGORY = "Other"


def import_products(
    ctx: Context, file: IO[bytes], *, dry_run: bool = False, whole: bool = False
) -> Iterator[LineResult]:
    """Read a CSV file into the catalogue; each line's result as it is done. A dry run changes nothing.

    whole  all lines, or none when one is wrong

    Raises Invalid when the file is no such table, NotPermitted for those who may not write the catalogue.
    """
    if not (ctx.may(Permission.PRODUCTS_CREATE) and ctx.may(Permission.PRODUCTS_UPDATE)):
        raise NotPermitted
    sheet = open_sheet(file, COLUMNS, ("name", "price_minor"))
    with ctx.home.reading() as session:
        currency = currency_of(session)
    plan = _Plan(sheet.titles, currency)
    return run_import(ctx, sheet.rows, plan.lines, dry_run=dry_run, whole=whole)


class _Plan:
    """What each line asks for, in view of the catalogue and of the lines before it."""

    def __init__(self, titles: Mapping[str, str], currency: str):
        self.titles, self.currency = titles, currency
        self.seen: dict[tuple[str, str], int] = {}  # key → the line it stood on
        self.names: dict[str, str] | None = None  # folded name → product id; read when first needed
        self.readers: dict[str, Callable[[str], Any]] = {
            **dict.fromkeys(AMOUNTS, lambda text: read_amount(text, currency)),
            "min_stock_level": read_number, "warranty_days": read_number,
            "is_serialised": read_yes_no, "is_preloaded": read_yes_no,
            "sku": lambda text: read_code(text).upper(), "barcode": read_code,
        }  # fmt: skip

    def lines(self, ctx: Context, rows: list[Row]) -> list[Planned]:
        read = [self._read(row) for row in rows]
        known = self._known(ctx, [values for values, _ in read])
        return [self._line(ctx, row, *line, known) for row, line in zip(rows, read, strict=True)]

    def _read(self, row: Row) -> tuple[dict[str, Any], dict[str, str]]:
        """The filled cells as values, and what is wrong with others."""
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for name, text in row.cells.items():
            if not text:
                continue
            try:
                values[name] = self.readers.get(name, str)(text)
            except ValueError as fault:
                faults[name] = str(fault)
        if not row.is_empty and "name" not in values:
            faults["name"] = "is missing"
        return values, faults

    def _line(
        self,
        ctx: Context,
        row: Row,
        values: dict[str, Any],
        faults: dict[str, str],
        known: dict[tuple[str, str], Product],
    ) -> Planned:
        about = shown(str(values.get("name") or values.get("sku") or values.get("barcode") or ""))

        def answer(verdict: Verdict, *says: str, act: tuple[str, Mapping[str, Any]] | None = None) -> Planned:
            return Planned(LineResult(row.line_no, verdict, about, says), act)

        if row.fault is not None:
            return answer(Verdict.WRONG, row.fault)
        if row.is_empty:
            return answer(Verdict.SKIPPED, "This line is empty.")
        if faults:
            return answer(Verdict.WRONG, *in_words(Invalid(faults), self.titles))
        repeated = self._repeated(row, values)
        if repeated:
            return answer(Verdict.WRONG, repeated)
        product = next((known[key] for key in _keys(values) if key in known), None)
        try:
            return self._new(ctx, values, answer) if product is None else self._same(ctx, product, values, answer)
        except Invalid as refusal:
            return answer(Verdict.WRONG, *in_words(refusal, self.titles))

    def _repeated(self, row: Row, values: dict[str, Any]) -> str | None:
        for key in _keys(values):
            first = self.seen.setdefault(key, row.line_no)
            if first != row.line_no:
                return f"{self.titles[key[0]]} “{shown(key[1])}” stands on line {first} already."
        return None

    def _new(self, ctx: Context, values: dict[str, Any], answer: Callable[..., Planned]) -> Planned:
        if "price_minor" not in values:
            raise Invalid({"price_minor": "is missing: a new product needs a price"})
        form = read_params(CreateProduct, {"category": NO_CATEGORY, **values})
        check_product(ctx.session, Product(id=ctx.new_id(), **form.model_dump()))
        return answer(Verdict.NEW, act=("products.create", form.model_dump(mode="json", exclude_unset=True)))

    def _same(self, ctx: Context, product: Product, values: dict[str, Any], answer: Callable[..., Planned]) -> Planned:
        if product.archived_at is not None:
            return answer(Verdict.WRONG, f"“{product.name}” is archived. Restore it first, then import again.")
        if product.merged_into is not None:
            kept = find_product(ctx.session, product.merged_into)
            return answer(Verdict.WRONG, f"“{product.name}” was merged into “{kept.name}”. Use that product's code.")
        told = read_params(UpdateProduct, {"product_id": product.id, **values})
        asked = told.model_dump(mode="json", exclude_unset=True, exclude={"product_id"})
        changes = {name: value for name, value in asked.items() if getattr(product, name) != value}
        if not changes:
            return answer(Verdict.UNCHANGED, "Already there, unchanged.")
        after = {name: getattr(product, name) for name in wire_columns(Product)} | changes
        check_product(ctx.session, Product(**after))
        says = [self._change(name, getattr(product, name), value) for name, value in changes.items()]
        return answer(Verdict.CHANGED, *says, act=("products.update", {"product_id": product.id, **changes}))

    def _change(self, name: str, before: Any, after: Any) -> str:
        if name in AMOUNTS:
            before, after = format_minor(before, self.currency), format_minor(after, self.currency)
        return f"{self.titles[name]}: {shown(str(before or 'none'))} → {shown(str(after))}."

    def _known(self, ctx: Context, lines: list[dict[str, Any]]) -> dict[tuple[str, str], Product]:
        """The products these lines mean, by key; products on sale before archived ones."""
        session = ctx.session
        found: dict[tuple[str, str], Product] = {}
        for name, column in (("sku", Product.sku), ("barcode", Product.barcode)):
            codes = [values[name] for values in lines if values.get(name)]
            for product in session.scalars(select(Product).where(column.in_(codes)).order_by(Product.archived_at)):
                key = (name, getattr(product, name))
                if key not in found or found[key].archived_at is not None:
                    found[key] = product
        nameless = [fold(values["name"]) for values in lines if _keys(values)[:1] == [("name", _name(values))]]
        if nameless:
            if self.names is None:
                rows = session.execute(select(Product.name, Product.id).where(offered(None)))
                self.names = {fold(name): product_id for name, product_id in rows}
            ids = {self.names[name] for name in nameless if name in self.names}
            products = session.scalars(select(Product).where(Product.id.in_(ids)))
            found.update({("name", fold(product.name)): product for product in products})
        return found


def _keys(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What a line is known by: its codes, or its name when it has none."""
    codes = [(name, values[name]) for name in ("sku", "barcode") if values.get(name)]
    return codes or ([("name", _name(values))] if values.get("name") else [])


def _name(values: dict[str, Any]) -> str:
    return fold(str(values.get("name", "")))
