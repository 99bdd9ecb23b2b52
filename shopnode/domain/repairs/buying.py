"""A device on the bench that the shop buys from its owner (rule 76): the ticket becomes a purchase.

Invariants:
  * It is bought like any used phone: the same questions, the same identity, the same table (rules 13 to 19).
  * The repair is not billed: what its parts and outside work cost is part of what the phone cost (rule 20), and what
    the customer paid for it before goes back.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotPermitted
from shopnode.domain.handsets.rules import bare_number
from shopnode.domain.handsets.states import add_to_cost, own_unit
from shopnode.domain.params import Code, IdText, Line
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.repairs.disposal import check_loose_ends
from shopnode.domain.repairs.events import change_status
from shopnode.domain.repairs.models import PartState, RepairPart, RepairStatus, RepairTicket
from shopnode.domain.repairs.money import pay_back
from shopnode.domain.repairs.outwork import outwork_of
from shopnode.domain.repairs.queries import find_open_ticket, paid_so_far, parts_of
from shopnode.domain.usedphones.actions import figures_of_phone, pay_out, take_in, weigh
from shopnode.domain.usedphones.models import UnitCost, UnitCostKind
from shopnode.domain.usedphones.params import BuyPhone


class BuyingDevice(BuyPhone):
    """The device of a ticket, bought from its owner. The offer is for it as it lies there, the repair included."""

    deposit_method: Code | None = Field(
        default=None, description="How what was paid for the repair goes back; as store credit when left out."
    )
    deposit_reference: Annotated[Line, Field(max_length=60)] | None = None


class BuyDevice(BuyingDevice):
    ticket_id: IdText


@action("repairs.buy_device", needs=Permission.USED_BUY)
def buy_device(ctx: Context, form: BuyDevice) -> dict[str, Any]:
    """Buy a device from whoever left it; the ticket ends as a purchase, and the repair is part of its cost.

    Raises TicketLocked, PartsSetAside, LoanerOut, and what `usedphones.buy` raises.
    """
    ticket = find_open_ticket(ctx, form.ticket_id)
    if not ctx.may(Permission.REPAIRS_UPDATE):
        raise NotPermitted("Your role does not end a repair. Ask a supervisor or the owner.")
    if ticket.came_by_id is not None:
        raise Invalid({"ticket_id": "is of another branch's customer: it is bought there"})
    parts = parts_of(ctx.session, ticket.id)
    check_loose_ends(ticket, parts)
    _check_same(ticket, form)
    phone = form if form.customer_id else form.model_copy(update={"customer_id": ticket.customer_id})
    offer = weigh(ctx, phone, ticket.id)
    bought = take_in(ctx, phone, offer)
    slip = pay_out(ctx, form.payout, form.offer, offer)
    change_status(ctx, ticket, RepairStatus.BOUGHT, f"Purchase {offer.number}")
    spent = _add_costs(ctx, ticket, parts, bought["unit_id"])
    paid = paid_so_far(ctx.session, ticket.id)
    if paid:
        why = f"Repair {ticket.number}: the device was bought"
        pay_back(ctx, ticket, paid, why, form.deposit_method, form.deposit_reference)
    ctx.about("repair_ticket", ticket.id)
    return {
        "ticket_id": ticket.id, **bought, "paid_out": form.offer, "slip": slip, "repair_cost": spent,
        "given_back": paid,
    }  # fmt: skip


def _check_same(ticket: RepairTicket, form: BuyDevice) -> None:
    """It is the device of this ticket, and no other. Raises Invalid."""
    if ticket.imei_serial is None:
        return
    given = {bare_number(number) for number in (form.imei1, form.imei2, form.serial) if number}
    if bare_number(ticket.imei_serial) not in given:
        raise Invalid({"imei1": f"is not the device of repair {ticket.number}: that is {ticket.imei_serial}"})


def _add_costs(ctx: Context, ticket: RepairTicket, parts: list[RepairPart], unit_id: str) -> int:
    """Parts that were fitted (they left the stock then) and outside work, onto what the phone cost."""
    fitted = [part for part in parts if part.state == PartState.USED and part.unit_cost_minor]
    rows = [
        _cost(ctx, unit_id, UnitCostKind.PART, part.quantity * (part.unit_cost_minor or 0), part.name, part.product_id)
        for part in fitted
    ]
    rows += [
        _cost(ctx, unit_id, UnitCostKind.OTHER, work.cost_minor, work.sent_to)
        for work in outwork_of(ctx.session, ticket.id) if work.cost_minor
    ]  # fmt: skip
    if not rows:
        return 0
    insert_rows(ctx.session, UnitCost, rows)
    unit = own_unit(ctx, unit_id)
    spent: int = sum(row["amount_minor"] for row in rows)
    add_to_cost(ctx, unit, spent, f"Repair {ticket.number}")
    return spent


def _cost(
    ctx: Context, unit_id: str, kind: UnitCostKind, amount_minor: int, note: str, product_id: str | None = None
) -> dict[str, Any]:
    return {
        "id": ctx.new_id(), "unit_id": unit_id, "shop_id": ctx.shop_id, "kind": kind.value,
        "amount_minor": amount_minor, "product_id": product_id, "note": note, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip


def _figures(ctx: Context, form: BuyDevice) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    return figures_of_phone(form)


register_figures("repairs.buy_device", _figures)
