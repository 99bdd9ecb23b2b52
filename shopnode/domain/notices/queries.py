"""Reading notices: those for one person, how many are new, and marking them as read.

A notice is for a person, or for everybody of its roles. One that is over stays in the list and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, delete, func, literal, or_, select

from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.db import ID_TYPE
from shopnode.domain.errors import NotFound
from shopnode.domain.homes import Home
from shopnode.domain.notices.models import Notice, NoticeRead, OutgoingMessage
from shopnode.domain.notices.store import insert_new
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.prepared import Prepared

COUNT_MAX = 100  # what a badge shows is never more exact than "99+"
READ_AT_ONCE = 1_000


@dataclass(frozen=True)
class NoticeView:
    """A notice as one person sees it."""

    id: str
    kind: str
    shop_id: str | None
    title: str
    body: str
    link: str | None
    at: datetime
    read_at: datetime | None
    over_at: datetime | None


def _for_me(ctx: Context) -> ColumnElement[bool]:
    return _for(ctx.actor.id, f",{ctx.actor.role.value},")


def _for(staff_id: Any, role: Any) -> ColumnElement[bool]:
    words = literal(",") + Notice.roles + literal(",")
    return or_(Notice.staff_id == staff_id, words.contains(role)) if staff_id is not None else words.contains(role)


def _unread(ctx: Context) -> ColumnElement[bool]:
    return _not_read_by(ctx.actor.id)


def _not_read_by(staff_id: Any) -> ColumnElement[bool]:
    read = select(NoticeRead.notice_id).where(NoticeRead.notice_id == Notice.id, NoticeRead.staff_id == staff_id)
    return ~read.correlate(Notice).exists()


def _asks(ctx: Context) -> ColumnElement[bool]:
    return Notice.over_at.is_(None) & _unread(ctx)


def _count() -> Prepared:
    """Every page shows it."""
    me: Any = bindparam("staff_id", type_=ID_TYPE)
    rows = select(Notice.id).where(
        _for(me, bindparam("role", type_=Text())), Notice.over_at.is_(None), _not_read_by(me)
    )
    return Prepared(select(func.count().label("unread")).select_from(rows.limit(COUNT_MAX).subquery()))


_UNREAD = _count()


def list_notices(
    ctx: Context, *, unread: bool = False, kind: str | None = None, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[NoticeView]:
    """The notices for this person, the newest first. Raises Invalid for a wrong cursor."""
    query = select(Notice).where(_for_me(ctx))
    if unread:
        query = query.where(_asks(ctx))
    if kind is not None:
        query = query.where(Notice.kind == kind)
    page = latest(ctx.session, query, Notice.at, Notice.id, limit, cursor)
    return Page(_views(ctx, page.rows), page.next_cursor)


def notice_view(ctx: Context, notice_id: str) -> NoticeView:
    """One of them. Raises NotFound."""
    row = ctx.session.scalars(select(Notice).where(Notice.id == notice_id, _for_me(ctx))).one_or_none()
    if row is None:
        raise NotFound("This notice")
    return _views(ctx, [row])[0]


def count_unread(ctx: Context) -> int:
    """How many ask to be read, at most COUNT_MAX."""
    told = _UNREAD.first(ctx.session, staff_id=ctx.actor.id, role=f",{ctx.actor.role.value},")
    return int(told[0]) if told else 0


def mark_read(ctx: Context, notice_ids: Collection[str] | None = None) -> int:
    """Mark notices of this person as read, all of them where none are named; answers how many were new to them.

    Needs no open session, and none should be held: it writes.
    """
    if ctx.actor.id is None:
        return 0
    with ctx.home.reading() as session:
        me = ctx.inside(session)
        query = select(Notice.id).where(_for_me(me), _unread(me)).order_by(Notice.at.desc()).limit(READ_AT_ONCE)
        if notice_ids is not None:
            query = query.where(Notice.id.in_(notice_ids))
        ids = list(session.scalars(query))
    if not ids:
        return 0
    rows = [{"notice_id": row_id, "staff_id": ctx.actor.id, "read_at": ctx.now} for row_id in ids]
    with ctx.home.writing() as session:
        return insert_new(session, NoticeRead, rows, ("notice_id", "staff_id"))


def forget_old(home: Home, days: int) -> int:
    """Forget notices and messages that ended so many days ago; answers how many."""
    before = to_datetime(home.clock.wall_ms()) - timedelta(days=days)
    old = select(Notice.id).where(Notice.at < before)
    ended = OutgoingMessage.ended_at < before
    with home.reading() as session:
        if not session.scalar(old.limit(1)) and not session.scalar(select(OutgoingMessage.id).where(ended).limit(1)):
            return 0
    with home.writing() as session:
        session.execute(delete(NoticeRead).where(NoticeRead.notice_id.in_(old)))
        gone = len(session.scalars(delete(Notice).where(Notice.at < before).returning(Notice.id)).all())
        return gone + len(session.scalars(delete(OutgoingMessage).where(ended).returning(OutgoingMessage.id)).all())


def _views(ctx: Context, rows: list[Notice]) -> list[NoticeView]:
    query = select(NoticeRead.notice_id, NoticeRead.read_at).where(
        NoticeRead.staff_id == ctx.actor.id, NoticeRead.notice_id.in_([row.id for row in rows])
    )
    read = {row.notice_id: row.read_at for row in ctx.session.execute(query)} if rows else {}
    return [
        NoticeView(
            row.id, row.kind, row.shop_id, row.title, row.body, row.link, row.at, read.get(row.id), row.over_at
        )
        for row in rows
    ]  # fmt: skip
