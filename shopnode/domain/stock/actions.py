"""Changing stock by hand: counted, reasoned, and never for phones without naming them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, NotFound
from shopnode.domain.params import QUANTITY_MAX, IdText, Params, Reason
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.stock.queries import costs_of, on_hand
from shopnode.domain.stock.rules import brings_cost
from shopnode.domain.stock.settling import Moving, settle_before, settle_emptied
from shopnode.domain.worths import Worth, refuse_absurd


class AdjustStock(Params):
    """Add or take off pieces of one product, with the reason."""

    product_id: IdText
    quantity: Annotated[int, Field(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
    reason: Reason
    kind: Annotated[str, Field(pattern="^(opening|received|adjusted)$")] = "adjusted"


class SerialisedStock(Conflict):
    code = "serialised-stock"

    def __init__(self, name: str):
        super().__init__(f"“{name}” is counted by its phones. Receive or remove them by IMEI instead.")


@action("stock.adjust", needs=Permission.PRODUCTS_ADJUST_STOCK)
def adjust_stock(ctx: Context, change: AdjustStock) -> dict[str, Any]:
    """Correct what is on hand, by a movement with its reason.

    What leaves does so at the average that stands, and within the limits of who takes it off.

    Raises ApprovalNeeded, Conflict, Invalid, NotFound, SerialisedStock.
    """
    product = find_row(ctx.session, Product, change.product_id, "This product")
    if product.is_serialised:
        raise SerialisedStock(product.name)
    if product.is_bundle and change.quantity > 0:
        raise Conflict(f"“{product.name}” is a bundle and has no stock of its own: adjust its parts.")
    if ctx.shop_id is None:
        raise NotFound("This shop")
    cost_minor = _cost_of_one(ctx, product, change)
    before = on_hand(ctx.session, ctx.shop_id, [product.id])[product.id]
    if change.quantity > 0 or before + change.quantity < 0:  # what is there can always be taken off
        refuse_absurd([Worth("quantity", product.name, abs(change.quantity) * cost_minor)], "quantity")
    if change.quantity < 0:
        check_write_off(ctx, -change.quantity * cost_minor)
    if brings_cost(change.kind, change.quantity):
        settle_before(ctx, [Moving(product.id, change.quantity, cost_minor)])
    elif change.quantity < 0:
        settle_emptied(ctx, [Moving(product.id, change.quantity, cost_minor)])
    movement = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": product.id,
        "kind": MovementKind(change.kind).value, "quantity": change.quantity,
        "unit_cost_minor": cost_minor, "note": change.reason, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockMovement, [movement])
    ctx.about("product", product.id)
    return {"product_id": product.id, "on_hand": before + change.quantity}


def _cost_of_one(ctx: Context, product: Product, change: AdjustStock) -> int:
    """What is booked in new costs what the catalogue says; all else comes and goes at the average that stands."""
    if brings_cost(change.kind, change.quantity):
        return product.cost_minor
    return costs_of(ctx.session, ctx.shop_id, [product.id])[product.id]


def _figures(ctx: Context, change: AdjustStock) -> tuple[int, str]:
    """What the owner is told over the telephone: what the pieces are worth."""
    product = find_row(ctx.session, Product, change.product_id, "This product")
    return abs(change.quantity) * _cost_of_one(ctx, product, change), "STOCK"


register_figures("stock.adjust", _figures)
