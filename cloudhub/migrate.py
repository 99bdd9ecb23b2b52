"""Bring the hub's database to the newest schema, with its roles, policies and guard; all of it or nothing.

Only the owning role comes here. The two roles that the running hub uses own nothing and cannot change the schema.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cloudhub.models import APP_ROLE, GATE_ROLE
from cloudhub.rls import secure
from shopnode.domain.clock import Clock, new_id
from shopnode.domain.migrate import DOMAIN, upgrade

HUB = Path(__file__).parent / "migrations"
ONE_AT_A_TIME = 7_403_226_001  # advisory lock: several hub processes may start at once


def upgrade_hub(url: str, clock: Clock) -> None:
    """Create or upgrade the hub's tables, roles and policies in the database the URL names, as its owner."""
    owner = make_url(url)
    engine = create_engine(owner, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ONE_AT_A_TIME})
        upgrade(connection, DOMAIN, "version_domain")
        upgrade(connection, HUB, "version_hub")
        for role in (APP_ROLE, GATE_ROLE):
            ensure_role(connection, role, role_password(owner, role))
        secure(connection)
        ensure_identity(connection, clock)
    engine.dispose()


def role_password(owner: URL, role: str) -> str | None:
    """A role's password follows from the owner's, so there is one secret to keep; None where none is used."""
    if owner.password is None:
        return None
    return hmac.new(str(owner.password).encode(), role.encode(), hashlib.sha256).hexdigest()


def role_url(owner: str, role: str) -> str:
    """The URL by which the running hub connects as one of its two roles."""
    url = make_url(owner)
    return url.set(username=role, password=role_password(url, role)).render_as_string(hide_password=False)


def ensure_role(connection: Connection, role: str, password: str | None) -> None:
    """Create a role that may log in and nothing else, unless an administrator has done so."""
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    if not known:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
        if password is not None:  # hex digits only, and no statement of this kind takes parameters
            connection.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{password}'")


def ensure_identity(connection: Connection, clock: Clock) -> None:
    """Give a new hub its key, its name and its epoch."""
    connection.execute(
        text(
            "INSERT INTO hub_identity (id, private_key, audience, epoch, made_at) "
            "VALUES (1, :key, :audience, :epoch, :now) ON CONFLICT DO NOTHING"
        ),
        {
            "key": secrets.token_bytes(32),
            "audience": f"hub-{new_id(clock.wall_ms())}",
            "epoch": new_id(clock.wall_ms()),
            "now": clock.wall_ms(),
        },
    )
