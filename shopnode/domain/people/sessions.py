"""Who is signed in: browsers by a secret cookie, programs by a session named in their token.

Invariants:
  * A session is found by the hash of its secret; whoever reads the database cannot use it.
  * Each request asks anew whether the person may work here: suspended or posted elsewhere is out at once.
  * A browser's session locks when nobody touches it, and opens by a PIN; its end is the same whoever used it last.
  * A refresh token is good once. An old one that comes back has been stolen or copied: the whole session ends.
  * Right and wrong persons and secrets take the same time and get the same words.

Sessions are this installation's own (`WebSession` is local), so nothing here is an action.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from shopnode.domain.actions import perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Actor, Channel, Context
from shopnode.domain.errors import NotSignedIn
from shopnode.domain.node import NodeHome
from shopnode.domain.people.approvals import prove_by_pin
from shopnode.domain.people.models import WebSession
from shopnode.domain.people.passwords import needs_rehash, verify_secret
from shopnode.domain.people.queries import actor_for, password_hash_of, people_by_login
from shopnode.domain.people.second_proof import SecondProofNeeded, has_second_proof, prove_second
from shopnode.domain.people.throttle import account_key, count_try, forgive_address, forgive_tries
from shopnode.domain.settings.queries import number_setting

BROWSER_HOURS = 16  # a long day; the next morning begins with a password
REFRESH_DAYS = 7
SEEN_EVERY = timedelta(seconds=60)  # a request only writes when the last one was longer ago
SECRET_BYTES = 32
LOGIN_MAX = 200
KEPT_DAYS = 90
_BY_HASH = select(WebSession).where(WebSession.id_hash == bindparam("id_hash"))


class WrongCredentials(NotSignedIn):
    code = "wrong-credentials"

    def __init__(self) -> None:
        super().__init__("The telephone number, e-mail address or password is not right.")


class Locked(NotSignedIn):
    """The session waits for a PIN."""

    code = "locked"

    def __init__(self, staff_id: str):
        self.staff_id = staff_id
        super().__init__("This screen is locked. Enter your PIN.")


@dataclass(frozen=True)
class SignedIn:
    """A browser's session: the secret for its cookie, and who it is."""

    token: str
    actor: Actor
    expires_at: datetime


@dataclass(frozen=True)
class ApiSession:
    """A program's session: the id its access tokens carry, the refresh token that is good once, and who it is."""

    session_id: str
    refresh_token: str
    actor: Actor
    expires_at: datetime


def sign_in(home: NodeHome, login: str, password: str, channel: Channel, *, code: str | None = None) -> SignedIn:
    """Start a browser's session. Raises WrongCredentials, SecondProofNeeded, WrongSecondProof, TooManyTries."""
    return begin_session(home, _prove_by_password(home, login, password, channel, code), channel)


def begin_session(home: NodeHome, actor: Actor, channel: Channel) -> SignedIn:
    """A browser's session of somebody who proved who they are."""
    expires_at = _now(home) + timedelta(hours=BROWSER_HOURS)
    token = new_secret(home)
    with home.writing() as session:
        session.add(_row(home, token, actor, "browser", expires_at, channel))
    return SignedIn(token, actor, expires_at)


def actor_of_session(home: NodeHome, token: str | None, *, touched: bool = True) -> Actor:
    """Who this browser is. Raises NotSignedIn, or Locked when it was not touched for too long.

    touched  False for what a page asks by itself: a screen that polls must still lock
    """
    now = _now(home)
    with home.reading() as session:
        row = _open_row(session, token, "browser", now)
        actor = _may_still_work(session, home, row)
        idle = timedelta(minutes=number_setting(session, "idle_lock_minutes"))
    if row.locked_at is not None or now - row.seen_at >= idle:
        raise Locked(row.staff_id)
    if touched and now - row.seen_at >= SEEN_EVERY:
        _set(home, row.id_hash, seen_at=now)
    return actor


def lock(home: NodeHome, token: str) -> None:
    """Lock a screen at once."""
    _set(home, _hash(token), locked_at=_now(home))


def switch_by_pin(home: NodeHome, token: str | None, staff_id: str, pin: str, channel: Channel) -> SignedIn:
    """Hand a signed-in screen, locked or not, to the person with this PIN. The secret changes, the end stays.

    Raises NotSignedIn where nobody signed in by password before, WrongPin, TooManyTries.
    """
    now = _now(home)
    with home.reading() as session:
        old = _open_row(session, token, "browser", now)
    actor = prove_by_pin(home, channel, staff_id, pin)
    new_token = new_secret(home)
    with home.writing() as session:
        _end(session, old.id_hash, now)
        session.add(_row(home, new_token, actor, "browser", old.expires_at, channel))
    return SignedIn(new_token, actor, old.expires_at)


def sign_out(home: NodeHome, token: str) -> None:
    """End a browser's session."""
    with home.writing() as session:
        _end(session, _hash(token), _now(home))


def start_api_session(
    home: NodeHome, login: str, password: str, channel: Channel, *, code: str | None = None
) -> ApiSession:
    """Start a program's session. Raises WrongCredentials, SecondProofNeeded, WrongSecondProof, TooManyTries."""
    actor = _prove_by_password(home, login, password, channel, code)
    session_id, secret = new_secret(home), new_secret(home)
    expires_at = _now(home) + timedelta(days=REFRESH_DAYS)
    row = _row(home, session_id, actor, "api", expires_at, channel)
    row.refresh_hash = _hash(secret)
    with home.writing() as session:
        session.add(row)
    return ApiSession(session_id, f"{session_id}.{secret}", actor, expires_at)


