"""Fair turns: one business's backlog does not keep the others waiting.

Entries of one business are numbered one push after another, so many of its shops at once would only hold threads and
connections and wait for each other in the database. A few work, a few wait a moment, the rest is told to come again.

In memory: each hub process counts by itself, and a restart forgives.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sync_protocol.problems import Unavailable

WAIT_S = 2  # a push takes tenths of a second; who has not had a turn by then is better off trying again
AGAIN_MS = 2_000
LONGER_MS = 500  # for each that waits already


@dataclass
class _Queue:
    working: int = 0
    waiting: int = 0


class Turns:
    """At most so many requests of one business at work, and so many in wait."""

    def __init__(self, at_once: int, in_wait: int, wait_s: float = WAIT_S):
        self._at_once, self._in_wait, self._wait_s = at_once, in_wait, wait_s
        self._changed = threading.Condition()
        self._queues: dict[str, _Queue] = {}

    @classmethod
    def for_hub(cls, threads: int, pool: int) -> Turns:
        """A quarter of the connections at work and a quarter of the threads in wait: half of both stays free."""
        return cls(max(1, pool // 4), max(1, threads // 4))

    @contextmanager
    def of(self, tenant_id: str) -> Iterator[None]:
        """One turn. Raises Unavailable when it does not come in time."""
        with self._changed:
            queue = self._queues.setdefault(tenant_id, _Queue())
            self._take(queue)
        try:
            yield
        finally:
            with self._changed:
                queue.working -= 1
                if not queue.working and not queue.waiting:
                    self._queues.pop(tenant_id, None)
                self._changed.notify_all()

    def _take(self, queue: _Queue) -> None:
        if queue.working >= self._at_once:
            if queue.waiting >= self._in_wait:
                raise Unavailable(AGAIN_MS + LONGER_MS * queue.waiting)
            queue.waiting += 1
            try:
                if not self._changed.wait_for(lambda: queue.working < self._at_once, self._wait_s):
                    raise Unavailable(AGAIN_MS + LONGER_MS * queue.waiting)
            finally:
                queue.waiting -= 1
        queue.working += 1
