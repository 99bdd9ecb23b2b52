"""The law of attendance, pure: how long a stretch may be, and when two of one person overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

STRETCH_MAX = timedelta(hours=24)
FORGOTTEN_AFTER = timedelta(hours=16)  # nobody works longer at a stretch: they forgot to say that they went


@dataclass(frozen=True)
class Stretch:
    """From coming to going; `went_at` is None while the person is here."""

    id: str | None
    came_at: datetime
    went_at: datetime | None


def wrong_times(came_at: datetime, went_at: datetime | None, now: datetime) -> dict[str, str]:
    """What is wrong with these times, by field."""
    if came_at > now:
        return {"came_at": "has not come yet"}
    if went_at is None:
        return {}
    if went_at > now:
        return {"went_at": "has not come yet"}
    if went_at <= came_at:
        return {"went_at": "must be after coming"}
    return {"went_at": "is more than a day after coming"} if went_at - came_at > STRETCH_MAX else {}


def overlapping(wanted: Stretch, others: Iterable[Stretch]) -> Stretch | None:
    """A stretch of the same person that runs at the same time. One that was never ended counts as a moment."""

    def end(stretch: Stretch) -> datetime:
        return stretch.went_at or stretch.came_at

    for other in others:
        if other.id != wanted.id and other.came_at < end(wanted) and wanted.came_at < end(other):
            return other
    return None


def is_forgotten(came_at: datetime, went_at: datetime | None, now: datetime) -> bool:
    """Whether somebody who came so long ago has surely gone."""
    return went_at is None and now - came_at >= FORGOTTEN_AFTER


def worked_minutes(came_at: datetime, went_at: datetime | None) -> int:
    """Whole minutes of a stretch that has ended; none of one that has not."""
    return 0 if went_at is None else int((went_at - came_at).total_seconds()) // 60
