"""Laws of buying: what a piece of a delivery costs with its transport, and how old a debt is.

Source: docs/rules/cost.md, "Transport, duty and the like".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from shopnode.domain.money import spread

AGES = (0, 30, 60, 90)  # days over due: not yet, up to 30, up to 60, up to 90, more


@dataclass(frozen=True)
class Came:
    """The good pieces of one line, and what the supplier asks for one."""

    quantity: int
    unit_cost_minor: int


@dataclass(frozen=True)
class Landed:
    """So many pieces that cost so much each, their share of the extra cost included."""

    quantity: int
    cost_minor: int


def landed_costs(lines: list[Came], extra_minor: int) -> list[list[Landed]]:
    """What the pieces of each line cost. All of them together cost what was asked and the extra, to the shilling.

    The extra is spread by value (by pieces, where nothing has a value); what does not divide goes to the first pieces.
    Raises ValueError when there is an extra and not one good piece to bear it.
    """
    pieces = [line.quantity for line in lines]
    if extra_minor and not any(pieces):
        raise ValueError("there is no good piece to bear it")
    values = [line.quantity * line.unit_cost_minor for line in lines]
    shares = spread(extra_minor, values if any(values) else pieces)
    return [_of_line(line, share) for line, share in zip(lines, shares, strict=True)]


def _of_line(line: Came, share_minor: int) -> list[Landed]:
    if line.quantity == 0:
        return []
    each, left = divmod(share_minor, line.quantity)
    parts = [Landed(left, line.unit_cost_minor + each + 1), Landed(line.quantity - left, line.unit_cost_minor + each)]
    return [part for part in parts if part.quantity]


class Owed(NamedTuple):
    """One entry of an account: + owed until that day, − paid."""

    amount_minor: int
    due_on: date


def ages_of(entries: Iterable[Owed], today: date) -> list[int]:
    """What is still owed by how long it is over due, see AGES; payments settle what is due first.

    What was paid beyond all that is owed comes off the first part, which is then negative.
    """
    listed = sorted(entries, key=lambda entry: entry.due_on)
    paid = -sum(entry.amount_minor for entry in listed if entry.amount_minor < 0)
    ages = [0] * (len(AGES) + 1)
    for entry in listed:
        if entry.amount_minor <= 0:
            continue
        settled = min(paid, entry.amount_minor)
        paid -= settled
        if settled == entry.amount_minor:
            continue
        over = (today - entry.due_on).days
        ages[sum(over > limit for limit in AGES)] += entry.amount_minor - settled
    ages[0] -= paid
    return ages
