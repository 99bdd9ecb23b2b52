"""The side roads of a repair: others' work, loaners, rework, stolen, bought. What nobody fetches and other branches'
benches have files of their own beside this."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.reading import QueryDay
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.accounts.queries import today_of
from shopnode.domain.params import IdText, Optionally, Params, ShortText
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.buying import BuyingDevice
from shopnode.domain.repairs.loaners import Charging, TakingBack
from shopnode.domain.repairs.models import RepairOutwork
from shopnode.domain.repairs.outwork import ComingBack, Correcting, Outsourcing, find_outwork, is_late, outwork_of
from shopnode.domain.repairs.queries import find_ticket
from shopnode.domain.repairs.rework import Reworking, reworks_by_technician
from shopnode.domain.repairs.stolen import Clearing, Suspecting
from shopnode.domain.stock.days import day_begins, day_ends

WEEKS = 30  # days that are looked at when none are named


class RepairState(BaseModel):
    """Where a repair is now."""

    id: str
    repair_number: str
    status: str
    is_editable: bool
    loaner_device_id: str | None
    storage_fee: int
    warranty_days: int


class OutworkOut(BaseModel):
    """One time it was with somebody else. What it cost is shown to those who may see costs."""

    id: str
    repair_id: str
    sent_to: str
    supplier_id: str | None
    sent_at: Instant
    due_on: date | None
    is_late: bool
    back_at: Instant | None
    outcome: str | None = Field(description="repaired or not_repaired, once it is back.")
    cost: int | None


class OutworkList(BaseModel):
    items: list[OutworkOut]


class LoanerIn(Params):
    """A phone of this shop for as long as the repair takes, and how it looks."""

    device_id: IdText
    notes: Annotated[ShortText | None, Optionally] = None


class LoanerChargeOut(BaseModel):
    """The sale of a lent phone to whoever kept it."""

    repair: RepairState
    sale_id: str
    sale_number: str
    change: int


class ReworkOut(BaseModel):
    """The ticket of work that is done again."""

    repair: RepairState
    slip_code: str
    rework_of: str = Field(description="The number of the first job.")


class DeviceBoughtOut(BaseModel):
    """The purchase a repair became."""

    repair: RepairState
    purchase_id: str
    purchase_number: str
    device_id: str
    paid_out: int
    slip: str | None
    repair_cost: int = Field(description="Of parts and outside work: part of what the device cost.")
    given_back: int = Field(description="Paid for the repair before.")
    notes: list[str]


class ReworkQuery(BaseModel):
    """Which days; the last 30 when none are named."""

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    date_from: QueryDay | None = None
    date_to: QueryDay | None = None


class ReworkCountOut(BaseModel):
    """How much of a technician's work had to be done again. What it cost is shown to those who may see costs."""

    technician_id: str | None
    technician: str
    delivered: int
    reworks: int
    cost: int | None


class ReworkCounts(BaseModel):
    items: list[ReworkCountOut]


@route("GET", "/repairs/<repair_id>/outwork", needs=Permission.REPAIRS_READ)
def list_outwork(call: Call, repair_id: str) -> OutworkList:
    """Every time a device was with somebody else, the first one first."""
    ticket = find_ticket(call.ctx, repair_id)
    return OutworkList(items=[_shown(call, row) for row in outwork_of(call.ctx.session, ticket.id)])


@route("POST", "/repairs/<repair_id>/outwork", action="repairs.send_out", status=201)
def send_out(call: Call, repair_id: str, body: Outsourcing) -> OutworkOut:
    """Give a device to somebody who mends it for us."""
    return _outwork(call, call.perform(_form(repair_id, body)).result["outwork_id"])


@route("POST", "/repairs/<repair_id>/outwork/return", action="repairs.take_back_in")
def take_back_in(call: Call, repair_id: str, body: ComingBack) -> OutworkOut:
    """Take a device back that somebody mended, or could not."""
    return _outwork(call, call.perform(_form(repair_id, body)).result["outwork_id"])


@route("PUT", "/repair-outwork/<outwork_id>", action="repairs.correct_outwork")
def correct_outwork(call: Call, outwork_id: str, body: Correcting) -> OutworkOut:
    """Put right when a device comes back, or what its mending cost."""
    call.perform({"outwork_id": outwork_id, **body.model_dump(exclude_unset=True)})
    return _outwork(call, outwork_id)


@route("POST", "/repairs/<repair_id>/loaner", action="repairs.lend_phone", status=201)
def lend_phone(call: Call, repair_id: str, body: LoanerIn) -> RepairState:
    """Lend the customer a phone from the shelf."""
    form = {"ticket_id": repair_id, "unit_id": body.device_id, "notes": body.notes}
    call.perform(form, names={"unit_id": "device_id"})
    return repair_state(call, repair_id)


