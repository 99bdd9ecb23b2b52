"""What goes wrong between the acts: clocks, disks, plugs, and late requests. Each is one step of a run.

Faults that happen inside an act (a plug, a mishap on the line) are elsewhere: plugs.py and wire.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import cloudhub.merge.work as hub_work
from cloudhub.merge.retry import retry_after_upgrade
from tests.simulator.people import POISON

if TYPE_CHECKING:
    from tests.simulator.world import World

DAY_MS = 86_400_000
OVERLAP_S = 0.2  # how long the second of two pushes is given to go as far as it can
JUMPS_MS = {
    "400 days ahead": 400 * DAY_MS,
    "20 years back": -20 * 365 * DAY_MS,
    "3 hours ahead": 3 * 3_600_000,
    "3 hours back": -3 * 3_600_000,
    "4 minutes back": -240_000,
}


def clock_jump(world: World) -> None:
    """The wall clock of a shop's computer steps; its uptime does not."""
    computer = world.some_computer()
    name = world.chance.choice(list(JUMPS_MS))
    computer.clock.now_ms = max(0, computer.clock.now_ms + JUMPS_MS[name])  # no clock shows what was before 1970
    world.count(f"clock {name}")


def clock_mended(world: World) -> None:
    """Somebody sets the clock by hand, nearly right."""
    world.some_computer().clock.now_ms = world.clock.wall_ms() + world.chance.randrange(-90_000, 90_000)


def computer_rebooted(world: World) -> None:
    """Off and on in good order."""
    computer = world.some_computer()
    computer.close()
    computer.reboot()
    computer.open()


def program_restarted(world: World) -> None:
    world.some_computer().restart()


def hub_restarted(world: World) -> None:
    world.restart_hub()


def late_requests_arrive(world: World) -> None:
    """Requests that were on their way for long reach the hub now, in any order."""
    world.some_computer().wire.bring_late_ones()


def disk_fills(world: World) -> None:
    """Little room, or none, on one computer's disk."""
    world.some_computer().run_short(world.chance.choice((10 * 2**20, 2**20)))


def disk_is_full(world: World) -> None:
    """The file itself can grow no further: the next write that needs a page fails half-way."""
    world.some_computer().stop_growing()


def hub_upgraded(world: World) -> None:
    """Another version of the hub, which may read what the one before could not."""
    world.hub_chokes = world.hub_chokes and world.chance.random() < 0.5
    world.restart_hub()
    retry_after_upgrade(world.hub, f"upgrade {world.unique()}")


def pushes_overlap(world: World) -> None:
    """Two shops send at once: the second begins while the first has its numbers and is about to commit.

    The second waits for the first inside the database, as it must; only then does it go on, so that the two never run
    at the same moment and the run stays the same.
    """
    if len(world.running()) < 2:
        return
    first, second = world.chance.sample(world.running(), 2)
    for computer in (first, second):
        world.sell_one(computer)
    ware = world.chance.choice(world.ours.wares)
    world.do(first, "products.update", {"product_id": ware.id, "price_minor": 10_007 + 100 * world.unique()}, "Sarah")
    calm, world.swarm.calm = world.swarm.calm, True
    meanwhile = threading.Thread(target=second.sync)
    leader = threading.get_ident()

    def on_the_way(step: str) -> None:
        if threading.get_ident() != leader:
            return
        if step == "hub.before_commit" and meanwhile.ident is None:
            meanwhile.start()
            meanwhile.join(OVERLAP_S)
        elif step == "hub.after_commit" and meanwhile.ident is not None:
            meanwhile.join()

    world.plug.on_the_way = on_the_way
    try:
        first.sync()
    finally:
        world.plug.on_the_way = None
        world.swarm.calm = calm
        if meanwhile.ident is not None:
            meanwhile.join()


@contextmanager
def poisonous(world: World) -> Iterator[None]:
    """Until it is upgraded, the hub has a fault: it cannot write an entry that holds a certain sign."""
    judged = hub_work._examine_block

    def choke(sender: Any, entity: str, op: str, columns: list[str], rows: list[list[Any]]) -> None:
        if world.hub_chokes and any(POISON in str(value) for row in rows for value in row):
            world.count("choked")
            raise hub_work.Unfit("a sign this version cannot write")
        judged(sender, entity, op, columns, rows)

    with mock.patch.object(hub_work, "_examine_block", choke):
        yield


FAULTS: dict[str, tuple[int, Callable[[World], None]]] = {
    "clock jump": (2, clock_jump),
    "clock mended": (1, clock_mended),
    "reboot": (1, computer_rebooted),
    "restart": (1, program_restarted),
    "hub restart": (1, hub_restarted),
    "late requests": (2, late_requests_arrive),
    "disk fills": (1, disk_fills),
    "disk full": (1, disk_is_full),
    "hub upgrade": (1, hub_upgraded),
    "overlap": (1, pushes_overlap),
}
