"""What follows once rows are written: numbers, lines, versions, derived rows, and what an owner is told.

`settle()` takes the tenant's turn, so everything below it sees all that was committed before and nothing that comes
later: projections and look-ups for clashes need no locks of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from cloudhub.merge.books import Books, Clash, FieldKey, Oddity
from cloudhub.merge.clashes import find_clashes, happened_again
from cloudhub.merge.erasures import forget_what_they_reveal
from cloudhub.merge.feed import Draft, draft_lines, number_lines, write_lines
from cloudhub.merge.following import follow_conflicts
from cloudhub.merge.oddities import find_oddities
from cloudhub.merge.outcomes import list_outcomes
from cloudhub.merge.passwords import follow_passwords
from cloudhub.merge.tables import entity_tables, fed_tables
from cloudhub.merge.work import Work
from shopnode.domain import failpoints
from shopnode.domain.clock import Clock, act_id, new_id
from shopnode.domain.projections import project
from sync_protocol.lines import TENANT_STREAM


def settle(books: Books, works: Sequence[Work], clock: Clock, *, derive: bool = True) -> int:
    """Number and publish what was applied. Returns the feed's last number, 0 when there was nothing to publish.

    derive  whether derived rows are still to be computed; the door has done it for the portal's own actions
    """
    drafts = draft_lines(books, [work for work in works if work.applies])
    last = number_lines(books, drafts, clock.wall_ms()) if drafts else 0
    failpoints.hit("hub.numbered")
    _fill_feed_numbers(books, drafts)
    _write_versions(books, drafts)
    if derive:
        project(books.session, books.notes.changed)
        books.session.flush()
    follow_passwords(books, clock.wall_ms())
    books.notes.oddities += find_clashes(books)
    books.notes.oddities += find_oddities(books, [work for work in works if work.applies])
    _list_oddities(books, clock.wall_ms())
    _list_conflicts(books, clock)
    follow_conflicts(books, clock.wall_ms())
    list_outcomes(books, clock.wall_ms())
    write_lines(books, drafts)
    forget_what_they_reveal(books, works)
    failpoints.hit("hub.lines_written")
    return last


def _fill_feed_numbers(books: Books, drafts: Sequence[Draft]) -> None:
    """Decisions hold in feed order, so they carry their number."""
    for entity in fed_tables():
        ids: list[str] = []
        numbers: list[int] = []
        for draft in drafts:
            for name, op, _, rows in draft.blocks:
                if name == entity and op == "i":
                    ids += [row[0] for row in rows]
                    numbers += [draft.no] * len(rows)
        if ids:
            books.run(
                f"UPDATE {entity} AS t SET feed_no = f.no FROM unnest(%s::uuid[], %s::bigint[]) AS f (id, no) "
                f"WHERE t.tenant_id = %s AND t.id = f.id",
                [ids, numbers, books.tenant_id],
            )


def _write_versions(books: Books, drafts: Sequence[Draft]) -> None:
    versions = books.notes.versions
    if not versions:
        return
    numbers: dict[tuple[str, int], dict[str, int]] = {}
    for draft in drafts:
        numbers.setdefault((draft.work.origin_id, draft.work.n), {})[draft.stream] = draft.no
    columns: list[list[Any]] = [[] for _ in range(9)]
    for (entity, row_id, name), version in versions.items():
        lines = numbers[version.origin, version.n]
        # A value that came back keeps its number: who saw it before it was lost has seen it.
        lost_no = version.work.lost_no if version.work else None
        values = (
            entity, row_id, name, lost_no or _line_no(entity, lines), version.origin, version.n, version.at_ms,
            version.by_owner, version.actor_id,
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    books.run(_VERSIONS, [books.tenant_id, *columns])


def _line_no(entity: str, lines: dict[str, int]) -> int:
    """The line that carries a register row: the tenant's, or the shop's (an entry's last, if it touched several)."""
    if not entity_tables()[entity].in_shop_stream:
        return lines[TENANT_STREAM]
    return max(no for stream, no in lines.items() if stream != TENANT_STREAM)


def _list_oddities(books: Books, now_ms: int) -> None:
    for oddity in dict.fromkeys(books.notes.oddities):
        values = [books.tenant_id, _oddity_id(oddity), *_oddity_values(oddity), now_ms, happened_again(books, oddity)]
        books.run(_ODDITY, values)


def _oddity_id(oddity: Oddity) -> str:
    """The same thing is listed once, in whatever order its rows are found, until somebody has settled it."""
    rows = sorted(filter(None, (oddity.row_id, oddity.other_id)))
    return act_id("exception", oddity.kind, *rows)


def _oddity_values(oddity: Oddity) -> list[Any]:
    return [
        oddity.kind, oddity.entity, oddity.row_id, oddity.other_id, oddity.shop_id, oddity.origin_id, oddity.n,
        oddity.key[:200] if oddity.key else None,
    ]  # fmt: skip


def _list_conflicts(books: Books, clock: Clock) -> None:
    for key, clash in books.notes.clashes.items():
        books.run(_CONFLICT, {"tenant": books.tenant_id, **_conflict_values(key, clash, clock)})


def _conflict_values(key: FieldKey, clash: Clash, clock: Clock) -> dict[str, Any]:
    entity, row_id, name = key
    written = (_json(clash.written.value), clash.work.entry["actor"], clash.written.at_ms, clash.written.origin)
    earlier = (_json(clash.standing.value), clash.standing_by, clash.standing.at_ms, clash.standing.origin)
    standing, other = (written, earlier) if clash.won else (earlier, written)
    return {
        "id": new_id(clock.wall_ms()), "entity": entity, "row": row_id, "field": name, "now": clock.wall_ms(),
        "s_value": standing[0], "s_by": standing[1], "s_at": standing[2], "s_origin": standing[3],
        "o_value": other[0], "o_by": other[1], "o_at": other[2], "o_origin": other[3],
    }  # fmt: skip


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


_VERSIONS = """
INSERT INTO register_version (tenant_id, entity, row_id, field, no, origin_id, n, at_ms, by_owner, actor_id)
SELECT %b::uuid, v.entity, v.row::uuid, v.field, v.no, v.origin::uuid, v.n, v.at, v.owner, v.actor::uuid
FROM unnest(%b::text[], %b::text[], %b::text[], %b::bigint[], %b::text[], %b::bigint[], %b::bigint[], %b::boolean[],
  %b::text[]) AS v (entity, row, field, no, origin, n, at, owner, actor)
ON CONFLICT (tenant_id, entity, row_id, field) DO UPDATE SET no = excluded.no, origin_id = excluded.origin_id,
  n = excluded.n, at_ms = excluded.at_ms, by_owner = excluded.by_owner, actor_id = excluded.actor_id
"""
_ODDITY = """
INSERT INTO hub_exception (tenant_id, id, kind, entity, row_id, other_id, shop_id, origin_id, n, key, opened_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, id) DO UPDATE SET origin_id = excluded.origin_id, n = excluded.n, key = excluded.key,
  other_id = excluded.other_id, shop_id = excluded.shop_id, opened_at = excluded.opened_at,
  settled_at = NULL, settled_by = NULL, settled_word = NULL
WHERE hub_exception.settled_at IS NOT NULL AND %s
  AND (hub_exception.origin_id, hub_exception.n) <> (excluded.origin_id, excluded.n)
"""
_CONFLICT = """
INSERT INTO field_conflict (tenant_id, id, entity, row_id, field, standing_value, standing_by, standing_at,
  standing_origin, other_value, other_by, other_at, other_origin, opened_at, changed_at)
VALUES (%(tenant)s, %(id)s, %(entity)s, %(row)s, %(field)s, %(s_value)s, %(s_by)s, %(s_at)s, %(s_origin)s,
  %(o_value)s, %(o_by)s, %(o_at)s, %(o_origin)s, %(now)s, %(now)s)
ON CONFLICT (tenant_id, entity, row_id, field) WHERE resolved_at IS NULL DO UPDATE SET
  standing_value = excluded.standing_value, standing_by = excluded.standing_by, standing_at = excluded.standing_at,
  standing_origin = excluded.standing_origin, other_value = excluded.other_value, other_by = excluded.other_by,
  other_at = excluded.other_at, other_origin = excluded.other_origin, changed_at = excluded.changed_at
"""
