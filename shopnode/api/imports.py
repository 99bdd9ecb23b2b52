"""Tables that are sent as they are, CSV or XLSX: products, prices, phones, customers, suppliers, buying prices.

The body is the file itself. Nothing of it is believed: its size, how far it unpacks and what a cell means are judged by
the reader that the office uses, too (documents/workbooks.py, domain/sheets.py). Sent again it changes nothing, so
there is no key to repeat a call by.
"""

from __future__ import annotations

from typing import IO, Annotated

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool
from shopnode.api.routing import route
from shopnode.documents.workbooks import UnreadableWorkbook, as_table
from shopnode.domain import import_kinds as kinds
from shopnode.domain.errors import Invalid
from shopnode.domain.importing import Account
from shopnode.domain.params import Line, Params
from shopnode.domain.sheets import Verdict
from shopnode.web.ui.request import read_again

LINES_MAX = 20_000  # of an answer; every line is counted


class ImportQuery(Params):
    """How the file is taken."""

    dry_run: QueryBool = Field(default=False, description="Only say what the file would do.")
    whole: QueryBool = Field(default=False, description="One wrong line, and nothing of the file is taken.")


class PhonesQuery(ImportQuery):
    """How a supplier's list is taken."""

    source: Annotated[Line, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="Where the phones came from."
    )


class LineOut(BaseModel):
    """What became of a line, or would."""

    line: int = Field(description="Counted from 1, the first line included; 0 stands for the whole file.")
    result: Verdict
    about: str
    says: list[str]


class ImportOut(BaseModel):
    """What became of a file, or would."""

    dry_run: bool
    new: int
    changed: int
    unchanged: int
    wrong: int
    skipped: int
    lines: list[LineOut] = Field(description=f"The first {LINES_MAX:,}; of a longer file the wrong ones before others.")
    left_out: int = Field(description="Lines that are counted above and not listed.")


@route("POST", "/imports/products", action="products.create", takes_file=True)
def import_products_file(call: Call, file: IO[bytes], query: ImportQuery) -> ImportOut:
    """Take a catalogue from a CSV file or a workbook, line by line or all or nothing."""
    return _read(call, kinds.PRODUCTS, file, query)


@route("POST", "/imports/prices", action="price_lists.set_price", takes_file=True)
def import_prices_file(call: Call, file: IO[bytes], query: ImportQuery) -> ImportOut:
    """Take prices from a CSV file or a workbook: retail, of price lists, and from so many pieces on."""
    return _read(call, kinds.PRICES, file, query)


@route("POST", "/imports/phones", action="handsets.receive", takes_file=True)
def import_phones_file(call: Call, file: IO[bytes], query: PhonesQuery) -> ImportOut:
    """Take phones into stock from a CSV file or a workbook, each by its IMEI."""
    return _read(call, kinds.HANDSETS, file, query, source=query.source)


@route("POST", "/imports/customers", action="customers.update", takes_file=True)
def import_customers_file(call: Call, file: IO[bytes], query: ImportQuery) -> ImportOut:
    """Take customers from a CSV file or a workbook, each by the telephone number."""
    return _read(call, kinds.PEOPLE, file, query)


@route("POST", "/imports/suppliers", action="suppliers.update", takes_file=True)
def import_suppliers_file(call: Call, file: IO[bytes], query: ImportQuery) -> ImportOut:
    """Take suppliers from a CSV file or a workbook, each by the name."""
    return _read(call, kinds.SUPPLYING, file, query)


@route("POST", "/imports/valuations", action="usedphones.set_valuation", takes_file=True)
def import_valuations_file(call: Call, file: IO[bytes], query: ImportQuery) -> ImportOut:
    """Take what is paid for used phones from a CSV file or a workbook."""
    return _read(call, kinds.VALUATIONS, file, query)


def _read(
    call: Call, kind: kinds.ImportKind, file: IO[bytes], query: ImportQuery, source: str | None = None
) -> ImportOut:
    """Raises Invalid for a file that is no such table, NotPermitted."""
    account = Account(LINES_MAX)
    try:
        with file, as_table(file) as table:
            for line in kind.run(call.ctx, table, dry_run=query.dry_run, whole=query.whole, source=source):
                account.add(line)
    except UnreadableWorkbook as wrong:
        raise Invalid({"file": str(wrong)}) from None
    read_again()
    counts = account.counts
    lines = sorted(account.lines(), key=lambda line: line.line_no)
    return ImportOut(
        dry_run=query.dry_run, new=counts[Verdict.NEW], changed=counts[Verdict.CHANGED],
        unchanged=counts[Verdict.UNCHANGED], wrong=counts[Verdict.WRONG], skipped=counts[Verdict.SKIPPED],
        lines=[LineOut(line=one.line_no, result=one.verdict, about=one.about, says=list(one.says)) for one in lines],
        left_out=account.total - len(lines),
    )  # fmt: skip
