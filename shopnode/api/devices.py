"""Devices: the phones in stock, each by its own numbers. A device here is one stay of a handset in a shop's stock."""

from __future__ import annotations

import io
from typing import Any

from shopnode.api.calls import Call
from shopnode.api.device_shapes import (
    COLUMNS,
    NAMES,
    DeviceChange,
    DeviceFile,
    DeviceOut,
    DevicePage,
    DeviceQuery,
    Gone,
    Imported,
    LifePage,
    Received,
    StatusChange,
    device_out,
    imported,
    life_page,
)
from shopnode.api.repair_shapes import RepairOut, RepairPage, repair_fields
from shopnode.api.routing import route
from shopnode.api.shapes import Paged
from shopnode.domain.errors import Invalid
from shopnode.domain.handsets.describing import IDENTITY, LOOKS
from shopnode.domain.handsets.imports import import_handsets
from shopnode.domain.handsets.queries import UnitFilter, list_units, unit_view
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.views import TicketFilter, list_tickets
from shopnode.web.ui.request import read_again


@route("POST", "/devices", action="handsets.receive", status=201, takes_approval=True)
def receive_device(call: Call, body: Received) -> DeviceOut:
    """Take a phone into stock by its numbers."""
    given = {COLUMNS.get(name, name): value for name, value in body.model_dump(exclude_unset=True).items()}
    result = call.perform(given, names=NAMES).result
    device = device_out(unit_view(call.ctx, result["unit_id"]))
    return device.model_copy(update={"notes": result["notes"]}) if result["notes"] else device


@route("GET", "/devices", needs=Permission.DEVICES_READ)
def list_devices(call: Call, query: DeviceQuery) -> DevicePage:
    """List phones, the latest first, or find one by its number."""
    wanted = UnitFilter(
        query.imei, query.product_id, query.status, query.condition.value if query.condition else None,
        query.supplier_id, query.brand, query.sort,
    )  # fmt: skip
    page = list_units(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return DevicePage(items=[device_out(view) for view in page.rows], next_cursor=page.next_cursor)


@route("POST", "/devices/import", action="handsets.receive")
def import_devices(call: Call, body: DeviceFile) -> Imported:
    """Take a supplier's list into stock, line by line or all or nothing."""
    file = io.BytesIO(body.csv.encode("utf-8", "replace"))
    results = list(import_handsets(call.ctx, file, dry_run=body.dry_run, whole=body.all_or_nothing, source=body.source))
    read_again()
    return imported(results, dry_run=body.dry_run)


@route("GET", "/devices/<device_id>", needs=Permission.DEVICES_READ)
def get_device(call: Call, device_id: str) -> DeviceOut:
    """One phone."""
    return device_out(unit_view(call.ctx, device_id))


@route("PUT", "/devices/<device_id>", action="handsets.correct", takes_approval=True)
def update_device(call: Call, device_id: str, body: DeviceChange) -> DeviceOut:
    """Correct a phone's numbers, with the reason, or write down how it looks."""
    given = {COLUMNS.get(name, name): value for name, value in body.model_dump(exclude_unset=True).items()}
    identity: dict[str, Any] = {name: given[name] for name in IDENTITY if name in given}
    looks: dict[str, Any] = {name: given[name] for name in LOOKS if name in given}
    if not identity and not looks:
        raise Invalid({"body": "names nothing to change"})
    handset_id = unit_view(call.ctx, device_id).handset_id
    if identity:
        why = {"reason": given["reason"]} if "reason" in given else {}
        call.perform({"handset_id": handset_id, **identity, **why}, names=NAMES)
    if looks:
        call.perform({"unit_id": device_id, **looks}, action="handsets.describe", step="looks", names=NAMES)
    return device_out(unit_view(call.ctx, device_id))


@route("DELETE", "/devices/<device_id>", action="handsets.write_off", takes_approval=True)
def write_device_off(call: Call, device_id: str, body: Gone) -> DeviceOut:
    """Take a phone out of stock for good, with the reason. It is written off, not deleted: its life stays."""
    call.perform({"unit_id": device_id, "reason": body.reason})
    return device_out(unit_view(call.ctx, device_id))


@route("POST", "/devices/<device_id>/status", action="handsets.change_status", takes_approval=True)
def change_device_status(call: Call, device_id: str, body: StatusChange) -> DeviceOut:
    """Set a phone aside, lend it, miss it, keep it for somebody, or put it back on sale."""
    call.perform({"unit_id": device_id, **body.model_dump(exclude_unset=True)})
    return device_out(unit_view(call.ctx, device_id))


@route("GET", "/devices/<device_id>/history", needs=Permission.DEVICES_READ)
def device_history(call: Call, device_id: str) -> LifePage:
    """Everything known to have happened to this phone, oldest first, in all its stays."""
    return life_page(call.ctx, unit_view(call.ctx, device_id).handset_id)


@route("GET", "/devices/<device_id>/repairs", needs=Permission.DEVICES_READ)
def device_repairs(call: Call, device_id: str, query: Paged) -> RepairPage:
    """Repairs of this phone in all its stays, the latest first."""
    wanted = TicketFilter(handset_id=unit_view(call.ctx, device_id).handset_id)
    page = list_tickets(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return RepairPage(items=[RepairOut(**repair_fields(row)) for row in page.rows], next_cursor=page.next_cursor)
