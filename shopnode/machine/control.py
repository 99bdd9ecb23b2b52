"""Commands typed while a node runs go through it, by a local socket; never around its writer.

The protocol is JSON lines: one request `{"command", "args"}`, then any number of `{"progress": [done, total, words]}`,
then one `{"result"}` or `{"error"}`. On Unix it is a socket file in the data folder that only its owner can open; where
there are none (Windows, not tried there) it is a loopback port behind a token in a private file.

Invariants:
  * A command does the same and answers the same whichever way it runs: `run_command` picks the way.
  * Only the user the node runs as, or root, is served.
"""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import secrets
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from shopnode.config import Folder, Settings
from shopnode.domain.errors import Invalid, ShopError
from shopnode.machine.keys import write_private
from shopnode.machine.lock import FolderInUse

if TYPE_CHECKING:
    from shopnode.machine.commands import Say
    from shopnode.machine.runtime import Node

log = logging.getLogger("shopnode.machine.control")

LINE_BYTES_MAX = 64 * 1024 * 1024  # an import file travels in one line
ASK_WAIT_S = 10  # for the request line
CONNECT_WAIT_S = 15  # a node that is starting or stopping has the lock and does not answer yet
RETRY_S = 0.2
SOCKET_PATH_MAX = 100  # the system's own limit is about 107 bytes
HAS_UNIX = hasattr(socket, "AF_UNIX")
CUT_OFF = {
    "code": "cut-off", "status": 503,
    "message": "The shop stopped while it was doing this. What was done is kept; look, then repeat the rest.",
}  # fmt: skip


class CommandRefused(ShopError):
    """What the running node answered to a command, with its own code and words."""

    def __init__(self, error: Mapping[str, Any]):
        super().__init__(str(error.get("message", "The running shop refused the command.")))
        self.code = str(error.get("code", "refused"))
        self.status = int(error.get("status", 500))
        self._details = dict(error.get("details", {}))

    @property
    def details(self) -> dict[str, object]:
        return self._details


class NoAnswer(Exception):
    """Nobody listens at the folder's socket."""


def run_command(
    folder: Folder, settings: Settings, name: str, args: Mapping[str, Any], say: Say, *, wait_s: int = CONNECT_WAIT_S
) -> dict[str, Any]:
    """Run a command in the node that has the folder, or in this process when none has.

    Raises ShopError, FolderInUse, KeyProblem, DatabaseUnusable.
    """
    from shopnode.machine.commands import perform_command

    ends_s = time.monotonic() + wait_s
    while True:
        try:
            return ask_running(folder, name, args, say)
        except NoAnswer:
            node = _open_or_none(folder, settings, is_last_try=time.monotonic() >= ends_s)
        if node is not None:
            with node:
                return perform_command(node, name, args, say)
        time.sleep(RETRY_S)


def open_when_free(folder: Folder, settings: Settings, *, wait_s: int = CONNECT_WAIT_S) -> Node:
    """Open the folder, waiting for a command that has it just now; a node that answers is not waited for.

    Raises FolderInUse, KeyProblem, DatabaseUnusable.
    """
    ends_s = time.monotonic() + wait_s
    while True:
        is_last_try = time.monotonic() >= ends_s or is_answering(folder)
        node = _open_or_none(folder, settings, is_last_try=is_last_try)
        if node is not None:
            return node
        time.sleep(RETRY_S)


def _open_or_none(folder: Folder, settings: Settings, *, is_last_try: bool) -> Node | None:
    from shopnode.machine.runtime import Node

    try:
        return Node.open(folder.path, settings)
    except FolderInUse:
        if is_last_try:
            raise
        return None


def is_answering(folder: Folder) -> bool:
    """Whether a running node answers commands for this folder."""
    try:
        _connect(folder).close()
    except NoAnswer:
        return False
    return True


