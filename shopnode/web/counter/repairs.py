"""One repair at the counter and what can be done with it now. Every act is the domain's.

Taking a device in is `repair_intake.py`; side roads are in `repair_roads.py`. What a ticket's form sends goes to one
action each; a refusal comes back beside the field it is about, and what was typed stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.catalogue.queries import search_products
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.people.queries import staff_of_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.phones import show_phone
from shopnode.domain.repairs.checklists import label_of
from shopnode.domain.repairs.forms import PHOTOS_MAX
from shopnode.domain.repairs.models import DataConsent, OldPart, PasscodeWay, RepairStatus
from shopnode.domain.repairs.passcodes import passcode_of
from shopnode.domain.repairs.queries import event_photo, find_ticket
from shopnode.domain.repairs.rework import NoRework, days_left
from shopnode.domain.repairs.rules import AT_WORK, READY
from shopnode.domain.repairs.views import TicketView, ticket_view
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_words import (
    ANSWERS,
    BACK_WAYS,
    CONSENTS,
    METHODS,
    OLD_PARTS,
    ONWARDS,
    WAYS,
    shown_errors,
)
from shopnode.web.counter.screen import drawer_now, gone_to
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import allow_pictures, kept_photo, sent_photos, sent_signature
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.repairs import TONES, told_event
from shopnode.web.ui.request import act, is_htmx, read_again

FIELDS = {
    "status": {"status", "notes"}, "assign": {"technician_id"}, "estimate": {"amount", "notes"},
    "answer": {"amount", "answered_by", "via", "signature"}, "deposit": {"amount", "method", "reference"},
    "note": {"notes", "photos"}, "notify": {"message", "via"},
    "bring": {"name", "quantity", "serial", "unit_cost", "unit_price"},
    "deliver": {"taken_by", "slip_code", "phone", "amount", "method", "reference", "signature", "refund_method",
                "refund_reference", "disputed"},
}  # fmt: skip


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
        "tones": TONES, "methods": METHODS, "vias": ANSWERS, "old_parts": OLD_PARTS, "session": drawer_now(),
        "consent": CONSENTS[DataConsent(ticket.data_consent)], "way": WAYS[PasscodeWay(ticket.passcode_way)],
        "technicians": [(person.id, person.name) for person in staff_of_shop(g.ctx.session, str(g.ctx.shop_id))],
        "checks": [(label_of(item), answer) for item, answer in view.checklist.items()],
        "events": [told_event(told) for told in reversed(view.told)],
        "is_at_work": status in (*AT_WORK, RepairStatus.QUALITY_CHECK),
        "is_ready": status in READY or status is RepairStatus.UNCLAIMED, "turnaround": _hours(view),
        "may_update": g.ctx.may(Permission.REPAIRS_UPDATE) and ticket.is_editable, "photos_max": PHOTOS_MAX,
        "pictures": [told.event for told in view.told if told.event.photo], "warranty_left": _warranty_left(view),
        "too_much_minor": max(0, view.row.paid_minor - view.charges.total_minor), "back_ways": BACK_WAYS,
        "first": find_ticket(g.ctx, ticket.rework_of_id) if ticket.rework_of_id else None,
    }  # fmt: skip


def _warranty_left(view: TicketView) -> int:
    """For how many days its work is still answered for."""
    try:
        return days_left(g.ctx, view.row.ticket)
    except NoRework:
        return 0


def _hours(view: TicketView) -> str | None:
    """How long it took, in words."""
    lasted = view.turnaround
    if lasted is None:
        return None
    hours = int(lasted.total_seconds()) // 3600
    if hours < 1:
        return "less than an hour"
    return f"{hours // 24} days {hours % 24} hours" if hours >= 24 else f"{hours} hours"


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
    allow_pictures(1)
    return _do(ticket_id, "answer", "repairs.answer", lambda typed: {
        "amount": asked_money(typed, "amount"), "accepted": typed.get("accepted") == "yes",
        "via": typed.get("via", ""), "answered_by": typed.get("answered_by", ""), "signature": sent_signature(),
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
    """Words or photos for whoever works on it next."""
    allow_pictures(PHOTOS_MAX)
    return _do(ticket_id, "note", "repairs.note", lambda typed: {
        "notes": typed.get("notes") or None, "photos": sent_photos("photos")
    })  # fmt: skip


@bp.get("/repairs/<id:ticket_id>/photos/<id:event_id>")
def repair_photo(ticket_id: str, event_id: str) -> Response:
    """A photo or a signature of it."""
    return kept_photo(event_photo(g.ctx.session, find_ticket(g.ctx, ticket_id).id, event_id))


@bp.post("/repairs/<id:ticket_id>/label")
def print_repair_label(ticket_id: str) -> str | Response:
    """The label that sticks to the device, as often as it is asked for."""
    typed = posted()
    form = {"repair_ids": [find_ticket(g.ctx, ticket_id).id], "paper": typed.get("paper", "receipt")}
    act("printing.print_labels", form, action_id=posted_action_id(typed))
    return part("office/_slip_state.html") if is_htmx() else gone_to(url_for("counter.repair", ticket_id=ticket_id))


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


@bp.post("/repairs/<id:ticket_id>/parts/named")
def repair_bring_part(ticket_id: str) -> str | Response:
    """A part that is not in stock: the customer brought it, or it was bought for this repair."""
    return _do(ticket_id, "bring", "repairs.reserve_part", _named_part)


def _named_part(typed: dict[str, str]) -> dict[str, Any]:
    """Raises Invalid."""
    is_customers = typed.get("whose") == "customer"
    form: dict[str, Any] = {
        "name": typed.get("name", ""), "serial": typed.get("serial") or None, "is_customers": is_customers,
        "quantity": asked_number(typed, "quantity", default=1),
    }  # fmt: skip
    missing = {} if form["name"].strip() else {"name": "is needed: what is it"}
    if not is_customers:
        form |= {name: asked_money(typed, name) for name in ("unit_cost", "unit_price")}
        missing |= {name: "is needed" for name in ("unit_cost", "unit_price") if form[name] is None}
    if missing:
        raise Invalid(missing)
    return form


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
    allow_pictures(1)
    typed = posted()
    on_refusal(lambda error: _drawn(ticket_id, typed, error, "deliver"))
    wish = Wish("repairs.deliver", {"ticket_id": ticket_id, **_handing_over(typed)})

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return _drawn(ticket_id, typed, error, "deliver")

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    act("repairs.deliver", wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.repair", ticket_id=ticket_id))


def _handing_over(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the action takes it. Raises Invalid."""
    amount = asked_money(typed, "amount", default=0) or 0
    way = {"method": typed.get("method", "cash"), "amount": amount, "reference": typed.get("reference") or None}
    said = typed.get("disputed", "").strip()
    return {
        "taken_by": typed.get("taken_by", ""), "slip_code": typed.get("slip_code") or None,
        "phone": typed.get("phone") or None, "payments": [way] if amount else [],
        "disputed": [{"item": "Said at the counter", "notes": said}] if said else [],
        "refund_method": typed.get("refund_method") or None, "refund_reference": typed.get("refund_reference") or None,
        "signature": sent_signature(),
    }  # fmt: skip


def _do(ticket_id: str, about: str, name: str, form_of: Callable[[dict[str, str]], dict[str, Any]]) -> str | Response:
    """Do one thing with a ticket and draw it as it is then; refused, with what was typed."""
    typed = posted()
    on_refusal(lambda error: _drawn(ticket_id, typed, error, about))
    form = form_of(typed)
    act(name, form if "part_id" in form else {"ticket_id": ticket_id, **form}, action_id=posted_action_id(typed))
    read_again()
    return part("counter/_repair_body.html", **_values(ticket_id, {}, {}))


def _drawn(ticket_id: str, typed: dict[str, str], error: ShopError, about: str) -> str:
    errors = shown_errors(error, FIELDS.get(about, set()), payments="amount")
    return part("counter/_repair_body.html", **_values(ticket_id, typed, errors, about))
