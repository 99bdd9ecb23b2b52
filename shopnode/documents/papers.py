"""The shop's papers beside the receipt: what each says, as a letter for A4 and, where it is handed over a counter, as
rows for the receipt printer.

Invariants:
  * Pure: data in, the same words out. Dates and times come written out in the shop's own zone.
  * Money is whole minor units; `exponent` says how many decimal places to write.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopnode.documents.letter import Column, Heading, Letter, Sum, TableRow
from shopnode.documents.money_text import money_text
from shopnode.documents.receipt import Receipt
from shopnode.documents.receipt_rows import handset_number, vat_label


@dataclass(frozen=True)
class AgreementPaper:
    """A phone bought from a person."""

    heading: Heading
    number: str
    signed_at: str
    buyer: str
    product_name: str
    amount_minor: int
    statement: str
    imei1: str = ""
    imei2: str = ""
    serial: str = ""
    colour: str = ""
    storage: str = ""
    grade: str = ""
    comes_with: str = ""  # "box, charger"
    battery: str = ""
    network_lock: str = ""
    locks_removed: bool = False
    was_reset: bool = False
    traded_in_for: str = ""
    seller_name: str = ""
    seller_phone: str = ""
    seller_id: str = ""  # type and number
    seller_address: str = ""
    notes: str = ""
    currency: str = "UGX"
    exponent: int = 0

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(handset_number(number) for number in (self.imei1, self.imei2, self.serial) if number)

    @property
    def looks(self) -> str:
        return "  ·  ".join(part for part in (self.storage, self.colour) if part)

    @property
    def checks(self) -> str:
        said = [
            "Accounts and locks removed" if self.locks_removed else "Accounts and locks NOT removed",
            "reset" if self.was_reset else "NOT reset",
        ]
        return ", ".join(said)


@dataclass(frozen=True)
class StatementEntry:
    """One entry of an account, and what stood after it."""

    at: str
    what: str
    amount_minor: int
    balance_minor: int
    number: str = ""
    due_on: str = ""


@dataclass(frozen=True)
class StatementPaper:
    """What a customer owes and how it came to that."""

    heading: Heading
    name: str
    phone: str
    from_on: str
    to_on: str
    opening_minor: int
    entries: tuple[StatementEntry, ...]
    closing_minor: int
    ageing: tuple[tuple[str, int], ...] = ()  # label and amount, the oldest last
    store_credit_minor: int = 0
    currency: str = "UGX"
    exponent: int = 0
    left_out: int = 0  # entries of the period that are in what was brought forward


@dataclass(frozen=True)
class OrderLine:
    name: str
    quantity: int
    unit_cost_minor: int | None  # None for those who may not see it: the order asks for goods, not for prices
    sku: str = ""


@dataclass(frozen=True)
class OrderPaper:
    """What a shop asks a supplier for."""

    heading: Heading
    number: str
    ordered_on: str
    supplier_name: str
    lines: tuple[OrderLine, ...]
    supplier_contact: str = ""
    supplier_phone: str = ""
    supplier_address: str = ""
    expected_on: str = ""
    terms: str = ""
    ordered_by: str = ""
    notes: str = ""
    currency: str = "UGX"
    exponent: int = 0


@dataclass(frozen=True)
class ManifestLine:
    """A phone by its numbers, or pieces of a product."""

    name: str
    quantity: int = 1
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManifestPaper:
    """What travels from one shop to another; it goes with the goods."""

    heading: Heading
    number: str
    from_shop: str
    to_shop: str
    sent_at: str
    sent_by: str
    lines: tuple[ManifestLine, ...]
    note: str = ""


def agreement_letter(paper: AgreementPaper) -> Letter:
    """The used-phone agreement."""
    amount = money_text(paper.amount_minor, paper.exponent)
    traded = f"Traded in for {paper.traded_in_for}" if paper.traded_in_for else "Paid to the seller"
    return Letter(
        paper.heading, "Purchase agreement", paper.number,
        facts=(
            (("Seller", paper.seller_name or "On file"), ("Telephone", paper.seller_phone)),
            (("Identity document", paper.seller_id), ("Address", paper.seller_address)),
            (("Signed", paper.signed_at), ("Bought by", paper.buyer)),
        ),
        columns=(Column("Phone", 6), Column("Grade", 1), Column("Amount", 2, True)),
        rows=(
            TableRow(
                (paper.product_name, paper.grade, amount),
                tuple(
                    note for note in (
                        *paper.numbers, paper.looks, f"With {paper.comes_with}" if paper.comes_with else "",
                        f"Battery {paper.battery}" if paper.battery else "",
                        f"Locked to {paper.network_lock}" if paper.network_lock else "", paper.checks, paper.notes,
                    ) if note
                ),
            ),
        ),
        sums=(Sum(f"{traded}, {paper.currency}", amount, True),),
        statement=paper.statement,
        signatures=("Seller: signature and date", "For the shop: signature and date"),
    )  # fmt: skip


def statement_letter(paper: StatementPaper) -> Letter:
    """A customer's statement of account."""

    def money(amount_minor: int) -> str:
        return money_text(amount_minor, paper.exponent)

    before = f" with {paper.left_out:,} earlier entries of this period" if paper.left_out else ""
    rows = [TableRow((paper.from_on, f"Brought forward{before}", "", "", money(paper.opening_minor)))]
    for entry in paper.entries:
        what = f"{entry.what} {entry.number}".strip()
        rows.append(TableRow((entry.at, what, entry.due_on, money(entry.amount_minor), money(entry.balance_minor))))
    ageing = tuple(Sum(label, money(amount)) for label, amount in paper.ageing if amount)
    credit = (Sum("Store credit to spend", money(paper.store_credit_minor)),) if paper.store_credit_minor else ()
    owed = f"You owe {paper.currency}" if paper.closing_minor >= 0 else f"In your favour {paper.currency}"
    return Letter(
        paper.heading, "Statement", "",
        facts=((("Customer", paper.name), ("Telephone", paper.phone), ("Period", f"{paper.from_on} – {paper.to_on}")),),
        columns=(Column("Date", 4), Column("What", 7), Column("Due", 4), Column("Amount", 4, True),
                 Column("Balance", 4, True)),
        rows=tuple(rows),
        sums=(Sum(owed, money(abs(paper.closing_minor)), True), *ageing, *credit),
        sentences=("Something looks wrong? Tell us and bring your receipts: every entry names its document.",),
    )  # fmt: skip


