"""Decisions about a sale: approve, reject, lock, unlock, and undoing it by voiding or reversing.

Undoing a sale is one act whoever does it, so its decision and every effect have ids that follow from the sale
(protocol.md 2): when the shop and the owner both undo it unseen, it is undone once. A reversal made in the portal
puts the goods to inspection and leaves the refund due: cash leaves a drawer only by an action in the shop.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.handsets.models import StockUnit, UnitStatus
from shopnode.domain.homes import Where
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row
from shopnode.domain.sales.actions import need_open_drawer
from shopnode.domain.sales.forms import Decide, Undo
from shopnode.domain.sales.lookup import find_changeable, lines_now, next_nth, payments_of
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
    owed = -sum(row.amount_minor for row in payments_of(ctx.session, sale.id) if row.kind == PaymentKind.REFUND_DUE)
    if owed <= 0:
        raise NothingDue(sale.number)
    drawer = need_open_drawer(ctx)
    rows = [
        _money(ctx, sale, ctx.new_id(), PaymentKind.REFUND_DUE, Tender.CASH.value, owed, None),
        _money(ctx, sale, ctx.new_id(), PaymentKind.REFUND, Tender.CASH.value, -owed, drawer),
    ]
    insert_rows(ctx.session, Payment, rows)
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
    limit = number_setting(ctx.session, "refund_limit_supervisor_minor")
    if ctx.actor.role is not Role.OWNER and summary.paid_minor > limit:
        ctx.require_approval(f"A refund of {summary.paid_minor:,} is more than you may give alone.")
    restock = Restock(undo.restock) if ctx.home.is_shop else Restock.INSPECT
    decision = SaleDecision(
        id=act_id("undo", sale.id), sale_id=sale.id, shop_id=sale.shop_id, kind=kind.value,
        reason=undo.reason, restock=restock.value, at=ctx.now, by_id=ctx.actor.id,
        nth=next_nth(ctx.session, SaleDecision, sale.id),
    )  # fmt: skip
    add_rows(ctx.session, decision)
    lines = lines_now(ctx.session, sale.id)
    insert_rows(ctx.session, StockMovement, [_back(ctx, sale, line, restock) for line in lines if line.product_id])
    for line in lines:
        if line.unit_id:
            unit = find_row(ctx.session, StockUnit, line.unit_id, "The sold phone")
            unit.status, unit.sold_line_id = _UNIT_AFTER[restock].value, None
    refunded = _refund(ctx, sale)
    ctx.about("sale", sale.id)
    status = SaleStatus.VOIDED if kind is DecisionKind.VOID else SaleStatus.REVERSED
    return {
        "sale_id": sale.id, "number": sale.number, "status": status.value, "restock": restock.value,
        "refunded": refunded if ctx.home.is_shop else 0, "refund_due": 0 if ctx.home.is_shop else refunded,
    }  # fmt: skip


def _back(ctx: Context, sale: Sale, line: SaleLine, restock: Restock) -> dict[str, Any]:
    """The movement that brings a line's goods back; only goods to be sold again count as on hand."""
    resell = restock is Restock.RESELL
    return {
        "id": act_id("undo-move", line.id), "shop_id": sale.shop_id, "product_id": line.product_id,
        "unit_id": line.unit_id, "kind": (MovementKind.RETURNED if resell else MovementKind.INSPECT_OUT).value,
        "quantity": line.quantity if resell else 0, "unit_cost_minor": line.cost_minor, "sale_id": sale.id,
        "note": restock.value, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _refund(ctx: Context, sale: Sale) -> int:
    """Give the money back by the tenders it came by; at the hub it is only due. Returns the amount."""
    net: dict[tuple[str, str | None], int] = {}
    for row in payments_of(ctx.session, sale.id):
        key = (row.method, row.reference)
        net[key] = net.get(key, 0) + row.amount_minor
    paid = {key: amount for key, amount in net.items() if amount > 0}
    drawer = need_open_drawer(ctx) if ctx.home.is_shop and paid else None
    kind = PaymentKind.REFUND if ctx.home.is_shop else PaymentKind.REFUND_DUE
    rows = [
        _money(
            ctx, sale, act_id("undo-pay", sale.id, method, reference or ""), kind, method, -amount, drawer, reference
        )
        for (method, reference), amount in paid.items()
    ]
    insert_rows(ctx.session, Payment, rows)
    return sum(paid.values())


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
