"""The X and the Z of a drawer: one set of lines for the screen, the receipt printer and A4.

Invariants:
  * Pure: data in, the same words out. Times come written out in the shop's own zone, money in minor units.
  * A Z that is printed again says COPY at both ends, as a receipt does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shopnode.documents.escpos import Paper
from shopnode.documents.letter import Column, Heading, Letter, TableRow
from shopnode.documents.money_text import money_text
from shopnode.documents.receipt_rows import Block, Gap, Role, Row, Rule
from shopnode.documents.slips import paper_top, printed, sentences_apart, signature_line

LINES_MAX = 400  # of one section; an afternoon of openings without a sale is no roll of paper


@dataclass(frozen=True)
class ReportLine:
    """A figure. One that was expected has both what was counted, as its amount, and how far off that is."""

    label: str
    amount_minor: int | None = None
    count: int | None = None
    expected_minor: int | None = None
    note: str = ""
    is_total: bool = False
    exponent: int | None = None  # of a foreign currency

    @property
    def off_minor(self) -> int | None:
        if self.expected_minor is None or self.amount_minor is None:
            return None
        return self.amount_minor - self.expected_minor


@dataclass(frozen=True)
class ReportPart:
    """Figures that belong together, under a title."""

    title: str
    lines: tuple[ReportLine, ...]


@dataclass(frozen=True)
class DrawerPaper:
    """What a drawer session came to: so far (X), or for good (Z)."""

    heading: Heading
    title: str
    number: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[ReportPart, ...]
    sentences: tuple[str, ...] = ()
    is_signed: bool = False
    copy_no: int = 0
    currency: str = "UGX"
    exponent: int = 0


def drawer_slip_bytes(paper: DrawerPaper, on: Paper) -> bytes:
    """An X or a Z for the receipt printer."""
    return printed(_rows(paper), on)


def drawer_letter(paper: DrawerPaper) -> Letter:
    """An X or a Z on A4."""
    facts = [paper.facts[place : place + 3] for place in range(0, len(paper.facts), 3)]
    rows: list[TableRow] = []
    for part in paper.parts:
        rows.append(TableRow((part.title,), is_strong=True))
        rows += [_cells(line, paper.exponent) for line in part.lines[:LINES_MAX]]
        rows += [TableRow((_left_out(part),))] if _left_out(part) else []
    return Letter(
        paper.heading, paper.title, paper.number, facts=tuple(facts), banner=_copy(paper),
        columns=(Column("", 7), Column("How many", 3, True), Column("Expected", 4, True), Column("Amount", 4, True),
                 Column("Off by", 3, True)),
        rows=tuple(rows), sentences=paper.sentences,
        signatures=("Counted by: signature", "Taken over by: signature") if paper.is_signed else (),
    )  # fmt: skip


def _cells(line: ReportLine, exponent: int) -> TableRow:
    places = exponent if line.exponent is None else line.exponent

    def money(amount_minor: int | None) -> str:
        return "" if amount_minor is None else money_text(amount_minor, places)

    off = "" if line.off_minor is None else money_text(line.off_minor, places) if line.off_minor else "agrees"
    cells = (line.label, "" if line.count is None else f"{line.count:,}", money(line.expected_minor),
             money(line.amount_minor), off)  # fmt: skip
    return TableRow(cells, (line.note,) if line.note else (), line.is_total)


def _rows(paper: DrawerPaper) -> Iterator[Block]:
    copy = _copy(paper)
    if copy:
        yield Row(Role.BANNER, copy)
    yield from paper_top(paper.heading, paper.title, paper.number, *paper.facts)
    for place, part in enumerate(paper.parts):
        if place:
            yield Rule()
        yield Row(Role.NUMBER, part.title)
        for line in part.lines[:LINES_MAX]:
            yield from _line(line, paper)
        if _left_out(part):
            yield Row(Role.DETAIL, _left_out(part))
    if paper.sentences:
        yield Rule()
        for words in paper.sentences:
            yield from sentences_apart(words)
    if paper.is_signed:
        yield from signature_line("Counted by")
    if copy:
        yield Gap()
        yield Row(Role.BANNER, copy)


def _line(line: ReportLine, paper: DrawerPaper) -> Iterator[Block]:
    places = paper.exponent if line.exponent is None else line.exponent
    if line.count is None:
        label, amount = line.label, ""
    elif line.amount_minor is None:
        label, amount = line.label, f"{line.count:,}"
    else:
        label, amount = f"{line.count:,} × {line.label}", ""
    if line.amount_minor is not None:
        amount = money_text(line.amount_minor, places)
    yield Row(Role.TOTAL if line.is_total else Role.ITEM, label, amount)
    if line.expected_minor is not None:
        yield Row(Role.DETAIL, "expected", money_text(line.expected_minor, places))
        if line.off_minor is not None:
            yield Row(Role.DETAIL, "off by" if line.off_minor else "it agrees",
                      money_text(line.off_minor, places) if line.off_minor else "")  # fmt: skip
    if line.note:
        yield Row(Role.DETAIL, line.note)


def _copy(paper: DrawerPaper) -> str:
    return f"COPY {paper.copy_no}" if paper.copy_no else ""


def _left_out(part: ReportPart) -> str:
    more = len(part.lines) - LINES_MAX
    return f"and {more} more" if more > 0 else ""
