"""Taking a delivery in, with or without an order: good pieces into stock at what they cost here, and the bill.

Invariants:
  * The worth that comes into stock is the good pieces at the supplier's price plus the extra cost, to the shilling.
  * A phone comes in by its numbers alone, and each bears its own share.
  * What was not ordered, more than was ordered, and a bill above what was ordered need a second person beside whoever
    is not the owner: the owner says what is bought, and at what price.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.buying.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    OrderStatus,
    PurchaseOrder,
    PurchaseOrderLine,
    Supplier,
    SupplierEntry,
    SupplierEntryKind,
)
from shopnode.domain.buying.orders import LINES_MAX, own_order
from shopnode.domain.buying.queries import come_by_line, find_supplier, order_lines
from shopnode.domain.buying.rules import Came, Landed, landed_costs
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.actions import ReceiveHandset, receive_handset
from shopnode.domain.handsets.params import Grade, Percent, ShortWord, Typed, Word
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import QUANTITY_MAX, Amount, IdText, Line, Note, Optionally, Params, Reason
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.stock.days import today
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.stock.queries import costs_of
from shopnode.domain.stock.rules import rounded_share
from shopnode.domain.stock.settling import Moving, settle_before
from shopnode.domain.worths import Worth, refuse_absurd

PHONES_MAX = 200  # of one delivery: an entry stays far below its limit

Pieces = Annotated[int, Field(ge=0, le=QUANTITY_MAX)]


class DeliveredPhone(Params):
    """The numbers of one phone, and what differs from its fellows."""

    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    eid: Typed = None
    colour: Word = None
    storage: Word = None
    grade: Grade = None
    lock_state: ShortWord = None
    battery_pct: Percent | None = None
    unreadable: Annotated[Reason | None, Optionally] = None


class DeliveredItem(Params):
    """Pieces of one product that came. Of a product sold by IMEI, `quantity` is as many as there are phones."""

    product_id: IdText
    quantity: Pieces = 0
    damaged: Pieces = 0
    unit_cost_minor: Amount | None = None  # on the bill; the order's, or what a piece costs now, when left out
    phones: Annotated[list[DeliveredPhone], Field(max_length=PHONES_MAX)] = Field(default_factory=list)


class ReceiveGoods(Params):
    """A delivery."""

    order_id: Annotated[IdText | None, Optionally] = None
    supplier_id: Annotated[IdText | None, Optionally] = None  # the order's, when left out
    lines: Annotated[list[DeliveredItem], Field(min_length=1, max_length=LINES_MAX)]
    extra_cost_minor: Amount = 0  # transport, duty: spread over the good pieces by value
    extra_on_bill: bool = False  # the supplier asks for the extra cost, too
    delivery_note: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None


@dataclass(frozen=True)
class Item:
    """One line of a delivery, with what is known of it here."""

    asked: DeliveredItem
    product: Product
    order_line: PurchaseOrderLine | None
    unit_cost_minor: int

    @property
    def came(self) -> Came:
        return Came(self.asked.quantity, self.unit_cost_minor)


@action("goods.receive", needs=Permission.GOODS_RECEIVE)
def receive_goods(ctx: Context, new: ReceiveGoods) -> dict[str, Any]:
    """Take a delivery in: good pieces into stock at their landed cost, the bill onto the supplier's account.

    Raises Invalid, OrderNotSo, ApprovalNeeded, AlreadyInStock, NotFound.
    """
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    order = own_order(ctx, new.order_id, OrderStatus.ORDERED) if new.order_id else None
    supplier = _supplier(ctx, new, order)
    lines = order_lines(ctx.session, order.id) if order else []
    items = _items(ctx, new, lines)
    bill = _billed(items, new)
    if ctx.actor.role is not Role.OWNER:
        _ask_beyond_order(ctx, order, items, new)
    try:
        landed = landed_costs([item.came for item in items], new.extra_cost_minor)
    except ValueError as wrong:
        raise Invalid({"extra_cost_minor": str(wrong)}) from None
    receipt = GoodsReceipt(
        id=ctx.new_id(), shop_id=ctx.shop_id, supplier_id=supplier.id if supplier else None,
        order_id=order.id if order else None, number=next_document_number(ctx, Document.GOODS_RECEIPT),
        delivery_note=new.delivery_note, extra_cost_minor=new.extra_cost_minor, notes=new.notes,
        received_at=ctx.now, received_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, receipt)
    insert_rows(ctx.session, GoodsReceiptLine, _rows(ctx, receipt, items, landed))
    notes = _into_stock(ctx, receipt, supplier, items, landed)
    if supplier is not None:
        _book_bill(ctx, receipt, supplier, bill)
    if order is not None:
        _close_when_all_came(ctx, order, lines)
    ctx.about("goods_receipt", receipt.id)
    pieces = sum(item.asked.quantity for item in items)
    return {
        "receipt_id": receipt.id, "number": receipt.number, "pieces": pieces, "bill": bill if supplier else None,
        "notes": notes,
    }  # fmt: skip


def _supplier(ctx: Context, new: ReceiveGoods, order: PurchaseOrder | None) -> Supplier | None:
    if order is not None:
        if new.supplier_id not in (None, order.supplier_id):
            raise Invalid({"supplier_id": "is not the supplier of this order"})
        return find_supplier(ctx.session, order.supplier_id)
    return find_supplier(ctx.session, new.supplier_id) if new.supplier_id else None


def _items(ctx: Context, new: ReceiveGoods, lines: list[PurchaseOrderLine]) -> list[Item]:
    """What came, each line with its product and cost. Raises Invalid, naming every wrong line."""
    ids = [line.product_id for line in new.lines]
    products = {row.id: row for row in ctx.session.scalars(select(Product).where(Product.id.in_(ids)))}
    costs = costs_of(ctx.session, ctx.shop_id, ids)
    ordered = {line.product_id: line for line in lines if line.quantity}
    wrong: dict[str, str] = {}
    items = []
    for place, asked in enumerate(new.lines):
        product = products.get(asked.product_id)
        fault = _fault(asked, product)
        if fault is not None or product is None:
            wrong[f"lines.{place}"] = fault or "was not found in the catalogue"
            continue
        line = ordered.get(product.id)
        cost = asked.unit_cost_minor
        if cost is None:
            cost = costs[product.id] if line is None else line.unit_cost_minor
        items.append(Item(asked, product, line, cost))
    if wrong:
        raise Invalid(wrong)
    _refuse_absurd(new, items)
    if sum(len(line.phones) for line in new.lines) > PHONES_MAX:
        raise Invalid({"lines": f"name more than {PHONES_MAX} phones: take the delivery in in parts"})
    return items


def _refuse_absurd(new: ReceiveGoods, items: list[Item]) -> None:
    """The good pieces with their transport, and the damaged ones, come to no more than an amount may."""
    worths = [
        Worth(f"lines.{place}", item.product.name, (item.asked.quantity + item.asked.damaged) * item.unit_cost_minor)
        for place, item in enumerate(items)
    ]
    refuse_absurd([*worths, Worth("extra_cost_minor", "Extra cost", new.extra_cost_minor)], "lines")


def _fault(asked: DeliveredItem, product: Product | None) -> str | None:
    if product is None:
        return "was not found in the catalogue"
    if asked.quantity + asked.damaged == 0:
        return f"of “{product.name}” nothing came: leave the line out"
    if product.is_bundle:
        return f"“{product.name}” is a bundle: receive its parts"
    if product.is_serialised and len(asked.phones) != asked.quantity:
        return f"“{product.name}” needs the IMEI of each phone: {len(asked.phones)} of {asked.quantity} are named"
    if not product.is_serialised and asked.phones:
        return f"“{product.name}” is not counted by IMEI"
    return None


def _ask_beyond_order(ctx: Context, order: PurchaseOrder | None, items: list[Item], new: ReceiveGoods) -> None:
    """The owner says what is ordered, and so what is taken and owed. Raises ApprovalNeeded for everybody else.

    Told is no cost but what they typed themselves: whoever takes goods in may not see what they cost.
    """
    if order is None:
        pieces = sum(item.asked.quantity for item in items)
        ctx.require_approval(f"Nobody ordered this delivery of {pieces:,} pieces.")
        return
    if new.extra_on_bill and new.extra_cost_minor:
        ctx.require_approval(f"The bill is {new.extra_cost_minor:,} above the goods of order {order.number}.")
    came = come_by_line(ctx.session, [order.id])
    now: dict[str, int] = {}
    for item in items:
        if item.order_line is None and item.asked.quantity:
            ctx.require_approval(f"“{item.product.name}” is not on order {order.number}.")
        elif item.order_line is not None:
            line = item.order_line
            now[line.id] = now.get(line.id, came.get(line.id, (0, 0))[0]) + item.asked.quantity
            if now[line.id] > line.quantity:
                more = f"{now[line.id]:,} of “{item.product.name}” come on an order of {line.quantity:,}."
                ctx.require_approval(more)
            if item.asked.quantity and item.unit_cost_minor > line.unit_cost_minor:
                ctx.require_approval(f"“{item.product.name}” is billed at more than it was ordered for.")


def _rows(ctx: Context, receipt: GoodsReceipt, items: list[Item], landed: list[list[Landed]]) -> list[dict[str, Any]]:
    rows = []
    for line_no, (item, parts) in enumerate(zip(items, landed, strict=True), start=1):
        worth = sum(part.quantity * part.cost_minor for part in parts)
        rows.append({
            "id": ctx.new_id(), "receipt_id": receipt.id, "shop_id": receipt.shop_id,
            "order_line_id": item.order_line.id if item.order_line else None, "product_id": item.product.id,
            "line_no": line_no, "quantity": item.asked.quantity, "damaged": item.asked.damaged,
            "unit_cost_minor": item.unit_cost_minor,
            "landed_cost_minor": rounded_share(worth, item.asked.quantity) if parts else item.unit_cost_minor,
        })  # fmt: skip
    return rows


def _into_stock(
    ctx: Context, receipt: GoodsReceipt, supplier: Supplier | None, items: list[Item], landed: list[list[Landed]]
) -> list[str]:
    """The good pieces, at what they cost here. Answers what is odd about the numbers of phones."""
    notes: list[str] = []
    by_piece = [(item, part) for item, parts in zip(items, landed, strict=True) for part in parts
                if not item.product.is_serialised]  # fmt: skip
    settle_before(ctx, [Moving(item.product.id, part.quantity, part.cost_minor) for item, part in by_piece])
    moves = []
    for place, (item, parts) in enumerate(zip(items, landed, strict=True)):
        if item.product.is_serialised:
            costs = [part.cost_minor for part in parts for _ in range(part.quantity)]
            for phone, cost in zip(item.asked.phones, costs, strict=True):
                notes += _take_phone(ctx, place, item, phone, cost, receipt, supplier)
            continue
        moves += [_move(ctx, receipt, item, part) for part in parts]
    insert_rows(ctx.session, StockMovement, moves)
    return list(dict.fromkeys(notes))


def _take_phone(
    ctx: Context, place: int, item: Item, phone: DeliveredPhone, cost_minor: int, receipt: GoodsReceipt,
    supplier: Supplier | None,
) -> list[str]:  # fmt: skip
    told = phone.model_dump(exclude_unset=True)
    form = ReceiveHandset(
        product_id=item.product.id, cost_minor=cost_minor, supplier_id=supplier.id if supplier else None,
        source=f"{supplier.name}, {receipt.number}" if supplier else receipt.number, **told,
    )  # fmt: skip
    try:
        notes: list[str] = receive_handset(ctx, form)["notes"]
    except Invalid as wrong:
        raise Invalid({f"lines.{place}.phones.{name}": text for name, text in wrong.fields.items()}) from None
    return notes


def _move(ctx: Context, receipt: GoodsReceipt, item: Item, part: Landed) -> dict[str, Any]:
    return {
        "id": ctx.new_id(), "shop_id": receipt.shop_id, "product_id": item.product.id,
        "kind": MovementKind.RECEIVED.value, "quantity": part.quantity, "unit_cost_minor": part.cost_minor,
        "note": f"Delivery {receipt.number}", "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _billed(items: list[Item], new: ReceiveGoods) -> int:
    """What the good pieces cost on the bill, and what the supplier asks on top."""
    goods = sum(item.asked.quantity * item.unit_cost_minor for item in items)
    return goods + (new.extra_cost_minor if new.extra_on_bill else 0)


def _book_bill(ctx: Context, receipt: GoodsReceipt, supplier: Supplier, amount: int) -> None:
    """What the supplier asks, due after their terms."""
    if amount:
        entry = {
            "id": ctx.new_id(), "shop_id": receipt.shop_id, "supplier_id": supplier.id,
            "kind": SupplierEntryKind.BILL.value, "amount_minor": amount, "receipt_id": receipt.id,
            "reference": receipt.delivery_note, "due_on": today(ctx) + timedelta(days=supplier.terms_days),
            "note": f"Delivery {receipt.number}", "at": ctx.now, "by_id": ctx.actor.id,
        }  # fmt: skip
        insert_rows(ctx.session, SupplierEntry, [entry])


def _close_when_all_came(ctx: Context, order: PurchaseOrder, lines: list[PurchaseOrderLine]) -> None:
    came = come_by_line(ctx.session, [order.id])
    if all(came.get(line.id, (0, 0))[0] >= line.quantity for line in lines):
        order.status, order.ended_at = OrderStatus.CLOSED.value, ctx.now


def _figures(ctx: Context, new: ReceiveGoods) -> tuple[int, str]:
    """What the owner is told over the telephone: what the good pieces are billed at, and the order's number."""
    order = own_order(ctx, new.order_id, OrderStatus.ORDERED) if new.order_id else None
    items = _items(ctx, new, order_lines(ctx.session, order.id) if order else [])
    return _billed(items, new), order.number if order else "NOORDER"


register_figures("goods.receive", _figures)
