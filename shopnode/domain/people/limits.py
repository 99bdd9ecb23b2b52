"""How much a role may do alone. The limits are settings; beyond one a second person approves, within their own.

Source: docs/rules/discounts.md (prices) and docs/rules/returns.md (money that goes back, goods that are written off).
"""

from __future__ import annotations

from shopnode.domain.context import Context
from shopnode.domain.permissions import Role
from shopnode.domain.settings.queries import all_numbers


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
    if not refund_within(ctx.actor.role, amount_minor, limits):
        words = f"A refund of {amount_minor:,} is more than you may give alone."
        ctx.require_approval(words, enough=lambda role: refund_within(role, amount_minor, limits))


def write_off_within(role: Role, cost_minor: int, limits: dict[str, int]) -> bool:
    """Whether somebody of this role may write goods of this cost off alone. Staff write nothing off."""
    if role is Role.SUPERVISOR:
        return cost_minor <= limits["write_off_limit_supervisor_minor"]
    return role is Role.OWNER


def check_write_off(ctx: Context, cost_minor: int) -> None:
    """Goods that leave the books as worthless need somebody whose limit they are within.

    Raises ApprovalNeeded, NotPermitted.
    """
    if ctx.actor.role is Role.OWNER:
        return
    limits = all_numbers(ctx.session)
    if not write_off_within(ctx.actor.role, cost_minor, limits):
        words = "Writing goods off needs a second person."
        ctx.require_approval(words, enough=lambda role: write_off_within(role, cost_minor, limits))
