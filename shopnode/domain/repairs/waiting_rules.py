"""The law of what nobody fetches (rule 74): when its owner is reminded, what storage comes to, when it may go.

Pure functions; amounts in minor units, days whole. Source: docs/rules/repairs.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

REMINDERS_MAX = 10
WAIT_DAYS_MAX = 3650


class Step(StrEnum):
    """What is to be done next about something that waits for its owner."""

    REMIND = "remind"
    MARK_UNCLAIMED = "mark_unclaimed"
    FINAL_NOTICE = "final_notice"
    DISPOSE = "dispose"  # never by itself: the owner decides


@dataclass(frozen=True)
class Patience:
    """How long a shop waits, in days."""

    reminders: tuple[int, ...]  # after it was ready
    unclaimed: int  # after it was ready
    disposal: int  # after the final notice


@dataclass(frozen=True)
class Storage:
    """What storage costs."""

    free_days: int
    per_day_minor: int
    max_minor: int  # 0 for no limit


def read_days(text: str) -> tuple[int, ...]:
    """Days from a setting, "3, 10, 21", in their order. Raises ValueError, in words."""
    words = [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]
    if any(not (word.isascii() and word.isdigit() and 1 <= int(word[:6]) <= WAIT_DAYS_MAX) for word in words):
        raise ValueError(f"must be days from 1 to {WAIT_DAYS_MAX:,}, such as 3, 10, 21")
    return tuple(sorted({int(word) for word in words}))[:REMINDERS_MAX]


def days_between(earlier: datetime, later: datetime) -> int:
    """Whole days; none for a clock that was set back."""
    return max(0, (later - earlier).days)


def storage_fee(storage: Storage, ready_at: datetime, now: datetime) -> int:
    """What storage comes to by now: each whole day after the free ones, up to the limit."""
    paid_days = max(0, days_between(ready_at, now) - storage.free_days)
    fee = paid_days * storage.per_day_minor
    return min(fee, storage.max_minor) if storage.max_minor else fee


def next_step(
    patience: Patience, *, ready_at: datetime, reminded: int, is_unclaimed: bool, noticed_at: datetime | None,
    now: datetime,
) -> Step | None:  # fmt: skip
    """What is due now, one thing at a time; None while there is nothing to do but wait.

    reminded    how often its owner was reminded already
    noticed_at  when the final notice was given
    """
    waited = days_between(ready_at, now)
    if noticed_at is not None:
        return Step.DISPOSE if days_between(noticed_at, now) >= patience.disposal else None
    if is_unclaimed:
        return Step.FINAL_NOTICE
    if waited >= patience.unclaimed:
        return Step.MARK_UNCLAIMED
    return Step.REMIND if reminded < _passed(patience.reminders, waited) else None


def _passed(days: Sequence[int], waited: int) -> int:
    return sum(1 for day in days if waited >= day)


def disposable_from(patience: Patience, noticed_at: datetime) -> datetime:
    """When it may be disposed of."""
    return noticed_at + timedelta(days=patience.disposal)


@dataclass(frozen=True)
class Settlement:
    """What becomes of the money when a device is disposed of."""

    kept_minor: int  # of our bill, as far as there was money for it
    lost_minor: int  # of our bill, for which there was none
    owed_minor: int  # to the customer: what is left is theirs

    @property
    def funds_minor(self) -> int:
        return self.kept_minor + self.owed_minor


def settle(bill_minor: int, paid_minor: int, worth_minor: int) -> Settlement:
    """Our bill is paid out of what the customer paid and what the device brought; the rest is the customer's."""
    funds = paid_minor + worth_minor
    kept = min(bill_minor, funds)
    return Settlement(kept, bill_minor - kept, funds - kept)
