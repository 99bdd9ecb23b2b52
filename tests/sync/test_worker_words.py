"""What the worker says when the trouble is this computer's own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from cloudhub.hub import Hub
from shopnode.machine.storage import DiskFull
from tests.sync.chain_of_shops import found_company


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
