"""Later edits of a field in dispute: an open conflict says what stands now, and an owner's word settles it.

Whoever edits a field after having seen what stood there is in no conflict with it. But the list still shows the values
of the first dispute, so it is brought up to date; there is one open row for each field.
"""

from __future__ import annotations

from typing import Any

from cloudhub.merge.books import Books, FieldKey, Version
from cloudhub.merge.tables import entity_tables


def follow_conflicts(books: Books, now_ms: int) -> None:
    """Bring open conflicts up to date with what this admission wrote, after its own were listed."""
    groups: dict[tuple[str, str], list[list[Any]]] = {}
    for key, version in books.notes.versions.items():
        entity, row_id, name = key
        if name in entity_tables()[entity].sync.watched and _is_later(books, key, version):
            columns = groups.setdefault((entity, name), [[] for _ in range(5)])
            values = (row_id, version.actor_id, version.at_ms, version.origin, version.by_owner)
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    for (entity, name), columns in groups.items():
        statement = _FOLLOW.format(entity=entity, field=name)
        books.run(statement, [now_ms, now_ms, *columns, books.tenant_id, books.tenant_id, entity, name])


def _is_later(books: Books, key: FieldKey, version: Version) -> bool:
    """Whether this was written after what is in dispute since this very admission."""
    clash = books.notes.clashes.get(key)
    return clash is None or (version.origin == clash.work.origin_id and version.n > clash.work.n)


_FOLLOW = """
UPDATE field_conflict AS c SET standing_value = to_jsonb(t.{field})::text, standing_by = f.actor::uuid,
  standing_at = f.at, standing_origin = f.origin::uuid, changed_at = %s,
  resolved_at = CASE WHEN f.owner THEN %s::bigint END, resolved_by = CASE WHEN f.owner THEN f.actor::uuid END
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::boolean[]) AS f (row, actor, at, origin, owner)
JOIN {entity} AS t ON t.tenant_id = %s AND t.id = f.row::uuid
WHERE c.tenant_id = %s AND c.entity = %s AND c.field = %s AND c.row_id = f.row::uuid AND c.resolved_at IS NULL
"""
