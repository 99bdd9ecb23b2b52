"""How far a shop's PC reaches: into the registers of its own shop and the business's, never into another shop's.

What it writes beyond that is kept in the inbox and listed for the owner; it is neither applied nor sent to anybody.
The portal (a sender without a shop) reaches everything. Facts and holdings of a shop are judged elsewhere.

Invariants:
  * A row of another shop is not written, by an insert, by a change, or by giving it to that shop.
  * Who is an owner, who is shut out or has left, and what somebody may beside their role is changed by owners alone,
    as the hub knows them. An owner's approval is their word, too: the counter had their PIN or their code (rule 90).
  * That it was an owner is the word of the shop's PC. So the owners are told of everybody whom a shop made an owner.
"""

from __future__ import annotations

from typing import Any

from cloudhub.merge.books import Books
from cloudhub.merge.tables import EntityTable, entity_tables
from cloudhub.merge.work import MERGED, NeedsCare, Work
from shopnode.domain.permissions import Role
from sync_protocol.shape import Block

OWNERS_ONLY = {
    "staff": frozenset({"role", "suspended_at", "archived_at"}),
    "staff_choice": frozenset({"staff_id", "key", "value"}),
}
OWNERS_ROWS = "staff_choice"  # nobody else makes one
OWNER = Role.OWNER.value


def leave_out_foreign(books: Books, work: Work, *, careful: bool) -> None:
    """Take new register rows of other shops, and those that only an owner makes, out of what an entry writes.

    Raises NeedsCare unless careful.
    """
    kept: list[Block] = []
    for block in work.taken:
        entity, op, columns, rows = block
        if op == "i" and entity == OWNERS_ROWS and not _is_owners(books, work):
            if not careful:
                raise NeedsCare  # an entry just before may have made its actor an owner
            for row in rows:
                _refuse(books, work, "not_owner", "staff", row[columns.index("staff_id")])
            continue
        if op != "i" or not _is_shops_own(entity_tables()[entity]):
            kept.append(block)
            if op == "i" and entity == "staff" and "role" in columns:
                for row in rows:
                    _tell_of_owner(books, work, row[0], row[columns.index("role")])
            continue
        place = columns.index("shop_id")
        mine = [row for row in rows if not _beyond(work, row[place])]
        for row in rows:
            if _beyond(work, row[place]):
                _refuse(books, work, "other_shop", entity, row[0])
        if mine:
            kept.append([entity, op, columns, mine])
    work.taken = kept


def is_foreign(
    books: Books, work: Work, table: EntityTable, row_id: str, changes: dict[str, Any], current: dict[str, Any]
) -> bool:
    """Whether a change of a register row is another shop's affair; it is listed then."""
    if not _is_shops_own(table):
        return False
    shops = [current["shop_id"], *(change[1] for name, change in changes.items() if name == "shop_id")]
    if not any(_beyond(work, shop_id) for shop_id in shops):
        return False
    _refuse(books, work, "other_shop", table.name, row_id)
    return True


def without_owners_fields(
    books: Books,
    work: Work,
    table: EntityTable,
    row_id: str,
    changes: dict[str, list[Any]],
    current: dict[str, Any],
    *,
    careful: bool,
) -> dict[str, list[Any]]:
    """The changes less those that only an owner makes; what was left out is listed. Raises NeedsCare unless careful."""
    reserved = OWNERS_ONLY.get(table.name)
    if reserved is None:
        return changes
    if _is_owners(books, work):
        if table.name == "staff" and "role" in changes and current["role"] != OWNER:
            _tell_of_owner(books, work, row_id, changes["role"][1])
        return changes
    refused = [name for name, change in changes.items() if name in reserved and change[1] != current[name]]
    if refused and not careful:
        raise NeedsCare  # an entry just before may have made its actor an owner
    for name in refused:
        _refuse(books, work, "not_owner", table.name, row_id, key=name)
    return {name: change for name, change in changes.items() if name not in refused}


def _is_owners(books: Books, work: Work) -> bool:
    """Whether an owner did this, said yes to it, or it comes from the portal, whose door asked."""
    people = (work.entry.get("actor"), work.entry.get("approver"))
    return work.sender.shop_id is None or any(books.is_owner(person) for person in people)


def _tell_of_owner(books: Books, work: Work, staff_id: str, role: str) -> None:
    if role == OWNER and work.sender.shop_id is not None and work.lost_no is None:
        books.raise_exception("made_owner", "staff", staff_id, work, other_id=work.entry["id"])


def _is_shops_own(table: EntityTable) -> bool:
    return table.is_register and table.in_shop_stream


def _beyond(work: Work, shop_id: str) -> bool:
    return work.sender.shop_id is not None and shop_id != work.sender.shop_id


def _refuse(books: Books, work: Work, kind: str, entity: str, row_id: str, key: str | None = None) -> None:
    work.as_written = False
    work.verdict = MERGED
    # The entry is named too, so that another try is listed again after somebody has looked at the first.
    books.raise_exception(kind, entity, row_id, work, other_id=work.entry["id"], key=key)
