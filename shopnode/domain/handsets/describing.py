"""What is known of a phone, put right: its numbers, and how it looks now.

Invariants:
  * A correction keeps both values (rule 8): the old and the new stand in its event, which is never changed, and what
    was printed on a receipt stays on its line.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.catalogue.queries import find_product
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid
from shopnode.domain.handsets.models import Handset, StockUnit
from shopnode.domain.handsets.numbers import NEEDED, handsets_by_number, read_numbers
from shopnode.domain.handsets.params import Day, Grade, Percent, ShortWord, Typed, Word
from shopnode.domain.handsets.pricing import check_own_price
from shopnode.domain.handsets.states import own_unit, tell
from shopnode.domain.params import Amount, IdText, Note, Optionally, Params, Reason
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.usedphones.blocklist import refuse_blocked

IDENTITY = {"imei1": "IMEI 1", "imei2": "IMEI 2", "serial": "Serial", "eid": "EID", "colour": "Colour",
            "storage": "Storage"}  # fmt: skip
LOOKS = ("condition", "grade", "has_box", "has_charger", "battery_pct", "lock_state", "region", "price_minor",
         "supplier_warranty_until", "notes")  # fmt: skip


class CorrectHandset(Params):
    """A phone's numbers or looks as they really are. Both the old and the new stay in its history."""

    handset_id: IdText
    imei1: Typed = None
    imei2: Typed = None
    serial: Typed = None
    eid: Typed = None
    colour: Word = None
    storage: Word = None
    reason: Reason


class DescribeUnit(Params):
    """How a phone looks now, and what is asked for it; what is left out stays as it is."""

    unit_id: IdText
    condition: Annotated[Literal["new", "open_box", "used", "refurbished"] | None, Optionally] = None
    grade: Grade = None
    has_box: bool | None = None
    has_charger: bool | None = None
    battery_pct: Percent | None = None
    lock_state: ShortWord = None
    region: ShortWord = None
    price_minor: Amount | None = None  # of this piece; its product's when it is none
    supplier_warranty_until: Day | None = None
    notes: Annotated[Note | None, Optionally] = None


@action("handsets.correct", needs=Permission.DEVICES_UPDATE)
def correct_handset(ctx: Context, new: CorrectHandset) -> dict[str, Any]:
    """Correct a phone's numbers, colour or storage, with the reason. A blocked number is not corrected away.

    Raises PhoneBlocked, Conflict, Invalid, NotFound.
    """
    handset = find_row(ctx.session, Handset, new.handset_id, "This phone")
    before = {name: getattr(handset, name) for name in IDENTITY}
    after = {name: getattr(new, name) if name in new.model_fields_set else before[name] for name in IDENTITY}
    numbers = read_numbers(after["imei1"], after["imei2"], after["serial"], after["eid"])
    if not numbers.names_a_phone:
        raise Invalid({"imei1": NEEDED})
    if any(other.id != handset.id for other in handsets_by_number(ctx.session, numbers.all)):
        raise Conflict("Another phone is known by one of these numbers.")
    gone = {before[name] for name in ("imei1", "imei2", "serial", "eid")} - {*numbers.all, None}
    refuse_blocked(ctx.session, [number for number in gone if number])  # its block is lifted first, by a second person
    after |= {name: getattr(numbers, name) for name in ("imei1", "imei2", "serial", "eid")}
    for name, value in after.items():
        setattr(handset, name, value)
    stay = _last_stay(ctx, handset.id)
    if stay is not None:
        tell(ctx, stay, stay.status, stay.status, _told(before, after, new.reason))
    ctx.about("handset", handset.id)
    return {"handset_id": handset.id, "number": handset.number, "notes": numbers.notes}


@action("handsets.describe", needs=Permission.DEVICES_UPDATE)
def describe_unit(ctx: Context, new: DescribeUnit) -> dict[str, Any]:
    """Write down how a phone looks now: condition, grade, battery, locks, what is in the box; and its own price.

    Raises ApprovalNeeded, NotFound.
    """
    unit = own_unit(ctx, new.unit_id)
    if new.price_minor is not None and new.price_minor != unit.price_minor:
        check_own_price(ctx, find_product(ctx.session, unit.product_id), new.price_minor, unit.cost_minor)
    for name in new.model_fields_set & set(LOOKS):
        setattr(unit, name, getattr(new, name))
    ctx.about("handset", unit.handset_id)
    return {"unit_id": unit.id}


def _last_stay(ctx: Context, handset_id: str) -> StockUnit | None:
    """The latest stay of the phone in this shop, which its event stands beside."""
    query = select(StockUnit).where(StockUnit.handset_id == handset_id, StockUnit.shop_id == ctx.shop_id)
    session: Session = ctx.session
    return session.scalars(query.order_by(StockUnit.received_at.desc(), StockUnit.id.desc()).limit(1)).first()


def _told(before: dict[str, str | None], after: dict[str, str | None], reason: str) -> str:
    """Both values of whatever changed, and why."""
    changed = [
        f"{label}: {before[name] or 'none'} → {after[name] or 'none'}"
        for name, label in IDENTITY.items()
        if before[name] != after[name]
    ]
    return ". ".join([*changed, reason])
