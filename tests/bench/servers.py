"""The other side of the line: a PostgreSQL of our own for the run, and servers as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudhub.postgres import SUPERUSER, EmbeddedPostgres, find_binaries

HOME = Path(__file__).resolve().parents[2]
STOP_S = 10


@contextmanager
def running_postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    """The embedded server with the settings the hub gives it; both sides of a comparison use this one."""
    server = EmbeddedPostgres(folder / "pg" / "data")
    (folder / "pg").mkdir()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def plain_dsn(server: EmbeddedPostgres, database: str = SUPERUSER) -> str:
    """The server for psycopg alone."""
    return f"host={server.socket_folder} user={SUPERUSER} dbname={database}"


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[int]:
    """Run a module that prints its port and serves; yields the port."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HOME, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise RuntimeError(f"{module} did not start")
            yield int(line)
        finally:
            process.terminate()
            process.wait(STOP_S)


def postgres_version() -> str:
    """As its programs say it."""
    said = subprocess.run([find_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return "PostgreSQL " + said.stdout.split()[-1]
