"""A hub for tests: real PostgreSQL in a folder of its own, started once in each test process."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from cloudhub.config import HubSettings
from cloudhub.hub import OWNER_ROLE, Hub, open_hub
from cloudhub.postgres import SUPERUSER
from tests.blank_hub import blank_hub

TRIES_MAX = 40


@contextmanager
def running_hub() -> Iterator[Hub]:
    """The server's own user must be able to walk to its folder, and pytest closes its folders to everybody else."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    try:
        blank_hub(folder)
        with open_hub(HubSettings(data=folder)) as hub:
            _outlive_nothing(hub)
            yield hub
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outlive_nothing(hub: Hub) -> None:
    """Nothing here outlives the tests, so nothing needs to survive the plug."""
    with psycopg.connect(_superuser(hub), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")


def copy_hub(hub: Hub, name: str) -> None:
    """Keep the hub's database as it is now, under this name; a copy of that name is replaced."""
    _copy(hub, hub.database.name, name)


def put_back(hub: Hub, name: str) -> None:
    """Let the hub's database be that copy again, as if its disk had been changed: nobody is told. The copy stays."""
    _copy(hub, name, hub.database.name)
    hub.notice_life()  # as a process that starts on it would read it


def _copy(hub: Hub, source: str, target: str) -> None:
    hub.database.close()  # its connections come back by themselves; a database that is copied must have nobody in it
    with psycopg.connect(_superuser(hub), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{target}" WITH (FORCE)')  # type: ignore[arg-type]
        for tries_left in reversed(range(TRIES_MAX)):
            try:
                statement = f'CREATE DATABASE "{target}" TEMPLATE "{source}" OWNER {OWNER_ROLE} STRATEGY FILE_COPY'
                connection.execute(statement)  # type: ignore[arg-type]
                return
            except psycopg.errors.ObjectInUse:
                if not tries_left:
                    raise
                time.sleep(0.1)


def _superuser(hub: Hub) -> str:
    """The server's own role, at a database that nobody copies."""
    url = make_url(hub.settings.database_url or (hub.server.url(SUPERUSER, SUPERUSER) if hub.server else ""))
    plain = url.set(drivername="postgresql", username=SUPERUSER, database=SUPERUSER)
    return plain.render_as_string(hide_password=False)
