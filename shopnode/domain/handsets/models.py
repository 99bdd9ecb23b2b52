"""A handset is an entity with many stock episodes: the same phone may be sold, bought back and sold again."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.clock import act_id
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
    look_up_few,
    one_of,
    refs,
)


class UnitStatus(StrEnum):
    EXPECTED = "expected"  # announced by its supplier, not here yet
    IN_STOCK = "in_stock"
    RESERVED = "reserved"  # kept for a customer, see plans
    SOLD = "sold"
    INSPECT = "inspect"  # came back; somebody must look at it before it can be sold again
    BENCH = "bench"  # being made ready, or repaired
    SUPPLIER = "supplier"  # with its supplier, see buying.SupplierReturn
    LENT = "lent"
    MISSING = "missing"
    SCRAPPED = "scrapped"
    SENT = "sent"  # on its way to another shop, or there: this stay is over, and another begins where it arrives


# A stay that has not ended. On hand are those alone that stand in the shop ready to be handed over.
ON_HAND_STATUSES = (UnitStatus.IN_STOCK.value, UnitStatus.RESERVED.value)
OPEN_STATUSES = (
    *ON_HAND_STATUSES, UnitStatus.INSPECT.value, UnitStatus.BENCH.value, UnitStatus.SUPPLIER.value,
    UnitStatus.LENT.value, UnitStatus.MISSING.value, UnitStatus.EXPECTED.value,
)  # fmt: skip


class Condition(StrEnum):
    NEW = "new"
    OPEN_BOX = "open_box"
    USED = "used"
    REFURBISHED = "refurbished"


class VatScheme(StrEnum):
    """How VAT is counted when the unit is sold (rule 21)."""

    STANDARD = "standard"  # bought from a business
    MARGIN = "margin"  # bought from a private person


class Arrival(StrEnum):
    """How a phone's way between two shops ended."""

    RECEIVED = "received"
    TAKEN_BACK = "taken_back"  # it never arrived, and the sender has it again


class Handset(SyncedRow):
    """One piece with its numbers. IMEIs are 15 digits as text; tablets and the like have a serial instead."""

    __tablename__ = "handset"
    __table_args__ = (
        *refs("product_id:product"),
        look_up("handset", "imei1"),
        look_up("handset", "imei2"),
        look_up_few("handset", "serial"),
        look_up("handset", "substr(imei1, 12)"),  # the last four digits
        look_up("handset", "substr(imei2, 12)", only="imei2 IS NOT NULL"),
        look_up_few("handset", "eid"),
    )
    __sync__ = Sync(Kind.REGISTER, Stream.TENANT)

    product_id: Mapped[Id]
    imei1: Mapped[str | None] = mapped_column(String(15))
    imei2: Mapped[str | None] = mapped_column(String(15))
    serial: Mapped[str | None] = mapped_column(String(60))
    colour: Mapped[str | None] = mapped_column(String(60))
    storage: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[UtcTime]
    eid: Mapped[str | None] = mapped_column(String(40), info={"since": 3})  # of its eSIM, 32 digits

    @property
    def number(self) -> str:
        """The number people know it by."""
        return self.imei1 or self.serial or ""


class StockUnit(SyncedRow):
    """One stay of a handset in one shop's stock. Only the shop that holds it writes it."""

    __tablename__ = "stock_unit"
    __table_args__ = (
        *refs("handset_id:handset", "product_id:product"),
        one_of("status", UnitStatus),
        look_up("stock_unit", "handset_id"),
        look_up("stock_unit", "product_id", "status", "id"),
        look_up("stock_unit", "product_id", "received_at", "id"),
        look_up("stock_unit", "received_at", "id"),
        look_up("stock_unit", "status", "received_at", "id"),
        look_up_few("stock_unit", "condition", "received_at", "id"),
        look_up_few("stock_unit", "supplier_id", "received_at", "id"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP)

    handset_id: Mapped[Id]
    product_id: Mapped[Id]
    shop_id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(20))
    cost_minor: Mapped[MinorUnits]
    grade: Mapped[str | None] = mapped_column(String(10))
    source: Mapped[str | None]
    received_at: Mapped[UtcTime]
    received_by: Mapped[Id | None]
    sold_line_id: Mapped[Id | None]
    condition: Mapped[str | None] = mapped_column(String(20), info={"since": 3})  # see Condition
    has_box: Mapped[bool | None] = mapped_column(info={"since": 3})
    has_charger: Mapped[bool | None] = mapped_column(info={"since": 3})
    battery_pct: Mapped[int | None] = mapped_column(info={"since": 3})  # health, of the capacity when new
    lock_state: Mapped[str | None] = mapped_column(String(40), info={"since": 3})  # none, network MTN, google, icloud
    region: Mapped[str | None] = mapped_column(String(40), info={"since": 3})  # the market it was made for
    vat_scheme: Mapped[str | None] = mapped_column(String(20), info={"since": 3})  # see VatScheme
    supplier_id: Mapped[Id | None] = mapped_column(info={"since": 3})
    purchase_id: Mapped[Id | None] = mapped_column(info={"since": 3})  # bought from a person, see usedphones
    hold_until: Mapped[UtcTime | None] = mapped_column(info={"since": 3})  # not for sale before
    held_for: Mapped[Id | None] = mapped_column(info={"since": 3})  # the plan it is reserved for
    refurbished_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})  # in the cost: spent on it here
    price_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})  # of this piece; its product's if None
    supplier_warranty_until: Mapped[LocalDate | None] = mapped_column(info={"since": 3})  # apart from the shop's own
    notes: Mapped[str | None] = mapped_column(Text, info={"since": 3})


