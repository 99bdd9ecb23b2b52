"""The law of plans: the least deposit, the days the rest is due, what is kept when a customer gives up.

Pure functions; amounts in minor units. Source: docs/rules/plans.md.
"""

from __future__ import annotations

from datetime import date, timedelta

from shopnode.domain.money import share_bp, spread

INSTALMENTS_MAX = 60


def least_deposit(total_minor: int, deposit_bp: int) -> int:
    """What must be paid at the start."""
    return share_bp(total_minor, deposit_bp)


def forfeited(paid_minor: int, forfeit_bp: int) -> int:
    """What the shop keeps of what was paid; the rest becomes store credit."""
    return share_bp(paid_minor, forfeit_bp)


def instalments(rest_minor: int, count: int, first_on: date, every_days: int) -> list[tuple[date, int]]:
    """Equal parts at equal distances; what does not divide is on the first ones.

    Raises ValueError when there is less to pay than there are parts.
    """
    if rest_minor < count:
        raise ValueError("there is less to pay than there are instalments")
    parts = spread(rest_minor, [1] * count)
    return [(first_on + timedelta(days=place * every_days), part) for place, part in enumerate(parts)]
