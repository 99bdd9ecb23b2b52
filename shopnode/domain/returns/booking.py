"""Writing a return: the fact and its lines, the goods where they go.

Invariants:
  * Only what is sold again as it stands is on hand; on the bench, with the supplier or scrapped it is not. Bench and
    supplier are for phones, each found again by its number: what is counted is on the shelf or scrapped.
  * What goes back adds up to the goods' worth less the fee: it leaves by `leaving`, or is the tender of another sale.
"""

from __future__ import annotations

from typing import Any

from shopnode.domain.accounts.loyalty import carry_over, claw_back
from shopnode.domain.buying.returns import SendToSupplier, send_back
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.queries import OpenDrawer
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.models import Condition, UnitStatus
from shopnode.domain.handsets.states import tell
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.pricing import bundles
from shopnode.domain.pricing.bundles import goods_of
from shopnode.domain.returns.goods import Coming, Goods
from shopnode.domain.returns.models import RestockDecision, SaleReturn, SaleReturnLine
from shopnode.domain.sales.tenders import Ticket
from shopnode.domain.stock.models import MovementKind, StockMovement

ON_SALE_AGAIN = frozenset({RestockDecision.NEW, RestockDecision.OPEN_BOX})
_FOR_PHONES = frozenset({RestockDecision.BENCH, RestockDecision.SUPPLIER})
_STATUS = {
    RestockDecision.NEW: UnitStatus.IN_STOCK,
    RestockDecision.OPEN_BOX: UnitStatus.IN_STOCK,
    RestockDecision.BENCH: UnitStatus.BENCH,
    RestockDecision.SUPPLIER: UnitStatus.INSPECT,  # until it is known whom it goes back to
    RestockDecision.SCRAP: UnitStatus.SCRAPPED,
}


def book_return(
    ctx: Context, goods: Goods, reason: str, had_receipt: bool, number: str, drawer: OpenDrawer, *,
    exchange_sale_id: str | None = None, customer_id: str | None = None, phones_alone: bool = False,
) -> str:  # fmt: skip
    """Write the return and bring its goods back. Returns its id.

    phones_alone  of a bundle with a phone only the phone comes back, the customer keeps what was beside it

    Raises Invalid for counted goods that would be nowhere, ApprovalNeeded for what would be scrapped.
    """
    _refuse_nowhere(goods)
    scrapped = [coming for coming in goods.lines if coming.restock is RestockDecision.SCRAP]
    if scrapped:
        check_write_off(ctx, sum(coming.quantity * coming.line.cost_minor for coming in scrapped))
    return_id = ctx.new_id()
    head = {
        "id": return_id, "shop_id": ctx.shop_id, "number": number, "sale_id": goods.sale.id,
        "exchange_sale_id": exchange_sale_id, "customer_id": customer_id or goods.summary.customer_id,
        "reason": reason, "had_receipt": had_receipt, "refund_minor": goods.refund_minor,
        "fee_minor": goods.fee_minor, "drawer_session_id": drawer.id, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, SaleReturn, [head])
    lines = [
        {
            "id": ctx.new_id(), "return_id": return_id, "shop_id": ctx.shop_id, "sale_line_id": coming.line.id,
            "unit_id": coming.unit.id if coming.unit else None, "quantity": coming.quantity,
            "restock": coming.restock.value, "refund_minor": coming.worth_minor,
        }
        for coming in goods.lines
    ]  # fmt: skip
    insert_rows(ctx.session, SaleReturnLine, lines)
    moves = [
        _movement(ctx, goods, coming, piece, number)
        for coming in goods.lines
        for piece in goods_of(ctx.session, [coming.line], {coming.line.id: coming.quantity})
        if piece.unit_id or coming.unit is None or not phones_alone
    ]
    insert_rows(ctx.session, StockMovement, moves)
    for coming in goods.lines:
        _bring_unit_back(ctx, coming, reason, return_id)
    ctx.session.flush()
    return return_id


def _refuse_nowhere(goods: Goods) -> None:
    wrong = {
        f"lines.{place}.restock": f"“{coming.line.item_name}” is counted by the piece: it goes back on the shelf or is "
        "scrapped. Bench and supplier are for phones."
        for place, coming in enumerate(goods.lines)
        if coming.unit is None and coming.line.product_id and coming.restock in _FOR_PHONES
    }
    if wrong:
        raise Invalid(wrong)


def _movement(ctx: Context, goods: Goods, coming: Coming, piece: bundles.Goods, number: str) -> dict[str, Any]:
    # Of a bundle the phone goes to the bench; what lay beside it in the box is on the shelf.
    back = coming.restock in ON_SALE_AGAIN or (piece.unit_id is None and coming.restock in _FOR_PHONES)
    kind = MovementKind.RETURNED if back else MovementKind.INSPECT_OUT
    return {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": piece.product_id, "unit_id": piece.unit_id,
        "kind": kind.value, "quantity": piece.quantity if back else 0, "unit_cost_minor": piece.unit_cost_minor,
        "sale_id": goods.sale.id, "note": f"{number}: {coming.restock.value}", "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _bring_unit_back(ctx: Context, coming: Coming, reason: str, return_id: str) -> None:
    unit = coming.unit
    if unit is None:
        return
    to = _STATUS[coming.restock].value
    tell(ctx, unit, unit.status, to, reason, return_id)
    unit.status, unit.sold_line_id = to, None
    if coming.restock is RestockDecision.OPEN_BOX:
        unit.condition = Condition.OPEN_BOX.value
    if coming.restock is RestockDecision.SUPPLIER and unit.supplier_id is not None:
        ctx.session.flush()
        send_back(ctx, SendToSupplier(unit_id=unit.id, reason=reason))


def take_points_back(ctx: Context, goods: Goods, exchanged_minor: int = 0, to: Ticket | None = None) -> None:
    """Points of what came back are no longer earned (rule 59); goods that it paid for go on earning them."""
    ticket = Ticket(goods.sale.id, goods.sale.number, goods.summary.customer_id, goods.summary.total_minor)
    taken = claw_back(ctx, ticket, goods.worth_minor)
    if taken and to is not None:
        carry_over(ctx, ticket, taken, exchanged_minor, goods.worth_minor, to)
