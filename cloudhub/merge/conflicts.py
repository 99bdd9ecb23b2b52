"""What an owner is asked to look at: edits that did not know of each other, and facts that do not go together.

Nothing waits for a review: the rule has decided already, and both values are kept. Choosing the other one is an
ordinary action, so it is journalled and reaches the shops like any edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cloudhub.merge.models import FieldConflict, HubException, Origin, WaitingEntry
from cloudhub.merge.sentences import Speaker
from shopnode.domain.actions import action
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.db import LocalDateType, UtcTimeType, synced_models
from shopnode.domain.errors import Conflict, NotFound
from shopnode.domain.homes import Where
from shopnode.domain.journal import JournalEntry
from shopnode.domain.params import IdText, Params
from shopnode.domain.people.models import Staff
from shopnode.domain.permissions import Permission

LIST_MAX = 500


@dataclass(frozen=True)
class Side:
    """One of two values, who set it and when."""

    value: Any
    by_id: str | None
    by_name: str | None
    at: datetime | None


@dataclass(frozen=True)
class ConflictView:
    """A watched field that two people changed without seeing each other's change."""

    id: str
    entity: str
    row_id: str
    record: str  # what people call it
    field: str
    standing: Side
    other: Side
    opened_at: datetime


@dataclass(frozen=True)
class ExceptionView:
    """Facts that do not go together, such as one number on two rows; or an entry that could not be taken in yet."""

    id: str
    kind: str
    entity: str
    row_id: str
    other_id: str | None
    shop_id: str | None
    key: str | None
    opened_at: datetime
    sentence: str = ""
    may_settle: bool = True  # what waits goes away by itself, once it was taken in


class Resolve(Params):
    """Which of the two values holds: the one that stands, or the other."""

    conflict_id: IdText
    use_other: bool


@action("conflicts.resolve", needs=Permission.CONFLICTS_RESOLVE, where=Where.ANYWHERE)
def resolve_conflict(ctx: Context, form: Resolve) -> dict[str, Any]:
    """Settle an open conflict: keep what stands, or use the other value."""
    conflict = ctx.session.scalars(select(FieldConflict).where(FieldConflict.id == form.conflict_id)).one_or_none()
    if conflict is None:
        raise NotFound("This conflict")
    if conflict.resolved_at is not None:
        raise Conflict("Somebody has settled this already.")
    model = synced_models()[conflict.entity]
    row = ctx.session.scalars(select(model).where(model.id == conflict.row_id)).one()
    if form.use_other:
        setattr(row, conflict.field, _python_value(model, conflict.field, conflict.other_value))
    conflict.resolved_at, conflict.resolved_by = ctx.now, ctx.actor.id
    ctx.about(conflict.entity, conflict.row_id)
    return {"entity": conflict.entity, "id": conflict.row_id, "field": conflict.field}


def open_conflicts(session: Session) -> list[ConflictView]:
    """Every open conflict the session can reach, newest first."""
    query = select(FieldConflict).where(FieldConflict.resolved_at.is_(None)).order_by(FieldConflict.changed_at.desc())
    found = session.scalars(query.limit(LIST_MAX)).all()
    people = {id_ for c in found for id_ in (c.standing_by, c.other_by) if id_}
    names = {row.id: row.name for row in session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(people)))}
    return [_conflict_view(session, conflict, names) for conflict in found]


def open_exceptions(session: Session) -> list[ExceptionView]:
    """Every open exception the session can reach, newest first; what waits to be taken in comes before them."""
    query = select(HubException).where(HubException.settled_at.is_(None)).order_by(HubException.opened_at.desc())
    listed = [
        ExceptionView(e.id, e.kind, e.entity, e.row_id, e.other_id, e.shop_id, e.key, e.opened_at)
        for e in session.scalars(query.limit(LIST_MAX))
    ]
    found = [*_waiting(session), *listed]
    speaker = Speaker(session, found)
    return [replace(view, sentence=speaker.sentence(view)) for view in found]


def _waiting(session: Session) -> list[ExceptionView]:
    """Entries that are held or were set aside: facts that no figure shows yet."""
    query = (
        select(WaitingEntry, JournalEntry.entry_id, JournalEntry.action, Origin.shop_id)
        .join(JournalEntry, (JournalEntry.origin_id == WaitingEntry.origin_id) & (JournalEntry.n == WaitingEntry.n))
        .join(Origin, Origin.id == WaitingEntry.origin_id)
        .order_by(WaitingEntry.since_at.desc(), WaitingEntry.n.desc())
    )
    return [
        ExceptionView(
            entry_id, row.verdict, "journal_entry", entry_id, row.missing_id, shop_id, action, row.since_at,
            may_settle=False,
        )
        for row, entry_id, action, shop_id in session.execute(query.limit(LIST_MAX))
    ]  # fmt: skip


def count_open(session: Session) -> tuple[int, int]:
    """How many conflicts are open, and how many exceptions and waiting entries."""
    conflicts = select(func.count()).select_from(FieldConflict).where(FieldConflict.resolved_at.is_(None))
    exceptions = select(func.count()).select_from(HubException).where(HubException.settled_at.is_(None))
    waiting = select(func.count()).select_from(WaitingEntry)
    return session.scalars(conflicts).one(), session.scalars(exceptions).one() + session.scalars(waiting).one()


def settle_exception(session: Session, exception_id: str, staff_id: str | None, now_ms: int) -> None:
    """Take an exception off the list: somebody has looked at it. Raises NotFound."""
    statement = update(HubException).where(HubException.id == exception_id, HubException.settled_at.is_(None))
    values = {"settled_at": to_datetime(now_ms), "settled_by": staff_id}
    if session.execute(statement.values(**values).returning(HubException.id)).one_or_none() is None:
        raise NotFound("This exception")


def _conflict_view(session: Session, conflict: FieldConflict, names: dict[str, str]) -> ConflictView:
    model = synced_models()[conflict.entity]
    row = session.scalars(select(model).where(model.id == conflict.row_id)).one_or_none()

    def side(value: str | None, by_id: str | None, at: datetime | None) -> Side:
        shown = _python_value(model, conflict.field, value)
        return Side(shown, by_id, names.get(by_id or ""), at)

    return ConflictView(
        id=conflict.id,
        entity=conflict.entity,
        row_id=conflict.row_id,
        record=str(getattr(row, "name", None) or getattr(row, "key", None) or conflict.row_id),
        field=conflict.field,
        standing=side(conflict.standing_value, conflict.standing_by, conflict.standing_at),
        other=side(conflict.other_value, conflict.other_by, conflict.other_at),
        opened_at=conflict.opened_at,
    )


def _python_value(model: Any, name: str, stored: str | None) -> Any:
    """A value as it travels, as the model holds it."""
    value = None if stored is None else orjson.loads(stored)
    kind = model.__table__.columns[name].type
    if value is not None and isinstance(kind, UtcTimeType):
        return to_datetime(value)
    if value is not None and isinstance(kind, LocalDateType):
        return date.fromisoformat(value)
    return value
