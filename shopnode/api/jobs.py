"""Jobs: what this home does by itself, and how it went last."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.jobs import daily  # noqa: F401 — they register themselves
from shopnode.domain.jobs.queries import list_jobs
from shopnode.domain.permissions import Permission


class JobOut(BaseModel):
    """A job, and its last run."""

    name: str
    says: str
    every_s: int | None = Field(description="Seconds between two runs; once a night where none.")
    started_at: Instant | None
    ended_at: Instant | None
    failed: str | None = Field(description="Why it failed, in words.")
    did: int | None = Field(description="How many things it did.")


class JobList(BaseModel):
    items: list[JobOut]


@route("GET", "/jobs", needs=Permission.JOBS_READ)
def get_jobs(call: Call) -> JobList:
    """Every job of this home, and how it went last."""
    return JobList(
        items=[
            JobOut(
                name=row.name, says=row.says, every_s=row.every_s, started_at=row.started_at, ended_at=row.ended_at,
                failed=row.failed, did=row.did,
            )
            for row in list_jobs(call.ctx)
        ]
    )  # fmt: skip
