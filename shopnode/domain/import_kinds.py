"""What can be read from a file: one record for each kind of table, for the screen, the API and the commands alike.

A kind says who may import it, which columns it knows, what a first line and an example look like, and who reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from shopnode.domain.catalogue.imports import COLUMNS as PRODUCT_COLUMNS
from shopnode.domain.catalogue.imports import import_products
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound
from shopnode.domain.handsets.imports import COLUMNS as HANDSET_COLUMNS
from shopnode.domain.handsets.imports import import_handsets
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.imports import COLUMNS as PRICE_COLUMNS
from shopnode.domain.pricing.imports import import_prices
from shopnode.domain.register_imports import CUSTOMERS, SUPPLIERS, import_register
from shopnode.domain.sheets import LineResult
from shopnode.domain.usedphones.imports import COLUMNS as VALUATION_COLUMNS
from shopnode.domain.usedphones.imports import import_valuations

P = Permission
Reader = Callable[..., Iterator[LineResult]]


@dataclass(frozen=True)
class ImportKind:
    """One kind of table."""

    key: str
    title: str
    about: str  # what a line is, and what it is known by
    needs: frozenset[Permission]
    columns: Mapping[str, Sequence[str]]
    words: Mapping[str, str]  # field → what the column holds
    needed: frozenset[str]
    examples: Sequence[Mapping[str, str]]  # lines of the template, by field
    read: Reader
    takes_source: bool = False
    at_shop_only: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)  # where the template says another title than the first

    def may(self, ctx: Context) -> bool:
        """Whether this person may import it, here."""
        return all(ctx.may(permission) for permission in self.needs) and (ctx.home.is_shop or not self.at_shop_only)

    def title_of(self, name: str) -> str:
        """What the template calls a column."""
        return self.titles.get(name) or self.columns[name][0].replace(" ", "_")

    def template(self) -> tuple[list[str], list[list[str]]]:
        """The first line and the examples of a file to begin with."""
        names = list(self.words)
        return [self.title_of(name) for name in names], [[row.get(name, "") for name in names] for row in self.examples]

    def run(
        self, ctx: Context, file: IO[bytes], *, dry_run: bool = False, whole: bool = False, source: str | None = None
    ) -> Iterator[LineResult]:
        """Read a table of text. Raises Invalid when it is none, NotPermitted."""
        more = {"source": source} if self.takes_source and source else {}
        return self.read(ctx, file, dry_run=dry_run, whole=whole, **more)


def _import_customers(ctx: Context, file: IO[bytes], **how: Any) -> Iterator[LineResult]:
    return import_register(ctx, CUSTOMERS, file, **how)


def _import_suppliers(ctx: Context, file: IO[bytes], **how: Any) -> Iterator[LineResult]:
    return import_register(ctx, SUPPLIERS, file, **how)


PRODUCTS = ImportKind(
    "products", "Products", "A line is a product, known by its SKU, else its barcode, else its name.",
    frozenset({P.PRODUCTS_CREATE, P.PRODUCTS_UPDATE}), PRODUCT_COLUMNS,
    {
        "name": "What it is called", "sku": "Your own code", "barcode": "The number under the bars",
        "category": "The group it is listed in", "brand": "Who makes it", "description": "More about it",
        "price_minor": "What it sells for, VAT included", "cost_minor": "What it costs you",
        "floor_minor": "The lowest price a seller may give", "min_stock_level": "Warn when fewer are left",
        "warranty_days": "Days of warranty", "is_serialised": "yes, if each piece has an IMEI",
        "is_preloaded": "yes, for a quick tile on the counter",
    },
    frozenset({"name", "price_minor"}),
    [
        {"name": "USB-C cable 1 m", "sku": "CAB-USBC-1M", "barcode": "6160000010011", "category": "Cables",
         "price_minor": "8000", "cost_minor": "3000", "min_stock_level": "10", "is_serialised": "no",
         "is_preloaded": "yes"},
        {"name": "Tecno Spark 40 8/256", "sku": "PH-SPARK40", "category": "New phones", "brand": "Tecno",
         "price_minor": "640000", "cost_minor": "520000", "floor_minor": "610000", "warranty_days": "365",
         "is_serialised": "yes", "is_preloaded": "no"},
    ],
    import_products,
)  # fmt: skip
PRICES = ImportKind(
    "prices", "Prices", "A line is one price of one product: retail, of a price list, or from so many pieces on.",
    frozenset({P.PRODUCTS_UPDATE}), PRICE_COLUMNS,
    {
        "sku": "The product’s own code, or …", "barcode": "… the number under its bars, or …",
        "name": "… its name, as in the catalogue", "list": "A price list’s name; retail when left empty",
        "min_quantity": "From how many pieces on; 1 when left empty",
        "price": "What one piece costs; “none” strikes the step out",
    },
    frozenset({"price"}),
    [
        {"sku": "CAB-USBC-1M", "name": "USB-C cable 1 m", "list": "retail", "min_quantity": "1", "price": "8000"},
        {"sku": "CAB-USBC-1M", "name": "USB-C cable 1 m", "list": "retail", "min_quantity": "10", "price": "6500"},
        {"sku": "CAB-USBC-1M", "name": "USB-C cable 1 m", "list": "Wholesale", "min_quantity": "1", "price": "6000"},
    ],
    import_prices, titles={"min_quantity": "from_pieces"},
)  # fmt: skip
HANDSETS = ImportKind(
    "phones", "Phones", "A line is one phone, known by its IMEI. Its model must be in the catalogue.",
    frozenset({P.DEVICES_CREATE}), HANDSET_COLUMNS,
    {
        "item": "The model, as in the catalogue", "imei1": "First IMEI", "imei2": "Second IMEI",
        "serial": "Serial number", "eid": "Number of the eSIM", "colour": "Colour", "storage": "Storage",
        "cost_minor": "What it cost you, landed", "grade": "A, B or C, for used ones",
        "condition": "new, open box, used or refurbished", "has_box": "yes or no", "has_charger": "yes or no",
        "battery_pct": "Battery health, in per cent", "lock_state": "Whom it is locked to",
        "region": "Made for which market",
        "vat_scheme": "standard, or margin if bought from a private person",
        "again": "yes, if it was here before, left, and comes in anew", "remarks": "Not kept; for your own use",
    },
    frozenset({"item", "imei1"}),
    [
        {"item": "Tecno Spark 40 8/256", "imei1": "356938035643809", "imei2": "356938035643817", "colour": "Black",
         "cost_minor": "520000", "condition": "new", "has_box": "yes"},
        {"item": "iPhone 11 64", "imei1": "490154203237518", "colour": "White", "storage": "64", "cost_minor": "540000",
         "grade": "B", "condition": "used", "has_box": "no", "battery_pct": "84"},
    ],
    import_handsets, takes_source=True, at_shop_only=True,
)  # fmt: skip
PEOPLE = ImportKind(
    "customers", "Customers", "A line is a customer, known by the telephone number, or by the name if there is none.",
    CUSTOMERS.needs, CUSTOMERS.columns,
    {
        "name": "Who it is", "phone": "0772 123 456 or +256772123456", "email": "E-mail", "address": "Where they are",
        "notes": "Anything worth knowing", "date_of_birth": "Such as 1990-11-22",
        "gender": "female, male, or as you write it", "id_number": "Of the national ID or passport",
    },
    frozenset({"name"}),
    [
        {"name": "Okello James", "phone": "0772 123 456", "address": "Ntinda", "date_of_birth": "1990-11-22",
         "gender": "male"},
        {"name": "Kato Traders", "phone": "0701 987 654", "email": "shop@example.ug", "notes": "Buys on Fridays"},
    ],
    _import_customers,
)  # fmt: skip
SUPPLYING = ImportKind(
    "suppliers", "Suppliers", "A line is a supplier, known by the name.",
    SUPPLIERS.needs, SUPPLIERS.columns,
    {
        "name": "The firm", "contact": "Whom you talk to", "phone": "0772 123 456 or +256772123456", "email": "E-mail",
        "address": "Where they are", "tax_id": "Their TIN", "terms_days": "Days until you pay",
        "lead_days": "Days until goods come", "notes": "Anything worth knowing",
    },
    frozenset({"name"}),
    [{"name": "Kikuubo Traders", "contact": "Musa", "phone": "0772 000 111", "terms_days": "30", "lead_days": "3"}],
    _import_suppliers,
)  # fmt: skip
VALUATIONS = ImportKind(
    "valuations", "Buying prices", "A line is what you pay for a used phone: its model, storage and grade.",
    frozenset({P.PRODUCTS_UPDATE}), VALUATION_COLUMNS,
    {
        "item": "The model, as in the catalogue, or its SKU", "storage": "Storage, where it matters",
        "grade": "A, B, C or D", "offer": "What you pay at most",
    },
    frozenset({"item", "grade", "offer"}),
    [
        {"item": "iPhone 11 64", "storage": "64", "grade": "A", "offer": "520000"},
        {"item": "iPhone 11 64", "storage": "64", "grade": "B", "offer": "450000"},
    ],
    import_valuations,
)  # fmt: skip

KINDS = {kind.key: kind for kind in (PRODUCTS, PRICES, HANDSETS, PEOPLE, SUPPLYING, VALUATIONS)}


def find_kind(key: str) -> ImportKind:
    """The kind of that name. Raises NotFound."""
    kind = KINDS.get(key)
    if kind is None:
        raise NotFound("This kind of file")
    return kind
