"""The PIN of a person at this counter: chosen, changed, taken away. It never leaves the node, so it is no action.

Two people of one shop never have the same PIN: whoever switches by PIN must be meant by it.
"""

from __future__ import annotations

from sqlalchemy import select

from shopnode.domain.context import Context
from shopnode.domain.errors import Invalid, NotFound, NotPermitted
from shopnode.domain.people.models import StaffPin
from shopnode.domain.people.passwords import check_pin_form, hash_secret, verify_secret
from shopnode.domain.people.queries import actor_for, password_hash_of
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
        others = session.scalars(select(StaffPin.pin_hash).where(StaffPin.staff_id != staff_id)).all()
    if any(verify_secret(other, pin) for other in others):
        raise Invalid({"pin": "cannot be used, choose another"})
    pin_hash = hash_secret(pin)
    with ctx.home.writing() as session:
        session.merge(StaffPin(staff_id=staff_id, pin_hash=pin_hash, set_at=ctx.now))
    forgive_tries(ctx.home, account, ctx.channel.ip)


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
