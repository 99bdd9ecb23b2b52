"""How much a document of lines may come to: no more than any amount may.

Invariants:
  * Every action that books pieces at a price or a cost asks here first: deliveries, orders, sales, plans, transfers,
    counts, corrections by hand. So no sum of what one shop books can leave the numbers a database holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shopnode.domain.errors import Invalid
from shopnode.domain.money import MONEY_MINOR_MAX


class Worth(NamedTuple):
    """One line of a document: its field on the form, what it is called, and what it comes to."""

    place: str
    name: str
    amount_minor: int


def refuse_absurd(lines: Iterable[Worth], whole: str) -> None:
    """Raises Invalid, naming each line that comes to more than an amount may, else the field of all lines."""
    listed = list(lines)
    limit = f"{MONEY_MINOR_MAX:,}"
    wrong = {
        line.place: f"“{line.name}” comes to more than {limit}: look at its pieces and its price again"
        for line in listed
        if line.amount_minor > MONEY_MINOR_MAX
    }
    if not wrong and sum(line.amount_minor for line in listed) > MONEY_MINOR_MAX:
        wrong = {whole: f"come to more than {limit} together: look at the pieces and the prices again"}
    if wrong:
        raise Invalid(wrong)
