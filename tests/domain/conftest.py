"""The shop of the domain's tests: a node's encrypted file, and for what may run anywhere the hub's PostgreSQL too.

A test asks for `shop` and gets the node. A file whose tests hold at either home says so once, by overriding `shop`
with `anywhere`; what only a node can do there asks for `counter`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shopnode.domain.context import Actor
from tests.shop import Shop, build_template, open_copy, portal_shop

if TYPE_CHECKING:
    from tests.hub.world import Server, World


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("template")
    return folder, build_template(folder)


@pytest.fixture
def counter(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Shop]:
    """A node with Sarah, Brian and Aisha, one minute after they were added."""
    folder, people = template
    made, database = open_copy(folder, tmp_path, people)
    yield made
    database.close()


@pytest.fixture
def shop(counter: Shop) -> Shop:
    return counter


@pytest.fixture(scope="session")
def hub_world(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub for the session. Each test gets a business of its own in it, so reach is tested along the way."""
    from tests.hub.world import open_world

    made = open_world(server, tmp_path_factory.mktemp("hub"))
    yield made
    made.close()


@pytest.fixture(params=["node", "hub"])
def anywhere(request: pytest.FixtureRequest) -> Shop:
    """The same business at a shop's node, and at the hub."""
    if request.param == "node":
        made: Shop = request.getfixturevalue("counter")
        return made
    return portal_shop(request.getfixturevalue("hub_world"))
