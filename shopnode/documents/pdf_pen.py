"""Drawing on PDF pages from the top down: texts of any script, hairlines, QR codes. What all our PDFs share.

Invariants:
  * The same calls give the same bytes: no date, no random id, no compression that varies.
  * Text is cleaned first; reportlab escapes it. What Helvetica has no letter for is drawn as a picture.
  * reportlab is imported when the first PDF is made: it takes a quarter of a second.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shopnode.documents.raster import qr_matrix
from shopnode.documents.text import clean

MM = 72 / 25.4
Colour = tuple[float, float, float]
INK: Colour = (0.09, 0.10, 0.12)
MUTED: Colour = (0.40, 0.43, 0.48)
HAIR: Colour = (0.80, 0.82, 0.85)
WHITE: Colour = (1, 1, 1)
PICTURE_DPI_FACTOR = 4  # pixels for a point of text drawn as a picture


@dataclass(frozen=True)
class Type:
    """How a text is set. Sizes follow the screen's scale (13, 15, 17, 20, 24 …) times the paper's own factor."""

    size: float
    bold: bool = False
    colour: Colour = INK

    @property
    def font(self) -> str:
        return "Helvetica-Bold" if self.bold else "Helvetica"

    @property
    def leading(self) -> float:
        return self.size * 1.38


class PdfPen:
    """A cursor that moves down a page. All places are points from the left and from the top."""

    def __init__(self, width: float, height: float, title: str, author: str):
        from reportlab.pdfgen.canvas import Canvas

        self.width, self.height = width, height
        self._stream = io.BytesIO()
        self._canvas: Any = Canvas(self._stream, pagesize=(width, height), invariant=1, pageCompression=1)
        self._canvas.setTitle(clean(title, 120))
        self._canvas.setAuthor(clean(author, 120))
        self._canvas.setCreator("phoneshop")
        self.y = 0.0
        self.pages = 1

    def text(self, x: float, words: str, kind: Type, *, align: str = "left", room: float | None = None) -> None:
        """One line with its baseline on the cursor; `x` is its left, right or middle. Cut with dots to `room`."""
        words = clean(words)
        if room is not None:
            words = fit(words, kind, room)
        left = x - {"left": 0.0, "right": 1.0, "centre": 0.5}[align] * measure(words, kind)
        if is_plain(words):
            self._canvas.setFillColorRGB(*kind.colour)
            self._canvas.setFont(kind.font, kind.size)
            self._canvas.drawString(left, self.height - self.y, words)
        elif words:
            self._picture(left, words, kind)

    def hairline(self, left: float, right: float, colour: Colour = HAIR, weight: float = 0.6) -> None:
        self._canvas.setStrokeColorRGB(*colour)
        self._canvas.setLineWidth(weight)
        self._canvas.line(left, self.height - self.y, right, self.height - self.y)

    def bar(self, left: float, right: float, height: float, colour: Colour = INK) -> None:
        """A filled bar whose top is the cursor."""
        self._canvas.setFillColorRGB(*colour)
        self._canvas.rect(left, self.height - self.y - height, right - left, height, stroke=0, fill=1)

    def qr(self, left: float, side: float, payload: str) -> None:
        """A QR code whose top is the cursor, without quiet zone."""
        matrix = qr_matrix(clean(payload, 300))
        unit = side / len(matrix)
        self._canvas.setFillColorRGB(*INK)
        for row_no, row in enumerate(matrix):
            for column_no, dark in enumerate(row):
                if dark:
                    x, top = left + column_no * unit, self.y + row_no * unit
                    self._canvas.rect(x, self.height - top - unit, unit * 1.02, unit * 1.02, stroke=0, fill=1)

    def new_page(self) -> None:
        self._canvas.showPage()
        self.pages += 1

    def finish(self) -> bytes:
        self._canvas.showPage()
        self._canvas.save()
        return self._stream.getvalue()

    def _picture(self, left: float, words: str, kind: Type) -> None:
        from PIL import Image, ImageDraw
        from reportlab.lib.utils import ImageReader

        from shopnode.documents.fonts import font_for

        font = font_for(words, round(kind.size * PICTURE_DPI_FACTOR))
        width, height = round(font.getlength(words)) + 2, round(kind.size * 1.6 * PICTURE_DPI_FACTOR)
        colour = tuple(round(part * 255) for part in kind.colour)
        ink = Image.new("L", (width, height), 0)
        baseline = round(kind.size * 1.2 * PICTURE_DPI_FACTOR)
        stroke = PICTURE_DPI_FACTOR / 8 if kind.bold else 0
        ImageDraw.Draw(ink).text((0, baseline), words, font=font, fill=255, anchor="ls", stroke_width=stroke)
        picture = Image.new("RGBA", ink.size, (*colour, 0))
        picture.putalpha(ink)
        bottom = self.height - self.y - (height - baseline) / PICTURE_DPI_FACTOR
        size = (width / PICTURE_DPI_FACTOR, height / PICTURE_DPI_FACTOR)
        self._canvas.drawImage(ImageReader(picture), left, bottom, *size, mask="auto")


def is_plain(words: str) -> bool:
    """Whether Helvetica has every letter."""
    try:
        words.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=4096)
def measure(words: str, kind: Type) -> float:
    """Width in points of a cleaned text."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    if is_plain(words):
        return float(stringWidth(words, kind.font, kind.size))
    from shopnode.documents.fonts import font_for

    return font_for(words, round(kind.size * PICTURE_DPI_FACTOR)).getlength(words) / PICTURE_DPI_FACTOR


def fit(words: str, kind: Type, room: float) -> str:
    """The cleaned text, cut with three dots if it is wider than `room` points."""
    if measure(words, kind) <= room:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(words[:middle] + "...", kind) <= room else (low, middle - 1)
    return words[:low].rstrip() + "..."


def broken(words: str, kind: Type, room: float, lines_max: int) -> list[str]:
    """The text in lines of at most `room` points, broken between words; the last one cut if it must be."""
    lines: list[str] = []
    rest = clean(words).split(" ") if clean(words) else []
    while rest and len(lines) < lines_max - 1:
        count = next((n for n in range(len(rest), 0, -1) if measure(" ".join(rest[:n]), kind) <= room), 1)
        lines.append(fit(" ".join(rest[:count]), kind, room))
        rest = rest[count:]
    return [*lines, fit(" ".join(rest), kind, room)] if rest else lines