class UnitEvent(SyncedRow):
    """A change of a stay that no other fact tells: set aside, lent, missing, found, reserved, let go."""

    __tablename__ = "unit_event"
    __table_args__ = (
        *refs("unit_id:stock_unit"),
        look_up("unit_event", "unit_id"),
        look_up("unit_event", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    unit_id: Mapped[Id]
    shop_id: Mapped[Id]
    from_status: Mapped[str | None] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None]
    about_id: Mapped[Id | None]  # the plan, return or supplier return it belongs to
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class Transfer(SyncedRow):
    """Phones that one shop sent to another, under one number: the sender's half of it.

    Every shop hears of it, because both of them must and a line of the feed goes to one shop or to all. `shop_id` is
    the shop that wrote the row, here and in the two tables below; a node writes for its own alone.
    """

    __tablename__ = "transfer"
    __table_args__ = (look_up("transfer", "to_shop_id"), look_up("transfer", "number"))
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    shop_id: Mapped[Id]  # the sender
    to_shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-T000012, on the slip in the box
    note: Mapped[str | None]
    sent_at: Mapped[UtcTime]
    sent_by: Mapped[Id | None]


class TransferLine(SyncedRow):
    """One phone of a transfer. The id follows from the stay that ended, which is sent away once (`sent_line_id`)."""

    __tablename__ = "transfer_line"
    __table_args__ = (
        *refs("transfer_id:transfer", "handset_id:handset", "product_id:product"),
        look_up("transfer_line", "transfer_id"),
        look_up("transfer_line", "handset_id"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    transfer_id: Mapped[Id]
    shop_id: Mapped[Id]
    unit_id: Mapped[Id]  # the stay that ended; known to the sender and to the hub alone
    handset_id: Mapped[Id]
    product_id: Mapped[Id]
    cost_minor: Mapped[MinorUnits]
    grade: Mapped[str | None] = mapped_column(String(10))
    # What was known of the phone goes with it: the receiver has not heard of the stay that ended.
    condition: Mapped[str | None] = mapped_column(String(20), info={"since": 3})
    has_box: Mapped[bool | None] = mapped_column(info={"since": 3})
    has_charger: Mapped[bool | None] = mapped_column(info={"since": 3})
    battery_pct: Mapped[int | None] = mapped_column(info={"since": 3})
    lock_state: Mapped[str | None] = mapped_column(String(40), info={"since": 3})
    region: Mapped[str | None] = mapped_column(String(40), info={"since": 3})
    vat_scheme: Mapped[str | None] = mapped_column(String(20), info={"since": 3})
    supplier_id: Mapped[Id | None] = mapped_column(info={"since": 3})
    purchase_id: Mapped[Id | None] = mapped_column(info={"since": 3})
    hold_until: Mapped[UtcTime | None] = mapped_column(info={"since": 3})
    refurbished_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})
    price_minor: Mapped[MinorUnits | None] = mapped_column(info={"since": 3})
    supplier_warranty_until: Mapped[LocalDate | None] = mapped_column(info={"since": 3})
    notes: Mapped[str | None] = mapped_column(Text, info={"since": 3})


class TransferReceipt(SyncedRow):
    """How one phone's way ended: received, or taken back. The id follows from the line (`arrival_id`).

    Both may be said at once, by two shops that do not hear each other: the first one admitted stands everywhere, and
    the owner is told of the other.
    """

    __tablename__ = "transfer_receipt"
    __table_args__ = (*refs("line_id:transfer_line"), one_of("kind", Arrival), look_up("transfer_receipt", "line_id"))
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=2)

    line_id: Mapped[Id]
    shop_id: Mapped[Id]  # where the phone is now
    kind: Mapped[str] = mapped_column(String(20))
    unit_id: Mapped[Id]  # the stay that began
    note: Mapped[str | None]
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


def sent_line_id(unit_id: str) -> str:
    return act_id("send", unit_id)


def arrival_id(line_id: str) -> str:
    return act_id("arrival", line_id)


def stay_after(line_id: str, shop_id: str) -> str:
    """The stay that begins where a phone's way ends. Two shops that both say they have it begin two."""
    return act_id("stay", line_id, shop_id)
