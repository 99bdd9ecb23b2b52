"""Money that came and belongs to nothing yet (rule 42): kept, given to a customer later, or sent back. Each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from shopnode.domain.accounts.forms import AllocateMoney, ReceiveUnallocated, SendBack
from shopnode.domain.accounts.ledger import About, account_holder, owe_customer
from shopnode.domain.accounts.models import AccountEntry, EntryKind
from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.cash.moves import move_money
from shopnode.domain.clock import to_ms
from shopnode.domain.context import Context
from shopnode.domain.errors import Conflict
from shopnode.domain.paging import PAGE_DEFAULT, Page, beyond, decode_cursor, page_of
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import find_row


class AlreadySettled(Conflict):
    code = "already-settled"

    def __init__(self, number: str):
        super().__init__(f"The money of slip {number} was given to a customer or sent back already.")


@action("accounts.receive_unallocated", needs=Permission.ACCOUNTS_COLLECT)
def receive_unallocated(ctx: Context, form: ReceiveUnallocated) -> dict[str, Any]:
    """Book money that came for nothing known: a wrong number, or more than was due. Raises what `move_money` raises."""
    customer = account_holder(ctx.session, form.customer_id) if form.customer_id else None
    moved = move_money(
        ctx, MoneyKind.UNALLOCATED, form.method, form.amount, reference=form.reference,
        customer_id=customer.id if customer else None, note=form.note, fee_minor=form.fee,
        fee_borne_by=form.fee_borne_by,
    )  # fmt: skip
    if customer is not None:
        about = About(money_id=moved.id, number=moved.number, note=form.note)
        owe_customer(ctx, customer.id, form.amount, EntryKind.UNALLOCATED, about)
    ctx.about("money_move", moved.id)
    return {"money_id": moved.id, "number": moved.number}


@action("accounts.allocate_money", needs=Permission.ACCOUNTS_COLLECT)
def allocate_money(ctx: Context, form: AllocateMoney) -> dict[str, Any]:
    """Give unallocated money to the customer it came from, as store credit, with a second person.

    Raises AlreadySettled, ApprovalNeeded, NotFound.
    """
    money = _find_waiting(ctx, form.money_id)
    customer = account_holder(ctx.session, form.customer_id)
    if ctx.actor.role is not Role.OWNER:
        said = "{:,} of slip {} becomes the store credit of {}."
        ctx.require_approval(
            said.format(money.amount_minor, money.number, customer.name),
            kept=said.format(money.amount_minor, money.number, "a customer"),
        )
    about = About(money_id=money.id, number=money.number)
    owe_customer(ctx, customer.id, money.amount_minor, EntryKind.UNALLOCATED, about)
    ctx.about("money_move", money.id)
    return {"money_id": money.id, "customer_id": customer.id, "store_credit": money.amount_minor}


@action("accounts.send_back_money", needs=Permission.ACCOUNTS_COLLECT)
def send_back_money(ctx: Context, form: SendBack) -> dict[str, Any]:
    """Send unallocated money back, with a second person. Raises AlreadySettled, ApprovalNeeded, NotFound."""
    money = _find_waiting(ctx, form.money_id)
    if ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"Sending back {money.amount_minor:,} of slip {money.number} needs a second person.")
    moved = move_money(
        ctx, MoneyKind.UNALLOCATED, form.method, -money.amount_minor, reference=form.reference, about_id=money.id,
        note=form.reason,
    )  # fmt: skip
    ctx.about("money_move", money.id)
    return {"money_id": moved.id, "number": moved.number, "sent_back": money.amount_minor}


@dataclass(frozen=True)
class Waiting:
    """Money that belongs to nothing yet."""

    money_id: str
    shop_id: str
    number: str | None
    method: str
    reference: str | None
    amount_minor: int
    note: str | None
    at: datetime


def unallocated_money(session: Session, *, limit: int = PAGE_DEFAULT, cursor: str | None = None) -> Page[Waiting]:
    """What waits for its owner, the oldest first. Raises Invalid for a cursor of another list."""
    order = (MoneyMove.at, MoneyMove.id)
    query = select(MoneyMove).where(*_waits()).order_by(*order).limit(limit + 1)
    place = decode_cursor(cursor, (int, str))
    if place is not None:
        query = query.where(beyond(order, place))
    found = [
        Waiting(row.id, row.shop_id, row.number, row.method, row.reference, row.amount_minor, row.note, row.at)
        for row in session.scalars(query)
    ]
    return page_of(found, limit, lambda row: (to_ms(row.at), row.money_id))


def _waits() -> tuple[Any, ...]:
    back = aliased(MoneyMove)
    return (
        MoneyMove.kind == MoneyKind.UNALLOCATED.value,
        MoneyMove.amount_minor > 0,
        ~exists().where(AccountEntry.money_id == MoneyMove.id, AccountEntry.kind == EntryKind.UNALLOCATED.value),
        ~exists().where(back.about_id == MoneyMove.id),
    )


def _find_waiting(ctx: Context, money_id: str) -> MoneyMove:
    money = find_row(ctx.session, MoneyMove, money_id, "This money")
    if ctx.session.scalar(select(MoneyMove.id).where(MoneyMove.id == money_id, *_waits())) is None:
        raise AlreadySettled(money.number or "")
    return money


def _figures(ctx: Context, form: SendBack | AllocateMoney) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    money = _find_waiting(ctx, form.money_id)
    return money.amount_minor, money.number or "NONE"


register_figures("accounts.send_back_money", _figures)
register_figures("accounts.allocate_money", _figures)
