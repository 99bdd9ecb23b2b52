"""A supplier's delivery from a spreadsheet: one phone a line, known by its IMEI. Importing it twice changes nothing.

Items are matched to the catalogue by name, in any case and spacing. What is not in the catalogue is not invented: it
has no price yet, so the line says which product to add.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import IO, Any

from sqlalchemy import select

from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import offered
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import Numbers, handsets_by_number, read_numbers
from shopnode.domain.importing import Planned, in_words, run_import
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
    "item": ("item", "product", "model", "name", "description"),
    "imei1": ("imei 1", "imei", "imei1", "imei no"),
    "imei2": ("imei 2", "imei2", "second imei"),
    "serial": ("serial", "serial number", "s n", "serial no"),
    "colour": ("colour", "color"),
    "storage": ("storage", "memory"),
    "cost_minor": ("landed cost ugx", "landed cost", "cost", "cost price", "unit cost", "cost ugx"),
    "eid": ("eid", "esim"),
    "grade": ("grade",),
    "condition": ("condition", "state"),
    "has_box": ("box", "with box"),
    "has_charger": ("charger", "with charger"),
    "battery_pct": ("battery", "battery health", "battery pct"),
    "lock_state": ("lock", "locked to", "network lock"),
    "region": ("region", "market", "spec"),
    "vat_scheme": ("vat scheme", "vat"),
    "quantity": ("qty", "quantity", "pcs"),
    "again": ("again", "came again", "bought back", "returned"),
    "remarks": ("remarks", "remark", "notes", "note"),
}
CAME_AGAIN = "If it came in again, write “yes” beside it in a column “again”."
TOTAL = re.compile(r"(grand\s+|sub\s*)?total\b", re.IGNORECASE)
NUMBER_NAMES = ("imei1", "imei2", "serial", "eid")
TEXTS = ("colour", "storage", "grade", "lock_state", "region")
# What people write in these columns → what is kept.
WORDS = {
    "condition": {
        "new": "new", "brand new": "new", "sealed": "new", "open box": "open_box", "opened": "open_box",
        "used": "used", "uk used": "used", "second hand": "used", "refurbished": "refurbished", "refurb": "refurbished",
    },
    "vat_scheme": {"standard": "standard", "business": "standard", "margin": "margin", "private": "margin"},
}  # fmt: skip


def import_handsets(
    ctx: Context, file: IO[bytes], *, dry_run: bool = False, whole: bool = False, source: str | None = None
) -> Iterator[LineResult]:
    """Take the phones of a CSV file into stock; each line's result as it is done. A dry run changes nothing.

    whole  all phones, or none when one line is wrong

    Raises Invalid when the file is no such table, NotPermitted for those who may not receive phones.
    """
    if not ctx.may(Permission.DEVICES_CREATE):
        raise NotPermitted
    sheet = open_sheet(file, COLUMNS, ("item", "imei1"))
    with ctx.home.reading() as session:
        plan = _Plan(sheet.titles, currency_of(session), source)
    return run_import(ctx, sheet.rows, plan.lines, dry_run=dry_run, whole=whole)


@dataclass(frozen=True)
class _Item:
    """A product a line can mean."""

    id: str
    name: str
    is_serialised: bool


@dataclass(frozen=True)
class _Phone:
    """A line that could be read."""

    product: _Item
    numbers: Numbers
    looks: Mapping[str, Any]  # colour, grade, battery: whatever of it the line says
    cost_minor: int | None
    again: bool = False  # it was here before, left, and comes in anew: the same list sent twice is no second coming


class _Plan:
    """What each line asks for, in view of the stock and of the lines before it."""

    def __init__(self, titles: Mapping[str, str], currency: str, source: str | None):
        self.titles, self.currency, self.source = titles, currency, source
        self.seen: dict[str, int] = {}  # number → the line it stood on
        self.products: dict[str, _Item] | None = None  # folded name → product; read when first needed
        self.pieces = 0

    def lines(self, ctx: Context, rows: list[Row]) -> list[Planned]:
        return [self._line(ctx, row) for row in rows]

    def _line(self, ctx: Context, row: Row) -> Planned:
        item = " ".join(row.cells.get("item", "").split())
        if row.fault is not None:
            return _answer(row, Verdict.WRONG, row.fault)
        if row.is_empty:
            return _answer(row, Verdict.SKIPPED, "This line is empty.")
        if TOTAL.match(item) and not row.cells.get("imei1"):
            return _answer(row, Verdict.SKIPPED, *self._total(row))
        self.pieces += 1
        try:
            phone = self._read(ctx, row, item)
        except Invalid as wrong:
            return _answer(row, Verdict.WRONG, *in_words(wrong, self.titles))
        repeated = self._repeated(row, phone.numbers)
        if repeated:
            return _answer(row, Verdict.WRONG, repeated)
        return self._against_stock(ctx, row, phone)

    def _total(self, row: Row) -> list[str]:
        """The supplier's total, compared with the lines that were there."""
        try:
            told = read_number(row.cells.get("quantity", ""))
        except ValueError:
            return ["This is the total."]
        if told == self.pieces:
            return [f"The total of {told} agrees with the lines."]
        return [f"The total says {told}, but the lines name {self.pieces}. Count the boxes."]

    def _read(self, ctx: Context, row: Row, item: str) -> _Phone:
        """The line as a phone. Raises Invalid, naming every wrong cell."""
        faults: dict[str, str] = {}
        product = self._product(ctx, item)
        if product is None:
            faults["item"] = self._unknown(item)
        elif not product.is_serialised:
            faults["item"] = f"“{product.name}” is not counted by IMEI; add to its stock by quantity"
        numbers = Numbers(None, None, None)
        try:
            numbers = read_numbers(*(read_code(row.cells.get(name, "")) or None for name in NUMBER_NAMES))
            if not numbers.names_a_phone:
                faults["imei1"] = "is missing"
        except Invalid as wrong:
            faults |= {name: f"“{shown(row.cells[name])}” {text}" for name, text in wrong.fields.items()}
        except ValueError as wrong:
            faults["imei1"] = str(wrong)
        cost_minor = None
        try:
            cost_minor = read_amount(row.cells["cost_minor"], self.currency) if row.cells.get("cost_minor") else None
        except ValueError as wrong:
            faults["cost_minor"] = str(wrong)
        again = False
        try:
            again = read_yes_no(row.cells.get("again", ""))
        except ValueError as wrong:
            faults["again"] = str(wrong)
        looks, unclear = _looks(row.cells)
        faults |= unclear | self._quantity_fault(row)
        if faults or product is None:
            raise Invalid(faults)
        return _Phone(product, numbers, looks, cost_minor, again)

    def _quantity_fault(self, row: Row) -> dict[str, str]:
        text = row.cells.get("quantity", "")
        try:
            if not text or read_number(text) == 1:
                return {}
        except ValueError as wrong:
            return {"quantity": str(wrong)}
        return {"quantity": f"is {shown(text)}, but a line has the numbers of one phone: write a line for each"}

    def _product(self, ctx: Context, item: str) -> _Item | None:
        if self.products is None:
            query = select(Product.id, Product.name, Product.is_serialised).where(offered(ctx.shop_id))
            rows = ctx.session.execute(query.order_by(Product.is_serialised))
            self.products = {fold(row.name): _Item(*row) for row in rows}
        return self.products.get(fold(item))

    def _unknown(self, item: str) -> str:
        phones = {name: product for name, product in (self.products or {}).items() if product.is_serialised}
        near = get_close_matches(fold(item), phones, n=1, cutoff=0.8)
        hint = f". Is it “{phones[near[0]].name}”?" if near else ""
        return f"“{shown(item)}” is not in the catalogue: add the product first, or correct the name{hint}"

    def _repeated(self, row: Row, numbers: Numbers) -> str | None:
        stood = [(number, self.seen[number]) for number in numbers.all if number in self.seen]
        if stood:
            number, line_no = stood[0]
            return f"The number {number} stands on line {line_no} already. One of the two boxes has another number."
        self.seen.update(dict.fromkeys(numbers.all, row.line_no))
        return None

    def _against_stock(self, ctx: Context, row: Row, phone: _Phone) -> Planned:
        """A phone that never was here is new; one of this product that was is there already."""
        known = handsets_by_number(ctx.session, phone.numbers.all)
        if not known:
            says = [f"{note}." for note in phone.numbers.notes]
            return _answer(row, Verdict.NEW, *says, act=("handsets.receive", self._form(phone)))
        if len(known) > 1:
            return _answer(
                row, Verdict.WRONG, "These numbers belong to two different phones. Read them again with *#06#."
            )
        return self._known(ctx, row, phone, known[0])

    def _known(self, ctx: Context, row: Row, phone: _Phone, handset: Handset) -> Planned:
        stays = select(StockUnit).where(StockUnit.handset_id == handset.id)
        latest = (StockUnit.status.in_(OPEN_STATUSES).desc(), StockUnit.received_at.desc(), StockUnit.id.desc())
        stay = ctx.session.scalars(stays.order_by(*latest)).first()
        if stay is None:  # it stood in another shop of ours
            return _answer(row, Verdict.NEW, act=("handsets.receive", self._form(phone)))
        if stay.status not in OPEN_STATUSES and phone.again:
            return _answer(row, Verdict.NEW, "Was here before.", act=("handsets.receive", self._form(phone)))
        if stay.product_id != phone.product.id:
            other = ctx.session.scalars(select(Product.name).where(Product.id == stay.product_id)).one()
            return _answer(row, Verdict.WRONG, f"The phone {handset.number} is known here as “{other}”.")
        if stay.status == UnitStatus.EXPECTED.value:
            return _answer(row, Verdict.NEW, "Was expected.", act=("handsets.receive", self._form(phone)))
        if stay.status == UnitStatus.SOLD.value:
            return _answer(row, Verdict.SKIPPED, f"Was received before and has been sold since. {CAME_AGAIN}")
        if stay.status not in OPEN_STATUSES:
            return _answer(row, Verdict.SKIPPED, f"Was received before and has left since. {CAME_AGAIN}")
        return _answer(row, Verdict.UNCHANGED, "Already here.")

    def _form(self, phone: _Phone) -> dict[str, Any]:
        numbers = phone.numbers
        source = {"source": self.source} if self.source else {}
        return {
            "product_id": phone.product.id, "imei1": numbers.imei1, "imei2": numbers.imei2, "serial": numbers.serial,
            "eid": numbers.eid, "cost_minor": phone.cost_minor, "in_file": True,
            **source, **phone.looks,
        }  # fmt: skip


