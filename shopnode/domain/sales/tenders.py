"""Tenders that are not money in the hand: each belongs to an area, which says whether it may be used and books it.

A cashier may type the ones of `TYPED`; the others come with an action of their own area (a trade-in, an exchange, a
plan that is completed), which calls `book_ticket` with what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from shopnode.domain.context import Context
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.ticket import Line


@dataclass(frozen=True)
class Ticket:
    """The sale a tender pays for, or is given back from."""

    sale_id: str
    number: str
    customer_id: str | None
    total_minor: int
    business_on: date | None = None
    lines: tuple[Line, ...] = ()  # empty when it is given back


Take = Callable[[Context, Ticket, Settled], Settled]
GiveBack = Callable[[Context, Ticket, Settled], Settled]


@dataclass(frozen=True)
class TenderBook:
    """How an area books its tender.

    take       refuses (Invalid, ApprovalNeeded), or writes its own rows and returns the tender as the sale keeps it
    give_back  writes its own rows for a refund by this tender, and returns the tender it really leaves by
    """

    take: Take
    give_back: GiveBack


BOOKS: dict[Tender, TenderBook] = {}
TYPED: set[Tender] = set()


def register_tender(tender: Tender, *, take: Take, give_back: GiveBack, typed: bool) -> None:
    """Called once by the area a tender belongs to. `typed`: a cashier may choose it at the counter."""
    BOOKS[tender] = TenderBook(take, give_back)
    if typed:
        TYPED.add(tender)


def take_all(ctx: Context, ticket: Ticket, settled: list[Settled]) -> list[Settled]:
    """Every tender as the sale keeps it, booked by its area."""
    return [BOOKS[part.method].take(ctx, ticket, part) if part.method in BOOKS else part for part in settled]


def give_back_all(ctx: Context, ticket: Ticket, out: list[Settled]) -> list[Settled]:
    """Every tender of a refund as it really leaves. Amounts are positive."""
    return [BOOKS[part.method].give_back(ctx, ticket, part) if part.method in BOOKS else part for part in out]
