"""The papers of a repair: where the books meet slip, label and delivery paper. Nothing is said that they do not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.documents.escpos import Paper
from shopnode.documents.label import Label
from shopnode.documents.repair_papers import DeliveryPaper, LeftDevice, RepairSlip, RepairWork, repair_label
from shopnode.documents.repair_slips import delivery_slip_bytes, repair_slip_bytes
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.db import Base
from shopnode.domain.errors import Conflict
from shopnode.domain.money import exponent
from shopnode.domain.people.models import Shop
from shopnode.domain.people.queries import currency_of, names_of
from shopnode.domain.phones import show_phone
from shopnode.domain.queries import row_or_none
from shopnode.domain.repairs.checklists import Answer, label_of
from shopnode.domain.repairs.following import PATH, public_code
from shopnode.domain.repairs.models import (
    DataConsent,
    OldPart,
    PartState,
    PasscodeWay,
    RepairEventKind,
    RepairPart,
    RepairStatus,
    RepairTicket,
)
from shopnode.domain.repairs.queries import charges_for, events_of, find_ticket, paid_so_far, parts_of
from shopnode.domain.repairs.rules import READY
from shopnode.domain.sales.models import SaleSummary
from shopnode.papers import Whose, day_text, whose
from shopnode.receipts import local_time

FOUND_WORDS = {Answer.OK: "OK", Answer.FAULT: "Fault", Answer.NOT_TESTED: "Could not test"}
PASSCODE_WORDS = {
    PasscodeWay.NONE: "None left", PasscodeWay.CUSTOMER_PRESENT: "You type it when it is needed",
    PasscodeWay.STORED: "Left with us, sealed",
}  # fmt: skip
CONSENT_WORDS = {
    DataConsent.BACKED_UP: "You have a copy of it", DataConsent.MAY_BE_LOST: "It may be lost, as you agreed",
    DataConsent.KEEP: "We ask you before we do anything that could lose it",
}  # fmt: skip
OLD_PART_WORDS = {
    OldPart.TO_CUSTOMER: "Old part given back", OldPart.RECYCLED: "Old part recycled",
    OldPart.SCRAPPED: "Old part thrown away", OldPart.TO_SUPPLIER: "Old part sent to the supplier",
}  # fmt: skip
OUTCOME_WORDS = {RepairStatus.DECLINED: "Not repaired, as you asked", RepairStatus.CANNOT_REPAIR: "Not repaired"}


class NotDelivered(Conflict):
    code = "repair-not-delivered"

    def __init__(self, number: str):
        super().__init__(f"Repair {number} was not handed over yet. Its paper is printed when it is.")


def slip_of(ctx: Context, ticket_id: str) -> RepairSlip:
    """What the customer of a ticket takes home. Raises NotFound."""
    ticket = find_ticket(ctx, ticket_id)
    at, currency = whose(ctx.session, ticket.shop_id), currency_of(ctx.session)
    name, phone = _customer(ctx.session, ticket)
    checks = orjson.loads(ticket.checklist).items()
    warnings = [words for words, holds in (("Water damage", ticket.water_damage), ("Opened before",
                                            ticket.opened_before)) if holds]  # fmt: skip
    return RepairSlip(
        at.heading, ticket.number, f"{ticket.slip_code[:5]}-{ticket.slip_code[5:]}",
        local_time(ticket.taken_at, at.zone), _person(ctx.session, ticket.taken_by), name, _device(ticket),
        ticket.issue, tuple(orjson.loads(ticket.faults)),
        tuple((label_of(item), FOUND_WORDS[Answer(found)]) for item, found in checks),
        tuple(orjson.loads(ticket.accessories)), tuple(warnings), phone,
        PASSCODE_WORDS[PasscodeWay(ticket.passcode_way)], CONSENT_WORDS[DataConsent(ticket.data_consent)],
        local_time(ticket.promised_at, at.zone) if ticket.promised_at else "",
        ticket.estimate_minor,
        paid_so_far(ctx.session, ticket.id), ticket.diagnosis_fee_minor, ticket.terms or "",
        follow_url(ctx.session, ticket), currency, exponent(currency),
    )  # fmt: skip


def ticket_labels(session: Session, ids: Collection[str], shop_name: str) -> dict[str, Label]:
    """The labels of devices while they are here, by their tickets."""
    if not ids:
        return {}
    query = select(RepairTicket, Shop.timezone).join(Shop, Shop.id == RepairTicket.shop_id)
    return {
        ticket.id: repair_label(
            shop_name, f"{ticket.brand} {ticket.model}", ticket.number,
            ", ".join(orjson.loads(ticket.faults)) or ticket.issue, _ready_by(ticket, ZoneInfo(timezone)),
        )
        for ticket, timezone in session.execute(query.where(RepairTicket.id.in_(ids)))
    }  # fmt: skip


def _ready_by(ticket: RepairTicket, zone: ZoneInfo) -> str:
    """The promise as the bench reads it from afar: "25 Nov, 17:00"."""
    if ticket.promised_at is None:
        return ""
    promised = ticket.promised_at.astimezone(zone)
    return f"{promised.day} {promised:%b, %H:%M}"


def delivery_of(ctx: Context, ticket_id: str) -> DeliveryPaper:
    """What was handed over, to whom, for how much. Raises NotDelivered, NotFound."""
    ticket = find_ticket(ctx, ticket_id)
    if ticket.status != RepairStatus.DELIVERED or ticket.delivered_at is None:
        raise NotDelivered(ticket.number)
    at, currency = whose(ctx.session, ticket.shop_id), currency_of(ctx.session)
    events = events_of(ctx.session, ticket.id)
    name, _ = _customer(ctx.session, ticket)
    disputes = [event.note or "" for event in events if event.kind == RepairEventKind.DISPUTED]
    last = next(event for event in reversed(events) if event.new_status == RepairStatus.DELIVERED)
    was = next((event.new_status for event in reversed(events) if event.new_status in READY), None)
    loaner = any(event.kind in (RepairEventKind.LOANER_BACK, RepairEventKind.LOANER_CHARGED) for event in events)
    parts = parts_of(ctx.session, ticket.id)
    charges = charges_for(ticket, parts)
    sale = _sale(ctx.session, ticket)
    return DeliveryPaper(
        at.heading, ticket.number, OUTCOME_WORDS.get(RepairStatus(was or RepairStatus.COMPLETED), "Repaired"),
        local_time(ticket.delivered_at, at.zone), _person(ctx.session, ticket.delivered_by), name, _device(ticket),
        _fetched_by(last.note or ""), _work(ticket, parts), charges.total_minor,
        sale.paid_minor if sale else 0, sale.number if sale else "",
        tuple(orjson.loads(ticket.accessories)), tuple(disputes), _warranty(ticket, at),
        "Settled" if loaner else "", currency, exponent(currency),
    )  # fmt: skip


def repair_slip(ctx: Context, ticket_id: str, paper: Paper) -> bytes:
    """The customer's slip for the receipt printer. Raises NotFound."""
    return repair_slip_bytes(slip_of(ctx, ticket_id), paper)


