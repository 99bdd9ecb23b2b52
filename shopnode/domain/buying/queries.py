"""Reading suppliers, orders and deliveries. What things cost is in a view only for those who may see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shopnode.domain.buying.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Supplier,
)
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.rules import printable
from shopnode.domain.context import Context
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest_columns, page_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, ids_named


class OrderLineView(NamedTuple):
    """One product of an order, and how far it has come. A tuple: a list of orders holds a thousand."""

    id: str
    line_no: int
    product_id: str
    product_name: str
    is_serialised: bool
    quantity: int
    received: int  # good pieces
    damaged: int
    unit_cost_minor: int | None  # None for those who may not see it

    @property
    def to_come(self) -> int:
        return max(self.quantity - self.received, 0)


# What is only shown is read as columns, by statements that are built once.
_ORDER = (
    PurchaseOrder.id, PurchaseOrder.shop_id, PurchaseOrder.number, PurchaseOrder.status, PurchaseOrder.supplier_id,
    PurchaseOrder.expected_on, PurchaseOrder.notes, PurchaseOrder.created_by, PurchaseOrder.created_at,
    PurchaseOrder.ordered_at, PurchaseOrder.ended_at, PurchaseOrder.end_reason,
)  # fmt: skip
_ORDER_LINES = (
    select(
        PurchaseOrderLine.order_id, PurchaseOrderLine.unit_cost_minor, PurchaseOrderLine.id, PurchaseOrderLine.line_no,
        PurchaseOrderLine.product_id, Product.name, Product.is_serialised, PurchaseOrderLine.quantity,
    )
    .join(Product, Product.id == PurchaseOrderLine.product_id)
    .where(PurchaseOrderLine.order_id.in_(ids_named("order_ids")), PurchaseOrderLine.quantity > 0)
    .order_by(PurchaseOrderLine.line_no, PurchaseOrderLine.id)
)  # fmt: skip
_COME = (
    select(GoodsReceiptLine.order_line_id, func.sum(GoodsReceiptLine.quantity), func.sum(GoodsReceiptLine.damaged))
    .where(
        GoodsReceiptLine.order_line_id.in_(
            select(PurchaseOrderLine.id).where(PurchaseOrderLine.order_id.in_(ids_named("order_ids")))
        )
    )
    .group_by(GoodsReceiptLine.order_line_id)
)
_ORDER_NUMBERS = select(PurchaseOrder.id, PurchaseOrder.number).where(PurchaseOrder.id.in_(ids_named("order_ids")))
_SUPPLIER_NAMES = select(Supplier.id, Supplier.name).where(Supplier.id.in_(ids_named("supplier_ids")))
_RECEIPT = (
    GoodsReceipt.id, GoodsReceipt.shop_id, GoodsReceipt.number, GoodsReceipt.supplier_id, GoodsReceipt.order_id,
    GoodsReceipt.delivery_note, GoodsReceipt.extra_cost_minor, GoodsReceipt.notes, GoodsReceipt.received_at,
    GoodsReceipt.received_by,
)  # fmt: skip
_RECEIPT_LINES = (
    select(
        GoodsReceiptLine.receipt_id, GoodsReceiptLine.product_id, Product.name, GoodsReceiptLine.quantity,
        GoodsReceiptLine.damaged, GoodsReceiptLine.unit_cost_minor, GoodsReceiptLine.landed_cost_minor,
    )
    .join(Product, Product.id == GoodsReceiptLine.product_id)
    .where(GoodsReceiptLine.receipt_id.in_(ids_named("receipt_ids")))
    .order_by(GoodsReceiptLine.line_no, GoodsReceiptLine.id)
)  # fmt: skip


@dataclass(frozen=True)
class OrderView:
    """A purchase order with its lines; those that were struck out are not among them."""

    id: str
    shop_id: str
    number: str  # empty while it is a draft
    status: OrderStatus
    supplier_id: str
    supplier_name: str
    expected_on: date | None
    notes: str | None
    created_by: str | None
    created_at: datetime
    ordered_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None
    lines: tuple[OrderLineView, ...]
    total_minor: int | None

    @property
    def to_come(self) -> int:
        return sum(line.to_come for line in self.lines) if self.status is OrderStatus.ORDERED else 0


class ReceiptLineView(NamedTuple):
    """Pieces of one product of a delivery. A tuple: a list of deliveries holds a thousand."""

    product_id: str
    product_name: str
    quantity: int
    damaged: int
    unit_cost_minor: int | None
    landed_cost_minor: int | None


@dataclass(frozen=True)
class ReceiptView:
    """A delivery as it was taken in."""

    id: str
    shop_id: str
    number: str
    supplier_id: str | None
    supplier_name: str | None
    order_id: str | None
    order_number: str | None
    delivery_note: str | None
    extra_cost_minor: int | None
    notes: str | None
    received_at: datetime
    received_by: str | None
    lines: tuple[ReceiptLineView, ...]

    @property
    def worth_minor(self) -> int:
        """What the good pieces cost here, as far as it may be seen."""
        return sum(line.quantity * (line.landed_cost_minor or 0) for line in self.lines)


def find_supplier(session: Session, supplier_id: str) -> Supplier:
    """The supplier with this id. Raises NotFound."""
    return find_row(session, Supplier, supplier_id, "This supplier")


def search_suppliers(
    session: Session, text: str = "", *, archived: bool = False, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[Supplier]:
    """Suppliers whose name, contact or telephone number holds this text, by name; all for an empty text.

    Raises Invalid for a cursor of another list.
    """
    name = func.lower(Supplier.name)
    query = select(Supplier, name).order_by(name, Supplier.id).limit(limit + 1)
    query = query.where(Supplier.archived_at.is_not(None) if archived else Supplier.archived_at.is_(None))
    wanted = " ".join(printable(text).split()).lower()
    if wanted:
        columns = (name, func.lower(Supplier.contact), Supplier.phone)
        query = query.where(or_(*(column.contains(wanted, autoescape=True) for column in columns)))
    place = decode_cursor(cursor, (str, str))
    if place is not None:
        query = query.where(beyond((name, Supplier.id), place))
    page = page_of(list(session.execute(query)), limit, lambda row: (row[1], row[0].id))
    return Page([row[0] for row in page.rows], page.next_cursor)


def find_order(session: Session, order_id: str) -> PurchaseOrder:
    """The purchase order with this id. Raises NotFound."""
    return find_row(session, PurchaseOrder, order_id, "This purchase order")


def order_lines(session: Session, order_id: str) -> list[PurchaseOrderLine]:
    """All lines of an order in their order, those struck out among them."""
    query = select(PurchaseOrderLine).where(PurchaseOrderLine.order_id == order_id)
    return list(session.scalars(query.order_by(PurchaseOrderLine.line_no, PurchaseOrderLine.id)))


def come_by_line(session: Session, order_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """Good and damaged pieces that came so far, by line of the order."""
    rows = session.execute(_COME, {"order_ids": list(order_ids)})
    return {line_id or "": (int(good), int(bad)) for line_id, good, bad in rows}


@dataclass(frozen=True)
class OrderFilter:
    """Which orders: each field narrows the list."""

    status: OrderStatus | None = None
    supplier_id: str | None = None
    text: str = ""  # a piece of its number, or of its supplier's name


def list_orders(
    ctx: Context, wanted: OrderFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[OrderView]:
    """Purchase orders, the latest first. Raises Invalid for a cursor of another list."""
    query = select(*_ORDER)
    if wanted.status is not None:
        query = query.where(PurchaseOrder.status == wanted.status.value)
    if wanted.supplier_id is not None:
        query = query.where(PurchaseOrder.supplier_id == wanted.supplier_id)
    if wanted.text:
        named = PurchaseOrder.supplier_id.in_(_suppliers_called(wanted.text))
        query = query.where(or_(_hold(wanted.text, PurchaseOrder.number), named))
    if ctx.shop_id is not None:
        query = query.where(PurchaseOrder.shop_id == ctx.shop_id)
    page = latest_columns(ctx.session, query, PurchaseOrder.created_at, PurchaseOrder.id, limit, cursor)
    return Page(_order_views(ctx, page.rows), page.next_cursor)


def order_view(ctx: Context, order_id: str) -> OrderView:
    """One purchase order. Raises NotFound."""
    return _order_views(ctx, [find_order(ctx.session, order_id)])[0]


def _order_views(ctx: Context, orders: Sequence[Any]) -> list[OrderView]:
    ids = [order.id for order in orders]
    names = _supplier_names(ctx.session, {order.supplier_id for order in orders})
    came = come_by_line(ctx.session, ids)
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    lines: dict[str, list[OrderLineView]] = {}
    totals: dict[str, int] = {}
    for row in ctx.session.execute(_ORDER_LINES, {"order_ids": ids}):
        order_id, cost, line_id, line_no, product_id, name, is_serialised, quantity = row
        good, bad = came.get(line_id, (0, 0))
        seen = cost if sees_cost else None
        view = OrderLineView(line_id, line_no, product_id, name, is_serialised, quantity, good, bad, seen)
        lines.setdefault(order_id, []).append(view)
        totals[order_id] = totals.get(order_id, 0) + quantity * cost
    return [
        OrderView(
            order.id, order.shop_id, order.number, OrderStatus(order.status), order.supplier_id,
            names.get(order.supplier_id, ""), order.expected_on, order.notes, order.created_by, order.created_at,
            order.ordered_at, order.ended_at, order.end_reason, tuple(lines.get(order.id, ())),
            totals.get(order.id, 0) if sees_cost else None,
        )
        for order in orders
    ]  # fmt: skip


def _suppliers_called(text: str) -> Select[Any]:
    return select(Supplier.id).where(_hold(text, Supplier.name))


def _hold(text: str, *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether any of these columns holds the text, in capitals or not."""
    return or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in columns))


