"""The hub's own jobs: once a night, made up for, tried again, and told to whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudhub import doctor
from cloudhub import jobs as jobs_module
from cloudhub.doctor import check_hub
from cloudhub.every_business import BusinessFailed
from cloudhub.home import HubHome
from cloudhub.hub import Hub
from cloudhub.jobs import JOBS, Job, Scheduler, last_night, last_runs
from cloudhub.jobs_of_businesses import work_for_businesses
from cloudhub.merge import floor
from cloudhub.merge.rebuild import rebuild_tenant
from cloudhub.tenancy.logins import sign_in
from cloudhub.upkeep.backup import backups_in, prefix_of
from shopnode.domain.errors import Conflict, ShopError
from shopnode.domain.permissions import Role
from tests.domain.till import open_till
from tests.hub.test_backup import as_keeper, durable
from tests.hub.world import PASSWORD, Node, World

HOUR_MS = 3_600_000
NIGHTLY = [job.name for job in JOBS if job.every_s is None]


@pytest.fixture
def keeper(world: World, tmp_path: Path) -> Iterator[Hub]:
    made = as_keeper(world, tmp_path, backup_folder=tmp_path / "elsewhere")
    yield made
    made.close()


def nightly(hub: Hub) -> list[str]:
    return [name for name in Scheduler(hub).run_due() if name in NIGHTLY]


@pytest.mark.parametrize(
    ("now", "night"),
    [("2026-11-22T00:00:00", "2026-11-21T01:00:00"), ("2026-11-22T01:00:00", "2026-11-22T01:00:00")],
)
def test_the_night_begins_at_its_hour(now: str, night: str) -> None:
    read = datetime.fromisoformat
    assert last_night(read(now).replace(tzinfo=UTC), 1) == read(night).replace(tzinfo=UTC)


def test_every_job_runs_once_a_night_and_a_night_slept_through_is_made_up_for(world: World, keeper: Hub) -> None:
    assert nightly(keeper) == []  # made today
    world.clock.advance(26 * HOUR_MS)
    assert nightly(keeper) == NIGHTLY
    assert nightly(keeper) == []
    world.clock.advance(24 * 3 * HOUR_MS)
    assert nightly(keeper) == NIGHTLY
    assert nightly(keeper) == []


def test_the_nightly_backup_makes_entries_durable(world: World, node: Node, keeper: Hub, tmp_path: Path) -> None:
    open_till(node).sell(role=Role.OWNER)
    node.sync()
    world.clock.advance(26 * HOUR_MS)

    nightly(keeper)

    assert all(head == safe for head, safe in durable(world).values())
    assert len(backups_in(tmp_path / "elsewhere", prefix_of(keeper))) == 1
    seen = check_hub(keeper)
    assert (seen.findings, seen.not_durable) == ([], 0)
    assert any("restored and counted" in note for note in seen.notes)


def test_without_a_folder_there_is_no_backup_and_the_doctor_says_so(world: World) -> None:
    world.clock.advance(26 * HOUR_MS)
    assert nightly(world.hub) == [name for name in NIGHTLY if name != "backup"]
    seen = check_hub(world.hub)
    assert seen.ok
    assert seen.not_durable > 0
    assert any("No nightly backup is set up" in note for note in seen.notes)


def test_a_job_that_fails_stops_no_other_is_tried_again_and_is_told(
    world: World, keeper: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(hub: Hub) -> str:
        tries.append(1)
        raise Conflict("The disk is not there.")

    def crash(hub: Hub) -> str:
        raise ZeroDivisionError("with somebody's telephone number in it")

    def work(hub: Hub) -> str:
        return "done"

    planned = (Job("backup", fail), Job("rebuild", crash), Job("clear", work))
    monkeypatch.setattr(jobs_module, "JOBS", planned)
    scheduler = Scheduler(keeper, planned)
    world.clock.advance(26 * HOUR_MS)

    assert scheduler.run_due() == ["backup", "rebuild", "clear"]
    assert scheduler.run_due() == []
    world.clock.advance(HOUR_MS)
    assert scheduler.run_due() == ["backup", "rebuild"]

    assert len(tries) == 2
    assert {run.job: (run.ok, run.words) for run in last_runs(keeper)} == {
        "backup": (False, "The disk is not there."),
        "rebuild": (False, "failed (ZeroDivisionError); the log says where"),
        "clear": (True, "done"),
    }
    assert {finding.check for finding in check_hub(keeper).findings} == {"backup", "rebuild"}


def test_books_that_differ_are_found_in_the_night(world: World, node: Node, keeper: Hub) -> None:
    open_till(node).sell(role=Role.OWNER)
    node.sync()
    with world.server.superuser(world.database) as connection:
        connection.execute("SET app.bulk = 'on'")
        connection.execute("UPDATE product SET cost_minor = 1")
    world.clock.advance(26 * HOUR_MS)

    nightly(keeper)

    (found,) = check_hub(keeper).findings
    assert found.check == "rebuild"
    assert "cloudhub rebuild" in found.words


def test_a_backup_that_is_days_old_is_told(world: World, keeper: Hub) -> None:
    world.clock.advance(26 * HOUR_MS)
    nightly(keeper)
    assert check_hub(keeper).ok
    world.clock.advance(51 * HOUR_MS)
    assert [finding.check for finding in check_hub(keeper).findings] == ["backup"]


def test_a_run_that_was_cut_off_is_made_up_for(world: World, keeper: Hub) -> None:
    world.clock.advance(26 * HOUR_MS)

    def killed(hub: Hub) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Scheduler(keeper, (Job("clear", killed),)).run_due()
    assert "clear" not in nightly(keeper)  # it may still be at work
    world.clock.advance(HOUR_MS)
    assert nightly(keeper) == ["clear"]


def test_what_runs_every_few_minutes_is_written_down_when_it_changes(world: World, keeper: Hub) -> None:
    answers = iter([True, True, False, False, True])

    def look(hub: Hub) -> str:
        if not next(answers):
            raise Conflict("away")
        return "there"

    scheduler = Scheduler(keeper, (Job("mark", look, every_s=300),))
    for _ in range(5):
        assert scheduler.run_due() == ["mark"]
        assert scheduler.run_due() == []
        world.clock.advance(300_000)
    with keeper.database.gate() as session:
        found = [run.ok for run in session.query(jobs_module.HubJobRun).order_by("began_at")]
    assert found == [False, True]


def test_sign_ins_are_forgotten_a_month_after_their_end(world: World) -> None:
    sign_in(world.hub, "sarah@kisura.example", PASSWORD)
    world.clock.advance(26 * HOUR_MS)
    nightly(world.hub)
    assert world.count("portal_session") == 1
    world.clock.advance(24 * 400 * HOUR_MS)
    nightly(world.hub)
    assert world.count("portal_session") == 0


def test_a_shop_that_is_silent_for_days_is_noted(world: World, node: Node) -> None:
    assert not any("last heard" in note for note in check_hub(world.hub).notes)
    world.clock.advance(24 * 5 * HOUR_MS)
    seen = check_hub(world.hub)
    assert seen.ok
    assert any(note == "KLA1 in shop KLA was last heard 5 days ago." for note in seen.notes)


def test_what_is_derived_wrongly_is_found(world: World, node: Node) -> None:
    open_till(node).sell(role=Role.OWNER)
    node.sync()
    assert check_hub(world.hub).findings == []
    with world.server.superuser(world.database) as connection:
        connection.execute("UPDATE sale_summary SET total_minor = total_minor + 1")
        connection.execute("SET app.bulk = 'on'")
        connection.execute("UPDATE product SET merged_into = id WHERE name = 'Oraimo charger'")
    found = check_hub(world.hub).findings
    assert {finding.check for finding in found} == {"derived"}
    assert {finding.words.split()[0] for finding in found} >= {"sale_summary", "product"}


def test_one_business_that_fails_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In whatever job: each asks every business, does what it can, and names those that it could not do."""
    broken, well = world.kisura.tenant_id, world.mallory.tenant_id
    asked: dict[str, list[str]] = {}

    def breaks(name: str, real: Any) -> Any:
        def tried(hub: Hub, tenant_id: str, *more: Any) -> Any:
            asked.setdefault(name, []).append(tenant_id)
            if tenant_id == broken:
                raise ZeroDivisionError
            return real(hub, tenant_id, *more)

        return tried

    monkeypatch.setattr(jobs_module, "rebuild_tenant", breaks("rebuild", rebuild_tenant))
    monkeypatch.setattr(floor, "_prune", breaks("floor", floor._prune))
    monkeypatch.setattr(doctor, "wrong_derived", breaks("doctor", doctor.wrong_derived))
    for job in (jobs_module.check_rebuild, floor.prune_log):
        with pytest.raises(ShopError, match=broken) as told:
            job(world.hub)
        assert well not in str(told.value)
    assert [(each.check, each.tenant) for each in check_hub(world.hub).findings] == [("doctor", broken)]
    assert all({broken, well} <= set(tenants) for tenants in asked.values())
    assert asked.keys() == {"rebuild", "floor", "doctor"}


def test_one_business_whose_home_is_broken_keeps_no_other_from_its_jobs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken, worked = world.hub.home, world.kisura.tenant_id, []

    def home(tenant_id: str) -> HubHome:
        if tenant_id == broken:
            raise ZeroDivisionError
        worked.append(tenant_id)
        return real(tenant_id)

    monkeypatch.setattr(world.hub, "home", home)
    with pytest.raises(BusinessFailed, match=broken):
        work_for_businesses(world.hub)
    assert world.mallory.tenant_id in worked
