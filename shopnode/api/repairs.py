"""Repairs: taken in, given to somebody, estimated, mended, handed over. Side roads are in repair_roads."""

from __future__ import annotations

from typing import Any

from flask import Response
from pydantic import BaseModel

from shopnode.api.calls import Call
from shopnode.api.repair_shapes import (
    InHandPage,
    PasscodeOut,
    RepairDelivered,
    RepairDeposits,
    RepairEventPage,
    RepairHistory,
    RepairMoneyOut,
    RepairOut,
    RepairPage,
    RepairQuery,
    RepairTaken,
    RepairWhole,
    event_out,
    history_out,
    in_hand_out,
    repair_fields,
    whole_fields,
)
from shopnode.api.routing import route
from shopnode.domain.errors import NotFound
from shopnode.domain.params import Params
from shopnode.domain.permissions import Permission
from shopnode.domain.photos.rules import MIME
from shopnode.domain.photos.store import photo_or_none
from shopnode.domain.repairs.forms import (
    Answering,
    Assigning,
    Cancelling,
    Changes,
    Delivering,
    Estimating,
    GivingBack,
    Notifying,
    Noting,
    PartKept,
    PartUsed,
    Paying,
    StatusOf,
    TakeIn,
    TellingPasscode,
)
from shopnode.domain.repairs.passcodes import passcode_of
from shopnode.domain.repairs.queries import event_photo, find_ticket
from shopnode.domain.repairs.views import TicketFilter, deposits_owed, list_tickets, ticket_view, told_of, work_in_hand

READ = Permission.REPAIRS_READ


@route("POST", "/repairs", action="repairs.take_in", status=201, takes_approval=True)
def create_repair(call: Call, body: TakeIn) -> RepairTaken:
    """Take a device in: customer, device, faults, condition, estimate and deposit in one call."""
    done = call.perform(body).result
    whole = whole_fields(call.ctx, ticket_view(call.ctx, done["ticket_id"]))
    return RepairTaken(**whole, slip_code=done["slip_code"], slips=done["slips"])


@route("GET", "/repairs", needs=READ)
def list_repairs(call: Call, query: RepairQuery) -> RepairPage:
    """List repairs, the latest first; `q` is a number, a slip's code, an IMEI, or a customer's name or telephone."""
    technician_id = call.ctx.actor.id if query.mine else query.technician_id
    wanted = TicketFilter(query.q, query.status, query.open, technician_id, query.customer_id, late=query.late)
    page = list_tickets(call.ctx, wanted, limit=query.limit, cursor=query.cursor or None)
    return RepairPage(items=[RepairOut(**repair_fields(row)) for row in page.rows], next_cursor=page.next_cursor)


@route("GET", "/repairs/work-in-hand", needs=READ)
def repairs_in_hand(call: Call) -> InHandPage:
    """How much each technician has to do, and how much nobody has taken yet."""
    return InHandPage(items=[in_hand_out(line) for line in work_in_hand(call.ctx)])


@route("GET", "/repairs/deposits", needs=Permission.REPORTS_EXPORT)
def repair_deposits(call: Call) -> RepairDeposits:
    """What is owed to customers for repairs they have paid for and not fetched."""
    found = deposits_owed(call.ctx.session, call.ctx.shop_id)
    return RepairDeposits(repairs=found.repairs, owed=found.owed_minor)


@route("GET", "/repairs/<repair_id>", needs=READ)
def get_repair(call: Call, repair_id: str) -> RepairWhole:
    """One repair."""
    return _whole(call, repair_id)


@route("PUT", "/repairs/<repair_id>", action="repairs.update", takes_approval=True)
def update_repair(call: Call, repair_id: str, body: Changes) -> RepairWhole:
    """Put any of a repair's particulars right while the device is here."""
    return _act(call, repair_id, body)


