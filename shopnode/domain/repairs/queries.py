"""Reading repairs: one ticket, its parts, its events, what was paid for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shopnode.domain.accounts.models import Account, AccountEntry, EntryKind
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.context import Context
from shopnode.domain.customers.queries import find_customer
from shopnode.domain.errors import NotFound
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.events import need_open
from shopnode.domain.repairs.models import (
    PartState,
    RepairEvent,
    RepairOutwork,
    RepairPart,
    RepairStatus,
    RepairTicket,
)
from shopnode.domain.repairs.rules import Charges, charges_of


def find_ticket(ctx: Context, ticket_id: str) -> RepairTicket:
    """The ticket of that id: in a shop its own ones alone. Raises NotFound."""
    ticket = find_row(ctx.session, RepairTicket, ticket_id, "This repair")
    if ctx.shop_id is not None and ticket.shop_id != ctx.shop_id:
        raise NotFound("This repair")
    return ticket


THE_CUSTOMER = "the customer"


def told_of(ctx: Context, ticket: RepairTicket, name: str) -> str:
    """What is written down of somebody by a name. The customer is named in their own record alone: it is forgotten at
    their wish, and what is told of a ticket stays for ever (rule 91)."""
    customer = find_customer(ctx.session, ticket.customer_id)
    return THE_CUSTOMER if " ".join(name.split()).casefold() == customer.name.casefold() else name


def find_open_ticket(ctx: Context, ticket_id: str) -> RepairTicket:
    """Like find_ticket, for somebody who changes it. Raises NotFound, TicketLocked."""
    ticket = find_ticket(ctx, ticket_id)
    need_open(ticket)
    return ticket


def tickets_of_claims(session: Session, claim_ids: Collection[str]) -> dict[str, RepairTicket]:
    """The repairs that warranty claims led to, by claim; those that were crossed out are none."""
    query = select(RepairTicket).where(
        RepairTicket.claim_id.in_(claim_ids), RepairTicket.status != RepairStatus.CANCELLED.value
    )
    return {str(ticket.claim_id): ticket for ticket in session.scalars(query)} if claim_ids else {}


def events_of(session: Session, ticket_id: str) -> list[RepairEvent]:
    """Everything told of a ticket, the oldest first."""
    query = select(RepairEvent).where(RepairEvent.ticket_id == ticket_id)
    return list(session.scalars(query.order_by(RepairEvent.at, RepairEvent.id)))


def event_photo(session: Session, ticket_id: str, event_id: str) -> str | None:
    """The name of the photo that an event of this ticket carries."""
    query = select(RepairEvent.photo).where(RepairEvent.id == event_id, RepairEvent.ticket_id == ticket_id)
    return session.scalars(query).one_or_none()


def parts_of(session: Session, ticket_id: str) -> list[RepairPart]:
    """Its parts in the order in which they were asked for, those that went back included."""
    query = select(RepairPart).where(RepairPart.ticket_id == ticket_id)
    return list(session.scalars(query.order_by(RepairPart.reserved_at, RepairPart.id)))


def price_of_parts(parts: Iterable[RepairPart]) -> int:
    """What the customer pays for the parts that are kept or fitted."""
    return sum(part.quantity * part.unit_price_minor for part in parts if part.state != PartState.RETURNED)


def cost_of_work(session: Session, ticket_id: str, parts: Iterable[RepairPart]) -> int:
    """What the job cost the shop: parts that were fitted, and others' work."""
    fitted = sum(part.quantity * (part.unit_cost_minor or 0) for part in parts if part.state == PartState.USED)
    query = select(func.coalesce(func.sum(RepairOutwork.cost_minor), 0)).where(RepairOutwork.ticket_id == ticket_id)
    return fitted + int(session.scalar(query) or 0)


def charges_for(ticket: RepairTicket, parts: Iterable[RepairPart]) -> Charges:
    """What is asked for when it is fetched now."""
    return charges_of(
        is_done=ticket.completed_at is not None, labour_minor=ticket.labour_minor, parts_minor=price_of_parts(parts),
        diagnosis_fee_minor=ticket.diagnosis_fee_minor, storage_fee_minor=ticket.storage_fee_minor,
    )  # fmt: skip


def paid_so_far(session: Session, ticket_id: str) -> int:
    """What was paid for a ticket before it was fetched, less what went back."""
    return paid_for(session, [ticket_id]).get(ticket_id, 0)


def paid_for(session: Session, ticket_ids: Collection[str]) -> dict[str, int]:
    """The same of several: money moved about them, less what became store credit. Only those that were paid for."""
    if not ticket_ids:
        return {}
    moved = (
        select(MoneyMove.about_id, func.sum(MoneyMove.amount_minor))
        .where(MoneyMove.about_id.in_(ticket_ids), MoneyMove.kind == MoneyKind.REPAIR.value)
        .group_by(MoneyMove.about_id)
    )
    paid = {str(ticket_id): int(amount) for ticket_id, amount in session.execute(moved)}
    if not paid:
        return {}
    credited = (
        select(RepairTicket.id, func.sum(AccountEntry.amount))
        .join(AccountEntry, (AccountEntry.customer_id == RepairTicket.customer_id)
              & (AccountEntry.number == RepairTicket.number))
        .where(RepairTicket.id.in_(paid), AccountEntry.account == Account.STORE_CREDIT.value,
               AccountEntry.kind == EntryKind.REFUND.value)
        .group_by(RepairTicket.id)
    )  # fmt: skip
    for ticket_id, amount in session.execute(credited):
        paid[str(ticket_id)] -= int(amount)
    return paid


def came_by(session: Session, ticket_id: str) -> dict[str, int]:
    """What was paid for a ticket, by tender; what went back is not taken off."""
    return _moved(session, ticket_id, MoneyMove.amount_minor > 0)


def went_by(session: Session, ticket_id: str, method: str) -> int:
    """What went back of it by one tender."""
    return -_moved(session, ticket_id, MoneyMove.amount_minor < 0).get(method, 0)


def _moved(session: Session, ticket_id: str, which: ColumnElement[bool]) -> dict[str, int]:
    query = (
        select(MoneyMove.method, func.sum(MoneyMove.amount_minor))
        .where(MoneyMove.about_id == ticket_id, MoneyMove.kind == MoneyKind.REPAIR.value, which)
        .group_by(MoneyMove.method)
    )
    return {method: int(amount) for method, amount in session.execute(query)}
