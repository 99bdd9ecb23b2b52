"""Labels as PDF: one to a page for a label printer's driver, or a sheet of A4 to cut apart.

Invariants:
  * Pure: the same labels give the same bytes.
  * Bars are drawn as one dark box for each run of modules, so no viewer shows hairs between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from shopnode.documents.label import PDF_MODULE_MM, Code, Label, LabelSize, lay_out, module_mm
from shopnode.documents.pdf_pen import HAIR, MM, PdfPen

SHEET_WIDTH, SHEET_HEIGHT, SHEET_MARGIN = 210.0, 297.0, 8.0


def label_roll_pdf(labels: Sequence[Label], size: LabelSize) -> bytes:
    """A page for each label, as large as the label."""
    pen = PdfPen(size.width_mm * MM, size.height_mm * MM, "Labels", _author(labels))
    for place, label in enumerate(labels):
        if place:
            pen.new_page()
        _draw(pen, label, size, 0.0, 0.0)
    return pen.finish()


def label_sheet_pdf(labels: Sequence[Label], size: LabelSize, skip: int = 0) -> bytes:
    """Sheets of A4 with hairlines to cut along. `skip` labels are left out of the first, used up before."""
    across, down = sheet_places(size)
    pen = PdfPen(SHEET_WIDTH * MM, SHEET_HEIGHT * MM, "Labels", _author(labels))
    left = (SHEET_WIDTH - across * size.width_mm) / 2
    top = (SHEET_HEIGHT - down * size.height_mm) / 2
    skip %= across * down
    for place, label in enumerate(labels, skip):
        on_sheet = place % (across * down)
        if place > skip and on_sheet == 0:
            pen.new_page()
        if place == skip or on_sheet == 0:
            _cut_marks(pen, size, left, top)
        row, column = divmod(on_sheet, across)
        _draw(pen, label, size, left + column * size.width_mm, top + row * size.height_mm)
    return pen.finish()


def sheet_places(size: LabelSize) -> tuple[int, int]:
    """How many labels stand side by side and one under the other on A4."""
    across = int((SHEET_WIDTH - 2 * SHEET_MARGIN) // size.width_mm)
    return across, int((SHEET_HEIGHT - 2 * SHEET_MARGIN) // size.height_mm)


def _draw(pen: PdfPen, label: Label, size: LabelSize, left: float, top: float) -> None:
    texts, code = lay_out(label, size, PDF_MODULE_MM)
    for words in texts:
        pen.y = (top + words.y) * MM
        pen.text((left + words.x) * MM, words.text, words.kind, align=words.align)
    pen.y = (top + code.top) * MM
    if code.bars is None and code.payload:
        pen.qr((left + code.middle - code.height / 2) * MM, code.height * MM, code.payload)
    elif code.bars is not None:
        _bars(pen, code, left)


def _bars(pen: PdfPen, code: Code, left: float) -> None:
    assert code.bars is not None
    module = module_mm(code.bars, code.room)
    x = left + code.middle - module * len(code.bars.modules) / 2
    for dark, run in groupby(code.bars.modules):
        wide = module * len(list(run))
        if dark == "1":
            pen.bar(x * MM, (x + wide) * MM, code.height * MM, (0.0, 0.0, 0.0))
        x += wide


def _cut_marks(pen: PdfPen, size: LabelSize, left: float, top: float) -> None:
    across, down = sheet_places(size)
    for row in range(down + 1):
        pen.y = (top + row * size.height_mm) * MM
        pen.hairline(left * MM, (left + across * size.width_mm) * MM, HAIR, 0.3)
    pen.y = top * MM
    for column in range(across + 1):
        x = (left + column * size.width_mm) * MM
        pen.bar(x - 0.15, x + 0.15, down * size.height_mm * MM, HAIR)


def _author(labels: Sequence[Label]) -> str:
    return labels[0].shop_name if labels else ""
