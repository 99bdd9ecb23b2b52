"""Repairs that nobody fetches (rule 74): reminders, storage, unclaimed, the final notice. Disposal is beside this.

Invariants:
  * Each reminder, fee and notice is an event: what the customer was told, when and how, follows from those.
  * Storage is counted from when the device was ready; what it comes to stands on the ticket and is due at delivery.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action, perform
from shopnode.domain.context import Context
from shopnode.domain.customers.models import Customer
from shopnode.domain.errors import Conflict, ShopError
from shopnode.domain.params import Amount, IdText, Note, Optionally, Params, Reason
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.events import change_status, tell
from shopnode.domain.repairs.forms import Via
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket
from shopnode.domain.repairs.rules import READY
from shopnode.domain.repairs.waiting_rules import Patience, Step, Storage, next_step, read_days, storage_fee
from shopnode.domain.settings.queries import number_setting, text_setting

WAITING = (*READY, RepairStatus.UNCLAIMED)
WAITING_SHOWN = 500


class Reminding(Params):
    """How the owner of a device was told that it waits for them, and in which words."""

    via: Via = "sms"
    message: Annotated[Note | None, Optionally] = Field(default=None, description="Usual words when left out.")


class Remind(Reminding):
    ticket_id: IdText


class GiveFinalNotice(Reminding):
    ticket_id: IdText


class MarkUnclaimed(Params):
    """Nobody came for it in all this time."""

    ticket_id: IdText


class StorageOf(Params):
    """What storage comes to; as the settings say when left out. Less than that is a kindness somebody answers for."""

    amount: Amount | None = None
    reason: Annotated[Reason | None, Optionally] = None


class ChargeStorage(StorageOf):
    ticket_id: IdText


class NotWaiting(Conflict):
    code = "repair-not-waiting"

    def __init__(self, number: str, status: str):
        super().__init__(f"Repair {number} is {status}: it does not wait to be fetched.")


class TooSoon(Conflict):
    code = "too-soon"


@dataclass(frozen=True)
class Waiting:
    """A device that waits for its owner, and what is to be done about it now."""

    ticket_id: str
    number: str
    status: str
    customer: str
    device: str
    ready_at: datetime
    reminded: int
    noticed_at: datetime | None
    storage_minor: int  # what it comes to by now
    step: Step | None


@action("repairs.remind", needs=Permission.REPAIRS_UPDATE)
def remind(ctx: Context, form: Remind) -> dict[str, Any]:
    """Remind the owner of a device that it waits to be fetched. Raises NotWaiting, TicketLocked."""
    ticket = find_waiting(ctx, form.ticket_id)
    event_id = tell(ctx, ticket, RepairEventKind.REMINDED, via=form.via, note=form.message or _ready_words(ctx, ticket))
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "event_id": event_id}


@action("repairs.mark_unclaimed", needs=Permission.REPAIRS_UPDATE)
def mark_unclaimed(ctx: Context, form: MarkUnclaimed) -> dict[str, Any]:
    """Say that nobody comes for a device; earlier than the settings say with a second person. Raises NotWaiting."""
    ticket = find_waiting(ctx, form.ticket_id)
    ready_at, patience = ready_since(ctx.session, [ticket.id])[ticket.id], patience_of(ctx.session)
    waited = max(0, (ctx.now - ready_at).days)
    if waited < patience.unclaimed:
        ctx.require_approval(f"Repair {ticket.number} waits for {waited} days, and not {patience.unclaimed} yet.")
    change_status(ctx, ticket, RepairStatus.UNCLAIMED, f"Not fetched in {waited} days")
    return {"ticket_id": ticket.id, "status": ticket.status}


@action("repairs.final_notice", needs=Permission.REPAIRS_UPDATE)
def give_final_notice(ctx: Context, form: GiveFinalNotice) -> dict[str, Any]:
    """Tell the owner of an unclaimed device for the last time. Raises NotWaiting, TooSoon."""
    ticket = find_waiting(ctx, form.ticket_id)
    if ticket.status != RepairStatus.UNCLAIMED:
        raise TooSoon(f"Repair {ticket.number} is not unclaimed yet: remind its owner, and mark it first.")
    if not _counts(ctx.session, [ticket.id], RepairEventKind.REMINDED).get(ticket.id):
        raise TooSoon(f"The owner of repair {ticket.number} was never reminded. Remind them first.")
    days = patience_of(ctx.session).disposal
    words = form.message or f"{_ready_words(ctx, ticket)} It is disposed of if it is not fetched within {days} days."
    event_id = tell(ctx, ticket, RepairEventKind.FINAL_NOTICE, via=form.via, note=words)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "event_id": event_id, "days": days}


@action("repairs.charge_storage", needs=Permission.REPAIRS_UPDATE)
def charge_storage(ctx: Context, form: ChargeStorage) -> dict[str, Any]:
    """Put what storage comes to by now on a ticket. Raises ApprovalNeeded, NotWaiting, TicketLocked."""
    ticket = find_waiting(ctx, form.ticket_id)
    usual = storage_of(ctx, ready_since(ctx.session, [ticket.id])[ticket.id])
    fee = usual if form.amount is None else form.amount
    if fee > usual:
        raise TooSoon(f"Storage of repair {ticket.number} comes to {usual:,} by now, and to no more.")
    if fee < usual and not ctx.may(Permission.REPAIRS_COMPLETE):
        ctx.require_approval(f"Storage of repair {ticket.number} comes to {usual:,}; {fee:,} would be asked for.")
    if fee != ticket.storage_fee_minor or fee < usual:  # who asks for less has said so, also where nothing was yet
        ticket.storage_fee_minor = fee
        tell(ctx, ticket, RepairEventKind.STORAGE_FEE, amount_minor=fee, note=form.reason)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "storage_fee": fee}


def find_waiting(ctx: Context, ticket_id: str) -> RepairTicket:
    """A ticket whose device waits to be fetched. Raises NotWaiting, TicketLocked, NotFound."""
    ticket = find_open_ticket(ctx, ticket_id)
    if ticket.status not in WAITING or ticket.came_by_id is not None:  # another branch's waits for its way home
        raise NotWaiting(ticket.number, ticket.status)
    return ticket


def patience_of(session: Session) -> Patience:
    """How long this shop waits. What nobody can read of a setting reminds nobody."""
    try:
        reminders = read_days(text_setting(session, "repair_reminder_days"))
    except ValueError:
        reminders = ()
    return Patience(
        reminders, number_setting(session, "repair_unclaimed_days"), number_setting(session, "repair_disposal_days")
    )


def storage_of(ctx: Context, ready_at: datetime) -> int:
    """What storage comes to by now of something that was ready then."""
    session = ctx.session
    storage = Storage(
        number_setting(session, "repair_storage_free_days"), number_setting(session, "repair_storage_per_day_minor"),
        number_setting(session, "repair_storage_max_minor"),
    )  # fmt: skip
    return storage_fee(storage, ready_at, ctx.now)


def ready_since(session: Session, ticket_ids: Collection[str]) -> dict[str, datetime]:
    """When each became ready for its owner at last, whether mended or not."""
    query = (
        select(RepairEvent.ticket_id, func.max(RepairEvent.at))
        .where(RepairEvent.ticket_id.in_(ticket_ids), RepairEvent.kind == RepairEventKind.STATUS.value,
               RepairEvent.new_status.in_([status.value for status in READY]),
               RepairEvent.old_status != RepairStatus.UNCLAIMED.value)
        .group_by(RepairEvent.ticket_id)
    )  # fmt: skip
    return {str(ticket_id): at for ticket_id, at in session.execute(query)}


def waiting_list(ctx: Context) -> list[Waiting]:
    """Devices that wait for their owners here, the longest first, with what is to be done about each now."""
    query = select(RepairTicket, Customer.name).outerjoin(Customer, Customer.id == RepairTicket.customer_id)
    query = query.where(
        RepairTicket.status.in_([status.value for status in WAITING]), RepairTicket.came_by_id.is_(None)
    )
    if ctx.shop_id is not None:
        query = query.where(RepairTicket.shop_id == ctx.shop_id)
    rows = ctx.session.execute(query.order_by(RepairTicket.taken_at, RepairTicket.id).limit(WAITING_SHOWN)).all()
    return _waiting(ctx, rows)


def take_steps(ctx: Context) -> int:
    """Remind, charge, mark and give notice wherever that is due today; answers how much was done. For the nightly job.

    Disposal is left to people. What is refused (a ticket that was just fetched) is left for another day.
    """
    with ctx.home.reading() as session:
        due = [one for one in waiting_list(ctx.inside(session)) if one.step not in (None, Step.DISPOSE)]
        by_people = _charged_by_people(session, [one.ticket_id for one in due])
    acts = {
        Step.REMIND: "repairs.remind", Step.MARK_UNCLAIMED: "repairs.mark_unclaimed",
        Step.FINAL_NOTICE: "repairs.final_notice",
    }  # fmt: skip
    done = 0
    for one in due:
        assert one.step is not None
        try:
            if one.storage_minor and one.ticket_id not in by_people:
                perform(ctx, "repairs.charge_storage", {"ticket_id": one.ticket_id})
            perform(ctx, acts[one.step], {"ticket_id": one.ticket_id})
        except ShopError:
            continue
        done += 1
    return done


def _charged_by_people(session: Session, ticket_ids: Collection[str]) -> set[str]:
    """Tickets of which a person said what storage comes to: the job asks for no more behind their back."""
    query = select(RepairEvent.ticket_id).where(
        RepairEvent.ticket_id.in_(ticket_ids), RepairEvent.kind == RepairEventKind.STORAGE_FEE.value,
        RepairEvent.by_id.is_not(None),
    )  # fmt: skip
    return set(session.scalars(query))


def _waiting(ctx: Context, rows: Iterable[Any]) -> list[Waiting]:
    tickets = [(ticket, name or "a customer") for ticket, name in rows]
    ids = [ticket.id for ticket, _ in tickets]
    ready, patience = ready_since(ctx.session, ids), patience_of(ctx.session)
    reminded = _counts(ctx.session, ids, RepairEventKind.REMINDED)
    noticed = noticed_at(ctx.session, ids)
    found = []
    for ticket, name in tickets:
        ready_at = ready.get(ticket.id, ticket.taken_at)
        step = next_step(
            patience, ready_at=ready_at, reminded=reminded.get(ticket.id, 0),
            is_unclaimed=ticket.status == RepairStatus.UNCLAIMED, noticed_at=noticed.get(ticket.id), now=ctx.now,
        )  # fmt: skip
        found.append(Waiting(
            ticket.id, ticket.number, ticket.status, name, f"{ticket.brand} {ticket.model}", ready_at,
            reminded.get(ticket.id, 0), noticed.get(ticket.id), storage_of(ctx, ready_at), step,
        ))  # fmt: skip
    return sorted(found, key=lambda one: (one.ready_at, one.ticket_id))


def noticed_at(session: Session, ticket_ids: Collection[str]) -> dict[str, datetime]:
    """When each was told for the last time."""
    query = (
        select(RepairEvent.ticket_id, func.max(RepairEvent.at))
        .where(RepairEvent.ticket_id.in_(ticket_ids), RepairEvent.kind == RepairEventKind.FINAL_NOTICE.value)
        .group_by(RepairEvent.ticket_id)
    )
    return {str(ticket_id): at for ticket_id, at in session.execute(query)}


def _counts(session: Session, ticket_ids: Collection[str], kind: RepairEventKind) -> dict[str, int]:
    query = (
        select(RepairEvent.ticket_id, func.count())
        .where(RepairEvent.ticket_id.in_(ticket_ids), RepairEvent.kind == kind.value)
        .group_by(RepairEvent.ticket_id)
    )
    return {str(ticket_id): int(count) for ticket_id, count in session.execute(query)}


def _ready_words(ctx: Context, ticket: RepairTicket) -> str:
    return f"Your {ticket.brand} {ticket.model} (repair {ticket.number}) waits for you to fetch it."


def _figures(ctx: Context, form: ChargeStorage) -> tuple[int, str]:
    """What the owner is told over the telephone: what would not be asked for."""
    ticket = find_waiting(ctx, form.ticket_id)
    usual = storage_of(ctx, ready_since(ctx.session, [ticket.id])[ticket.id])
    return usual - (usual if form.amount is None else form.amount), ticket.number


def _figures_of_ticket(ctx: Context, form: MarkUnclaimed) -> tuple[int, str]:
    return 0, find_waiting(ctx, form.ticket_id).number


register_figures("repairs.charge_storage", _figures)
register_figures("repairs.mark_unclaimed", _figures_of_ticket)
