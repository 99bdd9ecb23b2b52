"""Pages of the feed: what a node is sent of it, in feed order, with one cursor over all its streams.

A page is joined from stored bytes. A line of the node's own, taken as written, is sent as its place alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from cloudhub.hub import Hub
from cloudhub.merge.books import Books
from cloudhub.merge.schemas import is_withheld, without_unknown
from sync_protocol.canonical import serialise
from sync_protocol.entries import travelling_bytes
from sync_protocol.problems import LogFloor, Rewind
from sync_protocol.versions import SCHEMA_VERSION

LINES_MAX = 2_000  # of one page


@dataclass(frozen=True)
class FeedPage:
    """Lines after `from_no`; `to_no` is the new cursor, also where none of the lines between were for this node."""

    from_no: int
    to_no: int
    more: bool
    lines: list[bytes]
    hashes: list[str]
    withheld: bool = False  # some of the lines are not sent as they are, see `schemas`


def read_page(
    books: Books, origin_id: str, streams: Sequence[str], cursor: int, rows_max: int, bytes_max: int,
    whole_until: int = 0, schema: int = SCHEMA_VERSION,
) -> FeedPage:  # fmt: skip
    """The next page for a node. One line is always sent, whatever the limits. Raises LogFloor.

    whole_until  the node's own entries up to this number are sent whole
    schema       what the node knows
    """
    # Everything up to the number read here is committed and visible, because numbers are taken last.
    ((last, floor),) = books.rows("SELECT seq, floor FROM tenant_feed WHERE tenant_id = %s", [books.tenant_id])
    if cursor < floor:
        raise LogFloor(floor)
    found = _lines_after(books, (origin_id, whole_until), streams, cursor, last, bytes_max)
    lines: list[bytes] = []
    hashes: list[str] = []
    to_no, rows_sum, bytes_sum = cursor, 0, 0
    withheld = False
    for no, stream, prev, origin, n, as_written, digest, rows, body, personal in found:
        if as_written and origin == origin_id and n > whole_until:
            line = serialise({"n": n, "no": no, "origin": origin, "prev": prev, "stream": stream})
            rows = 1
        else:
            line, is_part = _as_known(body, personal, digest, schema)
            withheld = withheld or is_part
        rows_sum, bytes_sum = rows_sum + rows, bytes_sum + len(line)
        if lines and (rows_sum > rows_max or bytes_sum > bytes_max):
            return FeedPage(cursor, to_no, True, lines, hashes, withheld)
        lines.append(line)
        hashes.append(digest)
        to_no = no
    if len(found) == LINES_MAX:
        return FeedPage(cursor, to_no, True, lines, hashes, withheld)
    return FeedPage(cursor, max(last, cursor), False, lines, hashes, withheld)


def _as_known(body: str, personal: str | None, digest: str, schema: int) -> tuple[bytes, bool]:
    """A line as it is sent to a node of that schema, and whether something of it is withheld."""
    whole = travelling_bytes(body.encode(), personal.encode() if personal else None)
    if schema >= SCHEMA_VERSION:
        return whole, False
    line = orjson.loads(whole)
    if not is_withheld(line, schema):
        return whole, False
    return serialise(without_unknown(line, schema, digest)), True


def _lines_after(
    books: Books, own: tuple[str, int], streams: Sequence[str], cursor: int, last: int, bytes_max: int
) -> list[tuple]:  # type: ignore[type-arg]
    """The lines after the cursor, up to the one that passes the limit; without their bytes where a place is enough."""
    # Each stream is read along its own index; without statistics the planner would sort the rest of the log instead.
    books.run("SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true)", [])
    one = "(SELECT * FROM feed_line WHERE tenant_id = %s AND stream = %s AND no > %s AND no <= %s ORDER BY no LIMIT %s)"
    values = [value for s in streams for value in (books.tenant_id, s, cursor, last, LINES_MAX)]
    lines = f"{' UNION ALL '.join([one] * len(streams))} ORDER BY no LIMIT {LINES_MAX}"
    return books.rows(_PAGE.format(lines=lines), [*own, *values, bytes_max])


def check_witnesses(
    hub: Hub, books: Books, cursor: int, streams: Mapping[str, tuple[int, str]], head: tuple[int, str]
) -> None:
    """Raises Rewind when the node remembers a feed that this hub does not have: it was restored from a backup.

    A node that remembers an earlier life of the hub and nothing that was lost goes on as if nothing had happened.
    """
    ((last, epoch),) = books.rows("SELECT seq, epoch FROM tenant_feed WHERE tenant_id = %s", [books.tenant_id])
    if epoch is not None and epoch != hub.identity.epoch:
        hub.notice_life()  # another process has begun it
    numbers = [no for no, _ in streams.values() if no]
    known = books.rows(_WITNESSES, [books.tenant_id, numbers]) if numbers else []
    fits = {(stream, no): digest for stream, no, digest in known}
    parted = [no for stream, (no, digest) in streams.items() if no and fits.get((stream, no)) != digest]
    if cursor > last or parted:
        common = [no for no in numbers if no not in parted]
        raise Rewind(hub.identity.epoch, head[0], head[1], max(common, default=0))


# The length of a text is known without unpacking it, so lines that do not fit are never read whole. The first always
# fits; the second is read to know that there is one.
_PAGE = """
SELECT no, stream, prev, origin_id::text, n, as_written, hash, rows,
  CASE WHEN brief THEN NULL ELSE body END, CASE WHEN brief THEN NULL ELSE personal END
FROM (
  SELECT *, sum(size) OVER (ORDER BY no) - size AS before, row_number() OVER (ORDER BY no) AS place FROM (
    SELECT *, CASE WHEN brief THEN 0 ELSE octet_length(body) END AS size FROM (
      SELECT *, as_written AND origin_id = %s::uuid AND n > %s AS brief FROM ({lines}) AS line
    ) AS told
  ) AS sized
) AS page
WHERE before <= %s OR place <= 2 ORDER BY no
"""
_WITNESSES = "SELECT stream, no, hash FROM feed_line WHERE tenant_id = %s AND no = ANY (%s)"
