"""Phones between shops: sent by one, received by the other, or taken back. Exactly one shop holds a phone.

A phone never changes shop inside one stay. Sending ends the sender's stay; what arrives begins a new one at the
receiver, with the cost it had. In between the phone is in transit: nobody sells it, and both shops see it.

Invariants:
  * A stay is sent away once and a way ends once: the ids of line, receipt, new stay and movement follow from each
    other, so a restored shop that does it again says the same rows, and two shops that both say they have the phone
    are found (`received_and_taken_back`, cloudhub/merge/oddities.py).
  * The receiver acts on what it has heard of. Until then a phone in its hand is received by its number, as any other;
    the transfer that is heard of later is ended with that stay, and nothing is counted twice.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows, insert_rows
from shopnode.domain.clock import act_id
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.handsets.actions import NotInStock, open_stay_or_none
from shopnode.domain.handsets.models import (
    Arrival,
    Handset,
    StockUnit,
    Transfer,
    TransferLine,
    TransferReceipt,
    UnitStatus,
    arrival_id,
    sent_line_id,
    stay_after,
)
from shopnode.domain.handsets.queries import find_unit
from shopnode.domain.handsets.states import tell
from shopnode.domain.handsets.transit import WayLine, lines_of
from shopnode.domain.numbers import Document, next_document_number
from shopnode.domain.params import IdText, Optionally, Params, Reason, ShortText
from shopnode.domain.people.queries import find_shop
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row
from shopnode.domain.stock.models import MovementKind, StockMovement
from shopnode.domain.usedphones.blocklist import refuse_blocked

# What is known of a phone, and goes with it: a stay and the line it is sent by have columns of these names.
CARRIED = ("condition", "has_box", "has_charger", "battery_pct", "lock_state", "region", "vat_scheme", "supplier_id",
           "purchase_id", "hold_until", "refurbished_minor", "price_minor", "supplier_warranty_until",
           "notes")  # fmt: skip
PHONES_MAX = 200  # of one transfer: an entry stays far below its limit

Phones = Annotated[list[IdText], Field(min_length=1, max_length=PHONES_MAX)]


class SendHandsets(Params):
    """Phones that leave for another shop of the business."""

    to_shop_id: IdText
    unit_ids: Phones
    note: Annotated[ShortText | None, Optionally] = None


class ReceiveTransfer(Params):
    """Those phones of a transfer that really arrived, by the stays the sender named."""

    transfer_id: IdText
    unit_ids: Phones
    note: Annotated[ShortText | None, Optionally] = None


class TakeBack(Params):
    """Phones of a transfer that never arrived and are here again."""

    transfer_id: IdText
    unit_ids: Phones
    reason: Reason


class NotInTransit(Conflict):
    """The phone's way has ended already, here or in the other shop."""

    code = "not-in-transit"

    def __init__(self, number: str, kind: str):
        done = "has been received" if kind == Arrival.RECEIVED else "was taken back by its sender"
        super().__init__(f"The phone {number} is not on its way any more: it {done}.")


@action("handsets.send", needs=Permission.DEVICES_UPDATE)
def send_handsets(ctx: Context, form: SendHandsets) -> dict[str, Any]:
    """Send phones to another shop: out of stock here, in transit until they are received there.

    Raises NotInStock, Invalid, NotFound.
    """
    transfer = begin_transfer(ctx, form.to_shop_id, form.note)
    sent = send_units(ctx, transfer, form.unit_ids)
    return {"transfer_id": transfer.id, "number": transfer.number, "sent": sent}


@action("handsets.receive_transfer", needs=Permission.DEVICES_CREATE)
def receive_transfer(ctx: Context, form: ReceiveTransfer) -> dict[str, Any]:
    """Take the phones of a transfer that arrived into stock here. Raises NotInTransit, Conflict, NotFound."""
    transfer = expected_here(ctx, form.transfer_id)
    received = end_units(ctx, transfer, form.unit_ids, Arrival.RECEIVED, form.note)
    return {"transfer_id": transfer.id, "number": transfer.number, "received": received}


