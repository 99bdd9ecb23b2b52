"""Purchase orders and the deliveries that come on them, or without one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.domain.buying.models import OrderStatus
from shopnode.domain.buying.orders import CreateOrder, Items
from shopnode.domain.buying.queries import (
    OrderFilter,
    OrderView,
    ReceiptView,
    list_orders,
    list_receipts,
    order_view,
    receipt_view,
)
from shopnode.domain.buying.receiving import ReceiveGoods
from shopnode.domain.params import IdText, Note, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import Day
from shopnode.domain.stock.reorder import OrderSuggested, Suggestion, suggestions


class OrderChange(Params):
    """Any subset of a draft's fields. Lines that are given replace all the lines."""

    supplier_id: IdText | None = None
    lines: Items | None = None
    expected_on: Day | None = None
    notes: Note | None = None


class Ending(Params):
    reason: Reason


class OrderLineOut(BaseModel):
    id: str
    product_id: str
    product_name: str
    quantity: int
    received: int
    damaged: int
    to_come: int
    unit_cost: int = Field(default=0, description="Owners only; left out for others.")


class OrderOut(BaseModel):
    """A purchase order. A draft has no number yet."""

    id: str
    shop_id: str
    number: str
    status: OrderStatus
    supplier_id: str
    supplier_name: str
    expected_on: date | None
    notes: str | None
    created_by: str | None
    created_at: Instant
    ordered_at: Instant | None
    ended_at: Instant | None
    end_reason: str | None
    to_come: int
    total: int = Field(default=0, description="Owners only; left out for others.")
    lines: list[OrderLineOut]


class OrderPage(BaseModel):
    items: list[OrderOut]
    next_cursor: str | None


class OrderQuery(Paged):
    status: OrderStatus | None = None
    supplier_id: IdText | None = None


class ReceiptLineOut(BaseModel):
    product_id: str
    product_name: str
    quantity: int
    damaged: int
    unit_cost: int = Field(default=0, description="Owners only; left out for others.")
    landed_cost: int = Field(default=0, description="Owners only; left out for others.")


class ReceiptOut(BaseModel):
    """A delivery as it was taken in."""

    id: str
    shop_id: str
    number: str
    supplier_id: str | None
    supplier_name: str | None
    order_id: str | None
    order_number: str | None
    delivery_note: str | None
    notes: str | None
    received_at: Instant
    received_by: str | None
    extra_cost: int = Field(default=0, description="Owners only; left out for others.")
    lines: list[ReceiptLineOut]
    remarks: list[str] = Field(default=[], description="What was mended in the numbers as they were typed.")


class ReceiptPage(BaseModel):
    items: list[ReceiptOut]
    next_cursor: str | None


class ReceiptQuery(Paged):
    supplier_id: IdText | None = None
    order_id: IdText | None = None


class SuggestionOut(BaseModel):
    """A product that should be ordered, and why."""

    product_id: str
    product_name: str
    supplier_id: str | None
    supplier_name: str | None
    on_hand: int
    coming: int
    sold_in_28_days: int
    lead_days: int
    min_stock_level: int
    quantity: int
    unit_cost: int = Field(default=0, description="Owners only; left out for others.")


class SuggestionList(BaseModel):
    items: list[SuggestionOut]


class DraftsOut(BaseModel):
    order_ids: Annotated[list[str], Field(description="A draft for each supplier.")]


@route("POST", "/purchase-orders", action="orders.create", status=201)
def create_purchase_order(call: Call, body: CreateOrder) -> OrderOut:
    """Begin a purchase order, as a draft."""
    return _order(order_view(call.ctx, call.perform(body).result["order_id"]))


