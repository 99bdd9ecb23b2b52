"""What the API says of repairs, in the seed's names: `repair_number`, `device_brand`, `labor_cost`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.reading import QueryBool
from shopnode.api.shapes import Instant, Paged, Searched
from shopnode.domain.context import Context
from shopnode.domain.params import IdText
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.checklists import Answer, DeviceType
from shopnode.domain.repairs.models import (
    DataConsent,
    OldPart,
    PartState,
    PasscodeWay,
    RepairEventKind,
    RepairPart,
    RepairPriority,
    RepairStatus,
)
from shopnode.domain.repairs.views import InHand, TicketRow, TicketView, ToldRow


class RepairQuery(Searched):
    status: RepairStatus | None = None
    open: Annotated[QueryBool | None, Field(description="Those that have not ended, or those that have.")] = None
    technician_id: IdText | None = None
    mine: Annotated[QueryBool, Field(description="Given to whoever asks.")] = False
    customer_id: IdText | None = None
    late: Annotated[QueryBool, Field(description="Promised for a time that has passed.")] = False


class RepairsOf(Paged):
    """The repairs of one customer, or of one phone."""


class RepairOut(BaseModel):
    """A repair in a list."""

    id: str
    shop_id: str
    repair_number: str
    status: RepairStatus
    priority: RepairPriority
    repair_type: str
    customer_id: str
    customer_name: str
    customer_phone: str | None
    device_id: str | None = Field(description="The phone's identity, where it is known here.")
    device_type: DeviceType
    device_brand: str
    device_model: str
    imei_serial: str | None
    issue_description: str
    technician_id: str | None
    technician_name: str | None
    estimated_cost: int | None
    agreed_cost: int | None = Field(description="What the customer said yes to.")
    paid: int
    estimated_completion: Instant | None
    is_late: bool
    is_editable: bool
    sale_id: str | None
    created_at: Instant
    actual_completion: Instant | None
    delivered_at: Instant | None


class RepairPage(BaseModel):
    items: list[RepairOut]
    next_cursor: str | None


class RepairPartOut(BaseModel):
    id: str
    product_id: str | None
    name: str
    serial: str | None
    quantity: int
    unit_price: int
    unit_cost: int | None = Field(description="For those who may see costs.")
    is_customers: bool
    state: PartState
    old_part: OldPart | None
    reserved_at: Instant
    used_at: Instant | None
    returned_at: Instant | None


class RepairEventOut(BaseModel):
    """Something that happened to a repair."""

    id: str
    kind: RepairEventKind
    old_status: RepairStatus | None
    new_status: RepairStatus | None
    amount: int | None
    staff_name: str | None = Field(description="Whom it was given to.")
    via: str | None
    accepted: bool | None
    has_photo: bool
    notes: str | None
    changed_at: Instant
    changed_by: str | None


class RepairEventPage(BaseModel):
    items: list[RepairEventOut]


class StayOut(BaseModel):
    """One change of status, and how long it stayed so."""

    old_status: RepairStatus | None
    new_status: RepairStatus
    notes: str | None
    changed_at: Instant
    changed_by: str | None
    lasted_minutes: int


class RepairHistory(BaseModel):
    """Every change of status, the oldest first, and the times that follow from them."""

    items: list[StayOut]
    turnaround_minutes: int | None = Field(description="From the counter until it was ready; null while it is not.")
    waiting_for_parts_minutes: int
    waiting_for_approval_minutes: int


class RepairWhole(RepairOut):
    """A repair with all that is known of it; the passcode has an address of its own."""

    colour: str | None
    faults: list[str]
    checklist: dict[str, Answer]
    accessories: list[str]
    water_damage: bool
    opened_before: bool
    passcode_way: PasscodeWay
    data_consent: DataConsent
    terms: str | None
    notes: str | None
    labor_cost: int
    parts_cost: int = Field(description="What the customer pays for parts.")
    diagnosis_fee: int
    storage_fee: int
    actual_cost: int = Field(description="What is asked for when it is fetched.")
    due: int = Field(description="What of it is not paid.")
    cost_to_shop: int | None = Field(description="Parts and others' work, for those who may see costs.")
    warranty_days: int
    rework_of_id: str | None
    claim_id: str | None
    loaner_device_id: str | None
    disputed: list[str]
    parts: list[RepairPartOut]
    next_steps: list[RepairStatus] = Field(description="What the caller may say the status is now.")


class RepairTaken(RepairWhole):
    """A repair that was taken in, with what is printed on its slip."""

    slip_code: str
    slips: list[str] = Field(description="The numbers of the deposits' slips.")


class RepairDelivered(BaseModel):
    """A device that was handed over, and the sale it became; none where nothing was due."""

    repair: RepairWhole
    sale_id: str | None
    sale_number: str | None
    total: int
    paid_before: int
    change: int
    given_back: int
    slip: str | None


class RepairMoneyOut(BaseModel):
    repair: RepairWhole
    slip: str | None
    paid: int


class PasscodeOut(BaseModel):
    passcode: str


class RepairDeposits(BaseModel):
    """Paid for repairs that are not fetched: owed to customers."""

    repairs: int
    owed: int


class InHandOut(BaseModel):
    """What a technician has to do; without one, what nobody has taken yet."""

    technician_id: str | None
    technician_name: str | None
    open: int
    late: int


class InHandPage(BaseModel):
    items: list[InHandOut]


def repair_fields(row: TicketRow) -> dict[str, Any]:
    """A row of a list."""
    ticket = row.ticket
    return {
        "id": ticket.id, "shop_id": ticket.shop_id, "repair_number": ticket.number, "status": ticket.status,
        "priority": ticket.priority, "repair_type": ticket.repair_type, "customer_id": ticket.customer_id,
        "customer_name": row.customer, "customer_phone": row.phone, "device_id": ticket.handset_id,
        "device_type": ticket.device_type, "device_brand": ticket.brand, "device_model": ticket.model,
        "imei_serial": ticket.imei_serial, "issue_description": ticket.issue, "technician_id": ticket.technician_id,
        "technician_name": row.technician, "estimated_cost": ticket.estimate_minor,
        "agreed_cost": ticket.agreed_minor, "paid": row.paid_minor, "estimated_completion": ticket.promised_at,
        "is_late": row.is_late, "is_editable": ticket.is_editable, "sale_id": ticket.sale_id,
        "created_at": ticket.taken_at, "actual_completion": ticket.completed_at,
        "delivered_at": ticket.delivered_at,
    }  # fmt: skip


def whole_fields(ctx: Context, view: TicketView) -> dict[str, Any]:
    """A ticket with everything, as this person may see it."""
    ticket, sees_cost = view.row.ticket, ctx.may(Permission.PRODUCTS_SEE_COST)
    return {
        **repair_fields(view.row), "colour": ticket.colour, "faults": view.faults, "checklist": view.checklist,
        "accessories": view.accessories, "water_damage": ticket.water_damage, "opened_before": ticket.opened_before,
        "passcode_way": ticket.passcode_way, "data_consent": ticket.data_consent, "terms": ticket.terms,
        "notes": ticket.notes, "labor_cost": ticket.labour_minor, "parts_cost": view.parts_minor,
        "diagnosis_fee": ticket.diagnosis_fee_minor, "storage_fee": ticket.storage_fee_minor,
        "actual_cost": view.charges.total_minor, "due": view.due_minor,
        "cost_to_shop": view.cost_minor if sees_cost else None, "warranty_days": ticket.warranty_days,
        "rework_of_id": ticket.rework_of_id, "claim_id": ticket.claim_id, "loaner_device_id": ticket.loaner_unit_id,
        "disputed": view.disputed, "parts": [part_out(part, sees_cost) for part in view.parts],
        "next_steps": view.steps,
    }  # fmt: skip


def part_out(part: RepairPart, sees_cost: bool) -> RepairPartOut:
    return RepairPartOut(
        id=part.id, product_id=part.product_id, name=part.name, serial=part.serial, quantity=part.quantity,
        unit_price=part.unit_price_minor, unit_cost=part.unit_cost_minor if sees_cost else None,
        is_customers=part.is_customers, state=PartState(part.state),
        old_part=OldPart(part.old_part) if part.old_part else None, reserved_at=part.reserved_at,
        used_at=part.used_at, returned_at=part.returned_at,
    )  # fmt: skip


def event_out(told: ToldRow) -> RepairEventOut:
    event = told.event
    return RepairEventOut(
        id=event.id, kind=RepairEventKind(event.kind), old_status=_status(event.old_status),
        new_status=_status(event.new_status), amount=event.amount_minor, staff_name=told.staff, via=event.via,
        accepted=event.accepted, has_photo=event.photo is not None, notes=event.note, changed_at=event.at,
        changed_by=told.by,
    )  # fmt: skip


def history_out(view: TicketView) -> RepairHistory:
    """Changes of status with the stays between them."""
    changes = [told for told in view.told if told.event.new_status]
    return RepairHistory(
        items=[
            StayOut(
                old_status=_status(told.event.old_status), new_status=stay.status, notes=told.event.note,
                changed_at=told.event.at, changed_by=told.by, lasted_minutes=_minutes(stay.lasted(view.now)),
            )
            for told, stay in zip(changes, view.stays, strict=True)
        ],
        turnaround_minutes=None if view.turnaround is None else _minutes(view.turnaround),
        waiting_for_parts_minutes=_minutes(view.waited(RepairStatus.PARTS_ORDERED)),
        waiting_for_approval_minutes=_minutes(view.waited(RepairStatus.WAITING_FOR_APPROVAL)),
    )  # fmt: skip


def in_hand_out(line: InHand) -> InHandOut:
    return InHandOut(technician_id=line.technician_id, technician_name=line.technician, open=line.open, late=line.late)


def _status(word: str | None) -> RepairStatus | None:
    return RepairStatus(word) if word else None


def _minutes(lasted: timedelta) -> int:
    return lasted // timedelta(minutes=1)
