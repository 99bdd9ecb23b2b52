"""A letter as a PDF on A4, in the type and the hairlines of the receipt; page x of y.

Invariants:
  * Pure: the same letter gives the same bytes.
  * No cell reaches into the next: texts are broken or cut to their column, figures are never cut before names.
"""

from __future__ import annotations

from shopnode.documents.letter import Column, Letter, Sum, TableRow
from shopnode.documents.pdf_pen import HAIR, INK, MM, MUTED, WHITE, PdfPen, Type, broken, measure
from shopnode.documents.text import clean

WIDTH, HEIGHT, MARGIN = 210 * MM, 297 * MM, 20 * MM
LEFT, RIGHT, TOP, BOTTOM = MARGIN, WIDTH - MARGIN, MARGIN, HEIGHT - MARGIN
SMALL, PLAIN, STRONG = Type(9.6, colour=MUTED), Type(11.1), Type(11.1, bold=True)
LARGE, BANNER = Type(17.8, bold=True), Type(11.1, True, WHITE)
FINE = Type(8.4)  # a figure that fits its column no other way
STEP = PLAIN.leading
GAP = 8.0
CODE_SIDE = 24 * MM  # read by any telephone from the paper on a desk
CODE_LINES = 9  # of text, as high as the code with its words
ROWS_MAX = 2_000


def letter_pdf(letter: Letter) -> bytes:
    """The letter as PDF bytes."""
    pages = _Sheets(letter, pages=0).draw().pages  # once to learn how many pages there are
    return _Sheets(letter, pages=pages).draw().finish()


