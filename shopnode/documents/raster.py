"""Texts and QR codes as black and white pictures, for printers that cannot spell or draw them.

Pillow and segno are imported when the first picture is drawn: most receipts need neither.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

ROW_HEIGHT = 30  # dots from one line of text to the next
_BASELINE_DROP = 4


@dataclass(frozen=True)
class Bitmap:
    """One bit a dot, most significant first, 1 is black; each row starts on a byte."""

    width: int
    rows: int
    data: bytes

    @property
    def stride(self) -> int:
        return (self.width + 7) // 8


def draw_line(left: str, right: str, dots: int, *, scale: int = 1, align: str = "left", indent: int = 0) -> Bitmap:
    """One line of text as a picture as wide as the paper.

    left, right  already cleaned and cut to fit; drawn smaller if they still do not
    scale        1 normal, 2 double size
    indent       dots kept free on the left
    """
    from PIL import Image

    height = ROW_HEIGHT * scale
    canvas = Image.new("L", (dots, height), 255)
    right_width = _place(canvas, right, dots // 2, scale, lambda width: dots - width) if right else 0
    room = dots - indent - (right_width + 12 if right_width else 0)
    _place(canvas, left, room, scale, lambda width: (dots - width) // 2 if align == "centre" else indent)
    return to_bitmap(canvas)


def _place(canvas, text: str, room: int, scale: int, x_of) -> int:  # type: ignore[no-untyped-def]
    """Draw the text where `x_of(width)` says, at most `room` dots wide; returns the width it took."""
    from PIL import ImageDraw

    from shopnode.documents.fonts import font_for

    size = 20 * scale
    font = font_for(text, size)
    while font.getlength(text) > room and size > 8:
        size -= 1
        font = font_for(text, size)
    width = min(round(font.getlength(text)), room)
    baseline = canvas.height - (_BASELINE_DROP + 4) * scale
    ImageDraw.Draw(canvas).text((x_of(width), baseline), text, font=font, fill=0, anchor="ls")
    return width


def draw_qr(payload: str, dots_max: int) -> Bitmap:
    """A QR code with its quiet zone, in squares of as many dots as fit, 8 at most."""
    from PIL import Image

    matrix = qr_matrix(payload)
    side = len(matrix) + 8
    module = max(1, min(8, dots_max // side))
    canvas = Image.new("L", (side, side), 255)
    for y, row in enumerate(matrix):
        for x, dark in enumerate(row):
            if dark:
                canvas.putpixel((x + 4, y + 4), 0)
    return to_bitmap(canvas.resize((side * module, side * module), Image.Resampling.NEAREST))


def qr_matrix(payload: str) -> tuple[bytearray, ...]:
    """Rows of squares, 1 is dark; without the quiet zone."""
    import segno

    return segno.make_qr(payload or " ", error="m", boost_error=False).matrix


def to_png(bitmap: Bitmap, scale: int = 1) -> bytes:
    """The dots as a PNG, each as `scale` pixels a side."""
    from PIL import Image, ImageOps

    stream = io.BytesIO()
    black = Image.frombytes("1", (bitmap.width, bitmap.rows), bitmap.data).convert("L")
    large = black.resize((bitmap.width * scale, bitmap.rows * scale), Image.Resampling.NEAREST)
    ImageOps.invert(large).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def to_bitmap(canvas) -> Bitmap:  # type: ignore[no-untyped-def]
    """A grey picture as dots: dark enough is black."""
    black = canvas.point(lambda grey: 255 if grey < 150 else 0).convert("1")
    return Bitmap(black.width, black.height, black.tobytes())
