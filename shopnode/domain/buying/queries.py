"""Reading suppliers, orders and deliveries. What things cost is in a view only for those who may see it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

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
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


@dataclass(frozen=True)
class OrderLineView:
    """One product of an order, and how far it has come."""

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


@dataclass(frozen=True)
class ReceiptLineView:
    """Pieces of one product of a delivery."""

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
    line_ids = select(PurchaseOrderLine.id).where(PurchaseOrderLine.order_id.in_(order_ids))
    query = (
        select(GoodsReceiptLine.order_line_id, func.sum(GoodsReceiptLine.quantity), func.sum(GoodsReceiptLine.damaged))
        .where(GoodsReceiptLine.order_line_id.in_(line_ids))
        .group_by(GoodsReceiptLine.order_line_id)
    )
    return {line_id or "": (int(good), int(bad)) for line_id, good, bad in session.execute(query)}


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
    query = select(PurchaseOrder)
    if wanted.status is not None:
        query = query.where(PurchaseOrder.status == wanted.status.value)
    if wanted.supplier_id is not None:
        query = query.where(PurchaseOrder.supplier_id == wanted.supplier_id)
    if wanted.text:
        named = PurchaseOrder.supplier_id.in_(_suppliers_called(wanted.text))
        query = query.where(or_(_hold(wanted.text, PurchaseOrder.number), named))
    if ctx.shop_id is not None:
        query = query.where(PurchaseOrder.shop_id == ctx.shop_id)
    page = latest(ctx.session, query, PurchaseOrder.created_at, PurchaseOrder.id, limit, cursor)
    return Page(_order_views(ctx, page.rows), page.next_cursor)


def order_view(ctx: Context, order_id: str) -> OrderView:
    """One purchase order. Raises NotFound."""
    return _order_views(ctx, [find_order(ctx.session, order_id)])[0]


def _order_views(ctx: Context, orders: Sequence[PurchaseOrder]) -> list[OrderView]:
    ids = [order.id for order in orders]
    names = _supplier_names(ctx.session, {order.supplier_id for order in orders})
    came = come_by_line(ctx.session, ids)
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    query = (
        select(PurchaseOrderLine, Product.name, Product.is_serialised)
        .join(Product, Product.id == PurchaseOrderLine.product_id)
        .where(PurchaseOrderLine.order_id.in_(ids), PurchaseOrderLine.quantity > 0)
        .order_by(PurchaseOrderLine.line_no, PurchaseOrderLine.id)
    )
    lines: dict[str, list[OrderLineView]] = {}
    totals: dict[str, int] = {}
    for line, name, is_serialised in ctx.session.execute(query):
        good, bad = came.get(line.id, (0, 0))
        cost = line.unit_cost_minor if sees_cost else None
        lines.setdefault(line.order_id, []).append(
            OrderLineView(line.id, line.line_no, line.product_id, name, is_serialised, line.quantity, good, bad, cost)
        )
        totals[line.order_id] = totals.get(line.order_id, 0) + line.quantity * line.unit_cost_minor
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
    query = select(Supplier.id, Supplier.name).where(Supplier.id.in_(supplier_ids))
    return {row.id: row.name for row in session.execute(query)}


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
    query = select(GoodsReceipt).where(*conditions)
    page = latest(ctx.session, query, GoodsReceipt.received_at, GoodsReceipt.id, limit, cursor)
    return Page(_receipt_views(ctx, page.rows), page.next_cursor)


def receipt_view(ctx: Context, receipt_id: str) -> ReceiptView:
    """One delivery. Raises NotFound."""
    return _receipt_views(ctx, [find_row(ctx.session, GoodsReceipt, receipt_id, "This delivery")])[0]


def _receipt_views(ctx: Context, receipts: Sequence[GoodsReceipt]) -> list[ReceiptView]:
    suppliers = _supplier_names(ctx.session, {row.supplier_id for row in receipts if row.supplier_id})
    orders = {row.order_id for row in receipts if row.order_id}
    numbers = select(PurchaseOrder.id, PurchaseOrder.number).where(PurchaseOrder.id.in_(orders))
    order_numbers = {row.id: row.number for row in ctx.session.execute(numbers)}
    sees_cost = ctx.may(Permission.PRODUCTS_SEE_COST)
    query = (
        select(GoodsReceiptLine, Product.name)
        .join(Product, Product.id == GoodsReceiptLine.product_id)
        .where(GoodsReceiptLine.receipt_id.in_([row.id for row in receipts]))
        .order_by(GoodsReceiptLine.line_no, GoodsReceiptLine.id)
    )
    lines: dict[str, list[ReceiptLineView]] = {}
    for line, name in ctx.session.execute(query):
        costs = (line.unit_cost_minor, line.landed_cost_minor) if sees_cost else (None, None)
        view = ReceiptLineView(line.product_id, name, line.quantity, line.damaged, *costs)
        lines.setdefault(line.receipt_id, []).append(view)
    return [
        ReceiptView(
            row.id, row.shop_id, row.number, row.supplier_id, suppliers.get(row.supplier_id or ""), row.order_id,
            order_numbers.get(row.order_id or ""), row.delivery_note, row.extra_cost_minor if sees_cost else None,
            row.notes, row.received_at, row.received_by, tuple(lines.get(row.id, ())),
        )
        for row in receipts
    ]  # fmt: skip