def ask_running(folder: Folder, name: str, args: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Have the running node do it. Raises NoAnswer, CommandRefused."""
    with contextlib.closing(_connect(folder)) as connection:
        try:
            connection.sendall(orjson.dumps({"command": name, "args": dict(args)}) + b"\n")
            return _read_answer(connection, say)
        except OSError:
            raise CommandRefused(CUT_OFF) from None


def _read_answer(connection: socket.socket, say: Say) -> dict[str, Any]:
    with connection.makefile("rb") as stream:
        while True:
            line = stream.readline(LINE_BYTES_MAX)
            if not line.endswith(b"\n"):
                raise CommandRefused(CUT_OFF)
            answer = orjson.loads(line)
            if "progress" in answer:
                say(*answer["progress"])
            elif "error" in answer:
                raise CommandRefused(answer["error"])
            else:
                result: dict[str, Any] = answer["result"]
                return result


class ControlServer:
    """Serves commands for one running node."""

    def __init__(self, node: Node, *, unix: bool = HAS_UNIX):
        self._node = node
        self._folder = node.folder
        self._unix = unix
        self._token = secrets.token_hex(16)
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. The caller holds the folder's lock, so an old socket file is nobody's."""
        self._folder.socket.unlink(missing_ok=True)
        self._listener = self._listen_unix() if self._unix else self._listen_loopback()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
            self._listener.close()
        self._folder.socket.unlink(missing_ok=True)

    def _listen_unix(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        with _reachable(self._folder) as path:
            listener.bind(path)
        self._folder.socket.chmod(0o600)
        listener.listen(8)
        return listener

    def _listen_loopback(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        where = {"port": listener.getsockname()[1], "token": self._token}
        write_private(self._folder.socket, orjson.dumps(where))
        return listener

    def _accept(self) -> None:
        assert self._listener is not None
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="command", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(ASK_WAIT_S)
        try:
            with contextlib.closing(connection), connection.makefile("rwb") as stream:
                if not self._may_ask(connection, stream):
                    return
                line = stream.readline(LINE_BYTES_MAX)
                connection.settimeout(None)
                _send(stream, self._answer(line, stream))
        except OSError:
            log.info("the asker of a command went away")

    def _may_ask(self, connection: socket.socket, stream: Any) -> bool:
        if not self._unix:
            given = stream.readline(100).strip()
            return hmac.compare_digest(given, self._token.encode())
        if not hasattr(socket, "SO_PEERCRED"):
            return True  # the file's mode is the guard
        raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, user, _ = struct.unpack("3i", raw)
        return user in (0, os.getuid())

    def _answer(self, line: bytes, stream: Any) -> dict[str, Any]:
        from shopnode.machine.commands import perform_command

        def say(done: int, total: int | None, words: str = "") -> None:
            _send(stream, {"progress": [done, total, words]})

        try:
            name, args = _read_request(line)
            return {"result": perform_command(self._node, name, args, say)}
        except ShopError as refused:
            return {"error": error_document(refused)}
        except OSError:
            raise  # the asker is gone
        except Exception:
            log.exception("a command failed")
            words = "This failed because of a fault in the program. Nothing half-done was kept; the log says more."
            return {"error": {"code": "fault", "status": 500, "message": words, "details": {}}}


def _read_request(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        asked = orjson.loads(line)
        return str(asked["command"]), dict(asked["args"])
    except (ValueError, KeyError, TypeError):
        raise Invalid({"": "is not a command"}) from None


def error_document(refused: ShopError) -> dict[str, Any]:
    """A refusal as it travels and as `--json` prints it."""
    return {"code": refused.code, "status": refused.status, "message": str(refused), "details": refused.details}


def _connect(folder: Folder) -> socket.socket:
    try:
        return _connect_unix(folder) if folder.socket.is_socket() else _connect_loopback(folder)
    except (OSError, ValueError, KeyError):
        raise NoAnswer from None


def _connect_unix(folder: Folder) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _reachable(folder) as path:
            connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _connect_loopback(folder: Folder) -> socket.socket:
    where = orjson.loads(folder.socket.read_bytes())
    connection = socket.create_connection(("127.0.0.1", where["port"]), timeout=ASK_WAIT_S)
    connection.settimeout(None)
    connection.sendall(where["token"].encode() + b"\n")
    return connection


@contextlib.contextmanager
def _reachable(folder: Folder) -> Iterator[str]:
    """A path to the socket short enough for the system, however deep the folder is."""
    if len(os.fsencode(folder.socket)) <= SOCKET_PATH_MAX:
        yield str(folder.socket)
        return
    descriptor = os.open(folder.path, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{folder.socket.name}"  # Linux's; other systems refuse so deep a folder
    finally:
        os.close(descriptor)


def _send(stream: Any, document: Mapping[str, Any]) -> None:
    stream.write(orjson.dumps(document) + b"\n")
    stream.flush()
