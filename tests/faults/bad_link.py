"""A bad line between a node and a hub: a proxy on a port of this machine that delays, narrows, cuts, loses and lies.

Invariants:
  * What passes is passed on unchanged and in order; a byte that was cut or lost never arrives later.
  * The width is the line's, shared by all its connections in one direction, as on a modem; a delay is not a width.
  * `change` hangs up whatever is open, so that a new weather holds for every byte after it.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue

PIECE_BYTES = 4_096
SLICE_S = 0.05  # of a narrow line: as much as it carries in this time is passed on at once
LOST_WITHIN_BYTES = 6_000  # where in a connection's life it is lost, both ways together
CONNECT_S = 5


@dataclass(frozen=True)
class Weather:
    """How the line is. The default is a good one."""

    delay_s: float = 0.0  # each way; a new connection takes one round trip more
    bytes_per_s: int | None = None  # each way
    lost: float = 0.0  # how many of the connections are cut somewhere, between 0 and 1
    request_bytes: int | None = None  # of a connection go up, then it is cut
    reply_bytes: int | None = None  # of a connection come back, then it is cut
    is_silent: bool = False  # connections are accepted, and nothing ever comes back


FAIR = Weather()
FAR = Weather(delay_s=0.15)  # 300 ms for a round trip
NARROW = Weather(bytes_per_s=1_000)  # 8 kbit/s
SILENT = Weather(is_silent=True)
NO_REPLIES = Weather(reply_bytes=0)  # requests arrive, answers do not


class Way:
    """One direction of the line: how much it has carried, and until when it is taken."""

    def __init__(self) -> None:
        self.carried = 0
        self._free_at = 0.0
        self._lock = threading.Lock()

    def send(self, piece: bytes, to: socket.socket, bytes_per_s: int | None) -> None:
        """Pass a piece on, when its turn is over on a line of that width."""
        with self._lock:
            self.carried += len(piece)
            if bytes_per_s is not None:
                begins = max(time.monotonic(), self._free_at)
                self._free_at = begins + len(piece) / bytes_per_s
            due = self._free_at
        if bytes_per_s is not None:
            _sleep_until(due)
        to.sendall(piece)


class BadLink:
    """Listens on `port` and passes on to `target`, as the weather allows."""

    def __init__(self, target: int, seed: int = 1):
        self.weather = FAIR
        self.target = target
        self.up, self.down = Way(), Way()
        self.connections = 0
        self._chance = random.Random(seed)
        self._open: set[_Connection] = set()
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, name="bad-link", daemon=True)
        self._thread.start()

    def change(self, weather: Weather = FAIR, target: int | None = None) -> None:
        """Another weather, or another server behind the same address; what is open is hung up."""
        self.weather = weather
        self.target = target or self.target
        self.hang_up()

    def hang_up(self) -> None:
        with self._lock:
            opened = list(self._open)
        for connection in opened:
            connection.cut()

    def close(self) -> None:
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join(CONNECT_S)
        self.hang_up()

    def __enter__(self) -> BadLink:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            weather = self.weather
            is_lost = self._chance.random() < weather.lost
            lost_after = self._chance.randrange(LOST_WITHIN_BYTES) if is_lost else None
            connection = _Connection(self, near, weather, lost_after)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            connection.start()

    def forget(self, connection: _Connection) -> None:
        with self._lock:
            self._open.discard(connection)


class _Connection:
    """One connection through the line: two directions, each with a reader and a writer, so that delays overlap."""

    def __init__(self, link: BadLink, near: socket.socket, weather: Weather, lost_after: int | None):
        self._link, self._near, self._weather, self._lost_after = link, near, weather, lost_after
        self._far: socket.socket | None = None
        self._passed = 0
        self._is_cut = False

    def start(self) -> None:
        if not self._weather.is_silent:
            threading.Thread(target=self._carry, daemon=True).start()

    def cut(self) -> None:
        """Both sides see the end of the connection, wherever they were."""
        self._is_cut = True
        for side in filter(None, (self._near, self._far)):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
        self._link.forget(self)

    def _carry(self) -> None:
        time.sleep(2 * self._weather.delay_s)
        try:
            self._far = socket.create_connection(("127.0.0.1", self._link.target), timeout=CONNECT_S)
        except OSError:
            self.cut()
            return
        self._far.settimeout(None)
        if self._is_cut:
            self.cut()
            return
        link, weather = self._link, self._weather
        self._direction(self._near, self._far, link.up, weather.request_bytes)
        self._direction(self._far, self._near, link.down, weather.reply_bytes)

    def _direction(self, source: socket.socket, sink: socket.socket, way: Way, bytes_max: int | None) -> None:
        queue: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
        threading.Thread(target=self._read, args=(source, queue), daemon=True).start()
        threading.Thread(target=self._pass_on, args=(queue, sink, way, bytes_max), daemon=True).start()

    def _read(self, source: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        size = self._piece_bytes()
        while True:
            try:
                piece = source.recv(size)
            except OSError:
                piece = b""
            queue.put((time.monotonic() + self._weather.delay_s, piece))
            if not piece:
                return

    def _pass_on(
        self, queue: SimpleQueue[tuple[float, bytes]], sink: socket.socket, way: Way, bytes_max: int | None
    ) -> None:
        """However a direction ends, the connection does."""
        with suppress(OSError):
            self._write(queue, sink, way, bytes_max)
        self.cut()

    def _write(
        self, queue: SimpleQueue[tuple[float, bytes]], sink: socket.socket, way: Way, bytes_max: int | None
    ) -> None:
        passed = 0
        while True:
            due, piece = queue.get()
            if not piece:
                return
            _sleep_until(due)
            allowed = len(piece) if bytes_max is None else min(len(piece), bytes_max - passed)
            if self._lost_after is not None:
                allowed = min(allowed, max(self._lost_after - self._passed, 0))
            passed += allowed
            self._passed += allowed
            if allowed:
                way.send(piece[:allowed], sink, self._weather.bytes_per_s)
            if allowed < len(piece):
                return

    def _piece_bytes(self) -> int:
        rate = self._weather.bytes_per_s
        return PIECE_BYTES if rate is None else max(1, min(PIECE_BYTES, int(rate * SLICE_S)))


def _sleep_until(due: float) -> None:
    left = due - time.monotonic()
    if left > 0:
        time.sleep(left)
