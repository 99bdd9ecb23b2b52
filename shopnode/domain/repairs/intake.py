"""Taking a device in: one form and one action for everything that is asked at the counter (rule 60).

The customer is found by the telephone number or added by it, the device by its IMEI; the estimate, the deposit, the
passcode, photos and the signature come with it. What is left out is never guessed to be fine.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.context import Context
from shopnode.domain.customers.actions import CreateCustomer, create_customer
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import find_customer, on_the_list
from shopnode.domain.errors import Conflict, Invalid, NotPermitted
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.numbers import handsets_by_number, read_scanned
from shopnode.domain.handsets.rules import read_serial
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.checklists import DeviceType, filled_in
from shopnode.domain.repairs.events import tell
from shopnode.domain.repairs.forms import TakeIn
from shopnode.domain.repairs.models import RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.money import take_money
from shopnode.domain.repairs.passcodes import keep_passcode
from shopnode.domain.repairs.pictures import keep_photos, keep_signature
from shopnode.domain.repairs.queries import THE_CUSTOMER
from shopnode.domain.repairs.rules import OPEN, SLIP_LENGTH, slip_code, terms_for
from shopnode.domain.returns.models import ClaimOutcome, WarrantyClaim
from shopnode.domain.settings.queries import number_setting, text_setting
from shopnode.domain.usedphones.blocklist import refuse_blocked

IMEI_DEVICES = (DeviceType.PHONE, DeviceType.FEATURE_PHONE)


class AlreadyHere(Conflict):
    """This device has an open ticket."""

    code = "already-in-repair"

    def __init__(self, number: str):
        super().__init__(f"This device is here already, on repair {number}. Open that one instead.")


@action("repairs.take_in", needs=Permission.REPAIRS_CREATE)
def take_in(ctx: Context, form: TakeIn) -> dict[str, Any]:
    """Take a device in to be mended: who brings it, how it is, what is agreed and paid; answers the code of the slip.

    Raises Invalid, AlreadyHere, PhoneBlocked, NotPermitted, ApprovalNeeded, DrawerClosed.
    """
    ticket = write_ticket(ctx, form)
    slips = take_money(ctx, ticket, form.deposit)
    ctx.about("repair_ticket", ticket.id)
    return {
        "ticket_id": ticket.id, "number": ticket.number, "slip_code": ticket.slip_code,
        "customer_id": ticket.customer_id, "slips": slips,
    }  # fmt: skip


def write_ticket(ctx: Context, form: TakeIn, **more: Any) -> RepairTicket:
    """The ticket of a device with everything that was told of it, but for money.

    more  columns that another action of this room says: rework_of_id, came_by_id, warranty_days, agreed_minor, …

    Raises Invalid, AlreadyHere, PhoneBlocked, NotPermitted, ApprovalNeeded.
    """
    customer = _customer(ctx, form)
    device = _device(ctx, form)
    refuse_twice(ctx, device["imei_serial"])
    checklist = _checklist(form)
    is_free = form.claim_id is not None
    agreed = form.estimated_cost if form.agreed_via else None
    if is_free:
        _check_claim(ctx, str(form.claim_id))
        agreed = 0
    columns: dict[str, Any] = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "number": next_document_number(ctx, Document.REPAIR),
        "status": RepairStatus.PENDING.value, "priority": form.priority.value, "repair_type": form.repair_type,
        "customer_id": customer.id, **device, "device_type": form.device_type.value,
        "faults": _json(form.faults), "issue": form.issue_description, "checklist": _json(checklist),
        "accessories": _json(form.accessories), "water_damage": form.water_damage,
        "opened_before": form.opened_before, "passcode_way": form.passcode_way.value,
        "data_consent": form.data_consent.value, "terms": _terms(ctx, form),
        "slip_code": slip_code(ctx.home.random(SLIP_LENGTH)), "estimate_minor": form.estimated_cost,
        "agreed_minor": agreed, "labour_minor": agreed or 0, "diagnosis_fee_minor": _fee(ctx, form, is_free),
        "storage_fee_minor": 0, "warranty_days": 0 if is_free else _warranty(ctx, form),
        "promised_at": form.estimated_completion, "taken_at": ctx.now, "taken_by": ctx.actor.id,
        "claim_id": form.claim_id, "notes": form.notes,
    }  # fmt: skip
    ticket = RepairTicket(**{**columns, **more})
    add_rows(ctx.session, ticket)
    _tell_intake(ctx, ticket, form)
    return ticket


def _tell_intake(ctx: Context, ticket: RepairTicket, form: TakeIn) -> None:
    tell(ctx, ticket, RepairEventKind.STATUS, new_status=ticket.status)
    if form.estimated_cost is not None:
        tell(ctx, ticket, RepairEventKind.ESTIMATE, amount_minor=form.estimated_cost)
    if form.agreed_via is not None:
        tell(ctx, ticket, RepairEventKind.ANSWER, amount_minor=form.estimated_cost, accepted=True, via=form.agreed_via,
             note=THE_CUSTOMER)  # fmt: skip
    if form.passcode is not None:
        keep_passcode(ctx, ticket, form.passcode)
    keep_photos(ctx, ticket, form.photos, "As it came")
    if form.signature:
        keep_signature(ctx, ticket, form.signature, "The terms, as they were printed")


def _customer(ctx: Context, form: TakeIn) -> Customer:
    """Who brings it: known by id or by the number, else added by number and name. Raises Invalid, NotFound."""
    if form.customer_id:
        customer = find_customer(ctx.session, form.customer_id)
        customer = find_customer(ctx.session, customer.merged_into) if customer.merged_into else customer
        if customer.erased_at is not None:
            raise Invalid({"customer_id": "was erased at their own wish: take their name and number again"})
        return customer
    query = select(Customer).where(Customer.phone == form.customer_phone, on_the_list()).order_by(Customer.id)
    known = ctx.session.scalars(query.limit(1)).first()
    if known is not None:
        return known
    if not form.customer_name:
        raise Invalid({"customer_name": "is needed: nobody is known by this number yet"})
    if not ctx.may(Permission.CUSTOMERS_CREATE):
        raise NotPermitted("Nobody is known by this number, and your role adds no customers.")
    made = create_customer(ctx, CreateCustomer(name=form.customer_name, phone=form.customer_phone))
    return find_customer(ctx.session, made["id"])


def _device(ctx: Context, form: TakeIn) -> dict[str, Any]:
    """What it is: brand and model of a phone known here follow from its number. Raises Invalid, PhoneBlocked."""
    number, handset_id, brand, model = None, None, form.device_brand, form.device_model
    if form.imei_serial:
        number = _number(form)
        refuse_blocked(ctx.session, [number])
        handset = next(iter(handsets_by_number(ctx.session, [number])), None)
        if handset is not None:
            known = _product_of(ctx, handset)
            handset_id = handset.id
            if known is not None:  # a name begins with its brand: Tecno Spark 40
                brand, model = brand or known.brand or known.name.split()[0], model or known.name
    missing = [name for name, value in (("device_brand", brand), ("device_model", model)) if not value]
    if missing:
        raise Invalid(dict.fromkeys(missing, "is needed: no phone with this number is known here"))
    return {
        "handset_id": handset_id, "brand": brand, "model": model, "colour": form.colour, "imei_serial": number,
    }  # fmt: skip


def _number(form: TakeIn) -> str:
    """A phone's IMEI is checked as everywhere; other devices have serials, and some phones of old, too."""
    typed = form.imei_serial or ""
    try:
        if form.device_type in IMEI_DEVICES:
            numbers = read_scanned(typed)
            return numbers.imei1 or numbers.serial or ""
        return read_serial(typed)
    except ValueError as wrong:
        raise Invalid({"imei_serial": str(wrong)}) from None