@action("handsets.take_back", needs=Permission.DEVICES_UPDATE)
def take_back(ctx: Context, form: TakeBack) -> dict[str, Any]:
    """Take phones back that were sent and never arrived, with the reason. Raises NotInTransit, Conflict, NotFound."""
    transfer = sent_from_here(ctx, form.transfer_id)
    taken_back = end_units(ctx, transfer, form.unit_ids, Arrival.TAKEN_BACK, form.reason)
    return {"transfer_id": transfer.id, "number": transfer.number, "taken_back": taken_back}


def begin_transfer(ctx: Context, to_shop_id: str, note: str | None) -> Transfer:
    """The head of a transfer to another shop, with its number. Raises Invalid, NotFound."""
    assert ctx.shop_id is not None  # a SHOP action runs at a node
    shop = find_shop(ctx.session, to_shop_id)
    if shop.id == ctx.shop_id:
        raise Invalid({"to_shop_id": "is this shop: choose another"})
    if shop.archived_at is not None:
        raise Invalid({"to_shop_id": "is closed: choose another shop"})
    transfer = Transfer(
        id=ctx.new_id(), shop_id=ctx.shop_id, to_shop_id=shop.id, note=note, sent_at=ctx.now,
        sent_by=ctx.actor.id, number=next_document_number(ctx, Document.TRANSFER),
    )  # fmt: skip
    add_rows(ctx.session, transfer)
    ctx.about("transfer", transfer.id)
    return transfer


def send_units(ctx: Context, transfer: Transfer, unit_ids: list[str]) -> int:
    """Put phones into a transfer and end their stay here. Raises NotInStock, NotFound."""
    units = [_unit_to_send(ctx, unit_id) for unit_id in dict.fromkeys(unit_ids)]
    insert_rows(ctx.session, TransferLine, [_line(transfer, unit) for unit in units])
    moves = [_move(ctx, "send-move", unit.id, unit.id, unit, MovementKind.SENT, -1, transfer.number) for unit in units]
    insert_rows(ctx.session, StockMovement, moves)
    for unit in units:
        unit.status = UnitStatus.SENT.value
    return len(units)


def expected_here(ctx: Context, transfer_id: str) -> Transfer:
    """A transfer that goes to this shop. Raises Conflict, NotFound."""
    transfer = find_row(ctx.session, Transfer, transfer_id, "This transfer")
    if transfer.to_shop_id != ctx.shop_id:
        raise Conflict(f"Transfer {transfer.number} goes to another shop. Only that shop receives it.")
    return transfer


def sent_from_here(ctx: Context, transfer_id: str) -> Transfer:
    """A transfer that this shop sent. Raises Conflict, NotFound."""
    transfer = find_row(ctx.session, Transfer, transfer_id, "This transfer")
    if transfer.shop_id != ctx.shop_id:
        raise Conflict(f"Transfer {transfer.number} was sent by another shop. Only that shop takes it back.")
    return transfer


def end_units(ctx: Context, transfer: Transfer, unit_ids: list[str], kind: Arrival, note: str | None) -> int:
    """The way of these phones ends here. Raises PhoneBlocked, NotInTransit, NotFound."""
    lines = _on_their_way(ctx.session, transfer, unit_ids)
    if kind is Arrival.RECEIVED:
        _refuse_blocked(ctx.session, lines)
    _end(ctx, transfer, lines, kind, note)
    return len(lines)


def _unit_to_send(ctx: Context, unit_id: str) -> StockUnit:
    unit = find_unit(ctx.session, unit_id)
    if unit.shop_id != ctx.shop_id:
        raise NotFound("This phone")
    if unit.status != UnitStatus.IN_STOCK.value:
        raise NotInStock(unit.status)
    return unit


def _line(transfer: Transfer, unit: StockUnit) -> dict[str, Any]:
    return {
        "id": sent_line_id(unit.id), "transfer_id": transfer.id, "shop_id": transfer.shop_id, "unit_id": unit.id,
        "handset_id": unit.handset_id, "product_id": unit.product_id, "cost_minor": unit.cost_minor,
        "grade": unit.grade, **{name: getattr(unit, name) for name in CARRIED},
    }  # fmt: skip


def _on_their_way(session: Session, transfer: Transfer, unit_ids: list[str]) -> list[WayLine]:
    """The lines of these phones. Raises NotFound for one that is not of this transfer, NotInTransit."""
    known = {line.unit_id: line for line in lines_of(session, transfer.id)}
    wanted = []
    for unit_id in dict.fromkeys(unit_ids):
        if unit_id not in known:
            raise NotFound("One of these phones on this transfer")
        line = known[unit_id]
        if line.ended is not None:
            raise NotInTransit(line.number, line.ended)
        wanted.append(line)
    return wanted


