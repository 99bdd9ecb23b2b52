"""Tables for a spreadsheet, CSV and XLSX: one rule for both of what a cell may hold.

Invariants:
  * No text of ours is ever taken for a formula. In CSV it gets a quote in front; in XLSX the cell is text by type and
    marked as quoted, so it stays text when somebody edits it.
  * Rows are written as they come, to a file: memory does not grow with the table.
  * Numbers and dates keep their type in XLSX. Instants are in the zone that is given, for a spreadsheet knows none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import Enum
from typing import IO, Any
from zoneinfo import ZoneInfo

from shopnode.documents.text import visible
from shopnode.domain.sheets import could_be_formula

BOM = "\ufeff"  # without it, Excel reads UTF-8 as something else
CELL_MAX = 32_767  # characters Excel takes in a cell
EXACT_MAX = 10**15  # larger whole numbers lose digits in a spreadsheet, so they are text
SHEET_TITLE_MAX = 31
WIDTH_MIN, WIDTH_MAX = 10, 40

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def write_csv(file: IO[bytes], titles: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> int:
    """Write the table; returns how many rows it has."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="", write_through=True)
    text.write(BOM)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([csv_cell(title, zone) for title in titles])
    count = 0
    for row in rows:
        writer.writerow([csv_cell(value, zone) for value in row])
        count += 1
    text.detach()
    return count


def write_xlsx(
    file: IO[bytes], sheet_title: str, titles: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo
) -> int:
    """Write the table as a workbook with one sheet; returns how many rows it has."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(sheet_title))
    sheet.freeze_panes = "A2"
    for number, title in enumerate(titles):
        sheet.column_dimensions[_letters(number)].width = min(WIDTH_MAX, max(WIDTH_MIN, len(title) + 4))
    sheet.append([_xlsx_cell(sheet, title, zone, bold=True) for title in titles])
    count = 0
    try:
        for row in rows:
            sheet.append([_xlsx_cell(sheet, value, zone) for value in row])
            count += 1
    finally:
        sheet.close()  # also when a row could not be read: it holds a file open
    book.save(file)
    return count


def csv_cell(value: Any, zone: ZoneInfo) -> Any:
    """A value as CSV may have it. Text that could be a formula gets a quote in front."""
    value = _plain(value, zone)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return "'" + value if could_be_formula(value) else value
    return value


def _xlsx_cell(sheet: Any, value: Any, zone: ZoneInfo, *, bold: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    value = _plain(value, zone)
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet)
    cell.value = visible(value)[:CELL_MAX]  # a workbook holds no control characters
    cell.data_type = "s"  # whatever it begins with
    cell.quotePrefix = could_be_formula(value)
    if bold:
        cell.font = Font(bold=True)
    return cell


def _plain(value: Any, zone: ZoneInfo) -> Any:
    """One of None, text, number, date, or an instant in the zone, without it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None, microsecond=0)
    if isinstance(value, int) and abs(value) >= EXACT_MAX:
        return str(value)
    return value


def _sheet_title(title: str) -> str:
    """Excel forbids some signs, and more than 31 of any."""
    kept = "".join(" " if sign in "[]:*?/\\'" else sign for sign in visible(title))
    return " ".join(kept.split())[:SHEET_TITLE_MAX] or "List"


def _letters(number: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(number + 1))
