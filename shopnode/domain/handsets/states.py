"""A phone's state during its stay: what may follow what, and each change told with who, where and why (rule 6).

Invariants:
  * On hand are the units in ON_HAND_STATUSES and no others: a phone that leaves them or comes back to them moves the
    stock in the same transaction.
  * Every change by `turn` leaves a `UnitEvent`. Selling, sending and their undoing are told by their own facts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound, NotPermitted
from shopnode.domain.handsets.errors import HeldBack, HeldForPlan, NotInStock
from shopnode.domain.handsets.models import ON_HAND_STATUSES, Handset, StockUnit, UnitEvent, UnitStatus
from shopnode.domain.handsets.params import Grade
from shopnode.domain.params import IdText, Optionally, Params, Reason
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.usedphones.blocklist import refuse_blocked

S = UnitStatus
# From each state, those a person may bring a phone to by hand. Selling and sending are not by hand.
MAY_FOLLOW: dict[str, frozenset[UnitStatus]] = {
    S.EXPECTED.value: frozenset({S.IN_STOCK, S.SCRAPPED}),
    S.IN_STOCK.value: frozenset({S.RESERVED, S.INSPECT, S.BENCH, S.SUPPLIER, S.LENT, S.MISSING, S.SCRAPPED}),
    S.RESERVED.value: frozenset({S.IN_STOCK, S.MISSING, S.SCRAPPED}),
    S.INSPECT.value: frozenset({S.IN_STOCK, S.BENCH, S.SUPPLIER, S.MISSING, S.SCRAPPED}),
    S.BENCH.value: frozenset({S.IN_STOCK, S.SUPPLIER, S.MISSING, S.SCRAPPED}),
    S.SUPPLIER.value: frozenset({S.IN_STOCK, S.INSPECT, S.MISSING, S.SCRAPPED}),
    S.LENT.value: frozenset({S.IN_STOCK, S.INSPECT, S.MISSING, S.SCRAPPED}),
    S.MISSING.value: frozenset({S.IN_STOCK, S.RESERVED, S.INSPECT, S.BENCH, S.SCRAPPED}),
    S.SOLD.value: frozenset(),
    S.SCRAPPED.value: frozenset(),
    S.SENT.value: frozenset(),
}
# A phone that was found is again where it was missed from; what a customer or a supplier had, is looked at first.
_FOUND_AS = {S.RESERVED.value: S.RESERVED, S.IN_STOCK.value: S.IN_STOCK, S.BENCH.value: S.BENCH}


class ChangeState(Params):
    """A phone, and why its state changes."""

    unit_id: IdText
    reason: Reason


class PutBack(Params):
    """A phone that is ready for the shelf, and what became of it on the bench."""

    unit_id: IdText
    reason: Reason
    grade: Grade = None


class GiveBack(Params):
    """A lent phone that came home."""

    unit_id: IdText
    outcome: Literal["resell", "inspect"] = "inspect"
    reason: Annotated[Reason | None, Optionally] = None


class ChangeStatus(Params):
    """The state a phone is to be in; how it gets there follows from where it is."""

    unit_id: IdText
    status: Literal["in_stock", "reserved", "inspect", "bench", "lent", "missing", "scrapped"]
    reason: Reason
    grade: Grade = None


class FinishInspection(Params):
    """What became of a phone that came back."""

    unit_id: IdText
    outcome: Literal["resell", "scrap"]
    grade: Grade = None
    reason: Reason


@action("handsets.set_aside", needs=Permission.DEVICES_UPDATE)
def set_aside(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Take a phone off the shelf to the bench, to be made ready or mended. Raises NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    return _turned(ctx, unit, S.BENCH, form.reason)


@action("handsets.put_back", needs=Permission.DEVICES_UPDATE)
def put_back(ctx: Context, form: PutBack) -> dict[str, Any]:
    """Put a phone from the bench on sale. Raises NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    _need(unit, S.BENCH)
    unit.grade = form.grade or unit.grade
    return _turned(ctx, unit, S.IN_STOCK, form.reason)


