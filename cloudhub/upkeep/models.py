"""What the hub's own jobs came to, kept for the doctor."""

from __future__ import annotations

from sqlalchemy import Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cloudhub.base import HubBase
from shopnode.domain.db import Id, UtcTime

WORDS_MAX = 400


class HubJobRun(HubBase):
    """One run of one of the hub's jobs. While it runs, or if it was killed, `ended_at` is empty.

    It says what happened in words an operator can act on, and names no row of any business.
    """

    __tablename__ = "hub_job_run"
    __table_args__ = (Index("ix_hub_job_run_job_began_at", "job", "began_at"),)
    gate = "SELECT, INSERT, UPDATE, DELETE"

    id: Mapped[Id] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(40))
    began_at: Mapped[UtcTime]
    ended_at: Mapped[UtcTime | None]
    ok: Mapped[bool | None] = mapped_column(Boolean)
    words: Mapped[str | None] = mapped_column(String(WORDS_MAX))
