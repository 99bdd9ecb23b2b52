"""Notices and messages. Each home makes its own from the books it holds; nothing here travels.

Invariants:
  * A notice has a key that names its cause: the same cause makes one notice, however often it is looked for.
  * A message that goes out waits in `outgoing_message` until its provider took it; it is written once for its cause.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import HomeRow, Id, UtcTime, look_up, one_of


class Channel(StrEnum):
    IN_APP = "in_app"
    SMS = "sms"
    MAIL = "mail"
    PUSH = "push"


class MessageState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Notice(HomeRow):
    """Something people of a shop, or one person, should know."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("tenant_id", "key"), look_up("notice", "at", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)
    key: Mapped[str] = mapped_column(String(200))  # names the cause
    kind: Mapped[str] = mapped_column(String(40))  # see kinds.py
    shop_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]  # for one person alone
    roles: Mapped[str] = mapped_column(String(100))  # for everybody of these roles, by comma; empty for nobody else
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    link: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[UtcTime]
    over_at: Mapped[UtcTime | None]  # its cause is gone


class NoticeRead(HomeRow):
    """A person has read a notice."""

    __tablename__ = "notice_read"

    notice_id: Mapped[Id] = mapped_column(primary_key=True)
    staff_id: Mapped[Id] = mapped_column(primary_key=True)
    read_at: Mapped[UtcTime]


class OutgoingMessage(HomeRow):
    """A message that waits for its provider, or went."""

    __tablename__ = "outgoing_message"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("state", MessageState),
        UniqueConstraint("tenant_id", "key"),
        look_up("outgoing_message", "state", "due_at"),
        look_up("outgoing_message", "created_at", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True, sort_order=-1)
    key: Mapped[str] = mapped_column(String(200))
    channel: Mapped[str] = mapped_column(String(20))
    shop_id: Mapped[Id | None]
    staff_id: Mapped[Id | None]
    customer_id: Mapped[Id | None]  # whom it is for: the number or address is looked up when it is sent
    subject: Mapped[str | None] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int]
    due_at: Mapped[UtcTime]
    created_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]
    fault: Mapped[str | None] = mapped_column(String(300))


class JobRun(HomeRow):
    """The last run of a job that repeats, and how it ended."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    started_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]
    failed: Mapped[str | None] = mapped_column(String(300))
    did: Mapped[int]  # how many things
