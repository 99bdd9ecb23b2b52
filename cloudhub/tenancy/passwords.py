"""A password set in one shop holds in every shop: the portal's own entry carries it on, once the shop's is kept.

It may be done any number of times, so it is done whenever a shop sends such an entry, a resend included: nothing is
forgotten when the hub stops between the two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from sqlalchemy import select

from cloudhub.hub import Hub
from cloudhub.merge.books import Books
from cloudhub.merge.passwords import CARRY, FIELD, carried_from
from shopnode.domain.actions import perform
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.errors import Busy, ShopError
from shopnode.domain.people.models import StaffPosting
from sync_protocol.shape import Entry

log = logging.getLogger("cloudhub.tenancy")


def carry_passwords(hub: Hub, tenant_id: str, shop_id: str, entries: Iterable[Entry]) -> None:
    """Give the passwords that these entries of a shop set to the same people's other postings."""
    touched = list(dict.fromkeys(row_id for entry in entries for row_id in _postings_of(entry)))
    if not touched:
        return
    with hub.database.session(tenant_id, read_only=True) as session:
        books = Books(session, tenant_id)
        sources = [row_id for row_id in carried_from(books, touched, shop_id) if _differs(books, row_id)]
    for row_id in sources:
        ctx = Context(home=hub.home(tenant_id), actor=CONSOLE, shop_id=None)
        try:
            perform(ctx, CARRY, {"posting_id": row_id})
        except Busy:
            raise  # the shop sends its entry again, and this is tried again with it
        except ShopError as fault:
            log.warning("a password was not carried on", extra={"code": fault.code, "posting": row_id})


def _postings_of(entry: Entry) -> list[str]:
    """The postings whose password an entry changes."""
    return [
        row[0]
        for entity, op, columns, rows in _blocks(entry)
        if entity == FIELD[0] and op == "u" and FIELD[1] in columns
        for row in rows
    ]


def _blocks(entry: Entry) -> list[list]:  # type: ignore[type-arg]
    """The blocks that have the shape of one; what else an entry may hold was judged at its admission."""
    return [block for block in entry["rows"] if type(block) is list and len(block) == 4 and type(block[3]) is list]


def _differs(books: Books, row_id: str) -> bool:
    mine = select(StaffPosting.staff_id, StaffPosting.password_hash).where(StaffPosting.id == row_id)
    staff_id, password_hash = books.session.execute(mine).one()
    works = (StaffPosting.staff_id == staff_id, StaffPosting.archived_at.is_(None))
    others = select(StaffPosting.password_hash).where(*works)
    return set(books.session.scalars(others)) != {password_hash}
