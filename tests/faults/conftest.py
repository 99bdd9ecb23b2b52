"""A hub that runs as a process of its own for one file of tests, and this process's view into its database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudhub.hub import Hub
from tests.faults.processes import HubProcess
from tests.faults.shops import hub_folder, looking_into


@pytest.fixture(scope="module")
def hub_process() -> Iterator[HubProcess]:
    with hub_folder() as folder:
        process = HubProcess(folder)
        yield process
        process.stop()


@pytest.fixture(scope="module")
def inside(hub_process: HubProcess) -> Iterator[Hub]:
    with looking_into(hub_process.data) as opened:
        yield opened
