"""Enrolment codes: typed once, within a quarter of an hour, to make a PC a shop's node.

Twelve signs of 32 are 60 bits of chance. Only a hash is kept; who has read the database cannot enrol.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cloudhub.hub import Hub
from cloudhub.tenancy.models import EnrolCode
from shopnode.domain.clock import to_datetime
from sync_protocol.problems import BadCode

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: nothing that is misread
LENGTH, GROUP = 12, 4
LIFETIME = timedelta(minutes=15)
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Invitation:
    """A code that was found to be good."""

    tenant_id: str
    shop_id: str
    code_hash: str
    node_id: str | None  # who has used it


def make_enrol_code(hub: Hub, tenant_id: str, shop_id: str) -> str:
    """A new code for one PC of this shop."""
    signs = "".join(SIGNS[byte & 31] for byte in hub.random(LENGTH))
    now = to_datetime(hub.clock.wall_ms())
    with hub.database.session(tenant_id) as session:
        session.execute(delete(EnrolCode).where(EnrolCode.expires_at < now - KEPT))
        session.add(
            EnrolCode(
                tenant_id=tenant_id, code_hash=hash_code(signs), shop_id=shop_id, made_at=now, expires_at=now + LIFETIME
            )
        )
    return "-".join(signs[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def find_invitation(hub: Hub, typed: str) -> Invitation:
    """Whose code this is, used or not. Raises BadCode for an unknown or old one, both alike."""
    now = to_datetime(hub.clock.wall_ms())
    wanted = select(EnrolCode.tenant_id, EnrolCode.shop_id, EnrolCode.code_hash, EnrolCode.node_id).where(
        EnrolCode.code_hash == hash_code(typed), EnrolCode.expires_at > now
    )
    with hub.database.gate() as session:
        row = session.execute(wanted).one_or_none()
    if row is None:
        raise BadCode
    return Invitation(row.tenant_id, row.shop_id, row.code_hash, row.node_id)


def use_code(session: Session, invitation: Invitation, node_id: str, now_ms: int) -> None:
    """Use the code up. Raises BadCode when somebody else just did."""
    statement = update(EnrolCode).where(EnrolCode.code_hash == invitation.code_hash, EnrolCode.used_at.is_(None))
    used = session.execute(
        statement.values(used_at=to_datetime(now_ms), node_id=node_id).returning(EnrolCode.code_hash)
    ).one_or_none()
    if used is None:
        raise BadCode


def hash_code(typed: str) -> str:
    """The hash of a code as people type it: case, hyphens and the signs they confuse do not matter."""
    plain = "".join(sign for sign in typed.upper() if sign.isalnum())
    plain = plain.translate(str.maketrans("OIL", "011"))
    return hashlib.sha256(plain.encode()).hexdigest()
