"""A forgotten password: a link by mail, good once and for an hour.

Invariants:
  * Whoever asks is told the same, after the same time, whether anybody has that address.
  * The link is kept as a hash. The newest one counts: a new one ends the ones before, and so does using it.
  * A reset ends all sessions and asks for no less at the next sign-in: a second proof stays.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import timedelta

from sqlalchemy import select, update

from cloudhub.hub import Hub
from cloudhub.tenancy.logins import TRIES_PER_ADDRESS_MAX, set_portal_password
from cloudhub.tenancy.models import PortalLogin, Tenant
from cloudhub.tenancy.throttle import count_try
from shopnode.domain.clock import to_datetime
from shopnode.domain.errors import Invalid
from shopnode.domain.notices.models import Channel
from shopnode.domain.notices.outbox import Outgoing, queue_message
from shopnode.domain.people.access_models import PasswordReset
from shopnode.domain.people.passwords import PASSWORD_MIN
from shopnode.domain.people.queries import actor_for

SECRET_BYTES = 32
LASTS = timedelta(hours=1)
ASKS_MAX = 3  # for one address of mail in a quarter of an hour
LOGINS_MAX = 5  # businesses in which one address signs in
FLOOR_S = 0.25  # asking takes as long for an address nobody has
SUBJECT = "A new password"
BODY = """Somebody asked for a new password for you, {name}. If that was you, open this link within an hour:

{link}

If it was not you, do nothing: your password stays as it is."""


class StaleLink(Invalid):
    """The link was used, is too old, or was never made: which of these is told to nobody."""

    def __init__(self) -> None:
        super().__init__({"token": "is no longer good. Ask for a new link"})


def ask_for_reset(hub: Hub, email: str, *, ip: str | None) -> None:
    """Mail a link to whoever signs in with this address. Says nothing about it. Raises TooManyTries."""
    wanted = email.strip().lower()[:200]
    keys = {f"reset:{wanted}": ASKS_MAX, f"login-from:{ip}": TRIES_PER_ADDRESS_MAX}
    count_try(hub.database, hub.clock, keys)
    began_ms = hub.clock.mono_ms()
    with hub.database.gate() as gate:
        query = select(PortalLogin.tenant_id, PortalLogin.staff_id).where(
            PortalLogin.email == wanted, PortalLogin.ended_at.is_(None)
        )
        logins = list(gate.execute(query.order_by(PortalLogin.made_at).limit(LOGINS_MAX)))
    for tenant_id, staff_id in logins:
        _mail_link(hub, tenant_id, staff_id)
    time.sleep(max(0.0, FLOOR_S - (hub.clock.mono_ms() - began_ms) / 1000))


def use_reset(hub: Hub, token: str, password: str, *, ip: str | None) -> None:
    """Set a new password by a link. Raises Invalid, StaleLink, TooManyTries."""
    count_try(hub.database, hub.clock, {f"reset-from:{ip}": TRIES_PER_ADDRESS_MAX})
    if len(password) < PASSWORD_MIN:
        raise Invalid({"new_password": f"must be at least {PASSWORD_MIN} characters"})
    tenant_id, staff_id = _take(hub, token)
    set_portal_password(hub, tenant_id, staff_id, password)


def _mail_link(hub: Hub, tenant_id: str, staff_id: str) -> None:
    secret = hub.random(SECRET_BYTES).hex()
    now = to_datetime(hub.clock.wall_ms())
    with hub.database.session(tenant_id) as session:
        person = actor_for(session, staff_id, None)
        if person is None:
            return
        older = update(PasswordReset).where(PasswordReset.staff_id == staff_id, PasswordReset.used_at.is_(None))
        session.execute(older.values(used_at=now))
        session.add(
            PasswordReset(
                tenant_id=tenant_id, token_hash=_hash(secret), staff_id=staff_id, asked_at=now, expires_at=now + LASTS
            )
        )
        link = f"{(hub.settings.public_url or '').rstrip('/')}/reset/{uuid.UUID(tenant_id).hex}.{secret}"
        body = BODY.format(name=person.name, link=link)
        key = f"password-reset:{_hash(secret)}"
        mail = Outgoing(key=key, channel=Channel.MAIL, subject=SUBJECT, body=body, staff_id=staff_id)
        queue_message(session, hub.new_id(), now, mail)


def _take(hub: Hub, token: str) -> tuple[str, str]:
    """Use a link up; answers whose it is. Raises StaleLink."""
    tenant, _, secret = token.partition(".")
    try:
        tenant_id = str(uuid.UUID(hex=tenant))
    except ValueError:
        raise StaleLink from None
    now = to_datetime(hub.clock.wall_ms())
    with hub.database.gate() as gate:
        if gate.scalar(select(Tenant.tenant_id).where(Tenant.tenant_id == tenant_id)) is None:
            raise StaleLink
    good = (
        PasswordReset.token_hash == _hash(secret), PasswordReset.used_at.is_(None), PasswordReset.expires_at > now
    )  # fmt: skip
    with hub.database.session(tenant_id) as session:
        used = update(PasswordReset).where(*good).values(used_at=now).returning(PasswordReset.staff_id)
        staff_id = session.execute(used).scalar_one_or_none()
    if staff_id is None:
        raise StaleLink
    return tenant_id, staff_id


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
