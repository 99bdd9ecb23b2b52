"""ESC/POS bytes as a picture of the paper: for a preview on the screen, and for looking at receipts in tests."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from shopnode.documents.escpos import DOTS_PER_CELL, Paper, Style
from shopnode.documents.escpos_reader import (
    Air,
    CutLine,
    PictureLine,
    Printed,
    QrLine,
    Tape,
    TextLine,
    read_escpos,
)
from shopnode.documents.raster import ROW_HEIGHT, Bitmap, qr_matrix

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

MARGIN = 36  # dots of white paper left and right, as printers leave
PAPER_WHITE, INK, EDGE = 252, 24, 196
HEIGHT_MAX = 40_000  # dots; a picture that a browser still shows


def preview_png(data: bytes, paper: Paper, scale: int = 2) -> bytes:
    """A PNG of the paper these bytes print, `scale` pixels a dot."""
    picture = draw_tape(read_escpos(data, paper), paper, scale)
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def draw_tape(tape: Tape, paper: Paper, scale: int = 2) -> Image.Image:
    from PIL import Image, ImageDraw

    height = min(HEIGHT_MAX // scale, sum(_height(line) for line in tape.printed) + 2 * MARGIN)
    size = ((paper.dots + 2 * MARGIN) * scale, height * scale)
    canvas = Image.new("L", size, PAPER_WHITE)
    pen = ImageDraw.Draw(canvas)
    top = MARGIN
    for line in tape.printed:
        if top + _height(line) > height:
            break
        _draw(canvas, pen, line, top, paper, scale)
        top += _height(line)
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=EDGE)
    return canvas


def _height(line: Printed) -> int:
    if isinstance(line, TextLine):
        return ROW_HEIGHT + 24 * (line.height - 1)
    if isinstance(line, PictureLine):
        return line.bitmap.rows
    if isinstance(line, QrLine):
        return _qr_picture(line).height
    return line.dots if isinstance(line, Air) else 24


def _draw(canvas: Image.Image, pen: ImageDraw.ImageDraw, line: Printed, top: int, paper: Paper, scale: int) -> None:
    if isinstance(line, TextLine):
        _draw_text(canvas, line, top, paper, scale)
    elif isinstance(line, PictureLine):
        _paste(canvas, _to_picture(line.bitmap), line.align, top, paper, scale)
    elif isinstance(line, QrLine):
        _paste(canvas, _qr_picture(line), line.align, top, paper, scale)
    elif isinstance(line, CutLine):
        for x in range(0, canvas.width, 12 * scale):
            pen.line((x, (top + 12) * scale, x + 6 * scale, (top + 12) * scale), fill=EDGE, width=scale)


def _left(width: int, align: str, paper: Paper) -> int:
    free = paper.dots - width
    return MARGIN + {"left": 0, "centre": free // 2, "right": free}[align]


def _draw_text(canvas: Image.Image, line: TextLine, top: int, paper: Paper, scale: int) -> None:
    width = sum(len(span.text) * span.style.width for span in line.spans) * DOTS_PER_CELL
    left = _left(width, line.align, paper)
    bottom = top + _height(line) - 3
    for span in line.spans:
        for char in span.text:
            glyph = _glyph(char, span.style, scale)
            canvas.paste(glyph, (left * scale, bottom * scale - glyph.height))
            left += DOTS_PER_CELL * span.style.width


@lru_cache(maxsize=2048)
def _glyph(char: str, style: Style, scale: int) -> Image.Image:
    """One character in its cell of 12 × 24 dots, stretched as a printer stretches it."""
    from PIL import Image, ImageDraw

    from shopnode.documents.fonts import mono_font

    paper, ink = (INK, PAPER_WHITE) if style.inverted else (PAPER_WHITE, INK)
    factor = scale * max(style.width, style.height)
    cell = Image.new("L", (12 * factor, 24 * factor), paper)
    weight = max(1, factor // 2) if style.bold else 0
    font = mono_font(19 * factor)
    if font.getlength(char) > 12 * factor:  # the machine has no fixed-width font
        font = mono_font(round(19 * factor * 12 * factor / font.getlength(char)))
    at = (6 * factor, 18.5 * factor)
    ImageDraw.Draw(cell).text(at, char, font=font, fill=ink, anchor="ms", stroke_width=weight / 2)
    return cell.resize((12 * style.width * scale, 24 * style.height * scale))


def _paste(canvas: Image.Image, picture: Image.Image, align: str, top: int, paper: Paper, scale: int) -> None:
    from PIL import Image

    large = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
    canvas.paste(large, (_left(picture.width, align, paper) * scale, top * scale))


def _to_picture(bitmap: Bitmap) -> Image.Image:
    from PIL import Image

    black = Image.frombytes("1", (bitmap.width, bitmap.rows), bitmap.data)
    return black.convert("L").point(lambda on: INK if on else PAPER_WHITE)


def _qr_picture(line: QrLine) -> Image.Image:
    """The code without a quiet zone, as printers draw it."""
    matrix = qr_matrix(line.payload)
    bits = Bitmap(len(matrix), len(matrix), b"".join(_packed(row) for row in matrix))
    small = _to_picture(bits)
    return small.resize((small.width * line.module, small.height * line.module), 0)


def _packed(row: bytearray) -> bytes:
    """One row of squares, eight to a byte."""
    filled = [*row, *[0] * (-len(row) % 8)]
    return bytes(sum(bit << (7 - at) for at, bit in enumerate(filled[i : i + 8])) for i in range(0, len(filled), 8))
