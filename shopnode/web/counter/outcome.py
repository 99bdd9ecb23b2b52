"""What left the shop with a ticket: money for goods that came back, or for a used phone; and the papers of both."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select

from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.context import Context
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.returns.queries import money_of_return
from shopnode.domain.sales.models import Tender
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.domain.usedphones.models import UsedPurchase

Out = list[tuple[str, int]]


@dataclass(frozen=True)
class Outcome:
    """What the customer gets beside the goods, and what there is to print of it."""

    paid_out: Out = field(default_factory=list)
    return_id: str | None = None
    purchase_id: str | None = None

    @property
    def out_minor(self) -> int:
        return sum(amount for _, amount in self.paid_out)


def outcome_of(ctx: Context, sale_id: str) -> Outcome:
    """What left with the sale; nothing for most."""
    came = ctx.session.scalars(select(SaleReturn).where(SaleReturn.exchange_sale_id == sale_id).limit(1)).first()
    if came is not None:
        return Outcome(paid_back_with(ctx, came), return_id=came.id)
    bought = ctx.session.scalars(select(UsedPurchase).where(UsedPurchase.sale_id == sale_id).limit(1)).first()
    if bought is None:
        return Outcome()
    moves = ctx.session.scalars(select(MoneyMove).where(MoneyMove.about_id == bought.id, MoneyMove.amount_minor < 0))
    out = [(METHOD_NAMES[Tender(move.method)], -move.amount_minor) for move in moves]
    return Outcome(out, purchase_id=bought.id)


def paid_back_with(ctx: Context, row: SaleReturn) -> Out:
    """The money that left with a return."""
    left = money_of_return(ctx.session, row)
    return [(METHOD_NAMES[tender], amount) for tender, amount in left if tender is not Tender.EXCHANGE]
