"""Notes in the drawer that are no money: found when it is counted, and a loss with each note's number (rule 50)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.cash.models import MoneyKind, MoneyMove
from shopnode.domain.cash.moves import move_money
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid
from shopnode.domain.params import Line, Params, PositiveAmount
from shopnode.domain.people.limits import check_write_off
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.sales.models import Tender

NOTES_MAX = 100


class FalseNote(Params):
    """One note, and the number printed on it."""

    amount: PositiveAmount
    serial: Annotated[Line, Field(min_length=3, max_length=40)]


class BookCounterfeits(Params):
    """The notes that were found."""

    notes: Annotated[list[FalseNote], Field(min_length=1, max_length=NOTES_MAX)]


@action("cash.book_counterfeits", needs=Permission.CLOSURES_CREATE)
def book_counterfeits(ctx: Context, found: BookCounterfeits) -> dict[str, Any]:
    """Take notes that are no money out of the drawer as a loss, each by its number; staff with a second person.

    Raises ApprovalNeeded, DrawerClosed, Invalid.
    """
    serials = [note.serial.upper() for note in found.notes]
    bare = [_bare(serial) for serial in serials]
    twice = next((n for n, serial in enumerate(bare) if serial in bare[:n]), None)
    if twice is not None:
        raise Invalid({f"notes.{twice}.serial": "is on the list already: each note is booked once"})
    lost_minor = sum(note.amount for note in found.notes)
    check_write_off(ctx, lost_minor)
    _ask_again(ctx, serials)
    cash, kind = Tender.CASH.value, MoneyKind.COUNTERFEIT
    told = zip(found.notes, serials, strict=True)
    slips = [move_money(ctx, kind, cash, -note.amount, note=f"Note {serial}") for note, serial in told]
    ctx.about("money_move", slips[0].id)
    return {"lost": lost_minor, "slips": [slip.number for slip in slips]}


def _ask_again(ctx: Context, serials: list[str]) -> None:
    """False notes are printed with one number many times, and one false note may be shown many times: somebody else
    looks at it the second time. Raises ApprovalNeeded, NotPermitted."""
    if ctx.actor.role is Role.OWNER:
        return
    query = select(MoneyMove.note).where(
        MoneyMove.kind == MoneyKind.COUNTERFEIT.value, MoneyMove.shop_id == ctx.shop_id
    )
    known = {_bare(note or "") for note in ctx.session.scalars(query)}
    again = next((serial for serial in serials if _bare(f"Note {serial}") in known), None)
    if again is not None:
        ctx.require_approval(f"A note with the number {again} was booked as false before.")


def _bare(text: str) -> str:
    """A number however it was typed."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def _figures(ctx: Context, found: BookCounterfeits) -> tuple[int, str]:
    return sum(note.amount for note in found.notes), "CASH"


register_figures("cash.book_counterfeits", _figures)
