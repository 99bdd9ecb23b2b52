"""The ways in that a home keeps for a person, and how they are shut: sessions, remembered browsers, keys, the PIN."""

from __future__ import annotations

from sqlalchemy import delete, update

from shopnode.domain.context import Context
from shopnode.domain.people.access_models import ApiKey, RecoveryCode, RememberedDevice, StaffTotp
from shopnode.domain.people.models import StaffPin, WebSession


def end_sessions_of(ctx: Context, staff_id: str) -> None:
    """Sign a person out everywhere at this home; no browser is remembered any more. (The hub's own sessions ask the
    books with each request.)"""
    devices = update(RememberedDevice).where(RememberedDevice.staff_id == staff_id, RememberedDevice.ended_at.is_(None))
    ctx.session.execute(devices.values(ended_at=ctx.now))
    if ctx.home.is_shop:
        open_ones = update(WebSession).where(WebSession.staff_id == staff_id, WebSession.ended_at.is_(None))
        ctx.session.execute(open_ones.values(ended_at=ctx.now))


def take_all_from(ctx: Context, staff_id: str) -> None:
    """Every way in of a person who left for good."""
    end_sessions_of(ctx, staff_id)
    keys = update(ApiKey).where(ApiKey.staff_id == staff_id, ApiKey.revoked_at.is_(None))
    ctx.session.execute(keys.values(revoked_at=ctx.now))
    forget_second_proof(ctx, staff_id)
    if ctx.home.is_shop:
        ctx.session.execute(delete(StaffPin).where(StaffPin.staff_id == staff_id))


def forget_second_proof(ctx: Context, staff_id: str) -> None:
    """The second proof is asked no more, and its recovery codes are good for nothing. (The hub deletes no rows.)"""
    proof = update(StaffTotp).where(StaffTotp.staff_id == staff_id)
    ctx.session.execute(proof.values(confirmed_at=None, secret=""))
    codes = update(RecoveryCode).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    ctx.session.execute(codes.values(used_at=ctx.now))
