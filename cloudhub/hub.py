"""The hub put together: its settings, its database, its identity, and a home for each tenant.

`open_hub()` starts the embedded server where no URL is given, migrates, and checks the walls before anything runs.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import make_url, select
from sqlalchemy.orm import Session

import cloudhub.merge.conflicts
import cloudhub.tenancy.forgetting
import shopnode.domain.everything
from cloudhub.base import APP_ROLE, GATE_ROLE
from cloudhub.config import HubSettings
from cloudhub.database import HubDatabase
from cloudhub.home import HubHome
from cloudhub.merge.lives import keep_mark
from cloudhub.migrate import role_url, upgrade_hub
from cloudhub.postgres import SUPERUSER, EmbeddedPostgres
from cloudhub.tenancy.models import HubIdentity, Tenant
from shopnode.domain.clock import Clock, RandomBytes, SystemClock, new_id
from shopnode.domain.errors import NotFound
from sync_protocol.keys import public_text, read_private

assert shopnode.domain.everything and cloudhub.merge.conflicts  # actions and projections register when imported

OWNER_ROLE = "phoneshop_owner"
DATABASE = "phoneshop"


@dataclass(frozen=True)
class Identity:
    """What makes this hub itself."""

    secret: bytes
    audience: str
    epoch: str

    @property
    def key(self) -> Ed25519PrivateKey:
        return read_private(self.secret)

    @property
    def public_key(self) -> str:
        return public_text(self.key)


class Hub:
    """Everything a request needs, and no request of its own."""

    def __init__(
        self,
        settings: HubSettings,
        database: HubDatabase,
        clock: Clock | None = None,
        random: RandomBytes = secrets.token_bytes,
    ):
        self.settings = settings
        self.database = database
        self.clock = clock or SystemClock()
        self.random = random
        self.server: EmbeddedPostgres | None = None  # where this process started or found one
        self.listeners: list[Callable[[str], None]] = []  # told a tenant's id when its feed has moved
        self.bell: str | None = None  # where shops wait for news, once it is served
        self.identity = read_identity(database)
        self.key = self.identity.key

    @property
    def owner_url(self) -> str:
        """The database as the role that owns its tables."""
        return _owner_url(self.settings, self.server)

    def notice_life(self) -> None:
        """Read anew who this hub is: it may have begun another life, in this process or another."""
        self.identity = read_identity(self.database)

    def new_id(self) -> str:
        return new_id(self.clock.wall_ms(), self.random)

    def chance(self) -> float:
        """Evenly from 0 up to 1, for spreading waits."""
        return int.from_bytes(self.random(4), "big") / 2**32

    def home(self, tenant_id: str, session: Session | None = None) -> HubHome:
        """The tenant's side of the hub, where its portal's actions run. Raises NotFound.

        session  of a transaction that spans more than one action
        """
        with self.database.gate() as gate:
            origin_id = gate.scalar(select(Tenant.portal_origin_id).where(Tenant.tenant_id == tenant_id))
        if origin_id is None:
            raise NotFound("This business")
        return self.home_of(tenant_id, origin_id, session)

    def home_of(self, tenant_id: str, origin_id: str, session: Session | None = None) -> HubHome:
        home = HubHome(
            self.database, tenant_id, origin_id, self.clock, self.secret_for("fingerprint"),
            random=self.random, session=session,
        )  # fmt: skip
        home.listeners.append(lambda: self.feed_moved(tenant_id))
        return home

    def secret_for(self, purpose: str) -> bytes:
        """A key of its own for each purpose, all following from the hub's."""
        return hmac.new(self.identity.secret, purpose.encode(), hashlib.sha256).digest()

    def feed_moved(self, tenant_id: str) -> None:
        for listener in self.listeners:
            listener(tenant_id)

    def close(self) -> None:
        self.database.close()


def read_identity(database: HubDatabase) -> Identity:
    with database.gate() as session:
        row = session.get_one(HubIdentity, 1)
        return Identity(row.private_key, row.audience, row.epoch)


@contextmanager
def open_hub(settings: HubSettings, clock: Clock | None = None) -> Iterator[Hub]:
    """The hub of these settings, ready for work; what was started for it is stopped at the end.

    Raises PostgresUnavailable, UnsafeDatabase or DatabaseUnusable, in words.
    """
    clock = clock or SystemClock()
    server = None if settings.database_url else EmbeddedPostgres(settings.data / "pg")
    if server is not None:
        server.start()
    database = None
    try:
        if server is not None:
            prepare_embedded(server)
        owner_url = _owner_url(settings, server)
        upgrade_hub(owner_url, clock)
        database = connect(settings, owner_url)
        database.check()
        hub = Hub(settings, database, clock)
        hub.server = server
        keep_mark(hub)
        yield hub
    finally:
        if database is not None:
            database.close()
        if server is not None:
            server.stop()


def connect(settings: HubSettings, owner_url: str) -> HubDatabase:
    """Sessions of the two roles that own nothing."""
    return HubDatabase(
        settings.app_database_url or role_url(owner_url, APP_ROLE),
        settings.gate_database_url or role_url(owner_url, GATE_ROLE),
        pool=settings.pool,
        statement_timeout_ms=settings.statement_timeout_ms,
    )


def _owner_url(settings: HubSettings, server: EmbeddedPostgres | None) -> str:
    if server is None:
        url = make_url(settings.database_url or "").set(drivername="postgresql+psycopg")
        return url.render_as_string(hide_password=False)
    return server.url(OWNER_ROLE, DATABASE)


def prepare_embedded(server: EmbeddedPostgres, database: str = DATABASE) -> None:
    """Give a fresh embedded server the owning role and the database."""
    url = server.url(SUPERUSER, SUPERUSER).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER_ROLE]).fetchone():
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN CREATEROLE")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(f"CREATE DATABASE {database} OWNER {OWNER_ROLE}")
