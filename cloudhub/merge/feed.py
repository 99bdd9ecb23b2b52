"""The feed: one line for each entry and stream, numbered last, linked stream by stream.

Invariants:
  * Numbers are taken under the tenant's own row, by the transaction that then commits. So a reader that sees number
    n sees every smaller one: no line is ever skipped, however many push at once.
  * Each line names the previous number of its stream; hashes are chained, so one proves all lines before it.
  * A line of the tenant's stream has a smaller number than the shop's line of the same entry: parents come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cloudhub.merge.books import Books
from cloudhub.merge.tables import entity_tables
from cloudhub.merge.work import Work
from sync_protocol.canonical import serialise
from sync_protocol.chain import link, stream_genesis
from sync_protocol.entries import sealed_bytes
from sync_protocol.lines import TENANT_STREAM, make_line, shop_stream
from sync_protocol.personal import Sealer
from sync_protocol.shape import Block

ShopOf = Callable[[str, str], str]


@dataclass
class Draft:
    """A line before it has a number."""

    work: Work
    stream: str
    blocks: list[Block]
    brief: bool  # its writer can make it itself
    no: int = 0


def draft_lines(books: Books, works: Iterable[Work]) -> list[Draft]:
    """The lines of these entries in the order in which they are numbered."""
    drafts = []
    for work in works:
        touched = work.streams or split_streams(work.written, books.shop_of)
        # A node makes its own line again from all its rows of one shop, so an entry for several shops is sent whole.
        brief = work.as_written and len(touched) - (TENANT_STREAM in touched) <= 1
        told = touched if work.as_written else split_streams(_sealed_again(work, books.salt), books.shop_of)
        drafts += [Draft(work, stream, told.get(stream, []), brief) for stream in _streams_of(work, touched, told)]
    return drafts


def _streams_of(work: Work, touched: Iterable[str], told: Iterable[str]) -> list[str]:
    """Where an entry's lines go, in the order of their numbers. Its writer hears of it also when nothing was taken;
    another shop does not."""
    names = {*touched, *told}
    shop_id = work.sender.shop_id
    if shop_id is not None:
        here = {TENANT_STREAM, shop_stream(shop_id), *told}
        names = {name if name in here else shop_stream(shop_id) for name in names}
    return sorted(names, key=lambda name: (name != TENANT_STREAM, name))


def split_streams(blocks: Iterable[Block], shop_of: ShopOf) -> dict[str, list[Block]]:
    """The blocks of an entry by stream, as outcomes: updates hold the new values alone."""
    found: dict[str, list[Block]] = {}
    for entity, op, columns, rows in blocks:
        table = entity_tables()[entity]
        if op == "u":
            rows = [[row[0], *(change[1] for change in row[1:])] for row in rows]
        if not table.in_shop_stream:
            found.setdefault(TENANT_STREAM, []).append([entity, op, columns, rows])
            continue
        place = columns.index("shop_id") if op == "i" else None
        if place is not None and len({row[place] for row in rows}) == 1:  # as nearly all are
            found.setdefault(shop_stream(rows[0][place]), []).append([entity, op, columns, rows])
            continue
        by_shop: dict[str, list[list[Any]]] = {}
        for row in rows:
            shop_id = shop_of(entity, row[0]) if place is None else row[place]
            by_shop.setdefault(shop_stream(shop_id), []).append(row)
        for stream, mine in by_shop.items():
            found.setdefault(stream, []).append([entity, op, columns, mine])
    return found


def _sealed_again(work: Work, salt: Callable[[], bytes]) -> list[Block]:
    """What stands now, with personal values as markers: the entry's own, or new ones for values of others."""
    reveals = work.reveals
    markers = {serialise(pair[1]): marker for marker, pair in reveals.items()}

    def seal_again(value: Any) -> Any:
        if type(value) is list:
            return [seal_again(part) for part in value]
        if value is None:
            return None
        marker = markers.get(serialise(value))
        if marker is None:
            sealer = Sealer(lambda _: salt())
            marker = str(sealer.seal(value))
            reveals.update(sealer.reveals)
        return marker

    sealed = []
    for entity, op, columns, rows in work.told:
        personal = entity_tables()[entity].sync.personal
        hidden = {place for place, name in enumerate(columns) if name in personal}
        if hidden:
            rows = [[seal_again(value) if i in hidden else value for i, value in enumerate(row)] for row in rows]
        sealed.append([entity, op, columns, rows])
    return sealed


def number_lines(books: Books, drafts: Sequence[Draft], now_ms: int) -> int:
    """Take the tenant's turn and number the lines; from here on until commit nobody else of this tenant writes.

    Returns the last number of the feed, which is also the last of these lines.
    """
    ((last,),) = books.rows(_TAKE, [len(drafts), now_ms, books.tenant_id])
    for no, draft in enumerate(drafts, last - len(drafts) + 1):
        draft.no = no
    return int(last)


def take_turn(books: Books) -> None:
    """Take the tenant's turn before there is anything to number: what others committed is seen from here on."""
    books.rows(_TURN, [books.tenant_id])


def write_lines(books: Books, drafts: Sequence[Draft]) -> None:
    """Write the numbered lines and move their streams' ends."""
    if not drafts:
        return
    streams = {draft.stream for draft in drafts}
    heads = {stream: (0, stream_genesis(stream)) for stream in streams}
    heads.update({stream: (no, digest) for stream, no, digest in books.rows(_ENDS, [books.tenant_id, list(streams)])})
    columns: list[list[Any]] = [[] for _ in range(10)]
    for draft in drafts:
        work = draft.work
        entry = {**work.entry, "personal": work.reveals} if work.reveals else work.entry
        prev, prev_hash = heads[draft.stream]
        line = make_line(entry, work.origin_id, draft.no, prev, draft.stream, draft.blocks)
        sealed = sealed_bytes(line)
        digest = link(prev_hash, sealed)
        personal = serialise(line["personal"]).decode() if "personal" in line else None
        count = sum(len(block[3]) for block in draft.blocks)
        values = (
            draft.no, draft.stream, prev, work.origin_id, work.n, draft.brief, digest, count,
            sealed.decode(), personal,
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        heads[draft.stream] = (draft.no, digest)
    books.run(_INSERT, [books.tenant_id, *columns])
    names = list(heads)
    books.run(_MOVE, [books.tenant_id, names, [heads[s][0] for s in names], [heads[s][1] for s in names]])


_TAKE = "UPDATE tenant_feed SET seq = seq + %s, moved_at = %s WHERE tenant_id = %s RETURNING seq"
_TURN = "SELECT seq FROM tenant_feed WHERE tenant_id = %s FOR UPDATE"
_ENDS = "SELECT stream, no, hash FROM feed_stream WHERE tenant_id = %s AND stream = ANY (%s)"
_INSERT = """
INSERT INTO feed_line (tenant_id, no, stream, prev, origin_id, n, as_written, hash, rows, body, personal)
SELECT %b::uuid, l.no, l.stream, l.prev, l.origin::uuid, l.n, l.as_written, l.hash, l.rows, l.body, l.personal
FROM unnest(%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::bigint[], %b::boolean[], %b::text[],
  %b::bigint[], %b::text[], %b::text[])
  AS l (no, stream, prev, origin, n, as_written, hash, rows, body, personal)
"""
_MOVE = """
INSERT INTO feed_stream (tenant_id, stream, no, hash)
SELECT %s::uuid, s.stream, s.no, s.hash FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS s (stream, no, hash)
ON CONFLICT (tenant_id, stream) DO UPDATE SET no = excluded.no, hash = excluded.hash
"""
