"""Registers: whose value of a field stands. The rule is `sync_protocol.merge`; here it is fed and its outcome kept.

What was seen decides: each field carries the feed number of the value its writer had before their eyes. A version row
remembers who set a field and under which number; one row with no field name stands for a whole insert.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from cloudhub.merge.books import Books, Version
from cloudhub.merge.tables import EntityTable
from cloudhub.merge.work import CONFLICT, MERGED, Sender, Work
from shopnode.domain.db import Rule
from sync_protocol.canonical import INT_MAX
from sync_protocol.merge import Clock, FieldState, FieldWrite, Outcome, corrected_time_ms, merge_field
from sync_protocol.returned import merge_returned
from sync_protocol.shape import Block


def merge_row(
    books: Books, work: Work, table: EntityTable, row_id: str, changes: dict[str, list[Any]], current: dict[str, Any]
) -> dict[str, Any]:
    """The fields of one register row that this entry's writer gets their way with, and their values.

    changes  field → [before, after, seen number]
    """
    taken: dict[str, Any] = {}
    for name, change in changes.items():
        write = _write_of(books, work, change)
        standing = books.version(table.name, row_id, name)
        state = None if standing is None else standing.state(current[name], write.seen_no)
        if work.lost_no is None:
            outcome = merge_field(state, write, _rule(table, name))
        else:
            before = None if standing is None else _as_known(standing, current[name])
            outcome = merge_returned(before, write, work.entry["was"], _rule(table, name))
        _judge(work, table, name, outcome)
        if outcome.concurrent:
            key, watched = (table.name, row_id, name), name in table.sync.watched
            books.note_clash(key, work, write, state, won=outcome.verdict == "won", watched=watched)
        if outcome.verdict == "won":
            taken[name] = write.value
            books.set_version(table.name, row_id, name, outcome.state, work)
    return taken


def merge_known_rows(
    entity: str, columns: list[str], rows: list[list[Any]], known: dict[str, list[Any]]
) -> list[Block]:
    """An insert of rows that exist (two homes made the same one) as changes that have seen nothing."""
    blocks: list[Block] = []
    for row in rows:
        standing = known[row[0]]
        differing = [place for place in range(1, len(columns)) if row[place] != standing[place]]
        if differing:
            names = ["id", *(columns[place] for place in differing)]
            blocks.append([entity, "u", names, [[row[0], *([standing[p], row[p], 0] for p in differing)]]])
    return blocks


def insert_state(books: Books, work: Work) -> FieldState:
    """The version of a row that this entry inserts whole."""
    write = _write_of(books, work, [None, None, 0])
    return FieldState(None, 0, write.origin, write.n, write.at_ms, write.by_owner)


def entry_time_ms(entry: dict[str, Any], sender: Sender) -> int:
    """When an entry was written, in our time."""
    reading = Clock(entry["at"], entry["mono"], entry["boot"], entry.get("offset"))
    return corrected_time_ms(reading, sender.clock, sender.received_ms).at_ms


def _write_of(books: Books, work: Work, change: list[Any]) -> FieldWrite:
    return FieldWrite(
        value=change[1],
        seen_no=change[2] if len(change) == 3 else 0,
        origin=work.origin_id,
        n=work.n,
        at_ms=entry_time_ms(work.entry, work.sender),
        by_owner=books.is_owner(work.entry.get("actor")),
    )


def _as_known(standing: Version, value: Any) -> FieldState:
    """A field for a value that comes back: one that was written just now has no number yet, but is newer."""
    state = standing.state(value, 0)
    return state if standing.work is None else replace(state, no=standing.work.lost_no or INT_MAX)


def _rule(table: EntityTable, name: str) -> Literal["owner_wins", "later_wins", "keep_current"]:
    return table.sync.rules.get(name, Rule.LATER_WINS).value


def _judge(work: Work, table: EntityTable, name: str, outcome: Outcome) -> None:
    if outcome.verdict == "kept":
        work.as_written = False
        work.verdict = work.verdict or MERGED
    if outcome.concurrent and name in table.sync.watched:
        work.verdict = CONFLICT
