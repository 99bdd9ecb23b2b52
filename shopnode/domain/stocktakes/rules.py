"""Laws of counting: what a count's difference is worth, and when one's own count needs another's eyes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Pieces more (+) or fewer (−) than the books said when they were counted."""

    product_id: str
    name: str
    expected: int
    counted: int
    cost_minor: int  # of one piece

    @property
    def pieces(self) -> int:
        return self.counted - self.expected

    @property
    def worth_minor(self) -> int:
        return self.pieces * self.cost_minor


def net_worth(differences: Iterable[Difference]) -> int:
    """What the shop is richer (+) or poorer (−) by."""
    return sum(difference.worth_minor for difference in differences)


def size_of(differences: Iterable[Difference]) -> int:
    """How large the differences are in all: what is too few does not make up for what is too many."""
    return sum(abs(difference.worth_minor) for difference in differences)
