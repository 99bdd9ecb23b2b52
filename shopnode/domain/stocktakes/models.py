"""A count of one shop's stock.

Invariants:
  * Set semantics: a phone counts once however often it is scanned, because the line's id follows from the stocktake and
    the phone; a product's count is replaced by its later count, never added to by accident.
  * Nothing moves until the differences are approved. What was sold meanwhile is no difference: each line keeps what the
    books expected when it was counted.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import Id, Kind, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class StocktakeStatus(StrEnum):
    COUNTING = "counting"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    CANCELLED = "cancelled"


class Stocktake(SyncedRow):
    """One count, of everything or of one category."""

    __tablename__ = "stocktake"
    __table_args__ = (
        one_of("status", StocktakeStatus),
        look_up("stocktake", "status"),
        look_up("stocktake", "started_at"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-C000003
    category: Mapped[str | None] = mapped_column(String(100))  # None for the whole shop
    status: Mapped[str] = mapped_column(String(20))
    notes: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[UtcTime]
    started_by: Mapped[Id | None]
    submitted_at: Mapped[UtcTime | None]
    submitted_by: Mapped[Id | None]
    approved_at: Mapped[UtcTime | None]
    approved_by: Mapped[Id | None]
    difference_minor: Mapped[MinorUnits | None]  # at cost, when it was approved


class StocktakeLine(SyncedRow):
    """What was found of one product, one phone, or one number that nobody knows (`number`)."""

    __tablename__ = "stocktake_line"
    __table_args__ = (
        *refs("stocktake_id:stocktake", "product_id:product"),
        CheckConstraint("counted >= 0", name="counted_not_negative"),
        look_up("stocktake_line", "stocktake_id"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    stocktake_id: Mapped[Id]
    shop_id: Mapped[Id]
    product_id: Mapped[Id | None]
    unit_id: Mapped[Id | None]
    number: Mapped[str | None] = mapped_column(String(60))  # as it was scanned
    counted: Mapped[int]  # pieces; 1 for a phone
    expected: Mapped[int]  # what the books said when it was counted
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


def line_of_product(stocktake_id: str, product_id: str) -> str:
    return act_id("count", stocktake_id, product_id)


def line_of_unit(stocktake_id: str, unit_id: str) -> str:
    return act_id("count", stocktake_id, unit_id)


def line_of_number(stocktake_id: str, number: str) -> str:
    return act_id("count", stocktake_id, "number", number)
