"""Goods as money: the tender of an exchange, equal and opposite on the sale that comes back and the one that is made.

When what was bought by it comes back in its turn, no goods are there to give: the tender is taken off both sales, and
the money leaves the first one by the tenders that paid for it (`leaving`).
"""

from __future__ import annotations

from dataclasses import replace

from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.context import Context
from shopnode.domain.returns.goods import Goods
from shopnode.domain.returns.leaving import behind_exchange, book_leaving
from shopnode.domain.sales.actions import book_payments, need_open_drawer
from shopnode.domain.sales.models import PaymentKind, Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.tenders import Ticket, register_tender


def exchange_tender(ctx: Context, goods: Goods, amount_minor: int, number: str, drawer: OpenDrawer) -> None:
    """The goods' part of the price, off the sale they came from."""
    if amount_minor:
        off = Settled(Tender.EXCHANGE, -amount_minor, None, None, number)
        book_payments(ctx, goods.sale.id, [off], drawer, kind=PaymentKind.REFUND)


def _take(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The return is booked by the action that brings the tender."""
    return part


def _give_back(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The sale its goods paid for is undone: the money leaves the first sale."""
    leaving = behind_exchange(ctx, ticket.sale_id, part)
    if not leaving:
        return replace(part, method=Tender.CASH, reference=None)
    book_leaving(ctx, leaving, need_open_drawer(ctx), customer_id=ticket.customer_id)
    return part


register_tender(Tender.EXCHANGE, take=_take, give_back=_give_back, typed=False)
