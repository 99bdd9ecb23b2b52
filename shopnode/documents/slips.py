"""Slips from the receipt printer beside receipts: goods that came back, money in or out, goods that travel, a phone
bought. The same rows, the same writer, so 32 columns look as intended as 48 and no text becomes a command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shopnode.documents.escpos import Paper
from shopnode.documents.letter import Heading
from shopnode.documents.money_text import money_text
from shopnode.documents.papers import AgreementPaper, ManifestPaper
from shopnode.documents.receipt_escpos import Sheet
from shopnode.documents.receipt_rows import LINES_MAX, Block, Gap, Role, Row, Rule, handset_number
from shopnode.documents.text import sentences_of


@dataclass(frozen=True)
class ReturnedLine:
    """Goods that came back, and what is given for them."""

    name: str
    quantity: int
    amount_minor: int
    number: str = ""  # IMEI or serial
    goes_to: str = ""  # "Sold again as new"


@dataclass(frozen=True)
class ReturnSlip:
    """Goods of a sale that came back."""

    heading: Heading
    number: str
    sale_number: str
    at: str
    cashier: str
    reason: str
    lines: tuple[ReturnedLine, ...]
    refund_minor: int
    fee_minor: int = 0
    paid_by: tuple[tuple[str, int], ...] = ()  # how it was given back
    customer_name: str = ""
    currency: str = "UGX"
    exponent: int = 0


@dataclass(frozen=True)
class MoneySlip:
    """Money that no sale brought: paid on account, given out, put into a plan."""

    heading: Heading
    number: str
    title: str  # "Payment on account", "Paid out"
    at: str
    cashier: str
    amount_minor: int
    method: str
    reference: str = ""
    who: str = ""
    what_for: str = ""
    balance: tuple[str, int] | None = None  # "Still owed", 120000
    needs_signature: bool = False
    currency: str = "UGX"
    exponent: int = 0


def return_slip(slip: ReturnSlip, paper: Paper) -> bytes:
    """The slip for goods that came back."""
    return printed(_return_rows(slip), paper)


def money_slip(slip: MoneySlip, paper: Paper) -> bytes:
    """The slip for money in or out."""
    return printed(_money_rows(slip), paper)


def manifest_slip(manifest: ManifestPaper, paper: Paper) -> bytes:
    """A transfer's manifest, to go into the bag."""
    return printed(_manifest_rows(manifest), paper)


def agreement_slip(agreement: AgreementPaper, paper: Paper) -> bytes:
    """The used-phone agreement where no other printer is at hand."""
    return printed(_agreement_rows(agreement), paper)


def printed(rows: Iterator[Block], paper: Paper) -> bytes:
    """The rows as one job."""
    sheet = Sheet(paper)
    for block in rows:
        sheet.write(block)
    return sheet.finish()


def paper_top(heading: Heading, title: str, number: str, *facts: tuple[str, str]) -> Iterator[Block]:
    """Whose paper it is, what it is, and the facts that have a value."""
    yield Row(Role.SHOP, heading.shop_name)
    for words in (heading.shop_address, f"Tel {heading.shop_phone}" if heading.shop_phone else ""):
        if words:
            yield Row(Role.ADDRESS, words)
    yield Rule()
    yield Row(Role.NUMBER, title, number)
    for label, value in facts:
        if value:
            yield Row(Role.FACT, label, value)
    yield Rule()


def sentences_apart(text: str) -> Iterator[Block]:
    """Each sentence a row of its own, for what is signed is never cut."""
    for sentence in sentences_of(text):
        yield Row(Role.SENTENCE, sentence)


def signature_line(label: str) -> Iterator[Block]:
    """Room to sign, and who signs."""
    for _ in range(4):
        yield Gap()
    yield Rule()
    yield Row(Role.FACT, label)


