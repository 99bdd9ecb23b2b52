"""Money put into the drawer and taken out beside sales: pay-in, pay-out, the safe, the bank (rule 82).

What is expected in the drawer is told to nobody here: nothing is refused because there is too little in it.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.capture import insert_rows
from shopnode.domain.cash.models import DrawerSession, MoneyKind, MoneyMove
from shopnode.domain.cash.moves import Moved, move_money
from shopnode.domain.cash.queries import open_drawer_or_none
from shopnode.domain.clock import act_id
from shopnode.domain.closures.models import BankConfirmation
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict, Invalid, NotFound
from shopnode.domain.homes import Where
from shopnode.domain.params import IdText, Line, Optionally, Params, PositiveAmount, Reason, ShortText
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.photos.rules import UPLOAD_BYTES_MAX, UnusablePhoto, make_photo
from shopnode.domain.photos.store import keep_photo
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.sales.models import Tender
from shopnode.domain.settings.queries import number_setting
from shopnode.domain.stock.days import Day

CASH = Tender.CASH.value
SlipNo = Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally]


class Moving(Params):
    """Cash put in or taken out, and why."""

    amount: PositiveAmount
    reason: Reason


class SafeDrop(Params):
    """Cash that goes into the safe, or comes back from it."""

    amount: PositiveAmount
    note: Annotated[ShortText | None, Optionally] = None


class BankDeposit(Params):
    """Cash brought to the bank, with the bank's slip."""

    amount: PositiveAmount
    reference: SlipNo = Field(default=None, description="The number on the bank's slip.")
    from_safe: bool = Field(default=False, description="Out of the safe instead of the drawer.")
    image: Annotated[Annotated[str, Field(max_length=UPLOAD_BYTES_MAX * 4 // 3 + 4)] | None, Optionally] = Field(
        default=None, description="A photo of the slip, as base64."
    )


class ConfirmDeposit(Params):
    """What the bank's statement says of a deposit."""

    money_move_id: IdText
    amount: PositiveAmount
    confirmed_on: Day
    reference: SlipNo = None


class DepositConfirmed(Conflict):
    code = "deposit-confirmed"

    def __init__(self, number: str | None):
        super().__init__(f"The bank confirmed deposit {number} already.")


@action("cash.pay_in", needs=Permission.CLOSURES_CREATE)
def pay_in(ctx: Context, moving: Moving) -> dict[str, Any]:
    """Put cash into the drawer that no sale brought, with the reason. Raises DrawerClosed."""
    return _told(ctx, move_money(ctx, MoneyKind.PAY_IN, CASH, moving.amount, note=moving.reason))


@action("cash.pay_out", needs=Permission.CLOSURES_CREATE)
def pay_out(ctx: Context, moving: Moving) -> dict[str, Any]:
    """Take cash out of the drawer, with the reason; above a limit for a day staff need a second person.

    Raises ApprovalNeeded, DrawerClosed.
    """
    limit = number_setting(ctx.session, "pay_out_limit_staff_minor")
    if ctx.actor.role is Role.STAFF and moving.amount + _taken_today(ctx, limit) > limit:
        words = f"{moving.amount:,} is more than you may take out alone today."
        ctx.require_approval(words, enough=lambda role: role is not Role.STAFF)
    return _told(ctx, move_money(ctx, MoneyKind.PAY_OUT, CASH, -moving.amount, note=moving.reason))


@action("cash.drop_to_safe", needs=Permission.CLOSURES_CREATE)
def drop_to_safe(ctx: Context, drop: SafeDrop) -> dict[str, Any]:
    """Put cash from the drawer into the safe. Raises DrawerClosed."""
    return _told(ctx, move_money(ctx, MoneyKind.SAFE_DROP, CASH, -drop.amount, note=drop.note))


@action("cash.take_from_safe", needs=Permission.CLOSURES_UPDATE)
def take_from_safe(ctx: Context, drop: SafeDrop) -> dict[str, Any]:
    """Put cash from the safe back into the drawer. Raises DrawerClosed, Invalid."""
    _refuse_beyond_safe(ctx, drop.amount)
    return _told(ctx, move_money(ctx, MoneyKind.SAFE_DROP, CASH, drop.amount, note=drop.note))


@action("cash.deposit_at_bank", needs=Permission.CLOSURES_CREATE)
def deposit_at_bank(ctx: Context, deposit: BankDeposit) -> dict[str, Any]:
    """Bring cash from the drawer or the safe to the bank, with a photo of its slip. Raises DrawerClosed, Invalid."""
    if deposit.from_safe:
        if not ctx.may(Permission.CLOSURES_UPDATE):
            raise Invalid({"from_safe": "is for supervisors: the safe is theirs"})
        _refuse_beyond_safe(ctx, deposit.amount)
        move_money(ctx, MoneyKind.SAFE_DROP, CASH, deposit.amount, note="To the bank")
    photo = _keep_slip(ctx, deposit.image) if deposit.image else None
    note = f"Slip {deposit.reference}" if deposit.reference else None
    return _told(ctx, move_money(ctx, MoneyKind.BANK_DEPOSIT, CASH, -deposit.amount, note=note, photo=photo))


@action("cash.confirm_deposit", needs=Permission.CLOSURES_UPDATE, where=Where.ANYWHERE)
def confirm_deposit(ctx: Context, told: ConfirmDeposit) -> dict[str, Any]:
    """Say that a deposit is on the bank's statement, and with how much. Raises DepositConfirmed, Invalid, NotFound."""
    move = find_row(ctx.session, MoneyMove, told.money_move_id, "This deposit")
    if move.kind != MoneyKind.BANK_DEPOSIT or (ctx.shop_id is not None and move.shop_id != ctx.shop_id):
        raise NotFound("This deposit")
    if told.confirmed_on > (ctx.now + timedelta(days=1)).date():  # a day more: zones lie ahead of UTC
        raise Invalid({"confirmed_on": "is in the future"})
    row_id = act_id("bank", move.id)
    if row_or_none(ctx.session, BankConfirmation, row_id) is not None:
        raise DepositConfirmed(move.number)
    row = {
        "id": row_id, "shop_id": move.shop_id, "money_move_id": move.id, "amount_minor": told.amount,
        "reference": told.reference, "confirmed_on": told.confirmed_on, "at": ctx.now, "by_id": ctx.actor.id,
    }  # fmt: skip
    insert_rows(ctx.session, BankConfirmation, [row])
    ctx.about("money_move", move.id)
    return {"money_move_id": move.id, "number": move.number, "difference": told.amount + move.amount_minor}


def _taken_today(ctx: Context, limit_minor: int) -> int:
    """What the person took out before on this drawer's day, in amounts they could take alone: the limit is for all."""
    drawer = open_drawer_or_none(ctx.session, ctx.shop_id, ctx.actor.id)
    if drawer is None:
        return 0
    sessions = select(DrawerSession.id).where(
        DrawerSession.shop_id == ctx.shop_id, DrawerSession.business_on == drawer.business_on
    )
    query = select(func.sum(MoneyMove.amount_minor)).where(
        MoneyMove.kind == MoneyKind.PAY_OUT.value, MoneyMove.drawer_session_id.in_(sessions),
        MoneyMove.by_id == ctx.actor.id, MoneyMove.amount_minor >= -limit_minor,
    )  # fmt: skip
    return -int(ctx.session.scalar(query) or 0)


def safe_minor(session: Session, shop_id: str) -> int:
    """What lies in a shop's safe: what was put in, less what came back."""
    query = select(func.sum(MoneyMove.amount_minor)).where(
        MoneyMove.kind == MoneyKind.SAFE_DROP.value, MoneyMove.shop_id == shop_id
    )
    return -int(session.scalar(query) or 0)


def _refuse_beyond_safe(ctx: Context, amount_minor: int) -> None:
    assert ctx.shop_id is not None
    if amount_minor > safe_minor(ctx.session, ctx.shop_id):
        raise Invalid({"amount": "is more than was put into the safe"})


def _keep_slip(ctx: Context, image: str) -> str:
    """The slip's photo, made small. Raises Invalid."""
    try:
        photo = make_photo(base64.b64decode(image, validate=True))
    except UnusablePhoto as unusable:
        raise Invalid({"image": str(unusable)}) from None
    except (ValueError, binascii.Error):
        raise Invalid({"image": "is not a file"}) from None
    keep_photo(ctx.session, photo, ctx.now)
    return photo.sha256


def _told(ctx: Context, moved: Moved) -> dict[str, Any]:
    ctx.about("money_move", moved.id)
    return {"money_move_id": moved.id, "number": moved.number}


def _figures(ctx: Context, moving: Moving) -> tuple[int, str]:
    return moving.amount, "CASH"


register_figures("cash.pay_out", _figures)
