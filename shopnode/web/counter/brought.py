"""What a customer brings to a ticket beside money: goods of an earlier sale, or a used phone.

It is weighed anew whenever the cart is drawn: whatever happened meanwhile is said in place, with the way out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import ShopError
from shopnode.domain.returns.forms import ComesBack
from shopnode.domain.returns.goods import Goods, weigh
from shopnode.domain.sales.carts import CartBack, CartBody, CartTrade

RESTOCK_WORDS = {
    "new": "back on the shelf, as new",
    "open_box": "back on the shelf, opened",
    "bench": "to the bench",
    "supplier": "to its supplier",
    "scrap": "scrapped",
}


@dataclass(frozen=True)
class BroughtLine:
    """One thing, what becomes of it, and what it is worth."""

    name: str
    detail: str
    amount_minor: int


@dataclass(frozen=True)
class Brought:
    """Goods that pay for a ticket. kind: back or trade."""

    kind: str
    title: str
    lines: list[BroughtLine] = field(default_factory=list)
    worth_minor: int = 0
    fee_minor: int = 0
    sale_id: str | None = None
    problem: str | None = None


def brought_with(ctx: Context, body: CartBody) -> Brought | None:
    """What comes with this cart, None for most."""
    if body.back is not None:
        return _goods(ctx, body.back)
    if body.trade is not None:
        return _phone(ctx, body.trade)
    return None


def back_form(back: CartBack) -> dict[str, Any]:
    """The goods as the actions of a return take them."""
    lines = [line.model_dump(exclude_none=True) for line in back.lines]
    form = back.model_dump(exclude_none=True)
    return {**form, "lines": lines}


def _goods(ctx: Context, back: CartBack) -> Brought:
    try:
        goods = weigh(ctx, ComesBack.model_validate(back_form(back)))
    except ShopError as refused:
        return Brought("back", "Goods that come back", sale_id=back.sale_id, problem=str(refused))
    return Brought(
        "back", f"Comes back from {goods.sale.number}", lines_of(goods), goods.refund_minor, goods.fee_minor,
        goods.sale.id,
    )  # fmt: skip


def lines_of(goods: Goods) -> list[BroughtLine]:
    """Goods that come back, in words."""
    return [
        BroughtLine(
            coming.line.item_name,
            " · ".join([
                f"IMEI …{coming.line.imei[-4:]}" if coming.line.imei else _pieces(coming.quantity),
                RESTOCK_WORDS[coming.restock.value],
            ]),
            coming.worth_minor,
        )
        for coming in goods.lines
    ]  # fmt: skip


def _pieces(quantity: int) -> str:
    return "1 piece" if quantity == 1 else f"{quantity} pieces"


def _phone(ctx: Context, trade: CartTrade) -> Brought:
    phone = trade.phone
    try:
        name = find_product(ctx.session, phone["product_id"]).name
    except ShopError as refused:
        return Brought("trade", "Used phone", problem=str(refused))
    number = str(phone.get("imei1") or phone.get("serial") or "")
    detail = " · ".join(
        text for text in (f"IMEI …{number[-4:]}", phone.get("storage"), f"grade {phone.get('grade')}") if text
    )
    offer = int(phone["offer"])
    return Brought("trade", "Traded in", [BroughtLine(name, detail, offer)], offer)


def one_at_a_time(body: CartBody) -> str | None:
    """Why nothing more can be brought to this cart, None where something can."""
    if body.back is not None:
        return "Goods that come back are in this sale already. Take them off, or complete it first."
    if body.trade is not None:
        return "A used phone is in this sale already. Take it off, or complete it first."
    return None
