"""Repairs as people see them: a list, one ticket whole, how long it took and waited, who has how much in hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Select, case, func, or_, select
from sqlalchemy.orm import Session

from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.catalogue.rules import printable
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.customers.queries import customers_called, with_duplicates
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, latest, page_of
from shopnode.domain.people.models import Staff
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairPart, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import (
    charges_for,
    cost_of_work,
    events_of,
    find_ticket,
    paid_for,
    parts_of,
    price_of_parts,
)
from shopnode.domain.repairs.rules import (
    AT_WORK,
    OPEN,
    READY,
    Charges,
    Stay,
    bare_slip_code,
    stays_of,
    steps_by_hand,
    time_in,
    turnaround,
)

# Somebody has something to do with them, or waits for somebody who has.
AT_BENCH = [status.value for status in (*AT_WORK, RepairStatus.QUALITY_CHECK, RepairStatus.OUTSOURCED)]

WAITS_FOR_OWNER = [status.value for status in (*READY, RepairStatus.UNCLAIMED)]


@dataclass(frozen=True)
class TicketFilter:
    """Which repairs: each field narrows the list."""

    text: str = ""  # a number, a slip's code, an IMEI, or a customer's name or telephone number
    status: RepairStatus | None = None
    is_open: bool | None = None
    technician_id: str | None = None
    customer_id: str | None = None
    handset_id: str | None = None
    late: bool = False
    ready: bool = False  # it waits for its owner
    shop_id: str | None = None  # of the portal's, which sees all shops


@dataclass(frozen=True)
class TicketRow:
    """A repair in a list."""

    ticket: RepairTicket
    customer: str
    phone: str | None
    technician: str | None
    paid_minor: int
    is_late: bool


@dataclass(frozen=True)
class ToldRow:
    """Something that happened to a repair, with the names of who did it and whom it was given to."""

    event: RepairEvent
    by: str | None
    staff: str | None


@dataclass(frozen=True)
class TicketView:
    """A repair whole."""

    row: TicketRow
    faults: list[str]
    accessories: list[str]
    checklist: dict[str, str]
    disputed: list[str]
    parts: list[RepairPart]
    charges: Charges
    cost_minor: int
    told: list[ToldRow]
    stays: list[Stay]
    steps: list[RepairStatus]  # what the one who asks may make of it
    now: datetime

    @property
    def due_minor(self) -> int:
        """What is still to be paid when it is fetched; nothing of one that left."""
        return max(0, self.charges.total_minor - self.row.paid_minor) if self.row.ticket.is_editable else 0

    @property
    def parts_minor(self) -> int:
        """What the customer pays for the parts that are kept or fitted."""
        return price_of_parts(self.parts)

    @property
    def turnaround(self) -> timedelta | None:
        return turnaround(self.stays)

    def waited(self, status: RepairStatus) -> timedelta:
        """All the time it stood in a status."""
        return time_in(self.stays, status, self.now)


@dataclass(frozen=True)
class Deposits:
    """Money that was paid for repairs which are not fetched: owed to customers."""

    repairs: int
    owed_minor: int


@dataclass(frozen=True)
class StatusCount:
    """How many repairs stand in a state; late ones are those that somebody still works on."""

    status: RepairStatus
    count: int
    late: int


@dataclass(frozen=True)
class InHand:
    """What a technician has to do; nobody's work stands under None."""

    technician_id: str | None
    technician: str | None
    open: int
    late: int


