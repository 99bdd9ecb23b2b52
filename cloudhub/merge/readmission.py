"""Taking in again what this hub lost: pages that nodes give back become entries of the portal's current origin.

A page that this hub signed in the life it is in, and does not remember, proves that its database was put back without a
word: then another life begins first. That cannot be brought about at will: the page must be our own, and once the next
life has begun, its numbers lie below that life's own and prove nothing more.

Invariants:
  * Lines are taken in the order of their numbers, through the ordinary admission; but a row never comes before the row
    it points at. Numbers are of several lives: what was given back once stands behind what came later.
  * A page that is not ours, or not whole, is passed over; it never stands in the way of the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from cloudhub.hub import Hub
from cloudhub.merge.admission import apply_all, release_held
from cloudhub.merge.books import Books
from cloudhub.merge.inbox import Head, keep_entries, lock_head
from cloudhub.merge.lives import begin_new_life
from cloudhub.merge.returned import id_for
from cloudhub.merge.settle import settle
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import Sender, Work, examine_all
from cloudhub.tenancy.nodes import NodeKey
from shopnode.domain import failpoints
from sync_protocol.canonical import canonical
from sync_protocol.chain import link
from sync_protocol.entries import sealed
from sync_protocol.keys import read_public
from sync_protocol.lines import TENANT_STREAM, shop_stream
from sync_protocol.merge import Clock
from sync_protocol.messages import ReturnedPage
from sync_protocol.problems import ProtocolError
from sync_protocol.returned import NO_BOOT, entry_of_line, genuine_lines, lost_no_of
from sync_protocol.shape import Entry, Line

log = logging.getLogger("cloudhub.lives")


def read_returned(hub: Hub, key: NodeKey, pages: Sequence[ReturnedPage]) -> list[Line]:
    """The lines of returned pages that are this hub's own word. Another life begins where they prove that it must."""
    lines = [line for page in pages for line in _lines_of(hub, key, page)]
    if lines and _proves_a_loss(hub, key, lines):
        begin_new_life(hub, "page", {key.tenant_id: max(line["no"] for line in lines)})
        failpoints.hit("hub.life_begun")
    return lines


def take_returned(hub: Hub, key: NodeKey, lines: Sequence[Line], received_ms: int) -> int:
    """Take in those of these lines that are missing. Returns how many."""
    if not lines:
        return 0
    portal = hub.home(key.tenant_id).origin_id
    with hub.database.session(key.tenant_id, bulk=True) as session:
        count = _take(Books(session, key.tenant_id), key, portal, lines, received_ms, hub)
        failpoints.hit("hub.before_readmitted")
    if count:
        log.warning("lines came back", extra={"count": count, "node": key.node_id})
        hub.feed_moved(key.tenant_id)
    return count


def _lines_of(hub: Hub, key: NodeKey, page: ReturnedPage) -> list[Line]:
    """What is ours of a page, as far as it concerns the node's shop."""
    streams = (TENANT_STREAM, shop_stream(key.shop_id))
    try:
        lines = genuine_lines(page, key.node_id, read_public(hub.identity.public_key))
    except ProtocolError as fault:
        log.warning("a returned page was passed over", extra={"node": key.node_id, "fault": str(fault)})
        return []
    return [line for line in lines if line["stream"] in streams]


def _proves_a_loss(hub: Hub, key: NodeKey, lines: Sequence[Line]) -> bool:
    """Whether one of these lines was given in the present life and is not here."""
    with hub.database.session(key.tenant_id, read_only=True) as session:
        books = Books(session, key.tenant_id)
        ((base_no,),) = books.rows(_BASE, [books.tenant_id])
        recent = {line["no"]: line["id"] for line in lines if line["no"] > base_no}
        here = dict(books.rows(_HERE, [books.tenant_id, list(recent)])) if recent else {}
    return any(here.get(no) != entry_id for no, entry_id in recent.items())


def _take(books: Books, key: NodeKey, portal: str, lines: Sequence[Line], received_ms: int, hub: Hub) -> int:
    head = lock_head(books, portal)
    missing = _unknown(books, lines)
    for line in lines:
        if line not in missing:
            _know_by_number(books, line)
    if not missing:
        return 0
    ((least,),) = books.rows("SELECT min(no) FROM returned_line WHERE tenant_id = %s", [books.tenant_id])
    parted_no = min(missing[0]["no"], least or missing[0]["no"])
    works = _works(_parents_first(missing), key, Sender(portal, None, None, _NOW, received_ms), head, parted_no)
    books.writer = (portal, works[-1].n)
    examine_all(works)
    apply_all(books, [work for work in works if work.applies])
    keep_entries(books, works, None)
    for work in works:
        values = [books.tenant_id, work.entry["id"], portal, work.n, lost_no_of(work.entry), key.node_id, received_ms]
        books.run(_NOTE, values)
    settle(books, works, hub.clock)
    release_held(books, received_ms, hub.clock)
    return len(works)


