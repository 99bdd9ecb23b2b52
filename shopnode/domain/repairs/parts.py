"""Parts of a repair: kept for it, fitted, put back; what became of the old one (rules 67 and 68).

Invariants:
  * A part that is fitted leaves the stock by one movement, at what a piece cost the shop then.
  * What is kept for a ticket is nobody else's: no other ticket is promised it.
  * The customer's own part has neither cost nor price.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.repairs.forms import ReservePart, ReturnPart, UsePart
from shopnode.domain.repairs.models import OldPart, PartState, RepairPart, RepairStatus, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, parts_of, price_of_parts
from shopnode.domain.repairs.rules import AT_WORK, labour_within
from shopnode.domain.repairs.status import need_agreement
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.stock.queries import costs_of, on_hand

WORKED_ON = (*AT_WORK, RepairStatus.QUALITY_CHECK)


class AboveAgreed(Conflict):
    """More than the customer said yes to (rule 65)."""

    code = "above-agreed"

    def __init__(self, parts: int, agreed: int):
        super().__init__(
            f"With this part the parts alone come to {parts:,}, and {agreed:,} were agreed for all of it. "
            "Give a new estimate, and write the customer's answer first."
        )


class NotFree(Conflict):
    """Too few on the shelf that are not kept for another repair."""

    code = "part-not-free"

    def __init__(self, name: str, here: int, kept: int):
        super().__init__(f"“{name}”: {here} on the shelf, {kept} of them kept for other repairs. Order it first.")


class PartNotHere(Conflict):
    code = "part-not-reserved"

    def __init__(self, name: str, state: str):
        super().__init__(f"“{name}” is {state} already.")


@action("repairs.reserve_part", needs=Permission.REPAIRS_UPDATE)
def reserve_part(ctx: Context, form: ReservePart) -> dict[str, Any]:
    """Keep a part for a repair. Raises NotFree, AboveAgreed, TicketLocked, Invalid, NotFound."""
    ticket = _at_work(ctx, form.ticket_id)
    product = _product(ctx, form.product_id)
    if product is not None:
        _need_free(ctx, product, form.quantity)
    row = RepairPart(
        id=ctx.new_id(), ticket_id=ticket.id, shop_id=ticket.shop_id, product_id=product.id if product else None,
        name=product.name if product else form.name, serial=form.serial, quantity=form.quantity,
        is_customers=form.is_customers, state=PartState.RESERVED.value,
        unit_cost_minor=0 if form.is_customers else form.unit_cost,
        unit_price_minor=_price(ticket, product, form), reserved_at=ctx.now, reserved_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, row)
    _fit_in(ctx, ticket)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "part_id": row.id}


@action("repairs.use_part", needs=Permission.REPAIRS_UPDATE)
def use_part(ctx: Context, form: UsePart) -> dict[str, Any]:
    """Fit a part: it leaves the stock, and what became of the old one is told. Raises NotAgreed, PartNotHere."""
    part, ticket = _part(ctx, form.part_id)
    need_agreement(ticket)
    if part.state != PartState.RESERVED:
        raise PartNotHere(part.name, part.state)
    if part.product_id is not None:
        part.unit_cost_minor = costs_of(ctx.session, ctx.shop_id, [part.product_id])[part.product_id]
        _move(ctx, ticket, part, -part.quantity)
    part.state, part.old_part = PartState.USED.value, form.old_part.value
    part.serial = form.serial or part.serial
    part.used_at, part.used_by = ctx.now, ctx.actor.id
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "part_id": part.id}


@action("repairs.return_part", needs=Permission.REPAIRS_UPDATE)
def return_part(ctx: Context, form: ReturnPart) -> dict[str, Any]:
    """Put a part back on the shelf: one that was kept, or one that was fitted and came out. Raises PartNotHere."""
    part, ticket = _part(ctx, form.part_id)
    if part.state == PartState.RETURNED:
        raise PartNotHere(part.name, part.state)
    if part.state == PartState.USED and part.product_id is not None:
        _move(ctx, ticket, part, part.quantity)
    if part.state == PartState.USED:
        part.old_part = OldPart.NONE.value  # it went back to where it was
    part.state, part.returned_at = PartState.RETURNED.value, ctx.now
    ctx.session.flush()
    if ticket.agreed_minor is not None:
        parts = price_of_parts(parts_of(ctx.session, ticket.id))
        freed = part.quantity * part.unit_price_minor
        ticket.labour_minor = labour_within(ticket.agreed_minor, ticket.labour_minor + freed, parts)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id, "part_id": part.id}


def _at_work(ctx: Context, ticket_id: str) -> RepairTicket:
    ticket = find_open_ticket(ctx, ticket_id)
    if ticket.status not in WORKED_ON:
        raise Conflict(f"Repair {ticket.number} is {ticket.status.lower()}: nobody works on it now.")
    return ticket


def _part(ctx: Context, part_id: str) -> tuple[RepairPart, RepairTicket]:
    part = find_row(ctx.session, RepairPart, part_id, "This part")
    if part.shop_id != ctx.shop_id:
        raise NotFound("This part")
    return part, _at_work(ctx, part.ticket_id)


def _product(ctx: Context, product_id: str | None) -> Product | None:
    if product_id is None:
        return None
    product = find_product(ctx.session, product_id)
    if product.merged_into is not None:
        product = find_product(ctx.session, product.merged_into)
    if product.is_serialised or product.is_bundle:
        what = "is counted by IMEI" if product.is_serialised else "is a bundle"
        raise Invalid({"product_id": f"“{product.name}” {what} and is no part"})
    return product


def _need_free(ctx: Context, product: Product, quantity: int) -> None:
    """Enough on the shelf beside what is kept for other repairs. Raises NotFree."""
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    query = select(func.coalesce(func.sum(RepairPart.quantity), 0)).where(
        RepairPart.product_id == product.id, RepairPart.state == PartState.RESERVED.value,
        RepairPart.shop_id == ctx.shop_id,
    )  # fmt: skip
    kept = int(ctx.session.scalar(query) or 0)
    here = on_hand(ctx.session, ctx.shop_id, [product.id])[product.id]
    if here - kept < quantity:
        raise NotFree(product.name, here, kept)


def _price(ticket: RepairTicket, product: Product | None, form: ReservePart) -> int:
    """What the customer pays for a piece: nothing where the shop answers for the job, or where it is their own."""
    if form.is_customers or ticket.claim_id is not None or ticket.rework_of_id is not None:
        return 0
    if form.unit_price is not None:
        return form.unit_price
    return product.price_minor if product else 0


def _fit_in(ctx: Context, ticket: RepairTicket) -> None:
    """Parts are inside the agreed price, and labour gives way to them. Raises AboveAgreed."""
    if ticket.agreed_minor is None:
        return
    parts = price_of_parts(parts_of(ctx.session, ticket.id))
    if parts > ticket.agreed_minor:
        raise AboveAgreed(parts, ticket.agreed_minor)
    ticket.labour_minor = labour_within(ticket.agreed_minor, ticket.labour_minor, parts)


def _move(ctx: Context, ticket: RepairTicket, part: RepairPart, quantity: int) -> None:
    movement = {
        "id": ctx.new_id(), "shop_id": part.shop_id, "product_id": part.product_id, "unit_id": None,
        "kind": MovementKind.USED.value, "quantity": quantity, "unit_cost_minor": part.unit_cost_minor,
        "note": f"Repair {ticket.number}", "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockMovement, [movement])
