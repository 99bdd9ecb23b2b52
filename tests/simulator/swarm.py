"""What is switched on in one run. Every seed enables a part of the faults and of the acts, each as often as chance has
it: a bug that needs three things at once is found where the hundred others are off."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tests.simulator.wire import MISHAPS

RARELY = 0.15
HARSHLY = 0.05
BUSY = 6


@dataclass
class Swarm:
    """The settings of one run, drawn from its seed."""

    chance: random.Random
    shops: int = 1
    acts: dict[str, float] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    mishaps: dict[str, float] = field(default_factory=dict)
    line_trouble: float = 0
    kill_rate: float = 0  # of acts and exchanges during which a plug is pulled
    sync_rate: float = 1
    poison: bool = False
    harsh: bool = False  # misfortunes meet shops that nobody has heard of for long, so that sales are really destroyed
    calm: bool = False  # the world is being healed: nothing goes wrong any more

    def mishap_on_the_line(self) -> str | None:
        if self.calm or not self.mishaps or self.chance.random() >= self.line_trouble:
            return None
        return self.chance.choices(list(self.mishaps), list(self.mishaps.values()))[0]

    def kills_now(self) -> bool:
        return not self.calm and self.chance.random() < self.kill_rate


def draw(
    chance: random.Random, rooms: Sequence[Collection[str]], acts: Mapping[str, int], faults: Mapping[str, int],
    rare: Mapping[str, int],
) -> Swarm:  # fmt: skip
    """The settings of a seed. What is rare destroys sales by its nature: nobody can send for a computer put away.

    rooms  acts that belong together: most seeds are busy in one of them, so that what takes many steps comes to its end
    """

    def some(weights: Mapping[str, float], share: float) -> dict[str, float]:
        return {name: weight * chance.uniform(0.3, 2) for name, weight in weights.items() if chance.random() < share}

    swarm = Swarm(chance, shops=chance.choice((1, 2, 2, 3)))
    swarm.acts = {**some(acts, 0.7), "sell": acts["sell"] * chance.uniform(0.5, 1.5)}
    if chance.random() < 0.8:
        _be_busy(swarm.acts, chance.choice(rooms))
    swarm.sync_rate = chance.choice((0.05, 0.1, 0.2, 0.35))
    if chance.random() < 0.05:
        return swarm  # nothing goes wrong
    swarm.faults = some(faults, 0.4)
    if chance.random() < RARELY:
        swarm.faults |= some(rare, 1)
    swarm.mishaps = some(dict.fromkeys(MISHAPS, 1.0), 0.5)
    swarm.line_trouble = chance.choice((0.05, 0.2, 0.5))
    swarm.kill_rate = chance.choice((0, 0, 0.02, 0.1))
    swarm.poison = chance.random() < 0.25
    swarm.harsh = chance.random() < HARSHLY
    return swarm


def _be_busy(acts: dict[str, float], room: Collection[str]) -> None:
    """Do more of what belongs to a room, and as much less of all else: what goes wrong stays as frequent beside it."""
    whole = sum(acts.values())
    acts |= {name: weight * BUSY for name, weight in acts.items() if name in room}
    share = whole / sum(acts.values())
    for name in acts:
        acts[name] *= share
