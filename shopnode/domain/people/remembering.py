"""Browsers that are remembered: there a person comes back by their PIN alone, for as many days as the settings say.

Invariants:
  * It stands in for the password and for nothing else: the PIN is that person's own, who has a second proof gives it,
    too, and a second person's approval is theirs as ever. Who has no PIN here types the password.
  * A token is good once, for one person in one browser, and kept as a hash. Their password is part of what is hashed:
    set anew anywhere, at the hub too, no browser of theirs is remembered.
  * An old token that comes back, or one in another browser, was copied: all that came of it ends, with the sessions of
    that browser, and it is written down (`staff.end_copied_browser`). For a moment after it was used an old one is
    merely refused: a button pressed twice is no thief.
  * The time is over when it was over at first; coming back does not make it longer.

Each home remembers for itself. A row's family are the rows of its person that were begun at the same moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from shopnode.domain.actions import action, perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import CONSOLE, Actor, Channel, Context
from shopnode.domain.errors import NotFound, NotSignedIn
from shopnode.domain.homes import Home
from shopnode.domain.node import NodeHome
from shopnode.domain.params import IdText, Line, Params
from shopnode.domain.people.access_models import RememberedDevice
from shopnode.domain.people.approvals import prove_by_pin
from shopnode.domain.people.browsers import browser_name
from shopnode.domain.people.models import Staff, StaffPin, WebSession
from shopnode.domain.people.queries import actor_for, find_staff, password_hash_of
from shopnode.domain.people.second_proof import SecondProofNeeded, has_second_proof, prove_second
from shopnode.domain.people.session_list import public_id
from shopnode.domain.people.sessions import SignedIn, begin_session, new_secret
from shopnode.domain.people.throttle import account_key, count_try, forgive_tries
from shopnode.domain.permissions import Permission
from shopnode.domain.projections import Changed, projection
from shopnode.domain.settings.queries import number_setting

REMEMBERED_MAX = 10  # browsers of one person; the oldest is forgotten for an eleventh
TOKEN_MAX, CODE_MAX = 200, 100
MOMENT = timedelta(seconds=10)


class NotRemembered(NotSignedIn):
    code = "not-remembered"

    def __init__(self) -> None:
        super().__init__("This browser is not remembered any more. Sign in with your password.")


class CopiedBrowser(Params):
    """Whose browser it was, when it was remembered first, and what it was called."""

    staff_id: IdText
    made_at: datetime
    name: Annotated[Line, Field(max_length=200)]


@dataclass(frozen=True)
class Remembered:
    """What a browser keeps: a token for its cookie, good once."""

    token: str
    expires_at: datetime


@dataclass(frozen=True)
class KnownPerson:
    """Who is remembered in a browser, and whether they give a second proof."""

    staff_id: str
    name: str
    asks_code: bool


@dataclass(frozen=True)
class RememberedBrowser:
    """A remembered browser in a list."""

    id: str
    name: str
    made_at: datetime
    used_at: datetime | None
    expires_at: datetime


def remember(home: NodeHome, actor: Actor, channel: Channel, *, instead_of: str | None = None) -> Remembered | None:
    """Remember this browser for somebody who just proved who they are; None where the settings allow none.

    instead_of  the token it had before, of whomever: a browser is remembered for one person
    """
    if actor.id is None:
        return None
    now = _now(home)
    if instead_of:
        forget(home, instead_of)
    with home.writing() as session:
        days = number_setting(session, "remember_days")
        stored = password_hash_of(session, actor.id, home.shop_id)
        if not days or stored is None:
            return None
        session.execute(delete(RememberedDevice).where(RememberedDevice.expires_at < now))
        _make_room(session, actor.id, now)
        ends = now + timedelta(days=days)
        token = _keep(session, home, actor.id, stored, browser_name(channel.user_agent), made_at=now, ends=ends)
    return Remembered(token, ends)


def known_here(home: NodeHome, token: str | None, channel: Channel) -> KnownPerson | None:
    """Who may come back by their PIN in this browser; None for nobody. Looking uses nothing up."""
    with home.reading() as session:
        row = _row(session, home, token)
        if row is None or not _is_open(session, row, _now(home)) or row.name != browser_name(channel.user_agent):
            return None
        actor = actor_for(session, row.staff_id, home.shop_id)
        if actor is None or session.get(StaffPin, row.staff_id) is None:
            return None
        return KnownPerson(row.staff_id, actor.name, has_second_proof(session, row.staff_id))


def come_back(
    home: NodeHome, token: str | None, pin: str, channel: Channel, *, code: str | None = None
) -> tuple[SignedIn, Remembered]:
    """Sign the remembered person in by their PIN, and change the token for the next one.

    Raises NotRemembered, WrongPin, SecondProofNeeded, WrongSecondProof, TooManyTries.
    """
    row = _good_row(home, token, channel)
    actor = prove_by_pin(home, channel, row.staff_id, pin)
    _prove_second(home, row.staff_id, code)
    with home.writing() as session:
        now = _now(home)
        # Two at once with one token: one of them was first.
        used = update(RememberedDevice).where(
            RememberedDevice.token_hash == row.token_hash, RememberedDevice.ended_at.is_(None)
        )
        first = session.execute(used.values(used_at=now, ended_at=now).returning(RememberedDevice.token_hash)).first()
        stored = password_hash_of(session, row.staff_id, home.shop_id)
        if first is None or stored is None:
            raise NotRemembered
        fresh = _keep(
            session, home, row.staff_id, stored, row.name or "", made_at=row.made_at, ends=row.expires_at, used_at=now
        )
    return begin_session(home, actor, channel), Remembered(fresh, row.expires_at)


def forget(home: NodeHome, token: str | None) -> None:
    """Remember this browser no more: its person signs out, or another is remembered instead."""
    with home.reading() as session:
        row = _row(session, home, token)
    if row is not None:
        with home.writing() as session:
            session.execute(_open_of_family(row.staff_id, row.made_at).values(ended_at=_now(home)))


def whose(token: str | None) -> str:
    """Whom a token says it is about; nothing is proved by that."""
    return (token or "")[:TOKEN_MAX].partition(".")[0]


def remembered_browsers(session: Session, staff_id: str, now: datetime) -> list[RememberedBrowser]:
    """Where somebody is remembered at this home, the last used first."""
    rows = _open_rows(session, staff_id, now)
    return [
        RememberedBrowser(public_id(row.token_hash), row.name or "", row.made_at, row.used_at, row.expires_at)
        for row in sorted(rows, key=lambda row: row.used_at or row.made_at, reverse=True)
    ]


def end_remembered(home: Home, staff_id: str, browser_id: str) -> None:
    """Forget one of a person's browsers, as it is listed. Raises NotFound."""
    now = _now(home)
    with home.writing() as session:
        rows = _open_rows(session, staff_id, now)
        row = next((row for row in rows if public_id(row.token_hash) == browser_id), None)
        if row is None:
            raise NotFound("This remembered browser")
        row.ended_at = now


