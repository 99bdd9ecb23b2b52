"""Jobs: each at its turn, once; made up for after a night slept through; tried again; one runner at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from shopnode.domain.errors import Conflict
from shopnode.domain.expenses.models import Expense
from shopnode.domain.homes import Where
from shopnode.domain.jobs import daily  # noqa: F401 — they register themselves
from shopnode.domain.jobs.registry import JOBS, Job, Work, job
from shopnode.domain.jobs.running import JobRunner, last_night
from shopnode.domain.notices.models import JobRun, Notice
from tests.domain.test_expense_planning import RENT
from tests.domain.test_expenses import ask
from tests.shop import Shop

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
KAMPALA = ZoneInfo("Africa/Kampala")


class Counted:
    """A job that counts its runs, and fails when told to."""

    def __init__(self, name: str = "counted", every_s: int | None = None, where: Where = Where.ANYWHERE):
        self.runs, self.fails = 0, False
        self.job = Job(name, "Counts its runs", self.run, every_s, where)

    def run(self, work: Work) -> int:
        self.runs += 1
        if self.fails:
            raise Conflict("It cannot be counted.")
        return self.runs


def run_after(shop: Shop, runner: JobRunner, ms: int) -> list[str]:
    shop.clock.advance(ms)
    return runner.run_due()


def test_a_job_runs_once_every_so_often(anywhere: Shop) -> None:
    one = Counted(every_s=60)
    runner = JobRunner(anywhere.home, [one.job])
    assert (runner.run_due(), runner.run_due()) == (["counted"], [])
    assert run_after(anywhere, runner, MINUTE_MS - 1) == []
    assert run_after(anywhere, runner, 1) == ["counted"]
    (row,) = anywhere.rows(JobRun)
    assert (row.name, row.did, row.failed) == ("counted", 2, None)


def test_a_night_that_was_slept_through_is_made_up_for_once(anywhere: Shop) -> None:
    one = Counted()
    runner = JobRunner(anywhere.home, [one.job])
    runner.run_due()
    assert run_after(anywhere, runner, 8 * HOUR_MS) == []  # 01:14 in Kampala
    assert run_after(anywhere, runner, HOUR_MS) == ["counted"]
    assert run_after(anywhere, runner, HOUR_MS) == []
    assert run_after(anywhere, runner, 80 * HOUR_MS) == ["counted"]
    assert run_after(anywhere, runner, HOUR_MS) == []


def test_after_a_restart_it_is_known_what_was_done(anywhere: Shop) -> None:
    one = Counted()
    JobRunner(anywhere.home, [one.job]).run_due()
    again = JobRunner(anywhere.home, [one.job])
    assert (again.run_due(), again.last()["counted"].did) == ([], 1)


def test_a_job_that_fails_stops_no_other_and_is_tried_again(anywhere: Shop) -> None:
    bad, good = Counted("bad"), Counted("good")
    runner = JobRunner(anywhere.home, [bad.job, good.job])
    bad.fails = True
    assert runner.run_due() == ["bad", "good"]
    assert runner.failures() == ["A job failed: counts its runs (It cannot be counted.)"]
    assert run_after(anywhere, runner, HOUR_MS - 1) == []
    bad.fails = False
    assert run_after(anywhere, runner, 1) == ["bad"]
    assert runner.failures() == []


def test_a_job_that_was_cut_short_is_tried_again(shop: Shop) -> None:
    class PowerCut(BaseException):
        pass

    def cut(work: Work) -> int:
        raise PowerCut

    with pytest.raises(PowerCut):
        JobRunner(shop.home, [Job("counted", "Is cut short", cut)]).run_due()
    one = Counted()
    again = JobRunner(shop.home, [one.job])
    assert run_after(shop, again, HOUR_MS - 1) == []
    assert run_after(shop, again, 1) == ["counted"]


def test_a_clock_that_was_ahead_holds_no_job_back(shop: Shop) -> None:
    one = Counted(every_s=60)
    runner = JobRunner(shop.home, [one.job])
    shop.clock.advance(1_000 * HOUR_MS)
    runner.run_due()
    shop.clock.advance(-1_000 * HOUR_MS)
    assert runner.run_due() == ["counted"]


def test_only_one_runner_works_at_a_time(shop: Shop) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(work: Work) -> int:
        begun.set()
        return int(go_on.wait(10))

    runner = JobRunner(shop.home, [Job("slow", "Takes its time", slow)])
    thread = threading.Thread(target=runner.run_due)
    thread.start()
    assert begun.wait(10)
    assert runner.run_due() == []
    go_on.set()
    thread.join(10)
    assert runner.last()["slow"].did == 1


def test_a_job_of_every_minute_writes_only_now_and_then(shop: Shop) -> None:
    quiet = Job("quiet", "Finds nothing", lambda work: 0, 60)
    runner = JobRunner(shop.home, [quiet])
    written = set()
    for _ in range(65):
        run_after(shop, runner, MINUTE_MS)
        written.add(shop.rows(JobRun)[0].started_at)
    assert len(written) == 3


def test_two_jobs_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two jobs are named notices"):
        job("notices", "Again")(lambda work: 0)


def test_every_job_says_what_it_does() -> None:
    assert all(one.says and one.run.__doc__ for one in JOBS)


def test_what_belongs_to_shops_is_not_done_at_the_hub(anywhere: Shop) -> None:
    names = {one.name for one in JobRunner(anywhere.home).jobs}
    assert ("recurring" in names) == anywhere.home.is_shop
    assert {"notices", "messages", "forget"} <= names


def test_the_first_evening_of_a_shop(shop: Shop) -> None:
    shop.do("expenses.add_recurring", {**RENT, "day_of_month": 21})
    ask(shop)
    runner = JobRunner(shop.home)
    assert set(runner.run_due()) == {one.name for one in JOBS}
    assert runner.failures() == []
    assert sorted(row.amount_minor for row in shop.rows(Expense)) == [12_000, 900_000]
    assert [row.title for row in shop.rows(Notice)] == ["Aisha asks for 12,000: Meals"]


@pytest.mark.parametrize(
    ("now", "night"),
    [("2026-11-22T01:59", "2026-11-21T02:00"), ("2026-11-22T02:00", "2026-11-22T02:00")],
)
def test_the_night_begins_at_its_hour_in_the_shops_zone(now: str, night: str) -> None:
    instant, begun = (datetime.fromisoformat(text).replace(tzinfo=KAMPALA) for text in (now, night))
    assert last_night(instant.astimezone(UTC), KAMPALA) == begun
