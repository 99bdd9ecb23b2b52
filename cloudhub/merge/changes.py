"""Changes of rows that exist: holdings by whoever holds them, registers field by field.

Rows are locked in the order of (entity, id) before anything is decided, so that two batches that touch the same
rows wait for each other and never deadlock.
"""

from __future__ import annotations

from typing import Any

from cloudhub.merge.books import Books
from cloudhub.merge.erasures import columns_needed, emptied, without_late_fields
from cloudhub.merge.inbox import changed_since
from cloudhub.merge.oddities import ended_again, left_unseen, let_go
from cloudhub.merge.reach import is_foreign, without_owners_fields
from cloudhub.merge.registers import merge_row
from cloudhub.merge.tables import EntityTable, entity_tables, update_statement
from cloudhub.merge.work import MERGED, Missing, NeedsCare, Work
from sync_protocol.shape import Block

Touched = dict[str, dict[str, None]]  # entity → ids, in order
Rows = dict[str, dict[str, dict[str, Any]]]  # entity → id → column → value
Written = dict[str, dict[str, dict[str, Any]]]


def apply_changes(books: Books, works: list[Work], *, careful: bool) -> None:
    """Apply every update of these entries. Raises NeedsCare, or Missing when careful."""
    fields = _fields_touched(works)
    if not fields:
        return
    standing = _lock_rows(books, fields, careful)
    registers = {entity: list(rows) for entity, rows in standing.items() if entity_tables()[entity].is_register}
    books.load_versions(registers)
    written: Written = {}
    for work in works:
        if any(op == "u" for _, op, _, _ in work.taken):
            _apply_entry(books, work, standing, written, careful)
    _write(books, written)


def _fields_touched(works: list[Work]) -> dict[str, tuple[dict[str, None], dict[str, None]]]:
    """Entity → (ids, columns) of all updates."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for work in works:
        for entity, op, columns, rows in work.taken:
            if op == "u":
                ids, names = found.setdefault(entity, ({}, {}))
                ids.update(dict.fromkeys(row[0] for row in rows))
                names.update(dict.fromkeys(columns))
    return found


def _lock_rows(books: Books, fields: dict[str, tuple[dict[str, None], dict[str, None]]], careful: bool) -> Rows:
    standing: Rows = {}
    for entity in sorted(fields):
        ids, names = fields[entity]
        columns = list(names)
        if entity_tables()[entity].in_shop_stream and "shop_id" not in names:
            columns.append("shop_id")
        columns += [name for name in columns_needed(entity) if name not in names]
        known = books.read(entity, columns, list(ids), lock=True)
        for row_id in ids:
            if row_id not in known:
                raise Missing(entity, row_id) if careful else NeedsCare
        standing[entity] = {row_id: dict(zip(columns, row, strict=True)) for row_id, row in known.items()}
        if entity_tables()[entity].in_shop_stream:
            books.remember_shops(entity, {row_id: row["shop_id"] for row_id, row in standing[entity].items()})
    return standing


def _apply_entry(books: Books, work: Work, standing: Rows, written: Written, careful: bool) -> None:
    told: list[Block] = []
    for entity, op, columns, rows in work.taken:
        if op == "i":
            continue
        table = entity_tables()[entity]
        for row in rows:
            current = standing[entity][row[0]]
            changes = dict(zip(columns[1:], row[1:], strict=True))
            if is_foreign(books, work, table, row[0], changes, current):
                continue
            if table.is_register:
                mine = without_owners_fields(books, work, table, row[0], changes, current, careful=careful)
                mine = without_late_fields(books, work, table, row[0], mine, current)
                taken = merge_row(books, work, table, row[0], mine, current)
                rest = emptied(books, work, table, row[0], mine, {**current, **taken})
                taken |= rest
                changes |= {name: [] for name in rest}
            else:
                taken = _hold(books, work, table, row[0], changes, current)
            current.update(taken)
            if taken:
                written.setdefault(entity, {}).setdefault(row[0], {}).update(taken)
            told.append([entity, "u", ["id", *changes], [[row[0], *([None, current[name]] for name in changes)]]])
    work.told += told


def _hold(
    books: Books, work: Work, table: EntityTable, row_id: str, changes: dict[str, list[Any]], current: dict[str, Any]
) -> dict[str, Any]:
    """The new values, if the writer's shop holds the row; otherwise nothing changes and the owner is told.

    What a shop says last of a phone of its own stands, also where it had let it go (a restored shop does not know).
    An entry that waited is not the last word where a later one was taken meanwhile.
    """
    shop_id = work.sender.shop_id
    if shop_id is not None and current["shop_id"] != shop_id:
        work.as_written = False
        work.verdict = MERGED
        books.raise_exception("not_holder", table.name, row_id, work)
        return {}
    newer = changed_since(books, work, table.name, row_id) if work.waited else {}
    if not newer.keys().isdisjoint(changes):
        work.as_written = False
        work.verdict = MERGED
    gone = left_unseen(changes, newer) if "status" in newer else let_go(table.name, changes, current)
    if gone is not None and table.name == "stock_unit":
        books.raise_exception("let_go", table.name, row_id, work, other_id=work.entry["id"], key=gone)
    if ended_again(table.name, changes, current):
        books.raise_exception("ended_twice", table.name, row_id, work, other_id=work.entry["id"])
    return {name: change[1] for name, change in changes.items() if name not in newer}


def _write(books: Books, written: Written) -> None:
    for entity, rows in written.items():
        groups: dict[tuple[str, ...], list[list[Any]]] = {}
        for row_id, values in rows.items():
            groups.setdefault(("id", *values), []).append([row_id, *values.values()])
        for columns, group in groups.items():
            count = books.write(update_statement(entity, columns), group, books.tenant_id)
            if count != len(group):
                raise NeedsCare
        books.note_updates(entity, rows)
