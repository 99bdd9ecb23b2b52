"""Everything that was broken is mended, and everybody exchanges until nothing moves. Bounded: a world that does not
come to rest has lost its liveness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudhub.merge.retry import retry_after_upgrade
from tests.simulator.restores import owner_chooses, put_twins_away

if TYPE_CHECKING:
    from tests.simulator.world import World

ROUNDS_MAX = 12
QUIET_MS = 2_000


def heal(world: World) -> list[str]:
    """Mend the world and let it come to rest. Answers what would not."""
    world.swarm.calm = True
    world.hub_chokes = False
    world.plug.disarm()
    for computer in world.running():
        computer.clock.now_ms = world.clock.wall_ms()
        computer.have_room()
        computer.wire.bring_late_ones()
    owner_chooses(world)
    put_twins_away(world)
    world.restart_hub()
    retry_after_upgrade(world.hub, f"healed {world.seed}")
    for _ in range(ROUNDS_MAX):
        if exchange_all(world) == 0:
            return []
        owner_chooses(world)
    states = {computer.label: computer.worker.status() for computer in world.running()}
    return [f"C2: no rest after {ROUNDS_MAX} rounds: {states}"]


def exchange_all(world: World) -> int:
    """One round of everybody; answers how many of them still had something to do, or are not well."""
    busy = 0
    for computer in world.running():
        world.pass_time(QUIET_MS)
        before = _position(world, computer.label)
        state = world.sync(computer)
        waiting = computer.worker.status().waiting
        busy += state != "ok" or waiting > 0 or before != _position(world, computer.label)
    return busy


def _position(world: World, label: str) -> tuple[object, ...]:
    """Where the feed and this computer's cursor stand."""
    (computer,) = [one for one in world.running() if one.label == label]
    ((seq,),) = world.portal.query("SELECT seq FROM tenant_feed")
    return (seq, *computer.query("SELECT seen, head_n FROM installation")[0])
