"""A receipt as rows in reading order, the same for every medium.

Thermal paper and PDF differ only in how they draw a row, so what is said, and in which order, is decided once, here.
The right-hand column of the items adds up to the subtotal; every row below it says what was added or taken away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from shopnode.documents.money_text import money_text, rate_text
from shopnode.documents.receipt import Receipt, ReceiptLine, ReceiptPayment

LINES_MAX = 500  # a longer receipt says how many lines it left out


class Role(Enum):
    """What a row is for; the medium chooses size and weight."""

    SHOP = auto()
    ADDRESS = auto()
    BANNER = auto()
    NOTICE = auto()
    NUMBER = auto()
    FACT = auto()
    ITEM = auto()
    DETAIL = auto()  # under an item or a payment
    SUM = auto()
    TOTAL = auto()
    SETTLED = auto()  # change, balance due
    SENTENCE = auto()
    CODE = auto()
    THANKS = auto()


@dataclass(frozen=True)
class Row:
    role: Role
    left: str
    right: str = ""


@dataclass(frozen=True)
class Rule:
    """A hairline across the paper."""


@dataclass(frozen=True)
class Gap:
    """A little air."""


@dataclass(frozen=True)
class Qr:
    payload: str


Block = Row | Rule | Gap | Qr


def receipt_rows(receipt: Receipt) -> list[Block]:
    """Every row of the receipt, top to bottom."""
    return [
        *_heading(receipt),
        *_banners(receipt),
        Rule(),
        *_facts(receipt),
        Rule(),
        *_items(receipt),
        Rule(),
        *_sums(receipt),
        Rule(),
        *_payments(receipt),
        *_closing(receipt),
        *_banners(receipt, again=True),
    ]


def _heading(receipt: Receipt) -> Iterator[Block]:
    yield Row(Role.SHOP, receipt.shop_name)
    if receipt.shop_address:
        yield Row(Role.ADDRESS, receipt.shop_address)
    if receipt.shop_phone:
        yield Row(Role.ADDRESS, f"Tel {receipt.shop_phone}")
    if receipt.tax_id:
        yield Row(Role.ADDRESS, f"TIN {receipt.tax_id}")
    if receipt.header:
        yield Row(Role.ADDRESS, receipt.header)


def _banners(receipt: Receipt, again: bool = False) -> Iterator[Block]:
    """COPY and VOID stand at both ends, so that neither can be torn off without tearing the total."""
    if again and (receipt.is_voided or receipt.copy_no):
        yield Gap()
    if receipt.is_voided:
        yield Row(Role.BANNER, receipt.void_word)
        if receipt.void_notice and not again:
            yield Row(Role.NOTICE, receipt.void_notice)
    if receipt.copy_no:
        yield Row(Role.BANNER, f"COPY {receipt.copy_no}")


def _facts(receipt: Receipt) -> Iterator[Block]:
    yield Row(Role.NUMBER, receipt.title, receipt.number)
    yield Row(Role.FACT, receipt.sold_at, receipt.till)
    if receipt.cashier:
        yield Row(Role.FACT, "Served by", receipt.cashier)
    if receipt.customer_name:
        yield Row(Role.FACT, "Customer", receipt.customer_name)
    if receipt.customer_phone:
        yield Row(Role.FACT, "Phone", receipt.customer_phone)


def _items(receipt: Receipt) -> Iterator[Block]:
    for line in receipt.lines[:LINES_MAX]:
        yield from _item(line, receipt.exponent)
    left_out = len(receipt.lines) - LINES_MAX
    if left_out > 0:
        rest = sum(line.total_minor for line in receipt.lines[LINES_MAX:])
        yield Row(Role.ITEM, f"and {left_out} more lines", money_text(rest, receipt.exponent))


def _item(line: ReceiptLine, exponent: int) -> Iterator[Block]:
    gross = money_text(line.total_minor + line.discount_minor, exponent)
    if line.quantity == 1:
        yield Row(Role.ITEM, line.name, gross)
    else:
        yield Row(Role.ITEM, line.name)
        yield Row(Role.DETAIL, f"{line.quantity:,} × {money_text(line.unit_price_minor, exponent)}", gross)
    for imei in line.imeis:
        yield Row(Role.DETAIL, handset_number(imei))
    if line.discount_minor:
        yield Row(Role.DETAIL, "Discount", money_text(-line.discount_minor, exponent))
    if line.warranty:
        yield Row(Role.DETAIL, f"Warranty {line.warranty}")


def handset_number(number: str) -> str:
    """What tells this handset from others: its IMEI, or the serial number of what has none."""
    return f"IMEI {number}" if number.isdigit() and 14 <= len(number) <= 16 else f"Serial {number}"


def _sums(receipt: Receipt) -> Iterator[Block]:
    exponent = receipt.exponent
    if receipt.discount_minor:
        yield Row(Role.SUM, "Subtotal", money_text(receipt.subtotal_minor, exponent))
        yield Row(Role.SUM, "Discount", money_text(-receipt.discount_minor, exponent))
    yield Row(Role.TOTAL, f"Total {receipt.currency}", money_text(receipt.total_minor, exponent))
    if receipt.vat_minor or receipt.vat_rate_bp:
        yield Row(Role.SUM, vat_label(receipt.vat_rate_bp), money_text(receipt.vat_minor, exponent))


def vat_label(rate_bp: int) -> str:
    return f"VAT {rate_text(rate_bp)} included" if rate_bp else "VAT included"


def _payments(receipt: Receipt) -> Iterator[Block]:
    for payment in receipt.payments:
        yield from _payment(payment, receipt.exponent)
    if receipt.change_minor:
        yield Row(Role.SETTLED, "Change", money_text(receipt.change_minor, receipt.exponent))
    if receipt.due_minor:
        yield Row(Role.SETTLED, "Balance due", money_text(receipt.due_minor, receipt.exponent))


def _payment(payment: ReceiptPayment, exponent: int) -> Iterator[Block]:
    handed_over = payment.amount_minor if payment.tendered_minor is None else payment.tendered_minor
    yield Row(Role.SUM, payment.label, money_text(handed_over, exponent))
    if payment.reference:
        yield Row(Role.DETAIL, f"Ref {payment.reference}")


def _closing(receipt: Receipt) -> Iterator[Block]:
    if receipt.warranty_text:
        yield Rule()
        yield Row(Role.SENTENCE, receipt.warranty_text)
    if receipt.qr_payload or receipt.chain_code:
        yield Gap()
    if receipt.qr_payload:
        yield Qr(receipt.qr_payload)
    if receipt.chain_code:
        yield Row(Role.CODE, f"Proof {_grouped(receipt.chain_code)}")
    if receipt.footer:
        yield Gap()
        yield Row(Role.THANKS, receipt.footer)


def _grouped(code: str) -> str:
    """Eight characters read better as two fours."""
    return f"{code[:4]}-{code[4:]}" if len(code) == 8 else code
