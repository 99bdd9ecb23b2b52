"""A used phone as part of the payment: one ticket, its net amount, two legs (rule 18).

The phone is bought as any other, and what is paid for it becomes a tender of the sale; what it is worth above the
ticket is paid out. So for every such ticket: money in + trade-in = total, and trade-in + paid out = offer.

Invariants:
  * The tender comes with this action alone. Nobody types it at the counter: it would be money out of nothing.
  * What is sold on a ticket does not pay for it.
  * When such a sale is undone the amount leaves as cash. The phone was bought and stays bought: it has an agreement, a
    seller and a stay of its own, may stand on the bench by then or be sold. What we owe is its price. Whoever wants
    the phone back takes the purchase back (`usedphones.reverse`), which brings that cash in again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import StockUnit
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.sales.actions import book_ticket
from shopnode.domain.sales.forms import NewSale
from shopnode.domain.sales.lookup import who_buys
from shopnode.domain.sales.models import SaleLine, Tender
from shopnode.domain.sales.rules import Handed, Settled
from shopnode.domain.sales.tenders import Ticket, register_tender
from shopnode.domain.sales.ticket import add_up, price_lines
from shopnode.domain.usedphones.actions import figures_of_phone, pay_out, take_in, weigh
from shopnode.domain.usedphones.params import TradeIn
from shopnode.domain.usedphones.rules import split_offer


class SoldHere(Conflict):
    code = "sold-here"

    def __init__(self, number: str):
        super().__init__(
            f"The phone {number} is sold on this very ticket, so it cannot pay for it. Scan the one brought."
        )


@action("usedphones.trade_in", needs=Permission.USED_BUY)
def trade_in(ctx: Context, form: TradeIn) -> dict[str, Any]:
    """Sell, and take a used phone as part of the payment; what it is worth above the ticket is paid out.

    Raises SoldHere, and what `usedphones.buy` and `sales.sell` raise.
    """
    offer = weigh(ctx, form.phone)

    def given(total_minor: int) -> list[Handed]:
        used, _ = split_offer(form.phone.offer, total_minor)
        return [Handed(Tender.TRADE_IN, used, offer.number, offer.purchase_id)] if used else []

    sold = book_ticket(ctx, _with_customer(form), given=given)
    used_minor, rest_minor = split_offer(form.phone.offer, sold["total"])
    bought = take_in(ctx, form.phone, offer, sale_id=sold["sale_id"])
    _refuse_itself(ctx, sold["sale_id"], bought["unit_id"])
    slip = pay_out(ctx, form.payout, rest_minor, offer)
    ctx.about("sale", sold["sale_id"])
    return {
        **bought, "sale_id": sold["sale_id"], "sale_number": sold["number"], "total": sold["total"],
        "traded_in": used_minor, "due": sold["total"] - used_minor, "change": sold["change"], "paid_out": rest_minor,
        "slip": slip,
    }  # fmt: skip


def _refuse_itself(ctx: Context, sale_id: str, unit_id: str) -> None:
    """A phone that leaves by this ticket is not what somebody brings. Raises SoldHere."""
    brought = find_row(ctx.session, StockUnit, unit_id, "The phone that is brought")
    sold = select(SaleLine.imei).join(StockUnit, StockUnit.id == SaleLine.unit_id)
    sold = sold.where(SaleLine.sale_id == sale_id, StockUnit.handset_id == brought.handset_id)
    number = ctx.session.scalar(sold.limit(1))
    if number is not None:
        raise SoldHere(number)


def _with_customer(form: TradeIn) -> NewSale:
    """One ticket has one customer: who brings a phone and is known buys as who they are, at their own prices."""
    if form.sale.customer_id or not form.phone.customer_id:
        return form.sale
    return form.sale.model_copy(update={"customer_id": form.phone.customer_id})


def _take(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    """The purchase is booked by the action that brings the tender."""
    return part


def _give_back(ctx: Context, ticket: Ticket, part: Settled) -> Settled:
    return replace(part, method=Tender.CASH, reference=None, about_id=None)


def _figures(ctx: Context, form: TradeIn) -> tuple[int, str]:
    """What the owner is told over the telephone: all that is given for the phone, the offer and what is taken off the
    price of the goods it pays for; and the phone's own number."""
    offer_minor, number = figures_of_phone(form.phone)
    sale = _with_customer(form)
    customer = who_buys(ctx, sale.customer_id)
    lines = price_lines(ctx, sale.items, list_id=customer.price_list_id if customer else None)
    tags = sum(line.quantity * line.list_price_minor for line in lines)
    return offer_minor + max(0, tags - add_up(lines, sale.discount_amount).total_minor), number


register_figures("usedphones.trade_in", _figures)
register_tender(Tender.TRADE_IN, take=_take, give_back=_give_back, typed=False)
