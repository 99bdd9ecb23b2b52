"""Money that goes back: by which tenders, out of which sale's books.

What goods paid for goes back by the tenders of the sale those goods came from: the tender *exchange* is taken off both
sales again, equal and opposite, and the money leaves the first sale. So whatever is exchanged for whatever, no sale
gives back more by a tender than came in by it.

Invariants:
  * Everything is looked up before anything is written: who has to approve it is asked about what really leaves.
  * The customer's debt of a sale gets smaller before any money of it leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from shopnode.domain.accounts.ledger import open_of_sale
from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.context import Context
from shopnode.domain.returns.models import SaleReturn
from shopnode.domain.sales.actions import book_payments
from shopnode.domain.sales.lookup import payments_of
from shopnode.domain.sales.models import MONEY, PaymentKind, SaleSummary, Tender
from shopnode.domain.sales.rules import Settled, refund_tenders, round_cash
from shopnode.domain.sales.tenders import BOOKS, Ticket
from shopnode.domain.sales.terms import terms_now

Net = dict[tuple[str, str | None], int]  # what is kept of a sale, by method and reference
IS_MONEY = MONEY | {Tender.ROUNDING}


@dataclass(frozen=True)
class Leaving:
    """Part of a refund, and the sale it leaves. Amounts that leave are positive."""

    sale_id: str
    part: Settled


def net_of_sale(ctx: Context, sale_id: str) -> Net:
    """What is kept of what was paid, by method and reference. What left by a transaction of its own is taken off the
    largest that came by that network."""
    net: Net = {}
    for row in payments_of(ctx.session, sale_id):
        if row.kind != PaymentKind.REFUND_DUE:
            net[row.method, row.reference] = net.get((row.method, row.reference), 0) + row.amount_minor
    for key in [key for key, amount in net.items() if amount < 0 and key[0] in MONEY]:
        others = sorted((other for other in net if other[0] == key[0] and net[other] > 0), key=lambda o: (-net[o], o))
        for other in others:
            part = min(net[other], -net[key])
            net[other] -= part
            net[key] += part
    return net


def money_back(ctx: Context, sale_id: str, amount_minor: int) -> list[Leaving]:
    """How so much of a sale goes back by the tenders it came by (rule 47)."""
    return _by_the_way_it_came(ctx, sale_id, net_of_sale(ctx, sale_id), amount_minor)


def behind_exchange(ctx: Context, sale_id: str, part: Settled) -> list[Leaving]:
    """What leaves where goods of another sale paid this one; nothing where that sale is not known here."""
    query = select(SaleReturn.sale_id).where(
        SaleReturn.exchange_sale_id == sale_id, SaleReturn.number == part.reference
    )
    first = ctx.session.scalars(query.limit(1)).first()
    if first is None:
        return []
    net, key = net_of_sale(ctx, first), (Tender.EXCHANGE.value, part.reference)
    net[key] = net.get(key, 0) + part.amount_minor
    undone = Leaving(first, replace(part, amount_minor=-part.amount_minor))
    return [undone, *_by_the_way_it_came(ctx, first, net, part.amount_minor)]


def _by_the_way_it_came(ctx: Context, sale_id: str, net: Net, amount_minor: int) -> list[Leaving]:
    found: list[Leaving] = []
    for part in _tenders(ctx, sale_id, net, amount_minor):
        if part.method is Tender.TRADE_IN:  # the phone is ours: its worth leaves as money
            found += [Leaving(sale_id, one) for one in _in_cash(ctx, part.amount_minor)]
            continue
        before = behind_exchange(ctx, sale_id, part) if part.method is Tender.EXCHANGE else []
        if part.method is Tender.EXCHANGE and not before:
            found += [Leaving(sale_id, one) for one in _in_cash(ctx, part.amount_minor)]
        else:
            found += [Leaving(sale_id, part), *before]
    return found


def _tenders(ctx: Context, sale_id: str, net: Net, amount_minor: int) -> list[Settled]:
    """First what the customer still owes for this sale, then the others by what came by them."""
    net, owed = dict(net), 0
    debts = [key for key, amount in net.items() if key[0] == Tender.ON_ACCOUNT and amount > 0]
    still_open = open_of_sale(ctx.session, sale_id) if debts else 0
    for key in debts:
        part = min(still_open - owed, net[key], amount_minor - owed)
        net[key] -= part
        owed += part
    parts = refund_tenders(net, amount_minor - owed, terms_now(ctx).cash_rounding_minor)
    if not owed:
        return parts
    owed += sum(part.amount_minor for part in parts if part.method is Tender.ON_ACCOUNT)
    others = [part for part in parts if part.method is not Tender.ON_ACCOUNT]
    return [Settled(Tender.ON_ACCOUNT, owed, None, None, None), *others]


def _in_cash(ctx: Context, amount_minor: int) -> list[Settled]:
    rounded = round_cash(amount_minor, terms_now(ctx).cash_rounding_minor)
    cash = Settled(Tender.CASH, rounded, None, None, None)
    return [cash] if rounded == amount_minor else [cash, Settled(Tender.ROUNDING, amount_minor - rounded, *[None] * 3)]


def turned_into(ctx: Context, leaving: Sequence[Leaving], to: Tender, customer_id: str | None = None) -> list[Leaving]:
    """The money among some tenders as one tender; debts, points and the like stay what they are.

    customer_id  whose store credit it becomes
    """
    kept = [one for one in leaving if one.part.method not in IS_MONEY]
    money: dict[str, int] = defaultdict(int)
    for one in leaving:
        if one.part.method in IS_MONEY:
            money[one.sale_id] += one.part.amount_minor
    for sale_id, amount in money.items():
        credit = [Settled(to, amount, None, None, None, about_id=customer_id)]
        kept += [Leaving(sale_id, part) for part in (_in_cash(ctx, amount) if to is Tender.CASH else credit)]
    return [one for one in kept if one.part.amount_minor]


def really_leaves(leaving: Sequence[Leaving]) -> list[Settled]:
    """What the customer gets, by tender: goods that pay for goods cancel out."""
    sums: dict[Tender, int] = defaultdict(int)
    for one in leaving:
        sums[one.part.method] += one.part.amount_minor
    return [Settled(method, amount, None, None, None) for method, amount in sums.items() if amount]


def book_leaving(
    ctx: Context, leaving: Sequence[Leaving], drawer: OpenDrawer, *, customer_id: str | None = None
) -> list[Leaving]:
    """The money leaves: refunds of each sale. Returns it as it really left.

    customer_id  whose it is where a sale names nobody
    """
    left: list[Leaving] = []
    for sale_id in dict.fromkeys(one.sale_id for one in leaving):
        summary = ctx.session.scalars(select(SaleSummary).where(SaleSummary.sale_id == sale_id)).one()
        ticket = Ticket(sale_id, summary.number, summary.customer_id or customer_id, summary.total_minor)
        parts = [_given_back(ctx, ticket, one.part) for one in leaving if one.sale_id == sale_id]
        rows = [replace(part, amount_minor=-part.amount_minor) for part in parts]
        book_payments(ctx, sale_id, rows, drawer, kind=PaymentKind.REFUND)
        left += [Leaving(sale_id, part) for part in parts]
    return left


def _given_back(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """Booked by the area of the tender; the two sides of an exchange are refunds of their sales and nothing else."""
    if part.method is Tender.EXCHANGE or part.method not in BOOKS:
        return part
    return BOOKS[part.method].give_back(ctx, ticket, part)
