"""Whether a phone's number is blocked: one query, asked before a phone is bought, received or sold."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.clock import act_id
from shopnode.domain.errors import Conflict
from shopnode.domain.usedphones.models import BlockedNumber


class PhoneBlocked(Conflict):
    """Reported stolen, or blocked by a network: it is neither bought, nor received, nor sold."""

    code = "phone-blocked"

    def __init__(self, number: str, reason: str):
        super().__init__(f"The phone {number} is blocked: {reason}. Keep it apart and tell the owner.")


def block_id(number: str) -> str:
    """The row of a number: whoever blocks it, in whichever home, writes the same one."""
    return act_id("block", number)


def blocked_or_none(session: Session, numbers: Collection[str]) -> BlockedNumber | None:
    """The block that holds for one of these numbers, as they are kept."""
    if not numbers:
        return None
    query = select(BlockedNumber).where(BlockedNumber.number.in_(numbers), BlockedNumber.lifted_at.is_(None))
    return session.scalars(query.order_by(BlockedNumber.number).limit(1)).first()


def refuse_blocked(session: Session, numbers: Collection[str]) -> None:
    """Raises PhoneBlocked."""
    block = blocked_or_none(session, numbers)
    if block is not None:
        raise PhoneBlocked(block.number, block.reason)
