"""Goods as money: the tender of an exchange, equal and opposite on the sale that comes back and the one that is made.

When what was bought by it comes back in its turn, no goods are there to give: the money leaves by the tender that paid
for the first sale.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.context import Context
from shopnode.domain.queries import find_row
from shopnode.domain.returns.goods import Goods
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.actions import book_payments
from shopnode.domain.sales.lookup import payments_of
from shopnode.domain.sales.models import PaymentKind, Sale, Tender
from shopnode.domain.sales.rules import Settled
from shopnode.domain.sales.tenders import BOOKS, Ticket, register_tender


def exchange_tender(ctx: Context, goods: Goods, out: list[Settled], drawer: OpenDrawer) -> list[Settled]:
    """The goods' part of the price, off the sale they came from."""
    rows = [replace(part, amount_minor=-part.amount_minor) for part in out]
    book_payments(ctx, goods.sale.id, rows, drawer, kind=PaymentKind.REFUND)
    return out


def _take(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The return is booked by the action that brings the tender."""
    return part


def _give_back(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """By the tender that paid most of the sale whose goods were exchanged."""
    query = select(SaleReturn.sale_id).where(SaleReturn.number == part.reference).order_by(SaleReturn.id)
    sale_id = ctx.session.scalars(query.limit(1)).first()
    paid: dict[tuple[str, str | None], int] = {}
    for row in payments_of(ctx.session, sale_id) if sale_id else []:
        if row.kind in (PaymentKind.PAYMENT, PaymentKind.CORRECTION) and row.method != Tender.ROUNDING:
            paid[row.method, row.reference] = paid.get((row.method, row.reference), 0) + row.amount_minor
    if sale_id is None or not any(amount > 0 for amount in paid.values()):
        return replace(part, method=Tender.CASH, reference=None)
    method, reference = max(paid, key=lambda key: (paid[key], key[0], key[1] or ""))
    leaving = replace(part, method=Tender(method), reference=reference)
    if leaving.method not in BOOKS:
        return leaving
    sale = find_row(ctx.session, Sale, sale_id, "The first sale")
    first = Ticket(sale.id, sale.number, sale.customer_id or ticket.customer_id, part.amount_minor)
    return BOOKS[leaving.method].give_back(ctx, first, leaving)


register_tender(Tender.EXCHANGE, take=_take, give_back=_give_back, typed=False)
