"""A receipt on thermal paper: rows in, bytes out.

Invariants:
  * Pure: the same receipt on the same paper gives the same bytes, and all of them exist before any is sent.
  * No line is wider than the paper; a name of any length takes at most three lines.
  * A text that the printer's page cannot spell is drawn as a picture, that line only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shopnode.documents.escpos import PLAIN, QR_BYTES_MAX, Escpos, Paper, Style
from shopnode.documents.raster import draw_line, draw_qr
from shopnode.documents.receipt import Receipt
from shopnode.documents.receipt_rows import Block, Gap, Qr, Role, Row, Rule, receipt_rows
from shopnode.documents.text import cells, clean, cut, on_page, wrap, wrap_even

BOLD = Style(bold=True)
CENTRED = Style(align="centre")
INDENT = 2
ROOM_MIN = 6  # cells left for a name beside its amount
QR_DOTS = 216  # 27 mm: read by any telephone, small beside the total


def receipt_bytes(receipt: Receipt, paper: Paper) -> bytes:
    """The receipt as one job for a printer with this paper."""
    sheet = Sheet(paper)
    for block in receipt_rows(receipt):
        sheet.write(block)
    return sheet.finish()


@dataclass(frozen=True)
class Words:
    """A text as it will stand on paper; `drawn` when it has to be a picture."""

    text: str
    drawn: bool = False


class Sheet:
    """Writes rows onto one kind of paper."""

    def __init__(self, paper: Paper):
        self.paper = paper
        self.out = Escpos(paper)

    def write(self, block: Block) -> None:
        if isinstance(block, Row):
            _WRITERS[block.role](self, block)
        elif isinstance(block, Rule):
            self.out.rule()
        elif isinstance(block, Qr):
            self.qr(block.payload)
        elif isinstance(block, Gap):
            self.out.advance(20)

    def finish(self) -> bytes:
        self.out.cut()
        return self.out.getvalue()

    def words(self, text: str) -> Words:
        spelled = on_page(text, self.paper.page)
        return Words(clean(text), True) if spelled is None else Words(spelled)

    def pair(self, left: str, right: str = "", style: Style = PLAIN, indent: int = 0, lines_max: int = 3) -> None:
        """A text on the left, wrapped, and on its first line an amount on the right."""
        name, amount = self.words(left), self.words(right)
        amount = Words(cut(amount.text, self.paper.columns - indent), amount.drawn)
        room = self.paper.columns - indent - (cells(amount.text) + 1 if amount.text else 0)
        if room < ROOM_MIN:  # a very long amount has a line of its own
            self.pair(left, style=style, indent=indent, lines_max=lines_max)
            self._line(Words(""), amount, style, indent)
            return
        first, *more = wrap(name.text, room, lines_max) or [""]
        self._line(Words(first, name.drawn), amount, style, indent)
        for text in more:
            self._line(Words(text, name.drawn), Words(""), style, indent)

    def fact(self, left: str, right: str, style: Style = PLAIN) -> None:
        """A label and its value on one line if they fit, else the value below."""
        label, value = self.words(left), self.words(right)
        if cells(label.text) + 1 + cells(value.text) <= self.paper.columns:
            self._line(label, value, style, 0)
            return
        self.pair(left, style=style, lines_max=2)
        self.pair(right, style=style, indent=INDENT, lines_max=2)

    def centred(self, text: str, style: Style = CENTRED, lines_max: int = 4) -> None:
        """Centred lines; an inverted style blackens the whole width."""
        words = self.words(text)
        width = self.paper.columns // style.width
        break_lines = wrap if style.width > 1 else wrap_even
        for line in break_lines(words.text, width, lines_max):
            if words.drawn:
                scale = max(style.width, style.height)
                self.out.picture(draw_line(line, "", self.paper.dots, scale=scale, align="centre"))
            else:
                self.out.line(line.center(width) if style.inverted else line, style)

    def shop_name(self, text: str) -> None:
        """As large as it fits in two lines."""
        columns = self.paper.columns
        is_short = len(wrap(self.words(text).text, columns // 2, 3)) <= 2
        self.centred(text, Style(True, 2 if is_short else 1, 2, "centre"), lines_max=2)

    def total(self, label: str, amount: str) -> None:
        """The largest figures of the receipt. The label shrinks first; figures that long stay double height."""
        columns = self.paper.columns
        amount = self._spelled(amount, columns)
        label = self._spelled(label, columns - len(amount) - 1)
        size = 2 if len(label) + 1 + 2 * len(amount) <= columns else 1
        label_style = Style(True, 2, 2) if 2 * (len(label) + 1 + len(amount)) <= columns else BOLD
        self.out.advance(6)
        self.out.text(label, label_style)
        self.out.text(" " * (columns - label_style.width * len(label) - size * len(amount)), BOLD)
        self.out.line(amount, Style(True, size, 2))
        self.out.advance(4)

    def banner(self, text: str) -> None:
        self.out.advance(10)
        self.centred(text, Style(True, 2, 2, "centre", True), 1)
        self.out.advance(6)

    def item(self, row: Row) -> None:
        self.out.advance(5)
        self.pair(row.left, row.right)

    def qr(self, payload: str) -> None:
        if self.paper.qr_as_image:
            self.out.picture(draw_qr(clean(payload, QR_BYTES_MAX), QR_DOTS), "centre")
        else:
            self.out.qr(payload, QR_DOTS)
            self.out.advance(20)  # the quiet zone a reader needs

    def _spelled(self, text: str, room: int) -> str:
        """For our own figures and a currency's name, which are never drawn."""
        return cut(on_page(text, self.paper.page) or "?", max(0, room))

    def _line(self, left: Words, right: Words, style: Style, indent: int) -> None:
        if left.drawn or right.drawn:
            dots = 12 * indent
            self.out.picture(draw_line(left.text, right.text, self.paper.dots, indent=dots))
            return
        blanks = self.paper.columns - indent - len(left.text) - len(right.text)
        text = " " * indent + left.text + (" " * blanks + right.text if right.text else "")
        self.out.line(text, style)


_WRITERS: dict[Role, Callable[[Sheet, Row], None]] = {
    Role.SHOP: lambda sheet, row: sheet.shop_name(row.left),
    Role.ADDRESS: lambda sheet, row: sheet.centred(row.left, lines_max=3),
    Role.BANNER: lambda sheet, row: sheet.banner(row.left),
    Role.NOTICE: lambda sheet, row: sheet.centred(row.left, lines_max=4),
    Role.NUMBER: lambda sheet, row: sheet.fact(row.left, row.right, BOLD),
    Role.FACT: lambda sheet, row: sheet.fact(row.left, row.right),
    Role.ITEM: lambda sheet, row: sheet.item(row),
    Role.DETAIL: lambda sheet, row: sheet.pair(row.left, row.right, indent=INDENT, lines_max=2),
    Role.SUM: lambda sheet, row: sheet.pair(row.left, row.right, lines_max=2),
    Role.TOTAL: lambda sheet, row: sheet.total(row.left, row.right),
    Role.SETTLED: lambda sheet, row: sheet.pair(row.left, row.right, BOLD),
    Role.SENTENCE: lambda sheet, row: sheet.centred(row.left, lines_max=8),
    Role.CODE: lambda sheet, row: sheet.centred(row.left, lines_max=1),
    Role.THANKS: lambda sheet, row: sheet.centred(row.left, lines_max=6),
}
