"""Making a tenant's books again from what was received, to see that they are what they should be.

The raw inbox and the feed are replayed in the order of the feed into empty tables: an entry that was taken as written
by its own rows, brought to today's schema; any other by the outcome its lines tell. No merge rule is asked again, so
a rule that changed since does not change the past. Then everything derived is computed, and each row compared.

Invariants:
  * The live tables cannot be written meanwhile, and what is compared is one state of them.
  * Every entry was admitted, held or quarantined, exactly once: it has lines, or it waits, or it wrote no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from cloudhub.hub import Hub
from cloudhub.merge.books import Books
from cloudhub.merge.rebuild_tables import Difference, compare, synced_tables
from cloudhub.merge.tables import entity_tables, fed_tables, insert_statement, update_statement
from cloudhub.merge.work import HELD, QUARANTINED, without_erased
from shopnode.domain.deriving import derive_all, derived_tables
from sync_protocol.entries import blocks_of
from sync_protocol.lines import TENANT_STREAM, outcome_blocks, shop_stream
from sync_protocol.shape import Block
from sync_protocol.versions import UPCASTERS

PAGE = 1_000
LISTED_MAX = 50  # of one tenant

Progress = Callable[[int, int], None]  # lines replayed, lines in all


def unseen(done: int, total: int) -> None:
    """For whoever does not watch."""


@dataclass
class Rebuilt:
    """One tenant's books made again beside the live ones."""

    tenant_id: str
    lines: int = 0
    rows: int = 0  # live rows that were compared
    wrong: int = 0  # rows that differ, entries without an outcome
    differences: list[Difference] = field(default_factory=list)  # the first of them

    @property
    def ok(self) -> bool:
        return not self.wrong

    def note(self, wrong: int, listed: list[Difference]) -> None:
        self.wrong += wrong
        self.differences += listed[: LISTED_MAX - len(self.differences)]


@dataclass
class Act:
    """One entry's outcome: its lines, and its own rows where it was taken as written."""

    origin_id: str
    n: int
    plain: bool
    lines: dict[str, int]  # stream → number
    blocks: list[Block]  # what the lines tell
    entry: dict[str, Any]

    @cached_property
    def outcome(self) -> list[Block]:
        """What this entry did to the tables: whole rows, and values as they then stood."""
        if not self.plain:
            return [without_erased(block) for block in self.blocks]
        # Erased values are written as nothing while a change still says before and after.
        return outcome_blocks(without_erased(block) for block in blocks_of(UPCASTERS.upcast(self.entry)))

    def line_of(self, entity: str, columns: list[str], row: list[Any]) -> int | None:
        """The number of the line that carries an inserted row."""
        if not entity_tables()[entity].in_shop_stream:
            return self.lines.get(TENANT_STREAM)
        return self.lines.get(shop_stream(row[columns.index("shop_id")]))


def rebuild_tenant(hub: Hub, tenant_id: str, progress: Progress = unseen) -> Rebuilt:
    """Make everything of one tenant again and compare. Nothing that lives is changed."""
    done = Rebuilt(tenant_id)
    tables = [*synced_tables(), *derived_tables()]
    with hub.database.shadowed(tenant_id, [table.name for table in tables]) as session:
        books = Books(session, tenant_id)
        _replay(books, done, progress)
        derive_all(session)
        done.note(*_without_outcome(books))
        for table in tables:
            rows, wrong, listed = compare(session, table)
            done.rows += rows
            done.note(wrong, listed)
    return done


def _replay(books: Books, done: Rebuilt, progress: Progress) -> None:
    ((total,),) = books.rows("SELECT count(*) FROM feed_line WHERE tenant_id = %s", [books.tenant_id])
    batch: list[Act] = []
    for act in _acts(books):
        batch.append(act)
        done.lines += len(act.lines)
        if len(batch) == PAGE:
            _write(books, batch, done)
            batch = []
            progress(done.lines, total)
    _write(books, batch, done)
    progress(done.lines, total)


def _acts(books: Books) -> Iterator[Act]:
    """What happened, in the order of the feed. The lines of one entry follow each other."""
    act: Act | None = None
    for no, stream, origin_id, n, plain, line, line_personal, body, personal in _lines(books):
        if act is None or (act.origin_id, act.n) != (origin_id, n):
            if act is not None:
                yield act
            entry = _read(body, personal) if plain else {}
            act = Act(origin_id, n, plain, {}, [], entry)
        act.lines[stream] = no
        if not plain:
            act.blocks += blocks_of(_read(line, line_personal))
    if act is not None:
        yield act


def _lines(books: Books) -> Iterator[tuple[Any, ...]]:
    after = 0
    while rows := books.rows(_LINES, [books.tenant_id, after, PAGE]):
        yield from rows
        after = rows[-1][0]


def _read(body: str, personal: str | None) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(body)
    if personal:
        message["personal"] = orjson.loads(personal)
    return message