@route("POST", "/repairs/<repair_id>/loaner/return", action="repairs.take_loaner_back")
def take_loaner_back(call: Call, repair_id: str, body: TakingBack) -> RepairState:
    """Take the lent phone back, on sale or to be looked at."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/loaner/charge", action="repairs.charge_loaner", status=201, takes_approval=True)
def charge_loaner(call: Call, repair_id: str, body: Charging) -> LoanerChargeOut:
    """Sell the lent phone to the customer who keeps or lost it."""
    done = call.perform(_form(repair_id, body)).result
    return LoanerChargeOut(
        repair=repair_state(call, repair_id), sale_id=done["sale_id"], sale_number=done["sale_number"],
        change=done["change"],
    )  # fmt: skip


@route("POST", "/repairs/<repair_id>/rework", action="repairs.take_in_rework", status=201)
def take_in_rework(call: Call, repair_id: str, body: Reworking) -> ReworkOut:
    """Take a device in again whose repair did not last, under that repair's warranty."""
    done = call.perform(_form(repair_id, body)).result
    return ReworkOut(
        repair=repair_state(call, done["ticket_id"]), slip_code=done["slip_code"], rework_of=done["rework_of"]
    )


@route("GET", "/repair-reworks", needs=Permission.REPAIRS_ASSIGN)
def count_reworks(call: Call, query: ReworkQuery) -> ReworkCounts:
    """How much had to be done again, by whoever had the first job; the costliest first."""
    last = query.date_to or today_of(call.ctx)
    first = query.date_from or date.fromordinal(max(1, last.toordinal() - WEEKS))
    found = reworks_by_technician(call.ctx, day_begins(call.ctx, first), day_ends(call.ctx, last))
    sees_cost = call.ctx.may(Permission.PRODUCTS_SEE_COST)
    return ReworkCounts(items=[
        ReworkCountOut(
            technician_id=one.technician_id, technician=one.technician, delivered=one.delivered, reworks=one.reworks,
            cost=one.cost_minor if sees_cost else None,
        )
        for one in found
    ])  # fmt: skip


@route("POST", "/repairs/<repair_id>/stolen", action="repairs.lock_stolen")
def lock_stolen(call: Call, repair_id: str, body: Suspecting) -> RepairState:
    """Hold a device that was found to be stolen: its ticket is locked, its number blocked in every shop."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/stolen/clear", action="repairs.clear_stolen")
def clear_stolen(call: Call, repair_id: str, body: Clearing) -> RepairState:
    """Let a held device go on from where it was."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/buy", action="repairs.buy_device", status=201, takes_approval=True)
def buy_device(call: Call, repair_id: str, body: BuyingDevice) -> DeviceBoughtOut:
    """Buy a device from whoever left it; the ticket ends as a purchase, and the repair is part of its cost."""
    done = call.perform(_form(repair_id, body)).result
    return DeviceBoughtOut(
        repair=repair_state(call, repair_id), purchase_id=done["purchase_id"], purchase_number=done["number"],
        device_id=done["unit_id"], paid_out=done["paid_out"], slip=done["slip"],
        repair_cost=done["repair_cost"] if call.ctx.may(Permission.PRODUCTS_SEE_COST) else 0,
        given_back=done["given_back"], notes=done["notes"],
    )  # fmt: skip


def repair_state(call: Call, repair_id: str) -> RepairState:
    """Where it is now. Raises NotFound."""
    ticket = find_ticket(call.ctx, repair_id)
    return RepairState(
        id=ticket.id, repair_number=ticket.number, status=ticket.status, is_editable=ticket.is_editable,
        loaner_device_id=ticket.loaner_unit_id, storage_fee=ticket.storage_fee_minor,
        warranty_days=ticket.warranty_days,
    )  # fmt: skip


def _done(call: Call, repair_id: str, body: BaseModel) -> RepairState:
    call.perform(_form(repair_id, body))
    return repair_state(call, repair_id)


def _form(repair_id: str, body: BaseModel) -> dict[str, Any]:
    return {"ticket_id": repair_id, **body.model_dump(exclude_unset=True)}


def _outwork(call: Call, outwork_id: str) -> OutworkOut:
    return _shown(call, find_outwork(call.ctx, outwork_id))


def _shown(call: Call, row: RepairOutwork) -> OutworkOut:
    return OutworkOut(
        id=row.id, repair_id=row.ticket_id, sent_to=row.sent_to, supplier_id=row.supplier_id, sent_at=row.sent_at,
        due_on=row.due_on, is_late=is_late(row, today_of(call.ctx)), back_at=row.back_at, outcome=row.outcome,
        cost=row.cost_minor if call.ctx.may(Permission.PRODUCTS_SEE_COST) else None,
    )  # fmt: skip
