"""Purchase orders: a draft changes freely; once it is ordered it has its number, and only its end is written."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.buying.models import OrderStatus, PurchaseOrder, PurchaseOrderLine
from shopnode.domain.buying.queries import come_by_line, find_order, find_supplier, order_lines
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import Amount, IdText, Note, Optionally, Params, Quantity, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.stock.days import Day
from shopnode.domain.stock.queries import costs_of
from shopnode.domain.worths import Worth, refuse_absurd

LINES_MAX = 300


class OrderedItem(Params):
    """So many of one product."""

    product_id: IdText
    quantity: Quantity
    unit_cost_minor: Amount | None = None  # what it costs now, when left out


Items = Annotated[list[OrderedItem], Field(min_length=1, max_length=LINES_MAX)]


class CreateOrder(Params):
    """What one shop wants from a supplier."""

    supplier_id: IdText
    lines: Items
    expected_on: Annotated[Day | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class ChangeOrder(Params):
    """Any subset of a draft's fields. Lines that are given replace all the lines."""

    order_id: IdText
    supplier_id: IdText | None = None
    lines: Items | None = None
    expected_on: Annotated[Day | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


class NameOrder(Params):
    order_id: IdText


class EndOrder(Params):
    """An order that ends, and why."""

    order_id: IdText
    reason: Reason


_STATUS_WORDS = {
    OrderStatus.DRAFT.value: "still a draft: order it first",
    OrderStatus.ORDERED.value: "ordered already",
    OrderStatus.CLOSED.value: "closed",
    OrderStatus.CANCELLED.value: "cancelled",
}


class OrderNotSo(Conflict):
    """The order is in another state than this needs."""

    code = "order-state"

    def __init__(self, status: str):
        super().__init__(f"This purchase order is {_STATUS_WORDS[status]}.")


@action("orders.create", needs=Permission.ORDERS_MANAGE)
def create_order(ctx: Context, new: CreateOrder) -> dict[str, Any]:
    """Begin a purchase order, as a draft. Raises Invalid, NotFound."""
    order = draft_order(ctx, new)
    ctx.about("purchase_order", order.id)
    return {"order_id": order.id, "status": order.status}


@action("orders.change_draft", needs=Permission.ORDERS_MANAGE)
def change_draft(ctx: Context, new: ChangeOrder) -> dict[str, Any]:
    """Change a draft: its supplier, its lines, its day. Raises OrderNotSo, Invalid, NotFound."""
    order = own_order(ctx, new.order_id, OrderStatus.DRAFT)
    given = new.model_fields_set
    if new.supplier_id is not None:
        order.supplier_id = find_supplier(ctx.session, new.supplier_id).id
    if "expected_on" in given:
        order.expected_on = new.expected_on
    if "notes" in given:
        order.notes = new.notes
    if new.lines is not None:
        _replace_lines(ctx, order, new.lines)
    ctx.about("purchase_order", order.id)
    return {"order_id": order.id, "status": order.status}


@action("orders.order", needs=Permission.ORDERS_MANAGE)
def place_order(ctx: Context, form: NameOrder) -> dict[str, Any]:
    """Order what a draft lists: it gets its number, and is changed no more. Raises OrderNotSo, Invalid, NotFound."""
    order = own_order(ctx, form.order_id, OrderStatus.DRAFT)
    if not any(line.quantity for line in order_lines(ctx.session, order.id)):
        raise Invalid({"order_id": "has no lines: add what you want to order"})
    order.number = next_document_number(ctx, Document.PURCHASE_ORDER)
    order.status = OrderStatus.ORDERED.value
    order.ordered_at, order.ordered_by = ctx.now, ctx.actor.id
    ctx.about("purchase_order", order.id)
    return {"order_id": order.id, "status": order.status, "number": order.number}


@action("orders.cancel", needs=Permission.ORDERS_MANAGE)
def cancel_order(ctx: Context, form: EndOrder) -> dict[str, Any]:
    """Cancel an order of which nothing has come. Raises OrderNotSo, Conflict, NotFound."""
    order = own_order(ctx, form.order_id, OrderStatus.DRAFT, OrderStatus.ORDERED)
    if come_by_line(ctx.session, [order.id]):
        raise Conflict("Some of this order has come already. Close it instead: nothing more is expected then.")
    return _end(ctx, order, OrderStatus.CANCELLED, form.reason)


@action("orders.close", needs=Permission.ORDERS_MANAGE)
def close_order(ctx: Context, form: EndOrder) -> dict[str, Any]:
    """Close an order: whatever has not come is expected no more. Raises OrderNotSo, NotFound."""
    order = own_order(ctx, form.order_id, OrderStatus.ORDERED)
    return _end(ctx, order, OrderStatus.CLOSED, form.reason)


def draft_order(ctx: Context, new: CreateOrder) -> PurchaseOrder:
    """Write a draft with its lines. Raises Invalid, NotFound."""
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    supplier = find_supplier(ctx.session, new.supplier_id)
    if supplier.archived_at is not None:
        raise Invalid({"supplier_id": f"“{supplier.name}” is off the list of suppliers"})
    order = PurchaseOrder(
        id=ctx.new_id(), shop_id=ctx.shop_id, supplier_id=supplier.id, number="", status=OrderStatus.DRAFT.value,
        expected_on=new.expected_on, notes=new.notes, created_by=ctx.actor.id, created_at=ctx.now,
    )  # fmt: skip
    add_rows(ctx.session, order)
    _replace_lines(ctx, order, new.lines)
    return order


def own_order(ctx: Context, order_id: str, *wanted: OrderStatus) -> PurchaseOrder:
    """This shop's order, in one of these states. Raises NotFound, OrderNotSo."""
    order = find_order(ctx.session, order_id)
    if order.shop_id != ctx.shop_id:
        raise NotFound("This purchase order")
    if order.status not in [status.value for status in wanted]:
        raise OrderNotSo(order.status)
    return order


def _replace_lines(ctx: Context, order: PurchaseOrder, items: list[OrderedItem]) -> None:
    """Bring the lines to what is asked: one for each product; a product that is no longer wanted is struck out."""
    wanted = {item.product_id: item for item in items}
    if len(wanted) != len(items):
        raise Invalid({"lines": "a product is listed twice: put its pieces on one line"})
    names = _check_products(ctx, items)
    costs = costs_of(ctx.session, order.shop_id, list(wanted))
    asked = {item.product_id: item.unit_cost_minor for item in items if item.unit_cost_minor is not None}
    costs |= asked
    worths = (
        Worth(f"lines.{place}.quantity", names[item.product_id], item.quantity * costs[item.product_id])
        for place, item in enumerate(items)
    )
    refuse_absurd(worths, "lines")
    known = {line.product_id: line for line in order_lines(ctx.session, order.id)}
    for line in known.values():
        if line.product_id not in wanted:
            line.quantity = 0
    rows = []
    for line_no, item in enumerate(items, start=1):
        cost = costs[item.product_id]
        old = known.get(item.product_id)
        if old is not None:
            old.line_no, old.quantity, old.unit_cost_minor = line_no, item.quantity, cost
            continue
        rows.append({
            "id": ctx.new_id(), "order_id": order.id, "shop_id": order.shop_id, "product_id": item.product_id,
            "line_no": line_no, "quantity": item.quantity, "unit_cost_minor": cost,
        })  # fmt: skip
    insert_rows(ctx.session, PurchaseOrderLine, rows)


def _check_products(ctx: Context, items: list[OrderedItem]) -> dict[str, str]:
    """What the products are called. Raises Invalid, naming each line that cannot be ordered."""
    query = select(Product).where(Product.id.in_([item.product_id for item in items]))
    products = {row.id: row for row in ctx.session.scalars(query)}
    wrong = {}
    for place, item in enumerate(items):
        product = products.get(item.product_id)
        if product is None:
            wrong[f"lines.{place}.product_id"] = "was not found in the catalogue"
        elif product.is_bundle:
            wrong[f"lines.{place}.product_id"] = f"“{product.name}” is a bundle: order its parts"
    if wrong:
        raise Invalid(wrong)
    return {row.id: row.name for row in products.values()}


def _end(ctx: Context, order: PurchaseOrder, status: OrderStatus, reason: str | None) -> dict[str, Any]:
    order.status, order.ended_at, order.end_reason = status.value, ctx.now, reason
    ctx.about("purchase_order", order.id)
    return {"order_id": order.id, "status": order.status}
