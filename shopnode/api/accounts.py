"""How programs sign in, as far as the two homes differ: a node keeps its sessions in its own file, the hub in its own.

An access token is a JWT for fifteen minutes. It proves nothing on its own: the session it names is looked up on each
request, so whoever is suspended or signed out is out at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import jwt

from shopnode.domain.clock import Clock
from shopnode.domain.context import Actor, Channel, Context
from shopnode.domain.errors import Conflict, NotSignedIn
from shopnode.domain.node import NodeHome
from shopnode.domain.people import sessions
from shopnode.domain.people.keys import actor_of_key
from shopnode.domain.people.session_list import OpenSession, end_session, open_sessions
from shopnode.domain.people.sessions import ApiSession
from shopnode.domain.people.throttle import account_key, count_try, forgive_tries

ACCESS_S = 15 * 60
ALGORITHM, TYPE, ISSUER, AUDIENCE = "HS256", "at+jwt", "phoneshop", "phoneshop-api"
_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp"]
KEY_PREFIX, KEY_MAX = "pk_", 200
NO_MAIL = "The shop's own computer sends no mail. Ask the owner for a new password, or use the owner's portal."
_KEY_NAME = b"phoneshop/v1/access-token-key"


class Accounts(Protocol):
    """What a home offers to programs that sign in."""

    clock: Clock

    def key(self) -> bytes:
        """The secret that access tokens are signed with, 32 bytes."""
        ...

    def start(self, login: str, password: str, channel: Channel, code: str | None) -> ApiSession:
        """Raises WrongCredentials, SecondProofNeeded, WrongSecondProof, TooManyTries."""
        ...

    def refresh(self, refresh_token: str) -> ApiSession:
        """Exchange a refresh token, good once. Raises NotSignedIn; a used one ends the session."""
        ...

    def actor_of(self, session_id: str) -> Actor:
        """Raises NotSignedIn when the session has ended or the person may not work here."""
        ...

    def end(self, session_id: str) -> None: ...

    def ask_for_reset(self, email: str, channel: Channel) -> None:
        """Mail a link for a new password, and say nothing about whose. Raises TooManyTries, Conflict at a shop."""
        ...

    def use_reset(self, token: str, password: str, channel: Channel) -> None:
        """Set a new password by a link. Raises Invalid, TooManyTries, Conflict at a shop."""
        ...

    def key_text(self, ctx: Context, secret: str) -> str:
        """A program's key as it is sent."""
        ...

    def actor_of_key(self, key: str) -> Actor | None:
        """Whom a program with this key acts as; None where it is good for nothing."""
        ...

    def one_try(self, ctx: Context, what: str) -> AbstractContextManager[None]:
        """Count a try of whoever is signed in at something secret; given back when nothing was raised inside.

        Raises TooManyTries.
        """
        ...

    def sessions_of(self, ctx: Context, staff_id: str) -> list[OpenSession]:
        """Where somebody is signed in at this home, the last used first."""
        ...

    def end_one(self, ctx: Context, staff_id: str, session_id: str) -> None:
        """End one session as it is listed. Raises NotFound."""
        ...

    def end_all(self, ctx: Context, staff_id: str) -> None:
        """End what the home keeps beside the books; called after the action that ends the others."""
        ...


class NodeAccounts:
    """The staff of one shop, at its own node."""

    def __init__(self, home: NodeHome):
        self.home = home
        self.clock = home.clock

    def key(self) -> bytes:
        # The installation's secret, under a name of its own; it never leaves the node.
        return bytes.fromhex(self.home.fingerprint(_KEY_NAME))

    def start(self, login: str, password: str, channel: Channel, code: str | None) -> ApiSession:
        return sessions.start_api_session(self.home, login, password, channel, code=code)

    def refresh(self, refresh_token: str) -> ApiSession:
        return sessions.refresh_api_session(self.home, refresh_token)

    def actor_of(self, session_id: str) -> Actor:
        return sessions.actor_of_api_session(self.home, session_id)

    def end(self, session_id: str) -> None:
        sessions.end_api_session(self.home, session_id)

    def ask_for_reset(self, email: str, channel: Channel) -> None:
        raise Conflict(NO_MAIL)

    def use_reset(self, token: str, password: str, channel: Channel) -> None:
        raise Conflict(NO_MAIL)

    def key_text(self, ctx: Context, secret: str) -> str:
        return KEY_PREFIX + secret

    def actor_of_key(self, key: str) -> Actor | None:
        return actor_of_key(self.home, key.removeprefix(KEY_PREFIX))

    @contextmanager
    def one_try(self, ctx: Context, what: str) -> Iterator[None]:
        account = account_key(what, ctx.actor.id, "console")
        count_try(self.home, account, ctx.channel.ip)
        yield
        forgive_tries(self.home, account, ctx.channel.ip)

    def sessions_of(self, ctx: Context, staff_id: str) -> list[OpenSession]:
        return open_sessions(self.home, staff_id)

    def end_one(self, ctx: Context, staff_id: str, session_id: str) -> None:
        end_session(self.home, staff_id, session_id)

    def end_all(self, ctx: Context, staff_id: str) -> None:
        """A node's sessions end in the action's own transaction."""


def access_token(accounts: Accounts, opened: ApiSession) -> str:
    """A token for the next fifteen minutes of a session."""
    now_s = accounts.clock.wall_ms() // 1000
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": opened.actor.id, "sid": opened.session_id,
        "iat": now_s, "exp": now_s + ACCESS_S,
    }  # fmt: skip
    return jwt.encode(claims, accounts.key(), ALGORITHM, headers={"typ": TYPE})


def session_of_bearer(accounts: Accounts, authorization: str | None) -> str | None:
    """The session that an Authorization header names; None for any header but a good token of ours."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    try:
        found = jwt.decode_complete(
            token.strip(), accounts.key(), algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER,
            options={"require": _CLAIMS, "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        return None
    claims: dict[str, Any] = found["payload"]
    # Time is the home's own clock, which a test moves by hand; so the library is not asked about it.
    fresh = isinstance(claims["exp"], int) and accounts.clock.wall_ms() < claims["exp"] * 1000
    if found["header"].get("typ") != TYPE or not fresh or not isinstance(claims["sid"], str):
        return None
    return claims["sid"]


def key_of_bearer(authorization: str | None) -> str | None:
    """A program's key in an Authorization header; None for any other header."""
    scheme, _, token = (authorization or "").partition(" ")
    is_key = scheme.lower() == "bearer" and token.strip().startswith(KEY_PREFIX) and len(token) <= KEY_MAX
    return token.strip() if is_key else None


def actor_of_bearer(accounts: Accounts, authorization: str | None) -> Actor | None:
    """Who calls with this Authorization header, or None. For the resolver of a home's requests."""
    key = key_of_bearer(authorization)
    if key is not None:
        return accounts.actor_of_key(key)
    session_id = session_of_bearer(accounts, authorization)
    if session_id is None:
        return None
    try:
        return accounts.actor_of(session_id)
    except NotSignedIn:
        return None