def refresh_api_session(home: NodeHome, refresh_token: str) -> ApiSession:
    """Exchange the refresh token for the next one. Raises NotSignedIn; an old one ends the session it belongs to."""
    session_id, _, secret = refresh_token[:LOGIN_MAX].partition(".")
    now = _now(home)
    next_secret = new_secret(home)
    with home.writing() as session:
        row = _open_row(session, session_id, "api", now)
        actor = _may_still_work(session, home, row)
        is_latest = hmac.compare_digest(row.refresh_hash or "", _hash(secret))
        if is_latest:
            row.refresh_hash, row.seen_at = _hash(next_secret), now
            row.expires_at = now + timedelta(days=REFRESH_DAYS)
        else:
            row.ended_at = now
    if not is_latest:
        raise NotSignedIn("This session was ended, because an old token was used. Sign in again.")
    return ApiSession(session_id, f"{session_id}.{next_secret}", actor, row.expires_at)


def actor_of_api_session(home: NodeHome, session_id: str | None) -> Actor:
    """Whose session an access token names. Raises NotSignedIn when it has ended or the person may not work here."""
    with home.reading() as session:
        return _may_still_work(session, home, _open_row(session, session_id, "api", _now(home)))


def end_api_session(home: NodeHome, session_id: str) -> None:
    """End a program's session; its access tokens are worth nothing from then on."""
    with home.writing() as session:
        _end(session, _hash(session_id), _now(home))


def change_password(ctx: Context, current: str, new: str) -> None:
    """One's own new password, for the one that is right now; tries are counted. Ends all sessions of the person.

    Raises Invalid, TooManyTries.
    """
    account = account_key("password", ctx.actor.id, "console")
    count_try(ctx.home, account, ctx.channel.ip)
    form = {"staff_id": ctx.actor.id, "current_password": current, "new_password": new}
    perform(ctx, "staff.set_password", form)
    forgive_tries(ctx.home, account, ctx.channel.ip)


def _prove_by_password(home: NodeHome, login: str, password: str, channel: Channel, code: str | None) -> Actor:
    """The active member of this shop's staff with this login and password, and their second proof if they have one.

    Raises WrongCredentials, SecondProofNeeded, WrongSecondProof, TooManyTries.
    """
    login = login[:LOGIN_MAX].strip()
    with home.reading() as session:
        people = [person.id for person in people_by_login(session, login)]
        # Two homes may both have typed the number; the one who may work here is meant.
        actor = next(filter(None, (actor_for(session, person, home.shop_id) for person in people)), None)
        stored = password_hash_of(session, actor.id, home.shop_id) if actor and actor.id else None
        needs_code = actor is not None and has_second_proof(session, actor.id or "")
    account = account_key("password", people[0] if people else None, login.casefold())
    count_try(home, account, channel.ip)
    if not verify_secret(stored, password) or actor is None or stored is None:
        raise WrongCredentials
    if needs_code:
        _prove_second(home, actor, code, channel)
    forgive_tries(home, account, channel.ip)
    if needs_rehash(stored):
        form = {"staff_id": actor.id, "current_password": password, "new_password": password}
        perform(Context(home, actor, home.shop_id, channel), "staff.set_password", form)
    return actor


def _prove_second(home: NodeHome, actor: Actor, code: str | None, channel: Channel) -> None:
    """The second proof of somebody whose password was right. Their account's try stays counted until it is given."""
    if not code or not code.strip():
        forgive_address(home, channel.ip)
        raise SecondProofNeeded
    prove_second(home, actor.id or "", code[:LOGIN_MAX])


def _open_row(session: Session, secret: str | None, kind: str, now: datetime) -> WebSession:
    """The session of this secret. Raises NotSignedIn when there is none that still runs."""
    row = session.scalars(_BY_HASH, {"id_hash": _hash(secret)}).one_or_none() if secret else None
    if row is None or row.kind != kind or row.ended_at is not None or row.expires_at <= now:
        raise NotSignedIn
    return row


def _may_still_work(session: Session, home: NodeHome, row: WebSession) -> Actor:
    actor = actor_for(session, row.staff_id, home.shop_id)
    if actor is None:
        raise NotSignedIn("You no longer work here by our books. Ask the owner.")
    return actor


def _row(home: NodeHome, secret: str, actor: Actor, kind: str, expires_at: datetime, channel: Channel) -> WebSession:
    now = _now(home)
    return WebSession(
        id_hash=_hash(secret),
        staff_id=actor.id,
        kind=kind,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
        ip=channel.ip and channel.ip[:64],
        user_agent=channel.user_agent and channel.user_agent[:300],
    )


def _set(home: NodeHome, id_hash: str, **values: datetime) -> None:
    with home.writing() as session:
        session.execute(update(WebSession).where(WebSession.id_hash == id_hash).values(**values))


def _end(session: Session, id_hash: str, now: datetime) -> None:
    running = update(WebSession).where(WebSession.id_hash == id_hash, WebSession.ended_at.is_(None))
    session.execute(running.values(ended_at=now))
    # What ended long ago proves nothing any more, and the table stays small.
    session.execute(delete(WebSession).where(WebSession.expires_at < now - timedelta(days=KEPT_DAYS)))


def new_secret(home: NodeHome) -> str:
    """256 bits as text for a cookie."""
    return base64.urlsafe_b64encode(home.random(SECRET_BYTES)).rstrip(b"=").decode()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now(home: NodeHome) -> datetime:
    return to_datetime(home.clock.wall_ms())
