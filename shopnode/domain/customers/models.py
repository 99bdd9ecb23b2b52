"""Customers. Every field that names a person enters the journal as a salted hash, so that it can be erased."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    Id,
    Kind,
    LocalDate,
    MinorUnits,
    Rule,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    look_up_few,
)


class Customer(SyncedRow):
    """A person or firm that buys. The phone number is the key people use; two shops may both have typed it."""

    __tablename__ = "customer"
    __table_args__ = (
        look_up("customer", "phone"),
        look_up("customer", "name"),
        look_up("customer", "lower(name)", "id"),
        look_up("customer", "created_at", "id"),
        look_up_few("customer", "merged_into"),
    )
    __sync__ = Sync(
        Kind.REGISTER,
        Stream.TENANT,
        personal=frozenset({"name", "phone", "email", "address", "notes", "id_number", "date_of_birth", "gender"}),
        rules={"credit_limit_minor": Rule.OWNER_WINS, "credit_days": Rule.OWNER_WINS},
        watched=frozenset({"credit_limit_minor"}),
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
    id_number: Mapped[str | None] = mapped_column(String(60), info={"since": 3})
    date_of_birth: Mapped[LocalDate | None] = mapped_column(info={"since": 3})
    gender: Mapped[str | None] = mapped_column(String(20), info={"since": 3})
    price_list_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # None buys at retail
    credit_limit_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})  # None: no credit
    credit_days: Mapped[int | None] = mapped_column(info={"since": 3})  # until a charge is due; the setting's if None
    may_message_at: Mapped[UtcTime | None] = mapped_column(info={"since": 3})  # agreed to messages; None: did not
    erased_at: Mapped[UtcTime | None] = mapped_column(info={"since": 3})  # asked to be forgotten
    merged_into: Mapped[Id | None]  # the customer this one is a duplicate of, see aliases
