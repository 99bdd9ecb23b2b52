"""The law of a drawer: what notes come to, how far a count is off, and which day a session belongs to. Pure functions.

Source: docs/rules/cash-control.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shopnode.domain.sales.models import MONEY, Tender

COUNTED_TENDERS = tuple(tender for tender in Tender if tender in MONEY and tender is not Tender.CASH)
FLOATS = ("airtime_float", "agent_float")  # read from a phone beside the drawer; no act of ours moves them
NOTES = {"UGX": (50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50)}  # and coins, the largest first
COUNTS_MAX = 2  # of one closing: the count, and one recount


@dataclass(frozen=True)
class Sums:
    """What lies in a drawer and beside it, as it was counted or as the events say."""

    cash_minor: int
    foreign: Mapping[str, int] = field(default_factory=dict)  # currency → its own minor units
    others: Mapping[str, int] = field(default_factory=dict)  # tender or float → minor units

    def as_json(self) -> dict[str, Any]:
        return {"cash": self.cash_minor, "foreign": dict(self.foreign), "others": dict(self.others)}


@dataclass(frozen=True)
class Difference:
    """Counted less expected. What stands on a phone or a list and nobody counted differs by nothing; notes that should
    lie there and nobody counted are missing, whatever their currency."""

    cash_minor: int
    foreign: Mapping[str, int]
    others: Mapping[str, int]
    total_minor: int  # foreign notes at their rate

    @property
    def size_minor(self) -> int:
        """How far off it is: a surplus in one place makes up for no shortage in another."""
        apart = sum(abs(off) for off in self.others.values())
        worth = self.total_minor - self.cash_minor - sum(self.others.values())
        return abs(self.cash_minor) + apart + abs(worth)


def sums_of(told: Mapping[str, Any]) -> Sums:
    """Sums as they were written down (`as_json`)."""
    return Sums(int(told["cash"]), dict(told["foreign"]), dict(told["others"]))


def notes_worth(pieces: Iterable[tuple[int, int]]) -> int:
    """What notes and coins come to: (value in minor units, how many)."""
    return sum(value * count for value, count in pieces)


def difference(counted: Sums, expected: Sums, worth: Mapping[str, int], places: Mapping[str, int]) -> Difference:
    """How far a count is from what the events say.

    worth   what one whole unit of a foreign currency is worth, in minor units of the shop's
    places  decimals of that currency
    """
    named = sorted({*counted.foreign, *(name for name, amount in expected.foreign.items() if amount)})
    foreign = {name: counted.foreign.get(name, 0) - expected.foreign.get(name, 0) for name in named}
    others = {name: amount - expected.others.get(name, 0) for name, amount in counted.others.items()}
    others = {name: off for name, off in others.items() if name not in FLOATS}
    cash = counted.cash_minor - expected.cash_minor
    in_shops = sum(_worth(off, worth.get(name, 0), places.get(name, 2)) for name, off in foreign.items())
    return Difference(cash, foreign, others, cash + sum(others.values()) + in_shops)


def _worth(amount_minor: int, rate_minor: int, places: int) -> int:
    """A foreign amount of either sign in the shop's currency, towards nothing."""
    one = int(10**places)
    whole = abs(amount_minor) * rate_minor // one
    return whole if amount_minor >= 0 else -whole


def is_forgotten(opened_at: datetime, now: datetime, hours: int) -> bool:
    """Whether a session that is open should have been closed long ago."""
    return now - opened_at >= timedelta(hours=hours)


def business_day(today: date, last_closed_on: date | None) -> date:
    """The day of a session that opens now: today, and never before a day that is closed, whatever the clock says."""
    return today if last_closed_on is None else max(today, last_closed_on)