def delivery_slip(ctx: Context, ticket_id: str, paper: Paper) -> bytes:
    """The paper of a delivery for the receipt printer. Raises NotDelivered, NotFound."""
    return delivery_slip_bytes(delivery_of(ctx, ticket_id), paper)


def follow_url(session: Session, ticket: RepairTicket) -> str:
    """Where the customer follows the repair; nothing for a shop without a hub.

    The link belongs to the shop's side of the exchange, which nothing here may import; its table is known where that
    is.
    """
    link = Base.metadata.tables.get("hub_link")
    url = session.scalar(select(link.c.url).limit(1)) if link is not None else None
    return f"{str(url).rstrip('/')}{PATH}{public_code(ticket)}" if url else ""


def _device(ticket: RepairTicket) -> LeftDevice:
    return LeftDevice(f"{ticket.brand} {ticket.model}", ticket.imei_serial or "", ticket.colour or "")


def _work(ticket: RepairTicket, parts: list[RepairPart]) -> tuple[RepairWork, ...]:
    """What is paid for, and what became of old parts, whether paid for or not."""
    charges = charges_for(ticket, parts)
    lines = [_part(part) for part in parts if part.state == PartState.USED] if ticket.completed_at else []
    for name, amount in (
        ("Labour", charges.labour_minor), ("Diagnosis", charges.diagnosis_minor), ("Storage", charges.storage_minor),
    ):  # fmt: skip
        if amount:
            lines.append(RepairWork(name, amount))
    return tuple(lines)


def _part(part: RepairPart) -> RepairWork:
    said = (
        f"Serial {part.serial}" if part.serial else "", OLD_PART_WORDS.get(OldPart(part.old_part or "none"), ""),
        "Your own part, without warranty" if part.is_customers else "",
    )  # fmt: skip
    notes = tuple(words for words in said if words)
    return RepairWork(part.name, part.quantity * part.unit_price_minor, part.quantity, notes)


def _fetched_by(note: str) -> str:
    """Who took it, from the words of the last step: "Fetched by Okello, by slip"."""
    return note.removeprefix("Fetched by ").rpartition(", by ")[0] if note.startswith("Fetched by ") else ""


def _warranty(ticket: RepairTicket, at: Whose) -> str:
    if not ticket.warranty_days or ticket.completed_at is None or ticket.delivered_at is None:
        return ""
    until = (ticket.delivered_at + timedelta(days=ticket.warranty_days)).astimezone(at.zone).date()
    return f"{ticket.warranty_days} days, until {day_text(until)}"


def _sale(session: Session, ticket: RepairTicket) -> SaleSummary | None:
    """The sale it became."""
    query = select(SaleSummary).where(SaleSummary.sale_id == ticket.sale_id)
    return session.scalars(query).one_or_none() if ticket.sale_id else None


def _customer(session: Session, ticket: RepairTicket) -> tuple[str, str]:
    row = row_or_none(session, Customer, ticket.customer_id)
    return (row.name, show_phone(row.phone) if row.phone else "") if row else ("", "")


def _person(session: Session, staff_id: str | None) -> str:
    return names_of(session, {staff_id}).get(staff_id, "") if staff_id else ""
