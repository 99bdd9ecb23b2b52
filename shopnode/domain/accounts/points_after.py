"""Points when a sale is corrected: whoever bought has what the ticket earns as it is now, and nobody else anything.

Invariants:
  * What a sale earned is the sum of its `earned` entries, so that goods that come back later take their share of that.
  * Points never go below zero: what was spent meanwhile stays with whom it was given to.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import func, select

from shopnode.domain.accounts.ledger import About, add_points, balance_now
from shopnode.domain.accounts.loyalty import EARNS_NOTHING
from shopnode.domain.accounts.models import Account, AccountEntry, EntryKind
from shopnode.domain.accounts.rules import points_for
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.sales.models import Payment, Sale
from shopnode.domain.settings.queries import number_setting

_NOTE = "corrected"


def spent_on(ctx: Context, sale_id: str) -> int:
    """What of a sale earns points: all that was paid, but for what was had before."""
    paid = select(func.coalesce(func.sum(Payment.amount_minor), 0)).where(
        Payment.sale_id == sale_id, Payment.method.not_in([tender.value for tender in EARNS_NOTHING])
    )
    return max(0, int(ctx.session.scalar(paid) or 0))


def points_follow(
    ctx: Context, sale: Sale, was: Customer | None, customer: Customer | None, spent_before: int
) -> None:  # fmt: skip
    """Bring the points of a sale in line with what is spent on it now, and with who bought."""
    if customer is None or customer.erased_at is not None:
        return
    is_named_now, spent = was is None, spent_on(ctx, sale.id)
    if spent == spent_before and was is not None and was.id == customer.id:
        return
    earned = _earned(ctx, sale.id)
    had, rate = sum(earned.values()), number_setting(ctx.session, "points_per_1000_minor")
    if is_named_now:
        target = points_for(spent, rate)
    elif spent >= spent_before:
        target = had + points_for(spent - spent_before, rate)
    else:
        target = had * spent // spent_before
    _move(ctx, sale, customer.id, earned, target)


def _earned(ctx: Context, sale_id: str) -> dict[str, int]:
    """What a sale earned so far, by customer; a duplicate's is of the one who is kept."""
    query = (
        select(func.coalesce(Customer.merged_into, Customer.id), AccountEntry.amount)
        .join(Customer, Customer.id == AccountEntry.customer_id)
        .where(
            AccountEntry.sale_id == sale_id, AccountEntry.account == Account.POINTS.value,
            AccountEntry.kind == EntryKind.EARNED.value,
        )
    )  # fmt: skip
    found: dict[str, int] = defaultdict(int)
    for customer_id, points in ctx.session.execute(query):
        found[customer_id] += points
    return {customer_id: points for customer_id, points in found.items() if points}


def _move(ctx: Context, sale: Sale, whose: str, earned: dict[str, int], target: int) -> None:
    about = About(sale.id, number=sale.number, note=_NOTE)
    for customer_id, points in sorted({whose: 0, **earned}.items()):
        change = (target if customer_id == whose else 0) - points
        if change < 0:
            change = -min(-change, max(0, balance_now(ctx.session, customer_id, Account.POINTS)))
        if change:
            add_points(ctx, customer_id, change, EntryKind.EARNED, about)
