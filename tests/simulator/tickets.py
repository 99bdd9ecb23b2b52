"""What ends once did end once, or the owner is told: repairs, plans, expenses, drawers. Judged like `shelves`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tests.simulator.custody import entries_at_hub
from tests.simulator.oracle import Told

if TYPE_CHECKING:
    from tests.simulator.world import World

Check = Callable[["World"], Iterator[str]]

REPAIR_ENDS = ("Delivered", "Disposed", "Bought", "Cancelled")
# By the column that says so: what it holds when something has ended.
ENDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "repair_ticket": ("status", lambda value: value in REPAIR_ENDS),
    "plan": ("status", lambda value: value != "open"),
    "expense": ("paid_at", lambda value: value is not None),
    "drawer_session": ("closed_at", lambda value: value is not None),
}


def what_ends_once_ended_once(world: World) -> Iterator[str]:
    """A1: nothing was ended by two acts that both stand, unless the owner is told of it."""
    told = world.oracle.told
    ended = Counter(key for entry_id in entries_at_hub(world, told.keys()) for key in _ended_by(told[entry_id]))
    listed = {str(row[0]) for row in world.portal.query("SELECT row_id FROM hub_exception WHERE kind = 'ended_twice'")}
    for (entity, row_id), times in ended.items():
        if times > 1 and row_id not in listed:
            yield f"A1: {entity} {row_id} was ended {times} times, and nobody is told"


def a_device_is_on_one_bench(world: World) -> Iterator[str]:
    """S2: of the branches that say they have a device, all but one were wrong, and the owner is told so."""
    listed = world.portal.query("SELECT row_id FROM hub_exception WHERE kind = 'repair_in_two_places'")
    told = {str(row[0]) for row in listed}
    for (entity, row_id), rows in world.facts.items():
        if entity == "repair_transfer_receipt" and len({row["ticket_id"] for row in rows}) > 1 and row_id not in told:
            yield f"S2: a device that was sent is on two benches, and nobody is told ({row_id})"


def _ended_by(told: Told) -> Iterator[tuple[str, str]]:
    for entity, op, columns, rows in told.rows:
        column, has_ended = ENDS.get(entity, ("", None))
        if op != "u" or has_ended is None or column not in columns:
            continue
        place = columns.index(column)
        for row in rows:
            before, after = row[place][:2]
            if has_ended(after) and not has_ended(before):
                yield entity, row[0]


CHECKS: tuple[Check, ...] = (what_ends_once_ended_once, a_device_is_on_one_bench)
