"""The hub's bell: requests that wait until there is news for a shop, on a port and threads of their own.

Invariants:
  * Nobody who sells or looks at the portal ever waits for a thread that is waiting here.
  * No database connection is held while waiting. When all places are taken, who comes is sent away at once.
  * A shop's computer holds one place at the most: who comes again takes over the place of the call before it.
  * What moves a feed in another process of the hub is noticed within seconds; in this one at once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from flask import Blueprint, Flask
from sqlalchemy import bindparam, select, text
from waitress.server import create_server

from cloudhub.calls import bell
from cloudhub.calls.door import Door
from cloudhub.hub import Hub
from cloudhub.merge.models import TenantFeed
from sync_protocol.bells import BELL_FULL_MS
from sync_protocol.problems import Unavailable

LOOK_S = 3  # between two looks at what other processes of the hub did
BODY_BYTES_MAX = 64 * 1024
IDLE_S = 120  # a connection on which nobody asks for so long is dropped
SPARE_THREADS = 2  # to send away those for whom there is no place

log = logging.getLogger("cloudhub.bell")


@dataclass
class _Room:
    """Those of one business who wait. `turn` counts what happened there."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    waiting: int = 0
    turn: int = 0
    seq: int = -1

    def has_moved(self, turn: int) -> bool:
        return self.turn != turn


class Ears:
    """Hears feeds move, and wakes those it concerns."""

    def __init__(self, hub: Hub, places: int):
        self._hub = hub
        self._places = threading.Semaphore(places)
        self._rooms: dict[str, _Room] = {}
        self._standing: dict[str, object] = {}  # the origins that have a place, and which call of theirs has it
        self._lock = threading.Lock()
        self._stop = threading.Event()
        hub.listeners.append(self.heard)

    def start(self) -> None:
        """Begin to look at what other processes do."""
        threading.Thread(target=self._look_around, name="bell", daemon=True).start()

    def stop(self) -> None:
        """Let everybody go."""
        self._stop.set()
        self._hub.listeners.remove(self.heard)
        for tenant_id in list(self._rooms):
            self.heard(tenant_id)

    def heard(self, tenant_id: str) -> None:
        """The feed of this business has moved."""
        room = self._rooms.get(tenant_id)
        if room is not None:
            with room.changed:
                room.turn += 1
                room.changed.notify_all()

    def wait(self, tenant_id: str, origin_id: str, streams: Sequence[str], cursor: int, wait_ms: int) -> bool:
        """Whether there is news for this origin before the deadline.

        Raises Unavailable when every place is taken, and when a later call of the same origin has come for its own.
        """
        call = self._take_place(origin_id)
        room = self._enter(tenant_id)
        with room.changed:
            room.changed.notify_all()  # an earlier call of this origin
        ends_ms = self._hub.clock.mono_ms() + wait_ms
        try:
            while True:
                turn = room.turn
                if self._is_news(tenant_id, origin_id, streams, cursor):
                    return True
                left_ms = ends_ms - self._hub.clock.mono_ms()
                is_over = partial(self._is_over, room, turn, origin_id, call)
                with room.changed:
                    woken = room.changed.wait_for(is_over, max(left_ms, 0) / 1000)
                if self._standing.get(origin_id) is not call:
                    raise Unavailable(BELL_FULL_MS)
                if not woken or self._stop.is_set():
                    return False
        finally:
            self._leave(tenant_id, room)
            self._give_place(origin_id, call)

    def _is_over(self, room: _Room, turn: int, origin_id: str, call: object) -> bool:
        return room.has_moved(turn) or self._standing.get(origin_id) is not call

    def _take_place(self, origin_id: str) -> object:
        call = object()
        with self._lock:
            if origin_id not in self._standing and not self._places.acquire(blocking=False):
                raise Unavailable(BELL_FULL_MS)
            self._standing[origin_id] = call
        return call

    def _give_place(self, origin_id: str, call: object) -> None:
        with self._lock:
            if self._standing.get(origin_id) is call:
                del self._standing[origin_id]
                self._places.release()

    def _enter(self, tenant_id: str) -> _Room:
        with self._lock:
            room = self._rooms.setdefault(tenant_id, _Room())
            room.waiting += 1
        return room

    def _leave(self, tenant_id: str, room: _Room) -> None:
        with self._lock:
            room.waiting -= 1
            if not room.waiting:
                self._rooms.pop(tenant_id, None)

    def _is_news(self, tenant_id: str, origin_id: str, streams: Sequence[str], cursor: int) -> bool:
        """A node's own entries come back to it in the answer that takes them: they are no news."""
        values = {"tenant": tenant_id, "origin": origin_id, "streams": list(streams), "cursor": cursor}
        with self._hub.database.session(tenant_id, read_only=True) as session:
            return bool(session.execute(_NEWS, values).scalar_one())

    def _look_around(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # the database is away for a moment; requests say so by themselves
                log.warning("could not look at the feeds", exc_info=True)

    def look(self) -> None:
        """Compare the feeds of those who wait with what was there at the last look."""
        rooms = dict(self._rooms)
        if not rooms:
            return
        feeds = select(TenantFeed.tenant_id, TenantFeed.seq).where(TenantFeed.tenant_id.in_(list(rooms)))
        with self._hub.database.gate() as session:
            found = session.execute(feeds).all()
        for tenant_id, seq in found:
            room = rooms[tenant_id]
            if room.seq != seq:
                room.seq = seq
                self.heard(tenant_id)


def create_bell_app(hub: Hub, ears: Ears) -> Flask:
    """The application on the bell's own port: one call and nothing else."""
    app = Flask("cloudhub.bell", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    bp = Blueprint("bell", __name__)
    bell.mount(bp, Door(hub), ears.wait)
    app.register_blueprint(bp)
    return app


class Bell:
    """The bell being served."""

    def __init__(self, hub: Hub, host: str, port: int):
        places = hub.settings.bell_threads
        self._hub, self._ears = hub, Ears(hub, places)
        self._server = create_server(
            create_bell_app(hub, self._ears), host=host, port=port, threads=places + SPARE_THREADS,
            connection_limit=places * 2 + 100, channel_timeout=IDLE_S, max_request_body_size=BODY_BYTES_MAX,
            ident="cloudhub", clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        self.port = int(self._server.effective_port)
        self._ears.start()
        hub.bell = hub.settings.bell_url or f":{self.port}"
        threading.Thread(target=self._server.run, name="bell-door", daemon=True).start()

    def close(self) -> None:
        """Let those who wait go, and shut."""
        self._hub.bell = None
        self._ears.stop()
        self._server.close()


def ring(hub: Hub, host: str) -> Bell | None:
    """Serve the bell, where the settings want one."""
    port = hub.settings.bell_port
    return None if port is None else Bell(hub, host, port)


_NEWS = text(
    "SELECT EXISTS (SELECT FROM feed_line WHERE tenant_id = :tenant AND stream IN :streams AND no > :cursor "
    "AND origin_id <> :origin)"
).bindparams(bindparam("streams", expanding=True))
