"""The shop of the domain's tests. Marked `both_engines`, a test also runs at the hub's home where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopnode.domain.context import Actor
from tests.shop import Shop, build_template, open_copy


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Actor]]:
    folder = tmp_path_factory.mktemp("template")
    return folder, build_template(folder)


@pytest.fixture
def shop(template: tuple[Path, dict[str, Actor]], tmp_path: Path) -> Iterator[Shop]:
    """A node with Sarah, Brian and Aisha, one minute after they were added."""
    folder, people = template
    made, database = open_copy(folder, tmp_path, people)
    yield made
    database.close()
