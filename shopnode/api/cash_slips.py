"""Money put into the drawer and taken out beside sales, the safe, the bank, and the drawer opened without a sale."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from shopnode.api.calls import Call
from shopnode.api.drawer_shapes import DepositOut, DepositPage, MoveOut, deposit_out
from shopnode.api.routing import route
from shopnode.api.shapes import Paged
from shopnode.domain.cash.models import MoneyMove
from shopnode.domain.cash.no_sales import OpenWithoutSale
from shopnode.domain.cash.reading import Deposit, list_deposits
from shopnode.domain.cash.slips import BankDeposit, Moving, SafeDrop, safe_minor
from shopnode.domain.clock import act_id
from shopnode.domain.closures.models import BankConfirmation
from shopnode.domain.errors import NotFound
from shopnode.domain.params import Line, Optionally, Params, PositiveAmount
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import find_row, row_or_none
from shopnode.domain.stock.days import Day


class BankSays(Params):
    """What the bank's statement says of a deposit."""

    amount: PositiveAmount
    confirmed_on: Day
    reference: Annotated[Annotated[Line, Field(max_length=60)] | None, Optionally] = None


class OpenedOut(BaseModel):
    """The drawer was opened."""

    drawer_session_id: str
    nth: int = Field(description="How often in this session.")


class SafeOut(BaseModel):
    """What lies in the safe."""

    amount: int


@route("POST", "/drawer-sessions/current/pay-ins", action="cash.pay_in", status=201)
def pay_in(call: Call, body: Moving) -> MoveOut:
    """Put cash into the drawer that no sale brought, with the reason."""
    return _move(call.perform(body).result)


@route("POST", "/drawer-sessions/current/pay-outs", action="cash.pay_out", status=201, takes_approval=True)
def pay_out(call: Call, body: Moving) -> MoveOut:
    """Take cash out of the drawer, with the reason; above a limit staff need a second person."""
    return _move(call.perform(body).result)


@route("POST", "/drawer-sessions/current/safe-drops", action="cash.drop_to_safe", status=201)
def drop_to_safe(call: Call, body: SafeDrop) -> MoveOut:
    """Put cash from the drawer into the safe."""
    return _move(call.perform(body).result)


@route("POST", "/drawer-sessions/current/safe-returns", action="cash.take_from_safe", status=201)
def take_from_safe(call: Call, body: SafeDrop) -> MoveOut:
    """Put cash from the safe back into the drawer."""
    return _move(call.perform(body).result)


@route("GET", "/safe", needs=Permission.CLOSURES_REVIEW, other_statuses=(404,))
def get_safe(call: Call) -> SafeOut:
    """What was put into this shop's safe, less what came back."""
    if call.ctx.shop_id is None:
        raise NotFound("A safe of one shop")
    return SafeOut(amount=safe_minor(call.ctx.session, call.ctx.shop_id))


@route("POST", "/drawer-sessions/current/no-sales", action="cash.open_without_sale", status=201)
def open_without_sale(call: Call, body: OpenWithoutSale) -> OpenedOut:
    """Open the drawer without a sale: the reason is kept, and told on the Z."""
    return OpenedOut(**call.perform(body).result)


@route("POST", "/bank-deposits", action="cash.deposit_at_bank", status=201)
def deposit_at_bank(call: Call, body: BankDeposit) -> DepositOut:
    """Bring cash from the drawer or the safe to the bank, with a photo of its slip."""
    return _deposit(call, call.perform(body).result["money_move_id"])


@route("GET", "/bank-deposits", needs=Permission.CLOSURES_READ)
def get_bank_deposits(call: Call, query: Paged) -> DepositPage:
    """List deposits at the bank, the latest first, with what the bank says of each."""
    page = list_deposits(call.ctx, limit=query.limit, cursor=query.cursor or None)
    return DepositPage(items=[deposit_out(row) for row in page.rows], next_cursor=page.next_cursor)


@route("POST", "/bank-deposits/<deposit_id>/confirm", action="cash.confirm_deposit")
def confirm_deposit(call: Call, deposit_id: str, body: BankSays) -> DepositOut:
    """Say that a deposit is on the bank's statement, and with how much."""
    find_row(call.ctx.session, MoneyMove, deposit_id, "This deposit")
    call.perform({"money_move_id": deposit_id, **body.model_dump(exclude_unset=True)})
    return _deposit(call, deposit_id)


def _move(result: dict[str, Any]) -> MoveOut:
    return MoveOut(id=result["money_move_id"], number=result["number"])


def _deposit(call: Call, move_id: str) -> DepositOut:
    move = find_row(call.ctx.session, MoneyMove, move_id, "This deposit")
    return deposit_out(Deposit(move, row_or_none(call.ctx.session, BankConfirmation, act_id("bank", move_id))))
