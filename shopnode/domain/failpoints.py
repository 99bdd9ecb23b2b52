"""Named places where a test can make the process die, raise or wait.

`hit("checkout.before_commit")` does nothing unless a plan names that place, so production pays a
dictionary look-up. `SHOPNODE_FAILPOINTS=name=kill,other=sleep:30` arms a process from outside; a
count (`name=kill@3`) fires at the third visit only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable


class Injected(RuntimeError):
    """Raised by an armed failpoint of kind `raise`."""


_plan: dict[str, tuple[str, int]] = {}
_visits: dict[str, int] = {}
_watcher: Callable[[str], None] | None = None


def arm(plan: str) -> None:
    """Replace the plan by `name=kill|raise|sleep:SECONDS[@VISIT]`, separated by commas; empty text disarms.

    Raises ValueError for text of another form.
    """
    _plan.clear()
    _visits.clear()
    for part in filter(None, plan.split(",")):
        name, _, deed = part.partition("=")
        deed, _, visit = deed.partition("@")
        if deed.split(":")[0] not in {"kill", "raise", "sleep"}:
            raise ValueError(f"unknown failpoint deed: {part}")
        _plan[name] = (deed, int(visit or 1))


def watch(watcher: Callable[[str], None] | None) -> None:
    """Call `watcher(name)` at every visit, so that a test can learn which places a story passes."""
    global _watcher
    _watcher = watcher


def hit(name: str) -> None:
    """Mark a place; act if it is armed."""
    if _watcher is not None:
        _watcher(name)
    if name in _plan:
        _act(name)


def _act(name: str) -> None:
    deed, visit = _plan[name]
    _visits[name] = _visits.get(name, 0) + 1
    if _visits[name] != visit:
        return
    if deed == "kill":
        os.kill(os.getpid(), 9)
    if deed == "raise":
        raise Injected(name)
    time.sleep(int(deed.partition(":")[2] or 30))


arm(os.environ.get("SHOPNODE_FAILPOINTS", ""))
