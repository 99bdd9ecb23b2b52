"""Taking back: a shop's computer to an older copy, the hub to an older database, and one computer copied into two."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloudhub.merge.lives import begin_new_life
from cloudhub.tenancy.clones import choose_run
from cloudhub.tenancy.codes import make_enrol_code
from cloudhub.tenancy.nodes import revoke_node
from shopnode.domain.engine import NodeDatabase
from shopnode.domain.setup import create_installation
from shopnode.sync.enrol import ask_to_enrol, link_row
from tests.hub.world import NODE_KEY
from tests.simulator.places import ROOMY, Computer

if TYPE_CHECKING:
    from tests.simulator.world import World

COPIES_MAX = 3
CLONES_MAX = 1
ARRIVAL_ROUNDS_MAX = 40


def copy_of_a_computer(world: World) -> None:
    """Somebody copies the shop's books to another disk."""
    computer = world.some_computer()
    target = computer.folder / f"copy-{world.unique()}"
    computer.copy_files(target)
    computer.copies.append(target)
    if len(computer.copies) > COPIES_MAX:
        shutil.rmtree(computer.copies.pop(0))


def computer_taken_back(world: World) -> None:
    """The books are put back from a copy; the fence beside the keys knows better, or is gone with the old disk."""
    computer = world.some_computer()
    if not computer.copies or world.cloned:
        return
    source = world.chance.choice(computer.copies)
    world.count("computers restored")
    _mostly_in_touch(world, computer)
    world.custody.before()
    computer.close()
    computer.replace_files(source)
    if world.chance.random() < 0.3:
        computer.lose_fence()
    computer.lineage += 1
    computer.free_bytes, computer.is_short = ROOMY, False
    computer.open()
    world.custody.after()
    _mostly_in_touch(world, computer)  # or the next misfortune finds the only copy of what it sold


def _mostly_in_touch(world: World, computer: Computer) -> None:
    """Most shops are online most of the time; what was never sent and is nowhere else is really gone."""
    if not world.swarm.harsh or world.chance.random() < 0.5:
        calm, world.swarm.calm = world.swarm.calm, True
        world.sync(computer)
        world.swarm.calm = calm


def copy_of_the_hub(world: World) -> None:
    """The hub's database is backed up."""
    world.hub.close()
    world.hub_copies.append(world.new_database(world.database))
    world.use_database(world.database)
    del world.hub_copies[:-2]


def hub_taken_back(world: World) -> None:
    """The hub's database is put back from a backup: announced, found out by its mark, or found out by a shop."""
    if not world.hub_copies:
        return
    world.count("hub restored")
    world.custody.before()
    source = world.chance.choice(world.hub_copies)
    way = world.chance.choice(("announced", "by its mark", "by a shop"))
    world.count(f"hub restored, {way}")
    world.hub.close()
    if way != "by its mark":
        (world.folder / "mark.json").unlink(missing_ok=True)
    world.use_database(world.new_database(source))
    if way == "announced":
        begin_new_life(world.hub, "restored")
    world.oracle.lives += 1
    world.custody.after()


def computer_cloned(world: World) -> None:
    """A disk is copied as it is, and both computers go on with one identity."""
    if world.cloned >= CLONES_MAX:
        return
    world.cloned += 1
    world.count("computers cloned")
    original = world.some_computer()
    world.computers.append(original.twin(with_fence=world.chance.random() < 0.5))


def owner_chooses(world: World) -> None:
    """The owner is asked which of two computers lives, and puts the other one away."""
    suspected = world.portal.query("SELECT id::text FROM node WHERE clone_suspected_at IS NOT NULL")
    for (node_id,) in suspected:
        rivals = [computer for computer in world.running() if computer.home.node_id == node_id]
        runs = {str(row[0]) for row in world.portal.query("SELECT run_id FROM node_run")}
        heard = [computer for computer in rivals if computer.worker._run in runs]
        if not world.cloned or not heard:
            continue
        # Mostly the one that sold more since; what the other one never sent stays on its disk.
        fuller = max(heard, key=lambda computer: computer.worker.status().waiting)
        living = fuller if world.chance.random() < 0.75 else world.chance.choice(heard)
        choose_run(
            world.hub.database, world.ours.tenant_id, node_id, living.worker._run, world.clock.wall_ms()
        )  # fmt: skip
        world.count("owner chose")
        world.custody.before()
        for computer in rivals:
            computer.put_away = computer is not living  # the other one's program is not started again
        world.custody.after()


def put_twins_away(world: World) -> None:
    """Before a world may rest, no identity is used twice."""
    for twin in [computer for computer in world.running() if computer.is_twin]:
        if any(other.premises is twin.premises for other in world.running() if other is not twin):
            world.custody.before()
            twin.put_away = True
            world.custody.after()


def computer_lost(world: World) -> None:
    """A computer is stolen. A new one is enrolled in its shop and fetches the books, over the same bad line."""
    lost = world.some_computer()
    if world.cloned or world.replaced:
        return
    world.replaced += 1
    world.count("computers replaced")
    world.hub_copies.clear()  # a hub put back to before an enrolment knows nothing of it: the owner enrols anew
    _mostly_in_touch(world, lost)
    world.custody.before()
    lost.put_away = True
    revoke_node(world.hub.database, world.ours.tenant_id, lost.home.node_id, world.clock.wall_ms())
    made = Computer(world, lost.premises, f"{lost.premises.code} new", world.ground.blank, _enrol)
    world.computers.append(made)
    calm = world.swarm.calm
    for turn in range(ARRIVAL_ROUNDS_MAX):
        world.swarm.calm = calm or turn >= ARRIVAL_ROUNDS_MAX // 2
        world.pass_time(2_000)
        world.sync(made)
        ((awaits, seen),) = made.query("SELECT awaits_books, seen FROM installation")
        if not awaits:
            made.began_at = seen
            break
    else:
        world.oracle.faults.append("C2: the books do not arrive at a new computer")
    world.swarm.calm = calm
    world.custody.after()


def _enrol(computer: Computer) -> None:
    """Make the blank file a new installation of the shop, as `shopnode enrol` does."""
    world, calm = computer.world, computer.world.swarm.calm
    world.swarm.calm = True
    code = make_enrol_code(world.hub, world.ours.tenant_id, computer.shop_id)
    enrolment = ask_to_enrol(
        "http://hub.test", code, device=computer.label, software="simulated", random=world.chance.randbytes,
        transport=computer.wire,
    )  # fmt: skip
    world.swarm.calm = calm
    database = NodeDatabase(computer.folder / "shop.db", NODE_KEY)
    database.guard()
    answer = enrolment.answer
    create_installation(
        database, computer.clock, world.chance.randbytes, series=answer.series, node_id=answer.node,
        origin_id=answer.origin, shop_id=answer.shop, awaits_books=True,
    )  # fmt: skip
    with database.writing() as session:
        session.add(link_row(enrolment))
    database.close()


TAKINGS: dict[str, tuple[int, Callable[[World], None]]] = {
    "copy of a computer": (2, copy_of_a_computer),
    "computer taken back": (1, computer_taken_back),
    "copy of the hub": (1, copy_of_the_hub),
    "hub taken back": (1, hub_taken_back),
    "computer lost": (1, computer_lost),
}
CLONING: dict[str, tuple[int, Callable[[World], None]]] = {
    "computer cloned": (1, computer_cloned),
}
