"""Devices between branches' benches; and the papers of a repair."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.papers import PDF, paper_response
from shopnode.api.reading import QueryBool
from shopnode.api.repair_roads import RepairState, repair_state
from shopnode.api.routing import route
from shopnode.api.shapes import Instant, Paged
from shopnode.documents.repair_papers import delivery_letter, slip_letter
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.benches import (
    Arriving,
    Recalling,
    RepairWay,
    SendingHome,
    SendingToBranch,
    find_way,
    repair_ways,
)
from shopnode.repair_papers import delivery_of, slip_of


class WayQuery(Paged):
    arrived: Annotated[QueryBool | None, Field(description="Those that arrived, or those still on their way.")] = None


class WayOut(BaseModel):
    """One way of a device between two branches. What it cost is shown to those who may see costs."""

    id: str
    repair_id: str = Field(description="The ticket of the branch that sent it.")
    repair_number: str
    is_return: bool
    from_shop_id: str
    from_shop: str
    to_shop_id: str
    to_shop: str
    device: str
    issue_description: str
    cost: int | None
    sent_at: Instant
    received_at: Instant | None
    received_by_shop_id: str | None


class WayPage(BaseModel):
    items: list[WayOut]
    next_cursor: str | None


@route("GET", "/repair-transfers", needs=Permission.REPAIRS_READ)
def list_repair_transfers(call: Call, query: WayQuery) -> WayPage:
    """Devices between branches, the latest first."""
    page = repair_ways(call.ctx, arrived=query.arrived, limit=query.limit, cursor=query.cursor or None)
    return WayPage(items=[_way(call, way) for way in page.rows], next_cursor=page.next_cursor)


@route("GET", "/repair-transfers/<transfer_id>", needs=Permission.REPAIRS_READ)
def get_repair_transfer(call: Call, transfer_id: str) -> WayOut:
    """One way of a device between two branches."""
    return _way(call, find_way(call.ctx, transfer_id))


@route("POST", "/repairs/<repair_id>/transfer", action="repairs.send_to_branch", status=201)
def send_to_branch(call: Call, repair_id: str, body: SendingToBranch) -> WayOut:
    """Send a device to another branch's bench."""
    done = call.perform({"ticket_id": repair_id, **body.model_dump(exclude_unset=True)}).result
    return _way(call, find_way(call.ctx, done["transfer_id"]))


@route("POST", "/repairs/<repair_id>/send-home", action="repairs.send_home", status=201)
def send_home(call: Call, repair_id: str, body: SendingHome) -> WayOut:
    """Send a device back to the branch it came from, with what it cost here."""
    done = call.perform({"ticket_id": repair_id, **body.model_dump(exclude_unset=True)}).result
    return _way(call, find_way(call.ctx, done["transfer_id"]))


@route("POST", "/repair-transfers/<transfer_id>/receive", action="repairs.receive_from_branch", status=201)
def receive_from_branch(call: Call, transfer_id: str, body: Arriving) -> RepairState:
    """Take over a device another branch sent: to be mended here, or home again from its bench."""
    return _ended(call, transfer_id, body)


@route("POST", "/repair-transfers/<transfer_id>/recall", action="repairs.recall_transfer")
def recall_transfer(call: Call, transfer_id: str, body: Recalling) -> RepairState:
    """Take a device back that never arrived at the other bench."""
    return _ended(call, transfer_id, body)


@route("GET", "/repairs/<repair_id>/slip", needs=Permission.REPAIRS_READ, media_type=PDF)
def get_repair_slip(call: Call, repair_id: str) -> Response:
    """What the customer of a repair takes home, on A4, a PDF."""
    return paper_response(slip_letter(slip_of(call.ctx, repair_id)))


@route(
    "GET", "/repairs/<repair_id>/delivery-paper", needs=Permission.REPAIRS_READ, media_type=PDF, other_statuses=(409,)
)
def get_delivery_paper(call: Call, repair_id: str) -> Response:
    """What is signed when a device is handed over, on A4, a PDF; there is none before."""
    return paper_response(delivery_letter(delivery_of(call.ctx, repair_id)))


def _ended(call: Call, transfer_id: str, body: BaseModel) -> RepairState:
    done = call.perform({"transfer_id": transfer_id, **body.model_dump(exclude_unset=True)}).result
    return repair_state(call, done["ticket_id"])


def _way(call: Call, way: RepairWay) -> WayOut:
    fields: dict[str, Any] = {
        "id": way.id, "repair_id": way.ticket_id, "repair_number": way.number, "is_return": way.is_return,
        "from_shop_id": way.from_shop_id, "from_shop": way.from_shop, "to_shop_id": way.to_shop_id,
        "to_shop": way.to_shop, "device": way.device, "issue_description": way.issue, "sent_at": way.sent_at,
        "received_at": way.received_at, "received_by_shop_id": way.received_by_shop_id,
    }  # fmt: skip
    return WayOut(**fields, cost=way.cost_minor if call.ctx.may(Permission.PRODUCTS_SEE_COST) else None)
