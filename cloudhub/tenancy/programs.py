"""How programs sign in at the hub: the portal's own logins and sessions, with tokens in place of a cookie.

A refresh token is the secret of a portal session, good once: using it ends that session and starts the next one. The
next secret follows from the one before by the hub's key, so that a used token leads to the session that came of it,
which then ends, too, without a list of families to keep.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from cloudhub.home import HubHome
from cloudhub.hub import Hub
from cloudhub.tenancy.logins import (
    PORTAL_ROLES,
    TRIES_PER_ADDRESS_MAX,
    TRIES_PER_LOGIN_MAX,
    PortalUser,
    sign_in,
    sign_out,
    user_of_session,
)
from cloudhub.tenancy.models import PortalLogin, PortalSession, Tenant
from cloudhub.tenancy.resets import ask_for_reset, use_reset
from cloudhub.tenancy.throttle import count_try, forgive_try
from shopnode.api.accounts import KEY_PREFIX
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Actor, Channel, Context
from shopnode.domain.errors import NotFound, NotSignedIn
from shopnode.domain.people.keys import actor_of_key
from shopnode.domain.people.session_list import GONE, SESSIONS_MAX, OpenSession, public_id
from shopnode.domain.people.sessions import REFRESH_DAYS, ApiSession

TOKEN_MAX = 200


class HubAccounts:
    """The people who may use the portal, as the API's `Accounts`. A session's id is the hash it is kept under."""

    def __init__(self, hub: Hub):
        self.hub = hub
        self.clock = hub.clock

    def key(self) -> bytes:
        return self.hub.secret_for("access-token-key")

    def start(self, login: str, password: str, channel: Channel, code: str | None) -> ApiSession:
        secret = sign_in(self.hub, login, password, ip=channel.ip, user_agent=channel.user_agent, code=code)
        return self._opened(secret, self.user_of(_hash(secret)))

    def refresh(self, refresh_token: str) -> ApiSession:
        old = _hash(refresh_token[:TOKEN_MAX])
        fresh = self._next(refresh_token[:TOKEN_MAX])
        try:
            user = self.user_of(old)
        except NotSignedIn:
            self._end_what_came_of(refresh_token[:TOKEN_MAX])
            raise
        now = to_datetime(self.clock.wall_ms())
        with self.hub.database.session(user.tenant_id) as session:
            if not _end(session, old, now):
                raise NotSignedIn  # two calls at once with one token: the other one was first
            kept = session.scalars(select(PortalSession).where(PortalSession.id_hash == old)).one()
            session.add(
                PortalSession(
                    tenant_id=user.tenant_id, id_hash=_hash(fresh), login_id=user.login_id, made_at=kept.made_at,
                    seen_at=now, expires_at=now + timedelta(days=REFRESH_DAYS), ip=kept.ip, user_agent=kept.user_agent,
                )
            )  # fmt: skip
        return self._opened(fresh, self.user_of(_hash(fresh)))

    def actor_of(self, session_id: str) -> Actor:
        return self.user_of(session_id).actor

    def user_of(self, session_id: str) -> PortalUser:
        """Whose session this is, tenant and all. Raises NotSignedIn."""
        return user_of_session(self.hub, session_id[:TOKEN_MAX])

    def end(self, session_id: str) -> None:
        sign_out(self.hub, self.user_of(session_id))

    def ask_for_reset(self, email: str, channel: Channel) -> None:
        ask_for_reset(self.hub, email, ip=channel.ip)

    def use_reset(self, token: str, password: str, channel: Channel) -> None:
        use_reset(self.hub, token, password, ip=channel.ip)

    def key_text(self, ctx: Context, secret: str) -> str:
        """The tenant is named in it: there is nowhere to look a key up before that."""
        return f"{KEY_PREFIX}{uuid.UUID(tenant_of(ctx)).hex}.{secret}"

    def actor_of_key(self, key: str) -> Actor | None:
        user = self.user_of_key(key)
        return None if user is None else user.actor

    def user_of_key(self, key: str) -> PortalUser | None:
        """Whom a program with this key acts as, tenant and all."""
        tenant, _, secret = key.removeprefix(KEY_PREFIX).partition(".")
        try:
            tenant_id = str(uuid.UUID(hex=tenant))
        except ValueError:
            return None
        with self.hub.database.gate() as gate:
            if gate.scalar(select(Tenant.tenant_id).where(Tenant.tenant_id == tenant_id)) is None:
                return None
        actor = actor_of_key(self.hub.home(tenant_id), secret)
        if actor is None or actor.id is None or actor.role not in PORTAL_ROLES:
            return None
        return PortalUser(tenant_id, "", actor.id, "", actor)

    @contextmanager
    def one_try(self, ctx: Context, what: str) -> Iterator[None]:
        keys = {f"{what}:{ctx.actor.id}": TRIES_PER_LOGIN_MAX, f"login-from:{ctx.channel.ip}": TRIES_PER_ADDRESS_MAX}
        count_try(self.hub.database, self.clock, keys)
        yield
        forgive_try(self.hub.database, *keys)

    def sessions_of(self, ctx: Context, staff_id: str) -> list[OpenSession]:
        rows = ctx.session.scalars(self._open(staff_id).order_by(PortalSession.seen_at.desc()).limit(SESSIONS_MAX))
        return [
            OpenSession(
                public_id(row.id_hash), "browser", row.made_at, row.seen_at, row.expires_at, row.ip, row.user_agent
            )
            for row in rows
        ]

    def end_one(self, ctx: Context, staff_id: str, session_id: str) -> None:
        rows = ctx.session.scalars(self._open(staff_id).limit(SESSIONS_MAX))
        found = next((row.id_hash for row in rows if public_id(row.id_hash) == session_id), None)
        if found is None:
            raise NotFound(GONE)
        with self.hub.database.session(tenant_of(ctx)) as session:
            _end(session, found, to_datetime(self.clock.wall_ms()))

    def end_all(self, ctx: Context, staff_id: str) -> None:
        ended = to_datetime(self.clock.wall_ms())
        mine = select(PortalLogin.id).where(PortalLogin.staff_id == staff_id).scalar_subquery()
        with self.hub.database.session(tenant_of(ctx)) as session:
            open_ones = update(PortalSession).where(PortalSession.login_id == mine, PortalSession.ended_at.is_(None))
            session.execute(open_ones.values(ended_at=ended))

    def _open(self, staff_id: str) -> Select[PortalSession]:
        now = to_datetime(self.clock.wall_ms())
        return (
            select(PortalSession)
            .join(PortalLogin, PortalLogin.id == PortalSession.login_id)
            .where(PortalLogin.staff_id == staff_id, PortalSession.ended_at.is_(None), PortalSession.expires_at > now)
        )

    def _opened(self, secret: str, user: PortalUser) -> ApiSession:
        expires_at = to_datetime(self.clock.wall_ms()) + timedelta(days=REFRESH_DAYS)
        return ApiSession(user.session_hash, secret, user.actor, expires_at)

    def _next(self, secret: str) -> str:
        return hmac.new(self.hub.secret_for("refresh-tokens"), secret.encode(), hashlib.sha256).hexdigest()

    def _end_what_came_of(self, secret: str) -> None:
        """A used token came back: it was stolen or copied, so the session that came of it ends."""
        now = to_datetime(self.clock.wall_ms())
        while True:
            with self.hub.database.gate() as gate:
                query = select(PortalSession.tenant_id, PortalSession.ended_at)
                row = gate.execute(query.where(PortalSession.id_hash == _hash(secret))).one_or_none()
            if row is None:
                return
            if row.ended_at is None:
                with self.hub.database.session(row.tenant_id) as session:
                    _end(session, _hash(secret), now)
                return
            secret = self._next(secret)


def _end(session: Session, session_hash: str, now: object) -> bool:
    """End an open session; False when it had ended already."""
    open_one = update(PortalSession).where(PortalSession.id_hash == session_hash, PortalSession.ended_at.is_(None))
    return session.execute(open_one.values(ended_at=now).returning(PortalSession.id_hash)).first() is not None


def tenant_of(ctx: Context) -> str:
    """Whose home this context is in."""
    assert isinstance(ctx.home, HubHome)  # the hub's accounts are asked at the hub alone
    return ctx.home.tenant_id


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