def _refuse_blocked(session: Session, lines: list[WayLine]) -> None:
    """A phone that was reported while it was on its way is not received; its sender can take it back.

    Raises PhoneBlocked.
    """
    phones = session.scalars(select(Handset).where(Handset.id.in_([line.handset_id for line in lines])))
    numbers = [number for phone in phones for number in (phone.imei1, phone.imei2, phone.serial) if number]
    refuse_blocked(session, numbers)


def _end(ctx: Context, transfer: Transfer, lines: list[WayLine], kind: Arrival, note: str | None) -> None:
    """The phones are here: a receipt each, and a stay each, but for one that was received by its number already."""
    assert ctx.shop_id is not None
    stays, moves, receipts = [], [], []
    move_kind = MovementKind.ARRIVED if kind is Arrival.RECEIVED else MovementKind.TAKEN_BACK
    known = _told_by_sender(ctx.session, lines)
    for line in lines:
        here = open_stay_or_none(ctx.session, line.handset_id)
        is_awaited = here is not None and here.status == UnitStatus.EXPECTED.value
        stay_id = here.id if here is not None else stay_after(line.line_id, ctx.shop_id)
        if here is None:
            stays.append(_stay(ctx, stay_id, line, transfer) | known[line.line_id])
        elif is_awaited:
            tell(ctx, here, here.status, UnitStatus.IN_STOCK.value, f"Transfer {transfer.number}")
            here.status, here.cost_minor = UnitStatus.IN_STOCK.value, line.cost_minor  # as it left its sender
            for name, value in known[line.line_id].items():
                setattr(here, name, getattr(here, name) if value is None else value)
        if here is None or is_awaited:
            moves.append(_move(ctx, "arrival-move", stay_id, stay_id, line, move_kind, 1, transfer.number))
        receipts.append({
            "id": arrival_id(line.line_id), "line_id": line.line_id, "shop_id": ctx.shop_id, "kind": kind.value,
            "unit_id": stay_id, "note": note, "at": ctx.now, "by_id": ctx.actor.id,
        })  # fmt: skip
    insert_rows(ctx.session, StockUnit, stays)
    insert_rows(ctx.session, StockMovement, moves)
    insert_rows(ctx.session, TransferReceipt, receipts)
    ctx.about("transfer", transfer.id)


def _told_by_sender(session: Session, lines: list[WayLine]) -> dict[str, dict[str, Any]]:
    """What was known of the phones when they were sent, by line.

    A phone that is held, or whose margin is taxed, is so wherever it arrives. Taken back, it is what it was here: a
    sender of an earlier schema told nothing with its lines.
    """
    query = select(TransferLine).where(TransferLine.id.in_([line.line_id for line in lines]))
    told = {row.id: row for row in session.scalars(query)}
    before = select(StockUnit).where(StockUnit.id.in_([line.unit_id for line in lines]))
    stays: dict[str, StockUnit] = {row.id: row for row in session.scalars(before)}
    return {
        line.line_id: {name: getattr(stays.get(line.unit_id) or told[line.line_id], name) for name in CARRIED}
        for line in lines
    }


def _stay(ctx: Context, stay_id: str, line: WayLine, transfer: Transfer) -> dict[str, Any]:
    return {
        "id": stay_id, "handset_id": line.handset_id, "product_id": line.product_id, "shop_id": ctx.shop_id,
        "status": UnitStatus.IN_STOCK.value, "cost_minor": line.cost_minor, "grade": line.grade,
        "source": f"Transfer {transfer.number}", "received_at": ctx.now, "received_by": ctx.actor.id,
    }  # fmt: skip


def _move(
    ctx: Context, act: str, target: str, unit_id: str, piece: StockUnit | WayLine, kind: MovementKind, quantity: int,
    number: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": act_id(act, target), "shop_id": ctx.shop_id, "product_id": piece.product_id, "unit_id": unit_id,
        "kind": kind.value, "quantity": quantity, "unit_cost_minor": piece.cost_minor, "note": f"Transfer {number}",
        "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
