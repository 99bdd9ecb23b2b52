"""A return is a fact beside the sale, which never changes.

Invariants:
  * Of a line, no more comes back than was sold: in pieces and in money.
  * Money goes back as payments of kind `refund` on the sale, or into the customer's account; a return that pays for
    another sale is a tender of both, equal and opposite.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, LocalDate, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class RestockDecision(StrEnum):
    """Where a line's goods go (rule 52)."""

    NEW = "new"  # sold again as new
    OPEN_BOX = "open_box"
    BENCH = "bench"
    SUPPLIER = "supplier"
    SCRAP = "scrap"


class ClaimOutcome(StrEnum):
    REPAIR = "repair"
    REPLACE = "replace"
    REFUSE = "refuse"


class SaleReturn(SyncedRow):
    """Goods of one sale that came back, with or without the receipt."""

    __tablename__ = "sale_return"
    __table_args__ = (
        *refs("sale_id:sale"),
        CheckConstraint("refund_minor >= 0 AND fee_minor >= 0", name="not_negative"),
        look_up("sale_return", "sale_id"),
        look_up("sale_return", "exchange_sale_id"),
        look_up("sale_return", "number"),
        look_up("sale_return", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-R000009
    sale_id: Mapped[Id]
    exchange_sale_id: Mapped[Id | None]  # the sale it pays for, in one ticket
    customer_id: Mapped[Id | None]
    reason: Mapped[str]
    had_receipt: Mapped[bool]
    refund_minor: Mapped[MinorUnits]  # what the customer gets, the fee taken off
    fee_minor: Mapped[MinorUnits]
    drawer_session_id: Mapped[Id | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class SaleReturnLine(SyncedRow):
    """Pieces of one line that came back, and where they went."""

    __tablename__ = "sale_return_line"
    __table_args__ = (
        *refs("return_id:sale_return", "sale_line_id:sale_line"),
        one_of("restock", RestockDecision),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("sale_return_line", "return_id"),
        look_up("sale_return_line", "sale_line_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    return_id: Mapped[Id]
    shop_id: Mapped[Id]
    sale_line_id: Mapped[Id]
    unit_id: Mapped[Id | None]
    quantity: Mapped[int]
    restock: Mapped[str] = mapped_column(String(20))
    refund_minor: Mapped[MinorUnits]


class WarrantyClaim(SyncedRow):
    """A claim under the warranty of one sold line. It never starts the warranty anew."""

    __tablename__ = "warranty_claim"
    __table_args__ = (
        *refs("sale_line_id:sale_line"),
        one_of("outcome", ClaimOutcome),
        look_up("warranty_claim", "sale_line_id"),
        look_up("warranty_claim", "new_line_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    sale_line_id: Mapped[Id]
    unit_id: Mapped[Id | None]  # that came back
    outcome: Mapped[str] = mapped_column(String(20))
    new_unit_id: Mapped[Id | None]  # given instead
    new_line_id: Mapped[Id | None]  # the line of the sale that replaced it
    covered_until: Mapped[LocalDate | None]  # the remaining warranty, inherited
    reason: Mapped[str]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
