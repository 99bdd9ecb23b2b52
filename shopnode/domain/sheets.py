"""Tables people send: CSV of any spreadsheet's dialect, read line by line in bounded memory.

Encoding, separator and the names of columns are guessed; what a cell means is read strictly, and what cannot be read
is explained in a shopkeeper's words, for the line it stands on.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import IO

from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX, exponent

LINE_CHARS_MAX = 20_000
LINES_MAX = 200_000
PIECE_BYTES = 64 * 1024
CELL_LINES_MAX = 100  # of the file, in one cell
CELL_SHOWN_MAX = 40
NOT_READ = "This line cannot be read. A quotation mark may be missing in it."
NO_TABLE = "is not a table of text. Save it as CSV and try again"

# Wide forms are read as the narrow ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_Line = tuple[int, str | None]

YES = {"yes", "y", "true", "1", "x", "ndiyo", "ye"}
NO = {"no", "n", "false", "0", "", "-", "hapana", "nedda"}


class Verdict(StrEnum):
    """What became of a line; in a dry run, what would."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WRONG = "wrong"
    SKIPPED = "skipped"  # an empty line, a total


@dataclass(frozen=True)
class LineResult:
    """One line of an import: what it is about, what became of it, and why, in words."""

    line_no: int
    verdict: Verdict
    about: str
    says: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the table: the cells of the known columns, trimmed."""

    line_no: int
    cells: Mapping[str, str]
    fault: str | None = None  # the line itself could not be read

    @property
    def is_empty(self) -> bool:
        return self.fault is None and not any(self.cells.values())


@dataclass(frozen=True)
class Sheet:
    """An opened table. `titles` are the columns as the sender calls them, `unused` those that mean nothing to us."""

    titles: Mapping[str, str]
    unused: tuple[str, ...]
    rows: Iterator[Row]


def open_sheet(file: IO[bytes], columns: Mapping[str, Iterable[str]], needed: Iterable[str]) -> Sheet:
    """Read the header line. `columns` gives for each field the titles it may have.

    Raises Invalid when the file is empty, is no table of text, or lacks a needed column.
    """
    lines = _lines(file)
    header_no, header = next(((no, line) for no, line in lines if line is None or line.strip(" \t\n;,")), (0, ""))
    if header is None:
        raise Invalid({"file": NO_TABLE})
    if not header:
        raise Invalid({"file": "is empty"})
    if any(unicodedata.category(sign) == "Cc" for sign in header.strip().replace("\t", "")):
        raise Invalid({"file": NO_TABLE})  # a workbook or a picture, not text
    separator = max(";,\t|", key=header.count)
    try:
        titles = [title.strip() for title in next(csv.reader([header], delimiter=separator))]
    except csv.Error:
        raise Invalid({"file": NO_TABLE}) from None
    fields = _fields(titles, columns)
    missing = [name for name in needed if name not in fields.values()]
    if missing:
        wanted = ", ".join(next(iter(columns[name])) for name in missing)
        raise Invalid({"file": f"has no column for: {wanted}. Its first line must name the columns"})
    known = {name: titles[position] for position, name in fields.items()}
    unused = tuple(title for position, title in enumerate(titles) if title and position not in fields)
    return Sheet(known, unused, _rows(lines, header_no, separator, fields, len(titles)))


def could_be_formula(text: str) -> bool:
    """Whether some spreadsheet would calculate this text. Where we write it, a quote stands in front of it."""
    return text.lstrip(" ").startswith(FORMULA_STARTS)


def _bare(cell: str) -> str:
    """A cell without the quote that a list of ours has in front of what could be a formula."""
    cell = cell.strip()
    return cell[1:].strip() if cell[:1] == "'" and could_be_formula(cell[1:]) else cell


def read_amount(text: str, currency: str) -> int:
    """Minor units of what people write: 1,000 · UGX 1000 · 1.000/= · 1 000. Raises ValueError, in words."""
    _refuse_damaged(text)
    bare = re.sub(r"(?i)\b(ugx|ush|shs|sh|kes|ksh|usd|tzs|rwf)\b\.?|[$€£]|/[=-]?$|[=]$", "", text.strip()).strip()
    bare = re.sub(r"[\s'’]", "", bare)
    if re.match(r"[-−(]", bare):
        raise ValueError("must not be below zero")
    places = exponent(currency)
    whole, part = _split_amount(bare)
    if not whole.isdigit() or not whole.isascii():
        raise ValueError(f"“{shown(text)}” is not an amount")
    if len(part.rstrip("0")) > places:
        raise ValueError(f"“{shown(text)}” has a fraction, {currency} has {places or 'no'} decimal places")
    amount_minor = int(whole + part.rstrip("0").ljust(places, "0"))
    if amount_minor > MONEY_MINOR_MAX:
        raise ValueError(f"“{shown(text)}” is too large")
    return amount_minor


def _split_amount(bare: str) -> tuple[str, str]:
    """Whole and fraction. A group of three digits after a separator is thousands, for prices here have no mills."""
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", bare):
        return re.sub(r"[.,]", "", bare), ""
    fraction = re.fullmatch(r"(\d{1,3}(?:,\d{3})+|\d+)\.(\d{1,2})|(\d{1,3}(?:\.\d{3})+|\d+),(\d{1,2})", bare)
    if fraction is None:
        return bare, ""
    return re.sub(r"[.,]", "", fraction[1] or fraction[3]), fraction[2] or fraction[4]


def read_number(text: str) -> int:
    """A whole number, thousands separated by commas or spaces, or not. One that may be read in two ways is refused: a
    dot before three digits is thousands in one country and a fraction in another. Raises ValueError, in words."""
    if re.fullmatch(r"\s*\d{1,3}(\.\d{3})+\s*", text, re.ASCII):
        plain = text.strip().replace(".", "")
        raise ValueError(
            f"“{shown(text)}” may mean {int(text.split('.')[0])} or {int(plain):,}: write it without the dot"
        )
    bare = re.sub(r"(?<=\d)[,\s](?=\d{3}\b)", "", text.strip())
    if not re.fullmatch(r"\d{1,12}(\.0+)?", bare, re.ASCII):
        raise ValueError(f"“{shown(text)}” is not a whole number")
    return int(bare.partition(".")[0])


def read_day(text: str) -> str:
    """A day, as 1990-11-22 or with the day first where it cannot be the month. Raises ValueError, in words."""
    bare = text.strip()
    found = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", bare, re.ASCII)
    if found:
        day, month, year = (int(part) for part in found.groups())
        if day <= 12 and day != month:
            raise ValueError(f"“{shown(text)}” may mean two days: write it as {year}-{month:02}-{day:02}")
        bare = f"{year}-{month:02}-{day:02}"
    try:
        return date.fromisoformat(bare).isoformat()
    except ValueError:
        raise ValueError(f"“{shown(text)}” is not a day such as 1990-11-22") from None


def read_yes_no(text: str) -> bool:
    """Yes or no, as people here write it. Raises ValueError, in words."""
    word = text.strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError(f"“{shown(text)}” is neither yes nor no")


def read_code(text: str) -> str:
    """A code of digits or letters, as text. Raises ValueError when a spreadsheet has turned it into a number."""
    _refuse_damaged(text)
    return text.strip().lstrip("'")


def shown(text: str) -> str:
    """A cell as it may be quoted back: short."""
    text = " ".join(text.split())
    return text if len(text) <= CELL_SHOWN_MAX else text[: CELL_SHOWN_MAX - 1] + "…"


def _refuse_damaged(text: str) -> None:
    if re.fullmatch(r"\s*\d([.,]\d+)?[eE][+]?\d+\s*", text):
        raise ValueError(f"“{shown(text)}” was changed by a spreadsheet: format the column as text and type it again")


def _fields(titles: list[str], columns: Mapping[str, Iterable[str]]) -> dict[int, str]:
    names = {_plain(title): field for field, known in columns.items() for title in known}
    fields: dict[int, str] = {}
    for position, title in enumerate(titles):
        field = names.get(_plain(title))
        if field is not None and field not in fields.values():
            fields[position] = field
    return fields


def _plain(title: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", title.casefold()).split())


def _rows(
    lines: Iterator[_Line], header_no: int, separator: str, fields: Mapping[int, str], width: int
) -> Iterator[Row]:
    last = header_no
    for record in _records(lines, separator, width):
        last = record.last
        if record.cells is None:
            yield Row(record.first, {}, NOT_READ)
        else:
            cells = record.cells
            known = {name: _bare(cells[at]) if at < len(cells) else "" for at, name in fields.items()}
            yield Row(record.first, known)
        if last > LINES_MAX:
            yield Row(last, {}, f"The rest was not read: a file may have {LINES_MAX:,} lines. Split it.")
            return


@dataclass(frozen=True)
class _Record:
    """The cells of one line of the table, which may run over several lines of the file; None where it is not read."""

    first: int
    last: int
    cells: list[str] | None


def _records(lines: Iterator[_Line], separator: str, width: int) -> Iterator[_Record]:
    """Every line of the file is in one record. Of one that cannot be read only its first line is given up: those after
    it, which an open quotation mark had swallowed, are read again."""
    waiting: deque[_Line] = deque()
    while True:
        took: list[_Line] = []
        try:
            cells = next(csv.reader(_texts_of(lines, waiting, took), delimiter=separator, strict=True))
            if _has_swallowed([text or "" for _, text in took], separator, width):
                raise csv.Error
        except StopIteration:
            return
        except (csv.Error, LineTooLong):
            yield _Record(took[0][0], took[0][0], None)
            waiting.extendleft(reversed(took[1:]))
        else:
            yield _Record(took[0][0], took[-1][0], cells)


def _texts_of(lines: Iterator[_Line], waiting: deque[_Line], took: list[_Line]) -> Iterator[str]:
    """Line after line, for as long as a cell may be; each of them is noted. Raises LineTooLong."""
    while len(took) < CELL_LINES_MAX:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        took.append(line)
        if line[1] is None:
            raise LineTooLong
        yield line[1]


def _has_swallowed(texts: list[str], separator: str, width: int) -> bool:
    """Whether a cell that runs over these lines seems to hold lines of the table: a quotation mark was left open, and
    another one further down has closed it."""
    if len(texts) == 1:
        return False
    opened = next(csv.reader(texts[:1], delimiter=separator))
    inside = opened[-1].count(separator)
    fills = inside > 0 and len(opened) + inside == width
    return fills or any(text.count(separator) == width - 1 for text in texts[1:-1])


class LineTooLong(ValueError):
    """A line that nobody typed."""


def _lines(file: IO[bytes]) -> Iterator[_Line]:
    """The lines with their numbers, from 1; None for one that nobody typed, of which no more is kept."""
    line_no, rest, is_long = 0, "", False
    for text in _texts(file):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            line_no += 1
            yield line_no, None if is_long or len(line) > LINE_CHARS_MAX else line + "\n"
            is_long = False
        if len(rest) > LINE_CHARS_MAX:
            rest, is_long = "", True
    if rest or is_long:
        yield line_no + 1, None if is_long or len(rest) > LINE_CHARS_MAX else rest


def _texts(file: IO[bytes]) -> Iterator[str]:
    """The file as text, piece by piece. A byte that is not UTF-8 is read as Windows' own code page."""
    piece = file.read(PIECE_BYTES)
    encoding = "utf-16" if piece[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(_WINDOWS), translate=True)
    while piece:
        yield decoder.decode(piece)
        piece = file.read(PIECE_BYTES)
    yield decoder.decode(b"", final=True)


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_WINDOWS = "as-windows"
codecs.register_error(_WINDOWS, _as_windows)
