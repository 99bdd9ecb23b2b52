"""The law of commissions, pure: which rule holds for what, what it earns, and what a return takes back.

Worked numbers: docs/rules/staff.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from shopnode.domain.money import share_bp


@dataclass(frozen=True)
class Terms:
    """A commission rule. `category` and `staff_id` are None for all goods and for everybody."""

    id: str
    category: str | None
    staff_id: str | None
    of_repairs: bool
    rate_bp: int  # of the price without VAT, after every discount
    per_piece_minor: int
    starts_on: date
    ends_on: date | None  # the first day on which it holds no more

    def holds(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)

    def is_about(self, category: str | None, staff_id: str, *, of_repairs: bool) -> bool:
        """Whether it is about such goods, sold by such a person. Labour has no category."""
        goods = self.category is None or (not of_repairs and _same(self.category, category))
        return self.of_repairs is of_repairs and goods and self.staff_id in (None, staff_id)


def terms_for(
    all_terms: Iterable[Terms], category: str | None, staff_id: str, day: date, *, of_repairs: bool = False
) -> Terms | None:
    """The one rule that holds: a person's own goes before everybody's, then a category before all goods, then the
    newest."""
    fitting = [t for t in all_terms if t.holds(day) and t.is_about(category, staff_id, of_repairs=of_repairs)]
    rank = [(t.staff_id is not None, t.category is not None, t.starts_on, t.id) for t in fitting]
    return fitting[rank.index(max(rank))] if fitting else None


def earned_by(terms: Terms | None, net_minor: int, quantity: int) -> int:
    """What a line earns: its share of the net price, and so much for each piece."""
    return 0 if terms is None else share_bp(max(0, net_minor), terms.rate_bp) + quantity * terms.per_piece_minor


def taken_back(earned_minor: int, quantity: int, before: int, now: int) -> int:
    """What is taken back when `now` pieces return of a line of which `before` came back earlier. All of them together
    take back exactly what was earned."""
    return earned_minor * min(before + now, quantity) // quantity - earned_minor * min(before, quantity) // quantity


def _same(one: str, other: str | None) -> bool:
    return other is not None and one.casefold() == other.casefold()
