"""How much a role may do alone. The limits are settings; beyond one a second person approves, within their own.

Source: docs/rules/discounts.md (prices) and docs/rules/returns.md (money that goes back, goods that are written off).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from sqlalchemy import select

from shopnode.domain.context import WROTE_OFF, Actor, Context
from shopnode.domain.journal import JournalEntry
from shopnode.domain.permissions import Role
from shopnode.domain.settings.queries import all_numbers
from shopnode.domain.stock.days import day_begins, today

# A limit that may be set for one person, and the setting of their role that it stands for.
PERSONAL_LIMITS = {
    "discount_limit_bp": "discount_limit_{role}_bp",
    "discount_max_minor": "discount_max_{role}_minor",
    "refund_limit_minor": "refund_limit_{role}_minor",
    "write_off_limit_minor": "write_off_limit_{role}_minor",
}


def limits_for(person: Actor, limits: dict[str, int]) -> dict[str, int]:
    """The shop's limits as they are for one person: what was chosen for them stands for their role's."""
    own = _own_limits(person)
    return {**limits, **own} if own else limits


def _own_limits(person: Actor) -> Mapping[str, int]:
    role = person.role.value.lower()
    return {
        PERSONAL_LIMITS[key].format(role=role): int(value)
        for key, value in person.choices
        if key in PERSONAL_LIMITS and value.isascii() and value.isdigit()
    }


def ask_above(ctx: Context, objection: Callable[[Actor], str | None], *, anybody: bool = False) -> None:
    """Demand a second person where something is above the actor's limits.

    objection  why it is above a person's own limits, or None
    anybody    whoever may approve at all, approves this, whatever their own limits

    Raises ApprovalNeeded, NotPermitted.
    """
    said = objection(ctx.actor)
    if said is not None:
        ctx.require_approval(said, within=lambda person: anybody or objection(person) is None)


def refund_within(role: Role, amount_minor: int, limits: dict[str, int]) -> bool:
    """Whether somebody of this role may give so much back alone."""
    if role is Role.OWNER:
        return True
    name = "refund_limit_staff_minor" if role is Role.STAFF else "refund_limit_supervisor_minor"
    return amount_minor <= limits[name]


def check_refund(ctx: Context, amount_minor: int) -> None:
    """A refund above the actor's limit needs a second person, however it comes about.

    Raises ApprovalNeeded, NotPermitted.
    """
    if ctx.actor.role is Role.OWNER:
        return
    limits = all_numbers(ctx.session)
    words = f"A refund of {amount_minor:,} is more than you may give alone."
    ask_above(ctx, lambda p: None if refund_within(p.role, amount_minor, limits_for(p, limits)) else words)


def write_off_within(role: Role, cost_minor: int, limits: dict[str, int]) -> bool:
    """Whether somebody of this role may write goods of this cost off alone. Staff write nothing off, unless a limit of
    their own was chosen for them."""
    if role is Role.SUPERVISOR:
        return cost_minor <= limits["write_off_limit_supervisor_minor"]
    return role is Role.OWNER or cost_minor <= limits.get("write_off_limit_staff_minor", -1)


def check_write_off(ctx: Context, cost_minor: int) -> None:
    """Goods that leave the books as worthless need somebody whose limit they are within, together with what that person
    wrote off alone before on the same day: in pieces it is no less.

    Raises ApprovalNeeded, NotPermitted.
    """
    if ctx.actor.role is Role.OWNER:
        return
    limits = all_numbers(ctx.session)
    here, before = ctx.marks.get(WROTE_OFF, 0), _written_off_today(ctx)
    ctx.marks[WROTE_OFF] = here + cost_minor

    def objection(person: Actor) -> str | None:
        counted = here + (before if person.id == ctx.actor.id else 0)
        if write_off_within(person.role, cost_minor + counted, limits_for(person, limits)):
            return None
        return f"Writing goods off needs a second person{', with those of today' if counted else ''}."

    ask_above(ctx, objection)


def _written_off_today(ctx: Context) -> int:
    """What the actor wrote off alone on this day, at cost, as their entries say."""
    query = select(JournalEntry.body).where(
        JournalEntry.shop_id == ctx.shop_id, JournalEntry.at >= day_begins(ctx, today(ctx)),
        JournalEntry.actor_id == ctx.actor.id, JournalEntry.body.contains(f'"{WROTE_OFF}":'),
    )  # fmt: skip
    told = [orjson.loads(body) for body in ctx.session.scalars(query)]
    return sum(entry.get(WROTE_OFF, 0) for entry in told if "approver" not in entry)
