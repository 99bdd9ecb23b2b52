"""Decisions about a sale: approve, reject, lock, unlock, and undoing it by voiding or reversing.

Undoing a sale is one act whoever does it: the decision, the goods that came back and the money that is due have ids
that follow from the sale (protocol.md 2), so when the shop and the owner both undo it unseen, it is undone once. What
happens in the shop alone are facts of its own: phones put on the shelf again, money paid out of its drawer. A reversal
made in the portal stops before those: phones wait for inspection, and the refund is due.

Invariants:
  * What is counted by the piece is back on the shelf, whoever undoes the sale, unless it is scrapped. Nobody inspects
    it piece by piece, so on no other list would it be found again.
  * Scrapping asks as every write-off does.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.accounts.loyalty import claw_back
from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.homes import Where
from shopnode.domain.people.limits import check_refund, check_write_off
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.pricing.bundles import Goods, goods_of
from shopnode.domain.queries import find_row
from shopnode.domain.sales.actions import need_open_drawer
from shopnode.domain.sales.coming import refuse_while_coming
from shopnode.domain.sales.forms import Decide, Undo
from shopnode.domain.sales.lookup import (
    find_changeable,
    lines_now,
    next_nth,
    payments_of,
    refuse_if_returned,
    unit_of_line,
)
from shopnode.domain.sales.models import (
    DecisionKind,
    Payment,
    PaymentKind,
    Restock,
    Sale,
    SaleDecision,
    SaleLine,
    SaleStatus,
    SaleSummary,
    Tender,
)
from shopnode.domain.sales.rules import refund_tenders
from shopnode.domain.sales.tenders import Ticket, give_back_all
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.models import MovementKind, StockMovement

_UNIT_AFTER = {
    Restock.RESELL: UnitStatus.IN_STOCK,
    Restock.INSPECT: UnitStatus.INSPECT,
    Restock.SCRAP: UnitStatus.SCRAPPED,
}


class NothingDue(Conflict):
    code = "nothing-due"

    def __init__(self, number: str):
        super().__init__(f"Nothing is due to the customer of sale {number}.")


@action("sales.approve", needs=Permission.SALES_APPROVE, where=Where.ANYWHERE)
def approve_sale(ctx: Context, about: Decide) -> dict[str, Any]:
    """Approve a sale that was submitted."""
    return _decide(ctx, about, DecisionKind.APPROVE)


@action("sales.reject", needs=Permission.SALES_APPROVE, where=Where.ANYWHERE)
def reject_sale(ctx: Context, about: Decide) -> dict[str, Any]:
    """Reject a sale: it stands in the books and asks for an amendment or a reversal."""
    return _decide(ctx, about, DecisionKind.REJECT)


@action("sales.lock", needs=Permission.SALES_LOCK, where=Where.ANYWHERE)
def lock_sale(ctx: Context, about: Decide) -> dict[str, Any]:
    """Lock a sale: nobody amends it any more."""
    return _decide(ctx, about, DecisionKind.LOCK)


@action("sales.unlock", needs=Permission.SALES_LOCK, where=Where.ANYWHERE)
def unlock_sale(ctx: Context, about: Decide) -> dict[str, Any]:
    """Unlock a locked sale."""
    return _decide(ctx, about, DecisionKind.UNLOCK)


@action("sales.void", needs=Permission.SALES_DELETE, where=Where.ANYWHERE)
def void_sale(ctx: Context, undo: Undo) -> dict[str, Any]:
    """Void a sale: it keeps its number, its goods and money go back. Raises SaleLocked, SaleUndone, DrawerClosed."""
    sale, summary = find_changeable(ctx, undo.sale_id)
    return _undo(ctx, sale, summary, undo, DecisionKind.VOID)


@action("sales.reverse", needs=Permission.SALES_REVERSE, where=Where.ANYWHERE)
def reverse_sale(ctx: Context, undo: Undo) -> dict[str, Any]:
    """Reverse a sale, even a locked one. Raises SaleUndone, DrawerClosed."""
    sale, summary = find_changeable(ctx, undo.sale_id, even_locked=True)
    return _undo(ctx, sale, summary, undo, DecisionKind.REVERSE)


@action("sales.pay_refund", needs=Permission.SALES_CREATE)
def pay_refund(ctx: Context, about: Decide) -> dict[str, Any]:
    """Pay out in cash what a reversal made elsewhere left due to the customer. Raises NothingDue, DrawerClosed."""
    sale = find_row(ctx.session, Sale, about.sale_id, "This sale")
    rows = payments_of(ctx.session, sale.id)
    owed = -sum(row.amount_minor for row in rows if row.kind == PaymentKind.REFUND_DUE)
    held = sum(row.amount_minor for row in rows if row.kind != PaymentKind.REFUND_DUE)
    owed = min(owed, held)  # never more than is still held of what the customer paid
    if owed <= 0:
        raise NothingDue(sale.number)
    _pay_out(ctx, sale, owed)
    ctx.about("sale", sale.id)
    return {"sale_id": sale.id, "paid_out": owed}


def _decide(ctx: Context, about: Decide, kind: DecisionKind) -> dict[str, Any]:
    sale, summary = find_changeable(ctx, about.sale_id, even_locked=kind is DecisionKind.UNLOCK)
    row = SaleDecision(
        id=ctx.new_id(), sale_id=sale.id, shop_id=sale.shop_id, kind=kind.value,
        reason=about.reason, at=ctx.now, by_id=ctx.actor.id, nth=next_nth(ctx.session, SaleDecision, sale.id),
    )  # fmt: skip
    add_rows(ctx.session, row)
    ctx.about("sale", sale.id)
    return {"sale_id": sale.id, "number": summary.number, "decision": kind.value}


def _undo(ctx: Context, sale: Sale, summary: SaleSummary, undo: Undo, kind: DecisionKind) -> dict[str, Any]:
    refuse_if_returned(ctx.session, sale)
    refuse_while_coming(ctx.session, sale)
    check_refund(ctx, summary.paid_minor)
    restock = _restock(ctx, lines_now(ctx.session, sale.id), Restock(undo.restock))
    decision = SaleDecision(
        id=act_id("undo", sale.id), sale_id=sale.id, shop_id=sale.shop_id, kind=kind.value,
        reason=undo.reason, restock=restock.value, at=ctx.now, by_id=ctx.actor.id,
        nth=next_nth(ctx.session, SaleDecision, sale.id),
    )  # fmt: skip
    add_rows(ctx.session, decision)
    _bring_goods_back(ctx, sale, restock)
    claw_back(ctx, Ticket(sale.id, sale.number, sale.customer_id, summary.total_minor), shop_id=sale.shop_id)
    due = _owe_money_back(ctx, sale)
    if ctx.home.is_shop:
        _pay_out(ctx, sale, due)
    ctx.about("sale", sale.id)
    status = SaleStatus.VOIDED if kind is DecisionKind.VOID else SaleStatus.REVERSED
    return {
        "sale_id": sale.id, "number": sale.number, "status": status.value, "restock": restock.value,
        "refunded": due if ctx.home.is_shop else 0, "refund_due": 0 if ctx.home.is_shop else due,
    }  # fmt: skip


def _restock(ctx: Context, lines: list[SaleLine], asked: Restock) -> Restock:
    """Where the goods go: in the portal nobody sees them, and only phones are inspected."""
    restock = asked if ctx.home.is_shop else Restock.INSPECT
    has_phones = any(line.unit_id for line in lines)
    return Restock.RESELL if restock is Restock.INSPECT and not has_phones else restock


def _bring_goods_back(ctx: Context, sale: Sale, restock: Restock) -> None:
    """The goods are back: the same fact whoever undoes the sale. What becomes of the phones is another.

    Raises ApprovalNeeded for what would be scrapped.
    """
    lines = lines_now(ctx.session, sale.id)
    goods = goods_of(ctx.session, lines)
    if restock is Restock.SCRAP:
        check_write_off(ctx, sum(piece.quantity * piece.unit_cost_minor for piece in goods))
    moves = [_move(ctx, sale, piece, act_id("undo-move", *piece.key), MovementKind.INSPECT_OUT, 0) for piece in goods]
    for piece in goods:
        shelved = restock is Restock.RESELL if piece.unit_id else restock is not Restock.SCRAP
        if shelved:
            move_id = ctx.new_id() if piece.unit_id else act_id("undo-back", *piece.key)
            moves.append(_move(ctx, sale, piece, move_id, MovementKind.RETURNED, piece.quantity))
    insert_rows(ctx.session, StockMovement, moves)
    for line in lines:
        if line.unit_id:
            unit = unit_of_line(ctx.session, line)
            unit.status, unit.sold_line_id = _UNIT_AFTER[restock].value, None


def _move(ctx: Context, sale: Sale, piece: Goods, move_id: str, kind: MovementKind, quantity: int) -> dict[str, Any]:
    """A movement of a line's goods; only what is to be sold again counts as on hand."""
    return {
        "id": move_id, "shop_id": sale.shop_id, "product_id": piece.product_id, "unit_id": piece.unit_id,
        "kind": kind.value, "quantity": quantity, "unit_cost_minor": piece.unit_cost_minor, "sale_id": sale.id,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _owe_money_back(ctx: Context, sale: Sale) -> int:
    """All that was kept of the customer's money is due again: the same fact whoever undoes the sale."""
    due = sum(row.amount_minor for row in payments_of(ctx.session, sale.id))
    if due > 0:
        row_id = act_id("undo-pay", sale.id)
        row = _money(ctx, sale, row_id, PaymentKind.REFUND_DUE, Tender.CASH.value, -due, None)
        insert_rows(ctx.session, Payment, [row])
    return max(due, 0)


def _pay_out(ctx: Context, sale: Sale, due: int) -> None:
    """Money leaves the shop by the tenders it came by: no longer due, and out of the drawer session that paid it."""
    if due <= 0:
        return
    drawer = need_open_drawer(ctx)
    kept = [row for row in payments_of(ctx.session, sale.id) if row.kind != PaymentKind.REFUND_DUE]
    rows = [_money(ctx, sale, ctx.new_id(), PaymentKind.REFUND_DUE, Tender.CASH.value, due, None)]
    ticket = Ticket(sale.id, sale.number, sale.customer_id, due)
    step = number_setting(ctx.session, "cash_rounding_minor")
    for out in give_back_all(ctx, ticket, refund_tenders(_net(kept), due, step)):
        paid = -out.amount_minor
        rows.append(_money(ctx, sale, ctx.new_id(), PaymentKind.REFUND, out.method.value, paid, drawer, out.reference))
    insert_rows(ctx.session, Payment, rows)


def _net(rows: list[Payment]) -> dict[tuple[str, str | None], int]:
    """What is still kept, by method and reference."""
    net: dict[tuple[str, str | None], int] = {}
    for row in rows:
        net[row.method, row.reference] = net.get((row.method, row.reference), 0) + row.amount_minor
    return net


def _money(
    ctx: Context,
    sale: Sale,
    row_id: str,
    kind: PaymentKind,
    method: str,
    amount_minor: int,
    drawer: OpenDrawer | None,
    reference: str | None = None,
) -> dict[str, Any]:
    return {
        "id": row_id, "sale_id": sale.id, "shop_id": sale.shop_id, "kind": kind.value, "method": method,
        "amount_minor": amount_minor, "reference": reference,
        "drawer_session_id": drawer.id if drawer else None, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _figures(ctx: Context, undo: Undo) -> tuple[int, str]:
    """What the owner is told over the telephone: what goes back, and of which receipt."""
    sale, summary = find_changeable(ctx, undo.sale_id, even_locked=True)
    return summary.paid_minor, sale.number


register_figures("sales.void", _figures)
register_figures("sales.reverse", _figures)
