"""A receipt as a PDF: a page to file and send (A4 or A5), or a strip as the printer prints it (80 mm)."""

from __future__ import annotations

from typing import Literal

from shopnode.documents.money_text import money_text
from shopnode.documents.pdf_pen import HAIR, INK, MM, MUTED, WHITE, PdfPen, Type, broken
from shopnode.documents.receipt import Receipt, ReceiptLine
from shopnode.documents.receipt_rows import LINES_MAX, handset_number, vat_label
from shopnode.documents.receipt_strip import strip_pdf

PdfSize = Literal["a4", "a5", "80mm"]
SIZES: dict[str, tuple[float, float, float, float]] = {  # width, height, margin in mm, and the type's factor
    "a4": (210, 297, 20, 0.74),
    "a5": (148, 210, 13, 0.64),
}


def receipt_pdf(receipt: Receipt, size: PdfSize = "a5") -> bytes:
    """The receipt as PDF bytes; the same receipt always gives the same bytes."""
    if size == "80mm":
        return strip_pdf(receipt)
    pages = _Page(receipt, size, pages=0).draw().pages  # once to learn how many pages there are
    return _Page(receipt, size, pages=pages).draw().finish()


class _Page:
    """Lays one receipt out on as many pages as it takes."""

    def __init__(self, receipt: Receipt, size: str, pages: int):
        width, height, margin, factor = SIZES[size]
        self.receipt, self.pages = receipt, pages
        self.pen = PdfPen(width * MM, height * MM, f"{receipt.title} {receipt.number}", receipt.shop_name)
        self.left, self.right = margin * MM, (width - margin) * MM
        self.top, self.bottom = margin * MM, (height - margin) * MM
        self.small, self.plain = Type(13 * factor, colour=MUTED), Type(15 * factor)
        self.strong, self.large = Type(15 * factor, bold=True), Type(24 * factor, bold=True)
        self.step = self.plain.leading
        column = (self.right - self.left) * 0.17
        self.price_at = self.right - column
        self.amount_at = self.right
        self.quantity_at = self.price_at - column
        self.sums_left = self.left + (self.right - self.left) * 0.5

    def draw(self) -> PdfPen:
        self.pen.y = self.top
        self._heading()
        self._banners()
        self._facts()
        self._table()
        self._sums()
        self._closing()
        self._page_no()
        return self.pen

    def _money(self, amount_minor: int) -> str:
        return money_text(amount_minor, self.receipt.exponent)

    def _heading(self) -> None:
        pen, receipt = self.pen, self.receipt
        half = (self.right - self.left) * 0.62
        pen.y += self.large.size
        top = pen.y
        for line in broken(receipt.shop_name, self.large, half, 2):
            pen.text(self.left, line, self.large)
            pen.y += self.large.leading
        pen.y -= self.large.leading - self.small.leading
        for line in self._address(half):
            pen.text(self.left, line, self.small)
            pen.y += self.small.leading
        below, pen.y = pen.y, top
        pen.text(self.right, receipt.title, self.small, align="right")
        pen.y += self.strong.leading
        room = self.right - self.left - half - 8
        pen.text(self.right, receipt.number, self.strong, align="right", room=room)
        pen.y = max(below, pen.y)

    def _address(self, room: float) -> list[str]:
        receipt = self.receipt
        reach = [f"Tel {receipt.shop_phone}"] if receipt.shop_phone else []
        reach += [f"TIN {receipt.tax_id}"] if receipt.tax_id else []
        return [
            *broken(receipt.shop_address, self.small, room, 3), *broken("  ·  ".join(reach), self.small, room, 2),
            *broken(receipt.header, self.small, room, 3),
        ]  # fmt: skip

    def _banners(self) -> None:
        receipt, pen = self.receipt, self.pen
        words = [receipt.void_word] if receipt.is_voided else []
        words += [f"COPY {receipt.copy_no}"] if receipt.copy_no else []
        if not words:
            return
        height = self.large.leading
        pen.bar(self.left, self.right, height)
        pen.y += height * 0.5 + self.strong.size * 0.36
        pen.text((self.left + self.right) / 2, "  ·  ".join(words), Type(self.strong.size, True, WHITE), align="centre")
        pen.y += height * 0.5 - self.strong.size * 0.36
        if receipt.is_voided:
            pen.y += self.small.leading
            for line in broken(receipt.void_notice, self.small, self.right - self.left, 3):
                pen.text(self.left, line, self.small)
                pen.y += self.small.leading
            pen.y -= self.small.size
        pen.y += self.small.size * 0.6

    def _facts(self) -> None:
        """Label above value, three to a row; the customer, whose name may be long, has a row of its own."""
        receipt = self.receipt
        self.pen.hairline(self.left, self.right)
        self.pen.y += self.step
        self._labelled([("Sold", receipt.sold_at), ("Served by", receipt.cashier), ("Till", receipt.till)])
        customer = "  ·  ".join(part for part in (receipt.customer_name, receipt.customer_phone) if part)
        if customer:
            self._labelled([("Customer", customer)])
        self.pen.y += self.step * 0.7

    def _labelled(self, facts: list[tuple[str, str]]) -> None:
        top, width = self.pen.y, (self.right - self.left) / len(facts)
        for number, (label, value) in enumerate(facts):
            if value:
                self.pen.y = top
                self.pen.text(self.left + number * width, label, self.small)
                self.pen.y += self.step
                self.pen.text(self.left + number * width, value, self.plain, room=width - 6)
        self.pen.y = top + self.step * 2.2

    def _table_head(self) -> None:
        pen = self.pen
        pen.text(self.left, "Item", self.small)
        for at, label in ((self.quantity_at, "Qty"), (self.price_at, "Price"), (self.amount_at, "Amount")):
            pen.text(at, label, self.small, align="right")
        pen.y += self.small.size * 0.7
        pen.hairline(self.left, self.right, INK, 0.8)
        pen.y += self.step

    def _table(self) -> None:
        self._table_head()
        for line in self.receipt.lines[:LINES_MAX]:
            self._item(line)
        rest = self.receipt.lines[LINES_MAX:]
        if rest:
            self._need(1)
            self.pen.text(self.left, f"and {len(rest)} more lines", self.plain)
            total = sum(line.total_minor for line in rest)
            self.pen.text(self.amount_at, self._money(total), self.plain, align="right")
            self.pen.y += self.step

    def _item(self, line: ReceiptLine) -> None:
        pen = self.pen
        room = self.quantity_at - self.left - 36
        names = broken(line.name, self.plain, room, 3) or [""]
        notes = [handset_number(imei) for imei in line.imeis]
        if line.warranty:
            notes.append(f"Warranty {line.warranty}")
        self._need(len(names) + min(len(notes), 8) + bool(line.discount_minor), head=True)
        pen.text(self.quantity_at, f"{line.quantity:,}", self.plain, align="right")
        pen.text(self.price_at, self._money(line.unit_price_minor), self.plain, align="right")
        pen.text(self.amount_at, self._money(line.total_minor + line.discount_minor), self.plain, align="right")
        for name in names:
            pen.text(self.left, name, self.plain)
            pen.y += self.step
        if line.discount_minor:
            pen.text(self.left, "Discount", self.small)
            pen.text(self.amount_at, self._money(-line.discount_minor), self.plain, align="right")
            pen.y += self.step
        for note in notes:
            self._need(1, head=True)
            pen.text(self.left, note, self.small, room=room)
            pen.y += self.small.leading
        pen.y -= self.step * 0.45
        pen.hairline(self.left, self.right)
        pen.y += self.step

    def _sums(self) -> None:
        receipt, pen = self.receipt, self.pen
        self._need(9 + 2 * min(len(receipt.payments), 10))
        pen.y += self.step * 0.2
        top = pen.y
        if receipt.discount_minor:
            self._sum("Subtotal", receipt.subtotal_minor)
            self._sum("Discount", -receipt.discount_minor)
        pen.y += self.large.size * 0.5
        pen.text(self.sums_left, f"Total {receipt.currency}", self.strong, room=self.right - self.sums_left)
        pen.text(self.amount_at, self._money(receipt.total_minor), self.large, align="right")
        pen.y += self.large.leading * 0.9
        if receipt.vat_minor or receipt.vat_rate_bp:
            self._sum(vat_label(receipt.vat_rate_bp), receipt.vat_minor)
        pen.y -= self.step * 0.4
        pen.hairline(self.sums_left, self.right)
        pen.y += self.step
        for payment in receipt.payments:
            self._need(2)
            self._sum(payment.label, payment.amount_minor if payment.tendered_minor is None else payment.tendered_minor)
            if payment.reference:
                pen.text(self.sums_left, f"Ref {payment.reference}", self.small, room=self.right - self.sums_left)
                pen.y += self.step
        if receipt.change_minor:
            self._sum("Change", receipt.change_minor, self.strong)
        if receipt.due_minor:
            self._sum("Balance due", receipt.due_minor, self.strong)
        self._proof(top)

    def _sum(self, label: str, amount_minor: int, kind: Type | None = None) -> None:
        kind = kind or self.plain
        self.pen.text(self.sums_left, label, kind, room=(self.right - self.sums_left) * 0.6)
        self.pen.text(self.amount_at, self._money(amount_minor), kind, align="right")
        self.pen.y += self.step

    def _proof(self, top: float) -> None:
        """The QR code and the chain code, beside the sums when they stand on the same page."""
        receipt, pen = self.receipt, self.pen
        below = pen.y
        side = min(26 * MM, (self.sums_left - self.left) * 0.5)
        pen.y = top - self.plain.size * 0.7 if top < below else below
        if receipt.qr_payload:
            pen.qr(self.left, side, receipt.qr_payload)
            pen.y += side + self.small.leading
        if receipt.chain_code:
            code = receipt.chain_code
            pen.text(self.left, f"Proof {code[:4]}-{code[4:]}" if len(code) == 8 else f"Proof {code}", self.small)
            pen.y += self.small.leading
        pen.y = max(pen.y, below)

    def _closing(self) -> None:
        pen, receipt = self.pen, self.receipt
        room = self.right - self.left
        for words, kind in ((receipt.warranty_text, self.small), (receipt.footer, self.plain)):
            lines = broken(words, kind, room, 8)
            if lines:
                self._need(len(lines) + 1)
                pen.y += self.step * 0.6
            for line in lines:
                pen.text(self.left, line, kind)
                pen.y += kind.leading

    def _need(self, lines: int, *, head: bool = False) -> None:
        """Begin a new page if fewer lines than these are left; never splits what belongs together."""
        if self.pen.y + lines * self.step <= self.bottom - self.step:
            return
        self._page_no()
        self.pen.new_page()
        self.pen.y = self.top + self.small.size
        heading = f"{self.receipt.shop_name}  ·  {self.receipt.number}"
        self.pen.text(self.left, heading, self.small, room=self.right - self.left)
        self.pen.y += self.step * 1.6
        if head:
            self._table_head()

    def _page_no(self) -> None:
        resting, self.pen.y = self.pen.y, self.bottom + self.small.leading * 0.4
        self.pen.hairline(self.left, self.right, HAIR)
        self.pen.y += self.small.leading
        self.pen.text(self.left, self.receipt.number, self.small, room=(self.right - self.left) * 0.6)
        self.pen.text(self.right, f"Page {self.pen.pages} of {self.pages}", self.small, align="right")
        self.pen.y = resting
