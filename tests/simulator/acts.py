"""Everything people do, with how often, by the room it is done in; each seed switches on a part."""

from __future__ import annotations

from tests.simulator import closing, counter, credit, goods, office, people, repairs, roads

ROOMS = (
    people.ACTS, people.EDITS, counter.ACTS, credit.ACTS, goods.ACTS, {**repairs.ACTS, **roads.ACTS},
    {**closing.ACTS, **office.ACTS},
)  # fmt: skip
ACTS = {name: act for room in ROOMS for name, act in room.items()}
