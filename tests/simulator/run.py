"""One seed, one run: a world begins, people and faults act on it, it is healed, and it is judged."""

from __future__ import annotations

import logging
import random
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from shopnode.machine.storage import DiskFull
from tests.simulator import invariants, prefixes, records, shelves, tickets
from tests.simulator.acts import ACTS, ROOMS
from tests.simulator.faults import FAULTS, poisonous
from tests.simulator.ground import Ground
from tests.simulator.healing import heal
from tests.simulator.plugs import plugged
from tests.simulator.restores import CLONING, TAKINGS
from tests.simulator.swarm import draw
from tests.simulator.world import World

STEPS = 300
KINDS = (ACTS, {**FAULTS, **TAKINGS}, CLONING)
MOVES = {name: move for kind in KINDS for name, (_, move) in kind.items()}


@dataclass
class Outcome:
    """What one run did and what was wrong with it."""

    seed: int
    steps: int
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    told: int = 0  # acts somebody was told of
    acknowledged: int = 0  # entries the hub has taken
    sales: int = 0
    lost: list[str] = field(default_factory=list)  # sales no copy of which was left: excused, and listed

    @property
    def passed(self) -> bool:
        return not self.faults


def run_seed(ground: Ground, seed: int, steps: int = STEPS) -> Outcome:
    """Run one seed and judge it."""
    chance = random.Random(seed)
    swarm = draw(
        chance, [set(room) for room in ROOMS], *({name: weight for name, (weight, _) in kind.items()} for kind in KINDS)
    )
    world = World(ground, seed, swarm)
    outcome = Outcome(seed, steps)
    with ExitStack() as held:
        held.enter_context(plugged(world.plug, chance))
        held.enter_context(poisonous(world))
        held.enter_context(_listening(world))
        world.begin()
        held.callback(world.end)
        try:
            _live(world, steps)
            outcome.faults += heal(world)
            outcome.acknowledged = _acknowledged(world)
            outcome.faults += _judged(world)
        except Exception as error:
            outcome.faults.append(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    outcome.counts = world.counts
    outcome.lost = [s.number for s in world.oracle.sales.values() if s.entry_id in world.oracle.excused]
    outcome.told, outcome.sales = len(world.oracle.told), len(world.oracle.sales)
    return outcome


def _live(world: World, steps: int) -> None:
    weights = {**world.swarm.acts, **world.swarm.faults}
    for _ in range(steps):
        world.tick()
        if world.chance.random() < world.swarm.sync_rate:
            world.sync(world.some_computer())
            continue
        (name,) = world.chance.choices(list(weights), list(weights.values()))
        world.count(name)
        MOVES[name](world)


def _acknowledged(world: World) -> int:
    """Entries that the hub has taken in this run, and in no life of it lost."""
    ((count,),) = world.portal.query("SELECT count(*) FROM journal_entry WHERE received_at > :began",
                                     began=world.ground.now_ms)  # fmt: skip
    return int(count)


def _judged(world: World) -> list[str]:
    found = [*world.oracle.faults, *world.surprises]
    for check in (*invariants.CHECKS, *shelves.CHECKS, *tickets.CHECKS, *records.CHECKS, *prefixes.CHECKS):
        found += check(world)
    return found


class _Ear(logging.Handler):
    """Hears what a worker or the hub logs as an error: nothing a simulated fault does may surprise them."""

    def __init__(self, world: World):
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], DiskFull):
            return  # it is told in words, and tried again
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self._world.surprises.append(f"surprise: {record.name}: {record.getMessage()}\n{trace}")


@contextmanager
def _listening(world: World) -> Iterator[None]:
    ear = _Ear(world)
    loggers = [logging.getLogger(name) for name in ("shopnode", "cloudhub")]
    for logger in loggers:
        logger.addHandler(ear)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(ear)
