"""Selling. One ticket is one entry: the sale, its lines, what moved, what was paid, the pieces that left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shopnode.domain import failpoints
from shopnode.domain.accounts.loyalty import earn_points
from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.errors import DrawerClosed
from shopnode.domain.cash.models import ForeignCash
from shopnode.domain.cash.queries import OpenDrawer, open_drawer_or_none
from shopnode.domain.clock import is_act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import StockUnit, UnitStatus
from shopnode.domain.money import spread
from shopnode.domain.people.models import Staff
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.plans.keeping import ask_for_kept
from shopnode.domain.pricing.bundles import part_move_id
from shopnode.domain.printing.queue import queue_sale_prints
from shopnode.domain.queries import find_row
from shopnode.domain.sales.forms import NewSale
from shopnode.domain.sales.lookup import who_buys
from shopnode.domain.sales.models import Payment, PaymentKind, Sale, SaleLine, Tender
from shopnode.domain.sales.paying import settle_payments
from shopnode.domain.sales.rules import Handed, Settled
from shopnode.domain.sales.tenders import TYPED, Ticket, take_all
from shopnode.domain.sales.terms import Terms, terms_now
from shopnode.domain.sales.ticket import Line, add_up, check_prices, price_lines
from shopnode.domain.stock.models import MovementKind, StockMovement

Given = Callable[[int], Sequence[Handed]]
Agreed = Callable[[list[Line]], None]


@action("sales.sell", needs=Permission.SALES_CREATE)
def sell(ctx: Context, new: NewSale) -> dict[str, Any]:
    """Book a ticket: priced, paid in full, numbered, its goods out of stock.

    Raises DrawerClosed, Invalid, UnitNotForSale, ReferenceUsed, ApprovalNeeded.
    """
    return book_ticket(ctx, new)


def book_ticket(
    ctx: Context, new: NewSale, given: Sequence[Handed] | Given = (), *, sale_id: str | None = None,
    held_for: str | None = None, agreed: Agreed | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A sale as part of an action.

    given     tenders that the action brings (a trade-in, an exchange, a plan), or what they are for a total
    sale_id   where the action has said it already (`new_sale_id`)
    held_for  the plan this ticket completes
    agreed    the prices were agreed before: it may change the lines, and nobody is asked about them

    Raises what `sell` raises.
    """
    drawer = need_open_drawer(ctx)
    terms = terms_now(ctx)
    customer = who_buys(ctx, new.customer_id, is_new=agreed is None)
    customer_id = customer.id if customer is not None else None
    _find_sellers(ctx, new)
    lines = price_lines(
        ctx, new.items, list_id=customer.price_list_id if customer else None, tax_rate_bp=terms.vat_rate_bp,
        held_for=held_for,
    )  # fmt: skip
    if agreed is not None:
        agreed(lines)
    totals = add_up(lines, new.discount_amount)
    if agreed is None:
        check_prices(ctx, lines, new.discount_amount)
        _need_reason(ctx, lines, new)
        ask_for_kept(ctx, lines)
    if customer is None:
        need_customer(lines, terms)
    given = given(totals.total_minor) if callable(given) else given
    settled = settle_payments(ctx, totals.total_minor, new.payments, terms, given=given, typed=TYPED)
    sale_id = sale_id or new_sale_id(ctx)
    number = f"{ctx.home.series}-{ctx.home.next_number(ctx.session, ctx.home.series):06d}"
    failpoints.hit("sell.numbered")
    sale = {
        "id": sale_id, "shop_id": ctx.shop_id, "number": number, "drawer_session_id": drawer.id,
        "customer_id": customer_id,
        "cashier_id": ctx.actor.id, "seller_id": new.seller_id or ctx.actor.id,
        "discount_minor": new.discount_amount, "notes": new.notes,
        "business_on": drawer.business_on, "sold_at": ctx.now,
    }  # fmt: skip
    insert_rows(ctx.session, Sale, [sale])
    book_lines(ctx, sale_id, lines)
    failpoints.hit("sell.lines_written")
    ticket = Ticket(sale_id, number, customer_id, totals.total_minor, drawer.business_on, tuple(lines))
    settled = take_all(ctx, ticket, settled)
    earn_points(ctx, ticket, settled)
    book_payments(ctx, sale_id, settled, drawer)
    ctx.about("sale", sale_id)
    change = sum(tender.change_minor or 0 for tender in settled)
    takes_cash = any(tender.method is Tender.CASH for tender in settled)
    queue_sale_prints(ctx, sale_id, receipt=new.print_receipt, kick=takes_cash)
    return {
        "sale_id": sale_id,
        "number": number,
        "total": totals.total_minor,
        "tax": totals.tax_minor,
        "paid": totals.total_minor,
        "change": change,
    }


