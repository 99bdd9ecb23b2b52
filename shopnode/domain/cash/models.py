"""A drawer session: from the float that was counted in to the count that closes it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, LocalDate, MinorUnits, Stream, Sync, SyncedRow, UtcTime, look_up


class DrawerSession(SyncedRow):
    """One till's drawer, open from `opened_at` until `closed_at`. Its business day never changes."""

    __tablename__ = "drawer_session"
    __table_args__ = (
        CheckConstraint("opening_float_minor >= 0", name="float_not_negative"),
        look_up("drawer_session", "closed_at"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP)

    shop_id: Mapped[Id]
    opened_by: Mapped[Id | None]
    opened_at: Mapped[UtcTime]
    opening_float_minor: Mapped[MinorUnits]
    business_on: Mapped[LocalDate]
    closed_at: Mapped[UtcTime | None]
    closed_by: Mapped[Id | None]
    counted_minor: Mapped[MinorUnits | None]
    expected_minor: Mapped[MinorUnits | None]  # what the events said when it was counted
    notes: Mapped[str | None] = mapped_column(Text)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
