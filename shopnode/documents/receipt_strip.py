"""A receipt as one long PDF strip, 80 mm wide: the same rows as on thermal paper, in a finer type."""

from __future__ import annotations

from collections.abc import Callable

from shopnode.documents.pdf_pen import INK, MM, MUTED, WHITE, PdfPen, Type, broken, measure
from shopnode.documents.receipt import Receipt
from shopnode.documents.receipt_rows import Block, Gap, Qr, Role, Row, Rule, receipt_rows
from shopnode.documents.text import clean

WIDTH, MARGIN = 80 * MM, 6 * MM
HEIGHT_MAX = 14_000  # points; the longest page a PDF may have is 14,400
SMALL, PLAIN, STRONG = Type(7.6, colour=MUTED), Type(8.6), Type(8.6, bold=True)
SHOP, TOTAL, BANNER = Type(15, bold=True), Type(16, bold=True), Type(13, True, WHITE)


def strip_pdf(receipt: Receipt) -> bytes:
    """The receipt on one page as long as it needs; a very long one continues on further pages."""
    trial = _Strip(receipt, HEIGHT_MAX)
    length = trial.draw()
    strip = _Strip(receipt, length if trial.pen.pages == 1 else HEIGHT_MAX)
    strip.draw()
    return strip.pen.finish()


class _Strip:
    def __init__(self, receipt: Receipt, height: float):
        self.rows = receipt_rows(receipt)
        self.pen = PdfPen(WIDTH, height, f"{receipt.title} {receipt.number}", receipt.shop_name)
        self.left, self.right, self.middle = MARGIN, WIDTH - MARGIN, WIDTH / 2
        self.room = self.right - self.left

    def draw(self) -> float:
        """Returns how long the strip became."""
        self.pen.y = MARGIN
        for block in self.rows:
            if self.pen.y > HEIGHT_MAX - 150:
                self.pen.new_page()
                self.pen.y = MARGIN
            self._block(block)
        return self.pen.y + MARGIN

    def _block(self, block: Block) -> None:
        if isinstance(block, Row):
            _ROWS[block.role](self, block)
        elif isinstance(block, Rule):
            self.pen.y += 5
            self.pen.hairline(self.left, self.right, INK, 0.5)
            self.pen.y += 4
        elif isinstance(block, Qr):
            side = 26 * MM
            self.pen.qr(self.middle - side / 2, side, block.payload)
            self.pen.y += side + 4
        elif isinstance(block, Gap):
            self.pen.y += 8

    def centred(self, words: str, kind: Type, lines_max: int = 6) -> None:
        """Lines of about the same length, so that none ends in a lonely word."""
        lines = broken(words, kind, self.room, lines_max)
        for tenths in range(5, 10):
            tighter = broken(words, kind, self.room * tenths / 10, lines_max)
            if len(tighter) == len(lines) and " ".join(tighter) == " ".join(lines):
                lines = tighter
                break
        for line in lines:
            self.pen.y += kind.leading
            self.pen.text(self.middle, line, kind, align="centre")

    def pair(self, row: Row, kind: Type, indent: float = 0.0, lines_max: int = 3) -> None:
        room = self.room - indent - (measure(clean(row.right), kind) + 8 if row.right else 0)
        for number, line in enumerate(broken(row.left, kind, max(room, self.room / 4), lines_max) or [""]):
            self.pen.y += kind.leading
            self.pen.text(self.left + indent, line, kind)
            if number == 0 and row.right:
                free = self.room - indent - measure(line, kind) - 8
                self.pen.text(self.right, row.right, kind, align="right", room=free)

    def banner(self, words: str) -> None:
        self.pen.y += 6
        self.pen.bar(self.left, self.right, 19)
        self.pen.y += 14
        self.pen.text(self.middle, words, BANNER, align="centre")
        self.pen.y += 7

    def total(self, row: Row) -> None:
        self.pen.y += TOTAL.leading
        self.pen.text(self.left, row.left, STRONG, room=self.room * 0.4)
        self.pen.text(self.right, row.right, TOTAL, align="right")
        self.pen.y += 3


_ROWS: dict[Role, Callable[[_Strip, Row], None]] = {
    Role.SHOP: lambda strip, row: strip.centred(row.left, SHOP, 2),
    Role.ADDRESS: lambda strip, row: strip.centred(row.left, SMALL, 3),
    Role.BANNER: lambda strip, row: strip.banner(row.left),
    Role.NOTICE: lambda strip, row: strip.centred(row.left, SMALL, 4),
    Role.NUMBER: lambda strip, row: strip.pair(row, STRONG),
    Role.FACT: lambda strip, row: strip.pair(row, PLAIN),
    Role.ITEM: lambda strip, row: strip.pair(row, PLAIN),
    Role.DETAIL: lambda strip, row: strip.pair(row, SMALL, 9, 2),
    Role.SUM: lambda strip, row: strip.pair(row, PLAIN),
    Role.TOTAL: lambda strip, row: strip.total(row),
    Role.SETTLED: lambda strip, row: strip.pair(row, STRONG),
    Role.SENTENCE: lambda strip, row: strip.centred(row.left, SMALL, 8),
    Role.CODE: lambda strip, row: strip.centred(row.left, SMALL, 1),
    Role.THANKS: lambda strip, row: strip.centred(row.left, PLAIN),
}