@route("GET", "/purchase-orders", needs=Permission.SUPPLIERS_READ)
def list_purchase_orders(call: Call, query: OrderQuery) -> OrderPage:
    """List purchase orders, the latest first."""
    wanted = OrderFilter(query.status, query.supplier_id)
    page = list_orders(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return OrderPage(items=[_order(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/purchase-orders/suggestions", needs=Permission.ORDERS_MANAGE)
def reorder_suggestions(call: Call) -> SuggestionList:
    """What should be ordered now, by supplier."""
    return SuggestionList(items=[_suggestion(line) for line in suggestions(call.ctx)])


@route("POST", "/purchase-orders/suggestions", action="orders.order_suggested", status=201)
def draft_suggested_orders(call: Call, body: OrderSuggested) -> DraftsOut:
    """Make drafts of what should be ordered, one for each supplier."""
    return DraftsOut(order_ids=call.perform(body).result["order_ids"])


@route("GET", "/purchase-orders/<order_id>", needs=Permission.SUPPLIERS_READ)
def get_purchase_order(call: Call, order_id: str) -> OrderOut:
    """One purchase order."""
    return _order(order_view(call.ctx, order_id))


@route("PUT", "/purchase-orders/<order_id>", action="orders.change_draft")
def change_purchase_order(call: Call, order_id: str, body: OrderChange) -> OrderOut:
    """Change a draft."""
    call.perform({"order_id": order_id, **body.model_dump(exclude_unset=True)})
    return _order(order_view(call.ctx, order_id))


@route("POST", "/purchase-orders/<order_id>/order", action="orders.order")
def place_purchase_order(call: Call, order_id: str) -> OrderOut:
    """Order what a draft lists: it gets its number."""
    call.perform({"order_id": order_id})
    return _order(order_view(call.ctx, order_id))


@route("POST", "/purchase-orders/<order_id>/cancel", action="orders.cancel")
def cancel_purchase_order(call: Call, order_id: str, body: Ending) -> OrderOut:
    """Cancel an order of which nothing has come."""
    call.perform({"order_id": order_id, "reason": body.reason})
    return _order(order_view(call.ctx, order_id))


@route("POST", "/purchase-orders/<order_id>/close", action="orders.close")
def close_purchase_order(call: Call, order_id: str, body: Ending) -> OrderOut:
    """Close an order: whatever has not come is expected no more."""
    call.perform({"order_id": order_id, "reason": body.reason})
    return _order(order_view(call.ctx, order_id))


@route("POST", "/goods-receipts", action="goods.receive", status=201, takes_approval=True)
def receive_delivery(call: Call, body: ReceiveGoods) -> ReceiptOut:
    """Take a delivery in, with or without an order; phones by their numbers. What was not ordered needs approval."""
    done = call.perform(body).result
    receipt = _receipt(receipt_view(call.ctx, done["receipt_id"]))
    return receipt.model_copy(update={"remarks": done["notes"]}) if done["notes"] else receipt


@route("GET", "/goods-receipts", needs=Permission.SUPPLIERS_READ)
def list_deliveries(call: Call, query: ReceiptQuery) -> ReceiptPage:
    """List deliveries, the latest first."""
    page = list_receipts(
        call.ctx, supplier_id=query.supplier_id, order_id=query.order_id, limit=query.limit, cursor=query.cursor or None
    )
    return ReceiptPage(items=[_receipt(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/goods-receipts/<receipt_id>", needs=Permission.SUPPLIERS_READ)
def get_delivery(call: Call, receipt_id: str) -> ReceiptOut:
    """One delivery."""
    return _receipt(receipt_view(call.ctx, receipt_id))


def _seen(**costs: int | None) -> dict[str, Any]:
    """What a person may see of what things cost."""
    return {name: cost for name, cost in costs.items() if cost is not None}


def _order(view: OrderView) -> OrderOut:
    lines = [
        OrderLineOut(
            id=line.id, product_id=line.product_id, product_name=line.product_name, quantity=line.quantity,
            received=line.received, damaged=line.damaged, to_come=line.to_come, **_seen(unit_cost=line.unit_cost_minor),
        )
        for line in view.lines
    ]  # fmt: skip
    return OrderOut(
        id=view.id, shop_id=view.shop_id, number=view.number, status=view.status, supplier_id=view.supplier_id,
        supplier_name=view.supplier_name, expected_on=view.expected_on, notes=view.notes, created_by=view.created_by,
        created_at=view.created_at, ordered_at=view.ordered_at, ended_at=view.ended_at, end_reason=view.end_reason,
        to_come=view.to_come, lines=lines, **_seen(total=view.total_minor),
    )  # fmt: skip


def _receipt(view: ReceiptView) -> ReceiptOut:
    lines = [
        ReceiptLineOut(
            product_id=line.product_id, product_name=line.product_name, quantity=line.quantity, damaged=line.damaged,
            **_seen(unit_cost=line.unit_cost_minor, landed_cost=line.landed_cost_minor),
        )
        for line in view.lines
    ]  # fmt: skip
    return ReceiptOut(
        id=view.id, shop_id=view.shop_id, number=view.number, supplier_id=view.supplier_id,
        supplier_name=view.supplier_name, order_id=view.order_id, order_number=view.order_number,
        delivery_note=view.delivery_note, notes=view.notes, received_at=view.received_at, received_by=view.received_by,
        lines=lines, **_seen(extra_cost=view.extra_cost_minor),
    )  # fmt: skip


def _suggestion(line: Suggestion) -> SuggestionOut:
    return SuggestionOut(
        product_id=line.product_id, product_name=line.product_name, supplier_id=line.supplier_id,
        supplier_name=line.supplier_name, on_hand=line.on_hand, coming=line.coming, sold_in_28_days=line.sold,
        lead_days=line.lead_days, min_stock_level=line.min_level, quantity=line.quantity,
        **_seen(unit_cost=line.unit_cost_minor),
    )  # fmt: skip
