"""Repair tickets: what came in, what was found and done, who has it, and how it left.

Invariants:
  * A ticket is its shop's own (HOLDING). Every step, question and answer beside it is a `repair_event`: what a ticket
    looked like on any day, and how long it waited for what, follows from those.
  * Money taken for a ticket is `cash.MoneyMove` about it, and owed to the customer until the ticket becomes a sale
    (`sale_id`) or the money is given back (rule 46).
  * A passcode stands in `repair_passcode` alone: sealed, at the shop alone, destroyed at delivery (rule 62).
  * A part that was used left the stock by a movement; one that is only reserved did not.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shopnode.domain.db import (
    HomeRow,
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


class RepairStatus(StrEnum):
    """Where a ticket is. The first seven are the main road; the others leave it, some to come back."""

    PENDING = "Pending"
    DIAGNOSED = "Diagnosed"
    PARTS_ORDERED = "Parts Ordered"
    IN_PROGRESS = "In Progress"
    QUALITY_CHECK = "Quality Check"
    COMPLETED = "Completed"
    DELIVERED = "Delivered"
    WAITING_FOR_APPROVAL = "Waiting for Approval"
    DECLINED = "Declined"  # by the customer; given back as it came
    CANNOT_REPAIR = "Cannot Repair"
    OUTSOURCED = "Outsourced"
    UNCLAIMED = "Unclaimed"
    DISPOSED = "Disposed"
    STOLEN = "Stolen"  # found to be; locked
    BOUGHT = "Bought"  # the shop bought it from its owner
    TRANSFERRED = "Transferred"  # on another branch's bench, with a ticket of its own there
    CANCELLED = "Cancelled"  # written by mistake


class RepairPriority(StrEnum):
    LOW = "Low"
    NORMAL = "Normal"
    HIGH = "High"
    URGENT = "Urgent"


class PasscodeWay(StrEnum):
    NONE = "none"  # the phone has none, or it is not needed
    CUSTOMER_PRESENT = "customer_present"  # the customer types it when it is needed
    STORED = "stored"  # in the vault


class DataConsent(StrEnum):
    """What the customer agreed to about what is on the phone (rule 63)."""

    BACKED_UP = "backed_up"
    MAY_BE_LOST = "may_be_lost"
    KEEP = "keep"  # work that could lose data needs to be asked about first


class RepairEventKind(StrEnum):
    STATUS = "status"
    ASSIGNED = "assigned"
    ESTIMATE = "estimate"
    ANSWER = "answer"  # the customer's, to an estimate: yes or no, by whom and how
    CHANGED = "changed"
    NOTE = "note"
    PHOTO = "photo"
    SIGNATURE = "signature"
    PASSCODE_STORED = "passcode_stored"
    PASSCODE_VIEWED = "passcode_viewed"
    PASSCODE_DESTROYED = "passcode_destroyed"
    NOTIFIED = "notified"  # a message to the customer was asked for
    REMINDED = "reminded"  # to come and fetch it
    FINAL_NOTICE = "final_notice"
    STORAGE_FEE = "storage_fee"
    DISPUTED = "disputed"  # at delivery
    LOANER_OUT = "loaner_out"
    LOANER_BACK = "loaner_back"
    LOANER_CHARGED = "loaner_charged"


class PartState(StrEnum):
    RESERVED = "reserved"
    USED = "used"
    RETURNED = "returned"  # to the shelf, unused


class OldPart(StrEnum):
    """What became of the part that was taken out (rule 67)."""

    TO_CUSTOMER = "to_customer"
    RECYCLED = "recycled"
    SCRAPPED = "scrapped"
    TO_SUPPLIER = "to_supplier"
    NONE = "none"


class RepairTicket(SyncedRow):
    """One device that a customer left to be mended."""

    __tablename__ = "repair_ticket"
    __table_args__ = (
        one_of("status", RepairStatus),
        one_of("priority", RepairPriority),
        one_of("passcode_way", PasscodeWay),
        look_up("repair_ticket", "number"),
        look_up("repair_ticket", "taken_at", "id"),
        look_up("repair_ticket", "status", "taken_at", "id"),
        look_up("repair_ticket", "technician_id", "taken_at", "id", only="technician_id IS NOT NULL"),
        look_up("repair_ticket", "customer_id"),
        look_up_few("repair_ticket", "handset_id"),
        look_up("repair_ticket", "imei_serial"),
        look_up("repair_ticket", "slip_code"),
        look_up_few("repair_ticket", "rework_of_id"),
        look_up_few("repair_ticket", "sale_id"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    shop_id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(40))  # KLA1-J000012
    status: Mapped[str] = mapped_column(String(30))
    priority: Mapped[str] = mapped_column(String(20))
    repair_type: Mapped[str] = mapped_column(String(40))  # see rules.REPAIR_TYPES
    customer_id: Mapped[Id]
    handset_id: Mapped[Id | None]  # where the phone is known here
    device_type: Mapped[str] = mapped_column(String(30))  # see checklists.py
    brand: Mapped[str] = mapped_column(String(100))
    model: Mapped[str] = mapped_column(String(200))
    colour: Mapped[str | None] = mapped_column(String(60))
    imei_serial: Mapped[str | None] = mapped_column(String(60))
    faults: Mapped[str] = mapped_column(Text)  # JSON: list of words
    issue: Mapped[str] = mapped_column(Text)  # in the customer's words
    checklist: Mapped[str] = mapped_column(Text)  # JSON: item → ok, fault, not_tested
    accessories: Mapped[str] = mapped_column(Text)  # JSON: list of words
    water_damage: Mapped[bool] = mapped_column(Boolean)
    opened_before: Mapped[bool] = mapped_column(Boolean)
    passcode_way: Mapped[str] = mapped_column(String(20))
    data_consent: Mapped[str] = mapped_column(String(20))
    terms: Mapped[str | None] = mapped_column(Text)  # as they were printed (rule 64)
    slip_code: Mapped[str] = mapped_column(String(20))  # on the slip: opens the public page, fetches the phone
    estimate_minor: Mapped[MinorUnits | None]
    agreed_minor: Mapped[MinorUnits | None]  # what the customer said yes to; work above it needs another answer
    labour_minor: Mapped[MinorUnits]
    diagnosis_fee_minor: Mapped[MinorUnits]  # due when it is declined or cannot be repaired
    storage_fee_minor: Mapped[MinorUnits]
    warranty_days: Mapped[int]
    technician_id: Mapped[Id | None]
    promised_at: Mapped[UtcTime | None]
    taken_at: Mapped[UtcTime]
    taken_by: Mapped[Id | None]
    completed_at: Mapped[UtcTime | None]
    delivered_at: Mapped[UtcTime | None]  # from then on the ticket is locked
    delivered_by: Mapped[Id | None]
    rework_of_id: Mapped[Id | None]  # the ticket whose work is done again under its warranty (rule 73)
    claim_id: Mapped[Id | None]  # the warranty claim of something sold here
    loaner_unit_id: Mapped[Id | None]  # lent to the customer meanwhile (rule 71)
    came_by_id: Mapped[Id | None]  # the transfer that brought it from another branch
    sale_id: Mapped[Id | None]  # the sale it became
    notes: Mapped[str | None] = mapped_column(Text)

    @property
    def is_editable(self) -> bool:
        """The seed's lock: a ticket that left is changed no more."""
        return self.delivered_at is None


