"""Phones that go back to their supplier (RMA), and how that ends. Apart from the shop's own warranty (rule 58).

Invariants:
  * A phone is with one supplier once at a time: its state says so, and it is off the shelf meanwhile. Of a phone one
    return is open at most; one that came back some other way is only said to have been mended or refused.
  * Whatever the end, the worth follows: mended, it is back on the shelf at its cost; replaced, another phone takes its
    place at the same cost; credited, the supplier owes us instead.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.buying.accounts import write_entry
from shopnode.domain.buying.models import ReturnToSupplierOutcome, SupplierEntryKind, SupplierReturn
from shopnode.domain.buying.queries import find_supplier
from shopnode.domain.buying.receiving import DeliveredPhone
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.handsets.actions import ReceiveHandset, receive_handset
from shopnode.domain.handsets.models import StockUnit, UnitStatus
from shopnode.domain.handsets.states import own_unit, turn
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import IdText, Optionally, Params, PositiveAmount, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row


class SendToSupplier(Params):
    """A phone that goes back, and why."""

    unit_id: IdText
    supplier_id: Annotated[IdText | None, Optionally] = None  # whom it came from, when left out
    reason: Reason


class EndReturn(Params):
    """What the supplier made of it."""

    return_id: IdText
    outcome: Literal["repaired", "replaced", "credited", "refused"]
    replacement: DeliveredPhone | None = None  # the numbers of the phone that came instead
    credited_minor: PositiveAmount | None = None  # what the phone cost, when left out
    note: Annotated[Reason | None, Optionally] = None


class ReturnEnded(Conflict):
    code = "return-ended"

    def __init__(self, number: str, outcome: str):
        super().__init__(f"Return {number} has ended already: {outcome}.")


class StillOut(Conflict):
    code = "return-open"

    def __init__(self, number: str):
        super().__init__(f"Return {number} of this phone is still open: say first how it ended.")


class NotWithSupplier(Conflict):
    code = "not-with-supplier"

    def __init__(self, number: str):
        super().__init__(
            f"The phone of return {number} is not with its supplier any more, so nothing stands in its place. "
            "End the return as repaired or refused."
        )


@action("suppliers.send_back", needs=Permission.DEVICES_UPDATE)
def send_back(ctx: Context, form: SendToSupplier) -> dict[str, Any]:
    """Send a phone back to its supplier: off the shelf until they answer.

    Raises NotInStock, StillOut, Invalid, NotFound.
    """
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    unit = own_unit(ctx, form.unit_id)
    supplier_id = form.supplier_id or unit.supplier_id
    if supplier_id is None:
        raise Invalid({"supplier_id": "is needed: it is not known whom this phone came from"})
    supplier = find_supplier(ctx.session, supplier_id)
    if unit.status != UnitStatus.SUPPLIER:
        _refuse_second(ctx, unit)
    sent = SupplierReturn(
        id=ctx.new_id(), shop_id=ctx.shop_id, supplier_id=supplier.id, unit_id=unit.id, reason=form.reason,
        number=next_document_number(ctx, Document.SUPPLIER_RETURN), sent_at=ctx.now, sent_by=ctx.actor.id,
    )  # fmt: skip
    add_rows(ctx.session, sent)
    turn(ctx, unit, UnitStatus.SUPPLIER, form.reason, about_id=sent.id)
    ctx.about("supplier_return", sent.id)
    return {"return_id": sent.id, "number": sent.number, "unit_id": unit.id, "status": unit.status}


@action("suppliers.end_return", needs=Permission.SUPPLIERS_MANAGE)
def end_return(ctx: Context, form: EndReturn) -> dict[str, Any]:
    """Say how a return ended: the phone is back, another came, or the supplier credited it.

    Raises ReturnEnded, NotWithSupplier, Invalid, AlreadyInStock, NotFound.
    """
    sent = find_row(ctx.session, SupplierReturn, form.return_id, "This return")
    if sent.shop_id != ctx.shop_id:
        raise NotFound("This return")
    if sent.outcome is not None:
        raise ReturnEnded(sent.number, sent.outcome)
    unit = own_unit(ctx, sent.unit_id)
    outcome = ReturnToSupplierOutcome(form.outcome)
    sent.outcome, sent.ended_at, sent.ended_by = outcome.value, ctx.now, ctx.actor.id
    if (form.replacement is not None) != (outcome is ReturnToSupplierOutcome.REPLACED):
        raise Invalid({"replacement": "names the phone that came instead, and only then"})
    _check_credit(form, unit)
    note = form.note or f"Return {sent.number}: {outcome.value}"
    came_back = unit.status not in (UnitStatus.SUPPLIER, UnitStatus.MISSING)  # by another way than this return
    if came_back and outcome not in (ReturnToSupplierOutcome.REPAIRED, ReturnToSupplierOutcome.REFUSED):
        raise NotWithSupplier(sent.number)
    if came_back:
        pass  # it is what it is by now: on the shelf, being looked at, sold
    elif outcome is ReturnToSupplierOutcome.REPAIRED:
        turn(ctx, unit, UnitStatus.IN_STOCK, note, about_id=sent.id)
    elif outcome is ReturnToSupplierOutcome.REFUSED:
        turn(ctx, unit, UnitStatus.INSPECT, note, about_id=sent.id)
    else:
        turn(ctx, unit, UnitStatus.SCRAPPED, note, about_id=sent.id)
        if form.replacement is not None:
            sent.replaced_by_unit_id = _take_replacement(ctx, sent, unit, form.replacement)
        else:
            sent.credited_minor = unit.cost_minor if form.credited_minor is None else form.credited_minor
            credited = -sent.credited_minor
            write_entry(
                ctx, sent.supplier_id, SupplierEntryKind.CREDIT_NOTE, credited, reference=sent.number, note=note
            )
    ctx.about("supplier_return", sent.id)
    return {"return_id": sent.id, "number": sent.number, "outcome": outcome.value, "status": unit.status}


def _refuse_second(ctx: Context, unit: StockUnit) -> None:
    """Raises StillOut while another return of this phone is open."""
    query = select(SupplierReturn.number).where(SupplierReturn.unit_id == unit.id, SupplierReturn.outcome.is_(None))
    number = ctx.session.scalars(query.limit(1)).first()
    if number is not None:
        raise StillOut(number)


def _check_credit(form: EndReturn, unit: StockUnit) -> None:
    """A supplier credits a phone with what it cost at most. Raises Invalid."""
    if unit.cost_minor and (form.credited_minor or 0) > unit.cost_minor:
        words = f"is more than this phone cost, {unit.cost_minor:,}: write the rest on the supplier's account"
        raise Invalid({"credited_minor": words})


def _take_replacement(ctx: Context, sent: SupplierReturn, unit: StockUnit, phone: DeliveredPhone) -> str:
    """The phone that came instead, at the cost of the one it stands for."""
    form = ReceiveHandset(
        product_id=unit.product_id, cost_minor=unit.cost_minor, supplier_id=sent.supplier_id,
        source=f"Return {sent.number}", **phone.model_dump(exclude_unset=True),
    )  # fmt: skip
    unit_id: str = receive_handset(ctx, form)["unit_id"]
    return unit_id
