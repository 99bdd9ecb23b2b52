"""Goods as money: the tender of an exchange, equal and opposite on the sale that comes back and the one that is made.

When what was bought by it comes back in its turn, no goods are there to give: the tender is taken off both sales, and
the money leaves the first one by the tenders that paid for it (`leaving`).
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.context import Context
from shopnode.domain.financiers.ledger import follow_phone
from shopnode.domain.returns.goods import Goods
from shopnode.domain.returns.leaving import behind_exchange, book_leaving
from shopnode.domain.returns.queries import chain_of
from shopnode.domain.sales.actions import book_payments, need_open_drawer
from shopnode.domain.sales.models import PaymentKind, SaleLine, Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.tenders import Ticket, register_tender


def exchange_tender(ctx: Context, goods: Goods, amount_minor: int, number: str, drawer: OpenDrawer) -> None:
    """The goods' part of the price, off the sale they came from."""
    if amount_minor:
        off = Settled(Tender.EXCHANGE, -amount_minor, None, None, number)
        book_payments(ctx, goods.sale.id, [off], drawer, kind=PaymentKind.REFUND)


def receivable_follows(ctx: Context, goods: Goods, new_sale_id: str) -> None:
    """A financier owes for the phone the customer has now, not for the one that is here again (rule 48)."""
    came = [coming.line.imei for coming in goods.lines if coming.unit and coming.line.imei]
    if not came:
        return
    query = select(SaleLine.imei).where(SaleLine.sale_id == new_sale_id, SaleLine.unit_id.is_not(None))
    given = [imei for imei in ctx.session.scalars(query.order_by(SaleLine.line_no)) if imei]
    chain = chain_of(ctx.session, goods.sale.id)
    for place, imei in enumerate(came if given else []):
        follow_phone(ctx, chain, imei, given[min(place, len(given) - 1)])


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
