"""The node is killed at every step of printing: nothing prints twice as an original, no drawer opens twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shopnode.devices.fake_printer import FakePrinter
from shopnode.domain import failpoints
from shopnode.domain.clock import ManualClock
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.printing.models import JobKind
from tests.devices.conftest import Spool, empty_database

PLACES = ("print.rendered", "print.sending", "print.sent")


def run_and_die(database: Path, clock: ManualClock, counter: str, place: str) -> None:
    """One try in a process of its own, killed at the named place."""
    child = os.fork()
    if child == 0:
        try:
            failpoints.arm(f"{place}=kill")
            Spool(NodeDatabase(database, bytes(32)), clock).worker(counter).run_once()
        finally:
            os._exit(1)  # never back into the test's own stack
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # the child forgets the fake's threads
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", [JobKind.RECEIPT, JobKind.DRAWER])
def test_killed_at_any_step(tmp_path: Path, printer: FakePrinter, place: str, kind: JobKind) -> None:
    clock = ManualClock()
    database = empty_database(tmp_path)
    before = Spool(database, clock)
    counter = before.add_printer(printer.address)
    job = before.add_job(counter, kind)
    database.close()

    run_and_die(tmp_path / "node.db", clock, counter, place)

    database = NodeDatabase(tmp_path / "node.db", bytes(32))
    after = Spool(database, clock)
    after.store.recover()
    while after.worker(counter).run_once():
        pass
    state = after.job(job).state
    database.close()

    if kind is JobKind.DRAWER:
        assert printer.drawer_kicks <= 1
        assert printer.drawer_kicks == (1 if place == "print.sent" else 0)
        assert state in ("failed", "expired")
        return
    originals = [paper for tape in printer.tapes() if "COPY 1" not in (paper := tape.texts())]
    assert state == "printed"
    assert len(originals) <= 1
    assert len(printer.tapes()) == (2 if place == "print.sent" else 1)
    assert originals == [] or place in ("print.rendered", "print.sent")