def _looks(cells: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the line says of how the phone looks, and what of it cannot be read."""
    looks: dict[str, Any] = {name: cells[name] for name in TEXTS if cells.get(name)}
    faults: dict[str, str] = {}
    for name, known in WORDS.items():
        word = " ".join(re.sub(r"[\W_]+", " ", cells.get(name, "").casefold()).split())
        if word and word not in known:
            faults[name] = f"“{shown(cells[name])}” is none of: {', '.join(dict.fromkeys(known.values()))}"
        elif word:
            looks[name] = known[word]
    for name, read in (("has_box", read_yes_no), ("has_charger", read_yes_no), ("battery_pct", _percent)):
        try:
            looks |= {name: read(cells[name])} if cells.get(name) else {}
        except ValueError as wrong:
            faults[name] = str(wrong)
    return looks, faults


def _percent(text: str) -> int:
    """A battery's health: 87, 87 % or 87.0. Raises ValueError, in words."""
    number = read_number(text.strip().removesuffix("%").strip())
    if number > 100:
        raise ValueError(f"“{shown(text)}” is more than 100 %")
    return number


def _answer(row: Row, verdict: Verdict, *says: str, act: tuple[str, Mapping[str, Any]] | None = None) -> Planned:
    about = shown(row.cells.get("item", ""))
    return Planned(LineResult(row.line_no, verdict, about, says), act)
