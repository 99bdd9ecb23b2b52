"""What rules settled by themselves: concurrent edits of fields that nobody watches, written down for a season.

An owner can look up why a field does not say what was typed in a shop; nothing waits and nothing is asked.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudhub.merge.books import Books, Clash
from cloudhub.merge.models import RuleOutcome
from cloudhub.merge.tables import entity_tables
from shopnode.domain.db import Rule

KEPT_DAYS = 90
LIST_MAX = 200
DAY_MS = 86_400_000


def list_outcomes(books: Books, now_ms: int) -> None:
    """Write down what this admission's rules settled, the latest of each field, and drop what is old."""
    settled = books.notes.settled
    if not settled:
        return
    columns: list[list[Any]] = [[] for _ in range(10)]
    for (entity, row_id, name), clash in sorted(settled.items(), key=lambda item: item[0]):
        for column, value in zip(columns, _values(entity, row_id, name, clash), strict=True):
            column.append(value)
    books.run(_WRITE, [books.tenant_id, now_ms, *columns])
    books.run(_DROP, [books.tenant_id, now_ms - KEPT_DAYS * DAY_MS])


def _values(entity: str, row_id: str, name: str, clash: Clash) -> tuple[Any, ...]:
    sync = entity_tables()[entity].sync
    rule = sync.rules.get(name)

    def said(value: Any) -> str | None:
        return None if name in sync.personal else orjson.dumps(value).decode()

    written = (said(clash.written.value), clash.work.entry.get("actor"), clash.written.origin)
    earlier = (said(clash.standing.value), clash.standing_by, clash.standing.origin)
    standing, other = (written, earlier) if clash.won else (earlier, written)
    return (entity, row_id, name, (rule or Rule.LATER_WINS).value, *standing, *other)


def latest_outcomes(session: Session) -> list[RuleOutcome]:
    """What was settled last, the newest first."""
    query = select(RuleOutcome).order_by(RuleOutcome.at.desc(), RuleOutcome.row_id, RuleOutcome.field)
    return list(session.scalars(query.limit(LIST_MAX)))


def count_outcomes(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(RuleOutcome)).one()


_WRITE = """
INSERT INTO rule_outcome (tenant_id, at, entity, row_id, field, rule, standing_value, standing_by, standing_origin,
  other_value, other_by, other_origin)
SELECT %s::uuid, %s::bigint, o.entity, o.row::uuid, o.field, o.rule, o.s_value, o.s_by::uuid, o.s_origin::uuid,
  o.o_value, o.o_by::uuid, o.o_origin::uuid
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
  %s::text[], %s::text[]) AS o (entity, row, field, rule, s_value, s_by, s_origin, o_value, o_by, o_origin)
ON CONFLICT (tenant_id, entity, row_id, field) DO UPDATE SET at = excluded.at, rule = excluded.rule,
  standing_value = excluded.standing_value, standing_by = excluded.standing_by,
  standing_origin = excluded.standing_origin, other_value = excluded.other_value, other_by = excluded.other_by,
  other_origin = excluded.other_origin
"""
_DROP = "DELETE FROM rule_outcome WHERE tenant_id = %s AND at < %s"
