"""Clock changes, read out of the journal: each entry has the wall time, how long the computer had been running, and
which run of it that was.

Within one run both must have moved by as much between two entries; what they differ by was set by hand. From one run to
the next only the wall time is known, and it may not go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import func, select

from shopnode.domain.context import Context
from shopnode.domain.homes import ChainHead
from shopnode.domain.journal import JournalEntry

SET_MS = 120_000  # smaller steps are those of a clock that is kept right by the network
PAGE = 500
BEFORE = timedelta(days=2)  # an entry before the window that its first one is held against


@dataclass(frozen=True)
class ClockChange:
    """A clock that was set, as the entry after it shows."""

    entry_id: str
    n: int
    at: datetime
    shop_id: str | None
    actor_id: str | None
    words: str


def clock_changes(ctx: Context, begins: datetime, ends: datetime) -> Iterator[ClockChange]:
    """What the journals of this home show, in these days by the clocks themselves.

    Entries are followed by their numbers, because a clock that was set back does not sort by time.
    """
    for head in ctx.home.heads(ctx.session):
        if head.series or ctx.home.is_shop:  # the hub's own clock is not a shop's
            yield from _of_origin(ctx, head, begins, ends)


def _of_origin(ctx: Context, head: ChainHead, begins: datetime, ends: datetime) -> Iterator[ClockChange]:
    marks: dict[str, Any] | None = None
    last_at: datetime | None = None
    for entry in _entries(ctx, head, begins):
        before, marks = marks, orjson.loads(entry.body)
        words = _moved(before, marks) if before is not None else None
        # Set back by a year it happened in these days all the same: one of its two times is of them.
        told = [at for at in (last_at, entry.at) if at is not None and begins <= at < ends]
        last_at = entry.at
        if words is not None and told:
            yield ClockChange(entry.entry_id, entry.n, max(told), entry.shop_id, entry.actor_id, words)


def _moved(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    wall = after["at"] - before["at"]
    if before.get("boot") == after.get("boot"):
        moved = wall - (after["mono"] - before["mono"])
        if abs(moved) <= SET_MS:
            return None
        return (
            f"The clock was set {'on' if moved > 0 else 'back'} by {_long(abs(moved))} while the computer was running."
        )
    if wall >= -SET_MS:
        return None
    return f"After a restart the clock was {_long(-wall)} behind what had been recorded already."


def _entries(ctx: Context, head: ChainHead, begins: datetime) -> Iterator[Any]:
    """From the first entry of the window on, by number, with the one before it."""
    mine = JournalEntry.origin_id == head.origin_id
    in_time = JournalEntry.at >= begins - BEFORE
    last = ctx.session.scalar(
        select(func.min(JournalEntry.n)).where(mine, JournalEntry.shop_id == head.shop_id, in_time)
    )
    if last is None:
        return
    last -= 1
    while True:
        query = select(
            JournalEntry.n, JournalEntry.entry_id, JournalEntry.at, JournalEntry.shop_id, JournalEntry.actor_id,
            JournalEntry.body,
        )  # fmt: skip
        query = query.where(mine, JournalEntry.n > last, JournalEntry.n <= head.n)
        page = ctx.session.execute(query.order_by(JournalEntry.n).limit(PAGE)).all()
        if not page:
            return
        yield from page
        last = page[-1].n


def _long(milliseconds: int) -> str:
    minutes = milliseconds // 60_000
    for size, word in ((1_440, "day"), (60, "hour")):
        if minutes >= size:
            return f"{minutes // size} {word}{'' if minutes // size == 1 else 's'}"
    return f"{minutes} minutes"
