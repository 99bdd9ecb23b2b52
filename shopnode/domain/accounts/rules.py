"""The law of accounts: who may owe how much, what a payment pays, how old a debt is, what points are. Pure functions.

Amounts are minor units, points are whole. Source: docs/rules/credit.md and docs/rules/loyalty.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

POINTS_PER_MINOR = 1000  # the earning rate is so many points for 1,000 minor units


@dataclass(frozen=True)
class OpenCharge:
    """What is left of one charge."""

    id: str
    open_minor: int
    due_on: date | None


def credit_objection(name: str, limit_minor: int | None, owed_minor: int, more_minor: int) -> str | None:
    """Why this customer may not owe so much more without a second person, or None (rule 44)."""
    after = owed_minor + more_minor
    if limit_minor is None:
        return f"{name} has no credit agreed."
    if after > limit_minor:
        return f"{name} would owe {after:,}, more than the limit of {limit_minor:,}."
    return None


def allocate(amount_minor: int, charges: Sequence[OpenCharge]) -> tuple[list[tuple[str, int]], int]:
    """Pay charges in the order given: (charge, part) for each that is paid, and what is left over."""
    parts = []
    for charge in charges:
        part = min(amount_minor, charge.open_minor)
        if part > 0:
            parts.append((charge.id, part))
            amount_minor -= part
    return parts, amount_minor


@dataclass(frozen=True)
class Ageing:
    """What is owed, by the days since it was due."""

    not_due_minor: int = 0
    days_30_minor: int = 0  # due today, or up to 30 days ago
    days_60_minor: int = 0  # 31 to 60
    days_90_minor: int = 0  # 61 to 90
    older_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.not_due_minor + self.days_30_minor + self.days_60_minor + self.days_90_minor + self.older_minor

    @property
    def overdue_minor(self) -> int:
        return self.total_minor - self.not_due_minor


def age(charges: Iterable[OpenCharge], today: date) -> Ageing:
    """Sort open charges into their boxes. A charge without a day is due at once."""
    boxes = {"not_due": 0, "days_30": 0, "days_60": 0, "days_90": 0, "older": 0}
    for charge in charges:
        boxes[_box(days_overdue(charge.due_on, today))] += charge.open_minor
    return Ageing(**{f"{name}_minor": amount for name, amount in boxes.items()})


def days_overdue(due_on: date | None, today: date) -> int:
    """Days since it was due; negative before."""
    return (today - due_on).days if due_on else 0


def _box(days: int) -> str:
    if days < 0:
        return "not_due"
    if days <= 30:
        return "days_30"
    if days <= 60:
        return "days_60"
    return "days_90" if days <= 90 else "older"


def less_prepaid(charges: Sequence[OpenCharge], balance_minor: int) -> list[OpenCharge]:
    """The open charges when less is owed than they come to: what was paid twice pays the oldest first.

    Two shops that do not hear each other may both take money for one charge.
    """
    surplus = max(0, sum(charge.open_minor for charge in charges) - max(0, balance_minor))
    left = []
    for charge in charges:
        part = min(surplus, charge.open_minor)
        surplus -= part
        if charge.open_minor > part:
            left.append(OpenCharge(charge.id, charge.open_minor - part, charge.due_on))
    return left


def points_for(spent_minor: int, points_per_1000_minor: int) -> int:
    """Whole points earned by so much spent. Raises ValueError if either is negative."""
    if spent_minor < 0 or points_per_1000_minor < 0:
        raise ValueError("neither may be negative")
    return spent_minor * points_per_1000_minor // POINTS_PER_MINOR


def points_to_spend(amount_minor: int, point_worth_minor: int) -> int:
    """The points that pay an amount, a started point taken whole. Raises ValueError when points pay nothing here."""
    if point_worth_minor <= 0:
        raise ValueError("points cannot be used as money here")
    return -(-amount_minor // point_worth_minor)


def points_lost(earned: int, lost_before: int, back_minor: int, total_minor: int) -> int:
    """The points that go when so much of a sale comes back: their share, a started point taken whole (rule 59)."""
    if earned <= lost_before or back_minor <= 0:
        return 0
    share = earned if back_minor >= total_minor else -(-earned * back_minor // total_minor)
    return min(share, earned - lost_before)