def new_sale_id(ctx: Context) -> str:
    """The id of the sale this action books: its own, but for an act that two people may do at once."""
    return ctx.new_id() if is_act_id(ctx.action_id) else ctx.action_id


def _find_sellers(ctx: Context, new: NewSale) -> None:
    """Everybody who is named as a seller is known. Raises NotFound."""
    for seller_id in {new.seller_id, *(item.seller_id for item in new.items)} - {None}:
        find_row(ctx.session, Staff, str(seller_id), "This seller")


def _need_reason(ctx: Context, lines: list[Line], new: NewSale) -> None:
    """A price below cost that a second person said yes to says why, for whoever reads of it later (rule 25).

    Raises Invalid.
    """
    if ctx.approver is None or ctx.actor.role is Role.OWNER or new.notes:
        return
    nets = [line.sum.net_minor for line in lines]
    shares = spread(new.discount_amount, nets)
    for line, net, share in zip(lines, nets, shares, strict=True):
        if line.product_id and net - share < line.quantity * line.cost_minor:
            raise Invalid({"notes": f"is needed: say why “{line.name}” is sold for less than it cost"})


def need_customer(lines: list[Line], terms: Terms) -> None:
    """A warranty of some value names whose it is (rule 36). Raises Invalid."""
    limit = terms.customer_above_minor
    dear = next((line for line in lines if limit and line.warranty_days and line.sum.net_minor > limit), None)
    if dear is not None:
        words = f"is needed: “{dear.name}” has a warranty and costs more than {limit:,}"
        raise Invalid({"customer_id": words})


def need_open_drawer(ctx: Context) -> OpenDrawer:
    """The open drawer of whoever acts, else the shop's newest. Raises DrawerClosed."""
    drawer = open_drawer_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    if drawer is None:
        raise DrawerClosed
    return drawer


def book_lines(ctx: Context, sale_id: str, lines: list[Line], amendment_id: str | None = None) -> None:
    """Write the lines, take their goods out of stock, and mark the pieces sold."""
    rows, movements = [], []
    for line_no, line in enumerate(lines, start=1):
        line_id = ctx.new_id()
        rows.append({
            "id": line_id, "sale_id": sale_id, "shop_id": ctx.shop_id, "amendment_id": amendment_id,
            "line_no": line_no, "product_id": line.product_id, "unit_id": line.unit.id if line.unit else None,
            "item_name": line.name, "category": line.category, "quantity": line.quantity,
            "unit_price_minor": line.unit_price_minor,
            "list_price_minor": line.list_price_minor, "discount_minor": line.discount_minor,
            "cost_minor": line.cost_minor, "tax_rate_bp": line.tax_rate_bp, "warranty_days": line.warranty_days,
            "imei": line.imei, "seller_id": line.seller_id, "warranty_terms": line.warranty_terms,
            "margin_paid_minor": line.margin_paid_minor,
        })  # fmt: skip
        if line.product_id:
            movements += _leave(ctx, sale_id, line_id, line)
        if line.unit is not None:
            line.unit.status, line.unit.sold_line_id = UnitStatus.SOLD.value, line_id
    insert_rows(ctx.session, SaleLine, rows)
    insert_rows(ctx.session, StockMovement, movements)


