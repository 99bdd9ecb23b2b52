"""Phones in and out of stock by their numbers: received, corrected, looked over, written off.

A phone is one `Handset` however often it comes and goes; each stay is a `StockUnit`. No two open stays of a shop share
a number, in whichever column it stands.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.errors import AlreadyInStock as AlreadyInStock
from shopnode.domain.handsets.errors import NotInStock as NotInStock
from shopnode.domain.handsets.models import OPEN_STATUSES, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import Numbers, handsets_by_number, read_numbers
from shopnode.domain.handsets.params import Grade as Grade
from shopnode.domain.handsets.params import Typed as Typed
from shopnode.domain.handsets.params import Word as Word
from shopnode.domain.handsets.rules import grade_in
from shopnode.domain.params import Amount, IdText, Line, Optionally, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import MovementKind, StockMovement


class ReceiveHandset(Params):
    """One phone that came in, with the numbers on it."""

    product_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    colour: Word = None
    storage: Word = None
    cost_minor: Amount | None = None  # the catalogue's cost when left out
    grade: Grade = None
    source: Annotated[Annotated[Line, Field(max_length=200)] | None, Optionally] = None


class CorrectHandset(Params):
    """A phone's numbers or looks as they really are. Both the old and the new stay in its history."""

    handset_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    colour: Word = None
    storage: Word = None
    reason: Reason


@action("handsets.receive", needs=Permission.DEVICES_CREATE)
def receive_handset(ctx: Context, new: ReceiveHandset) -> dict[str, Any]:
    """Take a phone into stock by its numbers. One that was here before keeps its identity.

    Raises AlreadyInStock, Invalid, NotFound.
    """
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    product = find_product(ctx.session, new.product_id)
    if not product.is_serialised:
        raise Invalid({"product_id": f"“{product.name}” is not counted by IMEI; add to its stock by quantity"})
    numbers = read_numbers(new.imei1, new.imei2, new.serial)
    if not numbers.all:
        raise Invalid({"imei1": "is needed, or a serial number for what has no IMEI"})
    handset = _identity(ctx, numbers, product, new)
    cost_minor = product.cost_minor if new.cost_minor is None else new.cost_minor
    unit_id = ctx.new_id()
    unit = {
        "id": unit_id, "handset_id": handset.id, "product_id": product.id, "shop_id": ctx.shop_id,
        "status": UnitStatus.IN_STOCK.value, "cost_minor": cost_minor, "grade": new.grade or grade_in(product.name),
        "source": new.source, "received_at": ctx.now, "received_by": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockUnit, [unit])
    _move(ctx, unit_id, product.id, MovementKind.RECEIVED, 1, cost_minor, new.source)
    ctx.about("handset", handset.id)
    return {"handset_id": handset.id, "unit_id": unit_id, "number": handset.number, "notes": numbers.notes}


@action("handsets.correct", needs=Permission.DEVICES_UPDATE)
def correct_handset(ctx: Context, new: CorrectHandset) -> dict[str, Any]:
    """Correct a phone's numbers, colour or storage, with the reason."""
    handset = find_row(ctx.session, Handset, new.handset_id, "This phone")
    given = new.model_fields_set

    def value(name: str) -> str | None:
        told: str | None = getattr(new if name in given else handset, name)
        return told

    numbers = read_numbers(value("imei1"), value("imei2"), value("serial"))
    if not numbers.all:
        raise Invalid({"imei1": "is needed, or a serial number for what has no IMEI"})
    if any(other.id != handset.id for other in handsets_by_number(ctx.session, numbers.all)):
        raise Conflict("Another phone is known by one of these numbers.")
    handset.imei1, handset.imei2, handset.serial = numbers.imei1, numbers.imei2, numbers.serial
    handset.colour, handset.storage = value("colour"), value("storage")
    ctx.about("handset", handset.id)
    return {"handset_id": handset.id, "number": handset.number, "notes": numbers.notes}


def open_stay_or_none(session: Session, handset_id: str) -> StockUnit | None:
    """The stay of this phone that has not ended."""
    query = select(StockUnit).where(StockUnit.handset_id == handset_id, StockUnit.status.in_(OPEN_STATUSES))
    return session.scalars(query.limit(1)).first()


def _identity(ctx: Context, numbers: Numbers, product: Product, new: ReceiveHandset) -> Handset:
    """The phone of these numbers: the one known before, or a new one. Raises AlreadyInStock, Conflict."""
    known = handsets_by_number(ctx.session, numbers.all)
    for handset in known:
        stay = open_stay_or_none(ctx.session, handset.id)
        if stay is not None:
            raise AlreadyInStock(handset.number, find_product(ctx.session, stay.product_id).name, stay.status)
    if len(known) > 1:
        raise Conflict("These numbers belong to different phones we had before. Read them again with *#06#.")
    if not known:
        handset = Handset(
            id=ctx.new_id(), product_id=product.id, imei1=numbers.imei1, imei2=numbers.imei2, serial=numbers.serial,
            colour=new.colour, storage=new.storage, created_at=ctx.now,
        )  # fmt: skip
        add_rows(ctx.session, handset)
        return handset
    return _known_again(known[0], numbers, new)


def _known_again(handset: Handset, numbers: Numbers, new: ReceiveHandset) -> Handset:
    """A phone that was here before, with what is told of it now."""
    for name in ("imei1", "imei2", "serial"):
        told, kept = getattr(numbers, name), getattr(handset, name)
        if told and kept and told != kept and told not in (handset.imei1, handset.imei2):
            raise Conflict(f"This phone was here before with the number {kept}. Correct it first if that was wrong.")
        if told and not kept and told not in (handset.imei1, handset.imei2):
            setattr(handset, name, told)
    handset.colour = new.colour or handset.colour
    handset.storage = new.storage or handset.storage
    return handset


def _move(
    ctx: Context, unit_id: str, product_id: str, kind: MovementKind, quantity: int, cost_minor: int, note: str | None
) -> None:
    movement = {
        "id": ctx.new_id(), "shop_id": ctx.shop_id, "product_id": product_id, "unit_id": unit_id, "kind": kind.value,
        "quantity": quantity, "unit_cost_minor": cost_minor, "note": note, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockMovement, [movement])