class _Sheets:
    """Lays one letter out on as many pages as it takes."""

    def __init__(self, letter: Letter, pages: int):
        self.letter, self.pages = letter, pages
        self.pen = PdfPen(WIDTH, HEIGHT, f"{letter.title} {letter.number}", letter.heading.shop_name)
        self.places = _places(letter.columns)

    def draw(self) -> PdfPen:
        self.pen.y = TOP
        self._heading()
        self._banner()
        for row in self.letter.facts:
            self._facts(row)
        self._table()
        self._sums_and_code()
        self._closing()
        self._signatures()
        self._page_no()
        return self.pen

    def _heading(self) -> None:
        pen, heading = self.pen, self.letter.heading
        room = (RIGHT - LEFT) * 0.58
        pen.y += LARGE.size
        top = pen.y
        for line in broken(heading.shop_name, LARGE, room, 2):
            pen.text(LEFT, line, LARGE)
            pen.y += LARGE.leading
        pen.y += SMALL.leading * 1.2 - LARGE.leading
        reach = "  ·  ".join(
            part for part in (f"Tel {heading.shop_phone}" if heading.shop_phone else "",
                              f"TIN {heading.tax_id}" if heading.tax_id else "") if part
        )  # fmt: skip
        for line in [*broken(heading.shop_address, SMALL, room, 3), *broken(reach, SMALL, room, 2)]:
            pen.text(LEFT, line, SMALL)
            pen.y += SMALL.leading
        below, pen.y = pen.y, top
        room = RIGHT - LEFT - room - GAP
        pen.text(RIGHT, self.letter.title, LARGE, align="right", room=room)
        pen.y += LARGE.leading * 0.85
        pen.text(RIGHT, self.letter.number, STRONG, align="right", room=room)
        pen.y = max(below, pen.y + SMALL.leading)
        pen.hairline(LEFT, RIGHT)
        pen.y += STEP

    def _banner(self) -> None:
        if self.letter.banner:
            self.pen.y -= STEP * 0.4
            self.pen.bar(LEFT, RIGHT, LARGE.leading)
            self.pen.y += LARGE.leading * 0.5 + STRONG.size * 0.36
            self.pen.text((LEFT + RIGHT) / 2, self.letter.banner, BANNER, align="centre", room=RIGHT - LEFT - GAP)
            self.pen.y += LARGE.leading * 0.5 + STEP

    def _facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        """Label above value, beside each other."""
        facts = tuple(fact for fact in facts if fact[1])
        if not facts:
            return
        width = (RIGHT - LEFT) / max(2, *(sum(bool(value) for _, value in row) for row in self.letter.facts))
        values = [broken(value, PLAIN, width - GAP, 3) for _, value in facts]
        deepest = max(len(lines) for lines in values)
        self._need(1 + deepest)
        top = self.pen.y
        for number, ((label, _), lines) in enumerate(zip(facts, values, strict=True)):
            self.pen.y = top
            self.pen.text(LEFT + number * width, label, SMALL, room=width - GAP)
            for line in lines:
                self.pen.y += STEP
                self.pen.text(LEFT + number * width, line, PLAIN)
        self.pen.y = top + STEP * (deepest + 1.3)

    def _table(self) -> None:
        if not self.letter.columns:
            return
        self.pen.y += STEP * 0.3
        self._table_head()
        for row in self.letter.rows[:ROWS_MAX]:
            self._row(row)
        left_out = len(self.letter.rows) - ROWS_MAX
        if left_out > 0:
            self._row(TableRow((f"and {left_out} more lines",)))

    def _table_head(self) -> None:
        for column, (left, right) in zip(self.letter.columns, self.places, strict=True):
            at, align = (right, "right") if column.is_figure else (left, "left")
            self.pen.text(at, column.title, SMALL, align=align, room=right - left)
        self.pen.y += SMALL.size * 0.7
        self.pen.hairline(LEFT, RIGHT, INK, 0.8)
        self.pen.y += STEP

    def _row(self, row: TableRow) -> None:
        kind = STRONG if row.is_strong else PLAIN
        first_left, first_right = self.places[0]
        cells = [
            [cell] if column.is_figure else broken(cell, kind, right - left, 3) or [""]
            for cell, column, (left, right) in zip(row.cells, self.letter.columns, self.places, strict=False)
        ]
        notes = [line for note in row.notes[:60] for line in broken(note, SMALL, first_right - first_left, 2)]
        deepest = max(len(lines) for lines in cells)
        self._need(deepest + min(len(notes), 6), head=True)
        top = self.pen.y
        for lines, column, (left, right) in zip(cells, self.letter.columns, self.places, strict=False):
            self.pen.y = top
            for line in lines:
                if column.is_figure:
                    self._figure(right, line, kind, right - left)
                else:
                    self.pen.text(left, line, kind, room=right - left)
                self.pen.y += STEP
        self.pen.y = top + STEP * (len(cells[0]) if notes else deepest)
        for note in notes:
            self._need(1, head=True)
            self.pen.text(first_left, note, SMALL)
            self.pen.y += SMALL.leading
        self.pen.y = max(self.pen.y, top + STEP * deepest if self.pen.y > top else self.pen.y)
        self.pen.y -= STEP * 0.45
        self.pen.hairline(LEFT, RIGHT)
        self.pen.y += STEP

    def _figure(self, right: float, words: str, kind: Type, room: float) -> None:
        """Figures shrink before they are cut."""
        kind = kind if measure(clean(words), kind) <= room else FINE
        self.pen.text(right, words, kind, align="right", room=room)

    def _sums_and_code(self) -> None:
        if self.letter.code:
            self._need(CODE_LINES)
        page, top = self.pen.pages, self.pen.y
        self._sums()
        if self.letter.code:
            self._code(top if self.pen.pages == page else self.pen.y)

    def _sums(self) -> None:
        if not self.letter.sums:
            return
        self._need(2 * len(self.letter.sums) + 1)
        left = LEFT + (RIGHT - LEFT) * 0.45
        self.pen.y += STEP * 0.3
        for line in self.letter.sums:
            self._sum(line, left)
        self.pen.y += STEP * 0.4

    def _sum(self, line: Sum, left: float) -> None:
        kind = LARGE if line.is_total else PLAIN
        if line.is_total:
            self.pen.y += LARGE.size * 0.5
        width = min(measure(clean(line.amount), kind), RIGHT - left - 40)
        room = RIGHT - left - width - GAP
        self.pen.text(left, line.label, STRONG if line.is_total else PLAIN, room=room)
        self.pen.text(RIGHT, line.amount, kind, align="right", room=RIGHT - left - 40)
        self.pen.y += LARGE.leading * 0.95 if line.is_total else STEP

    def _code(self, top: float) -> None:
        """A QR code left of the sums, and below it what it is for, and the address in letters."""
        letter, pen = self.letter, self.pen
        below, room = pen.y, (RIGHT - LEFT) * 0.42
        pen.y = top - PLAIN.size * 0.4
        pen.qr(LEFT, CODE_SIDE, letter.code)
        pen.y += CODE_SIDE + SMALL.leading
        for line in [*broken(letter.code_words, SMALL, room, 2), *broken(letter.code, SMALL, room, 2)]:
            pen.text(LEFT, line, SMALL)
            pen.y += SMALL.leading
        pen.y = max(below, pen.y)

    def _closing(self) -> None:
        paragraphs = [(self.letter.statement, PLAIN)] + [(words, SMALL) for words in self.letter.sentences]
        for words, kind in [*paragraphs, (self.letter.footer, PLAIN)]:
            lines = broken(words, kind, RIGHT - LEFT, 12)
            if not lines:
                continue
            self._need(len(lines) + 1)
            self.pen.y += STEP * 0.5
            for line in lines:
                self.pen.text(LEFT, line, kind)
                self.pen.y += kind.leading

    def _signatures(self) -> None:
        """A line to sign on for each, two beside each other."""
        names = self.letter.signatures
        half = (RIGHT - LEFT - 3 * GAP) / 2
        for number in range(0, len(names), 2):
            self._need(5)
            self.pen.y += STEP * 3.4
            for place, label in enumerate(names[number : number + 2]):
                left = LEFT + place * (half + 3 * GAP)
                self.pen.hairline(left, left + half, INK, 0.7)
                self.pen.y += SMALL.leading
                self.pen.text(left, label, SMALL, room=half)
                self.pen.y -= SMALL.leading
            self.pen.y += SMALL.leading

    def _need(self, lines: int, *, head: bool = False) -> None:
        """Begin a new page if fewer lines than these are left."""
        if self.pen.y + lines * STEP <= BOTTOM - STEP:
            return
        self._page_no()
        self.pen.new_page()
        self.pen.y = TOP + SMALL.size
        heading = f"{self.letter.heading.shop_name}  ·  {self.letter.title} {self.letter.number}"
        self.pen.text(LEFT, heading, SMALL, room=RIGHT - LEFT)
        self.pen.y += STEP * 1.6
        if head:
            self._table_head()

    def _page_no(self) -> None:
        resting, self.pen.y = self.pen.y, BOTTOM + SMALL.leading * 0.4
        self.pen.hairline(LEFT, RIGHT, HAIR)
        self.pen.y += SMALL.leading
        self.pen.text(LEFT, f"{self.letter.title} {self.letter.number}", SMALL, room=(RIGHT - LEFT) * 0.6)
        self.pen.text(RIGHT, f"Page {self.pen.pages} of {self.pages}", SMALL, align="right")
        self.pen.y = resting


def _places(columns: tuple[Column, ...]) -> list[tuple[float, float]]:
    """Left and right of each column, a gap between them."""
    whole = sum(column.share for column in columns) or 1
    found, left = [], LEFT
    for number, column in enumerate(columns, 1):
        right = left + (RIGHT - LEFT) * column.share / whole
        found.append((left, right - (GAP if number < len(columns) else 0)))
        left = right
    return found
