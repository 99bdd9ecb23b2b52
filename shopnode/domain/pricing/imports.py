"""Prices from a spreadsheet: retail, price lists, and what more pieces cost. Importing a file twice changes nothing.

A line names a product (by its SKU, else its barcode, else its name), the list it is about, from how many pieces on, and
the price of one. Without a list it is the retail price; without a number of pieces it holds from the first on. A price
of “none” strikes a step out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from sqlalchemy import select

from shopnode.domain.capture import wire_columns
from shopnode.domain.catalogue.actions import check_product
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import offered
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import Planned, in_words, run_import
from shopnode.domain.money import format_minor
from shopnode.domain.params import QUANTITY_MAX
from shopnode.domain.people.queries import currency_of
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.models import RETAIL, Price, price_id
from shopnode.domain.pricing.queries import price_lists
from shopnode.domain.sheets import LineResult, Row, Verdict, open_sheet, read_amount, read_code, read_number, shown

COLUMNS = {
    "sku": ("sku", "code", "item code", "product code"),
    "barcode": ("barcode", "bar code", "ean", "upc"),
    "name": ("name", "product", "product name", "item", "item name", "model"),
    "list": ("price list", "list", "for whom", "customers"),
    "min_quantity": ("from pieces", "from", "min quantity", "minimum quantity", "quantity", "qty", "pieces"),
    "price": ("price", "selling price", "unit price", "price each", "price ugx"),
}
TITLES = ("sku", "barcode", "name", "price_list", "from_pieces", "price")  # of the file that is exported
RETAIL_NAME = "retail"
RETAIL_WORDS = frozenset({"", RETAIL_NAME, "everybody", "all", "normal"})
STRUCK_OUT = frozenset({"none", "-", "–", "no price"})
KEYS = ("sku", "barcode", "name")


def import_prices(ctx: Context, file: IO[bytes], *, dry_run: bool = False, whole: bool = False) -> Iterator[LineResult]:
    """Read a CSV file of prices; each line's result as it is done. A dry run changes nothing.

    whole  all lines, or none when one is wrong

    Raises Invalid when the file is no such table, NotPermitted for those who may not write prices.
    """
    if not ctx.may(Permission.PRODUCTS_UPDATE):
        raise NotPermitted
    sheet = open_sheet(file, COLUMNS, ("price",))
    if not any(key in sheet.titles for key in KEYS):
        raise Invalid({"file": "has no column for the product: name it by sku, barcode or name"})
    with ctx.home.reading() as session:
        lists = {fold(row.name): (row.id, row.name) for row in price_lists(session)}
        plan = _Plan(sheet.titles, currency_of(session), lists)
    return run_import(ctx, sheet.rows, plan.lines, dry_run=dry_run, whole=whole)


@dataclass(frozen=True)
class _Step:
    """A line that could be read: what a piece costs, in which list, from how many on."""

    product: Product
    list_id: str
    list_name: str
    min_quantity: int
    price_minor: int | None  # None strikes the step out

    @property
    def id(self) -> str:
        return price_id(self.list_id, self.product.id, self.min_quantity)

    @property
    def is_retail(self) -> bool:
        """Whether it is the product's own price."""
        return self.list_id == RETAIL and self.min_quantity == 1


