"""Repairs that nobody fetches: who waits for how long, reminders, storage, the final notice, and disposal."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.repair_roads import RepairState, repair_state
from shopnode.api.routing import route
from shopnode.api.shapes import Instant
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.disposal import Disposing
from shopnode.domain.repairs.unclaimed import Reminding, StorageOf, waiting_list


class WaitingOut(BaseModel):
    """A device that waits for its owner."""

    repair_id: str
    repair_number: str
    status: str
    customer_name: str
    device: str
    ready_at: Instant
    reminders: int
    final_notice_at: Instant | None
    storage: int = Field(description="What storage comes to by now.")
    next_step: Literal["remind", "mark_unclaimed", "final_notice", "dispose"] | None


class WaitingList(BaseModel):
    items: list[WaitingOut]


class DisposedOut(BaseModel):
    """What became of a device, and of the money."""

    repair: RepairState
    kept: int = Field(description="Of our bill, out of what was paid and what it brought.")
    lost: int = Field(description="Of our bill, for which there was nothing.")
    owed: int = Field(description="Left over: it is the customer's, as store credit.")
    sale_id: str | None
    device_id: str | None = Field(description="The stock unit, where it was kept.")
    slip: str | None


@route("GET", "/repair-waiting", needs=Permission.REPAIRS_READ)
def list_waiting(call: Call) -> WaitingList:
    """Devices that wait for their owners, the longest first, each with what is to be done about it now."""
    return WaitingList(items=[
        WaitingOut(
            repair_id=one.ticket_id, repair_number=one.number, status=one.status, customer_name=one.customer,
            device=one.device, ready_at=one.ready_at, reminders=one.reminded, final_notice_at=one.noticed_at,
            storage=one.storage_minor, next_step=one.step.value if one.step else None,
        )
        for one in waiting_list(call.ctx)
    ])  # fmt: skip


@route("POST", "/repairs/<repair_id>/remind", action="repairs.remind")
def remind_owner(call: Call, repair_id: str, body: Reminding) -> RepairState:
    """Remind the owner of a device that it waits to be fetched."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/unclaimed", action="repairs.mark_unclaimed", takes_approval=True)
def mark_unclaimed(call: Call, repair_id: str) -> RepairState:
    """Say that nobody comes for a device; earlier than the settings say with a second person."""
    call.perform({"ticket_id": repair_id})
    return repair_state(call, repair_id)


@route("POST", "/repairs/<repair_id>/final-notice", action="repairs.final_notice")
def give_final_notice(call: Call, repair_id: str, body: Reminding) -> RepairState:
    """Tell the owner of an unclaimed device for the last time."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/storage", action="repairs.charge_storage", takes_approval=True)
def charge_storage(call: Call, repair_id: str, body: StorageOf) -> RepairState:
    """Put what storage comes to by now on a ticket."""
    return _done(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/dispose", action="repairs.dispose")
def dispose(call: Call, repair_id: str, body: Disposing) -> DisposedOut:
    """Sell, keep or throw away what nobody fetched; what is left after our bill is the customer's."""
    done = call.perform(_form(repair_id, body)).result
    return DisposedOut(
        repair=repair_state(call, repair_id), kept=done["kept"], lost=done["lost"], owed=done["owed"],
        sale_id=done["sale_id"], device_id=done["unit_id"], slip=done["slip"],
    )  # fmt: skip


def _done(call: Call, repair_id: str, body: BaseModel) -> RepairState:
    call.perform(_form(repair_id, body))
    return repair_state(call, repair_id)


def _form(repair_id: str, body: BaseModel) -> dict[str, Any]:
    return {"ticket_id": repair_id, **body.model_dump(exclude_unset=True)}
