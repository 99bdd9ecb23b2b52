"""What the hub does by itself while it serves: every night, and every few minutes.

A job is a function of the hub that answers what it came to in words, or raises. Whoever has another one adds it to
`JOBS`. Each run is kept in `hub_job_run` and shown by `cloudhub doctor`; of those that run every few minutes only what
changed is.

Invariants:
  * One job runs at a time, in one thread. A job that fails stops no other and is tried again after an hour; nor does
    one business in which it fails stop it for the others.
  * A night that was slept through is made up for: a job is due once after each nightly hour.
  * Time comes from the hub's clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from cloudhub.every_business import BusinessFailed, for_every_business
from cloudhub.hub import Hub
from cloudhub.jobs_of_businesses import work_for_businesses
from cloudhub.merge.floor import prune_log
from cloudhub.merge.lives import MARK_EVERY_S, keep_mark
from cloudhub.merge.rebuild import rebuild_tenant
from cloudhub.tenancy.models import HubIdentity, PortalSession
from cloudhub.upkeep.backup import make_backup
from cloudhub.upkeep.models import WORDS_MAX, HubJobRun
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import ShopError

TICK_S = 60
RETRY = timedelta(hours=1)
SESSIONS_KEPT = timedelta(days=30)  # after their end
RUNS_KEPT = timedelta(days=400)

log = logging.getLogger("cloudhub.jobs")


class FoundWrong(ShopError):
    """A job did its work, and what it looked at is not as it should be."""

    code = "found-wrong"


@dataclass(frozen=True)
class Job:
    """Something to do at night, or every so many seconds."""

    name: str
    run: Callable[[Hub], str]
    every_s: int | None = None  # None: nightly
    is_on: Callable[[Hub], bool] = lambda hub: True


@dataclass(frozen=True)
class LastRun:
    """How a job went last."""

    job: str
    began_at: datetime
    ended_at: datetime | None
    ok: bool | None
    words: str | None


def back_up(hub: Hub) -> str:
    """The nightly backup; entries are durable by it."""
    assert hub.settings.backup_folder is not None
    made = make_backup(hub, hub.settings.backup_folder)
    return f"{made.path.name}: {made.entries} entries, {made.size >> 20} MiB, restored and counted"


def check_rebuild(hub: Hub) -> str:
    """Make all books again and compare. Raises FoundWrong."""
    done, failed = for_every_business(hub, partial(rebuild_tenant, hub))
    wrong = sum(each.wrong for each in done)
    told = []
    if wrong:
        where = ", ".join(each.tenant_id for each in done if each.wrong)
        told.append(f"{wrong} rows are not what was received makes of them (business {where}): cloudhub rebuild")
    if failed:
        told.append(str(BusinessFailed(failed, "The check")))
    if told:
        raise FoundWrong(" ".join(told))
    return f"{sum(each.lines for each in done)} lines, {sum(each.rows for each in done)} rows, all as they should be"


def clear_up(hub: Hub) -> str:
    """Forget sign-ins that ended long ago, and what jobs came to more than a year ago."""
    now = to_datetime(hub.clock.wall_ms())
    past = now - SESSIONS_KEPT

    def forget(tenant_id: str) -> int:
        with hub.database.session(tenant_id) as session:
            ended = or_(PortalSession.ended_at < past, PortalSession.expires_at < past)
            gone = session.scalars(delete(PortalSession).where(ended).returning(PortalSession.login_id))
            return len(gone.all())

    counts, failed = for_every_business(hub, forget)
    with hub.database.gate() as session:
        session.execute(delete(HubJobRun).where(HubJobRun.began_at < now - RUNS_KEPT))
    if failed:
        raise BusinessFailed(failed, "Forgetting old sign-ins")
    return f"{sum(counts)} ended sign-ins forgotten"


def move_mark(hub: Hub) -> str:
    """The mark beside the database, by which a silent restore is noticed."""
    keep_mark(hub)
    return "moved on"


JOBS = (
    Job("mark", move_mark, every_s=MARK_EVERY_S),
    Job("businesses", work_for_businesses, every_s=60),
    Job("backup", back_up, is_on=lambda hub: hub.settings.backup_folder is not None),
    Job("rebuild", check_rebuild),
    Job("clear", clear_up),
    Job("floor", prune_log),
)


class Scheduler:
    """Does what is due, one job after the other."""

    def __init__(self, hub: Hub, jobs: Sequence[Job] = JOBS):
        self.hub = hub
        self.jobs = jobs
        self._began_ms: dict[str, int] = {}  # by the monotonic clock

    def run_due(self) -> list[str]:
        """Do what is due now; the names of what was done."""
        done = []
        for job in self.jobs:
            if job.is_on(self.hub) and self._is_due(job):
                self._run(job)
                done.append(job.name)
        return done

    def keep_working(self, stop: threading.Event) -> None:
        """The thread of `cloudhub serve`: look every minute for what is due, until told to stop."""
        while not stop.wait(TICK_S):
            try:
                self.run_due()
            except Exception:  # the database may be away; the next minute will tell
                log.exception("the jobs could not be looked at")

    def _is_due(self, job: Job) -> bool:
        if job.every_s is not None:
            began_ms = self._began_ms.get(job.name)
            return began_ms is None or self.hub.clock.mono_ms() - began_ms >= job.every_s * 1000
        now = self._now()
        night = last_night(now, self.hub.settings.nightly_hour)
        with self.hub.database.gate() as session:
            runs = select(HubJobRun.began_at, HubJobRun.ok).where(
                HubJobRun.job == job.name, HubJobRun.began_at >= night
            )
            found = session.execute(runs.where(HubJobRun.began_at >= night).order_by(HubJobRun.began_at.desc())).all()
            made_at = session.scalars(select(HubIdentity.made_at)).one()
        if found:
            return not any(row.ok for row in found) and found[0].began_at + RETRY <= now
        return bool(made_at < night)  # a hub that was made today has nothing to make up for

    def _run(self, job: Job) -> None:
        """Do a job and write down what it came to. It never raises for what the job does."""
        self._began_ms[job.name] = self.hub.clock.mono_ms()
        run_id = self._begin(job) if job.every_s is None else None
        try:
            ok, words = True, job.run(self.hub)
        except ShopError as refusal:
            ok, words = False, str(refusal)
        except Exception as fault:  # a job must not take the others with it; what it says may repeat values
            log.exception("a job failed", extra={"kind": job.name})
            ok, words = False, f"failed ({type(fault).__name__}); the log says where"
        self._end(job, run_id, ok, words)

    def _begin(self, job: Job) -> str:
        run_id = self.hub.new_id()
        with self.hub.database.gate() as session:
            session.add(HubJobRun(id=run_id, job=job.name, began_at=self._now()))
        return run_id

    def _end(self, job: Job, run_id: str | None, ok: bool, words: str) -> None:
        with self.hub.database.gate() as session:
            run = session.get(HubJobRun, run_id) if run_id else None
            if run is None:
                last = _last(session, job.name)
                if run_id is None and (last.ok if last else True) == ok:
                    return
                run = HubJobRun(id=self.hub.new_id(), job=job.name, began_at=self._now())
                session.add(run)
            run.ended_at, run.ok, run.words = self._now(), ok, words[:WORDS_MAX]
        if run_id is not None or not ok:
            log.info("a job is done", extra={"kind": job.name, "status": "ok" if ok else "failed"})

    def _now(self) -> datetime:
        return to_datetime(self.hub.clock.wall_ms())


def last_night(now: datetime, hour: int) -> datetime:
    """When the nightly hour was last reached."""
    night = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)


def last_runs(hub: Hub) -> Iterator[LastRun]:
    """How each job that is on went last; none of those that never ran."""
    with hub.database.gate() as session:
        for job in JOBS:
            run = _last(session, job.name) if job.is_on(hub) else None
            if run is not None:
                yield LastRun(job.name, run.began_at, run.ended_at, run.ok, run.words)


def _last(session: Session, name: str) -> HubJobRun | None:
    runs = select(HubJobRun).where(HubJobRun.job == name).order_by(HubJobRun.began_at.desc(), HubJobRun.id.desc())
    return session.scalars(runs.limit(1)).first()
