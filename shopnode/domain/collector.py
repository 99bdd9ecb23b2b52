"""Python's collector of reference cycles, set for a process that lives for weeks and reads large messages.

By default it looks through all objects again and again while a message of a hundred thousand values is read, and
finds nothing: a quarter of the hub's time on a push (docs/performance.md). What a process holds once it has started
stays until it ends, so that is never looked at again; what comes later is looked at a little more seldom.

Seldom means much at once: a tenth of a second in the middle of somebody's request. So what a few requests left behind
is looked at when an answer is sent, and nobody waits for it.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000  # between two looks at the youngest
YOUNG_LOOKS, MIDDLE_LOOKS = 20, 100
LEFT_OBJECTS = 5_000  # by answers, until they are looked at: a few thousandths of a second


def calm_collector() -> None:
    """Call once, when everything is loaded and before the first request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_LOOKS, MIDDLE_LOOKS)


def tidy_up() -> None:
    """Call when an answer is sent."""
    young, middle, old = gc.get_count()
    if young >= LEFT_OBJECTS:
        gc.collect(0 if middle < YOUNG_LOOKS else 1 if old < MIDDLE_LOOKS else 2)
