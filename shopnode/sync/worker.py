"""The node's side of syncing as a thread: it sends and fetches, waits as told, and starts again after every failure.

Invariants:
  * No failure leaves a mark that has to be cleared by hand: the state people see is what the last try found.
  * The counter never waits for this thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Literal

from sqlalchemy import select

import shopnode.sync.renew
import shopnode.sync.rewind  # noqa: F401 — both say what to do about a history that parted
from shopnode.domain.clock import evenly
from shopnode.domain.errors import Busy, ShopError
from shopnode.domain.node import Installation, NodeHome
from shopnode.sync.carried import FILE_BYTES_DEFAULT, ByHand, CarriedExchanger, Exported, Loaded, NoLine
from shopnode.sync.digest import Agreement, compare
from shopnode.sync.exchange import Exchanged, Exchanger
from shopnode.sync.line import Refused, SignedLine, read_link
from shopnode.sync.models import HubLink
from shopnode.sync.outbox import waiting
from shopnode.sync.remedies import AFTER, BEFORE, REMEDIES
from shopnode.sync.transport import HttpTransport, LinkDown, Transport
from shopnode.sync.verdicts import undecided
from sync_protocol.limits import POLL_FLOWING_MS, Batch, retry_ms
from sync_protocol.lines import BrokenLink
from sync_protocol.problems import Action, ProtocolError

log = logging.getLogger("shopnode.sync")

OFFLINE_PACE_MS = 5_000  # the shortest pause between two tries on a line that is down
STOPPED_RETRY_MS = 15 * 60_000  # what only a person can solve is still asked again now and then
State = Literal["ok", "sending", "offline", "stopped", "not-enrolled"]
STOPPING = frozenset({Action.HOLD, Action.STOP, Action.ASK_OWNER, Action.UPGRADE})
REMEDIES_MAX = 8  # in one round; a history that parts again and again is a fault that people must see


@dataclass(frozen=True)
class SyncStatus:
    """What the header of every screen says about the hub.

    since_ms  when the oldest unsent entry was made
    aside     entries that the hub keeps and could not enter in the books
    held      entries that wait there for a row which somebody else has to send
    """

    waiting: int
    since_ms: int | None
    state: State
    message: str
    aside: int = 0
    held: int = 0


class SyncWorker:
    """Exchanges with the hub until stopped."""

    def __init__(
        self,
        home: NodeHome,
        *,
        software: str = "phoneshop",
        device: str | None = None,
        transport: Transport | None = None,
        chance: Callable[[], float] = evenly,
    ):
        self.home = home
        self._software = software
        self._device = device
        self._transport = transport
        self._chance = chance
        self._run = home.new_id()
        self.is_listening: Callable[[], bool] = lambda: False  # whether somebody waits at the hub's bell for us
        self._batch = Batch()
        self._failures = 0
        self._told = False  # the hub named the wait
        self._state: tuple[State, str] = ("sending", "Connecting…")
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._once = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin in the background; harmless while the node is not enrolled."""
        self._thread = threading.Thread(target=self._loop, name="sync", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: int = 5) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """Something was recorded: send it soon."""
        self._wake.set()

    def status(self) -> SyncStatus:
        """How much waits and why, from the journal and the last try."""
        with self.home.reading() as session:
            link = read_link(session)
            held = waiting(session, self.home.origin_id, link.accepted_n if link else 0)
            open_verdicts = undecided(session)
            awaits, seen = session.execute(select(Installation.awaits_books, Installation.seen)).one()
        if link is None:
            return SyncStatus(held.entries, held.since_ms, "not-enrolled", "This shop is not connected to a hub.")
        state, message = self._state
        if state == "ok" and held.entries:
            state, message = "sending", "Sending"
        elif state == "ok" and (open_verdicts.aside or open_verdicts.held):
            message = open_verdicts.words
        if awaits:
            words = f"This shop's books are being fetched ({self.home.progress(seen)})."
            message = words if state in ("ok", "sending") else f"{message}. {words}"
            state = "sending" if state == "ok" else state
        return SyncStatus(held.entries, held.since_ms, state, message, open_verdicts.aside, open_verdicts.held)

    def run_once(self) -> Exchanged:
        """Exchange until nothing is left to send or fetch. Raises what an exchange raises and no remedy mends."""
        with self._once:
            pushed = pulled = mended = 0
            while True:
                try:
                    done = self._exchange()
                except Refused as refused:
                    remedy = REMEDIES.get(refused.problem.action)
                    mended += 1
                    if remedy is None or mended > REMEDIES_MAX:
                        raise
                    log.warning("sync mending: %s", refused.problem.code)
                    remedy(self._signed_line(), refused)
                    continue
                pushed, pulled = pushed + done.pushed, pulled + done.pulled
                if not done.more or self._stop.is_set():
                    wait_ms = POLL_FLOWING_MS if self._afterwards(done) else done.next_poll_ms
                    return Exchanged(pushed, pulled, done.more, min(wait_ms, done.next_poll_ms))

    def save_file(self, file: IO[bytes], bytes_max: int = FILE_BYTES_DEFAULT) -> Exported:
        """Write what waits into a file, for a way without internet. Raises NotEnrolledHere."""
        with self._once:
            return self._by_hand().export(file, bytes_max)

    def load_file(self, file: IO[bytes]) -> Loaded:
        """Take the hub's answer to such a file. Raises NotEnrolledHere, FileRefused."""
        with self._once:
            return self._by_hand().load(file)

    def _by_hand(self) -> CarriedExchanger:
        return CarriedExchanger(ByHand(self.home, NoLine(), run=self._run), software=self._software)

    def check(self) -> Agreement:
        """Exchange, then compare the books with the hub's and mend what can be. Raises what an exchange raises."""
        self.run_once()
        with self._once:
            return compare(self._signed_line())

    def _afterwards(self, done: Exchanged) -> bool:
        """What may be done now that sales and pages are through. Returns whether there is more of it soon."""
        if done.more or self._stop.is_set():
            return False
        wishes = [step(self._signed_line()) for step in AFTER]
        return any(wishes)

    def _loop(self) -> None:
        while not self._stop.is_set():
            wait_ms = self._try()
            calm = self._state[0] == "ok"
            # A busy counter wakes this thread at every sale: while the hub is away or asked to be left alone, that
            # must not shorten the wait it was told, nor hammer a line that is down.
            held_ms = 0 if calm else wait_ms if self._told else min(wait_ms, OFFLINE_PACE_MS)
            self._stop.wait(held_ms / 1000)
            if not self._stop.is_set():
                self._wake.wait((wait_ms - held_ms) / 1000)
            self._wake.clear()

    def _try(self) -> int:
        """One round; returns how long to wait before the next, in ms."""
        self._told = False
        try:
            done = self.run_once()
        except LinkDown as down:
            self._failures += 1
            self._batch = self._batch.halved()
            self._note("offline", "No connection to the hub", str(down))
        except Refused as refused:
            return self._refused(refused)
        except (BrokenLink, ProtocolError, Busy) as odd:
            self._failures += 1
            self._note("stopped", f"The hub's answer could not be used: {odd}", type(odd).__name__)
            return STOPPED_RETRY_MS
        except ShopError as own:  # a full disk, a shop that is being closed: said in its own words
            self._failures += 1
            self._note("offline", f"Sending waits: {own}", own.code)
        except Exception:
            self._failures += 1
            log.exception("sync failed")
            self._note("offline", "Sending failed; it is tried again by itself", "unexpected")
        else:
            self._failures = 0
            self._state = ("ok", "All sent")
            return done.next_poll_ms
        return retry_ms(self._failures, self._chance)

    def _exchange(self) -> Exchanged:
        line = self._signed_line()
        for step in BEFORE:
            step(line)
        exchanger = Exchanger(line, software=self._software, is_listening=self.is_listening())
        before = self.home.clock.mono_ms()
        try:
            done = exchanger.exchange(self._batch)
        except Refused as refused:
            if refused.problem.action is Action.HALVE:
                self._batch = self._batch.halved()
            raise
        grown = self._batch.succeeded(self.home.clock.mono_ms() - before)
        self._batch = grown.capped(done.limits.rows, done.limits.bytes)
        return done

    def _signed_line(self) -> SignedLine:
        device = None if self._state[0] == "ok" else self._device
        return SignedLine(self.home, self._transport or self._connect(), run=self._run, device=device)

    def _connect(self) -> Transport:
        with self.home.reading() as session:
            link = session.get(HubLink, 1)
        if link is None:
            raise LinkDown("not enrolled")
        self._transport = HttpTransport(link.url)
        return self._transport

    def _refused(self, refused: Refused) -> int:
        action, facts = refused.problem.action, refused.facts
        self._failures += 1
        told = facts.get("retry_after_ms")
        self._told = isinstance(told, int)
        if action in STOPPING:
            self._note("stopped", refused.sentence, refused.problem.code)
            return STOPPED_RETRY_MS
        self._note("offline", refused.sentence, refused.problem.code)
        return retry_ms(self._failures, self._chance, told if isinstance(told, int) else None)

    def _note(self, state: State, message: str, code: str) -> None:
        if self._state != (state, message):
            log.warning("sync %s: %s", state, code)
        self._state = (state, message)
