"""Attendance: coming, going, and corrections that a second person approves."""

from __future__ import annotations

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, LocalDate, Stream, Sync, SyncedRow, UtcTime, look_up, refs


class Attendance(SyncedRow):
    """One stretch of work of a person in a shop, from coming to going."""

    __tablename__ = "attendance"
    __table_args__ = (look_up("attendance", "staff_id", "came_at"), look_up("attendance", "came_at", "id"))
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    staff_id: Mapped[Id]
    business_on: Mapped[LocalDate]
    came_at: Mapped[UtcTime]
    went_at: Mapped[UtcTime | None]
    is_corrected: Mapped[bool] = mapped_column(Boolean)


class AttendanceCorrection(SyncedRow):
    """Somebody says that a stretch was otherwise, or was forgotten. It holds once another person accepted it."""

    __tablename__ = "attendance_correction"
    __table_args__ = (*refs("staff_id:staff"), look_up("attendance_correction", "asked_at", "id"))
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    staff_id: Mapped[Id]
    attendance_id: Mapped[Id | None]  # None: nothing was clocked
    came_at: Mapped[UtcTime]
    went_at: Mapped[UtcTime | None]
    reason: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[UtcTime]
    asked_by: Mapped[Id | None]
    decided_at: Mapped[UtcTime | None]
    decided_by: Mapped[Id | None]
    outcome: Mapped[str | None] = mapped_column(String(20))  # accepted or refused
