"""A ticket on its way: one step along the road, whose work it is, what is put right, what is told to whom."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.handsets.numbers import handsets_by_number, read_scanned
from shopnode.domain.handsets.rules import read_serial
from shopnode.domain.people.models import Staff, StaffPosting
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import row_or_none
from shopnode.domain.repairs.checklists import DeviceType, filled_in
from shopnode.domain.repairs.events import change_status, need_open, tell
from shopnode.domain.repairs.forms import AddNote, Assign, CancelTicket, ChangeStatus, NotifyCustomer, UpdateTicket
from shopnode.domain.repairs.intake import refuse_twice
from shopnode.domain.repairs.models import RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.pictures import keep_photos
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket, paid_so_far, parts_of, price_of_parts
from shopnode.domain.repairs.rules import BY_THEIR_OWN_ACTION, LEFT_BY_THEIR_OWN_ACTION, labour_within
from shopnode.domain.usedphones.blocklist import refuse_blocked

COLUMNS = {
    "device_brand": "brand", "device_model": "model", "issue_description": "issue",
    "estimated_completion": "promised_at", "labor_cost": "labour_minor", "diagnosis_fee": "diagnosis_fee_minor",
}  # fmt: skip
NEEDED = ("device_type", "device_brand", "device_model", "repair_type", "priority", "faults", "issue_description",
          "accessories", "water_damage", "opened_before", "data_consent", "labor_cost", "diagnosis_fee",
          "warranty_days")  # fmt: skip


class NotAgreed(Conflict):
    """Work that the customer has not said yes to (rule 65)."""

    code = "repair-not-agreed"

    def __init__(self, number: str):
        super().__init__(f"The customer has not agreed to a price of repair {number} yet. Write their answer first.")


class MoneyTaken(Conflict):
    code = "repair-paid-for"

    def __init__(self, number: str, paid: int):
        super().__init__(f"{paid:,} were paid for repair {number}. Give that back first.")


def need_agreement(ticket: RepairTicket) -> None:
    """Work begins when the customer said yes to what it costs (rule 65). Raises NotAgreed."""
    if ticket.agreed_minor is None:
        raise NotAgreed(ticket.number)


def refuse_less(ctx: Context, before_minor: int | None, now_minor: int) -> None:
    """What a customer is asked for becomes less by somebody who answers for it. Raises NotPermitted."""
    if before_minor is not None and now_minor < before_minor and not ctx.may(Permission.REPAIRS_COMPLETE):
        raise NotPermitted("Your role does not lower what a repair costs. Ask a supervisor or the owner.")


@action("repairs.change_status", needs=Permission.REPAIRS_UPDATE)
def change_ticket_status(ctx: Context, form: ChangeStatus) -> dict[str, Any]:
    """Take a repair one step along its road. Raises StatusJump, NotPermitted, NotAgreed, PartsWaiting, TicketLocked."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    try:
        new = RepairStatus(form.status)
    except ValueError:
        by_hand = [status for status in RepairStatus if status not in BY_THEIR_OWN_ACTION]
        raise Invalid({"status": f"must be one of {', '.join(by_hand)}"}) from None
    if new in BY_THEIR_OWN_ACTION or ticket.status in LEFT_BY_THEIR_OWN_ACTION:
        of_its_own = new if new in BY_THEIR_OWN_ACTION else ticket.status
        raise Invalid({"status": f"“{of_its_own}” has an action of its own, which asks for more than a word"})
    if new in (RepairStatus.IN_PROGRESS, RepairStatus.COMPLETED):
        need_agreement(ticket)
    change_status(ctx, ticket, new, form.notes)
    return {"ticket_id": ticket.id, "status": ticket.status}


@action("repairs.assign", needs=Permission.REPAIRS_ASSIGN)
def assign(ctx: Context, form: Assign) -> dict[str, Any]:
    """Give a repair to a technician, or take it from them. Raises TicketLocked, Invalid."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    if form.technician_id is not None:
        _need_technician(ctx, form.technician_id)
    ticket.technician_id = form.technician_id
    tell(ctx, ticket, RepairEventKind.ASSIGNED, staff_id=form.technician_id)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id}


@action("repairs.update", needs=Permission.REPAIRS_UPDATE)
def update_ticket(ctx: Context, form: UpdateTicket) -> dict[str, Any]:
    """Put a repair's particulars right while the device is here. Raises TicketLocked, Invalid, ApprovalNeeded."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    given = form.model_dump(exclude_unset=True, exclude={"ticket_id"})
    empty = [name for name in NEEDED if name in given and given[name] is None]
    if empty:
        raise Invalid(dict.fromkeys(empty, "is needed"))
    values = _columns(ctx, ticket, form, given)
    changed = {name: value for name, value in values.items() if getattr(ticket, name) != value}
    for name, value in changed.items():
        setattr(ticket, name, value)
    if changed:
        tell(ctx, ticket, RepairEventKind.CHANGED, note=", ".join(sorted(changed)))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "changed": sorted(changed)}


