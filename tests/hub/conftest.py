"""The hub of the tests: one server for the session, one database for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.world import Node, Server, World, open_world


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    # Not in pytest's own folder: started as root, the server runs as another user, whom that folder shuts out.
    folder = Path(tempfile.mkdtemp(prefix="phoneshop-hub-"))
    made = Server(folder)
    yield made
    made.postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture
def world(server: Server, tmp_path: Path) -> Iterator[World]:
    """A hub with two businesses and nothing else."""
    made = open_world(server, tmp_path)
    yield made
    made.close()
    server.drop(made.database)


@pytest.fixture
def node(world: World) -> Node:
    """The PC of Kisura's shop in Kampala, enrolled and up to date."""
    return world.enrol("KLA")
