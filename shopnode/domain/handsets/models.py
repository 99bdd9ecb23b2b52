"""A handset is an entity with many stock episodes: the same phone may be sold, bought back and sold again."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class UnitStatus(StrEnum):
    IN_STOCK = "in_stock"
    SOLD = "sold"
    INSPECT = "inspect"  # came back; somebody must look at it before it can be sold again
    SCRAPPED = "scrapped"


OPEN_STATUSES = (UnitStatus.IN_STOCK.value, UnitStatus.INSPECT.value)  # this stay in stock has not ended


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
