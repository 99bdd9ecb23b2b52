"""How programs sign in, as far as the two homes differ: a node keeps its sessions in its own file, the hub in its own.

An access token is a JWT for fifteen minutes. It proves nothing on its own: the session it names is looked up on each
request, so whoever is suspended or signed out is out at once.
"""

from __future__ import annotations

from typing import Any, Protocol

import jwt

from shopnode.domain.clock import Clock
from shopnode.domain.context import Actor, Channel
from shopnode.domain.errors import NotSignedIn
from shopnode.domain.node import NodeHome
from shopnode.domain.people import sessions
from shopnode.domain.people.sessions import ApiSession

ACCESS_S = 15 * 60
ALGORITHM, TYPE, ISSUER, AUDIENCE = "HS256", "at+jwt", "phoneshop", "phoneshop-api"
_CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp"]
_KEY_NAME = b"phoneshop/v1/access-token-key"


class Accounts(Protocol):
    """What a home offers to programs that sign in."""

    clock: Clock

    def key(self) -> bytes:
        """The secret that access tokens are signed with, 32 bytes."""
        ...

    def start(self, login: str, password: str, channel: Channel) -> ApiSession:
        """Raises WrongCredentials, TooManyTries."""
        ...

    def refresh(self, refresh_token: str) -> ApiSession:
        """Exchange a refresh token, good once. Raises NotSignedIn; a used one ends the session."""
        ...

    def actor_of(self, session_id: str) -> Actor:
        """Raises NotSignedIn when the session has ended or the person may not work here."""
        ...

    def end(self, session_id: str) -> None: ...


class NodeAccounts:
    """The staff of one shop, at its own node."""

    def __init__(self, home: NodeHome):
        self.home = home
        self.clock = home.clock

    def key(self) -> bytes:
        # The installation's secret, under a name of its own; it never leaves the node.
        return bytes.fromhex(self.home.fingerprint(_KEY_NAME))

    def start(self, login: str, password: str, channel: Channel) -> ApiSession:
        return sessions.start_api_session(self.home, login, password, channel)

    def refresh(self, refresh_token: str) -> ApiSession:
        return sessions.refresh_api_session(self.home, refresh_token)

    def actor_of(self, session_id: str) -> Actor:
        return sessions.actor_of_api_session(self.home, session_id)

    def end(self, session_id: str) -> None:
        sessions.end_api_session(self.home, session_id)


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


def actor_of_bearer(accounts: Accounts, authorization: str | None) -> Actor | None:
    """Who calls with this Authorization header, or None. For the resolver of a home's requests."""
    session_id = session_of_bearer(accounts, authorization)
    if session_id is None:
        return None
    try:
        return accounts.actor_of(session_id)
    except NotSignedIn:
        return None