def _supplier_names(session: Session, supplier_ids: Collection[str]) -> dict[str, str]:
    return {row.id: row.name for row in session.execute(_SUPPLIER_NAMES, {"supplier_ids": list(supplier_ids)})}


def list_receipts(
    ctx: Context,
    *,
    supplier_id: str | None = None,
    order_id: str | None = None,
    text: str = "",
    limit: int = PAGE_DEFAULT,
    cursor: str | None = None,
) -> Page[ReceiptView]:
    """Deliveries, the latest first. Raises Invalid for a cursor of another list.

    text  a piece of a delivery's number, of the supplier's own for it, or of the supplier's name
    """
    conditions: list[ColumnElement[bool]] = []
    if supplier_id is not None:
        conditions.append(GoodsReceipt.supplier_id == supplier_id)
    if order_id is not None:
        conditions.append(GoodsReceipt.order_id == order_id)
    if text:
        named = GoodsReceipt.supplier_id.in_(_suppliers_called(text))
        conditions.append(or_(_hold(text, GoodsReceipt.number, GoodsReceipt.delivery_note), named))
    if ctx.shop_id is not None:
        conditions.append(GoodsReceipt.shop_id == ctx.shop_id)
    query = select(*_RECEIPT).where(*conditions)
    page = latest_columns(ctx.session, query, GoodsReceipt.received_at, GoodsReceipt.id, limit, cursor)
    return Page(_receipt_views(ctx, page.rows), page.next_cursor)


