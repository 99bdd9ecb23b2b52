"""The vault of passcodes (rule 62): sealed for one ticket, at this shop alone, looks written down, gone at delivery.

Invariants:
  * A passcode is sealed with a key of its ticket's own, which follows from the shop's key and the ticket; so what was
    sealed for one ticket opens for no other.
  * It stands in no entry, no event and no answer of an action: what an action answers stands in the journal.
  * It is read by whoever may, within minutes of a look of theirs that was written down.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from shopnode.domain.actions import action
from shopnode.domain.context import Context
from shopnode.domain.errors import NotFound, NotPermitted, ShopError
from shopnode.domain.permissions import Permission
from shopnode.domain.queries import row_or_none
from shopnode.domain.repairs.events import tell
from shopnode.domain.repairs.forms import StorePasscode, Ticketed
from shopnode.domain.repairs.models import PasscodeWay, RepairEvent, RepairEventKind, RepairPasscode, RepairTicket
from shopnode.domain.repairs.queries import find_open_ticket, find_ticket
from shopnode.domain.usedphones.models import VaultKey
from shopnode.domain.usedphones.vault import shop_key

KEY_BYTES, NONCE_BYTES = 32, 12
LOOK_LASTS = timedelta(minutes=10)


class NoPasscode(NotFound):
    def __init__(self, number: str):
        super().__init__(f"A passcode for repair {number}")


class PasscodeShut(ShopError):
    """It cannot be opened here: its key is not in these books."""

    code, status = "vault-shut", 409

    def __init__(self) -> None:
        super().__init__("This passcode cannot be opened with the keys that are here. Ask the customer to type it.")


@action("repairs.store_passcode", needs=Permission.REPAIRS_CREATE)
def store_passcode(ctx: Context, form: StorePasscode) -> dict[str, Any]:
    """Seal a passcode that the customer told, in the place of one that was stored before. Raises TicketLocked."""
    ticket = find_open_ticket(ctx, form.ticket_id)
    keep_passcode(ctx, ticket, form.passcode)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id}


@action("repairs.look_at_passcode", needs=Permission.REPAIRS_SEE_PASSCODE)
def look_at_passcode(ctx: Context, form: Ticketed) -> dict[str, Any]:
    """Write down that somebody looks at a passcode; it may be read for some minutes then. Raises NotFound."""
    ticket = find_ticket(ctx, form.ticket_id)
    _find(ctx.session, ticket)
    tell(ctx, ticket, RepairEventKind.PASSCODE_VIEWED)
    ctx.about("repair_ticket", ticket.id)
    return {"ticket_id": ticket.id}


def passcode_of(ctx: Context, ticket_id: str) -> str:
    """The passcode, for whoever looked a moment ago. Raises NotPermitted, NotFound, PasscodeShut."""
    ticket = find_ticket(ctx, ticket_id)
    if not ctx.may(Permission.REPAIRS_SEE_PASSCODE) or not _has_looked(ctx, ticket.id):
        raise NotPermitted("A passcode is shown after a look was written down, to those who may look.")
    try:
        packed = base64.b64decode(_find(ctx.session, ticket).sealed)
        key = row_or_none(ctx.session, VaultKey, packed[:36].decode())
        if key is None or key.key is None:
            raise PasscodeShut
        nonce, locked = packed[36:][:NONCE_BYTES], packed[36 + NONCE_BYTES :]
        return AESGCM(_ticket_key(key, ticket.id)).decrypt(nonce, locked, ticket.id.encode()).decode()
    except (ValueError, IndexError, binascii.Error, InvalidTag):
        raise PasscodeShut from None


def keep_passcode(ctx: Context, ticket: RepairTicket, passcode: str) -> None:
    """Seal it, and tell that it was."""
    key, nonce = shop_key(ctx), ctx.home.random(NONCE_BYTES)
    locked = AESGCM(_ticket_key(key, ticket.id)).encrypt(nonce, passcode.encode(), ticket.id.encode())
    sealed = base64.b64encode(key.id.encode() + nonce + locked).decode()
    row = _find_or_none(ctx.session, ticket.id)
    if row is None:
        row = RepairPasscode(tenant_id=ctx.session.info["tenant_id"], ticket_id=ticket.id)
        ctx.session.add(row)
    row.sealed, row.stored_at = sealed, ctx.now
    ticket.passcode_way = PasscodeWay.STORED.value
    tell(ctx, ticket, RepairEventKind.PASSCODE_STORED)


def _ticket_key(key: VaultKey, ticket_id: str) -> bytes:
    """The key of one ticket: HKDF-SHA256 (RFC 5869) from the shop's key."""
    secret = base64.urlsafe_b64decode((key.key or "") + "=" * (-len(key.key or "") % 4))
    derived: bytes = HKDF(SHA256(), KEY_BYTES, None, b"repair passcode " + ticket_id.encode()).derive(secret)
    return derived


def _find(session: Session, ticket: RepairTicket) -> RepairPasscode:
    row = _find_or_none(session, ticket.id)
    if row is None:
        raise NoPasscode(ticket.number)
    return row


def _find_or_none(session: Session, ticket_id: str) -> RepairPasscode | None:
    return session.scalars(select(RepairPasscode).where(RepairPasscode.ticket_id == ticket_id)).one_or_none()


def _has_looked(ctx: Context, ticket_id: str) -> bool:
    query = select(RepairEvent.id).where(
        RepairEvent.ticket_id == ticket_id, RepairEvent.kind == RepairEventKind.PASSCODE_VIEWED.value,
        # A look that lies ahead was made by a clock that was set on for it: it lasts for no minute.
        RepairEvent.at.between(ctx.now - LOOK_LASTS, ctx.now), RepairEvent.by_id.is_not_distinct_from(ctx.actor.id),
    )  # fmt: skip
    return ctx.session.scalars(query.limit(1)).first() is not None
