"""What came before its time: entries that this hub has already, in another form, when their writer sends them.

Either the hub lost them and nodes gave their lines back, or they came under another origin of the shop: a restored
computer journalled again what a late request had brought, or a copy of its disk brought what the original brings too.

Invariants:
  * A lost line is taken in once, whoever gives it back, and however often.
  * An entry that comes under a second origin has no second effect, also where it only changed what was there.
  * When the original arrives after all, its rows of that line are left alone; its writer hears what stands now.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudhub.merge.books import Books
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import DUPLICATE, MERGED, Work
from shopnode.domain.clock import act_id
from shopnode.domain.db import Kind
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.returned import READMIT
from sync_protocol.shape import Block, Line


def readmitted_id(entry_id: str, stream: str) -> str:
    """The id of the entry that stands for a lost one, of which a stream's line came back."""
    return act_id("readmitted", entry_id, stream)


def id_for(line: Line) -> str:
    """The same for a line; what came back once and was lost again keeps its id."""
    return str(line["id"]) if line["action"] == READMIT else readmitted_id(line["id"], line["stream"])


def note_returned(books: Books, works: Sequence[Work]) -> None:
    """Mark the streams of these entries that came before them."""
    _note_taken(books, works)
    if not works or not books.rows(_ANY, [books.tenant_id])[0][0]:
        return
    asked = {
        readmitted_id(work.entry["id"], stream): (work, stream)
        for work in works
        if work.lost_no is None
        for stream in _streams(work)
    }
    for (row_id,) in books.rows(_KNOWN, [books.tenant_id, list(asked)]):
        work, stream = asked[row_id]
        work.returned |= {stream}


def _note_taken(books: Books, works: Sequence[Work]) -> None:
    """Mark what had been taken under another origin."""
    asked = {work.entry["id"]: work for work in works if work.lost_no is None}
    # Of the same shop: nobody else's computer can take an entry's place by using its id.
    values = [books.tenant_id, list(asked), works[0].sender.shop_id] if asked else []
    for (entry_id,) in books.rows(_TAKEN, values) if asked else ():
        asked[entry_id].returned |= set(_streams(asked[entry_id]))


def leave_out_returned(books: Books, work: Work) -> None:
    """Take the rows that came back already out of what an entry writes, and tell its writer what stands."""
    kept: list[Block] = []
    for block in work.taken:
        entity, op, columns, rows = block
        table = entity_tables()[entity]
        if not table.in_shop_stream:
            known = {row[0] for row in rows} if TENANT_STREAM in work.returned else set()
        else:
            shops = {row_id: row[1] for row_id, row in books.read(entity, ["id", "shop_id"], _ids(rows)).items()}
            books.remember_shops(entity, shops)
            known = {row_id for row_id, shop_id in shops.items() if shop_stream(shop_id) in work.returned}
        rest = [row for row in rows if row[0] not in known]
        if rest:
            kept.append([entity, op, columns, rest])
        if known and table.kind in (Kind.REGISTER, Kind.HOLDING):
            standing = books.read(entity, columns, sorted(known))
            told = [[row[0], *([None, value] for value in row[1:])] for row in standing.values()]
            work.told += [[entity, "u", columns, told]] if told and len(columns) > 1 else []
    work.as_written = False
    work.verdict = work.verdict or (MERGED if kept else DUPLICATE)
    work.taken = kept


def _ids(rows: Sequence[list[str]]) -> list[str]:
    return [row[0] for row in rows]


def _streams(work: Work) -> list[str]:
    shop_id = work.sender.shop_id
    return [TENANT_STREAM] if shop_id is None else [TENANT_STREAM, shop_stream(shop_id)]


_TAKEN = """
SELECT e.entry_id::text FROM journal_entry e JOIN origin o ON o.tenant_id = e.tenant_id AND o.id = e.origin_id
WHERE e.tenant_id = %s AND e.entry_id = ANY (%s::uuid[]) AND o.shop_id IS NOT DISTINCT FROM %s
  AND (e.verdict IS NULL OR e.verdict NOT IN ('held', 'quarantined'))
"""
_ANY = "SELECT EXISTS (SELECT FROM returned_line WHERE tenant_id = %s)"
# One that waits for another row says nothing yet: the original may be first.
_KNOWN = """
SELECT r.id::text FROM returned_line r WHERE r.tenant_id = %s AND r.id = ANY (%s::uuid[]) AND NOT EXISTS (
  SELECT FROM waiting_entry w WHERE w.tenant_id = r.tenant_id AND w.origin_id = r.origin_id AND w.n = r.n)
"""
