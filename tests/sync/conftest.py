"""One hub for all tests of syncing; each test gets a company of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudhub.hub import Hub
from shopnode.domain.context import Actor
from tests.hub_server import running_hub
from tests.shop import Shop, build_template, open_copy
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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("template")
    return folder, build_template(folder)


@pytest.fixture
def alone(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Shop]:
    """A shop that no hub knows."""
    folder = tmp_path / "alone"
    folder.mkdir()
    shop, database = open_copy(template[0], folder, template[1])
    yield shop
    database.close()
