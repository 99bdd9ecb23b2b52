"""A node may ask so often and no oftener. In memory: each hub process counts by itself, and a restart forgives."""

from __future__ import annotations

import threading

from shopnode.domain.clock import Clock
from sync_protocol.problems import SlowDown

PER_SECOND = 20
BURST = 100
REMEMBERED_MAX = 10_000


class Rates:
    """A bucket of requests for each node, filled steadily."""

    def __init__(self, clock: Clock):
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[int, int]] = {}  # node → (thousandths of a request, since when)

    def count(self, node_id: str) -> None:
        """Take one request out of the bucket. Raises SlowDown when it is empty."""
        now = self._clock.mono_ms()
        with self._lock:
            if len(self._left) > REMEMBERED_MAX:
                self._left.clear()
            left, since = self._left.get(node_id, (BURST * 1000, now))
            left = min(BURST * 1000, left + (now - since) * PER_SECOND)
            if left < 1000:
                self._left[node_id] = (left, now)
                raise SlowDown((1000 - left) // PER_SECOND + 1)
            self._left[node_id] = (left - 1000, now)