@action("staff.end_copied_browser", needs=Permission.STAFF_SUSPEND)
def end_copied_browser(ctx: Context, form: CopiedBrowser) -> dict[str, Any]:
    """End a remembered browser whose token was copied, and the sessions that person has in such a browser."""
    person = find_staff(ctx.session, form.staff_id)
    ctx.session.execute(_open_of_family(person.id, form.made_at).values(ended_at=ctx.now))
    running = select(WebSession).where(
        WebSession.staff_id == person.id, WebSession.kind == "browser", WebSession.ended_at.is_(None)
    )
    for row in ctx.session.scalars(running):
        if browser_name(row.user_agent) == form.name:
            row.ended_at = ctx.now
    ctx.about("staff", person.id)
    return {"id": person.id, "browser": form.name}


@projection("staff")
def forget_who_is_out(session: Session, changed: Changed) -> None:
    """Who is suspended or left, wherever that was decided, is remembered nowhere: also once they are let in again."""
    told = changed.updates.get("staff")
    if not told:
        return
    out = or_(Staff.suspended_at.is_not(None), Staff.archived_at.is_not(None))
    known = (
        select(RememberedDevice, func.coalesce(Staff.suspended_at, Staff.archived_at))
        .join(Staff, Staff.id == RememberedDevice.staff_id)
        .where(Staff.id.in_(told), out, RememberedDevice.ended_at.is_(None))
    )
    for row, at in session.execute(known).all():
        row.ended_at = at


