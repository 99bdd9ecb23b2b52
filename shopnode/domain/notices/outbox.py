"""Messages that leave: written once for their cause, waiting until a provider takes them.

Providers come later; each is a function of a `Message` that answers nothing or raises. What it raises is kept in
words, and the message is tried again, later each time.

Invariants:
  * A message is written once for its cause, however often it is asked for.
  * It is taken by one sender at a time: who sends it marks it first, so that a crash sends at most one twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.homes import Home
from shopnode.domain.notices.models import Channel, MessageState, OutgoingMessage
from shopnode.domain.notices.store import insert_new
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.people.models import Staff
from shopnode.domain.queries import row_or_none

TRIES_MAX = 8
FAULT_MAX = 300
FIRST_WAIT = timedelta(minutes=2)
AT_ONCE = 50


@dataclass(frozen=True)
class Message:
    """A message as its provider gets it."""

    id: str
    channel: Channel
    address: str
    subject: str | None
    body: str


Provider = Callable[[Message], None]
PROVIDERS: dict[Channel, Provider] = {}  # whoever has one registers it at start-up


@dataclass(frozen=True)
class Outgoing:
    """What is to be sent, and to whom: the number or address is looked up when it goes."""

    key: str
    channel: Channel
    body: str
    subject: str | None = None
    shop_id: str | None = None
    staff_id: str | None = None
    customer_id: str | None = None
    due_at: datetime | None = None


def queue_message(session: Session, row_id: str, now: datetime, message: Outgoing) -> bool:
    """Write a message down, inside the transaction that is open. Whether it is new: its key was not there."""
    row = {
        "id": row_id, "key": message.key, "channel": message.channel.value, "shop_id": message.shop_id,
        "staff_id": message.staff_id, "customer_id": message.customer_id, "subject": message.subject,
        "body": message.body, "state": MessageState.WAITING.value, "tries": 0, "due_at": message.due_at or now,
        "created_at": now,
    }  # fmt: skip
    return insert_new(session, OutgoingMessage, [row], ("key",)) == 1


def send_due(home: Home, providers: Mapping[Channel, Provider]) -> int:
    """Hand what is due to its providers; answers how many went. What has no provider waits."""
    sent = 0
    for message in _take(home, providers):
        fault = _send(providers[message.channel], message)
        with home.writing() as session:
            row = _find(session, message.id)
            now = to_datetime(home.clock.wall_ms())
            if fault is None:
                row.state, row.ended_at, row.fault = MessageState.SENT.value, now, None
                sent += 1
            else:
                row.fault = fault[:FAULT_MAX]
                if row.tries >= TRIES_MAX:
                    row.state, row.ended_at = MessageState.FAILED.value, now
    return sent


def list_messages(
    ctx: Context, *, state: MessageState | None = None, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[OutgoingMessage]:
    """Messages, the newest first. Raises Invalid for a wrong cursor."""
    query = select(OutgoingMessage)
    if state is not None:
        query = query.where(OutgoingMessage.state == state.value)
    return latest(ctx.session, query, OutgoingMessage.created_at, OutgoingMessage.id, limit, cursor)


def _take(home: Home, providers: Mapping[Channel, Provider]) -> list[Message]:
    """What is due now, counted as tried before it is: a crash must not send it for ever."""
    if not providers:
        return []
    now = to_datetime(home.clock.wall_ms())
    taken = []
    with home.writing() as session:
        query = (
            select(OutgoingMessage)
            .where(
                OutgoingMessage.state == MessageState.WAITING.value, OutgoingMessage.due_at <= now,
                OutgoingMessage.channel.in_([channel.value for channel in providers]),
            )
            .order_by(OutgoingMessage.due_at, OutgoingMessage.id)
            .limit(AT_ONCE)
        )  # fmt: skip
        for row in session.scalars(query):
            address = address_of(session, row)
            if address is None:
                row.state, row.ended_at = MessageState.CANCELLED.value, now
                row.fault = "Nobody is known by a number or address for it."
                continue
            row.tries += 1
            row.due_at = now + FIRST_WAIT * 2 ** (row.tries - 1)
            taken.append(Message(row.id, Channel(row.channel), address, row.subject, row.body))
    return taken


def address_of(session: Session, row: OutgoingMessage) -> str | None:
    """The number or address it goes to, as it is known now."""
    if row.staff_id is not None:
        person = row_or_none(session, Staff, row.staff_id)
        if person is None or person.archived_at is not None or person.suspended_at is not None:
            return None  # who was shut out is told nothing more of the shop
        return _by_channel(row.channel, person.phone, person.email, person.id)
    if row.customer_id is not None:
        customer = row_or_none(session, Customer, row.customer_id)
        return None if customer is None else _by_channel(row.channel, customer.phone, customer.email, None)
    return None


def _by_channel(channel: str, phone: str | None, email: str | None, staff_id: str | None) -> str | None:
    return {Channel.SMS.value: phone, Channel.MAIL.value: email, Channel.PUSH.value: staff_id}.get(channel)


def _send(provider: Provider, message: Message) -> str | None:
    """Why it could not be sent, or None. What a provider raises must not stop the others."""
    try:
        provider(message)
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


def _find(session: Session, row_id: str) -> OutgoingMessage:
    return session.scalars(select(OutgoingMessage).where(OutgoingMessage.id == row_id)).one()
