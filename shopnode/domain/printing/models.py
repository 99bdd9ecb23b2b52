"""Printers of this shop, and the jobs that wait for them. Local rows: another PC has other printers.

Invariants:
  * A job is `sending` from before its first byte until its outcome is known. Whoever finds one at start-up knows that
    paper may have come out.
  * `sent_at` is set with the first byte ever sent and never cleared: from then on every print of it says COPY.
  * A drawer job is sent at most once, and never after `expires_at`.
  * Jobs are never deleted: they are how we know which copy is next.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import Id, LocalRow, UtcTime, one_of


class Transport(StrEnum):
    """How bytes reach a printer."""

    TCP = "tcp"  # address "192.168.1.50:9100"
    DEVICE = "device"  # address "/dev/usb/lp0"


class CodePage(StrEnum):
    """Which characters a printer has. ASCII when nobody knows: everything is spelled or drawn."""

    CP1252 = "cp1252"
    CP858 = "cp858"
    ASCII = "ascii"


class JobKind(StrEnum):
    RECEIPT = "receipt"
    DRAWER = "drawer"
    TEST = "test"


class JobState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    PRINTED = "printed"
    FAILED = "failed"
    EXPIRED = "expired"


class Printer(LocalRow):
    """One receipt printer and what it can do."""

    __tablename__ = "printer"
    __table_args__ = (
        one_of("transport", Transport),
        one_of("code_page", CodePage),
        CheckConstraint("paper_mm IN (58, 80)", name="paper_known"),
        CheckConstraint("columns BETWEEN 24 AND 64", name="columns_fit"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    transport: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(120))
    paper_mm: Mapped[int]
    columns: Mapped[int]  # 32 on 58 mm; 48 or 42 on 80 mm
    code_page: Mapped[str] = mapped_column(String(10))
    is_default: Mapped[bool]
    kicks_drawer: Mapped[bool]
    cuts: Mapped[bool]
    asks_status: Mapped[bool]  # False for one-way print servers, whose jobs are never confirmed
    qr_as_image: Mapped[bool]  # for printers without a QR command
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]


class PrintJob(LocalRow):
    """Something for one printer to do: a receipt, a drawer kick, a test print."""

    __tablename__ = "print_job"
    __table_args__ = (
        one_of("kind", JobKind),
        one_of("state", JobState),
        Index("ix_print_job_state_printer_id", "state", "printer_id"),
        Index("ix_print_job_subject_id", "subject_id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    printer_id: Mapped[Id] = mapped_column(ForeignKey("printer.id"))
    kind: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[Id | None]  # the sale of a receipt, or what a slip is about
    copy_no: Mapped[int]  # 0 the original, then COPY 1, COPY 2 …
    payload: Mapped[str | None] = mapped_column(Text)  # of a slip or labels, see papers; None for a sale's receipt
    state: Mapped[str] = mapped_column(String(10))
    tries: Mapped[int]  # how often bytes were sent, or the printer was not ready
    next_try_at: Mapped[UtcTime]
    expires_at: Mapped[UtcTime]
    error: Mapped[str | None] = mapped_column(Text)  # a sentence for the cashier
    created_at: Mapped[UtcTime]
    sent_at: Mapped[UtcTime | None]
    printed_at: Mapped[UtcTime | None]
    is_confirmed: Mapped[bool | None]  # whether the printer said so itself
    asked_by: Mapped[Id | None]