def _write(books: Books, acts: list[Act], done: Rebuilt) -> None:
    """Insert what these entries inserted, parents first, then change what they changed, in their order."""
    inserts: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = {}
    changes: dict[str, dict[str, dict[str, Any]]] = {}
    for act in acts:
        for entity, op, columns, rows in act.outcome:
            if op == "i":
                inserts.setdefault((entity, tuple(columns)), []).extend(rows)
                continue
            for row in rows:
                values = dict(zip(columns[1:], row[1:], strict=True))
                changes.setdefault(entity, {}).setdefault(row[0], {}).update(values)
    order = entity_tables()
    for (entity, names), rows in sorted(inserts.items(), key=lambda item: order[item[0][0]].order):
        written = books.write(insert_statement(entity, names), books.tenant_id, rows)
        if written != len(rows):
            done.note(len(rows) - written, [Difference(entity, rows[0][0], "or another was inserted twice")])
    _number(books, acts)
    for entity, changed in changes.items():
        _change(books, entity, changed, done)


def _number(books: Books, acts: list[Act]) -> None:
    """Give rows the number of their line, where their table keeps it."""
    for entity in fed_tables():
        ids: list[str] = []
        numbers: list[int | None] = []
        for act in acts:
            for name, op, columns, rows in act.outcome:
                if name == entity and op == "i":
                    ids += [row[0] for row in rows]
                    numbers += [act.line_of(entity, columns, row) for row in rows]
        if ids:
            books.run(_NUMBER.format(entity), [ids, numbers, books.tenant_id])


def _change(books: Books, entity: str, changed: dict[str, dict[str, Any]], done: Rebuilt) -> None:
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for row_id, values in changed.items():
        groups.setdefault(("id", *values), []).append([row_id, *values.values()])
    for columns, rows in groups.items():
        written = books.write(update_statement(entity, columns), rows, books.tenant_id)
        if written != len(rows):
            done.note(
                len(rows) - written, [Difference(entity, rows[0][0], "or one near it was changed, never inserted")]
            )


def _without_outcome(books: Books) -> tuple[int, list[Difference]]:
    """Entries that neither reached the feed nor wait, or that did both; lines of entries nobody has."""
    waiting = [HELD, QUARANTINED]
    wrong: list[Difference] = []
    count = 0
    for query, what in _OUTCOMES.items():
        found = books.rows(query, {"tenant": books.tenant_id, "waiting": waiting})
        count += len(found)
        wrong += [Difference("journal_entry", f"{origin} {n}", what) for origin, n in found[:LISTED_MAX]]
    return count, wrong


_LINES = """
SELECT f.no, f.stream, f.origin_id::text, f.n, f.as_written OR e.verdict IS NULL,
  CASE WHEN f.as_written OR e.verdict IS NULL THEN NULL ELSE f.body END, f.personal,
  CASE WHEN f.as_written OR e.verdict IS NULL THEN e.body END, e.personal
FROM feed_line f JOIN journal_entry e ON e.tenant_id = f.tenant_id AND e.origin_id = f.origin_id AND e.n = f.n
WHERE f.tenant_id = %s AND f.no > %s ORDER BY f.no LIMIT %s
"""
_NUMBER = """
UPDATE {} AS t SET feed_no = f.no FROM unnest(%s::uuid[], %s::bigint[]) AS f (id, no)
WHERE t.tenant_id = %s AND t.id = f.id
"""
_OUTCOMES = {
    """SELECT e.origin_id::text, e.n FROM journal_entry e WHERE e.tenant_id = %(tenant)s
    AND (e.verdict IS NULL OR e.verdict <> ALL (%(waiting)s)) AND position('"rows":[]' IN e.body) = 0 AND NOT EXISTS (
      SELECT FROM feed_line f WHERE f.tenant_id = e.tenant_id AND f.origin_id = e.origin_id AND f.n = e.n)""":
    "is said to be taken and has no line in the feed",
    """SELECT e.origin_id::text, e.n FROM journal_entry e WHERE e.tenant_id = %(tenant)s
    AND e.verdict = ANY (%(waiting)s) AND (EXISTS (
      SELECT FROM feed_line f WHERE f.tenant_id = e.tenant_id AND f.origin_id = e.origin_id AND f.n = e.n)
      OR NOT EXISTS (SELECT FROM waiting_entry w WHERE w.tenant_id = e.tenant_id AND w.origin_id = e.origin_id
        AND w.n = e.n))""":
    "is said to wait and does not, or not only",
    """SELECT f.origin_id::text, f.n FROM feed_line f WHERE f.tenant_id = %(tenant)s AND NOT EXISTS (
      SELECT FROM journal_entry e WHERE e.tenant_id = f.tenant_id AND e.origin_id = f.origin_id AND e.n = f.n)""":
    "has a line in the feed and is not in the inbox",
}  # fmt: skip
