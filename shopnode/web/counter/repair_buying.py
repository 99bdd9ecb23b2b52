"""A device on the bench that the shop buys from its owner (rule 76): the same questions as of any used phone, and who
sells it, on one page. The ticket's own device and its customer stand there already."""

from __future__ import annotations

from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import ShopError
from shopnode.domain.repairs.models import RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket, paid_so_far
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.usedphones.params import PHOTOS_MAX
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_words import BACK_WAYS, shown_errors
from shopnode.web.counter.screen import gone_to
from shopnode.web.counter.selling_phone import ID_TYPES, PAYOUTS, SELLER_PICTURES_MAX, seller_form
from shopnode.web.counter.tradein import FIELDS as PHONE_FIELDS
from shopnode.web.counter.tradein import phone_form, phone_values
from shopnode.web.ui.forms import posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import allow_pictures
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

SELLER = ("name", "phone", "id_type", "id_number", "address", "photos", "signature")
CALLED = {
    **{f"seller.{name}": f"seller_{name}" for name in SELLER}, "payout.reference": "payout_reference",
    "payout.method": "payout_method", "method": "payout_method", "reference": "payout_reference",
}  # fmt: skip
FIELDS = {*PHONE_FIELDS, *CALLED.values(), "deposit_method", "deposit_reference"}


@bp.route("/repairs/<id:ticket_id>/buy", methods=["GET", "POST"])
def buy_repair(ticket_id: str) -> str | Response:
    """Buy the device; the repair ends as a purchase, and what it cost is part of what the phone cost."""
    ticket = find_ticket(g.ctx, ticket_id)
    if request.method == "GET":
        find_open_ticket(g.ctx, ticket_id)
        at = url_for("counter.repair", ticket_id=ticket.id)
        crumbs = [("Repairs", url_for("counter.repairs")), (ticket.number, at), ("Buy it", None)]
        known = {"colour": ticket.colour or "", _number_field(ticket): ticket.imei_serial or ""}
        return page("counter/repair_buying.html", crumbs=crumbs, **_values(ticket, known, {}))
    allow_pictures(SELLER_PICTURES_MAX)
    typed = posted()

    def drawn(error: ShopError) -> str:
        return part("counter/_repair_buying.html", **_values(ticket, typed, shown_errors(error, FIELDS, **CALLED)))

    on_refusal(drawn)
    wish = Wish("repairs.buy_device", _form(ticket, typed))

    def refused(error: ShopError) -> str | Response:
        return approval_slot(wish, error, typed) if is_about_approval(error, typed) else drawn(error)

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act(wish.action, wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("office.phone", unit_id=done.result["unit_id"]))


def _form(ticket: RepairTicket, typed: dict[str, str]) -> dict[str, Any]:
    """What was typed, as the action takes it. Raises Invalid, PhoneBlocked, PhoneOnPlan."""
    payout = {"method": typed.get("payout_method", "cash"), "reference": typed.get("payout_reference", "")}
    return {
        **phone_form(typed, ticket.id), "ticket_id": ticket.id, "seller": seller_form(typed), "payout": payout,
        "deposit_method": typed.get("deposit_method") or None,
        "deposit_reference": typed.get("deposit_reference") or None,
    }  # fmt: skip


def _number_field(ticket: RepairTicket) -> str:
    """An IMEI is digits; whatever else is a serial number."""
    return "imei1" if (ticket.imei_serial or "").isdigit() else "serial"


def _values(ticket: RepairTicket, typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    return {
        **phone_values(typed, errors), "ticket": ticket, "customer": find_customer(g.ctx.session, ticket.customer_id),
        "id_types": ID_TYPES, "payouts": PAYOUTS, "photos": number_setting(g.ctx.session, "used_id_photos"),
        "photos_max": PHOTOS_MAX, "paid_minor": paid_so_far(g.ctx.session, ticket.id), "back_ways": BACK_WAYS,
    }  # fmt: skip
