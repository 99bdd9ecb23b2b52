"""Commission rules, and the account between a person and the shop.

Invariants:
  * A rule never changes: another begins and the old one ends, so that what was earned stays what it was.
  * What is earned is computed from sales, returns and rules (queries.py); only what is paid or owed is booked.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    BasisPoints,
    Id,
    Kind,
    LocalDate,
    MinorUnits,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)


class StaffEntryKind(StrEnum):
    SHORTAGE = "shortage"  # + the person owes what was missing in their drawer (rule 83)
    ADVANCE = "advance"  # + money given ahead
    REPAID = "repaid"  # −
    KEPT_FROM_PAY = "kept_from_pay"  # −
    COMMISSION_PAID = "commission_paid"  # what was paid out of what was earned
    FORGIVEN = "forgiven"  # −


class CommissionRule(SyncedRow):
    """What a person, or everybody, earns by selling of a category."""

    __tablename__ = "commission_rule"
    __table_args__ = (
        CheckConstraint("rate_bp >= 0 AND per_piece_minor >= 0", name="not_negative"),
        look_up("commission_rule", "starts_on"),
    )
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    category: Mapped[str | None] = mapped_column(String(100))  # None for all goods
    staff_id: Mapped[Id | None]  # None for everybody
    of_repairs: Mapped[int]  # 1: of labour on repairs that the person did
    rate_bp: Mapped[BasisPoints]  # of the price without VAT
    per_piece_minor: Mapped[MinorUnits]
    starts_on: Mapped[LocalDate]
    ends_on: Mapped[LocalDate | None]  # the first day on which it holds no more


class StaffEntry(SyncedRow):
    """A line of the account between a person and the shop: + what the person owes."""

    __tablename__ = "staff_entry"
    __table_args__ = (
        *refs("staff_id:staff"),
        one_of("kind", StaffEntryKind),
        look_up("staff_entry", "staff_id", "at", "id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    staff_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[MinorUnits]
    about_id: Mapped[Id | None]  # the drawer session or money move
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
