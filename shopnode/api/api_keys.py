"""Keys for programs: made, listed, revoked. A program sends one as its bearer token."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from shopnode.api.auth import accounts
from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.params import Name, Params
from shopnode.domain.people.keys import Days, KeyView, Scopes, all_keys, find_key, make_key
from shopnode.domain.permissions import Permission


class KeyIn(Params):
    """What a program is called, and what it may do."""

    name: Name
    scopes: Scopes = Field(description="Permissions, as in `GET /auth/me`. A key may never more than its maker.")
    days: Days | None = Field(default=None, description="Until it ends by itself; never when left out.")


class KeyOut(BaseModel):
    """A key. The key itself is shown once, when it is made."""

    id: str
    name: str
    staff_id: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    used_at: Instant | None
    revoked_at: Instant | None


class KeyMade(KeyOut):
    """A new key: send it as `Authorization: Bearer …`."""

    key: str | None = Field(description="Null where the call was sent again: it is shown once.")


class KeyList(BaseModel):
    items: list[KeyOut]


@route("GET", "/api-keys", needs=Permission.SETTINGS_UPDATE)
def list_keys(call: Call) -> KeyList:
    """The keys of programs at this home, open ones first."""
    return KeyList(items=[KeyOut(**_fields(key)) for key in all_keys(call.ctx.session)])


@route("POST", "/api-keys", action="keys.make", status=201, other_statuses=(409,))
def create_key(call: Call, body: KeyIn) -> KeyMade:
    """Make a key for a program that acts as oneself, within its scopes."""
    made = make_key(call.ctx, body.name, body.scopes, body.days, call.key)
    call.replayed = made.secret is None
    return KeyMade(**_fields(made), key=made.secret and accounts().key_text(call.ctx, made.secret))


@route("DELETE", "/api-keys/<key_id>", action="keys.revoke")
def revoke_one_key(call: Call, key_id: str) -> KeyOut:
    """Revoke a key: the next call with it is refused."""
    call.perform({"key_id": key_id})
    return KeyOut(**_fields(find_key(call.ctx.session, key_id)))


def _fields(key: KeyView) -> dict[str, Any]:
    return {
        "id": key.id, "name": key.name, "staff_id": key.staff_id, "scopes": key.scopes, "created_at": key.created_at,
        "expires_at": key.expires_at, "used_at": key.used_at, "revoked_at": key.revoked_at,
    }  # fmt: skip
