"""A handset is an entity with many stock episodes: the same phone may be sold, bought back and sold again."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import Id, Kind, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class UnitStatus(StrEnum):
    IN_STOCK = "in_stock"
    SOLD = "sold"
    INSPECT = "inspect"  # came back; somebody must look at it before it can be sold again
    SCRAPPED = "scrapped"
    SENT = "sent"  # on its way to another shop, or there: this stay is over, and another begins where it arrives


OPEN_STATUSES = (UnitStatus.IN_STOCK.value, UnitStatus.INSPECT.value)  # this stay in stock has not ended


class Arrival(StrEnum):
    """How a phone's way between two shops ended."""

    RECEIVED = "received"
    TAKEN_BACK = "taken_back"  # it never arrived, and the sender has it again


class Handset(SyncedRow):
    """One piece with its numbers. IMEIs are 15 digits as text; tablets and the like have a serial instead."""

    __tablename__ = "handset"
    __table_args__ = (
        *refs("product_id:product"),
        look_up("handset", "imei1"),
        look_up("handset", "imei2"),
        look_up("handset", "serial"),
    )
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT)

    product_id: Mapped[Id]
    imei1: Mapped[str | None] = mapped_column(String(15))
    imei2: Mapped[str | None] = mapped_column(String(15))
    serial: Mapped[str | None] = mapped_column(String(60))
    colour: Mapped[str | None] = mapped_column(String(60))
    storage: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[UtcTime]

    @property
    def number(self) -> str:
        """The number people know it by."""
        return self.imei1 or self.serial or ""


class StockUnit(SyncedRow):
    """One stay of a handset in one shop's stock. Only the shop that holds it writes it."""

    __tablename__ = "stock_unit"
    __table_args__ = (
        *refs("handset_id:handset", "product_id:product"),
        one_of("status", UnitStatus),
        look_up("stock_unit", "handset_id"),
        look_up("stock_unit", "product_id", "status"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP)

    handset_id: Mapped[Id]
    product_id: Mapped[Id]
    shop_id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(20))
    cost_minor: Mapped[MinorUnits]
    grade: Mapped[str | None] = mapped_column(String(10))
    source: Mapped[str | None]
    received_at: Mapped[UtcTime]
    received_by: Mapped[Id | None]
    sold_line_id: Mapped[Id | None]


class Transfer(SyncedRow):
    """Phones that one shop sent to another, under one number: the sender's half of it.

    Every shop hears of it, because both of them must and a line of the feed goes to one shop or to all. `shop_id` is
    the shop that wrote the row, here and in the two tables below; a node writes for its own alone.
    """

    __tablename__ = "transfer"
    __table_args__ = (look_up("transfer", "to_shop_id"), look_up("transfer", "number"))
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    shop_id: Mapped[Id]  # the sender
    to_shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-T000012, on the slip in the box
    note: Mapped[str | None]
    sent_at: Mapped[UtcTime]
    sent_by: Mapped[Id | None]


class TransferLine(SyncedRow):
    """One phone of a transfer. The id follows from the stay that ended, which is sent away once (`sent_line_id`)."""

    __tablename__ = "transfer_line"
    __table_args__ = (
        *refs("transfer_id:transfer", "handset_id:handset", "product_id:product"),
        look_up("transfer_line", "transfer_id"),
        look_up("transfer_line", "handset_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    transfer_id: Mapped[Id]
    shop_id: Mapped[Id]
    unit_id: Mapped[Id]  # the stay that ended; known to the sender and to the hub alone
    handset_id: Mapped[Id]
    product_id: Mapped[Id]
    cost_minor: Mapped[MinorUnits]
    grade: Mapped[str | None] = mapped_column(String(10))


class TransferReceipt(SyncedRow):
    """How one phone's way ended: received, or taken back. The id follows from the line (`arrival_id`).

    Both may be said at once, by two shops that do not hear each other: the first one admitted stands everywhere, and
    the owner is told of the other.
    """

    __tablename__ = "transfer_receipt"
    __table_args__ = (*refs("line_id:transfer_line"), one_of("kind", Arrival), look_up("transfer_receipt", "line_id"))
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    line_id: Mapped[Id]
    shop_id: Mapped[Id]  # where the phone is now
    kind: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[Id]  # the stay that began
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


def sent_line_id(unit_id: str) -> str:
    return act_id("send", unit_id)


def arrival_id(line_id: str) -> str:
    return act_id("arrival", line_id)


def stay_after(line_id: str, shop_id: str) -> str:
    """The stay that begins where a phone's way ends. Two shops that both say they have it begin two."""
    return act_id("stay", line_id, shop_id)