@route("DELETE", "/repairs/<repair_id>", action="repairs.cancel")
def cancel_repair(call: Call, repair_id: str, body: Cancelling) -> RepairWhole:
    """Cross out a ticket that was written by mistake, while nothing was paid. It stays, cancelled."""
    return _act(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/status", action="repairs.change_status")
def change_repair_status(call: Call, repair_id: str, body: StatusOf) -> RepairWhole:
    """Take a repair one step along its road."""
    return _act(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/assign", action="repairs.assign")
def assign_repair(call: Call, repair_id: str, body: Assigning) -> RepairWhole:
    """Give a repair to a technician, or to nobody."""
    return _act(call, repair_id, body)


@route("GET", "/repairs/<repair_id>/history", needs=READ)
def repair_history(call: Call, repair_id: str) -> RepairHistory:
    """Every change of status, how long each lasted, and how long it took and waited in all."""
    return history_out(ticket_view(call.ctx, repair_id))


@route("GET", "/repairs/<repair_id>/events", needs=READ)
def repair_events(call: Call, repair_id: str) -> RepairEventPage:
    """Everything told of a repair, the oldest first."""
    find_ticket(call.ctx, repair_id)
    return RepairEventPage(items=[event_out(told) for told in told_of(call.ctx, repair_id)])


@route("GET", "/repairs/<repair_id>/events/<event_id>/photo", needs=READ, media_type=MIME)
def repair_photo(call: Call, repair_id: str, event_id: str) -> Response:
    """A photo or a signature, in the shop that took it."""
    name = event_photo(call.ctx.session, find_ticket(call.ctx, repair_id).id, event_id)
    blob = photo_or_none(call.ctx.session, name) if name else None
    if blob is None:
        raise NotFound("This photo")
    return Response(blob.content, content_type=blob.mime or MIME)


@route("POST", "/repairs/<repair_id>/notes", action="repairs.note", status=201)
def add_repair_note(call: Call, repair_id: str, body: Noting) -> RepairEventPage:
    """Write words or photos to a repair, for whoever works on it next."""
    call.perform({"ticket_id": repair_id, **body.model_dump(exclude_unset=True)})
    return repair_events(call, repair_id)


@route("POST", "/repairs/<repair_id>/notify-customer", action="repairs.notify")
def notify_repair_customer(call: Call, repair_id: str, body: Notifying) -> RepairWhole:
    """Ask for a message to the customer, or write down that they were called."""
    return _act(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/estimate", action="repairs.estimate")
def estimate_repair(call: Call, repair_id: str, body: Estimating) -> RepairWhole:
    """Say what all of it will cost, and wait for the customer's answer."""
    return _act(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/answer", action="repairs.answer")
def answer_repair(call: Call, repair_id: str, body: Answering) -> RepairWhole:
    """Write down what the customer said to the estimate: who, and how."""
    return _act(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/parts", action="repairs.reserve_part", status=201)
def reserve_repair_part(call: Call, repair_id: str, body: PartKept) -> RepairWhole:
    """Keep a part for a repair: out of stock, bought for it, or the customer's own."""
    return _act(call, repair_id, body)


@route("POST", "/repair-parts/<part_id>/use", action="repairs.use_part")
def use_repair_part(call: Call, part_id: str, body: PartUsed) -> RepairWhole:
    """Fit a part, and say what became of the old one."""
    done = call.perform({"part_id": part_id, **body.model_dump(mode="json", exclude_unset=True)})
    return _whole(call, done.result["ticket_id"])


@route("POST", "/repair-parts/<part_id>/return", action="repairs.return_part")
def return_repair_part(call: Call, part_id: str) -> RepairWhole:
    """Put a part back on the shelf."""
    return _whole(call, call.perform({"part_id": part_id}).result["ticket_id"])


@route("POST", "/repairs/<repair_id>/deposits", action="repairs.take_deposit", status=201)
def take_repair_deposit(call: Call, repair_id: str, body: Paying) -> RepairMoneyOut:
    """Take money for a repair before it is fetched: owed to the customer until then."""
    return _money(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/give-back", action="repairs.give_back", takes_approval=True)
def give_repair_money_back(call: Call, repair_id: str, body: GivingBack) -> RepairMoneyOut:
    """Give back what was paid for a repair, or a part of it."""
    return _money(call, repair_id, body)


@route("POST", "/repairs/<repair_id>/deliver", action="repairs.deliver", takes_approval=True)
def deliver_repair(call: Call, repair_id: str, body: Delivering) -> RepairDelivered:
    """Hand a device over against its code and what is due: it becomes a sale, and the ticket is locked."""
    done = call.perform({"ticket_id": repair_id, **body.model_dump(exclude_unset=True)}).result
    return RepairDelivered(
        repair=_whole(call, repair_id), sale_id=done["sale_id"], sale_number=done["sale_number"],
        total=done["total"], paid_before=done["paid_before"], change=done["change"], given_back=done["given_back"],
        slip=done["slip"],
    )  # fmt: skip


@route("GET", "/repairs/<repair_id>/passcode", action="repairs.look_at_passcode")
def get_repair_passcode(call: Call, repair_id: str) -> PasscodeOut:
    """The passcode of a device. The look is written down first, with who looked and when."""
    call.perform({"ticket_id": repair_id})
    return PasscodeOut(passcode=passcode_of(call.ctx, repair_id))


@route("PUT", "/repairs/<repair_id>/passcode", action="repairs.store_passcode", status=204)
def store_repair_passcode(call: Call, repair_id: str, body: TellingPasscode) -> None:
    """Seal a passcode that the customer told, in the place of one that was stored before."""
    call.perform({"ticket_id": repair_id, **body.model_dump()})


def _act(call: Call, repair_id: str, body: Params) -> RepairWhole:
    """Do the route's action with what was sent, and answer the ticket as it is then."""
    call.perform({"ticket_id": repair_id, **_sent(body)})
    return _whole(call, repair_id)


def _money(call: Call, repair_id: str, body: Params) -> RepairMoneyOut:
    done = call.perform({"ticket_id": repair_id, **_sent(body)}).result
    return RepairMoneyOut(repair=_whole(call, repair_id), slip=done["slip"], paid=done["paid"])


def _sent(body: BaseModel) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_unset=True)


def _whole(call: Call, repair_id: str) -> RepairWhole:
    return RepairWhole(**whole_fields(call.ctx, ticket_view(call.ctx, repair_id)))