def order_letter(paper: OrderPaper) -> Letter:
    """A purchase order to a supplier."""

    def money(amount_minor: int | None) -> str:
        return "" if amount_minor is None else money_text(amount_minor, paper.exponent)

    def amount(line: OrderLine) -> int | None:
        return None if line.unit_cost_minor is None else line.quantity * line.unit_cost_minor

    amounts = [worth for line in paper.lines if (worth := amount(line)) is not None]
    pieces = sum(line.quantity for line in paper.lines)
    total = (Sum(f"Total {paper.currency}", money(sum(amounts)), True),) if amounts else ()
    prices = (Column("Unit price", 4, True), Column("Amount", 4, True)) if amounts else ()
    return Letter(
        paper.heading, "Purchase order", paper.number,
        facts=(
            (("Supplier", paper.supplier_name), ("Contact", paper.supplier_contact), ("Telephone",
                                                                                      paper.supplier_phone)),
            (("Ordered", paper.ordered_on), ("Expected", paper.expected_on), ("Terms", paper.terms)),
            (("Address", paper.supplier_address), ("Ordered by", paper.ordered_by)),
        ),
        columns=(Column("Item", 9), Column("Qty", 2, True), *prices),
        rows=tuple(
            TableRow(
                (line.name, f"{line.quantity:,}", money(line.unit_cost_minor), money(amount(line)))[: 2 + len(prices)],
                (line.sku,) if line.sku else (),
            )
            for line in paper.lines
        ),
        sums=(Sum("Pieces", f"{pieces:,}"), *total),
        sentences=tuple(words for words in (paper.notes, f"Please write {paper.number} on your delivery note.")
                        if words),
        signatures=("For the shop", "For the supplier"),
    )  # fmt: skip


