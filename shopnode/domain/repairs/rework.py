"""Work that is done again under its own warranty (rule 73): linked to the first job, and on nobody's bill.

Invariants:
  * A rework costs the customer nothing and has the warranty that was left of the first job: a claim starts no period
    anew (rule 57).
  * Whose work had to be done again is whoever had the first job, not whoever does it again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator
from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.params import IdText, Note, Optionally, Params
from shopnode.domain.people.queries import names_of
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.checklists import DeviceType
from shopnode.domain.repairs.forms import Answers, Image, Images, Moment, Passcode, TakeIn, Words
from shopnode.domain.repairs.intake import AlreadyHere, write_ticket
from shopnode.domain.repairs.models import (
    DataConsent,
    PartState,
    PasscodeWay,
    RepairOutwork,
    RepairPart,
    RepairPriority,
    RepairStatus,
    RepairTicket,
)
from shopnode.domain.repairs.queries import find_ticket
from shopnode.domain.repairs.rules import OPEN

REWORKED = aliased(RepairTicket)


class Reworking(Params):
    """The same device with the same trouble again, as it looks today."""

    issue_description: Annotated[Note, Field(min_length=3)]
    faults: Words = Field(default_factory=list)
    checklist: Answers = Field(default_factory=dict)
    is_dead: bool = False
    accessories: Words = Field(default_factory=list)
    priority: RepairPriority = RepairPriority.HIGH
    passcode_way: PasscodeWay = PasscodeWay.NONE
    passcode: Passcode = None
    data_consent: DataConsent = DataConsent.KEEP
    estimated_completion: Moment | None = None
    photos: Images = Field(default_factory=list)
    signature: Annotated[Image | None, Optionally] = None
    notes: Annotated[Note | None, Optionally] = None

    @model_validator(mode="after")
    def _passcode_fits(self) -> Reworking:
        if (self.passcode_way is PasscodeWay.STORED) != (self.passcode is not None):
            raise ValueError("a passcode is given with passcode_way “stored”, and only then")
        return self


class TakeInRework(Reworking):
    ticket_id: IdText = Field(description="The first job.")


class NoRework(Conflict):
    """The first job has no warranty that would cover it."""

    code = "repair-no-warranty"

    def __init__(self, number: str, why: str):
        super().__init__(f"Repair {number} {why}. Take the device in as a new repair.")


@dataclass(frozen=True)
class ReworkCount:
    """How much of a technician's work had to be done again, and what that cost the shop."""

    technician_id: str | None
    technician: str
    delivered: int
    reworks: int
    cost_minor: int  # parts and outside work of the reworks


@action("repairs.take_in_rework", needs=Permission.REPAIRS_CREATE)
def take_in_rework(ctx: Context, form: TakeInRework) -> dict[str, Any]:
    """Take a device in again whose repair did not last, under that repair's warranty. Raises NoRework, AlreadyHere."""
    first = find_ticket(ctx, form.ticket_id)
    left = days_left(ctx, first)
    _refuse_twice(ctx, first)
    told = form.model_dump(exclude={"ticket_id"})
    again = TakeIn(
        customer_id=first.customer_id, device_type=DeviceType(first.device_type), device_brand=first.brand,
        device_model=first.model, colour=first.colour, imei_serial=first.imei_serial,
        repair_type=first.repair_type, water_damage=first.water_damage, opened_before=True, **told,
    )  # fmt: skip
    ticket = write_ticket(
        ctx, again, rework_of_id=first.id, estimate_minor=0, agreed_minor=0, labour_minor=0, diagnosis_fee_minor=0,
        warranty_days=left,
    )  # fmt: skip
    ctx.about("repair_ticket", ticket.id)
    return {
        "ticket_id": ticket.id, "number": ticket.number, "slip_code": ticket.slip_code, "rework_of": first.number,
        "warranty_days": left,
    }  # fmt: skip