def receipt_view(ctx: Context, receipt_id: str) -> ReceiptView:
    """One delivery. Raises NotFound."""
    return _receipt_views(ctx, [find_row(ctx.session, GoodsReceipt, receipt_id, "This delivery")])[0]


def _receipt_views(ctx: Context, receipts: Sequence[Any]) -> list[ReceiptView]:
    suppliers = _supplier_names(ctx.session, {row.supplier_id for row in receipts if row.supplier_id})
    orders = list({row.order_id for row in receipts if row.order_id})
    order_numbers = {row.id: row.number for row in ctx.session.execute(_ORDER_NUMBERS, {"order_ids": orders})}
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    lines: dict[str, list[ReceiptLineView]] = {}
    ids = [row.id for row in receipts]
    for row in ctx.session.execute(_RECEIPT_LINES, {"receipt_ids": ids}):
        receipt_id, product_id, name, quantity, damaged, cost, landed = row
        costs = (cost, landed) if sees_cost else (None, None)
        view = ReceiptLineView(product_id, name, quantity, damaged, *costs)
        lines.setdefault(receipt_id, []).append(view)
    return [
        ReceiptView(
            row.id, row.shop_id, row.number, row.supplier_id, suppliers.get(row.supplier_id or ""), row.order_id,
            order_numbers.get(row.order_id or ""), row.delivery_note, row.extra_cost_minor if sees_cost else None,
            row.notes, row.received_at, row.received_by, tuple(lines.get(row.id, ())),
        )
        for row in receipts
    ]  # fmt: skip
