"""What a home offers to whoever looks at their own account; a node and the hub keep sessions each in their own way."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import Protocol, cast

from flask import current_app, request

from shopnode.domain.context import Context
from shopnode.domain.people.session_list import OpenSession, public_id

ACCOUNTS = "phoneshop-accounts"  # where the application keeps them


class OwnSessions(Protocol):
    """The part of a home's accounts that one's own page needs."""

    def one_try(self, ctx: Context, what: str) -> AbstractContextManager[None]:
        """Count a try at something secret; given back when nothing was raised inside. Raises TooManyTries."""
        ...

    def sessions_of(self, ctx: Context, staff_id: str) -> list[OpenSession]:
        """Where somebody is signed in at this home, the last used first."""
        ...

    def end_one(self, ctx: Context, staff_id: str, session_id: str) -> None:
        """Raises NotFound."""
        ...

    def end_all(self, ctx: Context, staff_id: str) -> None:
        """End what the home keeps beside the books; called after the action that ends the others."""
        ...

    def key_text(self, ctx: Context, secret: str) -> str:
        """A program's key as it is sent."""
        ...


def accounts() -> OwnSessions:
    """The accounts of the home that answers."""
    return cast(OwnSessions, current_app.extensions[ACCOUNTS])


def this_session() -> set[str]:
    """What the session of this request is called where sessions are listed."""
    return {public_id(hashlib.sha256(secret.encode()).hexdigest()) for secret in request.cookies.values()}