def list_tickets(
    ctx: Context, wanted: TicketFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[TicketRow]:
    """Repairs, the latest first; in the portal of all shops. Raises Invalid for a wrong cursor."""
    query = _where(ctx, select(RepairTicket), wanted)
    page = latest(ctx.session, query, RepairTicket.taken_at, RepairTicket.id, limit, cursor)
    return Page(_rows(ctx, page.rows), page.next_cursor)


def list_longest_here(
    ctx: Context, wanted: TicketFilter, *, limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[TicketRow]:
    """The same repairs, those that came first before all others. Raises Invalid for a wrong cursor."""
    query, order = _where(ctx, select(RepairTicket), wanted), (RepairTicket.taken_at, RepairTicket.id)
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(beyond(order, place))
    rows = list(ctx.session.scalars(query.order_by(*order).limit(limit + 1)))
    page = page_of(rows, limit, lambda row: (to_ms(row.taken_at), row.id))
    return Page(_rows(ctx, page.rows), page.next_cursor)


def count_open(ctx: Context, shop_id: str | None = None) -> list[StatusCount]:
    """How many open repairs stand in which state, and how many of them are late; in the order of the road."""
    late = func.sum(case((RepairTicket.promised_at < ctx.now, 1), else_=0))
    wanted = TicketFilter(is_open=True, shop_id=shop_id)
    query = _where(ctx, select(RepairTicket.status, func.count(), late), wanted).group_by(RepairTicket.status)
    found = {row[0]: (int(row[1]), int(row[2] or 0)) for row in ctx.session.execute(query)}
    return [
        StatusCount(status, found[status][0], found[status][1] if status in AT_BENCH else 0)
        for status in RepairStatus if status in found
    ]  # fmt: skip


def ticket_view(ctx: Context, ticket_id: str) -> TicketView:
    """One repair with everything told of it. Raises NotFound."""
    ticket = find_ticket(ctx, ticket_id)
    (row,) = _rows(ctx, [ticket])
    parts, told = parts_of(ctx.session, ticket.id), told_of(ctx, ticket.id)
    changes = [(line.event.at, RepairStatus(line.event.new_status)) for line in told if line.event.new_status]
    disputed = [line.event.note or "" for line in told if line.event.kind == RepairEventKind.DISPUTED]
    steps = steps_by_hand(RepairStatus(ticket.status), ctx.actor.permissions) if ticket.is_editable else []
    return TicketView(
        row, orjson.loads(ticket.faults), orjson.loads(ticket.accessories), orjson.loads(ticket.checklist), disputed,
        parts, charges_for(ticket, parts), cost_of_work(ctx.session, ticket.id, parts), told, stays_of(changes), steps,
        ctx.now,
    )  # fmt: skip


def told_of(ctx: Context, ticket_id: str) -> list[ToldRow]:
    """Everything told of a ticket, the oldest first, with names."""
    events = events_of(ctx.session, ticket_id)
    names = _names(ctx.session, {person for event in events for person in (event.by_id, event.staff_id) if person})
    return [ToldRow(event, names.get(event.by_id or ""), names.get(event.staff_id or "")) for event in events]


def deposits_owed(session: Session, shop_id: str | None = None) -> Deposits:
    """What customers paid for repairs they did not fetch: owed to them until it is a sale, or went back (rule 46)."""
    paid = select(MoneyMove.about_id).where(MoneyMove.kind == MoneyKind.REPAIR.value)
    query = select(RepairTicket.id).where(RepairTicket.id.in_(paid), RepairTicket.sale_id.is_(None))
    if shop_id is not None:
        query = query.where(RepairTicket.shop_id == shop_id)
    owed = [amount for amount in paid_for(session, list(session.scalars(query))).values() if amount]
    return Deposits(len(owed), sum(owed))


def work_in_hand(ctx: Context, shop_id: str | None = None) -> list[InHand]:
    """Open repairs that wait for a technician, by whose they are: the busiest first. Of one shop, where it is named."""
    late = func.sum(case((RepairTicket.promised_at < ctx.now, 1), else_=0))
    query = select(RepairTicket.technician_id, func.count(), late).where(RepairTicket.status.in_(AT_BENCH))
    query = _where(ctx, query, TicketFilter(shop_id=shop_id))
    rows = ctx.session.execute(query.group_by(RepairTicket.technician_id)).all()
    names = _names(ctx.session, {row[0] for row in rows if row[0]})
    found = [InHand(row[0], names.get(row[0] or ""), int(row[1]), int(row[2] or 0)) for row in rows]
    return sorted(found, key=lambda line: (-line.open, line.technician or ""))


def _where(ctx: Context, query: Select[*tuple[Any, ...]], wanted: TicketFilter) -> Select[*tuple[Any, ...]]:
    t = RepairTicket
    if ctx.shop_id is not None:
        query = query.where(t.shop_id == ctx.shop_id)
    if wanted.shop_id is not None:
        query = query.where(t.shop_id == wanted.shop_id)
    if wanted.status is not None:
        query = query.where(t.status == wanted.status.value)
    if wanted.is_open is not None:
        of_open = t.status.in_([status.value for status in OPEN])
        query = query.where(of_open if wanted.is_open else ~of_open)
    if wanted.ready:
        query = query.where(t.status.in_(WAITS_FOR_OWNER))
    if wanted.technician_id is not None:
        query = query.where(t.technician_id == wanted.technician_id)
    if wanted.customer_id is not None:
        query = query.where(t.customer_id.in_(with_duplicates(wanted.customer_id)))
    if wanted.handset_id is not None:
        query = query.where(t.handset_id == wanted.handset_id)
    if wanted.late:
        query = query.where(t.promised_at < ctx.now, t.status.in_(AT_BENCH))
    text = " ".join(printable(wanted.text).split())
    if text:
        code = bare_slip_code(text)
        known = or_(t.number == text.upper(), t.slip_code == code, t.imei_serial == code)
        query = query.where(or_(known, t.customer_id.in_(customers_called(text))))
    return query


def _rows(ctx: Context, tickets: Sequence[RepairTicket]) -> list[TicketRow]:
    """Tickets with what a list shows beside them, in three queries however many they are."""
    paid = paid_for(ctx.session, [ticket.id for ticket in tickets])
    names = _names(ctx.session, {ticket.technician_id for ticket in tickets if ticket.technician_id})
    people: dict[str, tuple[str, str | None]] = defaultdict(lambda: ("a customer", None))
    if tickets:
        query = select(Customer.id, Customer.name, Customer.phone)
        query = query.where(Customer.id.in_({ticket.customer_id for ticket in tickets}))
        people.update({row.id: (row.name, row.phone) for row in ctx.session.execute(query)})
    return [
        TicketRow(
            ticket, *people[ticket.customer_id], names.get(ticket.technician_id or ""), paid.get(ticket.id, 0),
            ticket.promised_at is not None and ticket.promised_at < ctx.now and ticket.status in AT_BENCH,
        )
        for ticket in tickets
    ]  # fmt: skip


def _names(session: Session, ids: Collection[str]) -> dict[str, str]:
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))}
