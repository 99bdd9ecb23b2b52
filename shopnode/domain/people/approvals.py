"""A second person's own PIN, for one action, now.

Called by the door before it takes the writer: a slow hash must not stand in the way of other counters. The refusal
never says what was wrong, the person or the PIN.
"""

from __future__ import annotations

from shopnode.domain.context import Actor, Approval, Channel, Context
from shopnode.domain.errors import NotPermitted
from shopnode.domain.homes import Home
from shopnode.domain.people.models import StaffPin
from shopnode.domain.people.passwords import verify_secret
from shopnode.domain.people.queries import actor_for
from shopnode.domain.people.throttle import account_key, count_try, forgive_tries


class WrongPin(NotPermitted):
    code = "wrong-pin"

    def __init__(self) -> None:
        super().__init__("The person or the PIN is not right.")


def approver_of(ctx: Context, approval: Approval) -> Actor:
    """The person who entered their PIN. Raises WrongPin or TooManyTries; whether they may approve is not asked here."""
    return prove_by_pin(ctx.home, ctx.channel, approval.staff_id, approval.pin)


def prove_by_pin(home: Home, channel: Channel, staff_id: str, pin: str) -> Actor:
    """The active member of this shop's staff whose PIN this is.

    Raises WrongPin (also where the home keeps no PINs) and TooManyTries.
    """
    if not home.is_shop:
        raise WrongPin
    with home.reading() as session:
        actor = actor_for(session, staff_id, home.shop_id)
        known = session.get(StaffPin, actor.id) if actor else None
    account = account_key("pin", actor.id if actor else None, staff_id)
    count_try(home, account, channel.ip)
    if not verify_secret(known.pin_hash if known else None, pin) or actor is None:
        raise WrongPin
    forgive_tries(home, account, channel.ip)
    return actor
