"""Reading how the jobs of this home went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.homes import Where
from shopnode.domain.jobs.registry import JOBS
from shopnode.domain.notices.models import JobRun


@dataclass(frozen=True)
class JobView:
    """A job, and its last run as it was written down; a job of every minute is written now and then."""

    name: str
    says: str
    every_s: int | None
    started_at: datetime | None
    ended_at: datetime | None
    failed: str | None
    did: int | None


def list_jobs(ctx: Context) -> list[JobView]:
    """The jobs of this home, in their order."""
    runs = {row.name: row for row in ctx.session.scalars(select(JobRun))}
    found = []
    for job in JOBS:
        if ctx.home.is_shop or job.where is Where.ANYWHERE:
            ran = runs.get(job.name)
            last = (ran.started_at, ran.ended_at, ran.failed, ran.did) if ran else (None, None, None, None)
            found.append(JobView(job.name, job.says, job.every_s, *last))
    return found
