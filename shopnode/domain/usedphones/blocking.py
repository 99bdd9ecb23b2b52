"""Numbers that nobody here touches: written down once for the whole business, lifted when it was a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select

from shopnode.domain.actions import action
from shopnode.domain.capture import add_rows
from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound
from shopnode.domain.handsets.rules import bare_number, read_imei, read_serial
from shopnode.domain.homes import Where
from shopnode.domain.paging import PAGE_DEFAULT, Page, latest
from shopnode.domain.params import Line, Params, Reason
from shopnode.domain.people.models import Staff
from shopnode.domain.people.telephone import register_figures
from shopnode.domain.permissions import Permission, Role
from shopnode.domain.queries import row_or_none
from shopnode.domain.usedphones.blocklist import block_id
from shopnode.domain.usedphones.models import BlockedNumber

Typed = Annotated[Line, Field(min_length=1, max_length=60)]


class BlockNumber(Params):
    """An IMEI or serial, and why nobody may touch that phone."""

    number: Typed
    reason: Reason


class LiftBlock(Params):
    """A number that was blocked by mistake, or was cleared."""

    number: Typed


@dataclass(frozen=True)
class BlockView:
    """A blocked number, who blocked it and who lifted it."""

    id: str
    number: str
    reason: str
    created_at: datetime
    created_by: str | None
    lifted_at: datetime | None
    lifted_by: str | None


@action("usedphones.block_number", needs=Permission.DEVICES_UPDATE, where=Where.ANYWHERE)
def block_number(ctx: Context, form: BlockNumber) -> dict[str, Any]:
    """Block a phone by its number: no shop buys, receives or sells it."""
    number = read_any_number(form.number)
    row = row_or_none(ctx.session, BlockedNumber, block_id(number))
    if row is None:
        row = BlockedNumber(id=block_id(number), number=number, reason=form.reason, created_at=ctx.now)
        row.created_by = ctx.actor.id
        add_rows(ctx.session, row)
    elif row.lifted_at is not None or row.reason != form.reason:
        row.reason, row.created_at, row.created_by = form.reason, ctx.now, ctx.actor.id
        row.lifted_at = row.lifted_by = None
    ctx.about("blocked_number", row.id)
    return {"id": row.id, "number": number}


@action("usedphones.lift_block", needs=Permission.DEVICES_UPDATE, where=Where.ANYWHERE)
def lift_block(ctx: Context, form: LiftBlock) -> dict[str, Any]:
    """Lift a block; a second person agrees, unless it is the owner. Raises NotFound, ApprovalNeeded."""
    number = read_any_number(form.number)
    row = row_or_none(ctx.session, BlockedNumber, block_id(number))
    if row is None or row.lifted_at is not None:
        raise NotFound("A block of this number")
    if ctx.actor.role is not Role.OWNER:
        ctx.require_approval(f"The phone {number} was blocked: {row.reason}.", kept=f"The phone {number} was blocked.")
    row.lifted_at, row.lifted_by = ctx.now, ctx.actor.id
    ctx.about("blocked_number", row.id)
    return {"id": row.id, "number": number}


def read_any_number(typed: str) -> str:
    """An IMEI or serial as it is kept. Raises Invalid.

    What is digits alone and as long as an IMEI must be a right one: a slip of the finger would block nobody.
    """
    bare = bare_number(typed)
    is_imei = bare.isascii() and bare.isdigit() and 14 <= len(bare) <= 16
    try:
        return read_imei(bare).text if is_imei else read_serial(bare)
    except ValueError as fault:
        raise Invalid({"number": str(fault)}) from None


def list_blocked(
    ctx: Context, *, lifted: bool = False, number: str = "", limit: int = PAGE_DEFAULT, cursor: str | None = None
) -> Page[BlockView]:
    """Blocked numbers (or those whose block was lifted), the latest first. Raises Invalid for a foreign cursor."""
    query = select(BlockedNumber)
    held = BlockedNumber.lifted_at
    query = query.where(held.is_not(None) if lifted else held.is_(None))
    if number.strip():
        query = query.where(BlockedNumber.number == bare_number(number))
    page = latest(ctx.session, query, BlockedNumber.created_at, BlockedNumber.id, limit, cursor)
    return Page(_views(ctx, page.rows), page.next_cursor)


def block_view(ctx: Context, row_id: str) -> BlockView:
    """One block, held or lifted. Raises NotFound."""
    row = row_or_none(ctx.session, BlockedNumber, row_id)
    if row is None:
        raise NotFound("A block of this number")
    return _views(ctx, [row])[0]


def _views(ctx: Context, rows: list[BlockedNumber]) -> list[BlockView]:
    people = {who for row in rows for who in (row.created_by, row.lifted_by) if who}
    found = ctx.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(people)))
    names = {person.id: person.name for person in found}
    return [
        BlockView(
            row.id, row.number, row.reason, row.created_at, names.get(row.created_by or ""), row.lifted_at,
            names.get(row.lifted_by or ""),
        )
        for row in rows
    ]  # fmt: skip


def _figures(ctx: Context, form: LiftBlock) -> tuple[int, str]:
    """What the owner is told over the telephone."""
    return 0, read_any_number(form.number)


register_figures("usedphones.lift_block", _figures)
