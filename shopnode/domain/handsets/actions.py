"""Phones in by their numbers: one, many by scanning, or announced before they come.

A phone is one `Handset` however often it comes and goes; each stay is a `StockUnit`. No two open stays of a shop share
a number, in whichever column it stands.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.buying.models import Supplier
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.catalogue.models import Product
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.errors import AlreadyInStock as AlreadyInStock
from shopnode.domain.handsets.errors import NotInStock as NotInStock
from shopnode.domain.handsets.models import OPEN_STATUSES, Condition, Handset, StockUnit, UnitStatus
from shopnode.domain.handsets.numbers import NEEDED, Numbers, handsets_by_number, read_numbers, read_scanned
from shopnode.domain.handsets.params import Day, Moment, Percent, ShortWord, Source
from shopnode.domain.handsets.params import Grade as Grade
from shopnode.domain.handsets.params import Typed as Typed
from shopnode.domain.handsets.params import Word as Word
from shopnode.domain.handsets.pricing import check_own_price
from shopnode.domain.handsets.rules import bare_number, grade_in, read_imei
from shopnode.domain.handsets.states import tell, turn
from shopnode.domain.handsets.tac import model_warning
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import Amount, IdText, Line, Note, Optionally, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.usedphones.blocklist import refuse_blocked
from shopnode.domain.usedphones.rules import hold_end

SCANNED_MAX = 200  # phones at once: an entry stays far below its limit


class Intake(Params):
    """What phones that came in have in common."""

    product_id: IdText
    colour: Word = None
    storage: Word = None
    cost_minor: Amount | None = None  # of each, landed; the catalogue's cost when left out
    grade: Grade = None
    source: Source = None  # the supplier's name when left out
    supplier_id: Annotated[IdText | None, Optionally] = None
    condition: Annotated[Literal["new", "open_box", "used", "refurbished"] | None, Optionally] = None
    has_box: bool | None = None
    has_charger: bool | None = None
    battery_pct: Percent | None = None
    lock_state: ShortWord = None
    region: ShortWord = None
    vat_scheme: Annotated[Literal["standard", "margin"] | None, Optionally] = None
    hold_until: Moment | None = None  # not for sale before
    price_minor: Amount | None = None  # of this piece; its product's when left out
    supplier_warranty_until: Day | None = None  # what their supplier covers; apart from what we promise
    notes: Annotated[Note | None, Optionally] = None


class ReceiveHandset(Intake):
    """One phone that came in, with the numbers on it."""

    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    eid: Typed = None
    box_imei: Typed = None  # on the box, where somebody compared it with the phone
    unreadable: Annotated[Reason | None, Optionally] = None  # why it has no number that can be read
    in_file: bool = False  # a line of a supplier's list, which says at its head whose it is


class ReceiveHandsets(Intake):
    """Phones of one model, scanned one after another."""

    numbers: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=60)]], Field(min_length=1, max_length=SCANNED_MAX)
    ]


@action("handsets.receive", needs=Permission.DEVICES_CREATE)
def receive_one(ctx: Context, new: ReceiveHandset) -> dict[str, Any]:
    """Take a phone into stock by its numbers. One that was here before keeps its identity.

    Raises PhoneBlocked, AlreadyInStock, ApprovalNeeded, Invalid, NotFound.
    """
    done = receive_handset(ctx, new)
    if not new.in_file:
        _vouch_for_used(ctx, [find_row(ctx.session, StockUnit, done["unit_id"])])
    return done


def receive_handset(ctx: Context, new: ReceiveHandset) -> dict[str, Any]:
    """The same within another action, which knows where the phone is from."""
    product = serialised_product(ctx.session, new.product_id)
    numbers = _numbers_on(ctx, new)
    exception = _exception(ctx, numbers, new)
    handset, unit = _begin_stay(ctx, product, numbers, new)
    if exception is not None:
        tell(ctx, unit, None, unit.status, exception)
    ctx.about("handset", handset.id)
    notes = numbers.notes + ([exception] if exception is not None and new.box_imei else [])
    return {"handset_id": handset.id, "unit_id": unit.id, "number": handset.number, "notes": notes}


@action("handsets.receive_many", needs=Permission.DEVICES_CREATE)
def receive_many(ctx: Context, new: ReceiveHandsets) -> dict[str, Any]:
    """Take phones of one model into stock as they are scanned: all of them, or none when one number is wrong.

    Raises Invalid, naming each wrong number by its place.
    """
    product = serialised_product(ctx.session, new.product_id)
    read = _read_all(new.numbers)
    wrong: dict[str, str] = {}
    taken: list[tuple[Handset, StockUnit, list[str]]] = []
    for place, numbers in enumerate(read):
        try:
            handset, unit = _begin_stay(ctx, product, numbers, new)
            taken.append((handset, unit, numbers.notes))
        except Conflict as refusal:
            wrong[f"numbers.{place}"] = str(refusal)
    if wrong:
        raise Invalid(wrong)
    _vouch_for_used(ctx, [unit for _, unit, _ in taken])
    ctx.about("product", product.id)
    notes = list(dict.fromkeys(note for *_, noted in taken for note in noted))
    phones = [{"handset_id": one.id, "unit_id": unit.id, "number": one.number} for one, unit, _ in taken]
    return {"received": len(phones), "phones": phones, "notes": notes}


@action("handsets.expect", needs=Permission.DEVICES_UPDATE)
def expect_handset(ctx: Context, new: ReceiveHandset) -> dict[str, Any]:
    """Write down a phone that its supplier announced. Receiving it by its number brings it into stock.

    Raises AlreadyInStock, Invalid, NotFound.
    """
    product = serialised_product(ctx.session, new.product_id)
    numbers = _numbers_on(ctx, new)
    handset, unit = _begin_stay(ctx, product, numbers, new, status=UnitStatus.EXPECTED)
    tell(ctx, unit, None, unit.status, unit.source)
    ctx.about("handset", handset.id)
    return {"handset_id": handset.id, "unit_id": unit.id, "number": handset.number, "notes": numbers.notes}


def serialised_product(session: Session, product_id: str) -> Product:
    """The product, if its pieces have numbers. Raises Invalid, NotFound."""
    product = find_product(session, product_id)
    if not product.is_serialised:
        raise Invalid({"product_id": f"“{product.name}” is not counted by IMEI; add to its stock by quantity"})
    return product


def open_stay_or_none(session: Session, handset_id: str) -> StockUnit | None:
    """The stay of this phone that has not ended."""
    query = select(StockUnit).where(StockUnit.handset_id == handset_id, StockUnit.status.in_(OPEN_STATUSES))
    return session.scalars(query.limit(1)).first()


def _numbers_on(ctx: Context, new: ReceiveHandset) -> Numbers:
    """The numbers of one phone; where none can be read, one of our own, with a supervisor's word for it (rule 2).

    Raises Invalid, ApprovalNeeded.
    """
    numbers = read_numbers(new.imei1, new.imei2, new.serial, new.eid)
    if new.unreadable is None:
        if not numbers.names_a_phone:
            raise Invalid({"imei1": NEEDED})
        return numbers
    if numbers.names_a_phone:
        raise Invalid({"unreadable": "is for a phone without any number; leave it empty when there is one"})
    need_supervisor(ctx, "A phone without a readable IMEI is taken in.")
    return replace(numbers, serial=bare_number(next_document_number(ctx, Document.UNREADABLE)))


def _exception(ctx: Context, numbers: Numbers, new: ReceiveHandset) -> str | None:
    """What is out of the ordinary about this intake, to be told for ever: no number, or another on the box (rule 12).

    Raises Invalid, ApprovalNeeded.
    """
    if new.unreadable is not None:
        return f"No readable IMEI: {new.unreadable}"
    if new.box_imei is None:
        return None
    try:
        on_box = read_imei(new.box_imei).text
    except ValueError as fault:
        raise Invalid({"box_imei": str(fault)}) from None
    if on_box in numbers.all:
        return None
    need_supervisor(ctx, f"The box belongs to another phone: it says {on_box}.")
    return f"Box and phone differ: the box says {on_box}, the phone {numbers.imei1 or numbers.serial}"


def _vouch_for_used(ctx: Context, units: list[StockUnit]) -> None:
    """A used phone is bought from its seller with their ID, or comes from a supplier (rule 13). One of neither is taken
    in on a supervisor's word, and held back like one bought from a person (rule 19). Raises ApprovalNeeded."""
    nobodys = [unit for unit in units if unit.condition == Condition.USED.value and unit.supplier_id is None]
    if not nobodys or ctx.may(Permission.LIMITS_APPROVE):
        return
    need_supervisor(
        ctx, "A used phone comes in without a supplier and without its seller's ID. Buy it as used, or ask."
    )
    held = hold_end(ctx.now, number_setting(ctx.session, "used_hold_days"))
    for unit in nobodys:
        unit.hold_until = unit.hold_until or held


