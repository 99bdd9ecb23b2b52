"""Movements (facts) and the level they add up to (derived, never sent)."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String, text
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
    look_up_few,
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
    COUNTED = "counted"  # a stocktake's difference
    USED = "used"  # a part that went into a phone
    ASIDE = (
        "aside"  # a phone taken off the shelf, or put back on it (also in one moment, dearer than it was), still ours
    )
    INSPECT_OUT = "inspect"  # came back, not sellable yet: quantity 0, tells where the goods are


class StockMovement(SyncedRow):
    """Something came in (+) or went out (−) of one shop."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        *refs("product_id:product"),
        one_of("kind", MovementKind),
        look_up("stock_movement", "product_id", "at"),
        look_up("stock_movement", "sale_id"),
        look_up("stock_movement", "at", "id"),
        look_up("stock_movement", "by_id", "at", "id"),
        look_up("stock_movement", "kind", "at", "id", only="kind <> 'sold'"),  # these a page full is near anywhere
        look_up_few("stock_movement", "unit_id", "at"),
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


class TransferItem(SyncedRow):
    """Pieces of a product counted by quantity, in a transfer. Phones are its `TransferLine`s, see handsets."""

    __tablename__ = "transfer_item"
    __table_args__ = (
        *refs("transfer_id:transfer", "product_id:product"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("transfer_item", "transfer_id"),
        look_up("transfer_item", "product_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    transfer_id: Mapped[Id]
    shop_id: Mapped[Id]  # the sender
    product_id: Mapped[Id]
    quantity: Mapped[int]
    cost_minor: Mapped[MinorUnits]  # of one piece


class TransferItemReceipt(SyncedRow):
    """What became of pieces on their way: received there, or taken back here. What is left over is still under way."""

    __tablename__ = "transfer_item_receipt"
    __table_args__ = (
        *refs("item_id:transfer_item"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("transfer_item_receipt", "item_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    item_id: Mapped[Id]
    shop_id: Mapped[Id]  # where the pieces are now
    kind: Mapped[str] = mapped_column(String(20))  # handsets.Arrival
    quantity: Mapped[int]
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class StockLevel(DerivedRow):
    """How many are on hand in one shop, and at which cost: the sums of its movements."""

    __tablename__ = "stock_level"

    shop_id: Mapped[Id] = mapped_column(primary_key=True)
    product_id: Mapped[Id] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    worth_minor: Mapped[MinorUnits] = mapped_column(server_default=text("0"))


class StockCost(DerivedRow):
    """What a piece on hand cost on average, moving with every delivery; counted again when an earlier one is heard of.

    Source: docs/rules/cost.md.
    """

    __tablename__ = "stock_cost"

    shop_id: Mapped[Id] = mapped_column(primary_key=True)
    product_id: Mapped[Id] = mapped_column(primary_key=True)
    average_minor: Mapped[MinorUnits]