class _Plan:
    """What each line asks for, in view of the prices and of the lines before it."""

    def __init__(self, titles: Mapping[str, str], currency: str, lists: Mapping[str, tuple[str, str]]):
        self.titles, self.currency, self.lists = titles, currency, lists
        self.seen: dict[str, int] = {}  # step → the line it stood on
        self.names: dict[str, str] | None = None  # folded name → product; read when first needed

    def lines(self, ctx: Context, rows: list[Row]) -> list[Planned]:
        products = self._products(ctx, rows)
        read = [self._read_or_refuse(row, products) for row in rows]
        ids = {step.id for step in read if isinstance(step, _Step)}
        known = {row.id: row for row in ctx.session.scalars(select(Price).where(Price.id.in_(ids)))}
        return [self._line(ctx, row, step, known) for row, step in zip(rows, read, strict=True)]

    def _line(self, ctx: Context, row: Row, step: _Step | Invalid, known: Mapping[str, Price]) -> Planned:
        about = shown(row.cells.get("name") or row.cells.get("sku") or row.cells.get("barcode") or "")

        def answer(verdict: Verdict, *says: str, act: tuple[str, Mapping[str, Any]] | None = None) -> Planned:
            return Planned(LineResult(row.line_no, verdict, about, says), act)

        if row.fault is not None:
            return answer(Verdict.WRONG, row.fault)
        if row.is_empty:
            return answer(Verdict.SKIPPED, "This line is empty.")
        if isinstance(step, Invalid):
            return answer(Verdict.WRONG, *in_words(step, self.titles))
        first = self.seen.setdefault(step.id, row.line_no)
        if first != row.line_no:
            return answer(Verdict.WRONG, f"The same product, list and number of pieces stand on line {first} already.")
        if step.is_retail:
            return self._retail(ctx, step, answer)
        return self._in_list(step, known.get(step.id), answer)

    def _retail(self, ctx: Context, step: _Step, answer: Callable[..., Planned]) -> Planned:
        product = step.product
        if step.price_minor is None:
            return answer(Verdict.WRONG, f"“{product.name}” needs a retail price: it cannot be struck out.")
        if step.price_minor == product.price_minor:
            return answer(Verdict.UNCHANGED, "Already there, unchanged.")
        after = {name: getattr(product, name) for name in wire_columns(Product)} | {"price_minor": step.price_minor}
        try:
            check_product(ctx.session, Product(**after))
        except Invalid as wrong:
            return answer(Verdict.WRONG, *in_words(wrong, {"floor_minor": "The lowest price of this product"}))
        act = ("products.update", {"product_id": product.id, "price_minor": step.price_minor})
        return answer(Verdict.CHANGED, self._told("Retail", product.price_minor, step.price_minor), act=act)

    def _in_list(self, step: _Step, known: Price | None, answer: Callable[..., Planned]) -> Planned:
        before = known.price_minor if known is not None and known.archived_at is None else None
        where = step.list_name if step.min_quantity == 1 else f"{step.list_name} from {step.min_quantity} pieces"
        form = {
            "list_id": None if step.list_id == RETAIL else step.list_id, "product_id": step.product.id,
            "min_quantity": step.min_quantity, "price_minor": step.price_minor,
        }  # fmt: skip
        act = ("price_lists.set_price", form)
        if before == step.price_minor:
            return answer(Verdict.UNCHANGED, "Already there, unchanged." if before is not None else "There is none.")
        verdict = Verdict.NEW if before is None else Verdict.CHANGED
        return answer(verdict, self._told(where, before, step.price_minor), act=act)

    def _told(self, where: str, before: int | None, after: int | None) -> str:
        said = [format_minor(amount, self.currency) if amount is not None else "none" for amount in (before, after)]
        return f"{where}: {said[0]} → {said[1]}."

    def _read_or_refuse(self, row: Row, products: Mapping[tuple[str, str], Product]) -> _Step | Invalid:
        try:
            return self._read(row, products)
        except Invalid as wrong:
            return wrong

    def _read(self, row: Row, products: Mapping[tuple[str, str], Product]) -> _Step:
        """The line as a step. Raises Invalid, naming every wrong cell."""
        faults: dict[str, str] = {}
        product = self._product(row, products, faults)
        word = fold(row.cells.get("list", ""))
        found = (RETAIL, "Retail") if word in RETAIL_WORDS else self.lists.get(word)
        if found is None:
            faults["list"] = f"“{shown(row.cells['list'])}” is no price list: begin it first, or correct the name"
        quantity, price = 1, None
        try:
            quantity = read_number(row.cells["min_quantity"]) if row.cells.get("min_quantity") else 1
            if not 1 <= quantity <= QUANTITY_MAX:
                faults["min_quantity"] = f"must be 1 to {QUANTITY_MAX:,} pieces"
        except ValueError as wrong:
            faults["min_quantity"] = str(wrong)
        try:
            price = self._price(row.cells.get("price", ""))
        except ValueError as wrong:
            faults["price"] = str(wrong)
        if faults or product is None or found is None:
            raise Invalid(faults)
        return _Step(product, found[0], found[1], quantity, price)

    def _price(self, text: str) -> int | None:
        if not text:
            raise ValueError("is missing: write a price, or “none” to strike the step out")
        return None if fold(text) in STRUCK_OUT else read_amount(text, self.currency)

    def _product(self, row: Row, products: Mapping[tuple[str, str], Product], faults: dict[str, str]) -> Product | None:
        given = [(name, text) for name in KEYS if (text := row.cells.get(name))]
        try:
            keys = [_key(name, text) for name, text in given]
        except ValueError as wrong:
            faults[given[0][0]] = str(wrong)
            return None
        found = next((products[key] for key in keys if key in products), None)
        if not given:
            faults[next(name for name in KEYS if name in self.titles)] = "is missing: say which product it is"
        elif found is None:
            name, text = given[0]
            faults[name] = f"“{shown(text)}” is not in the catalogue: add the product first, or correct it"
        return found

    def _products(self, ctx: Context, rows: list[Row]) -> dict[tuple[str, str], Product]:
        """The products on sale that these lines may mean, by what they are known by."""
        wanted: dict[str, set[str]] = {name: set() for name in KEYS}
        for row in rows:
            for name in KEYS:
                try:
                    wanted[name] |= {_key(name, row.cells[name])[1]} if row.cells.get(name) else set()
                except ValueError:
                    continue  # said where the line is read
        found: dict[tuple[str, str], Product] = {}
        for name, column in (("sku", Product.sku), ("barcode", Product.barcode)):
            query = select(Product).where(column.in_(wanted[name]), offered(None)).order_by(Product.id.desc())
            found.update({(name, getattr(product, name)): product for product in ctx.session.scalars(query)})
        if wanted["name"]:
            ids = [self._ids_by_name(ctx)[name] for name in wanted["name"] if name in self._ids_by_name(ctx)]
            named = ctx.session.scalars(select(Product).where(Product.id.in_(ids)))
            found.update({("name", fold(product.name)): product for product in named})
        return found

    def _ids_by_name(self, ctx: Context) -> dict[str, str]:
        if self.names is None:
            rows = ctx.session.execute(
                select(Product.name, Product.id).where(offered(None)).order_by(Product.id.desc())
            )
            self.names = {fold(name): product_id for name, product_id in rows}
        return self.names


def _key(name: str, text: str) -> tuple[str, str]:
    """What a product is looked up by. Raises ValueError for a code that a spreadsheet has spoilt."""
    if name == "name":
        return name, fold(text.removeprefix("'"))
    code = read_code(text)
    return name, code.upper() if name == "sku" else code