def _leave(ctx: Context, sale_id: str, line_id: str, line: Line) -> list[dict[str, Any]]:
    """What leaves with a line: its pieces; of a bundle its parts, and its phone as what it is."""
    if line.parts is None:
        return [_movement(ctx, sale_id, ctx.new_id(), line.product_id, line.unit, line.quantity, line.cost_minor)]
    moves = [
        _movement(
            ctx, sale_id, part_move_id(line_id, part.product_id), part.product_id, None, line.quantity * part.quantity,
            part.cost_minor,
        )
        for part in line.parts
    ]  # fmt: skip
    if line.unit is not None:
        unit = line.unit
        moves.append(_movement(ctx, sale_id, ctx.new_id(), unit.product_id, unit, 1, unit.cost_minor))
    return moves


def _movement(
    ctx: Context, sale_id: str, move_id: str, product_id: str | None, unit: StockUnit | None, pieces: int,
    cost_minor: int,
) -> dict[str, Any]:  # fmt: skip
    """Pieces out of stock, as a row."""
    return {
        "id": move_id, "shop_id": ctx.shop_id, "product_id": product_id, "unit_id": unit.id if unit else None,
        "kind": MovementKind.SOLD.value, "quantity": -pieces, "unit_cost_minor": cost_minor, "sale_id": sale_id,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def book_payments(
    ctx: Context,
    sale_id: str,
    settled: list[Settled],
    drawer: OpenDrawer | None,
    *,
    kind: PaymentKind = PaymentKind.PAYMENT,
    amendment_id: str | None = None,
) -> None:
    """Write money rows; cash names the drawer session it went into or came out of."""
    # Receipts tell them in the order they were handed over: by time, then by id.
    ids = sorted(ctx.new_id() for _ in settled)
    rows = [
        {
            "id": row_id, "sale_id": sale_id, "shop_id": ctx.shop_id, "amendment_id": amendment_id,
            "kind": kind.value, "method": tender.method.value, "amount_minor": tender.amount_minor,
            "tendered_minor": tender.tendered_minor, "change_minor": tender.change_minor,
            "reference": tender.reference, "drawer_session_id": drawer.id if drawer else None,
            "fee_minor": tender.fee.amount_minor if tender.fee else None,
            "fee_borne_by": tender.fee.borne_by if tender.fee else None, "state": tender.state,
            "at": ctx.now, "by_id": ctx.actor.id,
        }
        for row_id, tender in zip(ids, settled, strict=True)
    ]  # fmt: skip
    insert_rows(ctx.session, Payment, rows)
    _book_foreign(ctx, dict(zip(ids, settled, strict=True)), drawer)


def _book_foreign(ctx: Context, booked: dict[str, Settled], drawer: OpenDrawer | None) -> None:
    """Notes of another currency beside the payment they were handed over for (rule 49)."""
    rows = [
        {
            "id": ctx.new_id(), "shop_id": ctx.shop_id, "payment_id": row_id,
            "drawer_session_id": drawer.id if drawer else None, "currency": tender.foreign.currency,
            "amount_minor": tender.foreign.amount_minor, "rate_minor": tender.foreign.rate_minor,
            "worth_minor": tender.foreign.worth_minor, "at": ctx.now,
        }
        for row_id, tender in booked.items()
        if tender.foreign is not None
    ]  # fmt: skip
    insert_rows(ctx.session, ForeignCash, rows)


def _figures(ctx: Context, new: NewSale) -> tuple[int, str]:
    """What the owner is told over the telephone of a ticket that is not booked yet."""
    customer = who_buys(ctx, new.customer_id)
    lines = price_lines(ctx, new.items, list_id=customer.price_list_id if customer else None)
    return add_up(lines, new.discount_amount).total_minor, "NEW"


register_figures("sales.sell", _figures)
