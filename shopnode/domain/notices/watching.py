"""Looking for what people should know. Each area says by a watcher what stands now, or happened lately.

A watcher is a function of a context (of one shop, reading) that yields what it found:

    @watches("low_stock")
    def low(ctx: Context) -> Iterable[Found]: ...

Invariants:
  * The same cause makes one notice, however often it is looked for: a notice's key names its cause.
  * A kind that lasts is over as soon as its watcher does not find the cause any more, and may come again later.
  * Looking writes nothing where nothing changed, and a watcher that fails stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.clock import to_datetime, to_ms
from shopnode.domain.context import CONSOLE, Context
from shopnode.domain.homes import Home
from shopnode.domain.notices.kinds import KINDS, NoticeKind, channels_key, roles_key
from shopnode.domain.notices.models import Channel, Notice
from shopnode.domain.notices.outbox import Outgoing, queue_message
from shopnode.domain.notices.store import insert_new
from shopnode.domain.people.models import Staff
from shopnode.domain.people.queries import active_here, all_shops
from shopnode.domain.permissions import Role
from shopnode.domain.settings.queries import texts

TITLE_MAX = 200

log = logging.getLogger("shopnode.notices")


@dataclass(frozen=True)
class Found:
    """Something to tell.

    key          names the cause within its kind
    link         what it is about, "expense/0190…"; each home knows where that is shown
    staff_id     for this person alone, instead of roles
    customer_id  a message to a customer, and no notice
    via          the channel of a message that somebody chose already
    """

    key: str
    title: str
    body: str = ""
    link: str | None = None
    staff_id: str | None = None
    customer_id: str | None = None
    via: Channel | None = None
    due_at: datetime | None = None


Watcher = Callable[[Context], Iterable[Found]]
WATCHERS: list[tuple[NoticeKind, Watcher]] = []


@dataclass(frozen=True)
class Looked:
    """What one look came to."""

    told: int
    over: int
    failed: tuple[str, ...]  # kinds whose watcher failed


def watches(kind: str) -> Callable[[Watcher], Watcher]:
    """Register a watcher for a kind of notice."""

    def register(watcher: Watcher) -> Watcher:
        WATCHERS.append((KINDS[kind], watcher))
        return watcher

    return register


def look(home: Home, *, sends: bool, troubles: Iterable[str] = ()) -> Looked:
    """Look for everything once, in every shop of this home.

    sends     whether messages go out from here: where a hub has the books too, it sends and the shop does not
    troubles  what is wrong with this computer, in words
    """
    told, over, failed = 0, 0, set[str]()
    with home.reading() as session:
        shops = [home.shop_id] if home.shop_id else [shop.id for shop in all_shops(session)]
    for shop_id in shops:
        ctx = Context(home, CONSOLE, shop_id)
        for kind, watcher in WATCHERS:
            try:
                with home.reading() as session:
                    found = list(watcher(ctx.inside(session)))
            except Exception:
                log.exception("a watcher failed", extra={"kind": kind.key})
                failed.add(kind.key)
                continue
            more, less = tell(home, shop_id, kind, found, sends=sends)
            told, over = told + more, over + less
    system = [Found(words[:100], "The shop's computer needs looking after", words) for words in troubles]
    more, less = tell(home, home.shop_id, KINDS["system"], system, sends=sends)
    return Looked(told + more, over + less, tuple(sorted(failed)))


def tell(home: Home, shop_id: str | None, kind: NoticeKind, found: list[Found], *, sends: bool) -> tuple[int, int]:
    """Write down what was found of a kind in a shop; answers how many are new and how many are over."""
    with home.reading() as session:
        standing = _standing(session, shop_id, kind) if kind.lasts else []
        new = _new(session, shop_id, kind, found, standing)
        causes = {_cause(shop_id, kind, one) for one in found}
        gone = [row.id for row in standing if row.key.rpartition("#")[0] not in causes]
        changed = _reworded(shop_id, kind, found, standing)
    if not new and not gone and not changed:
        return 0, 0
    now = to_datetime(home.clock.wall_ms())
    with home.writing() as session:
        roles, channels = audience(session, kind)
        told = sum(_write(home, session, now, shop_id, kind, one, roles, channels, sends) for one in new)
        for row in session.scalars(select(Notice).where(Notice.id.in_([*gone, *changed]))):
            if row.id in changed:
                row.title, row.body = changed[row.id]
            else:
                row.over_at = now
    return told, len(gone)


def audience(session: Session, kind: NoticeKind) -> tuple[list[Role], list[Channel]]:
    """Who is told of a kind and how, as the business chose. Words that a later version knows are passed over."""
    keys = [roles_key(kind), channels_key(kind)] if kind.roles else [channels_key(kind)]
    chosen = texts(session, keys)
    roles = [Role(word) for word in chosen.get(roles_key(kind), "").split(",") if word in set(Role)]
    return roles, [Channel(word) for word in chosen[channels_key(kind)].split(",") if word in set(Channel)]


def _new(
    session: Session, shop_id: str | None, kind: NoticeKind, found: list[Found], standing: list[Notice]
) -> list[Found]:
    if kind.lasts:
        known = {row.key.rpartition("#")[0] for row in standing}
        return [one for one in found if _cause(shop_id, kind, one) not in known]
    return [one for one in found if one.customer_id is not None or not _is_told(session, shop_id, kind, one)]


def _is_told(session: Session, shop_id: str | None, kind: NoticeKind, one: Found) -> bool:
    return session.scalar(select(Notice.id).where(Notice.key == _cause(shop_id, kind, one))) is not None


def _standing(session: Session, shop_id: str | None, kind: NoticeKind) -> list[Notice]:
    query = select(Notice).where(Notice.kind == kind.key, Notice.over_at.is_(None))
    query = query.where(Notice.shop_id.is_(None) if shop_id is None else Notice.shop_id == shop_id)
    return list(session.scalars(query))


def _reworded(
    shop_id: str | None, kind: NoticeKind, found: list[Found], standing: list[Notice]
) -> dict[str, tuple[str, str]]:
    """Notices that stand and say something else by now: fourteen sales wait instead of two."""
    said = {_cause(shop_id, kind, one): (one.title[:TITLE_MAX], one.body) for one in found}
    wanted = {row.id: said.get(row.key.rpartition("#")[0]) for row in standing}
    return {
        row.id: words for row in standing if (words := wanted[row.id]) is not None and words != (row.title, row.body)
    }


def _cause(shop_id: str | None, kind: NoticeKind, one: Found) -> str:
    return f"{kind.key}:{shop_id or ''}:{one.key}"[:180]


def _write(
    home: Home, session: Session, now: datetime, shop_id: str | None, kind: NoticeKind, one: Found,
    roles: list[Role], channels: list[Channel], sends: bool,
) -> int:  # fmt: skip
    cause = _cause(shop_id, kind, one)
    if one.customer_id is not None:
        return _message_customer(home, session, now, shop_id, cause, one, channels) if sends else 0
    key = f"{cause}#{to_ms(now)}" if kind.lasts else cause
    told = ",".join(role.value for role in roles) if one.staff_id is None else ""
    row: dict[str, Any] = {
        "id": home.new_id(), "key": key, "kind": kind.key, "shop_id": shop_id, "staff_id": one.staff_id,
        "roles": told, "title": one.title[:TITLE_MAX], "body": one.body, "link": one.link, "at": now,
    }  # fmt: skip
    if not (told or one.staff_id) or Channel.IN_APP not in channels:
        row["over_at"] = None if kind.lasts else now
        row["roles"], row["staff_id"] = "", None  # it is remembered that it was told, and shown to nobody
    if not insert_new(session, Notice, [row], ("key",)):
        return 0
    if sends:
        _message_people(home, session, now, shop_id, key, one, roles, channels)
    return 1


def _message_people(
    home: Home, session: Session, now: datetime, shop_id: str | None, key: str, one: Found,
    roles: list[Role], channels: list[Channel],
) -> None:  # fmt: skip
    outside = [channel for channel in channels if channel is not Channel.IN_APP]
    if not outside:
        return
    who = Staff.id == one.staff_id if one.staff_id else Staff.role.in_([role.value for role in roles])
    for person in session.scalars(active_here(shop_id).where(who).order_by(Staff.id)):
        for channel in outside:
            # No address, no message; a telephone that is registered for push is known by its person.
            if (channel is Channel.SMS and person.phone is None) or (channel is Channel.MAIL and person.email is None):
                continue
            body = f"{one.title}. {one.body}".strip() if channel is Channel.SMS else one.body or one.title
            message = Outgoing(
                f"{key}:{channel.value}:{person.id}", channel, body, one.title, shop_id, person.id, None, one.due_at
            )
            queue_message(session, home.new_id(), now, message)


def _message_customer(
    home: Home, session: Session, now: datetime, shop_id: str | None, cause: str, one: Found, channels: list[Channel]
) -> int:
    wanted = [one.via] if one.via else [channel for channel in channels if channel is not Channel.IN_APP]
    done = 0
    for channel in wanted:
        message = Outgoing(
            f"{cause}:{channel.value}", channel, one.body, one.title, shop_id, None, one.customer_id, one.due_at
        )
        done += queue_message(session, home.new_id(), now, message)
    return done