def _refuse_twice(ctx: Context, first: RepairTicket) -> None:
    """A device whose number nobody wrote down is here once, too. Raises AlreadyHere."""
    query = select(RepairTicket.number).where(
        RepairTicket.rework_of_id == first.id, RepairTicket.status.in_([status.value for status in OPEN])
    )
    there = ctx.session.scalars(query.limit(1)).first()
    if there is not None:
        raise AlreadyHere(there)


def days_left(ctx: Context, first: RepairTicket) -> int:
    """What is left of a job's warranty, in days, today included. Raises NoRework."""
    if first.status != RepairStatus.DELIVERED or first.delivered_at is None:
        raise NoRework(first.number, "was not delivered yet")
    if not first.warranty_days:
        raise NoRework(first.number, "has no warranty")
    until = first.delivered_at + timedelta(days=first.warranty_days)
    if ctx.now > until:
        raise NoRework(first.number, f"had its warranty until {until:%d %b %Y}")
    return max(1, -((ctx.now - until) // timedelta(days=1)))  # a day that has begun is a day


def reworks_by_technician(ctx: Context, since: datetime, until: datetime) -> list[ReworkCount]:
    """Jobs delivered and jobs done again in this time, by whoever had the first job; the costliest first."""
    delivered = dict(_counted(ctx, _delivered(since, until)))
    reworks = dict(_counted(ctx, _reworked(since, until)))
    costs: dict[str | None, int] = defaultdict(int)
    for query in (_part_costs(since, until), _outwork_costs(since, until)):
        for technician_id, cost in ctx.session.execute(_here(ctx, query)):
            costs[technician_id] += int(cost or 0)
    people = delivered.keys() | reworks.keys()
    names = names_of(ctx.session, {person for person in people if person})
    found = [
        ReworkCount(person, names.get(person or "", "Nobody"), delivered.get(person, 0), reworks.get(person, 0),
                    costs[person])
        for person in people
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.cost_minor, -one.reworks, one.technician, one.technician_id or ""))


def _counted(ctx: Context, query: Select[*tuple[Any, ...]]) -> list[tuple[str | None, int]]:
    return [(row[0], int(row[1])) for row in ctx.session.execute(_here(ctx, query))]


def _here(ctx: Context, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return query if ctx.shop_id is None else query.where(RepairTicket.shop_id == ctx.shop_id)


def _delivered(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    query = select(RepairTicket.technician_id, func.count()).group_by(RepairTicket.technician_id)
    return query.where(RepairTicket.delivered_at >= since, RepairTicket.delivered_at < until)


def _reworked(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    query = select(RepairTicket.technician_id, func.count()).join(REWORKED, REWORKED.rework_of_id == RepairTicket.id)
    return _in_time(query, since, until).group_by(RepairTicket.technician_id)


def _part_costs(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    spent = func.sum(RepairPart.quantity * func.coalesce(RepairPart.unit_cost_minor, 0))
    query = select(RepairTicket.technician_id, spent).join(REWORKED, REWORKED.rework_of_id == RepairTicket.id)
    query = query.join(RepairPart, RepairPart.ticket_id == REWORKED.id)
    query = query.where(RepairPart.state == PartState.USED.value)
    return _in_time(query, since, until).group_by(RepairTicket.technician_id)


def _outwork_costs(since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    query = select(RepairTicket.technician_id, func.sum(RepairOutwork.cost_minor))
    query = query.join(REWORKED, REWORKED.rework_of_id == RepairTicket.id)
    query = query.join(RepairOutwork, RepairOutwork.ticket_id == REWORKED.id)
    return _in_time(query, since, until).group_by(RepairTicket.technician_id)


def _in_time(query: Select[*tuple[Any, ...]], since: datetime, until: datetime) -> Select[*tuple[Any, ...]]:
    return query.where(
        REWORKED.taken_at >= since, REWORKED.taken_at < until, REWORKED.status != RepairStatus.CANCELLED.value
    )
