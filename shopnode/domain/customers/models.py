"""Customers. Every field that names a person enters the journal as a salted hash, so that it can be erased."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, Kind, Stream, Sync, SyncedRow, UtcTime, look_up, look_up_few


class Customer(SyncedRow):
    """A person or firm that buys. The phone number is the key people use; two shops may both have typed it."""

    __tablename__ = "customer"
    __table_args__ = (look_up("customer", "phone"), look_up("customer", "name"), look_up_few("customer", "merged_into"))
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.TENANT,
        personal=frozenset({"name", "phone", "email", "address", "notes"}),
        derived=frozenset({"merged_into"}),
    )

    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    email: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None]
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]
    merged_into: Mapped[Id | None]  # the customer this one is a duplicate of, see aliases
