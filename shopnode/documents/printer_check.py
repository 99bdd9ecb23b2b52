"""The test print: what somebody needs to see to know that a printer is set up right."""

from __future__ import annotations

from shopnode.documents.escpos import Paper, Style
from shopnode.documents.receipt_escpos import Sheet
from shopnode.documents.receipt_rows import Block, Gap, Qr, Role, Row, Rule

SPECIMEN = "Éèñ çöü £ “quotes” – ŋ Ŋ 0123456789"


def printer_check_bytes(paper: Paper, *, shop_name: str, printer_name: str, address: str, at: str) -> bytes:
    """A page with the widths, characters and pictures that receipts use."""
    sheet = Sheet(paper)
    top: list[Block] = [
        Row(Role.SHOP, shop_name),
        Row(Role.ADDRESS, "Test print"),
        Rule(),
        Row(Role.NUMBER, "Printer", printer_name),
        Row(Role.FACT, "Address", address),
        Row(Role.FACT, "Columns", str(paper.columns)),
        Row(Role.FACT, "Characters", paper.page),
        Row(Role.FACT, "Printed", at),
        Rule(),
    ]
    for block in top:
        sheet.write(block)
    sheet.out.line(_ruler(paper.columns))
    sheet.out.line("X" * paper.columns)
    below: list[Block] = [
        Row(Role.SENTENCE, "The row of X must fill one line, from edge to edge. If it breaks, choose fewer columns."),
        Rule(),
        Row(Role.SENTENCE, SPECIMEN),
        Row(Role.ITEM, "هاتف", "1,000"),
        Row(Role.ITEM, "手机", "2,000"),
        Row(Role.SENTENCE, "A sign that looks wrong? Choose other characters; “ascii” always works."),
        Rule(),
        Row(Role.TOTAL, "Total UGX", "1,234,000"),
        Gap(),
        Qr("Test print"),
        Row(Role.SENTENCE, "No QR code above? Switch on “QR as picture”."),
    ]
    for block in below:
        sheet.write(block)
    sheet.out.line("Black bar:", Style(align="centre"))
    sheet.banner("COPY 1")
    return sheet.finish()


def _ruler(columns: int) -> str:
    """Tens above their columns: "         1         2"."""
    return "".join(f"{ten:>10}" for ten in range(1, columns // 10 + 1))
