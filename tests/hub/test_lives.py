"""Lives of the hub: what begins another one, and that nothing given in an earlier one is given again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudhub import home as home_module
from cloudhub import jobs_of_businesses
from cloudhub.jobs_of_businesses import work_for_businesses
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head
from cloudhub.merge.lives import GAP, begin_new_life, keep_mark
from shopnode.domain.actions import perform
from shopnode.domain.jobs.registry import Job, Work
from tests.hub.world import World
from tests.hub_server import copy_hub, put_back


def seq(world: World) -> int:
    return int(world.rows("SELECT seq FROM tenant_feed")[0][0])


def lives(world: World) -> list[str]:
    with world.hub.database.gate() as session:
        return [str(row[0]) for row in session.connection().exec_driver_sql("SELECT reason FROM hub_life")]


@pytest.fixture
def copied(world: World) -> World:
    """A world whose hub was backed up when it had one shop."""
    world.shop("KLA")
    world.folder.mkdir(exist_ok=True)
    keep_mark(world.hub)
    copy_hub(world.hub, f"{world.database}_backup")
    return world


def test_a_life_begins_with_another_epoch_above_all_numbers_and_another_portal_origin(world: World) -> None:
    world.shop("KLA")
    before, epoch, portal = seq(world), world.hub.identity.epoch, world.hub.home(world.tenant_id).origin_id

    told = begin_new_life(world.hub, "restored")

    assert told == world.hub.identity.epoch != epoch
    assert seq(world) >= before + GAP
    home = world.hub.home(world.tenant_id)
    assert home.origin_id != portal
    assert {row[0] for row in world.rows("SELECT id::text FROM origin")} >= {portal, home.origin_id}
    world.shop("JJA")
    assert world.rows("SELECT n, no FROM feed_line WHERE origin_id = :o", o=home.origin_id)[0][0] == 1


def test_two_lives_from_one_backup_share_no_number(copied: World) -> None:
    hub = copied.hub
    begin_new_life(hub, "restored")
    copied.shop("JJA")
    first = seq(copied)
    copied.clock.advance(60_000)

    put_back(hub, f"{copied.database}_backup")
    begin_new_life(hub, "restored")

    assert seq(copied) > first


def test_two_processes_begin_one_life_for_one_restore(world: World) -> None:
    other = world.server.open(world.database, world.folder)
    begin_new_life(world.hub, "page")
    begin_new_life(other, "page")

    assert other.identity.epoch == world.hub.identity.epoch
    assert lives(world) == ["page"]
    other.close()


def test_a_start_on_an_older_database_begins_a_life(copied: World) -> None:
    hub = copied.hub
    copied.clock.advance(1_000)
    keep_mark(hub)
    put_back(hub, f"{copied.database}_backup")

    keep_mark(hub)

    assert lives(copied) == ["mark"]
    keep_mark(hub)
    assert lives(copied) == ["mark"], "a life is begun once for each restore"


def test_a_restart_begins_none_and_neither_does_another_computer(copied: World, tmp_path: Path) -> None:
    keep_mark(copied.hub)
    (copied.hub.settings.data / "mark.json").unlink()
    keep_mark(copied.hub)

    assert lives(copied) == []


def test_a_mark_of_another_hub_says_nothing(copied: World) -> None:
    file = copied.hub.settings.data / "mark.json"
    file.write_text('{"hub": "somebody else", "mark": 9000000000000000}')

    keep_mark(copied.hub)

    assert lives(copied) == []


def test_a_spoilt_mark_is_written_anew(copied: World) -> None:
    file = copied.hub.settings.data / "mark.json"
    file.write_text("{")

    keep_mark(copied.hub)

    assert lives(copied) == []
    assert '"mark"' in file.read_text()


def test_a_restore_that_was_announced_begins_one_life(copied: World) -> None:
    copied.clock.advance(1_000)
    keep_mark(copied.hub)
    put_back(copied.hub, f"{copied.database}_backup")

    begin_new_life(copied.hub, "restored")
    keep_mark(copied.hub)

    assert lives(copied) == ["restored"]


def portal_acts(world: World, origin_id: str) -> int:
    return int(world.rows("SELECT head_n FROM origin WHERE id = :o", o=origin_id)[0][0])


def test_an_act_that_was_asked_for_before_a_life_began_belongs_to_that_life(world: World) -> None:
    owner, old = world.owner(), world.hub.home(world.tenant_id).origin_id
    before = portal_acts(world, old)
    begin_new_life(world.hub, "page")
    perform(owner, "settings.change", {"key": "used_id_photos", "value": 0})
    new = world.hub.home(world.tenant_id).origin_id
    assert (portal_acts(world, old), portal_acts(world, new)) == (before, 1)


def test_an_act_on_its_way_while_a_life_begins_is_done_again_in_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, old = world.owner(), world.hub.home(world.tenant_id).origin_id
    before, real, met = portal_acts(world, old), home_module.lock_head, []

    def lock_and_lose(books: Books, origin_id: str) -> Head:
        head = real(books, origin_id)
        if not met:
            met.append(begin_new_life(world.hub, "page"))
        return head

    monkeypatch.setattr(home_module, "lock_head", lock_and_lose)
    perform(owner, "settings.change", {"key": "used_id_photos", "value": 0})
    new = world.hub.home(world.tenant_id).origin_id
    assert (portal_acts(world, old), portal_acts(world, new)) == (before, 1)


def test_the_hubs_own_jobs_write_in_the_life_that_has_begun(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def writes(work: Work) -> int:
        with work.home.writing():
            written.append(work.home.origin_id)
        return 1

    monkeypatch.setattr("shopnode.domain.jobs.running.JOBS", [Job("writes", "Writes", writes, every_s=1)])
    monkeypatch.setattr(jobs_of_businesses, "_RUNNERS", {})
    work_for_businesses(world.hub)
    begin_new_life(world.hub, "page")
    world.clock.advance(60_000)
    work_for_businesses(world.hub)
    assert world.hub.home(world.tenant_id).origin_id in written