def manifest_letter(paper: ManifestPaper) -> Letter:
    """A transfer's manifest: it travels with the goods and is signed at both ends."""
    pieces = sum(line.quantity for line in paper.lines)
    return Letter(
        paper.heading, "Transfer", paper.number,
        facts=((("From", paper.from_shop), ("To", paper.to_shop)), (("Sent", paper.sent_at), ("By", paper.sent_by))),
        columns=(Column("Item", 9), Column("Qty", 2, True), Column("Arrived", 3, True)),
        rows=tuple(
            TableRow((line.name, f"{line.quantity:,}", "____"), tuple(map(handset_number, line.numbers)))
            for line in paper.lines
        ),
        sums=(Sum("Pieces in all", f"{pieces:,}", True),),
        sentences=tuple(words for words in (
            paper.note, "Count on arrival, write what arrived, and receive it on the shop's computer the same day.",
        ) if words),
        signatures=("Sent by", "Carried by", "Received by"),
    )  # fmt: skip


def invoice_letter(
    receipt: Receipt, *, buyer_tax_id: str = "", buyer_address: str = "", due_on: str = "", on_account: str = ""
) -> Letter:
    """A sale as an invoice: the same copy of the books as its receipt, made out to somebody.

    on_account  the label of the tender that is no money yet: it is what is due
    """

    def money(amount_minor: int) -> str:
        return money_text(amount_minor, receipt.exponent)

    sums = [Sum("Subtotal", money(receipt.subtotal_minor))] if receipt.discount_minor else []
    sums += [Sum("Discount", money(-receipt.discount_minor))] if receipt.discount_minor else []
    sums.append(Sum(f"Total {receipt.currency}", money(receipt.total_minor), True))
    if receipt.vat_minor or receipt.vat_rate_bp:
        sums.append(Sum(vat_label(receipt.vat_rate_bp), money(receipt.vat_minor)))
    owed = [payment for payment in receipt.payments if on_account and payment.label == on_account]
    paid = [payment for payment in receipt.payments if payment not in owed]
    due_minor = receipt.due_minor + sum(payment.amount_minor for payment in owed)
    sums += [Sum(f"Paid, {payment.label}", money(payment.amount_minor)) for payment in paid]
    sums += [Sum(f"Balance due {receipt.currency}", money(due_minor), True)] if due_minor else []
    rows = []
    for line in receipt.lines:
        notes = [*map(handset_number, line.imeis), f"Warranty {line.warranty}" if line.warranty else "",
                 f"Discount {money(-line.discount_minor)}" if line.discount_minor else ""]  # fmt: skip
        cells = (line.name, f"{line.quantity:,}", money(line.unit_price_minor), money(line.total_minor))
        rows.append(TableRow(cells, tuple(note for note in notes if note)))
    return Letter(
        Heading(receipt.shop_name, receipt.shop_address, receipt.shop_phone, receipt.tax_id), "Invoice", receipt.number,
        banner=receipt.void_word if receipt.is_voided else f"COPY {receipt.copy_no}" if receipt.copy_no else "",
        facts=(
            (("Bill to", receipt.customer_name or "Walk-in customer"), ("Telephone", receipt.customer_phone),
             ("TIN", buyer_tax_id)),
            (("Address", buyer_address),),
            (("Date", receipt.sold_at), ("Due", due_on), ("Served by", receipt.cashier)),
        ),
        columns=(Column("Item", 9), Column("Qty", 2, True), Column("Price", 4, True), Column("Amount", 4, True)),
        rows=tuple(rows), sums=tuple(sums),
        sentences=tuple(words for words in (receipt.void_notice, receipt.warranty_text) if words),
        footer=receipt.footer,
    )  # fmt: skip
