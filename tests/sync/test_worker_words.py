"""What the worker says when the trouble is this computer's own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import cloudhub.merge.work
from cloudhub.hub import Hub
from cloudhub.merge.retry import retry_after_upgrade
from shopnode.domain.clock import to_datetime
from shopnode.machine.storage import DiskFull
from shopnode.sync.models import EntryVerdictRow
from shopnode.sync.verdicts import undecided
from sync_protocol.problems import InvalidEnvelope
from tests.domain.till import open_till
from tests.sync.chain_of_shops import Company, found_company


def test_a_full_disk_is_told_in_its_own_words_and_sending_goes_on_by_itself(
    hub: Hub, tmp_path: Path, monkeypatch, caplog
):
    company = found_company(hub, tmp_path, "Words")
    branch = company.open_branch("WRD")
    worker = branch.worker
    home = worker.home
    whole = home.writing

    @contextmanager
    def full():
        raise DiskFull
        yield

    monkeypatch.setattr(home, "writing", full)
    worker._try()
    assert worker.status().state == "offline"
    assert "disk is full" in worker.status().message
    assert "Traceback" not in caplog.text
    monkeypatch.setattr(home, "writing", whole)
    worker._try()
    assert worker.status().state == "ok"
    company.close()


def test_an_entry_that_the_hub_set_aside_is_told_until_it_is_taken(company: Company, hub: Hub, monkeypatch) -> None:
    branch = company.open_branch("KLA")
    till = open_till(branch.shop)
    branch.sync()

    def choke(*_: object) -> None:
        raise InvalidEnvelope("a fault of this version of the hub")

    with monkeypatch.context() as fault:
        fault.setattr(cloudhub.merge.work, "check_rows", choke)
        till.sell()
        branch.worker._try()
    status = branch.worker.status()
    assert (status.waiting, status.aside, status.state) == (0, 1, "ok")
    assert "1 entry reached the hub and could not be entered in the books there." in status.message
    assert retry_after_upgrade(hub, version="a later one") >= 1  # other tests share the hub
    branch.worker._try()
    status = branch.worker.status()
    assert (status.aside, status.message) == (0, "All sent")


def test_entries_that_wait_for_others_are_told_apart_from_those_set_aside(company: Company) -> None:
    branch = company.open_branch("KLA")
    branch.worker._try()
    now = branch.shop.home.clock.wall_ms()
    with branch.shop.home.writing() as session:
        for n, verdict in ((1, "held"), (2, "held"), (3, "quarantined"), (4, "merged")):
            session.add(EntryVerdictRow(n=n, verdict=verdict, reason=None, at=to_datetime(now)))
    with branch.shop.home.reading() as session:
        assert (undecided(session).aside, undecided(session).held) == (1, 2)
    assert "2 entries reached the hub and wait there" in branch.worker.status().message