class RepairEvent(SyncedRow):
    """Something that happened to a ticket. Never changed."""

    __tablename__ = "repair_event"
    __table_args__ = (
        *refs("ticket_id:repair_ticket"),
        one_of("kind", RepairEventKind),
        look_up("repair_event", "ticket_id", "at", "id"),
        look_up("repair_event", "kind", "at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.SHOP, since=3)

    ticket_id: Mapped[Id]
    shop_id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(30))
    old_status: Mapped[str | None] = mapped_column(String(30))
    new_status: Mapped[str | None] = mapped_column(String(30))
    amount_minor: Mapped[MinorUnits | None]
    staff_id: Mapped[Id | None]  # the technician it was given to
    via: Mapped[str | None] = mapped_column(String(20))  # call, sms, signature, in_person, email
    accepted: Mapped[bool | None] = mapped_column(Boolean)
    photo: Mapped[str | None] = mapped_column(String(64))  # SHA-256 of its bytes
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class RepairPart(SyncedRow):
    """A part of a ticket, from the shelf, ordered, or brought by the customer."""

    __tablename__ = "repair_part"
    __table_args__ = (
        *refs("ticket_id:repair_ticket"),
        one_of("state", PartState),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        look_up("repair_part", "ticket_id"),
        look_up("repair_part", "product_id", "state"),
    )
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    ticket_id: Mapped[Id]
    shop_id: Mapped[Id]
    product_id: Mapped[Id | None]  # None for a part that is not kept in stock
    unit_id: Mapped[Id | None]  # a part with a number of its own in stock
    name: Mapped[str] = mapped_column(String(200))
    serial: Mapped[str | None] = mapped_column(String(60))  # of a screen or a battery
    quantity: Mapped[int]
    is_customers: Mapped[bool] = mapped_column(Boolean)  # brought by the customer: no cost, no warranty (rule 68)
    state: Mapped[str] = mapped_column(String(20))
    unit_cost_minor: Mapped[MinorUnits | None]
    unit_price_minor: Mapped[MinorUnits]
    old_part: Mapped[str | None] = mapped_column(String(20))
    reserved_at: Mapped[UtcTime]
    reserved_by: Mapped[Id | None]
    used_at: Mapped[UtcTime | None]
    used_by: Mapped[Id | None]
    returned_at: Mapped[UtcTime | None]


class RepairOutwork(SyncedRow):
    """A device that somebody else mends for us (rule 69)."""

    __tablename__ = "repair_outwork"
    __table_args__ = (*refs("ticket_id:repair_ticket"), look_up("repair_outwork", "ticket_id"))
    __sync__ = Sync(Kind.HOLDING, Stream.SHOP, since=3)

    ticket_id: Mapped[Id]
    shop_id: Mapped[Id]
    sent_to: Mapped[str] = mapped_column(String(200))
    supplier_id: Mapped[Id | None]
    sent_at: Mapped[UtcTime]
    sent_by: Mapped[Id | None]
    due_on: Mapped[LocalDate | None]
    cost_minor: Mapped[MinorUnits | None]  # once it is known
    back_at: Mapped[UtcTime | None]
    back_by: Mapped[Id | None]
    outcome: Mapped[str | None] = mapped_column(String(20))  # repaired or not_repaired


class RepairTransfer(SyncedRow):
    """A device on its way to another branch's bench, or back, with what its ticket there begins from (rule 77)."""

    __tablename__ = "repair_transfer"
    __table_args__ = (
        look_up("repair_transfer", "ticket_id"),
        look_up("repair_transfer", "to_shop_id", "sent_at"),
        look_up("repair_transfer", "from_shop_id", "sent_at"),
    )
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    ticket_id: Mapped[Id]  # of the shop that sends
    number: Mapped[str] = mapped_column(String(40))  # of that ticket
    answers_id: Mapped[Id | None]  # the transfer this one brings back
    from_shop_id: Mapped[Id]
    to_shop_id: Mapped[Id]
    details: Mapped[str] = mapped_column(Text)  # JSON: what the other ticket needs, nothing personal
    cost_minor: Mapped[MinorUnits]  # parts and labour of the bench that sends it back
    sent_at: Mapped[UtcTime]
    sent_by: Mapped[Id | None]


class RepairTransferReceipt(SyncedRow):
    """A device that arrived from another branch. The id follows from the transfer."""

    __tablename__ = "repair_transfer_receipt"
    __table_args__ = (*refs("transfer_id:repair_transfer"), look_up("repair_transfer_receipt", "transfer_id"))
    __sync__ = Sync(Kind.FACT, Stream.TENANT, since=3)

    transfer_id: Mapped[Id]
    shop_id: Mapped[Id]
    ticket_id: Mapped[Id]  # of the shop that received it
    at: Mapped[UtcTime]
    by_id: Mapped[Id | None]


class RepairPasscode(HomeRow):
    """A passcode in the vault: sealed, at this shop alone, gone at delivery. Who looked is written on the ticket."""

    __tablename__ = "repair_passcode"

    ticket_id: Mapped[Id] = mapped_column(primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)
    stored_at: Mapped[UtcTime]
