"""Writing what entries say into the typed tables: many at once, and one at a time where something is odd.

`apply(books, works)` writes all rows of all entries, or raises and has written nothing that the caller's savepoint
does not take back. NeedsCare means: look at these entries one by one, with `careful=True`; then what is known already
is left out, and what cannot be written raises Unfit or Missing for that one entry.

Invariants:
  * Rows are inserted parents first; changes come after inserts, in the order of the entries.
  * A row that is there already with the same content is a duplicate, not a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from cloudhub.merge.books import Books
from cloudhub.merge.changes import apply_changes
from cloudhub.merge.feed import split_streams
from cloudhub.merge.inbox import inbox_row
from cloudhub.merge.models import WHOLE_ROW
from cloudhub.merge.oddities import oddity_of_repeat
from cloudhub.merge.reach import leave_out_foreign
from cloudhub.merge.registers import insert_state, merge_known_rows
from cloudhub.merge.returned import leave_out_returned
from cloudhub.merge.tables import entity_tables, insert_statement
from cloudhub.merge.work import DUPLICATE, MERGED, Missing, NeedsCare, Unfit, Work
from sync_protocol.shape import Block

Groups = dict[tuple[str, tuple[str, ...]], list[list[Any]]]


def apply(books: Books, works: list[Work], *, careful: bool = False) -> None:
    """Write the rows of these entries. Raises NeedsCare; when careful, Unfit or Missing."""
    for work in works:
        work.taken, work.told, work.as_written = list(work.blocks), [], not work.is_translated
        leave_out_foreign(books, work, careful=careful)
        if work.returned:
            if not careful:
                raise NeedsCare  # what stands is told as of this entry, and not of the one before it
            leave_out_returned(books, work)
    if careful:
        (work,) = works
        _leave_out_known(books, work)
        _require_parents(books, work)
    groups = _insert_groups(works)
    preparing = iter(works)
    with books.writing_meanwhile(_sent(books, groups, preparing, len(works))):
        _prepare(preparing)
    _note_new_registers(books, works)
    apply_changes(books, works, careful=careful)
    for work in works:
        if not work.as_written:
            work.told = [block for block in work.taken if block[1] == "i"] + work.told


def _sent(books: Books, groups: Groups, preparing: Iterator[Work], works: int) -> Iterator[tuple[str, list[list[Any]]]]:
    """The statements, one by one. While the database writes the rows of each, as large a part of the works is made
    ready: a statement that is sent earlier would wait in the line for the one before it."""
    total = sum(map(len, groups.values()))
    for (entity, columns), rows in groups.items():
        yield insert_statement(entity, columns), rows
        books.note_inserts(entity, columns, rows)
        _prepare(islice(preparing, works * len(rows) // total))


def _prepare(works: Iterable[Work]) -> None:
    """What can be made ready for the inbox and the feed while the rows are being written."""
    for work in works:
        inbox_row(work)
        if all(op == "i" for _, op, _, _ in work.written):  # also of what was left out, the streams are told
            work.streams = split_streams(work.written, _no_shop)


def _no_shop(entity: str, row_id: str) -> str:
    raise AssertionError("only a changed row has to be asked for its shop")


def _insert_groups(works: Iterable[Work]) -> Groups:
    """All inserts by table and columns, parents before children, in the order of the entries."""
    groups: Groups = {}
    for work in works:
        for entity, op, columns, rows in work.taken:
            if op == "i":
                groups.setdefault((entity, tuple(columns)), []).extend(rows)
    order = entity_tables()
    return dict(sorted(groups.items(), key=lambda item: order[item[0][0]].order))


def _note_new_registers(books: Books, works: Iterable[Work]) -> None:
    """A register row begins with one version for all its fields."""
    for work in works:
        for entity, op, _, rows in work.taken:
            if op == "i" and entity_tables()[entity].is_register:
                state = insert_state(books, work)
                for row in rows:
                    books.set_version(entity, row[0], WHOLE_ROW, state, work)


def _leave_out_known(books: Books, work: Work) -> None:
    """Take out the rows that are there already: same content is a duplicate; a register is merged field by field."""
    kept: list[Block] = []
    found_any = False
    for block in work.taken:
        entity, op, columns, rows = block
        whole = list(entity_tables()[entity].columns)
        known = books.read(entity, whole, [row[0] for row in rows]) if op == "i" else {}
        if not known:
            kept.append(block)
            continue
        found_any = True
        fresh = [row for row in rows if row[0] not in known]
        if fresh:
            kept.append([entity, op, columns, fresh])
        again = [row for row in rows if row[0] in known]
        if entity_tables()[entity].is_register:
            kept += merge_known_rows(entity, columns, again, _only(columns, whole, known))
        else:
            _judge_repeats(books, work, entity, [_expand(row, columns, whole) for row in again], known)
    if found_any:
        work.as_written = False
        work.verdict = work.verdict or (MERGED if kept else DUPLICATE)
    work.taken = kept


def _expand(row: list[Any], columns: list[str], whole: list[str]) -> list[Any]:
    """A row with every column of its table: those that an entry leaves out are empty."""
    values = dict(zip(columns, row, strict=True))
    return [values.get(name) for name in whole]


def _only(columns: list[str], whole: list[str], rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    places = [whole.index(name) for name in columns]
    return {row_id: [row[place] for place in places] for row_id, row in rows.items()}


def _judge_repeats(books: Books, work: Work, entity: str, rows: list[list[Any]], known: dict[str, list[Any]]) -> None:
    """A fact sent twice. An act whose id follows from its target was done twice: the first stands and it is listed."""
    names = list(entity_tables()[entity].columns)
    for row in rows:
        if row == known[row[0]]:
            continue
        if row[0][14] != "5":
            raise Unfit(f"id_reuse: {entity} {row[0]} has other content")
        work.verdict = MERGED
        stands = dict(zip(names, known[row[0]], strict=True))
        kind = oddity_of_repeat(entity, dict(zip(names, row, strict=True)), stands)
        if kind is not None:
            books.raise_exception(kind, entity, row[0], work)


def _require_parents(books: Books, work: Work) -> None:
    """Raises Missing for the first row this entry points at that nobody has sent yet."""
    wanted: dict[str, dict[str, None]] = {}
    own: dict[str, set[str]] = {}
    for entity, op, columns, rows in work.taken:
        if op == "i":
            own.setdefault(entity, set()).update(row[0] for row in rows)
        else:
            wanted.setdefault(entity, {}).update(dict.fromkeys(row[0] for row in rows))
        for parent in entity_tables()[entity].parents:
            if parent.column not in columns:
                continue
            place = columns.index(parent.column)
            values = [row[place] if op == "i" else row[place][1] for row in rows]
            wanted.setdefault(parent.entity, {}).update(dict.fromkeys(value for value in values if value))
    for entity, ids in wanted.items():
        asked = [row_id for row_id in ids if row_id not in own.get(entity, ())]
        known = books.read(entity, ["id"], asked) if asked else {}
        for row_id in asked:
            if row_id not in known:
                raise Missing(entity, row_id)
