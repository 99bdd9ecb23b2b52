"""Keys for programs: each acts as the owner who made it, within its scopes, until it is revoked or its time is over.

Invariants:
  * The key itself is shown once and kept as a hash. It has 256 bits, so nobody guesses one.
  * It never does more than its maker may at that moment, and never what lets it grow: the staff, settings, one's own
    password (`NO_SCOPES`).
  * What it does is written down with its name.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shopnode.domain.actions import action, perform
from shopnode.domain.clock import to_datetime
from shopnode.domain.context import Actor, Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.homes import Home, Where
from shopnode.domain.params import IdText, Name, Params
from shopnode.domain.people.access_models import ApiKey
from shopnode.domain.people.queries import actor_for
from shopnode.domain.permissions import NEVER_TAKEN, OWNERS_ALONE, Permission

SECRET_BYTES = 32
KEYS_MAX = 50  # open ones of a business
DAYS_MAX = 730
USED_EVERY = timedelta(minutes=1)  # a call writes only when the last one was longer ago
NO_SCOPES = OWNERS_ALONE | NEVER_TAKEN

Days = Annotated[int, Field(ge=1, le=DAYS_MAX)]
Scopes = Annotated[list[str], Field(min_length=1, max_length=len(Permission))]


class KeepKey(Params):
    """A new key by its hash; the key itself is made by `make_key`, and nowhere kept."""

    name: Name
    scopes: Scopes
    key_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    days: Days | None = None


class OneKey(Params):
    key_id: IdText


@dataclass(frozen=True)
class KeyView:
    """A key in a list. `secret` only where it was made just now."""

    id: str
    name: str
    staff_id: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    secret: str | None = None


def make_key(ctx: Context, name: str, scopes: list[str], days: int | None, action_id: str | None = None) -> KeyView:
    """A new key of whoever is signed in; its secret is in this answer alone, and in no second one to the same call.

    Raises Invalid, Conflict.
    """
    secret = urlsafe_b64encode(ctx.home.random(SECRET_BYTES)).rstrip(b"=").decode()
    form = {"name": name, "scopes": scopes, "days": days, "key_hash": _hash(secret)}
    done = perform(ctx, "keys.make", form, action_id=action_id)
    with ctx.home.reading() as session:
        made = find_key(session, done.result["id"])
    return made if done.replayed else replace(made, secret=secret)


@action("keys.make", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def keep_key(ctx: Context, form: KeepKey) -> dict[str, Any]:
    """Make a key for a program that acts as oneself."""
    if ctx.actor.id is None:
        raise Conflict("A key acts as a person. Sign in as yourself to make one.")
    scopes = _read_scopes(ctx, form.scopes)
    open_ones = select(ApiKey.id).where(ApiKey.revoked_at.is_(None)).limit(KEYS_MAX)
    if len(ctx.session.scalars(open_ones).all()) >= KEYS_MAX:
        raise Conflict(f"There are {KEYS_MAX} keys already. Revoke those that no program uses.")
    key = ApiKey(
        tenant_id=ctx.session.info["tenant_id"], id=ctx.new_id(), key_hash=form.key_hash, name=form.name,
        staff_id=ctx.actor.id, shop_id=ctx.home.shop_id, scopes=",".join(scopes), created_at=ctx.now,
        expires_at=ctx.now + timedelta(days=form.days) if form.days else None,
    )  # fmt: skip
    ctx.session.add(key)
    ctx.about("staff", ctx.actor.id)
    return {"id": key.id}


@action("keys.revoke", needs=Permission.SETTINGS_UPDATE, where=Where.ANYWHERE)
def revoke_key(ctx: Context, form: OneKey) -> dict[str, Any]:
    """Revoke a key: the next call with it is refused."""
    key = _row(ctx.session, form.key_id)
    key.revoked_at = key.revoked_at or ctx.now
    ctx.about("staff", key.staff_id)
    return {"id": key.id}


def find_key(session: Session, key_id: str) -> KeyView:
    """One key. Raises NotFound."""
    return _view(_row(session, key_id))


def all_keys(session: Session) -> list[KeyView]:
    """The keys of this home, open ones first, the latest first."""
    rows = session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(4 * KEYS_MAX))
    return sorted(map(_view, rows), key=lambda key: key.revoked_at is not None)


def actor_of_key(home: Home, secret: str) -> Actor | None:
    """Whom a program with this key acts as, with what the key allows; None for a key that is good for nothing."""
    now = to_datetime(home.clock.wall_ms())
    with home.reading() as session:
        query = select(ApiKey).where(ApiKey.key_hash == _hash(secret), ApiKey.revoked_at.is_(None))
        key = session.scalars(query).one_or_none()
        if key is None or (key.expires_at is not None and key.expires_at <= now):
            return None
        actor = actor_for(session, key.staff_id, home.shop_id)
    if actor is None:
        return None
    if key.used_at is None or now - key.used_at >= USED_EVERY:
        with home.writing() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key.id).values(used_at=now))
    scopes = frozenset(Permission(word) for word in key.scopes.split(",") if word in _KNOWN)
    return replace(actor, scopes=scopes - NO_SCOPES, via=key.name)


def _read_scopes(ctx: Context, words: list[str]) -> list[str]:
    wrong = [word for word in words if word not in _KNOWN]
    if wrong:
        raise Invalid({"scopes": f"“{wrong[0][:60]}” is no permission"})
    kept = sorted({word for word in words if Permission(word) in NO_SCOPES})
    if kept:
        raise Invalid({"scopes": f"“{kept[0]}” is not given to a program; a person does it"})
    return sorted(set(words))


def _row(session: Session, key_id: str) -> ApiKey:
    key = session.scalars(select(ApiKey).where(ApiKey.id == key_id)).one_or_none()
    if key is None:
        raise NotFound("This key")
    return key


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        key.id, key.name, key.staff_id, key.scopes.split(","), key.created_at, key.expires_at, key.used_at,
        key.revoked_at,
    )  # fmt: skip


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


_KNOWN = frozenset(permission.value for permission in Permission)
