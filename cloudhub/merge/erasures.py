"""Who was erased stays erased, whatever was written before anybody had heard of it.

A shop that is away edits a telephone number; meanwhile its owner is erased; the edit arrives. Or the edit comes first
and the erasing, which is older by the clock, after it. Either way the number is in nobody's rows and in no journal.

Invariants:
  * A personal field of an erased row is never filled again, and its writer is told what stands instead.
  * An erasing empties every personal field, also those its own home knew nothing of.
  * What an entry reveals of somebody erased is gone from the inbox and the feed by the end of its own transaction,
    also of an entry that waits. Markers stay, so every chain holds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from cloudhub.merge.books import Books
from cloudhub.merge.registers import insert_state
from cloudhub.merge.tables import EntityTable
from cloudhub.merge.work import MERGED, Work
from shopnode.domain.customers.erasing import ERASED_NAME, without_reveals
from shopnode.domain.customers.models import Customer
from shopnode.domain.people.erasing import PERSONAL
from sync_protocol.canonical import serialise

Change = list[Any]  # before, after, seen number
ERASES_STAFF = "staff.erase"
# What is left of each personal field of an erased row.
BLANKS: dict[str, dict[str, Any]] = {
    "customer": {**dict.fromkeys(sorted(Customer.__sync__.personal)), "name": ERASED_NAME},
    "staff": dict.fromkeys(PERSONAL),
    "staff_posting": {"password_hash": None},
    "phone_approver": {"secret": None},
}
# What tells whether a row is one of somebody erased.
_MARKS = {"customer": ("erased_at",), "staff": ("archived_at",)}
_OF_STAFF = ("staff_posting", "phone_approver")


def columns_needed(entity: str) -> tuple[str, ...]:
    """What has to be read of a row before its change can be judged."""
    if entity in _OF_STAFF:
        return ("staff_id",)
    return (*_MARKS[entity], *BLANKS[entity]) if entity in BLANKS else ()


def without_late_fields(
    books: Books, work: Work, table: EntityTable, row_id: str, changes: dict[str, Change], current: Mapping[str, Any]
) -> dict[str, Change]:
    """The changes less those that would fill what was erased."""
    blanks = BLANKS.get(table.name)
    if blanks is None:
        return changes
    late = [name for name in changes.keys() & blanks.keys() if changes[name][1] != blanks[name]]
    if not late or not _is_erased(books, table.name, current, changes):
        return changes
    _is_told_what_stands(work)
    return {name: change for name, change in changes.items() if name not in late}


def emptied(
    books: Books, work: Work, table: EntityTable, row_id: str, changes: Mapping[str, Change], now: Mapping[str, Any]
) -> dict[str, Any]:
    """What an erasing still has to empty of the row as it stands `now`: its home may not have known of it all."""
    if not _erases(work, table.name, changes, now):
        return {}
    left = {name: blank for name, blank in BLANKS[table.name].items() if now[name] != blank}
    for name in left:
        books.set_version(table.name, row_id, name, insert_state(books, work), work)
    if left:
        _is_told_what_stands(work)
    return left


def forget_what_they_reveal(books: Books, works: Iterable[Work]) -> None:
    """Take out of the inbox and the feed what these entries reveal of people who are erased."""
    for work in works:
        touched = _touched(work) if work.entry.get("personal") else {}
        for entity, ids in touched.items():
            for row_id in _erased_of(books, entity, ids):
                _forget(books, work, entity, row_id)
                if entity == "customer":
                    books.run(_UNLIST, [books.tenant_id, row_id, row_id])


def _is_told_what_stands(work: Work) -> None:
    work.as_written = False
    work.verdict = work.verdict or MERGED


def _is_erased(books: Books, entity: str, current: Mapping[str, Any], changes: Mapping[str, Change]) -> bool:
    if entity in _OF_STAFF:
        return bool(books.rows(f"{_ERASED['staff']} LIMIT 1", [books.tenant_id, [current["staff_id"]]]))
    if entity == "customer":
        return current["erased_at"] is not None or ("erased_at" in changes and changes["erased_at"][1] is not None)
    comes_back = "archived_at" in changes and changes["archived_at"][1] is None
    is_blank = all(current[name] is None for name in BLANKS["staff"])
    return current["archived_at"] is not None and is_blank and not comes_back


def _erases(work: Work, entity: str, changes: Mapping[str, Change], now: Mapping[str, Any]) -> bool:
    if entity == "customer":
        return "erased_at" in changes and now["erased_at"] is not None
    return entity == "staff" and work.entry["action"] == ERASES_STAFF and not changes.keys().isdisjoint(PERSONAL)


def _touched(work: Work) -> dict[str, list[str]]:
    """The rows whose personal fields an entry may reveal. One that waits may have any shape; nothing is taken of it."""
    found: dict[str, list[str]] = {}
    for block in work.entry["rows"]:
        if isinstance(block, list) and len(block) == 4 and isinstance(block[0], str) and block[0] in BLANKS:
            rows = block[3] if isinstance(block[3], list) else []
            found.setdefault(block[0], []).extend(
                row[0] for row in rows if isinstance(row, list) and row and isinstance(row[0], str)
            )
    return found


def _erased_of(books: Books, entity: str, ids: Collection[str]) -> list[str]:
    return [row[0] for row in books.rows(_ERASED[entity], [books.tenant_id, list(ids)])]


def _forget(books: Books, work: Work, entity: str, row_id: str) -> None:
    at: Sequence[Any] = (books.tenant_id, work.origin_id, work.n)
    for table, key in (("journal_entry", "n"), ("feed_line", "no")):
        query = f"SELECT {key}, body, personal FROM {table} WHERE personal IS NOT NULL AND {_THAT}"
        for number, body, personal in books.rows(query, at):
            kept = without_reveals(orjson.loads(body), orjson.loads(personal), entity, row_id, BLANKS[entity])
            if kept is not None:
                text = serialise(kept).decode() if kept else None
                books.run(f"UPDATE {table} SET personal = %s WHERE {_THAT} AND {key} = %s", [text, *at, number])


# The number that two customers shared was theirs.
_UNLIST = """
UPDATE hub_exception SET key = NULL
WHERE tenant_id = %s AND kind = 'phone_twice' AND key IS NOT NULL AND (row_id = %s OR other_id = %s)
"""
_THAT = "tenant_id = %s AND origin_id = %s AND n = %s"
_GONE = "{0}.archived_at IS NOT NULL AND {0}.phone IS NULL AND {0}.email IS NULL"
_OF = "SELECT t.id::text FROM {} t {} WHERE t.tenant_id = %s AND t.id::text = ANY (%s) AND "
_PERSON = "JOIN staff s ON s.tenant_id = t.tenant_id AND s.id = t.staff_id"
_ERASED = {
    "customer": _OF.format("customer", "") + "t.erased_at IS NOT NULL",
    "staff": _OF.format("staff", "") + _GONE.format("t"),
    **{name: _OF.format(name, _PERSON) + _GONE.format("s") for name in _OF_STAFF},
}
