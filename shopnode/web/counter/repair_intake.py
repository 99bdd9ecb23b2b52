"""Taking a device in at the counter: one form, from the telephone number to the deposit (rule 60)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, g, request, url_for

from shopnode.domain.customers.queries import find_customer, search_customers
from shopnode.domain.errors import Invalid, ShopError
from shopnode.domain.handsets.queries import unit_by_number_or_none
from shopnode.domain.phones import phone_or_none, show_phone
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.checklists import CHECKLISTS, DeviceType, label_of
from shopnode.domain.repairs.forms import PHOTOS_MAX
from shopnode.domain.repairs.rules import REPAIR_TYPES
from shopnode.domain.returns.models import WarrantyClaim
from shopnode.domain.sales.lookup import find_summary
from shopnode.domain.sales.models import SaleLine
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.days import shop_zone
from shopnode.web.counter.approving import Wish, approval_in, approval_slot, asks_by_telephone, is_about_approval
from shopnode.web.counter.blueprint import bp
from shopnode.web.counter.repair_words import CONSENTS, METHODS, WAYS, shown_errors
from shopnode.web.counter.screen import drawer_now, gone_to
from shopnode.web.ui.forms import asked_money, posted, posted_action_id
from shopnode.web.ui.frame import page, part
from shopnode.web.ui.pictures import allow_pictures, sent_photos, sent_signature
from shopnode.web.ui.refusals import on_refusal
from shopnode.web.ui.request import act

KINDS = [(kind.value, kind.value.replace("_", " ").capitalize()) for kind in DeviceType]
PRIORITIES = [("Normal", "Normal"), ("High", "High"), ("Urgent", "Urgent"), ("Low", "Low")]
AGREED = [("", "Not yet"), ("in_person", "Yes, said here"), ("signature", "Yes, signed the slip")]
LEFT = ["SIM", "SD card", "Case", "Charger"]
FAULTS = ["Broken glass", "No picture", "Touch does not answer", "Does not start", "Does not charge",
          "Battery empties fast", "No sound", "Not heard", "Camera", "No network", "Button", "Was in water",
          "Slow or hangs", "Locked"]  # fmt: skip
TEXTS = (
    "customer_phone",
    "customer_name",
    "device_brand",
    "device_model",
    "colour",
    "imei_serial",
    "passcode",
    "notes",
)
FIELDS = {
    "customer_phone", "customer_name", "device_type", "device_brand", "device_model", "colour", "imei_serial",
    "repair_type", "priority", "issue_description", "passcode", "passcode_way", "data_consent", "estimated_cost",
    "estimated_completion", "deposit", "method", "reference", "notes", "agreed_via", "photos", "signature",
}  # fmt: skip


@bp.get("/repairs/new")
def new_repair() -> str:
    """The empty form."""
    crumbs = [("Repairs", url_for("counter.repairs")), ("Take in", None)]
    claim_id = request.args.get("claim_id")
    return page("counter/repair_new.html", crumbs=crumbs, **_values(_of_claim(claim_id) if claim_id else {}, {}))


def _of_claim(claim_id: str) -> dict[str, str]:
    """What a warranty claim tells of the device that comes in. Raises NotFound."""
    claim = find_row(g.ctx.session, WarrantyClaim, claim_id, "This warranty claim")
    line = find_row(g.ctx.session, SaleLine, claim.sale_line_id, "This line of a sale")
    sale = find_summary(g.ctx, line.sale_id)
    who = find_customer(g.ctx.session, sale.customer_id) if sale.customer_id else None
    return {
        "claim_id": claim.id, "issue_description": claim.reason, "imei_serial": line.imei or "",
        "device_model": "" if line.imei else line.item_name,
        "customer_phone": show_phone(who.phone) if who and who.phone else "", "customer_name": who.name if who else "",
    }  # fmt: skip


@bp.get("/repairs/new/known")
def repair_known() -> str:
    """What is known of this customer and this device, before the rest is typed."""
    told: list[tuple[str, str]] = []
    phone, number = (request.args.get(name, "").strip() for name in ("customer_phone", "imei_serial"))
    e164 = phone_or_none(phone) if phone else None
    if e164:
        rows = search_customers(g.ctx.session, e164, limit=1).rows
        told.append(("person", f"{rows[0].name} is known here." if rows else "New here: type the name."))
    unit = unit_by_number_or_none(g.ctx, number) if number else None
    if unit is not None:
        told.append(("phone", f"{unit.product_name}: this phone is known here."))
    return part("counter/_repair_known.html", told=told)


@bp.get("/repairs/new/checklist")
def repair_checklist() -> str:
    """What is looked at of this kind of device."""
    typed = dict(request.args)
    return part("counter/_repair_checklist.html", checks=checks_of(typed), typed=typed)


@bp.post("/repairs/new")
def take_in_repair() -> str | Response:
    """Take it in, and show the ticket with its slip."""
    allow_pictures(PHOTOS_MAX + 1)
    typed = posted()
    on_refusal(lambda error: _drawn(typed, error))
    wish = Wish("repairs.take_in", _form(typed))

    def refused(error: ShopError) -> str | Response:
        if is_about_approval(error, typed):
            return approval_slot(wish, error, typed)
        return _drawn(typed, error)

    on_refusal(refused)
    if asks_by_telephone(typed):
        return approval_slot(wish, None, typed)
    done = act("repairs.take_in", wish.form, action_id=posted_action_id(typed), approval=approval_in(typed))
    return gone_to(url_for("counter.repair", ticket_id=done.result["ticket_id"], taken=1))


def _form(typed: dict[str, str]) -> dict[str, Any]:
    """What was typed as the action takes it. Raises Invalid."""
    form: dict[str, Any] = {name: typed[name] for name in TEXTS if typed.get(name, "").strip()}
    form |= {
        "device_type": typed.get("device_type", "phone"), "repair_type": typed.get("repair_type", "Other"),
        "priority": typed.get("priority", "Normal"), **condition_form(typed),
        "estimated_cost": asked_money(typed, "estimated_cost"), "agreed_via": typed.get("agreed_via") or None,
        "estimated_completion": promised(typed),
    }  # fmt: skip
    form |= {name: typed.get(name) == "true" for name in ("water_damage", "opened_before")}
    form |= {"claim_id": typed["claim_id"]} if typed.get("claim_id") else {}
    deposit = asked_money(typed, "deposit", default=0) or 0
    if deposit:
        reference = typed.get("reference") or None
        form["deposit"] = [{"method": typed.get("method", "cash"), "amount": deposit, "reference": reference}]
    return form


def condition_form(typed: dict[str, str]) -> dict[str, Any]:
    """What is asked of every device, one that comes again included, with this request's pictures. Raises Invalid."""
    faults = [word for word in FAULTS if typed.get(f"fault_{word}") == "true"]
    return {
        "issue_description": typed.get("issue_description", "").strip() or ", ".join(faults), "faults": faults,
        "passcode_way": typed.get("passcode_way", "none"), "data_consent": typed.get("data_consent", "keep"),
        "checklist": _answers(typed), "is_dead": typed.get("is_dead") == "true",
        "accessories": [word for word in LEFT if typed.get(f"left_{word}") == "true"],
        "photos": sent_photos("photos"), "signature": sent_signature(),
    }  # fmt: skip


