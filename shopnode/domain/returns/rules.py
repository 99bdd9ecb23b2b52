"""The law of a return: what a line's pieces are worth when they come back, and what is kept. Pure functions.

Source: docs/rules/returns.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from shopnode.domain.money import share_bp, spread


def paid_by_line(nets_minor: Sequence[int], ticket_discount_minor: int) -> list[int]:
    """What was paid for each line: its own price less its share of the ticket's discount. Adds up to the total."""
    shares = spread(min(ticket_discount_minor, sum(nets_minor)), list(nets_minor))
    return [net - share for net, share in zip(nets_minor, shares, strict=True)]


def worth_back(paid_minor: int, sold: int, back_before: int, back_now: int) -> int:
    """What `back_now` pieces of a line are worth, when `back_before` came back earlier.

    Parts of one line add up to what was paid for it, to the shilling, however they come back.
    Raises ValueError when more would come back than was sold.
    """
    if back_now < 1 or back_before + back_now > sold:
        raise ValueError("more would come back than was sold")
    return paid_minor * (back_before + back_now) // sold - paid_minor * back_before // sold


def open_box_fee(worth_minor: int, is_opened: bool, rate_bp: int) -> int:
    """What is kept of the price of goods that can no longer be sold as new."""
    return share_bp(worth_minor, rate_bp) if is_opened else 0


def days_late(sold_on: date, today: date, window_days: int) -> int:
    """How many days after the end of the window goods come back; 0 within it."""
    return max(0, (today - sold_on).days - window_days)


def covered_until(sold_on: date, warranty_days: int, inherited: date | None) -> date | None:
    """The last day of a line's warranty; None where there is none. What replaced another piece inherits its day."""
    if inherited is not None:
        return inherited
    return sold_on + timedelta(days=warranty_days) if warranty_days else None


def days_left(until: date, today: date) -> int:
    """Days of warranty that remain, today not counted."""
    return max(0, (until - today).days)
