"""Devices that another branch of the business mends (rule 77): sent with what its ticket there begins from, and back.

A ticket belongs to its shop. So the other branch opens one of its own, for the branch that sent it: parts, labour and
custody stand there, and what it cost comes back with the device and is a cost of the first ticket.

Invariants:
  * A way ends once: the receipt's id follows from the transfer, and of two that both say they have it the first one
    admitted stands.
  * Nothing personal travels: neither name, nor number, nor passcode. The branch that knows the customer
    asks them.
  * Money is taken where the customer is; the other branch delivers to the branch, and bills nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.params import Amount, IdText, Optionally, Params, Reason, ShortText
from shopnode.domain.people.queries import all_shops, find_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.repairs.checklists import Answer, DeviceType
from shopnode.domain.repairs.disposal import check_loose_ends
from shopnode.domain.repairs.events import change_status, tell
from shopnode.domain.repairs.forms import TakeIn
from shopnode.domain.repairs.intake import write_ticket
from shopnode.domain.repairs.models import (
    PartState,
    RepairEventKind,
    RepairPart,
    RepairStatus,
    RepairTicket,
    RepairTransfer,
    RepairTransferReceipt,
)
from shopnode.domain.repairs.queries import cost_of_work, find_open_ticket, find_ticket, parts_of
from shopnode.domain.repairs.rules import ENDED, READY

BACK_TO = {"repaired": RepairStatus.QUALITY_CHECK, "not_repaired": RepairStatus.DIAGNOSED}


class SendingToBranch(Params):
    """Which branch mends it."""

    to_shop_id: IdText
    notes: Annotated[ShortText | None, Optionally] = None


class SendToBranch(SendingToBranch):
    ticket_id: IdText


class Arriving(Params):
    """It is in our hands."""

    notes: Annotated[ShortText | None, Optionally] = None


class ReceiveFromBranch(Arriving):
    transfer_id: IdText


class SendingHome(Params):
    """The work is done, or cannot be done; parts are added to it, labour is named."""

    labor_cost: Amount = Field(default=0, description="What this bench asks the other branch for its work.")
    notes: Annotated[ShortText | None, Optionally] = None


class SendHome(SendingHome):
    ticket_id: IdText


class Recalling(Params):
    """It never left, or came back before it arrived."""

    reason: Reason


class RecallTransfer(Recalling):
    transfer_id: IdText


class WayEnded(Conflict):
    code = "repair-way-ended"

    def __init__(self, number: str):
        super().__init__(f"The device of repair {number} is not on its way any more: it was received, or taken back.")


@dataclass(frozen=True)
class RepairWay:
    """One way of a device between two branches."""

    id: str
    ticket_id: str
    number: str  # of the ticket it is about, in the shop that sent it
    is_return: bool
    from_shop_id: str
    from_shop: str
    to_shop_id: str
    to_shop: str
    device: str
    issue: str
    cost_minor: int
    sent_at: datetime
    received_at: datetime | None
    received_by_shop_id: str | None  # the sender itself, where it was taken back


@action("repairs.send_to_branch", needs=Permission.REPAIRS_UPDATE)
def send_to_branch(ctx: Context, form: SendToBranch) -> dict[str, Any]:
    """Send a device to another branch's bench. Raises TicketLocked, StatusJump, Invalid, NotFound."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    if ticket.came_by_id is not None:
        raise Invalid({"ticket_id": "came from another branch: send it back there, and it may be sent on from there"})
    shop = find_shop(ctx.session, form.to_shop_id)
    if shop.id == ctx.shop_id:
        raise Invalid({"to_shop_id": "is this shop: choose another"})
    if shop.archived_at is not None:
        raise Invalid({"to_shop_id": "is closed: choose another shop"})
    change_status(ctx, ticket, RepairStatus.TRANSFERRED, _said(f"To the bench of {shop.name}", form.notes))
    transfer_id = _send(ctx, ticket, shop.id, _details(ticket, form.notes))
    return {"ticket_id": ticket.id, "transfer_id": transfer_id, "to": shop.name}


@action("repairs.receive_from_branch", needs=Permission.REPAIRS_CREATE)
def receive_from_branch(ctx: Context, form: ReceiveFromBranch) -> dict[str, Any]:
    """Take over a device another branch sent: to be mended here, or home again from its bench.

    Raises WayEnded, AlreadyHere, NotFound.
    """
    transfer = _expected(ctx, form.transfer_id)
    told = orjson.loads(transfer.details)
    _end_way_once(ctx, transfer)
    if transfer.answers_id is not None:
        ticket = _come_home(ctx, transfer, told, form.notes)
    else:
        ticket = _open_here(ctx, transfer, told, form.notes)
    _write_receipt(ctx, transfer, ticket.id)
    ctx.about("repair_ticket", ticket.id)
    return {"transfer_id": transfer.id, "ticket_id": ticket.id, "number": ticket.number, "status": ticket.status}


