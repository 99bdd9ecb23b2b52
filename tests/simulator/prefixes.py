"""Invariant 3: a part of the feed and then the rest gives what all of it gives, wherever it is cut.

The hub's lines for one shop are applied to empty books twice, at once and in pieces; both must hold what the shop's
own computer holds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from shopnode.domain.apply import Applier
from shopnode.domain.engine import NodeDatabase
from sync_protocol.entries import blocks_of
from tests.hub.world import NODE_KEY
from tests.simulator.tables import compared_tables, differences, rows_of

if TYPE_CHECKING:
    from tests.simulator.world import World

EVERY = 3  # only every third world, for the time it takes
CUTS = 3
Rows = dict[str, set[tuple[Any, ...]]]


def prefixes_compose(world: World) -> Iterator[str]:
    """3: applying a feed prefix and then the rest equals applying it all."""
    if world.seed % EVERY:
        return
    computer = world.running()[0]
    lines = world.portal.query(_LINES, stream=f"s:{computer.shop_id}")
    cuts = sorted(world.chance.randrange(len(lines) + 1) for _ in range(CUTS))
    at_once = _books_after(world, "at-once", [lines])
    edges = [0, *cuts, len(lines)]
    in_pieces = _books_after(world, "in-pieces", [lines[a:b] for a, b in pairwise(edges)])
    here = {table: rows_of(computer, table, columns, None) for table, columns in compared_tables().items()}
    yield from (f"3: cut at {cuts}: {words}" for words in differences(at_once, in_pieces))
    yield from (f"3: the feed, and {computer.label}: {words}" for words in differences(at_once, here))


def _books_after(world: World, name: str, pieces: Sequence[Sequence[Any]]) -> Rows:
    """Every row of empty books to which these pieces of a feed were applied, a transaction each."""
    file = world.folder / f"{name}.db"
    shutil.copy(world.ground.blank, file)
    database = NodeDatabase(file, NODE_KEY, tenant_id=world.ours.tenant_id)
    try:
        database.guard()
        for piece in pieces:
            with database.writing() as session:
                applier = Applier(session)
                for no, body, personal in piece:
                    line = orjson.loads(body)
                    if personal:
                        line["personal"] = orjson.loads(personal)
                    applier.foreign_line(no, blocks_of(line))
                applier.finish()
        return {table: rows_of(_Reader(database), table, columns, None) for table, columns in compared_tables().items()}
    finally:
        database.close()


class _Reader:
    """Reads books that belong to nobody."""

    def __init__(self, database: NodeDatabase):
        self._database = database

    def query(self, statement: str) -> Sequence[Any]:
        with self._database.reading() as session:
            return list(session.connection().exec_driver_sql(statement))


_LINES = "SELECT no, body, personal FROM feed_line WHERE stream IN ('t', :stream) ORDER BY no"
CHECKS = (prefixes_compose,)