def _product_of(ctx: Context, handset: Handset) -> Product | None:
    """As what it was in stock at last."""
    query = (
        select(Product)
        .join(StockUnit, StockUnit.product_id == Product.id)
        .where(StockUnit.handset_id == handset.id)
        .order_by(StockUnit.received_at.desc(), StockUnit.id.desc())
    )
    return ctx.session.scalars(query.limit(1)).first()


def refuse_twice(ctx: Context, number: str | None, beside_id: str | None = None) -> None:
    """One device has one open ticket here. Raises AlreadyHere for another one than `beside_id`."""
    if number is None:
        return
    query = select(RepairTicket.number).where(
        RepairTicket.imei_serial == number, RepairTicket.shop_id == ctx.shop_id,
        RepairTicket.status.in_([status.value for status in OPEN]), RepairTicket.id != (beside_id or ""),
    )  # fmt: skip
    there = ctx.session.scalars(query.limit(1)).first()
    if there is not None:
        raise AlreadyHere(there)


def _checklist(form: TakeIn) -> dict[str, str]:
    answers = {item: answer.value for item, answer in form.checklist.items()}
    try:
        return filled_in(form.device_type, answers, is_dead=form.is_dead)
    except ValueError as wrong:
        raise Invalid({"checklist": str(wrong)}) from None


def _check_claim(ctx: Context, claim_id: str) -> None:
    """A claim that was accepted as one to be mended, and has no ticket yet. Raises NotFound, Invalid."""
    claim = find_row(ctx.session, WarrantyClaim, claim_id, "This warranty claim")
    if claim.outcome != ClaimOutcome.REPAIR.value or claim.shop_id != ctx.shop_id:
        raise Invalid({"claim_id": "is no claim of this shop that is to be mended"})
    query = select(RepairTicket.number).where(RepairTicket.claim_id == claim_id)
    there = ctx.session.scalars(query.where(RepairTicket.status != RepairStatus.CANCELLED.value).limit(1)).first()
    if there is not None:
        raise AlreadyHere(there)


def _fee(ctx: Context, form: TakeIn, is_free: bool) -> int:
    if is_free:
        return 0
    usual = number_setting(ctx.session, "repair_diagnosis_fee_minor")
    return usual if form.diagnosis_fee is None else form.diagnosis_fee


def _warranty(ctx: Context, form: TakeIn) -> int:
    """The days of warranty: as the settings say, unless the owner or a second person says otherwise."""
    key = "repair_water_warranty_days" if form.water_damage else "repair_warranty_days"
    usual = number_setting(ctx.session, key)
    if form.warranty_days is None or form.warranty_days == usual:
        return usual
    if ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"The warranty of this repair is {form.warranty_days} days, and not {usual}.")
    return form.warranty_days


def _terms(ctx: Context, form: TakeIn) -> str | None:
    """The terms as they are printed (rule 64)."""
    return terms_for(
        text_setting(ctx.session, "repair_terms"),
        text_setting(ctx.session, "repair_terms_water") if form.water_damage else "",
        text_setting(ctx.session, "repair_terms_opened") if form.opened_before else "",
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
