"""What one person may beside their role, and the other keys they have: codes, tokens of programs, links of a reset.

Invariants:
  * A choice about a person (`staff_choice`) is an owner's: a home where an owner made it sends it; the hub takes it
    from nobody else.
  * Secrets of a home stay there, hashed, or sealed where they must be read again.
"""

from __future__ import annotations

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
from shopnode.domain.db import HomeRow, Id, Kind, Rule, Stream, Sync, SyncedRow, UtcTime, look_up, refs


class StaffChoice(SyncedRow):
    """A permission given or taken, or a limit of one person. The id follows from person and key (`staff_choice_id`)."""

    __tablename__ = "staff_choice"
    __table_args__ = (*refs("staff_id:staff"), look_up("staff_choice", "staff_id"))
    __sync__ = Sync(
        Kind.REGISTER, Stream.TENANT, rules={"value": Rule.OWNER_WINS}, watched=frozenset({"value"}), since=3
    )

    staff_id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(60))  # a permission ("sales:void") or the name of a limit
    value: Mapped[str | None] = mapped_column(String(20))  # "yes", "no", a number; None: as the role says


def staff_choice_id(staff_id: str, key: str) -> str:
    return act_id("staff-choice", staff_id, key)


class StaffTotp(HomeRow):
    """The second proof of a person in this home (RFC 6238). It counts once it was confirmed by a code."""

    __tablename__ = "staff_totp"

    staff_id: Mapped[Id] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(Text)  # sealed
    confirmed_at: Mapped[UtcTime | None]
    last_step: Mapped[int]  # the half minute of the last code: a code is good once


class RecoveryCode(HomeRow):
    """One of the codes that stand in for a lost second proof. Good once."""

    __tablename__ = "recovery_code"

    staff_id: Mapped[Id] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    used_at: Mapped[UtcTime | None]


class ApiKey(HomeRow):
    """A key for a program that acts as a person, within its scopes."""

    __tablename__ = "api_key"
    __table_args__ = (look_up("api_key", "staff_id"), look_up("api_key", "key_hash"))

    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)
    key_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(100))
    staff_id: Mapped[Id]
    shop_id: Mapped[Id | None]
    scopes: Mapped[str] = mapped_column(Text)  # permissions, by comma
    created_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime | None]
    used_at: Mapped[UtcTime | None]
    revoked_at: Mapped[UtcTime | None]


class PasswordReset(HomeRow):
    """A link that was mailed to somebody who forgot their password. Good once, for an hour."""

    __tablename__ = "password_reset"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[Id]
    asked_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    used_at: Mapped[UtcTime | None]


class RememberedDevice(HomeRow):
    """A browser that its person asked to be remembered in: a password is not asked again before its time is over."""

    __tablename__ = "remembered_device"
    __table_args__ = (look_up("remembered_device", "staff_id"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[Id]
    name: Mapped[str | None] = mapped_column(String(200))
    is_trusted: Mapped[bool] = mapped_column(Boolean)  # the second proof is not asked here either
    made_at: Mapped[UtcTime]
    used_at: Mapped[UtcTime | None]
    expires_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]
