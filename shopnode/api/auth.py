"""Signing programs in and out."""

from __future__ import annotations

from typing import Annotated, cast

from flask import current_app, request
from pydantic import BaseModel, Field, model_validator

from shopnode.api.accounts import ACCESS_S, Accounts, access_token, session_of_bearer
from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.staff_shapes import OwnPassword, SessionList, session_list
from shopnode.domain.context import Actor
from shopnode.domain.errors import NotSignedIn
from shopnode.domain.params import Params
from shopnode.domain.people.passwords import Password, TypedPassword
from shopnode.domain.people.queries import find_staff
from shopnode.domain.permissions import Permission, Role
from shopnode.web.ui.access import Open
from shopnode.web.ui.request import channel

ACCOUNTS = "phoneshop-accounts"  # where the application keeps them
TOKEN_MAX = 400
BEARER = "Bearer"

Login = Annotated[str, Field(min_length=1, max_length=200)]


class Credentials(Params):
    """One of e-mail address and telephone number, and the password."""

    email: Login | None = None
    phone: Login | None = None
    password: TypedPassword = Field(repr=False)
    code: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, repr=False, description="Of the authenticator, or a recovery code: for who has a second proof."
    )

    @model_validator(mode="after")
    def _one_name(self) -> Credentials:
        if (self.email is None) == (self.phone is None):
            raise ValueError("needs either an email or a phone")
        return self


class Refresh(Params):
    refresh_token: Annotated[str, Field(min_length=1, max_length=TOKEN_MAX, repr=False)]


class Forgot(Params):
    email: Login


class Reset(Params):
    """What stands at the end of the link, and the new password."""

    token: Annotated[str, Field(min_length=1, max_length=200, repr=False)]
    new_password: Password = Field(repr=False)


class Said(BaseModel):
    """A sentence for whoever asked."""

    said: str


class User(BaseModel):
    """A person, as the token says."""

    id: str | None
    name: str
    role: Role


class Tokens(BaseModel):
    access_token: str
    refresh_token: str = Field(description="Good once, for seven days; used twice it ends the session.")
    token_type: str
    expires_in: int = Field(description="Seconds until the access token ends.")
    user: User


class Me(User):
    """Who is signed in, and what they may do."""

    email: str | None
    phone: str | None
    shop_id: str | None
    permissions: list[str]


@route("POST", "/auth/login", needs=Open.PUBLIC, other_statuses=(401, 429))
def login(call: Call, body: Credentials) -> Tokens:
    """Sign in with an e-mail address or a telephone number."""
    opened = accounts().start(body.email or body.phone or "", body.password, channel(), body.code)
    token = access_token(accounts(), opened)
    return _tokens(token, opened.refresh_token, opened.actor)


@route("POST", "/auth/refresh", needs=Open.PUBLIC, other_statuses=(401,))
def refresh(call: Call, body: Refresh) -> Tokens:
    """Exchange the refresh token for new tokens. It is good once: a used one ends the session for everybody."""
    opened = accounts().refresh(body.refresh_token)
    return _tokens(access_token(accounts(), opened), opened.refresh_token, opened.actor)


@route("POST", "/auth/forgot", needs=Open.PUBLIC, status=202, other_statuses=(409, 429))
def forgot_password(call: Call, body: Forgot) -> Said:
    """Have a link for a new password mailed. The answer is the same whether anybody has that address."""
    accounts().ask_for_reset(body.email, channel())
    return Said(said="If somebody signs in with this address, a link is on its way. It is good for an hour.")


@route("POST", "/auth/reset", needs=Open.PUBLIC, status=204, other_statuses=(409, 429))
def reset_forgotten_password(call: Call, body: Reset) -> None:
    """Set a new password by the link from the mail. All sessions end."""
    accounts().use_reset(body.token, body.new_password, channel())


@route("POST", "/auth/logout", needs=Open.SIGNED_IN, status=204)
def logout(call: Call) -> None:
    """End the session of this access token; its refresh token ends with it."""
    session_id = session_of_bearer(accounts(), request.headers.get("Authorization"))
    if session_id is None:
        raise NotSignedIn("Send the access token of the session that is to end.")
    accounts().end(session_id)


@route("GET", "/auth/me", needs=Open.SIGNED_IN)
def me(call: Call) -> Me:
    """Who is signed in."""
    actor = call.ctx.actor
    person = find_staff(call.ctx.session, actor.id) if actor.id else None
    return Me(
        id=actor.id, name=actor.name, role=actor.role,
        email=person.email if person else None, phone=person.phone if person else None,
        shop_id=call.ctx.shop_id, permissions=sorted(actor.permissions),
    )  # fmt: skip


@route("PUT", "/auth/password", action="staff.set_password", status=204, other_statuses=(429,))
def set_own_password(call: Call, body: OwnPassword) -> None:
    """Change one's own password, with the one that is right now. All one's sessions end."""
    ctx = call.ctx
    with accounts().one_try(ctx, "password"):
        call.perform({"staff_id": ctx.actor.id, **body.model_dump()})
    accounts().end_all(ctx, ctx.actor.id or "")


@route("GET", "/auth/sessions", needs=Permission.OWN_CREDENTIALS)
def own_sessions(call: Call) -> SessionList:
    """Where one is signed in at this home, the last used first."""
    return session_list(accounts().sessions_of(call.ctx, call.ctx.actor.id or ""))


@route("DELETE", "/auth/sessions/<session_id>", needs=Permission.OWN_CREDENTIALS, status=204, other_statuses=(404,))
def end_own_session(call: Call, session_id: str) -> None:
    """Sign oneself out elsewhere."""
    accounts().end_one(call.ctx, call.ctx.actor.id or "", session_id)


def accounts() -> Accounts:
    return cast(Accounts, current_app.extensions[ACCOUNTS])


def _tokens(access: str, refresh_token: str, actor: Actor) -> Tokens:
    user = User(id=actor.id, name=actor.name, role=actor.role)
    return Tokens(access_token=access, refresh_token=refresh_token, token_type=BEARER, expires_in=ACCESS_S, user=user)
