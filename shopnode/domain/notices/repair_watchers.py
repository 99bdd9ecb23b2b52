"""What is looked for on the bench: states, stolen devices, and messages to the customer.

A message to a customer goes out while it still says the truth: only of what happened lately, and of a device that is
ready only as long as it was not fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.notices.hours import message_time
from shopnode.domain.notices.models import Channel
from shopnode.domain.notices.watching import Found, watches
from shopnode.domain.repairs.models import RepairEvent, RepairEventKind, RepairStatus, RepairTicket

DAYS_BACK = timedelta(days=7)
STILL_TRUE = timedelta(days=3)
EVENTS_MAX = 200
WAYS = {"sms": Channel.SMS, "email": Channel.MAIL}
ASKED = (RepairEventKind.NOTIFIED, RepairEventKind.REMINDED, RepairEventKind.FINAL_NOTICE)


@watches("repair")
def repair_states(ctx: Context) -> Iterator[Found]:
    """Repairs that came to another state."""
    for event, ticket in _events(ctx, (RepairEventKind.STATUS,), DAYS_BACK):
        if event.new_status and event.old_status:
            title = f"Repair {ticket.number}: {event.new_status}"
            yield Found(event.id, title, f"{ticket.brand} {ticket.model}", f"repair/{ticket.id}")


@watches("stolen")
def stolen_devices(ctx: Context) -> Iterator[Found]:
    """A device on the bench was found to be stolen (rule 75)."""
    for event, ticket in _events(ctx, (RepairEventKind.STATUS,), DAYS_BACK, RepairStatus.STOLEN):
        title = f"Repair {ticket.number} is locked: the device is reported stolen"
        yield Found(event.id, title, f"{ticket.brand} {ticket.model}. Do not hand it over.", f"repair/{ticket.id}")


@watches("repair_customer")
def messages_to_customers(ctx: Context) -> Iterator[Found]:
    """Their device is ready, or somebody asked for a message to them."""
    due_at = message_time(ctx)
    for event, ticket in _events(ctx, (RepairEventKind.STATUS,), STILL_TRUE, RepairStatus.COMPLETED):
        if ticket.status == RepairStatus.COMPLETED and ticket.customer_id:
            body = f"Your {ticket.brand} {ticket.model} (repair {ticket.number}) is ready. Bring your slip to fetch it."
            yield Found(event.id, "Ready to fetch", body, customer_id=ticket.customer_id, due_at=due_at)
    for event, ticket in _events(ctx, ASKED, STILL_TRUE):
        via = WAYS.get(event.via or "")
        if via and event.note and ticket.customer_id:
            title = f"Your repair {ticket.number}"
            yield Found(event.id, title, event.note, customer_id=ticket.customer_id, via=via, due_at=due_at)


def _events(
    ctx: Context, kinds: Iterable[RepairEventKind], back: timedelta, status: RepairStatus | None = None
) -> list[Any]:
    query = (
        select(RepairEvent, RepairTicket)
        .join(RepairTicket, RepairTicket.id == RepairEvent.ticket_id)
        .where(
            RepairEvent.kind.in_([kind.value for kind in kinds]), RepairEvent.at > ctx.now - back,
            RepairEvent.shop_id == ctx.shop_id,
        )
        .order_by(RepairEvent.at.desc(), RepairEvent.id)
        .limit(EVENTS_MAX)
    )  # fmt: skip
    if status is not None:
        query = query.where(RepairEvent.new_status == status.value)
    return list(ctx.session.execute(query).all())
