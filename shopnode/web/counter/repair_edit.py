"""Putting a repair's particulars right while the device is here: whatever was taken down, and what it costs."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, g, request, url_for

from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket
from shopnode.domain.repairs.rules import REPAIR_TYPES
from shopnode.domain.stock.days import shop_zone
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_intake import FAULTS, KINDS, LEFT, PRIORITIES, promised
from shopnode.web.counter.repair_words import CONSENTS, shown_errors
from shopnode.web.counter.screen import gone_to
from shopnode.web.ui.forms import asked_money, asked_number, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

TEXTS = {
    "device_type": "device_type", "device_brand": "brand", "device_model": "model", "colour": "colour",
    "imei_serial": "imei_serial", "repair_type": "repair_type", "priority": "priority", "issue_description": "issue",
    "data_consent": "data_consent", "notes": "notes",
}  # fmt: skip
MAY_BE_EMPTY = {"colour", "imei_serial", "notes"}
MONEY = {"labor_cost": "labour_minor", "diagnosis_fee": "diagnosis_fee_minor"}
FIELDS = {*TEXTS, *MONEY, "warranty_days", "estimated_completion"}


@bp.route("/repairs/<id:ticket_id>/edit", methods=["GET", "POST"])
def edit_repair(ticket_id: str) -> str | Response:
    """Only what was changed is sent: what is told of it afterwards is what somebody put right."""
    ticket = find_ticket(g.ctx, ticket_id)
    was = _as_typed(ticket)
    if request.method == "GET":
        find_open_ticket(g.ctx, ticket_id)
        at = url_for("counter.repair", ticket_id=ticket.id)
        crumbs = [("Repairs", url_for("counter.repairs")), (ticket.number, at), ("Put right", None)]
        return page("counter/repair_edit.html", crumbs=crumbs, **_values(ticket, was, {}))
    typed = posted()

    def drawn(error: ShopError) -> str:
        return part("counter/_repair_edit.html", **_values(ticket, typed, shown_errors(error, FIELDS)))

    on_refusal(drawn)
    wish = Wish("repairs.update", {"ticket_id": ticket.id, **_changes(ticket, was, typed)})

    def refused(error: ShopError) -> str | Response:
        return approval_slot(wish, error, typed) if is_about_approval(error, typed) else drawn(error)

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    act(wish.action, wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.repair", ticket_id=ticket.id))


def _as_typed(ticket: RepairTicket) -> dict[str, str]:
    """The ticket as the form holds it."""
    promise = ticket.promised_at.astimezone(shop_zone(g.ctx)) if ticket.promised_at else None
    words = {name: getattr(ticket, column) or "" for name, column in TEXTS.items()}
    words |= {name: str(getattr(ticket, column)) for name, column in MONEY.items()}
    words |= {"warranty_days": str(ticket.warranty_days)}
    words |= {"estimated_completion": f"{promise:%Y-%m-%dT%H:%M}" if promise else ""}
    words |= {f"fault_{word}": "true" for word in orjson.loads(ticket.faults)}
    words |= {f"left_{word}": "true" for word in orjson.loads(ticket.accessories)}
    return words | {name: "true" for name in ("water_damage", "opened_before") if getattr(ticket, name)}


def _changes(ticket: RepairTicket, was: dict[str, str], typed: dict[str, str]) -> dict[str, Any]:
    """What was typed otherwise than it stands there. Raises Invalid."""
    texts = {name: typed[name].replace("\r\n", "\n").strip() for name in TEXTS if name in typed}
    read: dict[str, Any] = {
        name: text or (None if name in MAY_BE_EMPTY else "") for name, text in texts.items() if text != was[name]
    }
    for name, column in MONEY.items():
        amount = asked_money(typed, name, default=0)
        read |= {name: amount} if amount != getattr(ticket, column) else {}
    days = asked_number(typed, "warranty_days", default=0)
    read |= {"warranty_days": days} if days != ticket.warranty_days else {}
    if typed.get("estimated_completion", "") != was["estimated_completion"]:
        read["estimated_completion"] = promised(typed)
    read |= {
        name: typed.get(name) == "true" for name in ("water_damage", "opened_before")
        if (typed.get(name) == "true") != getattr(ticket, name)
    }  # fmt: skip
    lists = (("faults", "fault_", FAULTS, ticket.faults), ("accessories", "left_", LEFT, ticket.accessories))
    for name, prefix, offered, kept in lists:
        before = orjson.loads(kept)
        now = [word for word in before if word not in offered or typed.get(prefix + word) == "true"]
        now += [word for word in offered if word not in before and typed.get(prefix + word) == "true"]
        read |= {name: now} if now != before else {}
    return read


def _values(ticket: RepairTicket, typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    return {
        "ticket": ticket, "typed": typed, "errors": errors, "kinds": KINDS, "priorities": PRIORITIES, "faults": FAULTS,
        "left": LEFT, "types": [(word, word) for word in REPAIR_TYPES], "consents": list(CONSENTS.items()),
    }  # fmt: skip
