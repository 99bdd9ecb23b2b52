"""Who holds what: before a file or a database is taken back, which entries would be left in no copy at all.

An entry is held by the hub's inbox, by a journal of its own node, or, as what came of it, by the lines that other
shops were sent. Only what nobody holds any more is excused; everything else must come back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cloudhub.merge.returned import readmitted_id
from sync_protocol.chain import link

if TYPE_CHECKING:
    from tests.simulator.places import Computer
    from tests.simulator.world import World

# Stream, number, hash: a hub that was put back and does not know it yet gives numbers a second time.
LineKey = tuple[str, int, str]


class Custody:
    """What the hub has ever published of each entry, so that it is known which lines make an entry whole."""

    def __init__(self, world: World):
        self.world = world
        self.lines: dict[str, set[LineKey]] = {}
        self.held_before: set[str] = set()

    def learn(self) -> None:
        """Note the lines of every entry the hub has now."""
        for entry_id, *line in self.world.portal.query(_LINES):
            self.lines.setdefault(entry_id, set()).add((line[0], line[1], line[2]))

    def admitted(self, entry_id: str) -> float:
        """The number of the first line that was ever published of an entry; those of none come last."""
        return min((no for _, no, _ in self.lines.get(entry_id, ())), default=math.inf)

    def before(self) -> None:
        """Something is about to be taken back."""
        self.learn()
        self.held_before = self.held()

    def after(self) -> None:
        """It was taken back: what nobody holds any more, though somebody did, is excused."""
        oracle = self.world.oracle
        gone = (self.held_before - self.held()) & oracle.told.keys()
        oracle.excused |= gone
        for _ in gone:
            self.world.count("entries destroyed")

    def held(self) -> set[str]:
        """Every entry that some copy holds whole."""
        found = entries_at_hub(self.world, self.world.oracle.told.keys())
        lines: set[LineKey] = set()
        for computer in self.world.running():
            found |= own_entries(computer)
            lines |= held_lines(computer)
        return found | {entry_id for entry_id, all_of_it in self.lines.items() if all_of_it and all_of_it <= lines}


def entries_at_hub(world: World, wanted: Iterable[str]) -> set[str]:
    """Those of these entries that the hub has, as themselves or given back by others."""
    inbox = {str(row[0]) for row in world.portal.query("SELECT entry_id FROM journal_entry")}
    found = set()
    for entry_id in wanted:
        streams = {stream for stream, _, _ in world.custody.lines.get(entry_id, ())}
        given_back = streams and all(readmitted_id(entry_id, stream) in inbox for stream in streams)
        if entry_id in inbox or given_back:
            found.add(entry_id)
    return found


def own_entries(computer: Computer) -> set[str]:
    return {row[0] for row in computer.query("SELECT entry_id FROM journal_entry")}


def held_lines(computer: Computer) -> set[LineKey]:
    """Lines of others that a computer has, or keeps to give back."""
    here = computer.query("SELECT stream, no, hash FROM feed_line WHERE body IS NOT NULL")
    apart = computer.query("SELECT stream, no, prev_hash, body FROM returned_line WHERE body IS NOT NULL")
    return {
        *((stream, no, digest) for stream, no, digest in here),
        *((stream, no, link(prev, body.encode())) for stream, no, prev, body in apart),
    }


_LINES = """
SELECT e.entry_id::text, f.stream, f.no, f.hash FROM feed_line f
JOIN journal_entry e ON e.origin_id = f.origin_id AND e.n = f.n
"""
