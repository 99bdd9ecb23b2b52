"""The role that sees all rows and may make databases. Only backup and restore connect as it, for as long as they run.

Row-level security is forced on every table, for their owner, too; whoever dumps the whole database must be let past
it. The embedded server has such a role; for another server `CLOUDHUB_ADMIN_DATABASE_URL` names one.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import make_url

from cloudhub.hub import OWNER_ROLE, Hub
from cloudhub.postgres import SUPERUSER, find_binaries
from shopnode.domain.errors import ShopError

SERVER_DATABASE = "postgres"  # every server has it; databases are made and renamed from there
SCRATCH = "phoneshop_try_"  # begins the name of what may be dropped at any time
ONE_BACKUP = 7_403_226_002  # advisory lock: one backup or restore at a time
CONNECT_TIMEOUT_S = 10
LEAVING_TRIES, LEAVING_S = 15, 0.2
PROGRAM_TIMEOUT_S = 6 * 3_600
ENVIRONMENT = {
    "host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
}  # fmt: skip


class CannotKeep(ShopError):
    """A backup cannot be made or used here; the message says what is missing."""

    code = "cannot-keep"


@dataclass(frozen=True)
class Keeper:
    """The server's databases, as the role that may do everything with them."""

    url: str
    live: str  # the hub's database
    owner: str  # the role that owns its tables

    def connect(self, database: str) -> psycopg.Connection:
        """A connection that commits each statement, unless it is told otherwise."""
        told = make_conninfo(self.url, dbname=database, connect_timeout=CONNECT_TIMEOUT_S, options="-c timezone=UTC")
        try:
            return psycopg.connect(told, autocommit=True)
        except psycopg.OperationalError as error:
            raise CannotKeep(f"The database {database} cannot be reached as the administrator: {error}") from None

    def check(self) -> None:
        """Raises CannotKeep unless the role sees all rows and may make databases."""
        with self.connect(self.live) as connection:
            row = connection.execute(_RIGHTS).fetchone()
        if row is None or not all(row):
            raise CannotKeep(
                "This role may not see all rows or not create databases. Set CLOUDHUB_ADMIN_DATABASE_URL to the URL of "
                "one that may (in PostgreSQL: a superuser, or BYPASSRLS, CREATEDB and member of the owner)."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The only backup or restore on this server, and what an earlier one left behind is gone. Raises CannotKeep."""
        with self.connect(SERVER_DATABASE) as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [ONE_BACKUP]).fetchone()
            if row != (True,):
                raise CannotKeep("Another backup or restore is running. Try again when it is done.")
            for (name,) in connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [SCRATCH]
            ).fetchall():
                self.drop(name)
            yield

    def create(self, name: str) -> None:
        self._do("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'", name, self.owner)

    def drop(self, name: str) -> None:
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def swap(self, new: str, old: str) -> None:
        """Put the database `new` in the place of the hub's, which is called `old` from then on: both or neither."""
        with self.connect(SERVER_DATABASE) as connection, connection.transaction():
            for name, after in ((self.live, old), (new, self.live)):
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(after))
                )

    def visitors(self) -> int:
        """How many others are connected to the hub's database; whoever is just leaving is waited for."""
        with self.connect(SERVER_DATABASE) as connection:
            for _ in range(LEAVING_TRIES):
                row = connection.execute(_VISITORS, [self.live]).fetchone()
                if row == (0,):
                    return 0
                time.sleep(LEAVING_S)
        return int(row[0]) if row else 0

    def url_of(self, database: str, role: str) -> str:
        """The URL of another database beside the hub's."""
        made = make_url(role).set(database=database)
        return made.render_as_string(hide_password=False)

    def program(self, name: str, *arguments: str) -> Program:
        """One of PostgreSQL's programs, connected as this role."""
        known = conninfo_to_dict(self.url)
        told = {ENVIRONMENT[key]: str(value) for key, value in known.items() if key in ENVIRONMENT and value}
        path = str(find_binaries() / name)
        return Program([path, "--no-password", *arguments], {**os.environ, **told, "PGCONNECT_TIMEOUT": "10"})

    def _do(self, statement: str, *names: str) -> None:
        with self.connect(SERVER_DATABASE) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


class Program:
    """A child that reads or writes a stream. It is ended when its time is up or we leave it; its words are kept."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self._command = command
        self._environment = environment

    @contextmanager
    def running(self, *, writes: bool) -> Iterator[IO[bytes]]:
        """Its output, or its input. Raises CannotKeep when it fails."""
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen(  # noqa: S603 — our own program, arguments from models and settings
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL if writes else subprocess.PIPE,
                stdout=subprocess.PIPE if writes else said,
                stderr=said,
            )
            watch = threading.Timer(PROGRAM_TIMEOUT_S, child.kill)
            watch.daemon = True
            watch.start()
            stream = child.stdout if writes else child.stdin
            assert stream is not None
            broken = False
            try:
                try:
                    yield stream
                    stream.close()
                except BrokenPipeError:
                    broken = True  # it ended early, and its own words say why
                code = child.wait(PROGRAM_TIMEOUT_S)
            finally:
                watch.cancel()
                if child.poll() is None:
                    child.kill()
                    child.wait()
                with suppress(OSError):
                    stream.close()  # what was left in it has no reader any more
            if code or broken:
                said.seek(0)
                words = said.read(20_000).decode(errors="replace").strip().splitlines()[-3:]
                raise CannotKeep(f"{Path(self._command[0]).name} failed: {' '.join(words)}")


def keeper_of(hub: Hub) -> Keeper:
    """Backups' way to this hub's server. Raises CannotKeep."""
    settings = hub.settings
    owner = make_url(settings.database_url) if settings.database_url else None
    if settings.admin_database_url:
        url = make_url(settings.admin_database_url)
    elif hub.server is not None:
        url = make_url(hub.server.url(SUPERUSER, SERVER_DATABASE))
    else:
        assert owner is not None
        url = owner
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return Keeper(plain, hub.database.name, (owner.username if owner else None) or OWNER_ROLE)


_VISITORS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
_RIGHTS = """
SELECT rolsuper OR rolbypassrls, rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user
"""