@action("handsets.lend", needs=Permission.DEVICES_UPDATE)
def lend(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Lend a phone: the reason says to whom and until when. Raises NotInStock, NotFound."""
    return _turned(ctx, own_unit(ctx, form.unit_id), S.LENT, form.reason)


@action("handsets.give_back", needs=Permission.DEVICES_UPDATE)
def give_back(ctx: Context, form: GiveBack) -> dict[str, Any]:
    """Take a lent phone back, on sale or to be looked at. Raises NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    _need(unit, S.LENT)
    return _turned(ctx, unit, S.IN_STOCK if form.outcome == "resell" else S.INSPECT, form.reason)


@action("handsets.report_missing", needs=Permission.PRODUCTS_ADJUST_STOCK)
def report_missing(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Say that a phone that should be here is not. Raises NotInStock, NotFound."""
    return _turned(ctx, own_unit(ctx, form.unit_id), S.MISSING, form.reason)


@action("handsets.report_found", needs=Permission.PRODUCTS_ADJUST_STOCK)
def report_found(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Say that a missing phone is here again: it goes where it was missed from. Raises NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    _need(unit, S.MISSING)
    return _turned(ctx, unit, found_as(ctx.session, unit), form.reason)


@action("handsets.reserve", needs=Permission.DEVICES_UPDATE)
def reserve(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Keep a phone for somebody: nobody is sold it until it is released. Raises NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    reserve_unit(ctx, unit, None, form.reason)
    ctx.about("handset", unit.handset_id)
    return {"unit_id": unit.id, "status": unit.status}


@action("handsets.release", needs=Permission.DEVICES_UPDATE)
def release(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Let a kept phone go on sale again. Raises HeldForPlan, NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    _need(unit, S.RESERVED)
    if unit.held_for is not None:
        raise HeldForPlan(find_row(ctx.session, Handset, unit.handset_id).number)
    release_unit(ctx, unit, form.reason)
    ctx.about("handset", unit.handset_id)
    return {"unit_id": unit.id, "status": unit.status}


@action("handsets.finish_inspection", needs=Permission.DEVICES_UPDATE)
def finish_inspection(ctx: Context, form: FinishInspection) -> dict[str, Any]:
    """Put a phone that came back on sale again, or scrap it. Raises ApprovalNeeded, NotInStock, NotFound."""
    unit = own_unit(ctx, form.unit_id)
    _need(unit, S.INSPECT)
    unit.grade = form.grade or unit.grade
    if form.outcome == "scrap":
        check_write_off(ctx, unit.cost_minor)
    # It counts as on hand from now on: coming back to be inspected did not count it.
    to = S.IN_STOCK if form.outcome == "resell" else S.SCRAPPED
    return _turned(ctx, unit, to, form.reason, kind=MovementKind.RETURNED)


@action("handsets.write_off", needs=Permission.PRODUCTS_ADJUST_STOCK)
def write_off(ctx: Context, form: ChangeState) -> dict[str, Any]:
    """Take a phone out of stock that is lost for good or broken, with the reason.

    Raises ApprovalNeeded, HeldForPlan, NotInStock, NotFound.
    """
    return _written_off(ctx, own_unit(ctx, form.unit_id), form.reason)


@action("handsets.change_status", needs=Permission.DEVICES_UPDATE)
def change_status(ctx: Context, form: ChangeStatus) -> dict[str, Any]:
    """Bring a phone to a state, by whichever of the ways above leads there.

    Raises ApprovalNeeded, NotInStock, NotPermitted.
    """
    unit = own_unit(ctx, form.unit_id)
    to, is_back = UnitStatus(form.status), form.status == S.IN_STOCK.value
    about: dict[str, Any] = {"unit_id": unit.id, "reason": form.reason}
    if S.MISSING.value in (unit.status, form.status) or to is S.SCRAPPED:
        if not ctx.may(Permission.PRODUCTS_ADJUST_STOCK):
            raise NotPermitted
        if unit.status == S.MISSING.value and to is not S.SCRAPPED:
            return report_found(ctx, ChangeState(**about))
        return _written_off(ctx, unit, form.reason) if to is S.SCRAPPED else _turned(ctx, unit, to, form.reason)
    if is_back and unit.status == S.RESERVED.value:
        return release(ctx, ChangeState(**about))
    if is_back and unit.status == S.INSPECT.value:
        return finish_inspection(ctx, FinishInspection(**about, outcome="resell", grade=form.grade))
    if is_back and unit.status in (S.EXPECTED.value, S.SUPPLIER.value):
        raise NotInStock(unit.status)  # it is received by its number, or by what its supplier answered
    if to is S.RESERVED:
        return reserve(ctx, ChangeState(**about))
    unit.grade = form.grade or unit.grade
    return _turned(ctx, unit, to, form.reason)


def own_unit(ctx: Context, unit_id: str) -> StockUnit:
    """The stay with this id in this shop. Raises NotFound, also for another shop's."""
    unit = find_row(ctx.session, StockUnit, unit_id, "This phone")
    if unit.shop_id != ctx.shop_id:
        raise NotFound("This phone")
    return unit


def turn(
    ctx: Context,
    unit: StockUnit,
    to: UnitStatus,
    reason: str | None,
    *,
    about_id: str | None = None,
    kind: MovementKind = MovementKind.ASIDE,
    movement_id: str | None = None,
) -> None:
    """Bring a phone to another state, with its event, and with a movement where that changes what is on hand.

    about_id     the plan, return or supplier return it belongs to
    movement_id  where a copied computer may do the very same (`act_id`): it moves the phone once

    Raises NotInStock when the one state may not follow the other.
    """
    before = unit.status
    if to not in MAY_FOLLOW[before]:
        raise NotInStock(before)
    if before == S.IN_STOCK.value and to in (S.RESERVED, S.LENT):
        _refuse_in_dispute(ctx, unit)
    tell(ctx, unit, before, to.value, reason, about_id)
    change = (to.value in ON_HAND_STATUSES) - (before in ON_HAND_STATUSES)
    if change:
        movement = {
            "id": movement_id or ctx.new_id(), "shop_id": unit.shop_id, "product_id": unit.product_id,
            "unit_id": unit.id, "kind": kind.value, "quantity": change, "unit_cost_minor": unit.cost_minor,
            "note": reason, "at": ctx.now, "by_id": ctx.actor.id,
        }  # fmt: skip
        insert_rows(ctx.session, StockMovement, [movement])
    unit.status = to.value


def tell(
    ctx: Context, unit: StockUnit, before: str | None, after: str, reason: str | None, about_id: str | None = None
) -> None:
    """The fact of one change of a stay."""
    event = {
        "id": ctx.new_id(), "unit_id": unit.id, "shop_id": unit.shop_id, "from_status": before, "to_status": after,
        "reason": reason, "about_id": about_id, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, UnitEvent, [event])


def reserve_unit(ctx: Context, unit: StockUnit, about_id: str | None, reason: str | None) -> None:
    """Keep a phone on the shelf for one agreement. Raises NotInStock when it is not free."""
    turn(ctx, unit, S.RESERVED, reason, about_id=about_id)
    unit.held_for = about_id


def found_as(session: Session, unit: StockUnit) -> UnitStatus:
    """Where a missing phone is once it is found: where it was missed from."""
    to = _FOUND_AS.get(_missed_from(session, unit.id) or "", S.INSPECT)
    # What it was kept for may have ended meanwhile.
    return S.IN_STOCK if to is S.RESERVED and unit.held_for is None else to


def release_unit(ctx: Context, unit: StockUnit, reason: str | None = None) -> None:
    """The agreement that kept a phone is over. One that is gone meanwhile is only no longer meant for it."""
    kept_for, unit.held_for = unit.held_for, None
    if unit.status == S.RESERVED.value:
        turn(ctx, unit, S.IN_STOCK, reason, about_id=kept_for)


def add_to_cost(ctx: Context, unit: StockUnit, amount_minor: int, note: str) -> None:
    """What was spent on a phone is part of its cost. On hand it goes out at what it cost and comes in at what it costs
    now, so that what the stock is worth follows; off the shelf it comes back at its new cost by itself.
    """
    before = unit.cost_minor
    unit.cost_minor += amount_minor
    unit.refurbished_minor = (unit.refurbished_minor or 0) + amount_minor
    if amount_minor and unit.status in ON_HAND_STATUSES:
        moves = [
            {
                "id": ctx.new_id(), "shop_id": unit.shop_id, "product_id": unit.product_id, "unit_id": unit.id,
                "kind": MovementKind.ASIDE.value, "quantity": quantity, "unit_cost_minor": cost_minor, "note": note,
                "at": ctx.now, "by_id": ctx.actor.id,
            }
            for quantity, cost_minor in ((-1, before), (1, unit.cost_minor))
        ]  # fmt: skip
        insert_rows(ctx.session, StockMovement, moves)


def _refuse_in_dispute(ctx: Context, unit: StockUnit) -> None:
    """What may not be sold is promised and lent to nobody either. Raises PhoneBlocked, HeldBack."""
    handset = find_row(ctx.session, Handset, unit.handset_id)
    numbers = (handset.imei1, handset.imei2, handset.serial, handset.eid)
    refuse_blocked(ctx.session, [number for number in numbers if number])
    if unit.hold_until is not None and unit.hold_until > ctx.now:
        raise HeldBack(handset.number, unit.hold_until)


def _turned(
    ctx: Context, unit: StockUnit, to: UnitStatus, reason: str | None, kind: MovementKind = MovementKind.ASIDE
) -> dict[str, Any]:
    turn(ctx, unit, to, reason, kind=kind)
    ctx.about("handset", unit.handset_id)
    return {"unit_id": unit.id, "status": unit.status}


def _written_off(ctx: Context, unit: StockUnit, reason: str) -> dict[str, Any]:
    """Out of the books as worth nothing, within the limits of who does it: its plan, if it has one, is ended before.

    Raises ApprovalNeeded, HeldForPlan, NotInStock.
    """
    if unit.held_for is not None:
        raise HeldForPlan(find_row(ctx.session, Handset, unit.handset_id).number)
    if S.SCRAPPED in MAY_FOLLOW[unit.status]:
        check_write_off(ctx, unit.cost_minor)
    return _turned(ctx, unit, S.SCRAPPED, reason, kind=MovementKind.ADJUSTED)


def _need(unit: StockUnit, status: UnitStatus) -> None:
    if unit.status != status.value:
        raise NotInStock(unit.status)


def _missed_from(session: Session, unit_id: str) -> str | None:
    query = select(UnitEvent.from_status).where(UnitEvent.unit_id == unit_id, UnitEvent.to_status == S.MISSING.value)
    return session.scalars(query.order_by(UnitEvent.at.desc(), UnitEvent.id.desc()).limit(1)).first()


def _figures(ctx: Context, form: ChangeState | ChangeStatus | FinishInspection) -> tuple[int, str]:
    """What the owner is told over the telephone: what the phone cost, and its number."""
    unit = own_unit(ctx, form.unit_id)
    return unit.cost_minor, find_row(ctx.session, Handset, unit.handset_id).number


for _name in ("handsets.write_off", "handsets.change_status", "handsets.finish_inspection"):
    register_figures(_name, _figures)
