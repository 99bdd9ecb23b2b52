"""Amending a submitted sale: a fact of its own, with its reason. The sale and its first lines stay as they were."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from shopnode.domain.accounts.points_after import points_follow, spent_on
from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.cash.models import ForeignCash
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.people.limits import check_refund
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.bundles import goods_of
from shopnode.domain.sales.actions import book_lines, book_payments, need_customer, need_open_drawer
from shopnode.domain.sales.amend_checks import as_priced, ask_another, check_removed, difference
from shopnode.domain.sales.coming import refuse_while_coming
from shopnode.domain.sales.errors import PaidOtherwise
from shopnode.domain.sales.forms import AmendSale
from shopnode.domain.sales.lookup import (
    find_changeable,
    lines_now,
    next_nth,
    payments_of,
    refuse_if_returned,
    unit_of_line,
    who_buys,
)
from shopnode.domain.sales.models import MONEY, Payment, PaymentKind, Sale, SaleAmendment, SaleLine, SaleSummary, Tender
from shopnode.domain.sales.paying import settle_payments
from shopnode.domain.sales.rules import METHOD_NAMES, LineSum, Settled, Totals, refund_tenders, ticket_totals
from shopnode.domain.sales.tenders import Ticket, give_back_all
from shopnode.domain.sales.terms import terms_now
from shopnode.domain.sales.ticket import add_up, check_prices, price_lines
from shopnode.domain.stock.models import MovementKind, StockMovement

_CORRECTED = MONEY | {Tender.ROUNDING}
_OF_A_CUSTOMER = frozenset({
    Tender.ON_ACCOUNT, Tender.STORE_CREDIT, Tender.POINTS, Tender.FINANCED, Tender.PLAN,
})  # fmt: skip


@action("sales.amend", needs=Permission.SALES_UPDATE)
def amend_sale(ctx: Context, change: AmendSale) -> dict[str, Any]:
    """Correct a sale: customer, notes, discount, lines or tenders. Goods and money follow.

    What leaves the ticket is checked as what comes back, see `amend_checks`.

    Raises SaleLocked, SaleUndone, PaidOtherwise, Invalid, UnitNotForSale, ReferenceUsed, ApprovalNeeded.
    """
    sale, summary = find_changeable(ctx, change.sale_id)
    was = who_buys(ctx, summary.customer_id)
    customer = was if change.customer_id is None else who_buys(ctx, change.customer_id, is_new=True)
    moves = change.items is not None or change.payments is not None or change.discount_amount is not None
    if moves:
        refuse_if_returned(ctx.session, sale)
        refuse_while_coming(ctx.session, sale)
    if was is not None and customer is not None and was.id != customer.id:
        _refuse_whose(ctx, sale)
    old_lines = lines_now(ctx.session, sale.id)
    spent = spent_on(ctx, sale.id)
    amendment = SaleAmendment(
        id=ctx.new_id(), sale_id=sale.id, shop_id=sale.shop_id, reason=change.reason,
        customer_id=customer.id if customer is not None and change.customer_id else None, notes=change.notes,
        discount_minor=change.discount_amount,
        replaces_lines=change.items is not None, at=ctx.now, by_id=ctx.actor.id,
        nth=next_nth(ctx.session, SaleAmendment, sale.id),
    )  # fmt: skip
    add_rows(ctx.session, amendment)
    totals = _rebook_lines(ctx, sale, summary, amendment, old_lines, change, customer)
    if moves:
        _rebook_money(ctx, sale, summary, amendment, totals, change)
    points_follow(ctx, sale, was, customer, spent)
    ctx.about("sale", sale.id)
    return {"sale_id": sale.id, "amendment_id": amendment.id, "total": totals.total_minor}


def _rebook_lines(
    ctx: Context, sale: Sale, summary: SaleSummary, amendment: SaleAmendment, old: list[SaleLine], change: AmendSale,
    customer: Customer | None,
) -> Totals:  # fmt: skip
    """Replace the lines if new ones were given, hold them against the limits, and add the ticket up."""
    kept = summary.discount_minor - sum(line.discount_minor for line in old)  # the ticket's own discount so far
    discount = kept if change.discount_amount is None else change.discount_amount
    if change.items is None:
        totals = _totals_of(old, discount)
        if discount > kept:
            _ask_discount(ctx, sale, old)
            check_prices(ctx, as_priced(ctx, old), discount)
        return totals
    lines = price_lines(ctx, change.items, sold=old, list_id=customer.price_list_id if customer else None)
    totals = add_up(lines, discount)
    check_prices(ctx, lines, discount)
    if customer is None:
        need_customer(lines, terms_now(ctx))
    other = difference(ctx, old, kept, lines, discount)
    if other.is_other_goods:
        _refuse_other_tenders(ctx, sale, _net(ctx, sale.id))
    check_removed(ctx, sale, summary, other.removed, change.came_back)
    if other.is_cheaper:
        _ask_discount(ctx, sale, old)
    _bring_back(ctx, sale, old)
    book_lines(ctx, sale.id, lines, amendment.id)
    return totals


def _ask_discount(ctx: Context, sale: Sale, old: list[SaleLine]) -> None:
    ask_another(ctx, sale, old, "A larger discount on a finished sale needs a second person.")


def _totals_of(lines: list[SaleLine], discount_minor: int) -> Totals:
    sums = [
        LineSum(
            row.quantity, row.unit_price_minor, row.discount_minor, row.tax_rate_bp, row.cost_minor,
            row.margin_paid_minor,
        )
        for row in lines
    ]  # fmt: skip
    try:
        return ticket_totals(sums, discount_minor)
    except ValueError as wrong:
        raise Invalid({"discount_amount": str(wrong)}) from None


def _bring_back(ctx: Context, sale: Sale, old: list[SaleLine]) -> None:
    """Put the goods of the replaced lines back on the shelf: the correction says they never left."""
    moves = [
        {
            "id": ctx.new_id(), "shop_id": sale.shop_id, "product_id": piece.product_id, "unit_id": piece.unit_id,
            "kind": MovementKind.RETURNED.value, "quantity": piece.quantity, "unit_cost_minor": piece.unit_cost_minor,
            "sale_id": sale.id, "note": "amended", "at": ctx.now, "by_id": ctx.actor.id,
        }
        for piece in goods_of(ctx.session, old)
    ]  # fmt: skip
    insert_rows(ctx.session, StockMovement, moves)
    for line in old:
        if line.unit_id:
            unit = unit_of_line(ctx.session, line)
            unit.status, unit.sold_line_id = UnitStatus.IN_STOCK.value, None
    ctx.session.flush()


def _rebook_money(
    ctx: Context, sale: Sale, summary: SaleSummary, amendment: SaleAmendment, totals: Totals, change: AmendSale
) -> None:
    """Bring what was paid in line with the new total, or put the same money under its right tenders.

    Raises Invalid when more is due and no payments were given.
    """
    due = totals.total_minor - summary.paid_minor
    if change.payments is None and due == 0:
        return
    if change.payments is None and due > 0:
        raise Invalid({"payments": f"{due:,} more is due: list all tenders of the corrected sale"})
    drawer = need_open_drawer(ctx)
    net, terms = _net(ctx, sale.id), terms_now(ctx)
    _refuse_other_tenders(ctx, sale, net)
    if due < 0:
        check_refund(ctx, -due + _given_before(ctx, sale.id))
    if change.payments is None:
        ticket = Ticket(sale.id, sale.number, summary.customer_id, -due)
        leaving = give_back_all(ctx, ticket, refund_tenders(net, -due, terms.cash_rounding_minor))
        booked = [replace(tender, amount_minor=-tender.amount_minor) for tender in leaving]
        kind = PaymentKind.REFUND
    else:
        settled = settle_payments(ctx, totals.total_minor, change.payments, terms, sale.id)
        undone = [Settled(Tender(method), -amount, None, None, ref) for (method, ref), amount in net.items() if amount]
        booked, kind = [*undone, *settled], PaymentKind.CORRECTION
    _ask_for_cash(ctx, sale, booked)
    book_payments(ctx, sale.id, booked, drawer, kind=kind, amendment_id=amendment.id)


def _given_before(ctx: Context, sale_id: str) -> int:
    """What corrections gave back so far: in pieces it is no less."""
    rows = [row.amount_minor for row in payments_of(ctx.session, sale_id) if row.amendment_id]
    return max(0, -sum(rows))


def _ask_for_cash(ctx: Context, sale: Sale, booked: list[Settled]) -> None:
    """Cash that a correction takes out of the drawer is seen by two. Raises ApprovalNeeded."""
    less = -sum(part.amount_minor for part in booked if part.method is Tender.CASH)
    if less > 0:
        words = f"{less:,} less of cash would be in the drawer for {sale.number}."
        ask_another(ctx, sale, lines_now(ctx.session, sale.id), words)


def _refuse_whose(ctx: Context, sale: Sale) -> None:
    """What a customer owes or has for a sale does not move to another one. Raises PaidOtherwise."""
    net = _net(ctx, sale.id)
    theirs = [method for (method, _), amount in net.items() if amount and Tender(method) in _OF_A_CUSTOMER]
    if theirs:
        raise PaidOtherwise(sale.number, METHOD_NAMES[Tender(theirs[0])])


def _refuse_other_tenders(ctx: Context, sale: Sale, net: dict[tuple[str, str | None], int]) -> None:
    """Money in other areas' books, and notes counted apart, are not corrected in place: neither they nor the goods they
    stand for. Raises PaidOtherwise.
    """
    other = [method for (method, _), amount in net.items() if amount and Tender(method) not in _CORRECTED]
    if other:
        raise PaidOtherwise(sale.number, METHOD_NAMES[Tender(other[0])])
    notes = select(ForeignCash.currency).join(Payment, Payment.id == ForeignCash.payment_id)
    currency = ctx.session.scalars(notes.where(Payment.sale_id == sale.id).limit(1)).first()
    if currency is not None:
        raise PaidOtherwise(sale.number, f"{currency} in cash")


def _net(ctx: Context, sale_id: str) -> dict[tuple[str, str | None], int]:
    """What is booked so far, by method and reference."""
    net: dict[tuple[str, str | None], int] = defaultdict(int)
    for row in payments_of(ctx.session, sale_id):
        net[row.method, row.reference] += row.amount_minor
    return net


def _figures(ctx: Context, change: AmendSale) -> tuple[int, str]:
    """What the owner is told over the telephone: what the sale was paid, and its number."""
    sale, summary = find_changeable(ctx, change.sale_id)
    return summary.paid_minor, sale.number


register_figures("sales.amend", _figures)
