"""Movements (facts) and the level they add up to (derived, never sent)."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    DerivedRow,
    Id,
    Kind,
    MinorUnits,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)


class MovementKind(StrEnum):
    OPENING = "opening"
    RECEIVED = "received"
    SOLD = "sold"
    RETURNED = "returned"
    ADJUSTED = "adjusted"
    SENT = "sent"  # left for another shop
    ARRIVED = "arrived"  # came from another shop
    TAKEN_BACK = "back"  # sent, but never arrived there
    INSPECT_OUT = "inspect"  # came back, not sellable yet: quantity 0, tells where the goods are


class StockMovement(SyncedRow):
    """Something came in (+) or went out (−) of one shop."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        *refs("product_id:product"),
        one_of("kind", MovementKind),
        look_up("stock_movement", "product_id", "at"),
        look_up("stock_movement", "sale_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP)

    shop_id: Mapped[Id]
    product_id: Mapped[Id]
    unit_id: Mapped[Id | None]
    kind: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int]  # pieces; signed
    unit_cost_minor: Mapped[MinorUnits]
    sale_id: Mapped[Id | None]
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class StockLevel(DerivedRow):
    """How many are on hand in one shop: the sum of its movements."""

    __tablename__ = "stock_level"

    shop_id: Mapped[Id] = mapped_column(primary_key=True)
    product_id: Mapped[Id] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
