"""Running what is due, one job after the other.

Invariants:
  * One runner works for a home at a time: a node's folder is locked by its process, and a runner that is asked while
    it works answers that nothing was done.
  * A job that fails stops no other. It is tried again after an hour, or at its next turn where that is sooner.
  * A night that was slept through is made up for once: most shops are switched off at night.
  * A job that runs every minute writes only when it did something, when its luck changed, or now and then.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import ShopError
from shopnode.domain.homes import Home, Where
from shopnode.domain.jobs.registry import JOBS, Job, Work
from shopnode.domain.notices.models import JobRun
from shopnode.domain.notices.store import insert_new
from shopnode.domain.people.models import Shop

NIGHTLY_HOUR = 2  # in the shop's zone
RETRY = timedelta(hours=1)
WRITTEN_EVERY = timedelta(minutes=30)
FAILED_MAX = 300

log = logging.getLogger("shopnode.jobs")


@dataclass(frozen=True)
class Ran:
    """How a job went last."""

    began_at: datetime
    ended_at: datetime | None
    failed: str | None
    did: int


class JobRunner:
    """Does the jobs of one home."""

    def __init__(self, home: Home, jobs: Sequence[Job] | None = None):
        wanted = JOBS if jobs is None else jobs
        self.home = home
        self.jobs = [job for job in wanted if home.is_shop or job.where is Where.ANYWHERE]
        self._lock = threading.Lock()
        self._last: dict[str, Ran] | None = None
        self._written: dict[str, datetime] = {}

    def run_due(self, *, sends: bool = False, troubles: Sequence[str] = ()) -> list[str]:
        """Do what is due now; the names of what was done. Nothing while another thread is at it."""
        if not self._lock.acquire(blocking=False):
            return []
        try:
            done = []
            for job in self.jobs:
                if self._is_due(job):
                    self._run(job, Work(self.home, sends, (*troubles, *self.failures())))
                    done.append(job.name)
            return done
        finally:
            self._lock.release()

    def last(self) -> dict[str, Ran]:
        """How each job went last, also before this start."""
        if self._last is None:
            with self.home.reading() as session:
                self._last = {
                    row.name: Ran(row.started_at, row.ended_at, row.failed, row.did)
                    for row in session.scalars(select(JobRun))
                }
            self._written = {name: ran.began_at for name, ran in self._last.items()}
        return dict(self._last)

    def failures(self) -> list[str]:
        """Which jobs failed last time, in words."""
        last = self.last()
        says = {job.name: job.says for job in self.jobs}
        return [
            f"A job failed: {says[name][0].lower()}{says[name][1:]} ({ran.failed})"
            for name, ran in sorted(last.items())
            if ran.failed and name in says
        ]

    def _is_due(self, job: Job) -> bool:
        now, ran = self._now(), self.last().get(job.name)
        if ran is None or ran.began_at > now:  # never, or by a clock that was wrong
            return True
        wait = RETRY if ran.failed or ran.ended_at is None else None
        if job.every_s is not None:
            every = timedelta(seconds=job.every_s)
            return now - ran.began_at >= (every if wait is None else min(every, wait))
        if wait is not None:
            return now - ran.began_at >= wait
        return ran.began_at < last_night(now, self._zone())

    def _run(self, job: Job, work: Work) -> None:
        """Do a job and write down how it went. It never raises for what the job does."""
        began_at = self._now()
        if job.every_s is None:
            self._write(job, Ran(began_at, None, None, 0))  # a job that takes the process with it is tried later
        try:
            did, failed = job.run(work), None
        except ShopError as refusal:
            did, failed = 0, str(refusal)
        except Exception as fault:  # what it says may repeat values
            log.exception("a job failed", extra={"kind": job.name})
            did, failed = 0, f"{type(fault).__name__}; the log says where"
        before = self.last().get(job.name)
        ran = Ran(began_at, self._now(), failed, did)
        assert self._last is not None
        self._last[job.name] = ran
        is_news = before is None or did or (before.failed is None) != (failed is None) or job.every_s is None
        if is_news or began_at - self._written[job.name] >= WRITTEN_EVERY:
            self._write(job, ran)

    def _write(self, job: Job, ran: Ran) -> None:
        failed = ran.failed[:FAILED_MAX] if ran.failed else None
        values = {"started_at": ran.began_at, "ended_at": ran.ended_at, "failed": failed, "did": ran.did}
        with self.home.writing() as session:
            if not insert_new(session, JobRun, [{"name": job.name, **values}], ("name",)):
                row = session.scalars(select(JobRun).where(JobRun.name == job.name)).one()
                for name, value in values.items():
                    setattr(row, name, value)
        self.last()[job.name] = ran
        self._written[job.name] = ran.began_at

    def _zone(self) -> ZoneInfo:
        query = select(Shop.timezone).order_by(Shop.id).limit(1)
        if self.home.shop_id is not None:
            query = query.where(Shop.id == self.home.shop_id)
        with self.home.reading() as session:
            return ZoneInfo(session.scalar(query) or "UTC")

    def _now(self) -> datetime:
        return to_datetime(self.home.clock.wall_ms())


def last_night(now: datetime, zone: ZoneInfo, hour: int = NIGHTLY_HOUR) -> datetime:
    """When the nightly hour was last reached in that zone."""
    here = now.astimezone(zone)
    night = here.replace(hour=hour, minute=0, second=0, microsecond=0)
    return night if night <= here else night - timedelta(days=1)