def _answers(typed: dict[str, str]) -> dict[str, str]:
    """What was said of each thing on the list; nothing was said of the others."""
    return {name.removeprefix("check_"): says for name, says in typed.items() if name.startswith("check_") and says}


def promised(typed: dict[str, str]) -> str | None:
    """The time that was promised, in the shop's own zone. Raises Invalid."""
    text = typed.get("estimated_completion", "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=shop_zone(g.ctx)).isoformat()
    except ValueError:
        raise Invalid({"estimated_completion": "must be a day and a time"}) from None


def checks_of(typed: dict[str, str]) -> list[tuple[str, str]]:
    kind = typed.get("device_type", "phone")
    items = CHECKLISTS[DeviceType(kind)] if kind in set(DeviceType) else ()
    return [(item, label_of(item)) for item in items]


def condition_values(typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    """What the questions of every device are drawn from."""
    return {
        "typed": typed, "errors": errors, "checks": checks_of(typed), "consents": list(CONSENTS.items()),
        "ways": list(WAYS.items()), "left": LEFT, "faults": FAULTS, "photos_max": PHOTOS_MAX, "priorities": PRIORITIES,
    }  # fmt: skip


def _values(typed: dict[str, str], errors: dict[str, str]) -> dict[str, Any]:
    return {
        **condition_values(typed, errors), "kinds": KINDS, "types": [(word, word) for word in REPAIR_TYPES],
        "agreed": AGREED, "methods": METHODS, "session": drawer_now(),
        "warranty_days": number_setting(g.ctx.session, "repair_warranty_days"),
    }  # fmt: skip


def _drawn(typed: dict[str, str], error: ShopError) -> str:
    return part(
        "counter/_repair_form.html", **_values(typed, shown_errors(error, FIELDS, amount="deposit", payments="deposit"))
    )
