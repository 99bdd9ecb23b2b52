"""Notifications: what one should know, and the messages that wait to leave."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryBool
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.notices.models import Channel, MessageState, OutgoingMessage
from shopnode.domain.notices.outbox import list_messages
from shopnode.domain.notices.queries import COUNT_MAX, NoticeView, count_unread, list_notices, mark_read, notice_view
from shopnode.domain.params import Code
from shopnode.domain.permissions import Permission
from shopnode.web.ui.request import aside


class NotificationQuery(Paged):
    unread: QueryBool = False
    type: Code | None = None


class MessageQuery(Paged):
    state: MessageState | None = None


class NotificationOut(BaseModel):
    """A notification."""

    id: str
    type: str
    shop_id: str | None
    title: str
    message: str
    link: str | None = Field(description="What it is about: “expense/…”, “sale/…”.")
    created_at: Instant
    is_read: bool
    read_at: Instant | None
    is_over: bool = Field(description="Its cause is gone.")


class NotificationPage(BaseModel):
    items: list[NotificationOut]
    next_cursor: str | None


class UnreadOut(BaseModel):
    """How many are new, for a badge."""

    unread: int = Field(description=f"At most {COUNT_MAX}.")


class ReadOut(BaseModel):
    read: int = Field(description="How many were new.")


class MessageOut(BaseModel):
    """A message that leaves, or left."""

    id: str
    channel: Channel
    state: MessageState
    staff_id: str | None
    customer_id: str | None
    subject: str | None
    body: str
    tries: int
    due_at: Instant
    created_at: Instant
    ended_at: Instant | None
    fault: str | None


class MessagePage(BaseModel):
    items: list[MessageOut]
    next_cursor: str | None


@route("GET", "/notifications", needs=Permission.NOTICES_READ)
def list_notifications(call: Call, query: NotificationQuery) -> NotificationPage:
    """Notifications of whoever calls, the latest first."""
    page = list_notices(call.ctx, unread=query.unread, kind=query.type, limit=query.limit, cursor=query.cursor or None)
    return NotificationPage(items=[_out(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/notifications/count", needs=Permission.NOTICES_READ)
def count_notifications(call: Call) -> UnreadOut:
    """How many ask to be read."""
    return UnreadOut(unread=count_unread(call.ctx))


@route("POST", "/notifications/read-all", needs=Permission.NOTICES_READ)
def read_all_notifications(call: Call) -> ReadOut:
    """Mark all of them as read."""
    return ReadOut(read=aside(mark_read))


@route("GET", "/notifications/messages", needs=Permission.SETTINGS_UPDATE)
def list_outgoing_messages(call: Call, query: MessageQuery) -> MessagePage:
    """Messages by SMS, mail and push that wait to leave, or left, the latest first."""
    page = list_messages(call.ctx, state=query.state, limit=query.limit, cursor=query.cursor or None)
    return MessagePage(items=[_message(row) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/notifications/<notice_id>", needs=Permission.NOTICES_READ)
def get_notification(call: Call, notice_id: str) -> NotificationOut:
    """One notification."""
    return _out(notice_view(call.ctx, notice_id))


@route("POST", "/notifications/<notice_id>/read", needs=Permission.NOTICES_READ)
def read_notification(call: Call, notice_id: str) -> NotificationOut:
    """Mark one as read."""
    notice_view(call.ctx, notice_id)
    aside(lambda ctx: mark_read(ctx, [notice_id]))
    return _out(notice_view(call.ctx, notice_id))


def _out(view: NoticeView) -> NotificationOut:
    return NotificationOut(
        id=view.id, type=view.kind, shop_id=view.shop_id, title=view.title, message=view.body, link=view.link,
        created_at=view.at, is_read=view.read_at is not None, read_at=view.read_at, is_over=view.over_at is not None,
    )  # fmt: skip


def _message(row: OutgoingMessage) -> MessageOut:
    return MessageOut(
        id=row.id, channel=Channel(row.channel), state=MessageState(row.state), staff_id=row.staff_id,
        customer_id=row.customer_id, subject=row.subject, body=row.body, tries=row.tries, due_at=row.due_at,
        created_at=row.created_at, ended_at=row.ended_at, fault=row.fault,
    )  # fmt: skip
