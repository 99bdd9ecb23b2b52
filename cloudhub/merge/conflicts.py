"""What an owner is asked to look at: edits that did not know of each other, and facts that do not go together.

Nothing waits for a review: the rule has decided already, and both values are kept. Choosing the other one is an
ordinary action, so it is journalled and reaches the shops like any edit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudhub.merge.models import FieldConflict, HubException, Origin
from cloudhub.merge.sentences import Speaker
from shopnode.domain.actions import action
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.db import LocalDateType, UtcTimeType, synced_models
from shopnode.domain.errors import Conflict, NotFound
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Optionally, Params, ShortText
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
    """Facts that do not go together, such as one number on two rows."""

    id: str
    kind: str
    entity: str
    row_id: str
    other_id: str | None
    shop_id: str | None
    key: str | None
    opened_at: datetime
    sentence: str = ""
    found_in: str | None = None  # the shop whose entry brought it up


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


class Settle(Params):
    """An exception that somebody has looked at, and what they did about it."""

    exception_id: IdText
    word: Annotated[ShortText | None, Optionally] = None


@action("exceptions.settle", needs=Permission.CONFLICTS_RESOLVE, where=Where.ANYWHERE)
def settle_exception(ctx: Context, form: Settle) -> dict[str, Any]:
    """Take an exception off the list, with a word on what was done. No record of any shop changes by it."""
    query = select(HubException).where(HubException.id == form.exception_id).with_for_update()
    exception = ctx.session.scalars(query).one_or_none()
    if exception is None:
        raise NotFound("This exception")
    if exception.settled_at is not None:
        raise Conflict("Somebody has settled this already.")
    exception.settled_at, exception.settled_by, exception.settled_word = ctx.now, ctx.actor.id, form.word
    ctx.about("hub_exception", exception.id)
    return {"id": exception.id, "kind": exception.kind, "word": form.word}


def open_conflicts(session: Session) -> list[ConflictView]:
    """Every open conflict the session can reach, newest first."""
    query = select(FieldConflict).where(FieldConflict.resolved_at.is_(None)).order_by(FieldConflict.changed_at.desc())
    found = session.scalars(query.limit(LIST_MAX)).all()
    people = {id_ for c in found for id_ in (c.standing_by, c.other_by) if id_}
    names = {row.id: row.name for row in session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(people)))}
    return [_conflict_view(session, conflict, names) for conflict in found]


def open_exceptions(session: Session) -> list[ExceptionView]:
    """Every open exception the session can reach, newest first."""
    query = select(HubException, Origin.shop_id).outerjoin(Origin, Origin.id == HubException.origin_id)
    query = query.where(HubException.settled_at.is_(None)).order_by(HubException.opened_at.desc(), HubException.id)
    found = [
        ExceptionView(e.id, e.kind, e.entity, e.row_id, e.other_id, e.shop_id, e.key, e.opened_at, found_in=found_in)
        for e, found_in in session.execute(query.limit(LIST_MAX))
    ]
    speaker = Speaker(session, found)
    return [replace(view, sentence=speaker.sentence(view)) for view in found]


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