def _unknown(books: Books, lines: Sequence[Line]) -> list[Line]:
    """The lines of entries that are not here, neither themselves nor as what came back of them; each once, in order."""
    found = {id_for(line): line for line in sorted(lines, key=lambda line: int(line["no"])) if line["rows"]}
    asked = [*found, *(line["id"] for line in found.values())]
    known = {row[0] for row in books.rows(_ENTRIES, [books.tenant_id, asked])}
    return [line for row_id, line in found.items() if row_id not in known and line["id"] not in known]


def _parents_first(lines: Sequence[Line]) -> list[Line]:
    """The lines in their order, but each behind those that bring what its rows point at."""
    brought = {
        (block[0], row[0]): place for place, line in enumerate(lines) for block in line["rows"] if block[1] == "i"
        for row in block[3]
    }  # fmt: skip
    order: dict[int, None] = {}
    under_way: set[int] = set()

    def put(place: int) -> None:
        if place in under_way:
            return
        under_way.add(place)
        for needed in sorted({brought[row] for row in _needed_rows(lines[place]) if row in brought}):
            put(needed)
        order[place] = None

    for place in range(len(lines)):
        put(place)
    return [lines[place] for place in order]


def _needed_rows(line: Line) -> Iterator[tuple[str, str]]:
    """The rows that must be there before this line's are written."""
    for entity, op, columns, rows in line["rows"]:
        table = entity_tables().get(entity)
        if table is None:
            continue
        if op == "u":
            yield from ((entity, row[0]) for row in rows)
        for parent in table.parents:
            if parent.column in columns:
                place = columns.index(parent.column)
                yield from ((parent.entity, row[place]) for row in rows if row[place])


def _know_by_number(books: Books, line: Line) -> None:
    """Its entry is here already, sent again or given back, with another number: who saw this one saw its values."""
    ids = [line["id"], id_for(line)]
    for entity, _, _, rows in line["rows"]:
        if entity in entity_tables() and entity_tables()[entity].is_register:
            row_ids = [row[0] for row in rows]
            books.run(_LOWER, [line["no"], books.tenant_id, entity, row_ids, line["no"], ids])


def _works(lines: Sequence[Line], key: NodeKey, sender: Sender, head: Head, parted_no: int) -> list[Work]:
    registers = [name for name, table in entity_tables().items() if table.is_register]
    works = []
    n, digest = head.n, head.hash
    for line in lines:
        shop = None if line["stream"] == TENANT_STREAM else key.shop_id
        n += 1
        entry: Entry = {**entry_of_line(line, id_for(line), registers, shop, parted_no), "n": n}
        words = canonical(sealed(entry))
        digest = link(digest, words)
        works.append(Work(n, entry, words, digest, sender))
    return works


_NOW = Clock(0, 0, "", 0)  # of nobody's machine: what comes back has only the time that stood on it
assert _NOW.boot != NO_BOOT

_BASE = "SELECT base_no FROM tenant_feed WHERE tenant_id = %s"
_HERE = """
SELECT l.no, e.entry_id::text FROM feed_line l
JOIN journal_entry e ON e.tenant_id = l.tenant_id AND e.origin_id = l.origin_id AND e.n = l.n
WHERE l.tenant_id = %s AND l.no = ANY (%s::bigint[])
"""
_LOWER = """
UPDATE register_version v SET no = %s FROM journal_entry e
WHERE v.tenant_id = %s AND v.entity = %s AND v.row_id = ANY (%s::uuid[]) AND v.no > %s
  AND e.tenant_id = v.tenant_id AND e.entry_id = ANY (%s::uuid[]) AND e.origin_id = v.origin_id AND e.n = v.n
"""
_ENTRIES = "SELECT entry_id::text FROM journal_entry WHERE tenant_id = %s AND entry_id = ANY (%s::uuid[])"
_NOTE = """
INSERT INTO returned_line (tenant_id, id, origin_id, n, no, given_by, given_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
