"""The PIN of a person at this counter: chosen, changed, taken away. It never leaves the node, so it is no action.

Two people of one shop never have the same PIN: whoever switches by PIN must be meant by it.
"""

from __future__ import annotations

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound, NotPermitted
from shopnode.domain.people.models import StaffPin
from shopnode.domain.people.passwords import check_pin_form, hash_secret, verify_secret
from shopnode.domain.people.queries import actor_for, names_of, password_hash_of
from shopnode.domain.people.throttle import account_key, count_try, forgive_tries
from shopnode.domain.permissions import Permission


def set_pin(ctx: Context, staff_id: str, pin: str, *, password: str | None = None) -> None:
    """Give a person of this shop a PIN. One's own needs one's password; others' need the permission over staff.

    Raises Invalid, NotPermitted, NotFound, TooManyTries.
    """
    _permit(ctx, staff_id)
    try:
        check_pin_form(pin)
    except ValueError as fault:
        raise Invalid({"pin": str(fault)}) from None
    # Choosing tells whether somebody has this PIN, so it is counted as a try at one.
    account = account_key("pin", ctx.actor.id, "console")
    count_try(ctx.home, account, ctx.channel.ip)
    _prove_oneself(ctx, staff_id, password)
    with ctx.home.reading() as session:
        others = session.execute(
            select(StaffPin.staff_id, StaffPin.pin_hash).where(StaffPin.staff_id != staff_id)
        ).all()
        taken_by = [other_id for other_id, pin_hash in others if verify_secret(pin_hash, pin)]
        names = names_of(session, set(taken_by))
    if taken_by:
        raise Invalid({"pin": _taken(ctx, list(names.values()))})
    pin_hash = hash_secret(pin)
    with ctx.home.writing() as session:
        session.merge(StaffPin(staff_id=staff_id, pin_hash=pin_hash, set_at=ctx.now))
    forgive_tries(ctx.home, account, ctx.channel.ip)


def _taken(ctx: Context, names: list[str]) -> str:
    """Rule 87: it is told that somebody has it. Whose it is, only to who could set that person's PIN anyway."""
    whose = f"{names[0]}'s" if names and ctx.may(Permission.STAFF_UPDATE) else "somebody else's"
    return f"is {whose} at this shop, choose another"


def remove_pin(ctx: Context, staff_id: str) -> None:
    """Take a person's PIN away; they sign in with their password then. Raises NotPermitted, NotFound."""
    _permit(ctx, staff_id)
    with ctx.home.writing() as session:
        kept = session.get(StaffPin, staff_id)
        if kept is not None:
            session.delete(kept)


def _permit(ctx: Context, staff_id: str) -> None:
    if not ctx.home.is_shop:
        raise NotPermitted("A PIN is set at the shop's own counter.")
    if staff_id != ctx.actor.id and not ctx.may(Permission.STAFF_UPDATE):
        raise NotPermitted("You may change your own PIN only.")
    with ctx.home.reading() as session:
        if actor_for(session, staff_id, ctx.home.shop_id) is None:
            raise NotFound("This person")


def _prove_oneself(ctx: Context, staff_id: str, password: str | None) -> None:
    if staff_id != ctx.actor.id or ctx.may(Permission.STAFF_UPDATE):
        return
    with ctx.home.reading() as session:
        stored = password_hash_of(session, staff_id, ctx.home.shop_id)
    if not verify_secret(stored, password or ""):
        raise Invalid({"password": "is not right"})
