"""Layaway, instalments and reservations.

Invariants:
  * What was paid is the sum of the plan's money (`cash.MoneyMove`), and is owed to the customer until the sale is made,
    the plan is cancelled, or it is forfeited by its own rule.
  * The phones of an open plan are reserved: nobody else can be sold them.
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


class PlanKind(StrEnum):
    LAYAWAY = "layaway"  # stays in the shop until it is paid
    INSTALMENT = "instalment"  # leaves after the deposit, the rest is owed by dates
    RESERVATION = "reservation"  # kept until a day, paid at once


class PlanStatus(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FORFEITED = "forfeited"


class Plan(SyncedRow):
    """An agreement with a customer about goods at a price that no longer changes."""

    __tablename__ = "plan"
    __table_args__ = (
        *refs("customer_id:customer"),
        one_of("kind", PlanKind),
        one_of("status", PlanStatus),
        CheckConstraint("total_minor >= 0 AND deposit_minor >= 0", name="not_negative"),
        look_up("plan", "customer_id"),
        look_up("plan", "status"),
        look_up("plan", "number"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-L000004
    kind: Mapped[str] = mapped_column(String(20))
    customer_id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(20))
    total_minor: Mapped[MinorUnits]
    deposit_minor: Mapped[MinorUnits]  # asked for at the start
    forfeit_bp: Mapped[BasisPoints]  # of what was paid, kept when the customer gives up
    keep_until: Mapped[LocalDate | None]
    notes: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[UtcTime]
    opened_by: Mapped[Id | None]
    sale_id: Mapped[Id | None]  # the sale it became
    ended_at: Mapped[UtcTime | None]
    ended_by: Mapped[Id | None]
    end_reason: Mapped[str | None]


class PlanLine(SyncedRow):
    """Goods of a plan, at the price that was agreed."""

    __tablename__ = "plan_line"
    __table_args__ = (
        *refs("plan_id:plan", "product_id:product"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("plan_line", "plan_id"),
        look_up("plan_line", "unit_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    plan_id: Mapped[Id]
    shop_id: Mapped[Id]
    line_no: Mapped[int]
    product_id: Mapped[Id]
    unit_id: Mapped[Id | None]
    quantity: Mapped[int]
    unit_price_minor: Mapped[MinorUnits]


class PlanDue(SyncedRow):
    """A part of the price and the day it is due."""

    __tablename__ = "plan_due"
    __table_args__ = (
        *refs("plan_id:plan"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        look_up("plan_due", "plan_id"),
        look_up("plan_due", "due_on"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    plan_id: Mapped[Id]
    shop_id: Mapped[Id]
    due_on: Mapped[LocalDate]
    amount_minor: Mapped[MinorUnits]
