"""Devices: the phones in stock, each by its own numbers. A device here is one stay of a handset in a shop's stock."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.routing import route
from shopnode.api.shapes import TEXT_MAX, Instant, Paged
from shopnode.domain.handsets.actions import Grade, Typed, Word
from shopnode.domain.handsets.models import UnitStatus
from shopnode.domain.handsets.queries import SoldOn, UnitFilter, UnitView, list_units, unit_view
from shopnode.domain.params import Amount, IdText, Line, Params, ShortText
from shopnode.domain.permissions import Permission

NAMES = {"cost_minor": "purchase_price", "colour": "color"}
COLUMNS = {name: field for field, name in NAMES.items()}


class Received(Params):
    """One phone that came in, with the numbers on it."""

    product_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    color: Word = None
    storage: Word = None
    purchase_price: Amount | None = Field(default=None, description="The catalogue's cost when left out.")
    grade: Grade = None
    source: ShortText | None = None


class SoldWith(BaseModel):
    """The sale a phone left with."""

    sale_id: str
    sale_number: str
    sold_at: Instant
    warranty_days: int


class DeviceOut(BaseModel):
    """A phone in stock, or that was. What it cost is there for those who may see it."""

    id: str
    handset_id: str
    product_id: str
    model: str
    imei_serial: str = Field(description="The number people know it by.")
    imei1: str | None
    imei2: str | None
    serial: str | None
    color: str | None
    storage: str | None
    condition: str | None = Field(description="The grade of a used phone.")
    purchase_price: int = Field(default=0, description="Owners only; left out for others.")
    selling_price: int
    status: UnitStatus
    source: str | None
    received_at: Instant
    sale: SoldWith | None
    notes: list[str] = Field(default=[], description="What was mended in the numbers as they were typed.")


class DevicePage(BaseModel):
    items: list[DeviceOut]
    next_cursor: str | None


class DeviceQuery(Paged):
    imei: Annotated[Line, Field(max_length=TEXT_MAX, description="An IMEI or serial, whole.")] = ""
    product_id: IdText | None = None
    status: UnitStatus | None = None


@route("POST", "/devices", action="handsets.receive", status=201)
def receive_device(call: Call, body: Received) -> DeviceOut:
    """Take a phone into stock by its numbers."""
    given = {COLUMNS.get(name, name): value for name, value in body.model_dump(exclude_unset=True).items()}
    result = call.perform(given, names=NAMES).result
    device = _out(unit_view(call.ctx, result["unit_id"]))
    return device.model_copy(update={"notes": result["notes"]}) if result["notes"] else device


@route("GET", "/devices", needs=Permission.DEVICES_READ)
def list_devices(call: Call, query: DeviceQuery) -> DevicePage:
    """List phones, the latest first, or find one by its number."""
    wanted = UnitFilter(query.imei, query.product_id, query.status)
    page = list_units(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return DevicePage(items=[_out(view) for view in page.rows], next_cursor=page.next_cursor)


@route("GET", "/devices/<device_id>", needs=Permission.DEVICES_READ)
def get_device(call: Call, device_id: str) -> DeviceOut:
    """One phone."""
    return _out(unit_view(call.ctx, device_id))


def _out(view: UnitView) -> DeviceOut:
    cost: dict[str, Any] = {} if view.cost_minor is None else {"purchase_price": view.cost_minor}
    return DeviceOut(
        id=view.unit_id, handset_id=view.handset_id, product_id=view.product_id, model=view.product_name,
        imei_serial=view.number, imei1=view.imei1, imei2=view.imei2, serial=view.serial, color=view.colour,
        storage=view.storage, condition=view.grade, selling_price=view.price_minor, status=view.status,
        source=view.source, received_at=view.received_at, sale=_sold_with(view.sold), **cost,
    )  # fmt: skip


def _sold_with(sold: SoldOn | None) -> SoldWith | None:
    if sold is None:
        return None
    return SoldWith(
        sale_id=sold.sale_id, sale_number=sold.number, sold_at=sold.sold_at, warranty_days=sold.warranty_days
    )
