"""Waiting at the hub's bell: a thread of its own that wakes the worker when there is news.

Invariants:
  * It only ever wakes the worker: no data comes this way, and no failure of it is shown or stops anything. Where it
    does not work, polling does.
  * It waits only while the shop is enrolled and a drawer is open.
  * A ring that brings nothing is not followed at once by the next: a bell that is stuck costs no more than polling.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.clock import evenly
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.line import Link, Refused, SignedLine, read_link
from shopnode.sync.models import HubLink
from shopnode.sync.transport import HttpTransport, LinkDown, Transport
from sync_protocol.bells import BELL, BELL_WAIT_MS, BellAnswer, BellRequest
from sync_protocol.limits import jittered, retry_ms
from sync_protocol.messages import Hello, decode, encode
from sync_protocol.problems import ProtocolError
from sync_protocol.versions import PROTOCOL_VERSION, SCHEMA_VERSION

log = logging.getLogger("shopnode.sync.bell")

HELLO = "/sync/hello"
STALL_S = BELL_WAIT_MS // 1000 + 60
CLOSED_LOOK_MS = 30_000  # how often a shop without an open drawer looks whether one was opened
ABSENT_MS = 60 * 60_000  # a hub without a bell is asked again after so long
FETCH_MS = 3_000  # what the worker gets to fetch the news, before the bell is asked again
FAILURES_MIN = 4  # a bell that fails is tried again after some seconds at first
STEADY_ROUNDS = 1  # answered in a row, before the hub may count on this node listening

Connect = Callable[[str], Transport]


def connect(url: str) -> Transport:
    """A line that may be silent for as long as the bell waits."""
    return HttpTransport(url, stall_s=STALL_S)


class BellListener:
    """Listens for one node until stopped."""

    def __init__(
        self,
        home: NodeHome,
        wake: Callable[[], None],
        *,
        connect: Connect = connect,
        chance: Callable[[], float] = evenly,
        wait_ms: int = BELL_WAIT_MS,
    ):
        self.home = home
        self._wake, self._connect, self._chance, self._wait_ms = wake, connect, chance, wait_ms
        self._run = home.new_id()
        self._transport: tuple[str, Transport] | None = None
        self._rounds = self._failures = self._idle_rings = self._asked_after = 0
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin in the background. The thread may be waiting when the process ends; it holds nothing."""
        threading.Thread(target=self._loop, name="bell", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def is_steady(self) -> bool:
        """Whether the hub may count on this node being woken, and let it poll seldom."""
        return self._rounds >= STEADY_ROUNDS and not self._stop.is_set()

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.listen_once() / 1000)

    def listen_once(self) -> int:
        """One round; returns how long to wait before the next, in ms."""
        try:
            link = self._may_listen()
            if link is None:
                self._rounds = 0
                return CLOSED_LOOK_MS
            transport = self._where()
            if transport is None:
                self._rounds = 0
                return jittered(ABSENT_MS, self._chance)
            return self._heard(self._ask(link, transport))
        except (LinkDown, ProtocolError) as away:
            return self._failed(type(away).__name__, None)
        except Refused as refused:
            told = refused.facts.get("retry_after_ms")
            return self._failed(refused.problem.code, told if isinstance(told, int) else None)
        except Exception:
            if self._stop.is_set():
                return 0
            log.exception("the bell failed; polling goes on")
            return self._failed("unexpected", None)

    def _may_listen(self) -> Link | None:
        with self.home.reading() as session:
            link = read_link(session)
            open_drawers = select(DrawerSession.id).where(DrawerSession.closed_at.is_(None)).limit(1)
            is_open = session.scalar(open_drawers) is not None
        return link if is_open else None

    def _where(self) -> Transport | None:
        """The line to the bell, found by asking the hub; None where it has none."""
        if self._transport is None:
            with self.home.reading() as session:
                url = session.scalars(select(HubLink.url)).one()
            answer = self._connect(url).send("GET", HELLO, {}, b"")
            if answer.status != 200:
                raise LinkDown(f"status {answer.status}")
            where = decode(Hello, answer.body).bell
            if where is None:
                return None
            address = bell_address(url, where)
            self._transport = (address, self._connect(address))
        return self._transport[1]

    def _ask(self, link: Link, transport: Transport) -> bool:
        """Wait at the bell. Raises LinkDown, Refused, ProtocolError."""
        self._asked_after = self._cursor()
        request = BellRequest(
            protocol=PROTOCOL_VERSION, schema_=SCHEMA_VERSION, node=self.home.node_id, origin=self.home.origin_id,
            epoch=link.epoch, cursor=self._asked_after, wait_ms=self._wait_ms,
        )  # fmt: skip
        line = SignedLine(self.home, transport, run=self._run)
        return decode(BellAnswer, line.call(link, "POST", BELL, encode(request))).rang

    def _heard(self, rang: bool) -> int:
        self._failures = 0
        self._rounds += 1
        if not rang or self._stop.is_set():
            self._idle_rings = 0
            return 0
        self._wake()
        self._stop.wait(FETCH_MS / 1000)
        if self._cursor() > self._asked_after:
            self._idle_rings = 0
            return 0
        self._idle_rings += 1
        return retry_ms(self._idle_rings + FAILURES_MIN, self._chance)

    def _failed(self, why: str, told_ms: int | None) -> int:
        self._failures += 1
        self._transport = None  # the hub may have moved it
        if self.is_steady():
            self._rounds = 0
            self._wake()  # it polls seldom because of us; from now on it must not
        self._rounds = 0
        log.info("bell away: %s", why)
        return retry_ms(self._failures + FAILURES_MIN, self._chance, told_ms)

    def _cursor(self) -> int:
        with self.home.reading() as session:
            return session.scalars(select(Installation.seen)).one()


def bell_address(hub_url: str, where: str) -> str:
    """Where the bell is, from what hello says: a URL, or a port at the hub's own name."""
    if not where.startswith(":"):
        return where
    parts = urlsplit(hub_url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{where}"