def need_supervisor(ctx: Context, sentence: str) -> None:
    """Who may approve may do it alone; others need a second person. Raises ApprovalNeeded."""
    if not ctx.may(Permission.LIMITS_APPROVE):
        ctx.require_approval(sentence)


def _read_all(numbers: list[str]) -> list[Numbers]:
    """Every scanned number. Raises Invalid, naming each wrong one by its place."""
    wrong: dict[str, str] = {}
    read: list[Numbers] = []
    seen: dict[str, int] = {}
    for place, typed in enumerate(numbers):
        try:
            found = read_scanned(typed)
        except ValueError as fault:
            wrong[f"numbers.{place}"] = f"“{typed[:20]}” {fault}"
            continue
        first = seen.setdefault(found.all[0], place)
        if first != place:
            wrong[f"numbers.{place}"] = f"“{typed[:20]}” was scanned before, as number {first + 1}"
        read.append(found)
    if wrong:
        raise Invalid(wrong)
    return read


def _begin_stay(
    ctx: Context, product: Product, numbers: Numbers, new: Intake, status: UnitStatus = UnitStatus.IN_STOCK
) -> tuple[Handset, StockUnit]:
    """The phone of these numbers and its new stay here; what is odd about the model is noted (rule 9).

    Raises PhoneBlocked, AlreadyInStock, Conflict, NotFound.
    """
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    refuse_blocked(ctx.session, numbers.all)
    warning = model_warning(ctx.session, numbers.imei1, product)
    handset, expected = _identity(ctx, numbers, product, new, may_be_expected=status is UnitStatus.IN_STOCK)
    if warning is not None:
        numbers.notes.append(warning)
    facts = _facts(ctx, product, new)
    if expected is not None:
        return handset, _arrived(ctx, expected, facts, product, new)
    unit = StockUnit(
        id=ctx.new_id(), handset_id=handset.id, product_id=product.id, shop_id=ctx.shop_id, status=status.value,
        received_at=ctx.now, received_by=ctx.actor.id, **facts,
    )  # fmt: skip
    add_rows(ctx.session, unit)
    if status is UnitStatus.IN_STOCK:
        _move_in(ctx, unit)
    return handset, unit


