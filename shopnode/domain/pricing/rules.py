"""Which price holds: a pure rule. Source: docs/rules/prices.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shopnode.domain.pricing.models import RETAIL


@dataclass(frozen=True)
class Break:
    """One piece costs so much, from so many pieces on, in one list."""

    list_id: str
    min_quantity: int
    price_minor: int


def price_for(retail_minor: int, breaks: Iterable[Break], list_id: str | None, quantity: int) -> int:
    """The price of one piece for a customer of this list who takes so many.

    The customer's own list holds where it names a price for that quantity, else the breaks for everybody, else the
    product's own price. Of several the one for the most pieces holds, whether it is lower or not.
    """
    reached = [step for step in breaks if step.min_quantity <= quantity]
    for name in (list_id, RETAIL):
        mine = [step for step in reached if name is not None and step.list_id == name]
        if mine:
            return max(mine, key=lambda step: step.min_quantity).price_minor
    return retail_minor
