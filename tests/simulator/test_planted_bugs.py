"""The test is tested: every planted bug is caught within two hundred seeds.

On demand, because it takes minutes: `SIMULATE_BUGS=1 python -m pytest tests/simulator/test_planted_bugs.py`.
"""

from __future__ import annotations

import os

import pytest

from tests.simulator.bugs import BUGS
from tests.simulator.hunt import hunt

pytestmark = [
    pytest.mark.skipif(not os.environ.get("SIMULATE_BUGS"), reason="on demand: SIMULATE_BUGS=1"),
    pytest.mark.timeout(3_600),
]


@pytest.mark.parametrize("bug", BUGS)
def test_the_simulator_catches_a_planted_bug(ground, bug):
    caught = hunt(ground, bug)
    assert caught is not None, f"{bug} was not caught"