def _facts(ctx: Context, product: Product, new: Intake) -> dict[str, Any]:
    """What is known of the phone as it stands here. Raises ApprovalNeeded, NotFound."""
    supplier = find_row(ctx.session, Supplier, new.supplier_id, "This supplier") if new.supplier_id else None
    grade = new.grade or grade_in(product.name)
    cost_minor = product.cost_minor if new.cost_minor is None else new.cost_minor
    if new.price_minor is not None:
        check_own_price(ctx, product, new.price_minor, cost_minor)
    return {
        "cost_minor": cost_minor,
        "grade": grade,
        "source": new.source or (supplier.name if supplier else None),
        "supplier_id": new.supplier_id,
        "condition": new.condition or (Condition.USED if grade else Condition.NEW).value,
        "has_box": new.has_box,
        "has_charger": new.has_charger,
        "battery_pct": new.battery_pct,
        "lock_state": new.lock_state,
        "region": new.region,
        "vat_scheme": new.vat_scheme,
        "hold_until": new.hold_until,
        "price_minor": new.price_minor,
        "supplier_warranty_until": new.supplier_warranty_until,
        "notes": new.notes,
    }


def _arrived(ctx: Context, unit: StockUnit, facts: dict[str, Any], product: Product, new: Intake) -> StockUnit:
    """An expected phone is here: what was not told again stays as it was announced."""
    if unit.product_id != product.id:
        expected = find_product(ctx.session, unit.product_id)
        raise Conflict(f"This phone is expected as “{expected.name}”. Receive it as that, or write that off first.")
    told = new.model_fields_set
    for name, value in facts.items():
        if name in told or getattr(unit, name) is None:
            setattr(unit, name, value)
    unit.received_at, unit.received_by = ctx.now, ctx.actor.id
    turn(ctx, unit, UnitStatus.IN_STOCK, unit.source, kind=MovementKind.RECEIVED)
    return unit


def _identity(
    ctx: Context, numbers: Numbers, product: Product, new: Intake, *, may_be_expected: bool
) -> tuple[Handset, StockUnit | None]:
    """The phone of these numbers, known before or new, and the stay that it is expected to begin.

    Raises AlreadyInStock, Conflict.
    """
    known = handsets_by_number(ctx.session, numbers.all)
    expected = None
    for handset in known:
        stay = open_stay_or_none(ctx.session, handset.id)
        if stay is not None and may_be_expected and stay.status == UnitStatus.EXPECTED.value:
            expected = stay
        elif stay is not None:
            raise AlreadyInStock(handset.number, find_product(ctx.session, stay.product_id).name, stay.status)
    if len(known) > 1:
        raise Conflict("These numbers belong to different phones we had before. Read them again with *#06#.")
    if known:
        return _known_again(known[0], numbers, new), expected
    handset = Handset(
        id=ctx.new_id(), product_id=product.id, imei1=numbers.imei1, imei2=numbers.imei2, serial=numbers.serial,
        eid=numbers.eid, colour=new.colour, storage=new.storage, created_at=ctx.now,
    )  # fmt: skip
    add_rows(ctx.session, handset)
    return handset, None


def _known_again(handset: Handset, numbers: Numbers, new: Intake) -> Handset:
    """A phone that was here before, with what is told of it now."""
    for name in ("imei1", "imei2", "serial", "eid"):
        told, kept = getattr(numbers, name), getattr(handset, name)
        if told and kept and told != kept and told not in (handset.imei1, handset.imei2):
            raise Conflict(f"This phone was here before with the number {kept}. Correct it first if that was wrong.")
        if told and not kept and told not in (handset.imei1, handset.imei2):
            setattr(handset, name, told)
    handset.colour = new.colour or handset.colour
    handset.storage = new.storage or handset.storage
    return handset


def _move_in(ctx: Context, unit: StockUnit) -> None:
    movement = {
        "id": ctx.new_id(), "shop_id": unit.shop_id, "product_id": unit.product_id, "unit_id": unit.id,
        "kind": MovementKind.RECEIVED.value, "quantity": 1, "unit_cost_minor": unit.cost_minor, "note": unit.source,
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, StockMovement, [movement])
