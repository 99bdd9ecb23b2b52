"""People and firms from a spreadsheet: customers and suppliers, by one reader. Importing a file twice changes nothing.

A line is known by its key: a customer by the telephone number, or by the name where no number is given; a supplier by
the name. A cell that is empty leaves what is known as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from sqlalchemy import select

from shopnode.domain.buying.models import Supplier
from shopnode.domain.buying.suppliers import CreateSupplier, UpdateSupplier
from shopnode.domain.catalogue.rules import fold
from shopnode.domain.context import Context
from shopnode.domain.customers.actions import CreateCustomer, UpdateCustomer
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.importing import Planned, in_words, run_import
from shopnode.domain.params import Params, read_params
from shopnode.domain.permissions import Permission
from shopnode.domain.sheets import LineResult, Row, Verdict, open_sheet, read_code, read_day, read_number, shown

KNOWN_MAX = 1_000_000
PHONE = ("phone", "telephone", "phone number", "tel", "mobile", "contact number")


@dataclass(frozen=True)
class Register:
    """One kind of record that can be imported."""

    noun: str
    model: type[Customer] | type[Supplier]
    columns: Mapping[str, tuple[str, ...]]
    keys: tuple[str, ...]  # fields a line is known by, the first that is filled
    create: tuple[str, type[Params]]
    update: tuple[str, type[Params]]
    id_field: str
    needs: frozenset[Permission]
    numbers: frozenset[str] = frozenset()  # fields that are whole numbers
    days: frozenset[str] = frozenset()  # fields that are days


CUSTOMERS = Register(
    "customer",
    Customer,
    {
        "name": ("name", "customer", "customer name", "full name"), "phone": PHONE, "email": ("email", "e mail"),
        "address": ("address", "place", "location"), "notes": ("notes", "note", "remarks"),
        "date_of_birth": ("date of birth", "birth date", "birthday", "born", "dob"), "gender": ("gender", "sex"),
        "id_number": ("id number", "id no", "nin", "national id"),
    },
    ("phone", "name"),
    ("customers.create", CreateCustomer),
    ("customers.update", UpdateCustomer),
    "customer_id",
    frozenset({Permission.CUSTOMERS_CREATE, Permission.CUSTOMERS_UPDATE}),
    days=frozenset({"date_of_birth"}),
)  # fmt: skip
SUPPLIERS = Register(
    "supplier",
    Supplier,
    {
        "name": ("name", "supplier", "supplier name", "company"), "contact": ("contact", "contact person", "person"),
        "phone": PHONE, "email": ("email", "e mail"), "address": ("address", "place", "location"),
        "tax_id": ("tin", "tax id", "tax number"), "terms_days": ("terms", "terms days", "credit days"),
        "lead_days": ("lead", "lead days", "lead time"), "notes": ("notes", "note", "remarks"),
    },
    ("name",),
    ("suppliers.create", CreateSupplier),
    ("suppliers.update", UpdateSupplier),
    "supplier_id",
    frozenset({Permission.SUPPLIERS_MANAGE}),
    frozenset({"terms_days", "lead_days"}),
)  # fmt: skip


def import_register(
    ctx: Context, register: Register, file: IO[bytes], *, dry_run: bool = False, whole: bool = False
) -> Iterator[LineResult]:
    """Read a CSV file; each line's result as it is done. A dry run changes nothing, `whole` takes all lines or none.

    Raises Invalid when the file is no such table, NotPermitted for those who may not write these records.
    """
    if not all(ctx.may(permission) for permission in register.needs):
        raise NotPermitted
    sheet = open_sheet(file, register.columns, ("name",))
    return run_import(ctx, sheet.rows, _Plan(register, sheet.titles).lines, dry_run=dry_run, whole=whole)


class _Plan:
    """What each line asks for, in view of the books and of the lines before it."""

    def __init__(self, register: Register, titles: Mapping[str, str]):
        self.register, self.titles = register, titles
        self.seen: dict[tuple[str, str], int] = {}  # key → the line it stood on
        self.known: dict[tuple[str, str], str] | None = None  # key → id; read when first needed

    def lines(self, ctx: Context, rows: list[Row]) -> list[Planned]:
        if self.known is None:
            self.known = self._read_known(ctx)
        read = [self._read_or_refuse(row) for row in rows]
        ids = {self.known.get(self._key(form)) for form in read if not isinstance(form, Invalid)}
        query = select(self.register.model).where(self.register.model.id.in_(ids - {None}))
        records = {record.id: record for record in ctx.session.scalars(query)}
        return [self._line(row, form, records) for row, form in zip(rows, read, strict=True)]

    def _line(self, row: Row, form: dict[str, Any] | Invalid, records: Mapping[str, Any]) -> Planned:
        about = shown(row.cells.get("name") or row.cells.get("phone") or "")

        def answer(verdict: Verdict, *says: str, act: tuple[str, Mapping[str, Any]] | None = None) -> Planned:
            return Planned(LineResult(row.line_no, verdict, about, says), act)

        if row.fault is not None:
            return answer(Verdict.WRONG, row.fault)
        if row.is_empty:
            return answer(Verdict.SKIPPED, "This line is empty.")
        if isinstance(form, Invalid):
            return answer(Verdict.WRONG, *in_words(form, self.titles))
        key = self._key(form)
        first = self.seen.setdefault(key, row.line_no)
        if first != row.line_no:
            title = self.titles[key[0]]
            return answer(Verdict.WRONG, f"{title} “{shown(row.cells[key[0]])}” stands on line {first} already.")
        return self._asked(form, records.get((self.known or {}).get(key, "")), answer)

    def _asked(self, form: dict[str, Any], record: Any, answer: Callable[..., Planned]) -> Planned:
        if record is None:
            return answer(Verdict.NEW, act=(self.register.create[0], form))
        changes = {name: value for name, value in form.items() if _as_sent(getattr(record, name)) != value}
        if not changes:
            return answer(Verdict.UNCHANGED, "Already there, unchanged.")
        says = [f"{self.titles[name]}: {shown(str(getattr(record, name) or 'none'))} → {shown(str(value))}."
                for name, value in changes.items()]  # fmt: skip
        return answer(
            Verdict.CHANGED, *says, act=(self.register.update[0], {self.register.id_field: record.id, **changes})
        )

    def _read_or_refuse(self, row: Row) -> dict[str, Any] | Invalid:
        try:
            return self._read(row)
        except Invalid as refusal:
            return refusal

    def _read(self, row: Row) -> dict[str, Any]:
        """The filled cells, as the form reads them. Raises Invalid."""
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for name, text in row.cells.items():
            if text:
                try:
                    values[name] = self._value(name, text)
                except ValueError as fault:
                    faults[name] = str(fault)
        if faults:
            raise Invalid(faults)
        return read_params(self.register.create[1], values).model_dump(mode="json", exclude_unset=True)

    def _value(self, name: str, text: str) -> Any:
        """One cell. Raises ValueError, in words."""
        if name in self.register.numbers:
            return read_number(text)
        return read_day(text) if name in self.register.days else _as_text(name, text)

    def _key(self, form: dict[str, Any]) -> tuple[str, str]:
        name = next(name for name in self.register.keys if form.get(name))
        return name, fold(str(form[name]))

    def _read_known(self, ctx: Context) -> dict[tuple[str, str], str]:
        """Every record on the list by its key; of two under one, the first."""
        model = self.register.model
        columns = [getattr(model, name) for name in self.register.keys]
        query = select(model.id, *columns).where(model.archived_at.is_(None)).order_by(model.id.desc())
        if model is Customer:
            query = query.where(Customer.merged_into.is_(None), Customer.erased_at.is_(None))
        known: dict[tuple[str, str], str] = {}
        for record_id, *values in ctx.session.execute(query.limit(KNOWN_MAX)):
            key = next((pair for pair in zip(self.register.keys, values, strict=True) if pair[1]), None)
            if key is not None:
                known[key[0], fold(str(key[1]))] = record_id
        return known


def _as_sent(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _as_text(name: str, text: str) -> str:
    """A cell as it was typed. Numbers people dial may have been turned into one, or be marked as text by a quote."""
    return read_code(text) if name in ("phone", "id_number") else text.removeprefix("'")
