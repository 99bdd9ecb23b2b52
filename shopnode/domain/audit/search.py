"""Searching the journal: by person, record, action, time and shop, and one entry with everything it changed.

Invariants:
  * Nothing here writes; an entry is shown as it was recorded.
  * Personal values and secrets are never shown from the journal: only that there was one. Where a person may see them,
    the record's own page shows them, under its own permission.
  * A page costs the same few queries however long the journal is: each shop's newest entries are read along an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import ACTIONS
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.db import synced_models
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.journal import JournalEntry
from shopnode.domain.paging import PAGE_DEFAULT, Page, decode_cursor, older_than, page_of
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import names_of
from sync_protocol.chain import short_code
from sync_protocol.personal import is_marker

DUPLICATE = "duplicate"  # the hub's verdict on an entry that it had under another origin already
MASK = "•••"
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)  # beyond them there is nothing, and no instant to compare with


@dataclass(frozen=True)
class JournalFilter:
    """What is looked for; what is None is not asked about."""

    actor_id: str | None = None
    entity: str | None = None  # the kind of record: sale, customer, product
    record_id: str | None = None
    action: str | None = None  # its whole name, or its area: "sales" finds every action of sales
    since: date | None = None  # days of the shop's zone, both included
    until: date | None = None
    shop_id: str | None = None


@dataclass(frozen=True)
class EntryRow:
    """One entry in a list."""

    id: str
    origin_id: str
    n: int
    action: str
    words: str  # what the action does, for people
    at: datetime
    actor_id: str | None
    actor: str | None
    approver_id: str | None
    approver: str | None
    approved: tuple[str, ...]  # what the approver said yes to
    shop_id: str | None
    shop: str | None
    entity: str | None
    record_id: str | None
    ip: str | None
    user_agent: str | None
    rows: int  # written by it
    code: str  # the chain's short code at this entry, as receipts carry it
    verdict: str | None


@dataclass(frozen=True)
class FieldChange:
    """One field; `old` is None where the row is new. Masked values are told to be there and nothing else."""

    name: str
    old: Any
    new: Any
    is_masked: bool = False


@dataclass(frozen=True)
class RowChange:
    """One row that an entry wrote."""

    entity: str
    record_id: str
    is_new: bool
    fields: list[FieldChange]


@dataclass(frozen=True)
class EntryDetail:
    """One entry, whole."""

    row: EntryRow
    changes: list[RowChange] = field(default_factory=list)


def search_journal(
    ctx: Context, wanted: JournalFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[EntryRow]:
    """Entries, the newest first. Raises Invalid for a wrong cursor or days that end before they begin."""
    if wanted.since and wanted.until and wanted.until < wanted.since:
        raise Invalid({"until": "is before the first day"})
    place = decode_cursor(cursor, (int, str))
    if not list(_shops(ctx, wanted)):
        return Page([], None)
    if wanted.record_id is not None:
        found = _newest(ctx.session, _matching(ctx, wanted), place, limit)
    else:
        # Newest first of all shops is the newest of each shop: so each is read along its own index, and no further.
        found = [
            entry
            for shop_id in _shops(ctx, wanted)
            for entry in _newest(ctx.session, _matching(ctx, wanted).where(_in_shop(shop_id)), place, limit)
        ]
        found.sort(key=lambda entry: (entry.at, entry.entry_id), reverse=True)
    page = page_of(found[: limit + 1], limit, lambda entry: (to_ms(entry.at), entry.entry_id))
    return Page(entry_rows(ctx.session, page.rows), page.next_cursor)


def find_entry(ctx: Context, entry_id: str) -> EntryDetail:
    """One entry with what it changed. Raises NotFound."""
    query = select(JournalEntry).where(JournalEntry.entry_id == entry_id, _counts())
    entry = ctx.session.scalars(query.order_by(JournalEntry.at).limit(1)).one_or_none()
    if entry is None:
        raise NotFound("This entry")
    (row,) = entry_rows(ctx.session, [entry])
    return EntryDetail(row, list(changes_of(orjson.loads(entry.body))))


def actions_known() -> list[tuple[str, str]]:
    """(name, what it does) of every action, by name."""
    return [(name, ACTIONS[name].summary) for name in sorted(ACTIONS)]


def changes_of(document: dict[str, Any]) -> Iterator[RowChange]:
    """The rows of an entry as it was recorded."""
    for entity, op, columns, rows in document.get("rows", []):
        sealed = _masked_columns(entity)
        for values in rows:
            pairs = zip(columns[1:], values[1:], strict=True)
            told = [_field(name, value, op, name in sealed) for name, value in pairs]
            yield RowChange(entity, values[0], op == "i", [one for one in told if not (op == "i" and one.new is None)])


def _field(name: str, value: Any, op: str, is_sealed: bool) -> FieldChange:
    old, new = (None, value) if op == "i" else (value[0], value[1])
    if not (is_sealed or is_marker(old) or is_marker(new)):
        return FieldChange(name, old, new)
    return FieldChange(name, None if old is None else MASK, None if new is None else MASK, is_masked=True)


def _masked_columns(entity: str) -> frozenset[str]:
    model = synced_models().get(entity)
    return frozenset() if model is None else model.__sync__.personal


def entry_rows(session: Session, entries: Sequence[JournalEntry]) -> list[EntryRow]:
    """Entries as a list shows them, in the order given."""
    documents = [orjson.loads(entry.body) for entry in entries]
    people = {entry.actor_id for entry in entries} | {document.get("approver") for document in documents}
    names = names_of(session, {person for person in people if person})
    shops = _shop_names(session, {entry.shop_id for entry in entries if entry.shop_id})
    return [
        EntryRow(
            id=entry.entry_id, origin_id=entry.origin_id, n=entry.n, action=entry.action,
            words=words_for(entry.action), at=entry.at, actor_id=entry.actor_id, actor=names.get(entry.actor_id or ""),
            approver_id=document.get("approver"), approver=names.get(document.get("approver") or ""),
            approved=tuple(document.get("approved", ())),
            shop_id=entry.shop_id, shop=shops.get(entry.shop_id or ""), entity=entry.subject_entity,
            record_id=entry.subject_id, ip=document.get("ip"), user_agent=document.get("ua"),
            rows=sum(len(block[3]) for block in document.get("rows", ())), code=short_code(entry.hash),
            verdict=entry.verdict,
        )
        for entry, document in zip(entries, documents, strict=True)
    ]  # fmt: skip


def words_for(action: str) -> str:
    """What an action does, in a sentence; its name where this version does not know it."""
    known = ACTIONS.get(action)
    return known.summary.partition(" Raises ")[0] if known else action


def _matching(ctx: Context, wanted: JournalFilter) -> Select[JournalEntry]:
    exact: dict[Any, Any] = {
        JournalEntry.actor_id: wanted.actor_id,
        JournalEntry.subject_entity: wanted.entity,
        JournalEntry.subject_id: wanted.record_id,
    }
    query = select(JournalEntry).where(_counts(), *[column == value for column, value in exact.items() if value])
    if wanted.record_id is not None:
        query = query.where(or_(*[_in_shop(shop_id) for shop_id in _shops(ctx, wanted)]))
    if wanted.action:
        area = wanted.action.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + ".%"
        query = query.where(or_(JournalEntry.action == wanted.action, JournalEntry.action.like(area, escape="\\")))
    zone = _zone(ctx, wanted)
    if wanted.since is not None and wanted.since > FIRST_DAY:
        query = query.where(JournalEntry.at >= datetime.combine(wanted.since, time(), zone))
    if wanted.until is not None and wanted.until < LAST_DAY:
        query = query.where(JournalEntry.at < datetime.combine(wanted.until + timedelta(days=1), time(), zone))
    return query


def _newest(session: Session, query: Select[JournalEntry], place: list[Any] | None, limit: int) -> list[JournalEntry]:
    if place is not None:
        query = query.where(older_than(JournalEntry.at, JournalEntry.entry_id, place))
    ordered = query.order_by(JournalEntry.at.desc(), JournalEntry.entry_id.desc())
    return list(session.scalars(ordered.limit(limit + 1)))


def _counts() -> ColumnElement[bool]:
    """An entry that the hub was sent once more, by a computer that was restored, is one act."""
    return or_(JournalEntry.verdict.is_(None), JournalEntry.verdict != DUPLICATE)


def _in_shop(shop_id: str | None) -> ColumnElement[bool]:
    return JournalEntry.shop_id.is_(None) if shop_id is None else JournalEntry.shop_id == shop_id


def _shops(ctx: Context, wanted: JournalFilter) -> Iterable[str | None]:
    """Whose entries are asked for; None stands for those of no shop: the portal's, and the console's."""
    reachable = [ctx.shop_id] if ctx.shop_id is not None else list(ctx.session.scalars(select(Shop.id)))
    if wanted.shop_id is not None:
        return [shop_id for shop_id in reachable if shop_id == wanted.shop_id]
    return [*reachable, None]


def _zone(ctx: Context, wanted: JournalFilter) -> ZoneInfo:
    shop_id = wanted.shop_id or ctx.shop_id
    query = select(Shop.timezone).order_by(Shop.id).limit(1)
    if shop_id is not None:
        query = query.where(Shop.id == shop_id)
    return ZoneInfo(ctx.session.scalar(query) or "UTC")


def _shop_names(session: Session, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(Shop.id, Shop.name).where(Shop.id.in_(ids)))}
