"""One hub for all tests of syncing; each test gets a company of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhub.hub import Hub
from tests.hub_server import running_hub
from tests.sync.chain_of_shops import Company, found_company

_count = iter(range(1, 10_000))


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    with running_hub() as opened:
        yield opened


@pytest.fixture
def company(hub: Hub, tmp_path: Path) -> Iterator[Company]:
    made = found_company(hub, tmp_path, f"Company{next(_count)}")
    yield made
    made.close()
