"""The ground of the simulated worlds: one for the session, and one world for each seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.simulator.ground import Ground, standing_ground
from tests.simulator.run import run_seed


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    with standing_ground() as stands:
        yield stands


@pytest.fixture
def holds(ground: Ground) -> Callable[[int], None]:
    """Run a seed; whatever does not hold is told in words."""

    def run(seed: int) -> None:
        outcome = run_seed(ground, seed)
        assert outcome.passed, "\n".join([f"python -m tests.simulator --seeds {seed}", *outcome.faults])

    return run