@action("repairs.send_home", needs=Permission.REPAIRS_UPDATE)
def send_home(ctx: Context, form: SendHome) -> dict[str, Any]:
    """Send a device back to the branch it came from, with what it cost here. Raises TicketLocked, Invalid."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    came = row_or_none(ctx.session, RepairTransfer, ticket.came_by_id) if ticket.came_by_id else None
    if came is None:
        raise Invalid({"ticket_id": "did not come from another branch: deliver it to its customer"})
    if ticket.status not in READY:
        raise Invalid({"ticket_id": f"is {ticket.status}: finish it, or say that it cannot be repaired, first"})
    parts = parts_of(ctx.session, ticket.id)
    check_loose_ends(ticket, parts)
    is_done = ticket.status == RepairStatus.COMPLETED
    cost = cost_of_work(ctx.session, ticket.id, parts) + form.labor_cost
    home = find_shop(ctx.session, came.from_shop_id)
    told = {"outcome": "repaired" if is_done else "not_repaired", "notes": form.notes, "device": _device(ticket)}
    change_status(ctx, ticket, RepairStatus.DELIVERED, _said(f"Back to {home.name}", form.notes))
    ticket.delivered_at, ticket.delivered_by = ctx.now, ctx.actor.id
    transfer_id = _send(ctx, ticket, home.id, told, answers=came, cost_minor=cost)
    return {"ticket_id": ticket.id, "transfer_id": transfer_id, "cost": cost}


@action("repairs.recall_transfer", needs=Permission.REPAIRS_UPDATE)
def recall_transfer(ctx: Context, form: RecallTransfer) -> dict[str, Any]:
    """Take a device back that never arrived at the other bench. Raises WayEnded, NotFound."""
    transfer = find_row(ctx.session, RepairTransfer, form.transfer_id, "This transfer")
    if transfer.from_shop_id != ctx.shop_id or transfer.answers_id is not None:
        raise NotFound("This transfer")
    _end_way_once(ctx, transfer)
    ticket = find_ticket(ctx, transfer.ticket_id)
    change_status(ctx, ticket, RepairStatus.DIAGNOSED, f"Never arrived at the other bench: {form.reason}")
    _write_receipt(ctx, transfer, ticket.id)
    return {"transfer_id": transfer.id, "ticket_id": ticket.id, "status": ticket.status}


def repair_ways(
    ctx: Context, *, arrived: bool | None = None, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[RepairWay]:
    """Devices between branches, the latest first: of this shop, sent or expected. Raises Invalid for a wrong cursor."""
    query = select(RepairTransfer)
    if ctx.shop_id is not None:
        query = query.where(or_(RepairTransfer.from_shop_id == ctx.shop_id, RepairTransfer.to_shop_id == ctx.shop_id))
    if arrived is not None:
        there = select(RepairTransferReceipt.id).where(RepairTransferReceipt.transfer_id == RepairTransfer.id).exists()
        query = query.where(there if arrived else ~there)
    page = latest(ctx.session, query, RepairTransfer.sent_at, RepairTransfer.id, limit, cursor)
    return Page(_ways(ctx.session, page.rows), page.next_cursor)


def find_way(ctx: Context, transfer_id: str) -> RepairWay:
    """One way of a device. Raises NotFound."""
    row = find_row(ctx.session, RepairTransfer, transfer_id, "This transfer")
    if ctx.shop_id is not None and ctx.shop_id not in (row.from_shop_id, row.to_shop_id):
        raise NotFound("This transfer")
    return _ways(ctx.session, [row])[0]


def _send(
    ctx: Context, ticket: RepairTicket, to_shop_id: str, told: dict[str, Any], *,
    answers: RepairTransfer | None = None, cost_minor: int = 0,
) -> str:  # fmt: skip
    row = {
        "id": ctx.new_id(), "ticket_id": ticket.id, "number": ticket.number,
        "answers_id": answers.id if answers else None, "from_shop_id": ctx.shop_id, "to_shop_id": to_shop_id,
        "details": orjson.dumps(told).decode(), "cost_minor": cost_minor, "sent_at": ctx.now, "sent_by": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, RepairTransfer, [row])
    ctx.about("repair_ticket", ticket.id)
    return str(row["id"])


def _details(ticket: RepairTicket, notes: str | None) -> dict[str, Any]:
    """What the other bench needs. `customer_id` names nobody by itself."""
    return {
        "customer_id": ticket.customer_id, "device_type": ticket.device_type, "brand": ticket.brand,
        "model": ticket.model, "colour": ticket.colour, "imei_serial": ticket.imei_serial,
        "repair_type": ticket.repair_type, "priority": ticket.priority, "faults": orjson.loads(ticket.faults),
        "checklist": orjson.loads(ticket.checklist), "accessories": orjson.loads(ticket.accessories),
        "issue": ticket.issue, "water_damage": ticket.water_damage, "opened_before": ticket.opened_before,
        "data_consent": ticket.data_consent, "device": _device(ticket), "notes": notes,
    }  # fmt: skip


def _device(ticket: RepairTicket) -> str:
    return f"{ticket.brand} {ticket.model}"


def _expected(ctx: Context, transfer_id: str) -> RepairTransfer:
    transfer = find_row(ctx.session, RepairTransfer, transfer_id, "This transfer")
    if transfer.to_shop_id != ctx.shop_id:
        raise NotFound("This transfer")
    return transfer


def _end_way_once(ctx: Context, transfer: RepairTransfer) -> None:
    if row_or_none(ctx.session, RepairTransferReceipt, receipt_id(transfer.id)) is not None:
        raise WayEnded(transfer.number)


def _write_receipt(ctx: Context, transfer: RepairTransfer, ticket_id: str) -> None:
    row = {
        "id": receipt_id(transfer.id), "transfer_id": transfer.id, "shop_id": ctx.shop_id, "ticket_id": ticket_id,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, RepairTransferReceipt, [row])


def _open_here(ctx: Context, transfer: RepairTransfer, told: dict[str, Any], notes: str | None) -> RepairTicket:
    """A ticket of this bench, for the branch that sent the device: no price, no fee, no warranty of its own."""
    checklist = {item: Answer(answer) for item, answer in told["checklist"].items()}
    words = "\n".join(part for part in (f"{transfer.number} of the other branch", told.get("notes"), notes) if part)
    form = TakeIn.model_construct(
        **TakeIn(
            customer_id=told["customer_id"], device_type=DeviceType(told["device_type"]), device_brand=told["brand"],
            device_model=told["model"], colour=told["colour"], imei_serial=told["imei_serial"],
            repair_type=told["repair_type"], priority=told["priority"], faults=told["faults"],
            issue_description=told["issue"], checklist=checklist, accessories=told["accessories"],
            water_damage=told["water_damage"], opened_before=told["opened_before"], data_consent=told["data_consent"],
            notes=words,
        ).__dict__
    )  # fmt: skip
    return write_ticket(
        ctx, form, came_by_id=transfer.id, estimate_minor=None, agreed_minor=0, labour_minor=0, diagnosis_fee_minor=0,
        warranty_days=0,
    )  # fmt: skip


def _come_home(ctx: Context, transfer: RepairTransfer, told: dict[str, Any], notes: str | None) -> RepairTicket:
    """Our own ticket goes on, and bears what the other bench's parts and work cost."""
    went = find_row(ctx.session, RepairTransfer, transfer.answers_id or "", "The way it went by")
    ticket = find_ticket(ctx, went.ticket_id)
    outcome: Literal["repaired", "not_repaired"] = told["outcome"]
    shop = find_shop(ctx.session, transfer.from_shop_id)
    said = _said(f"{'Mended' if outcome == 'repaired' else 'Not mended'} at {shop.name}", told.get("notes"), notes)
    if ticket.status == RepairStatus.TRANSFERRED:
        change_status(ctx, ticket, BACK_TO[outcome], said)
    else:  # it was thought to be here already, or its ticket ended meanwhile: the device is in our hands all the same
        tell(ctx, ticket, RepairEventKind.NOTE, note=said)
    if transfer.cost_minor and ticket.status not in ENDED:
        part = RepairPart(
            id=ctx.new_id(), ticket_id=ticket.id, shop_id=ticket.shop_id, name=f"Bench of {shop.name}"[:200],
            quantity=1, is_customers=False, state=PartState.USED.value, unit_cost_minor=transfer.cost_minor,
            unit_price_minor=0, reserved_at=ctx.now, reserved_by=ctx.actor.id, used_at=ctx.now, used_by=ctx.actor.id,
        )  # fmt: skip
        add_rows(ctx.session, part)
        tell(ctx, ticket, RepairEventKind.NOTE, amount_minor=transfer.cost_minor, note=f"Cost at {shop.name}")
    return ticket


def receipt_id(transfer_id: str) -> str:
    return act_id("repair-arrival", transfer_id)


def _ways(session: Session, rows: list[RepairTransfer]) -> list[RepairWay]:
    shops = {shop.id: shop.name for shop in all_shops(session)}
    query = select(RepairTransferReceipt).where(RepairTransferReceipt.transfer_id.in_([row.id for row in rows]))
    ends = {end.transfer_id: end for end in session.scalars(query)} if rows else {}
    found = []
    for row in rows:
        told, end = orjson.loads(row.details), ends.get(row.id)
        found.append(RepairWay(
            row.id, row.ticket_id, row.number, row.answers_id is not None, row.from_shop_id,
            shops.get(row.from_shop_id, ""), row.to_shop_id, shops.get(row.to_shop_id, ""), told.get("device", ""),
            told.get("issue", ""), row.cost_minor, row.sent_at, end.at if end else None, end.shop_id if end else None,
        ))  # fmt: skip
    return found


def _said(*words: str | None) -> str:
    return ". ".join(part for part in words if part)
