"""Suppliers, orders, deliveries, and what is owed.

Invariants:
  * What arrived is a fact; an order only says what was asked for. What is still to come is the order's lines less the
    lines of its deliveries, never a number that is written down.
  * What is owed to a supplier is the sum of their entries: bills add, payments and credit notes take off.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    Id,
    Kind,
    LocalDate,
    MinorUnits,
    Stream,
    Sync,
    SyncedRow,
    UtcTime,
    look_up,
    one_of,
    refs,
)


class OrderStatus(StrEnum):
    DRAFT = "draft"
    ORDERED = "ordered"
    CLOSED = "closed"  # nothing more is expected, whatever arrived
    CANCELLED = "cancelled"


class SupplierEntryKind(StrEnum):
    BILL = "bill"  # + we owe
    PAYMENT = "payment"  # −
    CREDIT_NOTE = "credit_note"  # −
    CORRECTION = "correction"


class ReturnToSupplierOutcome(StrEnum):
    """How a phone that went back to its supplier ended."""

    REPAIRED = "repaired"
    REPLACED = "replaced"
    CREDITED = "credited"
    REFUSED = "refused"


class Supplier(SyncedRow):
    """Whom the business buys from."""

    __tablename__ = "supplier"
    __table_args__ = (look_up("supplier", "name"),)
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT, personal=frozenset({"contact", "phone", "email", "address"}), since=3)

    name: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str | None]  # the person one speaks to
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    email: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None]
    tax_id: Mapped[str | None] = mapped_column(String(40))
    terms_days: Mapped[int]  # a bill is due so many days after its delivery; 0 for cash
    lead_days: Mapped[int | None]  # from order to delivery, as they say
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    archived_at: Mapped[UtcTime | None]


class PurchaseOrder(SyncedRow):
    """What one shop asked a supplier for. A draft may change freely; once sent, only its end is written."""

    __tablename__ = "purchase_order"
    __table_args__ = (
        *refs("supplier_id:supplier"),
        one_of("status", OrderStatus),
        look_up("purchase_order", "supplier_id"),
        look_up("purchase_order", "status"),
        look_up("purchase_order", "number"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    supplier_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-P000012
    status: Mapped[str] = mapped_column(String(20))
    expected_on: Mapped[LocalDate | None]
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[Id | None]
    created_at: Mapped[UtcTime]
    ordered_at: Mapped[UtcTime | None]
    ordered_by: Mapped[Id | None]
    ended_at: Mapped[UtcTime | None]
    end_reason: Mapped[str | None]


class PurchaseOrderLine(SyncedRow):
    """So many of one product. A line that was struck out of a draft has the quantity 0."""

    __tablename__ = "purchase_order_line"
    __table_args__ = (
        *refs("order_id:purchase_order", "product_id:product"),
        CheckConstraint("quantity >= 0 AND unit_cost_minor >= 0", name="not_negative"),
        look_up("purchase_order_line", "order_id"),
        look_up("purchase_order_line", "product_id"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    order_id: Mapped[Id]
    shop_id: Mapped[Id]
    product_id: Mapped[Id]
    line_no: Mapped[int]
    quantity: Mapped[int]  # pieces
    unit_cost_minor: Mapped[MinorUnits]


class GoodsReceipt(SyncedRow):
    """A delivery as it was taken in, with or without an order."""

    __tablename__ = "goods_receipt"
    __table_args__ = (
        *refs("supplier_id:supplier", "order_id:purchase_order"),
        CheckConstraint("extra_cost_minor >= 0", name="extra_not_negative"),
        look_up("goods_receipt", "supplier_id"),
        look_up("goods_receipt", "order_id"),
        look_up("goods_receipt", "received_at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    supplier_id: Mapped[Id | None]
    order_id: Mapped[Id | None]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-G000012
    delivery_note: Mapped[str | None] = mapped_column(String(60))  # the supplier's own number
    extra_cost_minor: Mapped[MinorUnits]  # transport, duty: spread over the goods by value
    notes: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[UtcTime]
    received_by: Mapped[Id | None]


class GoodsReceiptLine(SyncedRow):
    """Pieces of one product that came: the good ones into stock, the damaged ones only written down."""

    __tablename__ = "goods_receipt_line"
    __table_args__ = (
        *refs("receipt_id:goods_receipt", "order_line_id:purchase_order_line", "product_id:product"),
        CheckConstraint("quantity >= 0 AND damaged >= 0 AND quantity + damaged > 0", name="something_came"),
        look_up("goods_receipt_line", "receipt_id"),
        look_up("goods_receipt_line", "order_line_id"),
        look_up("goods_receipt_line", "product_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    receipt_id: Mapped[Id]
    shop_id: Mapped[Id]
    order_line_id: Mapped[Id | None]
    product_id: Mapped[Id]
    line_no: Mapped[int]
    quantity: Mapped[int]  # good pieces
    damaged: Mapped[int]
    unit_cost_minor: Mapped[MinorUnits]  # on the supplier's bill
    landed_cost_minor: Mapped[MinorUnits]  # of one piece, its share of the extra cost included


class SupplierEntry(SyncedRow):
    """One line of a supplier's account: + is what we owe more, − what we owe less."""

    __tablename__ = "supplier_entry"
    __table_args__ = (
        *refs("supplier_id:supplier"),
        one_of("kind", SupplierEntryKind),
        look_up("supplier_entry", "supplier_id", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    supplier_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(20))
    amount_minor: Mapped[MinorUnits]
    receipt_id: Mapped[Id | None]
    money_id: Mapped[Id | None]  # the money that paid it, see cash.MoneyMove
    reference: Mapped[str | None] = mapped_column(String(60))
    due_on: Mapped[LocalDate | None]
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class SupplierReturn(SyncedRow):
    """A phone that went back to its supplier (RMA), and how that ended. Apart from the shop's own warranty."""

    __tablename__ = "supplier_return"
    __table_args__ = (
        *refs("supplier_id:supplier", "unit_id:stock_unit"),
        one_of("outcome", ReturnToSupplierOutcome),
        look_up("supplier_return", "supplier_id"),
        look_up("supplier_return", "unit_id"),
        look_up("supplier_return", "number"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    supplier_id: Mapped[Id]
    unit_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-B000012
    reason: Mapped[str]
    sent_at: Mapped[UtcTime]
    sent_by: Mapped[Id | None]
    outcome: Mapped[str | None] = mapped_column(String(20))
    replaced_by_unit_id: Mapped[Id | None]
    credited_minor: Mapped[MinorUnits | None]
    ended_at: Mapped[UtcTime | None]
    ended_by: Mapped[Id | None]
