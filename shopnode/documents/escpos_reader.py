"""Reads ESC/POS bytes back, as a printer would: what would stand on the paper, and what else would happen.

The other half of `escpos`, for previews, for the fake printer and for tests: a command this reader does not know is
reported, never skipped in silence, so the tests prove that receipts hold nothing but known commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from shopnode.documents.escpos import PLAIN, Paper, Style
from shopnode.documents.raster import Bitmap
from shopnode.documents.text import CODE_PAGES

_PAGES = {number: page for page, number in CODE_PAGES.items()}


class Happening(StrEnum):
    """What a job does beside printing."""

    RESET = "reset"
    CUT = "cut"
    DRAWER = "drawer"
    NEXT_LABEL = "next label"
    STATUS_ASKED = "status asked"
    WRAPPED = "wrapped"  # a line was wider than the paper
    UNKNOWN = "unknown"
    CUT_SHORT = "cut short"  # the bytes end inside a command


@dataclass(frozen=True)
class Event:
    what: Happening
    detail: str = ""


@dataclass(frozen=True)
class Span:
    """Characters of one style, as they stand on one line."""

    text: str
    style: Style


@dataclass(frozen=True)
class TextLine:
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    @property
    def height(self) -> int:
        return max((span.style.height for span in self.spans), default=1)

    @property
    def align(self) -> str:
        return self.spans[0].style.align if self.spans else "left"


@dataclass(frozen=True)
class PictureLine:
    bitmap: Bitmap
    align: str


@dataclass(frozen=True)
class QrLine:
    payload: str
    module: int
    align: str


@dataclass(frozen=True)
class Air:
    dots: int


@dataclass(frozen=True)
class CutLine:
    pass


Printed = TextLine | PictureLine | QrLine | Air | CutLine


@dataclass
class Tape:
    """What came out of the printer, top to bottom, and what happened meanwhile."""

    printed: list[Printed] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def happened(self, what: Happening) -> list[Event]:
        return [event for event in self.events if event.what is what]

    def texts(self) -> list[str]:
        """The text lines alone, without outer blanks."""
        return [line.text.strip() for line in self.printed if isinstance(line, TextLine) and line.text.strip()]


def read_escpos(data: bytes, paper: Paper) -> Tape:
    """Interpret all the bytes. Never raises, whatever it is given."""
    reader = _Reader(data, paper)
    while reader.at < len(data):
        reader.step()
    reader.end_line(force=False)
    return reader.tape


class _Reader:
    def __init__(self, data: bytes, paper: Paper):
        self.data, self.paper = data, paper
        self.at = 0
        self.tape = Tape()
        self.style = PLAIN
        self.page = "ascii"
        self.spans: list[Span] = []
        self.used = 0  # cells of the current line
        self.qr_payload, self.qr_module = "", 3

    def step(self) -> None:
        byte = self.data[self.at]
        if byte >= 0x20 and byte != 0x7F:
            self.text()
        elif byte == 0x0A:
            self.at += 1
            self.end_line(force=True)
        elif byte == 0x00:
            self.at += 1  # printers ignore it; sent to fill up a picture that was cut short
        elif byte in _LEADS:
            self.command()
        else:
            self.unknown(1)

    def command(self) -> None:
        for length in (3, 2):
            known = _COMMANDS.get(self.data[self.at : self.at + length])
            if known is not None:
                start, self.at = self.at, self.at + length
                try:
                    known(self)
                except IndexError:
                    self.at = len(self.data)
                    self.note(Happening.CUT_SHORT, self.data[start : start + length].hex())
                return
        self.unknown(2)

    def take(self, count: int) -> bytes:
        """The next bytes of a command. Raises IndexError if the job ends before."""
        if self.at + count > len(self.data):
            raise IndexError
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def text(self) -> None:
        end = self.at
        while end < len(self.data) and self.data[end] >= 0x20 and self.data[end] != 0x7F:
            end += 1
        for char in self.data[self.at : end].decode(self.page, "replace"):
            if self.used + self.style.width > self.paper.columns:
                self.note(Happening.WRAPPED, "".join(span.text for span in self.spans))
                self.end_line(force=True)
            self.add(char)
        self.at = end

    def add(self, char: str) -> None:
        self.used += self.style.width
        if self.spans and self.spans[-1].style == self.style:
            self.spans[-1] = replace(self.spans[-1], text=self.spans[-1].text + char)
        else:
            self.spans.append(Span(char, self.style))

    def end_line(self, *, force: bool) -> None:
        if self.spans or force:
            self.tape.printed.append(TextLine(tuple(self.spans)))
        self.spans, self.used = [], 0

    def put(self, printed: Printed) -> None:
        self.end_line(force=False)
        self.tape.printed.append(printed)

    def note(self, what: Happening, detail: str = "") -> None:
        self.tape.events.append(Event(what, detail))

    def unknown(self, length: int) -> None:
        self.note(Happening.UNKNOWN, self.data[self.at : self.at + length].hex())
        self.at += length


def _reset(reader: _Reader) -> None:
    reader.style, reader.page = PLAIN, "ascii"
    reader.note(Happening.RESET)


def _page(reader: _Reader) -> None:
    number = reader.take(1)[0]
    if number in _PAGES:
        reader.page = _PAGES[number]
    else:
        reader.note(Happening.UNKNOWN, f"code page {number}")


def _align(reader: _Reader) -> None:
    names = ("left", "centre", "right")
    reader.style = replace(reader.style, align=names[reader.take(1)[0] % 3])


def _bold(reader: _Reader) -> None:
    reader.style = replace(reader.style, bold=bool(reader.take(1)[0] & 1))


def _size(reader: _Reader) -> None:
    byte = reader.take(1)[0]
    reader.style = replace(reader.style, width=(byte >> 4 & 7) + 1, height=(byte & 7) + 1)


def _inverted(reader: _Reader) -> None:
    reader.style = replace(reader.style, inverted=bool(reader.take(1)[0] & 1))


def _feed_lines(reader: _Reader) -> None:
    lines = reader.take(1)[0]
    reader.put(Air(30 * lines))


def _feed_dots(reader: _Reader) -> None:
    reader.put(Air(reader.take(1)[0]))


def _picture(reader: _Reader) -> None:
    head = reader.take(5)
    stride, rows = int.from_bytes(head[1:3], "little"), int.from_bytes(head[3:5], "little")
    bitmap = Bitmap(stride * 8, rows, reader.take(stride * rows))
    reader.end_line(force=False)
    if stride * 8 > reader.paper.dots:
        reader.note(Happening.WRAPPED, "picture")
    last = reader.tape.printed[-1] if reader.tape.printed else None
    if isinstance(last, PictureLine) and last.bitmap.width == bitmap.width and last.align == reader.style.align:
        joined = Bitmap(bitmap.width, last.bitmap.rows + rows, last.bitmap.data + bitmap.data)
        reader.tape.printed[-1] = PictureLine(joined, last.align)
    else:
        reader.tape.printed.append(PictureLine(bitmap, reader.style.align))


def _qr(reader: _Reader) -> None:
    body = reader.take(int.from_bytes(reader.take(2), "little"))
    if body[:2] == b"1C" and len(body) == 3:
        reader.qr_module = body[2]
    elif body[:3] == b"1P0":
        reader.qr_payload = body[3:].decode("ascii", "replace")
    elif body[:3] == b"1Q0":
        reader.put(QrLine(reader.qr_payload, reader.qr_module, reader.style.align))
    elif body[:2] not in (b"1A", b"1E"):
        reader.note(Happening.UNKNOWN, "QR function " + body[:2].hex())


def _cut(reader: _Reader) -> None:
    kind = reader.take(1)[0]
    if kind in (65, 66):
        reader.take(1)
    reader.put(CutLine())
    reader.note(Happening.CUT)


def _next_label(reader: _Reader) -> None:
    reader.put(Air(20))
    reader.note(Happening.NEXT_LABEL)


def _drawer(reader: _Reader) -> None:
    reader.take(3)
    reader.note(Happening.DRAWER)


def _status(reader: _Reader) -> None:
    reader.note(Happening.STATUS_ASKED, str(reader.take(1)[0]))


def _nothing(arguments: int) -> Callable[[_Reader], None]:
    def skip(reader: _Reader) -> None:
        reader.take(arguments)

    return skip


_COMMANDS: dict[bytes, Callable[[_Reader], None]] = {
    b"\x1b@": _reset,
    b"\x1bt": _page,
    b"\x1bR": _nothing(1),
    b"\x1b2": _nothing(0),
    b"\x1c.": _nothing(0),
    b"\x1ba": _align,
    b"\x1bE": _bold,
    b"\x1bd": _feed_lines,
    b"\x1bJ": _feed_dots,
    b"\x1bp": _drawer,
    b"\x1d!": _size,
    b"\x1dB": _inverted,
    b"\x1dV": _cut,
    b"\x1d\x0c": _next_label,
    b"\x1dv0": _picture,
    b"\x1d(k": _qr,
    b"\x10\x04": _status,
}
_LEADS = {0x10, 0x1B, 0x1C, 0x1D}
