"""A workbook (XLSX) somebody sends, read as the table of text that it is: nothing in it is believed.

The first visible sheet becomes CSV in UTF-8, line for line, so the one importer reads both. Numbers are written out
("356938035643809", never 3.57E+14), formulas by the value they last had, an empty line stays a line.

Invariants:
  * What the archive says of itself is judged before any of it is unpacked: number and size of its parts, and how far
    they were squeezed. Unpacking stops at the size a part claims.
  * Only four parts are opened. They are read as a stream: memory holds the shared texts (bounded) and one line.
  * A document type is refused, so no entity is ever expanded; a token without an end is refused, too.
"""

from __future__ import annotations

import csv
import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO
from xml.parsers import expat

FILE_MAX = 30 * 1024 * 1024
PARTS_MAX = 2_000
PART_MAX = 200 * 1024 * 1024  # unpacked; 100,000 lines of 20 cells are 60 MB
TEXTS_MAX = 40 * 1024 * 1024  # unpacked, of the texts that cells share: these stay in memory
SMALL_PART_MAX = 1024 * 1024
RATIO_MAX = 150  # unpacked to packed; sheets of one value repeated reach 60
RATIO_FROM = 1024 * 1024  # smaller parts may be squeezed as they like
ROWS_MAX, COLUMNS_MAX, CELL_MAX = 200_000, 200, 5_000
TEXT_COUNT_MAX = 1_000_000
PIECE = 64 * 1024
TOKEN_MAX = 2 * 1024 * 1024
MEMORY_MAX = 4 * 1024 * 1024  # of the table that is kept in memory; a longer one goes to the disk
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

