"""How many seeds it takes until a planted bug is caught: `python -m tests.simulator --hunt "merge by clock"`.

A seed that fails without the bug as well has caught something else, and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulator.bugs import BUGS
from tests.simulator.ground import Ground
from tests.simulator.run import STEPS, run_seed

SEEDS_MAX = 200


@dataclass(frozen=True)
class Caught:
    """The seed that caught a bug, and what it said."""

    bug: str
    seeds: int  # run until it was caught
    words: str


def hunt(ground: Ground, bug: str, first: int = 0, steps: int = STEPS) -> Caught | None:
    """Run seeds with the bug planted until one fails; None when none of two hundred does."""
    for count in range(1, SEEDS_MAX + 1):
        with BUGS[bug]():
            outcome = run_seed(ground, first + count - 1, steps)
        if not outcome.passed and run_seed(ground, first + count - 1, steps).passed:
            return Caught(bug, count, outcome.faults[0].splitlines()[0][:160])
    return None