@action("repairs.cancel", needs=Permission.REPAIRS_DELETE)
def cancel_ticket(ctx: Context, form: CancelTicket) -> dict[str, Any]:
    """Cross out a ticket that was written by mistake; it stays in the books. Raises MoneyTaken, TicketLocked."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    paid = paid_so_far(ctx.session, ticket.id)
    if paid:
        raise MoneyTaken(ticket.number, paid)
    if ticket.loaner_unit_id is not None:
        raise Conflict("The customer has a phone of ours on loan on this ticket. Take it back first.")
    change_status(ctx, ticket, RepairStatus.CANCELLED, form.reason)
    return {"ticket_id": ticket.id, "status": ticket.status}


@action("repairs.notify", needs=Permission.REPAIRS_UPDATE)
def notify_customer(ctx: Context, form: NotifyCustomer) -> dict[str, Any]:
    """Ask for a message to the customer, or write down that they were called. Raises Invalid, TicketLocked."""
    ticket = find_ticket(ctx, form.ticket_id)
    customer = find_customer(ctx.session, ticket.customer_id)
    need_open(ticket)
    reached_by = customer.email if form.via == "email" else customer.phone
    if not reached_by:
        missing = "e-mail address" if form.via == "email" else "telephone number"
        raise Invalid({"via": f"cannot be {form.via}: {customer.name} has no {missing}"})
    event_id = tell(ctx, ticket, RepairEventKind.NOTIFIED, via=form.via, note=form.message)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "event_id": event_id}


@action("repairs.note", needs=Permission.REPAIRS_CREATE)
def add_note(ctx: Context, form: AddNote) -> dict[str, Any]:
    """Write words or photos to a repair, for whoever works on it next. Raises TicketLocked, Invalid."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    if form.notes:
        tell(ctx, ticket, RepairEventKind.NOTE, note=form.notes)
    keep_photos(ctx, ticket, form.photos)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id}


def _need_technician(ctx: Context, staff_id: str) -> None:
    """Somebody who works in this shop. Raises Invalid."""
    person = row_or_none(ctx.session, Staff, staff_id)
    query = select(StaffPosting.id).where(
        StaffPosting.staff_id == staff_id, StaffPosting.shop_id == ctx.shop_id, StaffPosting.archived_at.is_(None)
    )
    is_here = person is not None and ctx.session.scalars(query.limit(1)).first() is not None
    if person is None or not is_here or person.suspended_at is not None or person.archived_at is not None:
        raise Invalid({"technician_id": "is nobody who works in this shop now"})


def _columns(ctx: Context, ticket: RepairTicket, form: UpdateTicket, given: dict[str, Any]) -> dict[str, Any]:
    """What was given, as the ticket keeps it. Raises Invalid, NotPermitted, ApprovalNeeded."""
    values = {COLUMNS.get(name, name): value for name, value in given.items()}
    kind = DeviceType(given.get("device_type", ticket.device_type))
    for name in ("faults", "accessories"):
        if name in values:
            values[name] = orjson.dumps(values[name]).decode()
    if "device_type" in given or "checklist" in given:
        values["checklist"] = _checklist(ticket, kind, given.get("checklist"))
    if form.imei_serial:
        try:
            read = read_scanned(form.imei_serial) if "phone" in kind.value else None
            values["imei_serial"] = (read.imei1 or read.serial) if read else read_serial(form.imei_serial)
        except ValueError as wrong:
            raise Invalid({"imei_serial": str(wrong)}) from None
        refuse_blocked(ctx.session, [str(values["imei_serial"])])
        refuse_twice(ctx, str(values["imei_serial"]), ticket.id)
        known = handsets_by_number(ctx.session, [str(values["imei_serial"])])
        values["handset_id"] = known[0].id if known else None
    if "labour_minor" in values:
        _check_labour(ctx, ticket, values["labour_minor"])
    refuse_less(ctx, ticket.diagnosis_fee_minor, values.get("diagnosis_fee_minor", ticket.diagnosis_fee_minor))
    if values.get("warranty_days", ticket.warranty_days) != ticket.warranty_days and ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"The warranty of this repair becomes {values['warranty_days']} days.")
    return values


def _checklist(ticket: RepairTicket, kind: DeviceType, answers: dict[str, str] | None) -> str:
    """The list with the answers that change; those that were given before stay, where the device has such a thing."""
    before = orjson.loads(ticket.checklist) if kind == ticket.device_type else {}
    try:
        return orjson.dumps(filled_in(kind, {**before, **(answers or {})})).decode()
    except ValueError as wrong:
        raise Invalid({"checklist": str(wrong)}) from None


def _check_labour(ctx: Context, ticket: RepairTicket, labour_minor: int) -> None:
    """Labour stays within what was agreed (rule 65); without an agreement there is nothing to be within."""
    parts = price_of_parts(parts_of(ctx.session, ticket.id))
    if labour_within(ticket.agreed_minor, labour_minor, parts) < labour_minor:
        raise Invalid({"labor_cost": f"brings it above the {ticket.agreed_minor:,} that were agreed: estimate it anew"})
    refuse_less(ctx, ticket.labour_minor, labour_minor)


def _figures(ctx: Context, form: UpdateTicket) -> tuple[int, str]:
    """What the owner is told over the telephone: of which repair."""
    return 0, find_open_ticket(ctx, form.ticket_id).number


register_figures("repairs.update", _figures)
