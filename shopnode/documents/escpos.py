"""The printer language, as far as we need it: an encoder from calls to ESC/POS bytes.

Invariants:
  * A person's words become bytes in `to_bytes` alone; nothing below 0x20, no C1 and no DEL comes out of it.
    Commands are built from our own numbers alone.
  * A picture's bytes never hold a sequence that a printer obeys inside other data (DLE EOT, DLE ENQ, DLE DC4).
  * No printing method opens the drawer: `drawer_kick` is the one function that can, and nothing here calls it.

Every receipt starts with `ESC @` and ends with everything switched off, so it does not matter what was printed before.
Source: Epson's command reference. Only tried against our own reader: no real printer was at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopnode.documents.raster import Bitmap
from shopnode.documents.text import CODE_PAGES, clean, to_bytes

ESC, FS, GS, DLE, LF = b"\x1b", b"\x1c", b"\x1d", b"\x10", b"\n"
DOTS_PER_CELL = 12
BAND_ROWS = 32  # a picture goes out in bands, so that a small printer's buffer holds one
QR_BYTES_MAX = 300
_QR_CAPACITY = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331)  # bytes of versions 1, 2 … at level M
RESYNC = b"\x00" * (BAND_ROWS * 80)  # longer than any band or QR store of ours


@dataclass(frozen=True)
class Paper:
    """One printer's paper: how many characters and dots a line has, and what the printer can do.

    columns      32 on 58 mm; 48, or 42 on many cheap printers, on 80 mm
    page         code page; "ascii" for a printer whose page is unknown
    cuts         False: no cutter, the paper is fed and torn
    qr_as_image  for printers without a QR command of their own
    """

    columns: int
    page: str = "cp1252"
    cuts: bool = True
    qr_as_image: bool = False

    def __post_init__(self) -> None:
        if not 24 <= self.columns <= 64:
            raise ValueError("a receipt has between 24 and 64 columns")
        if self.page not in CODE_PAGES:
            raise ValueError(f"unknown code page {self.page!r}")

    @property
    def dots(self) -> int:
        """Width of a line in dots, a multiple of 8."""
        return self.columns * DOTS_PER_CELL // 8 * 8


PAPER_58 = Paper(columns=32)
PAPER_80 = Paper(columns=48)
PAPER_80_NARROW = Paper(columns=42)


@dataclass(frozen=True)
class Style:
    """How the next text looks. Sizes are whole multiples of the normal one."""

    bold: bool = False
    width: int = 1
    height: int = 1
    align: str = "left"
    inverted: bool = False


PLAIN = Style()
_ALIGN = {"left": 0, "centre": 1, "right": 2}


def drawer_kick(pin: int = 2) -> bytes:
    """The pulse that opens the cash drawer: 100 ms on connector pin 2 or 5."""
    return ESC + b"p" + bytes([0 if pin == 2 else 1, 50, 250])


def ask_status(what: int) -> bytes:
    """Real-time status request: 1 printer, 2 why offline, 3 error, 4 paper."""
    return DLE + b"\x04" + bytes([what])


class Escpos:
    """Collects the bytes of one job. Only changes of style are written."""

    def __init__(self, paper: Paper):
        self.paper = paper
        self._style = PLAIN
        # FS . leaves the double-byte mode in which Chinese printers start; ESC R 0 and ESC t choose the characters.
        page = bytes([CODE_PAGES[paper.page]])
        self._out = bytearray(ESC + b"@" + FS + b"." + ESC + b"R\x00" + ESC + b"t" + page + ESC + b"2")

    def text(self, words: str, style: Style = PLAIN) -> None:
        """Characters without a line end."""
        self._set(style)
        self._out += to_bytes(words, self.paper.page)

    def line(self, words: str = "", style: Style = PLAIN) -> None:
        if words:
            self.text(words, style)
        self._out += LF

    def feed(self, lines: int) -> None:
        self._out += ESC + b"d" + bytes([max(0, min(lines, 20))])

    def advance(self, dots: int) -> None:
        """A little air, finer than a line."""
        self._out += ESC + b"J" + bytes([max(0, min(dots, 255))])

    def rule(self) -> None:
        """A hairline across the paper, with air above and below."""
        stride = self.paper.dots // 8
        self.advance(8)
        self.picture(Bitmap(self.paper.dots, 2, b"\xff" * (2 * stride)))
        self.advance(10)

    def picture(self, bitmap: Bitmap, align: str = "left") -> None:
        """A black and white picture in bands of a few rows each."""
        self._set(Style(align=align))
        for top in range(0, bitmap.rows, BAND_ROWS):
            rows = min(BAND_ROWS, bitmap.rows - top)
            data = _harmless(bitmap.data[top * bitmap.stride : (top + rows) * bitmap.stride])
            head = GS + b"v0\x00" + bitmap.stride.to_bytes(2, "little") + rows.to_bytes(2, "little")
            self._out += head + data

    def qr(self, payload: str, dots_max: int) -> None:
        """A QR code drawn by the printer itself (model 2, error correction M), at most `dots_max` wide."""
        data = to_bytes(clean(payload, QR_BYTES_MAX), "ascii")
        module = bytes([qr_module(len(data), dots_max)])
        self._set(Style(align="centre"))
        for function in (b"1A2\x00", b"1C" + module, b"1E1", b"1P0" + data, b"1Q0"):
            self._out += GS + b"(k" + len(function).to_bytes(2, "little") + function

    def next_label(self) -> None:
        """Feed to where the next label begins; printers without a gap sensor pass it over."""
        self._out += GS + b"\x0c"

    def cut(self) -> None:
        """Feed past the blade, then cut, where there is a blade."""
        self._set(PLAIN)
        self.feed(4)
        if self.paper.cuts:
            self._out += GS + b"V\x01"

    def getvalue(self) -> bytes:
        self._set(PLAIN)
        return bytes(self._out)

    def _set(self, new: Style) -> None:
        old, self._style = self._style, new
        if new.align != old.align:
            self._out += ESC + b"a" + bytes([_ALIGN[new.align]])
        if new.bold != old.bold:
            self._out += ESC + b"E" + bytes([new.bold])
        if (new.width, new.height) != (old.width, old.height):
            self._out += GS + b"!" + bytes([(new.width - 1) << 4 | (new.height - 1)])
        if new.inverted != old.inverted:
            self._out += GS + b"B" + bytes([new.inverted])


def qr_module(payload_bytes: int, dots_max: int) -> int:
    """Dots for one square of a QR code, between 2 and 8, so that code and quiet zone fit."""
    version = next((i for i, most in enumerate(_QR_CAPACITY, 1) if payload_bytes <= most), len(_QR_CAPACITY))
    return max(2, min(8, dots_max // (17 + 4 * version + 8)))


def _harmless(pixels: bytes) -> bytes:
    """The same picture without DLE EOT, DLE ENQ and DLE DC4, which printers obey even inside a picture.

    DLE is the dot pattern 00010000; one more dot beside it does not show.
    """
    for command in (b"\x04", b"\x05", b"\x14"):
        pixels = pixels.replace(DLE + command, b"\x18" + command)
    return pixels
