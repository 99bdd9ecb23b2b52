"""Repairs at the counter: the list, one ticket and what can be done with it now. Every act is the domain's.

Taking a device in is `repair_intake.py`. What a ticket's form sends goes to one action each; a refusal comes back
beside the field it is about, and what was typed stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.catalogue.queries import search_products
from shopnode.domain.errors import ShopError
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.repairs.checklists import label_of
from shopnode.domain.repairs.models import DataConsent, OldPart, PasscodeWay, RepairEventKind, RepairStatus
from shopnode.domain.repairs.passcodes import passcode_of
from shopnode.domain.repairs.rules import AT_WORK, READY
from shopnode.domain.repairs.views import TicketFilter, TicketView, ToldRow, list_tickets, ticket_view
from shopnode.domain.sales.rules import METHOD_NAMES
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.screen import drawer_now, gone_to
from shopnode.web.counter.ways import MONEY_WAYS
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import field_errors, on_refusal
from shopnode.web.ui.request import act, is_htmx, read_again

METHODS = [(tender.value, METHOD_NAMES[tender]) for tender in MONEY_WAYS]
SHOWN = [("open", "Here"), ("late", "Late"), ("ready", "To be fetched"), ("mine", "Mine"), ("all", "All")]
VIAS = [("call", "By telephone"), ("in_person", "In person"), ("sms", "By message"), ("email", "By e-mail")]
OLD_PARTS = [("scrapped", "Scrapped"), ("recycled", "Recycled"), ("to_customer", "Given to the customer"),
             ("to_supplier", "Back to its supplier"), ("none", "There was none")]  # fmt: skip
CONSENTS = {"keep": "Data stays: ask before anything that could lose it", "may_be_lost": "Data may be lost",
            "backed_up": "The customer has a backup"}  # fmt: skip
WAYS = {"none": "No passcode needed", "customer_present": "The customer types it", "stored": "Kept in the vault"}
TONES = {"Completed": "good", "Delivered": "good", "Declined": "attention", "Cannot Repair": "attention",
         "Unclaimed": "attention", "Stolen": "refused", "Cancelled": "refused", "Disposed": "refused"}  # fmt: skip
# What usually comes next: its button stands out.
ONWARDS = {
    RepairStatus.PENDING: RepairStatus.DIAGNOSED, RepairStatus.DIAGNOSED: RepairStatus.IN_PROGRESS,
    RepairStatus.PARTS_ORDERED: RepairStatus.IN_PROGRESS, RepairStatus.IN_PROGRESS: RepairStatus.QUALITY_CHECK,
    RepairStatus.QUALITY_CHECK: RepairStatus.COMPLETED,
}  # fmt: skip
TOLD = {
    RepairEventKind.ASSIGNED: "Given to", RepairEventKind.ESTIMATE: "Estimated", RepairEventKind.CHANGED: "Put right",
    RepairEventKind.NOTE: "Note", RepairEventKind.PHOTO: "Photo", RepairEventKind.SIGNATURE: "Signed",
    RepairEventKind.PASSCODE_STORED: "Passcode stored", RepairEventKind.PASSCODE_VIEWED: "Passcode looked at",
    RepairEventKind.PASSCODE_DESTROYED: "Passcode destroyed", RepairEventKind.NOTIFIED: "Customer told",
    RepairEventKind.DISPUTED: "Disputed",
}  # fmt: skip
FIELDS = {
    "status": {"status", "notes"}, "assign": {"technician_id"}, "estimate": {"amount", "notes"},
    "answer": {"amount", "answered_by", "via"}, "deposit": {"amount", "method", "reference"}, "note": {"notes"},
    "notify": {"message", "via"}, "deliver": {"taken_by", "slip_code", "phone", "payments"},
}  # fmt: skip


@bp.get("/repairs")
def repairs() -> str:
    """Repairs, the latest first."""
    shown = request.args.get("show", "open")
    shown = shown if shown in dict(SHOWN) else "open"
    wanted = TicketFilter(
        text=request.args.get("q", ""), is_open=None if shown == "all" else True,
        technician_id=g.ctx.actor.id if shown == "mine" else None, late=shown == "late",
        ready=shown == "ready",
    )  # fmt: skip
    found = list_tickets(g.ctx, wanted, cursor=request.args.get("cursor"))
    asked: dict[str, Any] = {"show": shown, "q": wanted.text}
    next_url = url_for("counter.repairs", **asked, cursor=found.next_cursor) if found.next_cursor else None
    values: dict[str, Any] = {
        "rows": found.rows,
        "next_url": next_url,
        "shown": shown,
        "q": wanted.text,
        "tones": TONES,
    }
    if "cursor" in request.args:
        return part("counter/_repair_rows.html", **values)
    if is_htmx():
        return part("counter/_repairs.html", **values)
    return page("counter/repairs.html", choices=SHOWN, crumbs=[("Repairs", None)], **values)


@bp.get("/repairs/<id:ticket_id>")
def repair(ticket_id: str) -> str:
    """One repair: who, what, how it is, what it costs, and what can be done now."""
    values = _values(ticket_id, {}, {})
    crumbs = [("Repairs", url_for("counter.repairs")), (values["ticket"].number, None)]
    return page("counter/repair.html", crumbs=crumbs, taken=request.args.get("taken") == "1", **values)


def _values(ticket_id: str, typed: dict[str, str], errors: dict[str, str], about: str = "") -> dict[str, Any]:
    view = ticket_view(g.ctx, ticket_id)
    ticket = view.row.ticket
    status = RepairStatus(ticket.status)
    return {
        "phone": show_phone(view.row.phone) if view.row.phone else None, "onwards": ONWARDS.get(status),
        "view": view, "ticket": ticket, "row": view.row, "errors": errors, "typed": typed, "about": about,
        "tones": TONES, "methods": METHODS, "vias": VIAS, "old_parts": OLD_PARTS, "session": drawer_now(),
        "consent": CONSENTS[DataConsent(ticket.data_consent)], "way": WAYS[PasscodeWay(ticket.passcode_way)],
        "technicians": [(person.id, person.name) for person in staff_of_shop(g.ctx.session, str(g.ctx.shop_id))],
        "checks": [(label_of(item), answer) for item, answer in view.checklist.items()],
        "events": [_told(told) for told in reversed(view.told)], "is_at_work": status in (*AT_WORK, "Quality Check"),
        "is_ready": status in READY or status is RepairStatus.UNCLAIMED, "turnaround": _hours(view),
        "may_update": g.ctx.may(Permission.REPAIRS_UPDATE) and ticket.is_editable,
    }  # fmt: skip


def _hours(view: TicketView) -> str | None:
    """How long it took, in words."""
    lasted = view.turnaround
    if lasted is None:
        return None
    hours = int(lasted.total_seconds()) // 3600
    if hours < 1:
        return "less than an hour"
    return f"{hours // 24} days {hours % 24} hours" if hours >= 24 else f"{hours} hours"


def _told(told: ToldRow) -> dict[str, Any]:
    """An event as the timeline tells it."""
    event = told.event
    kind = RepairEventKind(event.kind)
    if kind is RepairEventKind.STATUS:
        words = f"{event.new_status}" if event.old_status else "Taken in"
    elif kind is RepairEventKind.ANSWER:
        words = f"The customer said {'yes' if event.accepted else 'no'} to {event.amount_minor or 0:,}"
    elif kind is RepairEventKind.ESTIMATE:
        words = f"Estimated at {event.amount_minor or 0:,}"
    elif kind is RepairEventKind.ASSIGNED:
        words = f"Given to {told.staff}" if told.staff else "Given to nobody"
    else:
        words = TOLD.get(kind, kind.value.replace("_", " ").capitalize())
    by = f"{words} · {told.by}" if told.by else words
    return {"words": by, "at": event.at, "note": event.note, "tone": TONES.get(event.new_status or "", "")}


@bp.post("/repairs/<id:ticket_id>/status")
def repair_status(ticket_id: str) -> str | Response:
    """One step along the road."""
    return _do(ticket_id, "status", "repairs.change_status", lambda typed: {
        "status": typed.get("status", ""), "notes": typed.get("notes") or None
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/assign")
def repair_assign(ticket_id: str) -> str | Response:
    """To a technician, or to nobody."""
    return _do(ticket_id, "assign", "repairs.assign", lambda typed: {
        "technician_id": typed.get("technician_id") or None
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/estimate")
def repair_estimate(ticket_id: str) -> str | Response:
    """What all of it will cost."""
    return _do(ticket_id, "estimate", "repairs.estimate", lambda typed: {
        "amount": asked_money(typed, "amount"), "notes": typed.get("notes") or None
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/answer")
def repair_answer(ticket_id: str) -> str | Response:
    """What the customer said to it."""
    return _do(ticket_id, "answer", "repairs.answer", lambda typed: {
        "amount": asked_money(typed, "amount"), "accepted": typed.get("accepted") == "yes",
        "via": typed.get("via", ""), "answered_by": typed.get("answered_by", ""),
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/deposit")
def repair_deposit(ticket_id: str) -> str | Response:
    """Money before it is fetched."""
    return _do(ticket_id, "deposit", "repairs.take_deposit", lambda typed: {
        "amount": asked_money(typed, "amount"), "method": typed.get("method", "cash"),
        "reference": typed.get("reference") or None,
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/note")
def repair_note(ticket_id: str) -> str | Response:
    """Words for whoever works on it next."""
    return _do(ticket_id, "note", "repairs.note", lambda typed: {"notes": typed.get("notes", "")})


@bp.post("/repairs/<id:ticket_id>/notify")
def repair_notify(ticket_id: str) -> str | Response:
    """A message to the customer, or that they were called."""
    return _do(ticket_id, "notify", "repairs.notify", lambda typed: {
        "message": typed.get("message", ""), "via": typed.get("via", "sms")
    })  # fmt: skip


@bp.get("/repairs/<id:ticket_id>/parts")
def repair_part_hits(ticket_id: str) -> str:
    """Products that may be the part."""
    wanted = request.args.get("product", "").strip()
    found = search_products(g.ctx, wanted, limit=8).rows if len(wanted) > 1 else []
    hits = [row for row in found if not row.is_serialised]
    return part("counter/_repair_part_hits.html", hits=hits, ticket_id=ticket_id, wanted=wanted)


@bp.post("/repairs/<id:ticket_id>/parts")
def repair_reserve(ticket_id: str) -> str | Response:
    """Keep a part for it."""
    return _do(ticket_id, "part", "repairs.reserve_part", lambda typed: {"product_id": typed.get("product_id", "")})


@bp.post("/repairs/<id:ticket_id>/parts/<id:part_id>/use")
def repair_use_part(ticket_id: str, part_id: str) -> str | Response:
    """It was fitted."""
    return _do(ticket_id, "part", "repairs.use_part", lambda typed: {
        "part_id": part_id, "old_part": typed.get("old_part", OldPart.NONE.value), "serial": typed.get("serial") or None
    })  # fmt: skip


@bp.post("/repairs/<id:ticket_id>/parts/<id:part_id>/return")
def repair_return_part(ticket_id: str, part_id: str) -> str | Response:
    """To the shelf."""
    return _do(ticket_id, "part", "repairs.return_part", lambda typed: {"part_id": part_id})


@bp.post("/repairs/<id:ticket_id>/passcode")
def repair_passcode(ticket_id: str) -> str:
    """The passcode, once the look was written down."""
    act("repairs.look_at_passcode", {"ticket_id": ticket_id}, action_id=posted_action_id(posted()))
    read_again()
    return part("counter/_repair_passcode.html", passcode=passcode_of(g.ctx, ticket_id))


@bp.post("/repairs/<id:ticket_id>/deliver")
def repair_deliver(ticket_id: str) -> str | Response:
    """Hand it over; what is due is paid now."""
    typed = posted()
    on_refusal(lambda error: _drawn(ticket_id, typed, error, "deliver"))
    amount = asked_money(typed, "amount", default=0) or 0
    way = {"method": typed.get("method", "cash"), "amount": amount, "reference": typed.get("reference") or None}
    disputed = (
        [{"item": "Said at the counter", "notes": typed["disputed"]}] if typed.get("disputed", "").strip() else []
    )
    form: dict[str, Any] = {
        "ticket_id": ticket_id, "taken_by": typed.get("taken_by", ""), "slip_code": typed.get("slip_code") or None,
        "phone": typed.get("phone") or None, "payments": [way] if amount else [], "disputed": disputed,
    }  # fmt: skip
    wish = Wish("repairs.deliver", form)

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return _drawn(ticket_id, typed, error, "deliver")

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    act("repairs.deliver", form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.repair", ticket_id=ticket_id))


def _do(ticket_id: str, about: str, name: str, form_of: Callable[[dict[str, str]], dict[str, Any]]) -> str | Response:
    """Do one thing with a ticket and draw it as it is then; refused, with what was typed."""
    typed = posted()
    on_refusal(lambda error: _drawn(ticket_id, typed, error, about))
    form = form_of(typed)
    act(name, form if "part_id" in form else {"ticket_id": ticket_id, **form}, action_id=posted_action_id(typed))
    read_again()
    return part("counter/_repair_body.html", **_values(ticket_id, {}, {}))


def _drawn(ticket_id: str, typed: dict[str, str], error: ShopError, about: str) -> str:
    errors = field_errors(error, FIELDS.get(about, set()))
    if "payments" in errors:
        errors["amount"] = errors.pop("payments")
    return part("counter/_repair_body.html", **_values(ticket_id, typed, errors, about))