NUMBER_MAX, EXACT_MAX = 40, 10**16  # signs of a number; above it no spreadsheet is exact
DEPTH_MAX, NAMES_MAX = 60, 500  # the parser remembers every open element and every name
_BROKEN = (
    zipfile.BadZipFile, zlib.error, expat.ExpatError, LookupError, ValueError, ArithmeticError, EOFError, OSError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
TOO_LONG = f"has a cell with more than {CELL_MAX:,} characters"
BROKEN_WORDS = "cannot be read as a workbook. Save it as XLSX or CSV again and retry"

Handlers = tuple[Callable[[str, dict[str, str]], None], Callable[[str], None], Callable[[str], None]]


class UnreadableWorkbook(ValueError):
    """Why a workbook is not read, in words for whoever sent it."""


@contextmanager
def as_table(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file itself if it is text; a workbook's first sheet as CSV. Raises UnreadableWorkbook."""
    start = file.read(4)
    file.seek(0)
    if start == OLE:
        raise UnreadableWorkbook("is an old Excel file or has a password. Save it as XLSX or CSV and try again")
    if start != ZIP:
        yield file
        return
    with SpooledTemporaryFile(MEMORY_MAX) as table:
        text = io.TextIOWrapper(table, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        for row in workbook_rows(file):
            writer.writerow(row)
        text.detach()
        table.seek(0)
        yield table


def workbook_rows(file: IO[bytes]) -> Iterator[list[str]]:
    """The rows of the first visible sheet, from its first line on. Raises UnreadableWorkbook."""
    try:
        size = file.seek(0, io.SEEK_END)
        if size > FILE_MAX:
            raise UnreadableWorkbook(f"is larger than {FILE_MAX // 1024**2} MB. Split it and try again")
        with zipfile.ZipFile(file) as archive:
            _judge(archive)
            texts = _shared_texts(archive)
            yield from _sheet_rows(archive, _first_sheet(archive), texts)
    except UnreadableWorkbook:
        raise
    except _BROKEN:
        raise UnreadableWorkbook(BROKEN_WORDS) from None


def _judge(archive: zipfile.ZipFile) -> None:
    """Refuse a bomb by what the archive says of itself."""
    parts = archive.infolist()
    total = sum(part.file_size for part in parts)
    if len(parts) > PARTS_MAX or total > 2 * PART_MAX or len({part.filename for part in parts}) != len(parts):
        raise UnreadableWorkbook("is far too large once it is unpacked. Copy the table into a new workbook")
    for part in parts:
        squeezed = part.file_size > RATIO_FROM and part.file_size > RATIO_MAX * max(1, part.compress_size)
        if squeezed or part.file_size > PART_MAX:
            raise UnreadableWorkbook("is far too large once it is unpacked. Copy the table into a new workbook")
        if part.flag_bits & 0x1:
            raise UnreadableWorkbook("has a password. Save it without one and try again")


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the first sheet that is shown."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def on_sheet(name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            link = next((value for key, value in given.items() if key.endswith(":id") or key == "id"), "")
            sheets.append((given.get("state", "visible"), link))

    def on_link(name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            targets[given.get("Id", "")] = given.get("Target", "")

    _parse(archive, "xl/workbook.xml", SMALL_PART_MAX, (on_sheet, _nothing, _nothing))
    _parse(archive, "xl/_rels/workbook.xml.rels", SMALL_PART_MAX, (on_link, _nothing, _nothing))
    shown = [link for state, link in sheets if state == "visible"] or [link for _, link in sheets]
    if not shown:
        raise UnreadableWorkbook("has no sheet in it")
    target = targets[shown[0]]
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    reader = _Texts()
    _parse(archive, "xl/sharedStrings.xml", TEXTS_MAX, (reader.start, reader.end, reader.text))
    return reader.found


class _Texts:
    """Collects the texts of `<si>`, those of their runs joined; what is spoken (`<rPh>`) is left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._in_text = self._spoken = False

    def start(self, name: str, given: dict[str, str]) -> None:
        self._in_text = name == "t" and not self._spoken
        self._spoken = self._spoken or name == "rPh"

    def end(self, name: str) -> None:
        self._in_text = False
        if name == "rPh":
            self._spoken = False
        if name == "si":
            self.found.append(_one_line("".join(self._parts)))
            self._parts.clear()
            if len(self.found) > TEXT_COUNT_MAX:
                raise UnreadableWorkbook("holds too many texts. Split it and try again")

    def text(self, words: str) -> None:
        if self._in_text:
            self._parts.append(words)
            if len(self._parts) > CELL_MAX:
                raise UnreadableWorkbook(TOO_LONG)


class _Rows:
    """Collects the rows of a sheet, those finished so far in `done`."""

    def __init__(self, texts: list[str]):
        self.texts, self.done, self.next_no = texts, list[list[str]](), 1
        self._cells: list[str] = []
        self._kind, self._at, self._value = "n", 0, list[str]()
        self._reading = False

    def start(self, name: str, given: dict[str, str]) -> None:
        if name == "row":
            self._begin(int(given.get("r", self.next_no)))
        elif name == "c":
            self._kind = given.get("t", "n")
            self._at = _column(given["r"]) if "r" in given else len(self._cells)
            if self._at >= COLUMNS_MAX:
                raise UnreadableWorkbook(f"has more than {COLUMNS_MAX} columns. Delete those that are not needed")
            self._value.clear()
        self._reading = name in ("v", "t")

    def end(self, name: str) -> None:
        self._reading = False
        if name == "c":
            self._cells += [""] * (self._at + 1 - len(self._cells))
            self._cells[self._at] = self._shown("".join(self._value))
        elif name == "row":
            self.done.append(self._cells)
            self._cells = []

    def text(self, words: str) -> None:
        if self._reading:
            self._value.append(words)
            if len(self._value) > CELL_MAX:  # pieces; each is short
                raise UnreadableWorkbook(TOO_LONG)

    def _begin(self, number: int) -> None:
        if number > ROWS_MAX:
            raise UnreadableWorkbook(f"has more than {ROWS_MAX:,} lines. Split it and try again")
        if number < self.next_no:
            raise UnreadableWorkbook("has its lines out of order. Copy the table into a new workbook")
        self.done += [[] for _ in range(number - self.next_no)]
        self.next_no = number + 1
        self._cells = []

    def _shown(self, value: str) -> str:
        if self._kind == "s":
            return self.texts[int(value)] if value else ""
        if self._kind == "b":
            return "yes" if value.strip() == "1" else "no"
        return _number(value) if self._kind == "n" else _one_line(value)


def _sheet_rows(archive: zipfile.ZipFile, path: str, texts: list[str]) -> Iterator[list[str]]:
    rows = _Rows(texts)
    for _ in _pieces(archive, path, PART_MAX, (rows.start, rows.end, rows.text)):
        yield from rows.done
        rows.done.clear()
    yield from rows.done


def _parse(archive: zipfile.ZipFile, path: str, size_max: int, handlers: Handlers) -> None:
    for _ in _pieces(archive, path, size_max, handlers):
        pass


def _pieces(archive: zipfile.ZipFile, path: str, size_max: int, handlers: Handlers) -> Iterator[None]:
    """Feed a part to the parser piece by piece; names are handed on without their prefixes."""
    if archive.getinfo(path).file_size > size_max:
        raise UnreadableWorkbook("is far too large once it is unpacked. Copy the table into a new workbook")
    parser = _parser(handlers)
    fed = 0
    with archive.open(path) as part:
        while piece := part.read(PIECE):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - parser.CurrentByteIndex > TOKEN_MAX:
                raise UnreadableWorkbook(BROKEN_WORDS)
            yield
        parser.Parse(b"", True)
        yield


def _parser(handlers: Handlers) -> expat.XMLParserType:
    """A parser that hands names on without their prefixes, and gives up on what is nested or named without end."""
    parser = expat.ParserCreate()
    on_start, on_end, on_text = handlers
    names: set[str] = set()
    depth = 0

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        names.add(name)
        names.update(given)
        if depth > DEPTH_MAX or len(names) > NAMES_MAX:
            raise UnreadableWorkbook(BROKEN_WORDS)
        on_start(name.rpartition(":")[2], given)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        on_end(name.rpartition(":")[2])

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = on_text
    parser.StartDoctypeDeclHandler = _no_document_type
    return parser


def _no_document_type(*_: object) -> None:
    raise UnreadableWorkbook(BROKEN_WORDS)


def _nothing(*_: object) -> None:
    """What is not looked at."""


def _column(place: str) -> int:
    """AB12 is column 27, counted from 0."""
    number = 0
    for sign in place[:4]:
        if not "A" <= sign <= "Z":
            break
        number = number * 26 + ord(sign) - 64
    return number - 1 if number else COLUMNS_MAX


def _number(value: str) -> str:
    """A number as a person writes it, without an exponent and without a tail of noughts."""
    value = value.strip()
    if not value or len(value) > NUMBER_MAX:
        return _one_line(value)
    whole = float(value)
    return f"{whole:.0f}" if whole == int(whole) and abs(whole) < EXACT_MAX else repr(whole)


def _one_line(text: str) -> str:
    if len(text) > CELL_MAX:
        raise UnreadableWorkbook(TOO_LONG)
    return " ".join(text.split()) if "\n" in text or "\r" in text else text