def _return_rows(slip: ReturnSlip) -> Iterator[Block]:
    yield from paper_top(
        slip.heading, "Return", slip.number, ("When", slip.at), ("Of receipt", slip.sale_number),
        ("Taken back by", slip.cashier), ("Customer", slip.customer_name), ("Why", slip.reason),
    )  # fmt: skip
    for line in slip.lines[:LINES_MAX]:
        name = line.name if line.quantity == 1 else f"{line.quantity:,} × {line.name}"
        yield Row(Role.ITEM, name, money_text(line.amount_minor, slip.exponent))
        for words in (handset_number(line.number) if line.number else "", line.goes_to):
            if words:
                yield Row(Role.DETAIL, words)
    if len(slip.lines) > LINES_MAX:
        yield Row(Role.ITEM, f"and {len(slip.lines) - LINES_MAX} more lines")
    yield Rule()
    if slip.fee_minor:
        yield Row(Role.SUM, "Restocking fee", money_text(-slip.fee_minor, slip.exponent))
    yield Row(Role.TOTAL, f"Refund {slip.currency}", money_text(slip.refund_minor, slip.exponent))
    for label, amount_minor in slip.paid_by:
        yield Row(Role.SUM, label, money_text(amount_minor, slip.exponent))
    yield from signature_line("Customer")


def _money_rows(slip: MoneySlip) -> Iterator[Block]:
    yield from paper_top(
        slip.heading, slip.title, slip.number, ("When", slip.at), ("With", slip.cashier), ("Name", slip.who),
        ("For", slip.what_for),
    )  # fmt: skip
    yield Row(Role.TOTAL, f"{slip.method} {slip.currency}", money_text(slip.amount_minor, slip.exponent))
    if slip.reference:
        yield Row(Role.DETAIL, f"Ref {slip.reference}")
    if slip.balance is not None:
        yield Row(Role.SETTLED, slip.balance[0], money_text(slip.balance[1], slip.exponent))
    if slip.needs_signature:
        yield from signature_line("Received by")


def _manifest_rows(paper: ManifestPaper) -> Iterator[Block]:
    yield from paper_top(
        paper.heading, "Transfer", paper.number, ("From", paper.from_shop), ("To", paper.to_shop),
        ("Sent", paper.sent_at), ("By", paper.sent_by),
    )  # fmt: skip
    for line in paper.lines[:LINES_MAX]:
        yield Row(Role.ITEM, line.name, f"{line.quantity:,}")
        for number in line.numbers:
            yield Row(Role.DETAIL, handset_number(number))
    if len(paper.lines) > LINES_MAX:
        yield Row(Role.ITEM, f"and {len(paper.lines) - LINES_MAX} more lines")
    yield Rule()
    yield Row(Role.TOTAL, "Pieces", f"{sum(line.quantity for line in paper.lines):,}")
    if paper.note:
        yield Row(Role.SENTENCE, paper.note)
    for label in ("Carried by", "Received by"):
        yield from signature_line(label)


def _agreement_rows(paper: AgreementPaper) -> Iterator[Block]:
    yield from paper_top(
        paper.heading, "Phone bought", paper.number, ("When", paper.signed_at), ("By", paper.buyer),
        ("Seller", paper.seller_name or "On file"), ("Phone", paper.seller_phone), ("ID", paper.seller_id),
        ("Address", paper.seller_address),
    )  # fmt: skip
    yield Row(Role.ITEM, paper.product_name, f"Grade {paper.grade}" if paper.grade else "")
    for words in (*paper.numbers, paper.looks, f"With {paper.comes_with}" if paper.comes_with else "", paper.checks):
        if words:
            yield Row(Role.DETAIL, words)
    yield Rule()
    paid = "Traded in" if paper.traded_in_for else "Paid"
    yield Row(Role.TOTAL, f"{paid} {paper.currency}", money_text(paper.amount_minor, paper.exponent))
    yield Rule()
    yield from sentences_apart(paper.statement)
    yield from signature_line("Seller")
    yield from signature_line("For the shop")
