"""What a piece on hand costs: the moving average, from movements in the order in which they happened.

Source: docs/rules/cost.md; each line of its table is a test.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shopnode.domain.stock.models import MovementKind

# What comes in by these kinds brings a cost of its own. All else comes and goes at the average that stands.
WITH_OWN_COST = frozenset(
    kind.value
    for kind in (
        MovementKind.OPENING,
        MovementKind.RECEIVED,
        MovementKind.RETURNED,
        MovementKind.ARRIVED,
        MovementKind.TAKEN_BACK,
    )
)


class Moved(NamedTuple):
    """A movement, as far as its cost goes."""

    kind: str
    quantity: int
    unit_cost_minor: int


def brings_cost(kind: str, quantity: int) -> bool:
    """Whether such a movement changes what a piece costs on average."""
    return quantity > 0 and kind in WITH_OWN_COST


def moving_average(moves: Iterable[Moved]) -> int | None:
    """What a piece costs after these movements, oldest first; None while nothing has come in at a cost.

    The worth of what is on hand is kept beside the average, so that what rounding leaves is in the next one and not
    lost. Goods that were sold before they were booked in had no worth: what then comes in counts at its own cost.
    """
    on_hand, worth_minor, average = 0, 0, None
    for move in moves:
        if brings_cost(move.kind, move.quantity):
            had = max(on_hand, 0)
            on_hand += move.quantity
            if had == 0:
                average, worth_minor = move.unit_cost_minor, max(on_hand, 0) * move.unit_cost_minor
            else:
                worth_minor += move.quantity * move.unit_cost_minor
                average = rounded_share(worth_minor, on_hand)
        else:
            on_hand += move.quantity
            cost_minor = move.unit_cost_minor if average is None else average
            worth_minor = max(worth_minor + move.quantity * cost_minor, 0) if on_hand > 0 else 0
    return average


def rounded_share(total_minor: int, pieces: int) -> int:
    """One piece's share of a non-negative amount, halves rounded up."""
    return (2 * total_minor + pieces) // (2 * pieces)
