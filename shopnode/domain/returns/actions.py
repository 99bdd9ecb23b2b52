"""Goods that come back: taken back for their money, or exchanged for others in one ticket.

A sale never changes: a return is a fact beside it, and its money are refunds of that sale.
Source: docs/rules/returns.md.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.accounts.ledger import account_holder
from shopnode.domain.accounts.queries import today_of
from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.printing.queue import queue_sale_prints
from shopnode.domain.returns.booking import book_return, take_points_back
from shopnode.domain.returns.exchanging import exchange_tender, receivable_follows
from shopnode.domain.returns.forms import ComesBack, ExchangeGoods, TakeBackGoods
from shopnode.domain.returns.goods import Goods, days_after_window, weigh
from shopnode.domain.returns.leaving import Leaving, book_leaving, money_back, really_leaves, turned_into
from shopnode.domain.returns.limits import check_money_back
from shopnode.domain.returns.staying import check_what_stays
from shopnode.domain.returns.transactions import by_transaction
from shopnode.domain.sales.actions import book_ticket, need_open_drawer, new_sale_id
from shopnode.domain.sales.models import MONEY, Tender
from shopnode.domain.sales.rules import METHOD_NAMES, Handed
from shopnode.domain.sales.tenders import Ticket


@action("returns.take_back", needs=Permission.SALES_RETURN)
def take_back(ctx: Context, form: TakeBackGoods) -> dict[str, Any]:
    """Take goods back and give their money back: by the tenders it came by, in cash, or as store credit.

    Raises DrawerClosed, NotFound, NoSuchReceipt, WrongPhone, NothingLeft, ApprovalNeeded, Invalid.
    """
    drawer = need_open_drawer(ctx)
    goods = weigh(ctx, form)
    check_return(ctx, goods, form)
    check_money_back(ctx, goods.sale.id, goods.refund_minor)
    out = by_transaction(ctx, _way_out(ctx, goods, form), form.refund_reference)
    number = next_document_number(ctx, Document.RETURN)
    return_id = book_return(
        ctx, goods, form.reason, form.had_receipt, number, drawer, customer_id=form.customer_id
    )  # fmt: skip
    left = really_leaves(book_leaving(ctx, out, drawer, customer_id=form.customer_id))
    take_points_back(ctx, goods)
    cash = any(part.method is Tender.CASH for part in left)
    queue_sale_prints(ctx, goods.sale.id, receipt=False, kick=cash)
    ctx.about("sale", goods.sale.id)
    return {
        "return_id": return_id, "number": number, "sale_id": goods.sale.id, "worth": goods.worth_minor,
        "fee": goods.fee_minor, "refund": goods.refund_minor,
        "paid_back": [{"method": part.method.value, "amount": part.amount_minor} for part in left],
    }  # fmt: skip


@action("returns.exchange", needs=Permission.SALES_RETURN)
def exchange(ctx: Context, form: ExchangeGoods) -> dict[str, Any]:
    """Take goods back and sell others in one ticket: only the difference changes hands (rule 54).

    Raises what `returns.take_back` and `sales.sell` raise.
    """
    drawer = need_open_drawer(ctx)
    goods = weigh(ctx, form)
    check_return(ctx, goods, form)
    number = next_document_number(ctx, Document.RETURN)
    sale_id = new_sale_id(ctx)
    worth = goods.refund_minor
    used: list[int] = []

    def given(total_minor: int) -> list[Handed]:
        used.append(min(worth, total_minor))
        return [Handed(Tender.EXCHANGE, used[0], number)] if used[0] else []

    sold = book_ticket(ctx, form.sale, given, sale_id=sale_id)
    rest = worth - used[0]
    check_money_back(ctx, goods.sale.id, rest)
    back = by_transaction(ctx, money_back(ctx, goods.sale.id, rest), form.refund_reference)
    return_id = book_return(
        ctx, goods, form.reason, form.had_receipt, number, drawer, exchange_sale_id=sale_id,
        customer_id=form.sale.customer_id,
    )  # fmt: skip
    left = really_leaves(book_leaving(ctx, back, drawer))
    exchange_tender(ctx, goods, used[0], number, drawer)
    receivable_follows(ctx, goods, sale_id)
    take_points_back(ctx, goods, used[0], Ticket(sale_id, sold["number"], form.sale.customer_id, sold["total"]))
    ctx.about("sale", sale_id)
    return {
        **sold, "return_id": return_id, "return_number": number, "worth": goods.worth_minor, "fee": goods.fee_minor,
        "exchanged": used[0], "due": sold["total"] - used[0], "refund": rest,
        "paid_back": [{"method": part.method.value, "amount": part.amount_minor} for part in left],
    }  # fmt: skip


def check_return(ctx: Context, goods: Goods, form: ComesBack) -> None:
    """Ask for a second person for what is outside the rules: late, without a receipt, or with less kept.

    Raises ApprovalNeeded, NotPermitted.
    """
    today = max(need_open_drawer(ctx).business_on, today_of(ctx))  # a drawer left open does not stop the days
    late = days_after_window(ctx, goods, today)
    if late:
        ctx.require_approval(f"This was sold too long ago: {late} days after goods may come back.")
    if not form.had_receipt and not goods.by_number and ctx.actor.role is not Role.OWNER:
        words = "Without a receipt only phones come back, by their IMEI."
        ctx.require_approval(words, enough=lambda role: role is Role.OWNER)
    if goods.fee_minor < goods.usual_fee_minor:
        ctx.require_approval(f"{goods.usual_fee_minor:,} is kept of goods that come back opened.")
    check_what_stays(ctx, goods)


def _way_out(ctx: Context, goods: Goods, form: TakeBackGoods) -> list[Leaving]:
    """The tenders the money leaves by. Raises ApprovalNeeded, Invalid."""
    out = money_back(ctx, goods.sale.id, goods.refund_minor)
    if form.refund_to == "original":
        return out
    if form.refund_to == "cash":
        other = next((one for one in really_leaves(out) if one.method in MONEY and one.method is not Tender.CASH), None)
        if other is not None:
            ctx.require_approval(f"This was paid by {METHOD_NAMES[other.method]}: cash is not how it goes back.")
        return turned_into(ctx, out, Tender.CASH)
    whose = form.customer_id or goods.summary.customer_id
    if whose is None:
        raise Invalid({"customer_id": "is needed: store credit is a customer's"})
    return turned_into(ctx, out, Tender.STORE_CREDIT, account_holder(ctx.session, whose).id)


def _figures(ctx: Context, form: ComesBack) -> tuple[int, str]:
    """What the owner is told over the telephone: what goes back, and of which receipt."""
    goods = weigh(ctx, form)
    return goods.refund_minor, goods.sale.number


register_figures("returns.take_back", _figures)
register_figures("returns.exchange", _figures)
