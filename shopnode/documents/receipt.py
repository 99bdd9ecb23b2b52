"""What a receipt says, whatever it is printed on.

Invariants:
  * Everything is a copy made at the time of sale: a receipt printed next year says the same.
  * Money is whole minor units of `currency`; `exponent` says how many decimal places to write.
  * Texts may hold anything a person typed; each medium makes them safe for itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReceiptLine:
    """One thing sold. `total_minor` is what remains after the line's own discount."""

    name: str
    quantity: int
    unit_price_minor: int
    total_minor: int
    discount_minor: int = 0
    imeis: tuple[str, ...] = ()
    warranty: str = ""  # in the shop's words and date: "12 months, until 22 Nov 2027"


@dataclass(frozen=True)
class ReceiptPayment:
    """One tender. `amount_minor` is net of change; `tendered_minor` is what was handed over, if more."""

    label: str
    amount_minor: int
    reference: str = ""
    tendered_minor: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A sale as the customer takes it home."""

    shop_name: str
    number: str
    sold_at: str  # local time, written out: "22 Nov 2026, 14:03 EAT"
    lines: tuple[ReceiptLine, ...]
    subtotal_minor: int  # sum of the lines after their own discounts
    total_minor: int
    payments: tuple[ReceiptPayment, ...] = ()
    discount_minor: int = 0  # on the whole sale
    change_minor: int = 0
    vat_rate_bp: int = 0  # 0 when lines differ: the amount is printed without a rate
    vat_minor: int = 0  # contained in the total
    currency: str = "UGX"
    exponent: int = 0

    shop_address: str = ""
    shop_phone: str = ""
    tax_id: str = ""
    header: str = ""  # the shop's own words above what was bought
    cashier: str = ""
    till: str = ""
    customer_name: str = ""
    customer_phone: str = ""
    title: str = "Receipt"

    warranty_text: str = ""
    chain_code: str = ""
    qr_payload: str = ""
    footer: str = ""

    copy_no: int = 0  # 0 is the original; later prints say COPY 1, COPY 2 …
    is_voided: bool = False
    void_word: str = "VOID"  # or REVERSED
    void_notice: str = ""  # who, when and why

    @property
    def paid_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)

    @property
    def due_minor(self) -> int:
        """What the customer still owes on this sale; nothing once it is undone."""
        return 0 if self.is_voided else max(0, self.total_minor - self.paid_minor)
