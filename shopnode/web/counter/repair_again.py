"""A device that comes again under its repair's warranty (rule 73): what is asked is how it is today, and no price."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.forms import PHOTOS_MAX
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.queries import find_ticket
from shopnode.domain.repairs.rework import days_left
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_intake import condition_form, condition_values, promised
from shopnode.web.counter.repair_words import shown_errors
from shopnode.web.counter.screen import gone_to
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import allow_pictures
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

FIELDS = {
    "issue_description", "priority", "passcode_way", "passcode", "data_consent", "estimated_completion", "notes",
    "photos", "signature",
}  # fmt: skip


@bp.route("/repairs/<id:ticket_id>/again", methods=["GET", "POST"])
def rework_repair(ticket_id: str) -> str | Response:
    """Take it in again, and show the new ticket with its slip."""
    first = find_ticket(g.ctx, ticket_id)
    if request.method == "GET":
        days_left(g.ctx, first)  # where nothing is left of the warranty, it is said before anything is typed
        crumbs = [("Repairs", url_for("counter.repairs")), (first.number, _ticket_url(first)), ("Again", None)]
        return page("counter/repair_again.html", crumbs=crumbs, **_values(first, {}, {}))
    allow_pictures(PHOTOS_MAX + 1)
    typed = posted()

    def drawn(error: ShopError) -> str:
        return part("counter/_repair_again.html", **_values(first, typed, shown_errors(error, FIELDS)))

    on_refusal(drawn)
    form = {
        "ticket_id": first.id, **condition_form(typed), "priority": typed.get("priority", "High"),
        "estimated_completion": promised(typed), "notes": typed.get("notes") or None,
        "passcode": typed.get("passcode") or None,
    }  # fmt: skip
    done = act("repairs.take_in_rework", form, action_id=posted_action_id(typed))
    return gone_to(url_for("counter.repair", ticket_id=done.result["ticket_id"], taken=1))


def _values(first: RepairTicket, typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    kind = {**typed, "device_type": first.device_type}
    left = days_left(g.ctx, first)
    return {**condition_values(kind, errors), "first": first, "warranty_left": left}


def _ticket_url(ticket: RepairTicket) -> str:
    return url_for("counter.repair", ticket_id=ticket.id)
