"""The law of a day's closure: what its decisions add up to, and what its Z reports come to. Pure functions.

Source: docs/rules/cash-control.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from shopnode.domain.closures.models import ClosureDecisionKind, ClosureStatus

S, K = ClosureStatus, ClosureDecisionKind
MAY_FOLLOW: Mapping[ClosureStatus, Mapping[ClosureDecisionKind, ClosureStatus]] = {
    S.SUBMITTED: {K.REVIEW: S.REVIEWED, K.APPROVE: S.APPROVED, K.REJECT: S.REJECTED},
    S.REVIEWED: {K.APPROVE: S.APPROVED, K.REJECT: S.REJECTED},
    S.APPROVED: {K.LOCK: S.LOCKED, K.REJECT: S.REJECTED},
    S.REJECTED: {},
    S.LOCKED: {},
}


def fold_status(kinds: Iterable[str]) -> ClosureStatus:
    """What decisions, in feed order, add up to. What may not follow is passed over: two people decided unseen."""
    return [ClosureStatus.SUBMITTED, *(status for status, _ in fold(kinds))][-1]


def fold(kinds: Iterable[str]) -> Iterator[tuple[ClosureStatus, bool]]:
    """Where a closure stood after each decision, in feed order, and whether that one changed anything."""
    status = ClosureStatus.SUBMITTED
    for kind in kinds:
        after = MAY_FOLLOW[status].get(ClosureDecisionKind(kind))
        status = after or status
        yield status, after is not None


@dataclass(frozen=True)
class DayFigures:
    """A day by where its money is, in minor units: what was counted of what its sessions took in."""

    cash_minor: int = 0  # counted, floats taken off
    mtn_minor: int = 0
    airtel_minor: int = 0
    card_minor: int = 0
    bank_minor: int = 0
    other_minor: int = 0  # foreign notes, at their worth

    @property
    def collected_minor(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))


_TENDERS = {
    "mtn_momo": "mtn_minor", "airtel_money": "airtel_minor", "card": "card_minor", "bank": "bank_minor",
}  # fmt: skip


def day_figures(bodies: Sequence[Mapping[str, Any]]) -> tuple[DayFigures, DayFigures]:
    """What the Z reports of a day come to: as counted, and as expected. What was not counted stands as expected."""
    found = dict.fromkeys((field.name for field in fields(DayFigures)), 0)
    should = dict(found)
    for body in bodies:
        due, counted, floated = body["expected"], body["counted"], body["opening_float"]
        found["cash_minor"] += counted["cash"] - floated
        should["cash_minor"] += due["cash"] - floated
        for tender, name in _TENDERS.items():
            expected = due["others"].get(tender, 0)
            found[name] += counted["others"].get(tender, expected)
            should[name] += expected
        worth = sum(taken["worth"] for taken in body["foreign"].values())
        off = body["difference_in_all"] - body["difference"]["cash"] - sum(body["difference"]["others"].values())
        found["other_minor"] += worth + off
        should["other_minor"] += worth
    return DayFigures(**found), DayFigures(**should)
