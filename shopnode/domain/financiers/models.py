"""What a financier owes the shop, phone by phone."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up, one_of, refs


class FinancierEntryKind(StrEnum):
    RECEIVABLE = "receivable"  # + a phone was sold on them
    SETTLEMENT = "settlement"  # − they paid
    CHARGEBACK = "chargeback"  # − they refused, or took back
    CORRECTION = "correction"


class Financier(SyncedRow):
    """A firm that finances phones."""

    __tablename__ = "financier"
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, since=3)

    name: Mapped[str] = mapped_column(String(100))
    agreement: Mapped[str | None] = mapped_column(String(100))  # our number with them
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]


class FinancierEntry(SyncedRow):
    """One line of a financier's account, by IMEI."""

    __tablename__ = "financier_entry"
    __table_args__ = (
        *refs("financier_id:financier"),
        one_of("kind", FinancierEntryKind),
        look_up("financier_entry", "financier_id", "at"),
        look_up("financier_entry", "sale_id"),
        look_up("financier_entry", "imei"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    financier_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[MinorUnits]  # + they owe us
    sale_id: Mapped[Id | None]
    imei: Mapped[str | None] = mapped_column(String(60))
    money_id: Mapped[Id | None]
    reference: Mapped[str | None] = mapped_column(String(60))  # their number of the contract
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]
