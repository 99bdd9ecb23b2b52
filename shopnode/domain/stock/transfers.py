"""Goods between shops: phones by number and everything else by quantity, under one number on one slip.

What was sent is out of stock here at its cost and in transit until it is received there or taken back here, all at
once or in parts. Phones keep to their own rules (handsets.transfers); this is about the pieces beside them.

Invariants:
  * Pieces sent = received + taken back + under way.
  * What arrives has the cost it left with, and moves the receiver's average.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.models import Arrival, Transfer
from shopnode.domain.handsets.transfers import (
    PHONES_MAX,
    begin_transfer,
    end_units,
    expected_here,
    send_units,
    sent_from_here,
)
from shopnode.domain.handsets.transit import WayItem, items_of
from shopnode.domain.params import IdText, Optionally, Params, Quantity, Reason, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.models import MovementKind, StockMovement, TransferItem, TransferItemReceipt
from shopnode.domain.stock.queries import costs_of, on_hand
from shopnode.domain.stock.settling import Moving, settle_before
from shopnode.domain.worths import Worth, refuse_absurd

ITEMS_MAX = 200

Phones = Annotated[list[IdText], Field(max_length=PHONES_MAX)]


class SentItem(Params):
    """Pieces of one product that leave."""

    product_id: IdText
    quantity: Quantity


class ArrivedItem(Params):
    """So many of one line of a transfer."""

    item_id: IdText
    quantity: Quantity


class SendGoods(Params):
    """What leaves for another shop of the business."""

    to_shop_id: IdText
    unit_ids: Phones = Field(default_factory=list)
    items: Annotated[list[SentItem], Field(max_length=ITEMS_MAX)] = Field(default_factory=list)
    note: Annotated[ShortText | None, Optionally] = None


class ReceiveGoods(Params):
    """What of a transfer really arrived: phones by the stays the sender named, goods by their lines."""

    transfer_id: IdText
    unit_ids: Phones = Field(default_factory=list)
    items: Annotated[list[ArrivedItem], Field(max_length=ITEMS_MAX)] = Field(default_factory=list)
    note: Annotated[ShortText | None, Optionally] = None


class TakeGoodsBack(Params):
    """What of a transfer never arrived and is here again."""

    transfer_id: IdText
    unit_ids: Phones = Field(default_factory=list)
    items: Annotated[list[ArrivedItem], Field(max_length=ITEMS_MAX)] = Field(default_factory=list)
    reason: Reason


class NotSoMany(Conflict):
    """More pieces than there are: on the shelf, or on their way."""

    code = "not-so-many"

    def __init__(self, name: str, left: int, where: str):
        super().__init__(f"Of “{name}” only {max(left, 0):,} are {where}.")


@action("transfers.send", needs=Permission.DEVICES_UPDATE)
def send_goods(ctx: Context, form: SendGoods) -> dict[str, Any]:
    """Send phones and goods to another shop. Raises NotInStock, NotSoMany, Invalid, NotFound."""
    if not form.unit_ids and not form.items:
        raise Invalid({"items": "name what is sent: phones, goods or both"})
    transfer = begin_transfer(ctx, form.to_shop_id, form.note)
    phones = send_units(ctx, transfer, form.unit_ids)
    pieces = _send_items(ctx, transfer, form.items)
    return {"transfer_id": transfer.id, "number": transfer.number, "phones": phones, "pieces": pieces}


@action("transfers.receive", needs=Permission.DEVICES_CREATE)
def receive_goods(ctx: Context, form: ReceiveGoods) -> dict[str, Any]:
    """Take what arrived of a transfer into stock here. Raises NotInTransit, NotSoMany, Conflict, Invalid, NotFound."""
    transfer = expected_here(ctx, form.transfer_id)
    return _end(ctx, transfer, form.unit_ids, form.items, Arrival.RECEIVED, form.note)


@action("transfers.take_back", needs=Permission.DEVICES_UPDATE)
def take_goods_back(ctx: Context, form: TakeGoodsBack) -> dict[str, Any]:
    """Take back what was sent and never arrived. Raises NotInTransit, NotSoMany, Conflict, Invalid, NotFound."""
    transfer = sent_from_here(ctx, form.transfer_id)
    return _end(ctx, transfer, form.unit_ids, form.items, Arrival.TAKEN_BACK, form.reason)


def _send_items(ctx: Context, transfer: Transfer, items: list[SentItem]) -> int:
    wanted = {item.product_id: item.quantity for item in items}
    if len(wanted) != len(items):
        raise Invalid({"items": "a product is listed twice: put its pieces on one line"})
    products = {row.id: row for row in ctx.session.scalars(select(Product).where(Product.id.in_(wanted)))}
    _check(items, products)
    here = on_hand(ctx.session, transfer.shop_id, list(wanted))
    for product_id, quantity in wanted.items():
        if quantity > here[product_id]:
            raise NotSoMany(products[product_id].name, here[product_id], "in stock here")
    costs = costs_of(ctx.session, transfer.shop_id, list(wanted))
    worths = (
        Worth(f"items.{place}.quantity", products[item.product_id].name, item.quantity * costs[item.product_id])
        for place, item in enumerate(items)
    )
    refuse_absurd(worths, "items")
    rows: list[dict[str, Any]] = [
        {
            "id": ctx.new_id(), "transfer_id": transfer.id, "shop_id": transfer.shop_id, "product_id": product_id,
            "quantity": quantity, "cost_minor": costs[product_id],
        }
        for product_id, quantity in wanted.items()
    ]  # fmt: skip
    insert_rows(ctx.session, TransferItem, rows)
    sent = MovementKind.SENT
    moves = [_move(ctx, transfer, row["product_id"], sent, -row["quantity"], row["cost_minor"]) for row in rows]
    insert_rows(ctx.session, StockMovement, moves)
    return sum(wanted.values())


def _check(items: list[SentItem], products: dict[str, Product]) -> None:
    """Raises Invalid, naming each line that cannot be sent by quantity."""
    wrong = {}
    for place, item in enumerate(items):
        product = products.get(item.product_id)
        if product is None:
            wrong[f"items.{place}.product_id"] = "was not found in the catalogue"
        elif product.is_serialised:
            wrong[f"items.{place}.product_id"] = f"“{product.name}” is sent by IMEI: name each phone"
        elif product.is_bundle:
            wrong[f"items.{place}.product_id"] = f"“{product.name}” is a bundle: send its parts"
    if wrong:
        raise Invalid(wrong)


def _end(
    ctx: Context, transfer: Transfer, unit_ids: list[str], items: list[ArrivedItem], kind: Arrival, note: str | None
) -> dict[str, Any]:
    """The way of these phones and pieces ends here."""
    if not unit_ids and not items:
        raise Invalid({"items": "name what is here: phones, goods or both"})
    phones = end_units(ctx, transfer, unit_ids, kind, note)
    pieces = _end_items(ctx, transfer, items, kind, note)
    ctx.about("transfer", transfer.id)
    return {"transfer_id": transfer.id, "number": transfer.number, "phones": phones, "pieces": pieces}


def _end_items(ctx: Context, transfer: Transfer, items: list[ArrivedItem], kind: Arrival, note: str | None) -> int:
    way = {item.item_id: item for item in items_of(ctx.session, transfer.id)}
    wrong = {f"items.{place}.item_id": "is no line of this transfer" for place, item in enumerate(items)
             if item.item_id not in way}  # fmt: skip
    if wrong:
        raise Invalid(wrong)
    here: dict[str, int] = {}
    for item in items:
        here[item.item_id] = here.get(item.item_id, 0) + item.quantity
    for item_id, quantity in here.items():
        if quantity > way[item_id].under_way:
            raise NotSoMany(way[item_id].product_name, way[item_id].under_way, "on their way")
    move_kind = MovementKind.ARRIVED if kind is Arrival.RECEIVED else MovementKind.TAKEN_BACK
    ended = [(way[item_id], quantity) for item_id, quantity in here.items()]
    settle_before(ctx, [Moving(item.product_id, quantity, item.cost_minor) for item, quantity in ended])
    receipts = [_receipt(ctx, item, quantity, kind, note) for item, quantity in ended]
    insert_rows(ctx.session, TransferItemReceipt, receipts)
    moves = [_move(ctx, transfer, item.product_id, move_kind, quantity, item.cost_minor) for item, quantity in ended]
    insert_rows(ctx.session, StockMovement, moves)
    return sum(here.values())


def _receipt(ctx: Context, item: WayItem, quantity: int, kind: Arrival, note: str | None) -> dict[str, Any]:
    return {
        "id": ctx.new_id(), "item_id": item.item_id, "shop_id": ctx.shop_id, "kind": kind.value, "quantity": quantity,
        "note": note, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _move(
    ctx: Context, transfer: Transfer, product_id: str, kind: MovementKind, quantity: int, cost_minor: int
) -> dict[str, Any]:
    return {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": product_id, "kind": kind.value,
        "quantity": quantity, "unit_cost_minor": cost_minor, "note": f"Transfer {transfer.number}", "at": ctx.now,
        "by_id": ctx.actor.id,
    }  # fmt: skip