def _good_row(home: NodeHome, token: str | None, channel: Channel) -> RememberedDevice:
    """The row of a token that is good now, in this browser. Raises NotRemembered, and ends what was copied."""
    now = _now(home)
    with home.reading() as session:
        row = _row(session, home, token)
        if row is None:
            raise NotRemembered
        is_open = _is_open(session, row, now)
    was_used = row.ended_at is not None and row.used_at == row.ended_at
    is_old = was_used and row.ended_at is not None and now - row.ended_at >= MOMENT
    if is_old or (is_open and row.name != browser_name(channel.user_agent)):
        copied = {"staff_id": row.staff_id, "made_at": row.made_at.isoformat(), "name": row.name or ""}
        perform(Context(home, CONSOLE, home.shop_id, channel), "staff.end_copied_browser", copied)
    if not is_open or row.name != browser_name(channel.user_agent):
        raise NotRemembered
    return row


def _prove_second(home: NodeHome, staff_id: str, code: str | None) -> None:
    """The second proof of who has one, each try counted. Raises SecondProofNeeded, WrongSecondProof, TooManyTries."""
    with home.reading() as session:
        if not has_second_proof(session, staff_id):
            return
    if not code or not code.strip():
        raise SecondProofNeeded
    account = account_key("second-proof", staff_id, "")
    count_try(home, account, None)
    prove_second(home, staff_id, code[:CODE_MAX])
    forgive_tries(home, account, None)


def _row(session: Session, home: NodeHome, token: str | None) -> RememberedDevice | None:
    """The row of a token, open or not."""
    staff_id, _, secret = (token or "")[:TOKEN_MAX].partition(".")
    stored = password_hash_of(session, staff_id, home.shop_id) if secret else None
    if stored is None:
        return None
    mine = select(RememberedDevice).where(RememberedDevice.token_hash == _hash(secret, stored))
    return session.scalars(mine).one_or_none()


def _is_open(session: Session, row: RememberedDevice, now: datetime) -> bool:
    # Fewer days in the settings hold for those remembered before, too.
    days = timedelta(days=number_setting(session, "remember_days"))
    return row.ended_at is None and now < min(row.expires_at, row.made_at + days)


def _keep(
    session: Session, home: NodeHome, staff_id: str, stored: str, name: str, *, made_at: datetime, ends: datetime,
    used_at: datetime | None = None,
) -> str:  # fmt: skip
    secret = new_secret(home)
    session.add(
        RememberedDevice(
            tenant_id=session.info["tenant_id"], token_hash=_hash(secret, stored), staff_id=staff_id, name=name,
            is_trusted=False, made_at=made_at, used_at=used_at, expires_at=ends, ended_at=None,
        )
    )  # fmt: skip
    return f"{staff_id}.{secret}"


def _make_room(session: Session, staff_id: str, now: datetime) -> None:
    rows = sorted(_open_rows(session, staff_id, now), key=lambda row: row.made_at)
    for row in rows[: max(0, len(rows) - REMEMBERED_MAX + 1)]:
        row.ended_at = now


def _open_rows(session: Session, staff_id: str, now: datetime) -> list[RememberedDevice]:
    mine = select(RememberedDevice).where(
        RememberedDevice.staff_id == staff_id, RememberedDevice.ended_at.is_(None), RememberedDevice.expires_at > now
    )
    return list(session.scalars(mine))


def _open_of_family(staff_id: str, made_at: datetime) -> Any:
    return update(RememberedDevice).where(
        RememberedDevice.staff_id == staff_id, RememberedDevice.made_at == made_at, RememberedDevice.ended_at.is_(None)
    )


def _hash(secret: str, stored: str) -> str:
    return hashlib.sha256(f"{secret}\0{stored}".encode()).hexdigest()


def _now(home: Home) -> datetime:
    return to_datetime(home.clock.wall_ms())
