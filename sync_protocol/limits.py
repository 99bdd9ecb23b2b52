"""How much at once, how often, and how long to wait after a failure. Pure: chance is handed in.

Invariants:
  * A batch holds at least one entry, whatever the limits: an entry is never split, and never stuck for its size.
  * All waits are spread by chance, so that shops that lost the hub together do not come back together.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

ROWS_START = 100
ROWS_MAX = 4_000
BATCH_BYTES_MAX = 2 * 1024 * 1024  # before compression
QUICK_MS = 1_000
EXCHANGE_STALL_S = 30  # without progress, an exchange is given up

POLL_FLOWING_MS = 2_000
POLL_OPEN_MS = 15_000
POLL_OPEN_MAX_MS = 20 * 60_000
POLL_CLOSED_MAX_MS = 40 * 60_000
POLL_LISTENING_MS = 60 * 60_000  # for a node that waits at the bell
QUIET_FLOWING_MS = 10_000  # work counts as flowing for so long after the last of it
QUIET_OPEN_MS = 6 * 60_000  # an open shop counts as idle after so long; an idle day must stay within 200 KB
JITTER_PERCENT = 20

RETRY_START_MS = 1_000
RETRY_MAX_MS = 5 * 60_000

Chance = Callable[[], float]  # evenly from 0 up to 1, like random.random


@dataclass(frozen=True)
class Batch:
    """How many rows the next exchange may carry. Lives in memory; a restart begins small again."""

    rows: int = ROWS_START
    rows_max: int = ROWS_MAX
    bytes_max: int = BATCH_BYTES_MAX

    def succeeded(self, took_ms: int) -> "Batch":
        """Twice as much after a quick success."""
        if took_ms >= QUICK_MS:
            return self
        return replace(self, rows=min(self.rows * 2, self.rows_max))

    def halved(self) -> "Batch":
        """Half as much, after "too large" or a time-out."""
        return replace(self, rows=max(self.rows // 2, 1))

    def capped(self, rows: int | None, bytes: int | None) -> "Batch":
        """Within the limits the hub names; it can lower ours and never raise them."""
        rows_max = min(rows or ROWS_MAX, ROWS_MAX)
        bytes_max = min(bytes or BATCH_BYTES_MAX, BATCH_BYTES_MAX)
        return Batch(min(self.rows, rows_max), rows_max, bytes_max)

    def take(self, sizes: Iterable[tuple[int, int]]) -> int:
        """How many of the waiting entries to send, from (rows, bytes) of each in order."""
        count = rows_sum = bytes_sum = 0
        for rows, size in sizes:
            rows_sum, bytes_sum = rows_sum + rows, bytes_sum + size
            if count and (rows_sum > self.rows or bytes_sum > self.bytes_max):
                break
            count += 1
        return count


def next_poll_ms(quiet_ms: int, is_open: bool, chance: Chance, *, is_listening: bool = False) -> int:
    """When a node should ask again.

    quiet_ms  since the last entry or line went either way
    is_open   whether a drawer is open in the shop
    is_listening  whether the node waits at the bell, and will be told when there is news
    """
    if is_listening and quiet_ms >= QUIET_FLOWING_MS:
        return jittered(POLL_LISTENING_MS, chance)
    return jittered(_poll_ms(quiet_ms, is_open), chance)


def _poll_ms(quiet_ms: int, is_open: bool) -> int:
    if quiet_ms < QUIET_FLOWING_MS:
        return POLL_FLOWING_MS
    if is_open and quiet_ms < QUIET_OPEN_MS:
        return POLL_OPEN_MS
    longest_ms = POLL_OPEN_MAX_MS if is_open else POLL_CLOSED_MAX_MS
    return min(max(quiet_ms // 3, POLL_OPEN_MS), longest_ms)


def retry_ms(failures: int, chance: Chance, told_ms: int | None = None) -> int:
    """How long to wait after so many failures in a row (1 for the first), and at least as long as one was told."""
    own_ms = min(RETRY_START_MS << min(failures - 1, 20), RETRY_MAX_MS)
    if told_ms is not None and told_ms > own_ms:
        return told_ms + int(told_ms * chance() * JITTER_PERCENT / 100)
    return jittered(own_ms, chance)


def jittered(ms: int, chance: Chance) -> int:
    """Twenty percent more or less."""
    return ms + int(ms * (2 * chance() - 1) * JITTER_PERCENT / 100)
