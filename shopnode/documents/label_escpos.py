"""Labels on a thermal printer, drawn as pictures of exactly one label: eight dots to a millimetre.

A picture and not the printer's own barcode command: makes differ in it, and a label needs bars and words side by side.

Invariants:
  * Pure: the same labels on the same paper give the same bytes.
  * A bar is a whole number of dots, at least two; words never reach into the bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from shopnode.documents.barcodes import Bars
from shopnode.documents.escpos import Escpos, Paper
from shopnode.documents.label import Code, Label, LabelSize, Words, fits, lay_out
from shopnode.documents.raster import Bitmap, qr_matrix, to_bitmap
from shopnode.documents.text import clean

DOTS_PER_MM = 8
DOTS_PER_POINT = DOTS_PER_MM * 25.4 / 72
GAP_DOTS = 20  # between two labels on receipt paper
NARROWER_MAX = 16  # dots of margin that a print head may lack


class LabelPaper(StrEnum):
    """What is in the printer."""

    LABELS = "labels"  # die-cut: the printer finds the next one by its gap or mark
    RECEIPT = "receipt"  # a plain roll: labels one under the other, to be cut with scissors


class TooNarrow(ValueError):
    """The printer's line is narrower than the label."""


def labels_bytes(labels: Sequence[Label], size: LabelSize, paper: Paper, on: LabelPaper) -> bytes:
    """One job. Raises TooNarrow."""
    check_width(size, paper)
    out = Escpos(paper)
    for place, label in enumerate(labels):
        if on is LabelPaper.RECEIPT and place:
            out.picture(_cut_line(size, paper), "centre")
        out.picture(draw_label(label, size, paper.dots), "centre")
        if on is LabelPaper.LABELS:
            out.next_label()
        else:
            out.advance(GAP_DOTS)
    if on is LabelPaper.RECEIPT:
        out.cut()
    return out.getvalue()


def check_width(size: LabelSize, paper: Paper) -> None:
    """Raises TooNarrow where the label would lose more than its margin."""
    if paper.dots + NARROWER_MAX < _dots(size.width_mm):
        raise TooNarrow(f"a label of {size.width_mm:g} mm is wider than this printer's line")


def draw_label(label: Label, size: LabelSize, dots_max: int) -> Bitmap:
    """The label as dots, its margins cut off where the print head is a little narrower."""
    from PIL import Image

    wide, high = _dots(size.width_mm), _dots(size.height_mm)
    canvas = Image.new("L", (wide, high), 255)
    texts, code = lay_out(label, size)
    for words in texts:
        _write(canvas, words)
    if code.bars is not None:
        _bars(canvas, code, code.bars)
    elif code.payload:
        _qr(canvas, code)
    if wide > dots_max:
        off = (wide - dots_max) // 2
        canvas = canvas.crop((off, 0, off + dots_max, high))
    return to_bitmap(canvas)


def _write(canvas: Any, words: Words) -> None:
    """The words, set a little smaller where this font is wider than the one they were laid out in."""
    from PIL import ImageDraw

    from shopnode.documents.fonts import sans_for

    size = round(words.kind.size * DOTS_PER_POINT)
    font = sans_for(words.text, size, words.kind.bold)
    while font.getlength(words.text) > words.room * DOTS_PER_MM and size > 9:
        size -= 1
        font = sans_for(words.text, size, words.kind.bold)
    anchor = {"left": "ls", "centre": "ms", "right": "rs"}[words.align]
    at = (round(words.x * DOTS_PER_MM), round(words.y * DOTS_PER_MM))
    ImageDraw.Draw(canvas).text(at, words.text, font=font, fill=0, anchor=anchor)


def module_dots(bars: Bars, room_mm: float) -> int:
    """Dots for a module: as many as fit with white beside the bars, two to four."""
    return max((dots for dots in (2, 3, 4) if fits(bars, room_mm, dots / DOTS_PER_MM)), default=2)


def _bars(canvas: Any, code: Code, bars: Bars) -> None:
    module = min(3, module_dots(bars, code.room))
    left = _dots(code.middle) - module * len(bars.modules) // 2
    top, bottom = _dots(code.top), _dots(code.top + code.height)
    for place, dark in enumerate(bars.modules):
        if dark == "1":
            canvas.paste(0, (left + place * module, top, left + (place + 1) * module, bottom))


def _qr(canvas: Any, code: Code) -> None:
    matrix = qr_matrix(clean(code.payload, 300))
    module = max(2, _dots(code.height) // len(matrix))
    side = module * len(matrix)
    left, top = _dots(code.middle) - side // 2, _dots(code.top + code.height) - side
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                at = (left + x * module, top + y * module)
                canvas.paste(0, (*at, at[0] + module, at[1] + module))


def _cut_line(size: LabelSize, paper: Paper) -> Bitmap:
    from PIL import Image

    canvas = Image.new("L", (min(_dots(size.width_mm), paper.dots), GAP_DOTS), 255)
    for x in range(0, canvas.width, 16):
        canvas.paste(0, (x, 0, x + 8, 2))
    return to_bitmap(canvas)


def _dots(mm: float) -> int:
    return round(mm * DOTS_PER_MM)
