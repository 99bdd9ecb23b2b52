"""Points for what was bought: earned with the sale, clawed back with the goods (rule 59)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from shopnode.domain.accounts.ledger import About, add_points, balance_now
from shopnode.domain.accounts.models import Account, AccountEntry, EntryKind
from shopnode.domain.accounts.rules import points_for, points_lost
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.tenders import Ticket
from shopnode.domain.settings.queries import number_setting

# What the customer had for goods before, and what was paid in points, earns nothing again.
EARNS_NOTHING = frozenset({Tender.POINTS, Tender.EXCHANGE})


def earn_points(ctx: Context, ticket: Ticket, settled: list[Settled]) -> int:
    """Points for a ticket that was just booked. Without a customer nothing is read; switched off, one setting is."""
    if ticket.customer_id is None:
        return 0
    rate = number_setting(ctx.session, "points_per_1000_minor")
    spent = sum(part.amount_minor for part in settled if part.method not in EARNS_NOTHING)
    points = points_for(max(0, spent), rate)
    if points:
        customer = find_row(ctx.session, Customer, ticket.customer_id, "This customer")
        about = About(ticket.sale_id, number=ticket.number)
        add_points(ctx, customer.merged_into or customer.id, points, EntryKind.EARNED, about)
    return points


def claw_back(ctx: Context, ticket: Ticket, back_minor: int | None = None, *, shop_id: str | None = None) -> int:
    """Take the points of what came back: of `back_minor` of the ticket's total, or of all of it.

    What was spent meanwhile cannot be taken: points never go below zero. Undoing a whole sale is one act, whichever
    home does it.
    """
    query = select(AccountEntry).where(
        AccountEntry.sale_id == ticket.sale_id,
        AccountEntry.account == Account.POINTS.value,
        AccountEntry.kind.in_([EntryKind.EARNED.value, EntryKind.CLAWED_BACK.value]),
    )
    entries = list(ctx.session.scalars(query))
    earned = sum(row.amount for row in entries if row.kind == EntryKind.EARNED)
    lost = -sum(row.amount for row in entries if row.kind == EntryKind.CLAWED_BACK)
    total = ticket.total_minor
    points = points_lost(earned, lost, total if back_minor is None else back_minor, total)
    if not points:
        return 0
    customer_id = _kept(ctx, _whose(entries))
    has = max(0, balance_now(ctx.session, customer_id, Account.POINTS))
    taken = min(points, has)
    if taken:
        row_id = act_id("claw-back", ticket.sale_id) if back_minor is None else None
        note = f"{points - taken:,} were spent already" if taken < points else None
        about = About(ticket.sale_id, number=ticket.number, note=note, shop_id=shop_id, row_id=row_id)
        add_points(ctx, customer_id, -taken, EntryKind.CLAWED_BACK, about)
    return taken


def _whose(entries: Sequence[AccountEntry]) -> str:
    """Who has a sale's points: after its customer was corrected, another than who was named first."""
    earned: dict[str, int] = defaultdict(int)
    for row in entries:
        if row.kind == EntryKind.EARNED:
            earned[row.customer_id] += row.amount
    return max(earned, key=lambda customer_id: earned[customer_id])


def carry_over(ctx: Context, came: Ticket, points: int, exchanged_minor: int, back_minor: int, to: Ticket) -> int:
    """Points that were taken with goods go on with the goods they paid for: their share of what was exchanged.

    Whose they were has them, unless the new ticket is somebody else's.
    """
    share = points * exchanged_minor // back_minor if back_minor else 0
    if not share:
        return 0
    query = select(AccountEntry).where(
        AccountEntry.sale_id == came.sale_id, AccountEntry.account == Account.POINTS.value,
        AccountEntry.kind == EntryKind.EARNED.value,
    )  # fmt: skip
    customer_id = _kept(ctx, _whose(list(ctx.session.scalars(query))))
    if to.customer_id is not None and _kept(ctx, to.customer_id) != customer_id:
        return 0
    about = About(to.sale_id, number=to.number, note=f"exchanged, from {came.number}")
    add_points(ctx, customer_id, share, EntryKind.EARNED, about)
    return share


def _kept(ctx: Context, customer_id: str) -> str:
    """Of a duplicate the customer who is kept: what they have counts together."""
    customer = row_or_none(ctx.session, Customer, customer_id)
    return customer.merged_into or customer_id if customer else customer_id
