"""How much somebody may give back alone: in pieces it is no less.

What counts with a refund is what they could give back alone before it: of the same sale and of those its goods were
exchanged from, whoever gave it, and of anything on this drawer's day what staff gave themselves. Larger refunds had
their second person and do not count. Source: docs/rules/returns.md.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select

from shopnode.domain.cash.models import DrawerSession
from shopnode.domain.cash.queries import open_drawer_or_none
from shopnode.domain.context import Actor, Context
from shopnode.domain.people.limits import ask_above, limits_for, refund_within
from shopnode.domain.permissions import Role
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.returns.queries import chain_of
from shopnode.domain.sales.models import Payment, Tender
from shopnode.domain.settings.queries import all_numbers


class Given(NamedTuple):
    """Money that went back before with one return; goods given for goods are none."""

    amount_minor: int
    is_of_this: bool  # of this sale, or of one whose goods it was exchanged for


def check_money_back(ctx: Context, sale_id: str, amount_minor: int) -> None:
    """A refund above the actor's limit needs a second person, together with what went back before it.

    Raises ApprovalNeeded, NotPermitted.
    """
    if ctx.actor.role is Role.OWNER or not amount_minor:
        return
    limits, before = all_numbers(ctx.session), _given_before(ctx, sale_id)

    def objection(person: Actor) -> str | None:
        own = limits_for(person, limits)
        counted = sum(
            given.amount_minor
            for given in before
            if (given.is_of_this or person.id == ctx.actor.id) and refund_within(person.role, given.amount_minor, own)
        )
        if refund_within(person.role, amount_minor + counted, own):
            return None
        with_it = f", with {counted:,} that went back before it," if counted else ""
        return f"A refund of {amount_minor:,}{with_it} is more than you may give alone."

    ask_above(ctx, objection)


def _given_before(ctx: Context, sale_id: str) -> list[Given]:
    chain = chain_of(ctx.session, sale_id)
    wanted: ColumnElement[bool] = SaleReturn.sale_id.in_(chain)
    drawer = open_drawer_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    if drawer is not None and ctx.actor.role is Role.STAFF:
        begun = select(func.min(DrawerSession.opened_at)).where(
            DrawerSession.shop_id == ctx.shop_id, DrawerSession.business_on == drawer.business_on
        )
        wanted = or_(wanted, (SaleReturn.by_id == ctx.actor.id) & (SaleReturn.at >= begun.scalar_subquery()))
    for_goods = select(func.coalesce(-func.sum(Payment.amount_minor), 0)).where(
        Payment.sale_id == SaleReturn.sale_id, Payment.method == Tender.EXCHANGE.value,
        Payment.reference == SaleReturn.number, Payment.amount_minor < 0,
    )  # fmt: skip
    query = select(SaleReturn.sale_id, SaleReturn.refund_minor - for_goods.correlate(SaleReturn).scalar_subquery())
    return [Given(int(amount), row_id in chain) for row_id, amount in ctx.session.execute(query.where(wanted))]
